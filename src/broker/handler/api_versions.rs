//! `ApiVersions`: what the broker speaks.

use std::ops::RangeInclusive;

use kafka_protocol::messages::api_versions_response::{ApiVersion, FinalizedFeatureKey, SupportedFeatureKey};
use kafka_protocol::messages::{ApiKey, ApiVersionsRequest, ApiVersionsResponse};
use kafka_protocol::protocol::StrBytes;

use crate::broker::node::Node;
use crate::broker::node::emulate::Emulate;
use crate::kafka::{APIS, Api, ErrorCode};

/// A feature with the lowest and the highest level, and the level on which a new cluster has agreed (`Feature`,
/// `MetadataVersion`); none for one of its controllers alone.
type Feature = (&'static str, i16, i16, Option<i16>);

/// What Apache Kafka 4.3.1 knows.
const FEATURES: [Feature; 7] = [
    ("eligible.leader.replicas.version", 0, 1, Some(1)),
    ("group.version", 0, 1, Some(1)),
    ("kraft.version", 0, 1, None),
    ("metadata.version", 7, 30, Some(30)),
    ("share.version", 0, 1, Some(1)),
    ("streams.version", 0, 1, Some(1)),
    ("transaction.version", 0, 2, Some(2)),
];
/// What Apache Kafka 3.9.1 knows.
const FEATURES_OF_3_9: [Feature; 2] = [("kraft.version", 0, 1, None), ("metadata.version", 1, 21, Some(21))];
/// The first version that can say a lowest level of 0 (KIP-584).
const WITH_LEVEL_0: i16 = 4;

/// What Apache Kafka 3.9.1 advertises, where it is not what 4.3.1 does.
const IN_3_9: [(ApiKey, i16, i16); 10] = [
    (ApiKey::Produce, 0, 11),
    (ApiKey::Fetch, 0, 17),
    (ApiKey::ListOffsets, 0, 9),
    (ApiKey::Metadata, 0, 12),
    (ApiKey::CreateTopics, 0, 7),
    (ApiKey::DeleteTopics, 0, 6),
    (ApiKey::EndTxn, 0, 4),
    (ApiKey::TxnOffsetCommit, 0, 4),
    (ApiKey::DescribeConfigs, 0, 4),
    (ApiKey::DescribeCluster, 0, 1),
];

/// The versions that a release advertises.
fn advertised(emulate: Emulate, api: &Api) -> RangeInclusive<i16> {
    let old = IN_3_9.iter().find(|(key, ..)| emulate == Emulate::V3_9 && *key == api.key);
    old.map_or_else(|| api.advertised(), |(_, first, last)| *first..=*last)
}

/// Whether a release knows a version that can be decoded.
pub(super) fn knows(emulate: Emulate, api: &Api, version: i16) -> bool {
    advertised(emulate, api).contains(&version)
}

pub(super) fn handle(node: &Node, version: i16, request: &ApiVersionsRequest) -> ApiVersionsResponse {
    let named = is_name(&request.client_software_name) && is_name(&request.client_software_version);
    if version >= 3 && !named {
        return ApiVersionsResponse::default().with_error_code(ErrorCode::INVALID_REQUEST.0);
    }
    let response = ApiVersionsResponse::default()
        .with_api_keys(APIS.iter().map(|api| row(node.cluster.emulate, api)).collect());
    if version < 3 {
        return response;
    }
    let modern = node.cluster.emulate >= Emulate::V4_3;
    let features: &[Feature] = if modern { &FEATURES } else { &FEATURES_OF_3_9 };
    let supported = features.iter().filter(|(_, lowest, ..)| *lowest > 0 || version >= WITH_LEVEL_0);
    let finalized = features.iter().filter_map(|(name, _, _, level)| Some((name, (*level)?)));
    response
        .with_supported_features(supported.map(supported_feature).collect())
        .with_finalized_features(finalized.map(finalized_feature).collect())
        .with_finalized_features_epoch(0)
}

fn supported_feature((name, lowest, highest, _): &Feature) -> SupportedFeatureKey {
    SupportedFeatureKey::default()
        .with_name(StrBytes::from_static_str(name))
        .with_min_version(*lowest)
        .with_max_version(*highest)
}

fn finalized_feature((name, level): (&&'static str, i16)) -> FinalizedFeatureKey {
    FinalizedFeatureKey::default()
        .with_name(StrBytes::from_static_str(name))
        .with_min_version_level(level)
        .with_max_version_level(level)
}

/// The answer to a version that we do not speak: its own range, and nothing else.
pub(super) fn unsupported(emulate: Emulate) -> ApiVersionsResponse {
    let own = APIS.iter().filter(|api| api.key == ApiKey::ApiVersions);
    ApiVersionsResponse::default()
        .with_error_code(ErrorCode::UNSUPPORTED_VERSION.0)
        .with_api_keys(own.map(|api| row(emulate, api)).collect())
}

fn row(emulate: Emulate, api: &Api) -> ApiVersion {
    let advertised = advertised(emulate, api);
    ApiVersion::default()
        .with_api_key(api.key as i16)
        .with_min_version(*advertised.start())
        .with_max_version(*advertised.end())
}

/// Letters and digits, with `-` and `.` between them (`ApiVersionsRequest.isValid`, KIP-511).
fn is_name(text: &str) -> bool {
    let alphanumeric = |byte: &u8| byte.is_ascii_alphanumeric();
    match text.as_bytes() {
        [] => false,
        [first, .., last] => {
            alphanumeric(first)
                && alphanumeric(last)
                && text.bytes().all(|byte| alphanumeric(&byte) || [b'-', b'.'].contains(&byte))
        }
        [only] => alphanumeric(only),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::broker::connection::wire::{Bench, metadata};
    use crate::kafka::decode_response;

    fn ranges(response: &ApiVersionsResponse) -> Vec<(i16, i16, i16)> {
        response.api_keys.iter().map(|row| (row.api_key, row.min_version, row.max_version)).collect()
    }

    fn named(name: &'static str, version: &'static str) -> ApiVersionsRequest {
        ApiVersionsRequest::default()
            .with_client_software_name(StrBytes::from_static_str(name))
            .with_client_software_version(StrBytes::from_static_str(version))
    }

    #[tokio::test]
    async fn every_version_tells_what_is_advertised() {
        let mut client = Bench::new("orders", &[]).connect_alone();
        for version in 0..=4 {
            let request =
                if version >= 3 { named("lib-rd.kafka", "2.12.1") } else { ApiVersionsRequest::default() };
            let response = client.call(version, &request).await;
            assert_eq!((response.error_code, ranges(&response).len()), (0, APIS.len()), "v{version}");
            assert_eq!(ranges(&response)[0], (0, 0, 13), "Produce from 0, though 0 to 2 are not served");
        }
    }

    #[tokio::test]
    async fn an_older_release_advertises_less_and_closes_on_what_is_newer_or_too_old() {
        let bench = || Bench::emulating(Emulate::V3_9);
        let response = bench().connect_alone().call(0, &ApiVersionsRequest::default()).await;
        let found = ranges(&response);
        for expected in [(0, 0, 11), (1, 0, 17), (2, 0, 9), (3, 0, 12), (19, 0, 7), (20, 0, 6), (32, 0, 4)] {
            assert!(found.contains(&expected), "{expected:?}");
        }
        let mut client = bench().connect_alone();
        assert!(client.try_call(12, &metadata(&["orders"])).await.is_some());
        assert!(client.try_call(13, &metadata(&["orders"])).await.is_none(), "there is no version 13");
        let produce_v2 = [0, 0, 0, 2, 0, 0, 0, 1, 0xFF, 0xFF, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        assert!(bench().connect_alone().raw(&produce_v2).await.is_none(), "it cannot be decoded");
    }

    #[tokio::test]
    async fn a_version_from_the_future_is_refused_in_the_oldest_form_and_the_connection_stays() {
        let mut client = Bench::new("orders", &[]).connect_alone();
        for version in [5_i16, i16::MAX, -1] {
            let mut frame = vec![0, 18];
            frame.extend(version.to_be_bytes());
            frame.extend([0, 0, 0, 9, 0xFF, 0xFF, 0]);
            let answer: Bytes = client.raw(&frame).await.unwrap();
            let response = decode_response::<ApiVersionsRequest>(answer, 0, 9).unwrap();
            assert_eq!(ErrorCode(response.error_code), ErrorCode::UNSUPPORTED_VERSION);
            assert_eq!(ranges(&response), [(18, 0, 4)]);
        }
        assert_eq!(client.call(0, &ApiVersionsRequest::default()).await.error_code, 0);
    }

    #[tokio::test]
    async fn a_client_without_a_proper_name_is_refused() {
        let mut client = Bench::new("orders", &[]).connect_alone();
        for (name, version) in [("", "1"), ("a", ""), ("-a", "1"), ("a", "1."), ("a b", "1")] {
            let response = client.call(3, &named(name, version)).await;
            assert_eq!(ErrorCode(response.error_code), ErrorCode::INVALID_REQUEST);
            assert!(response.api_keys.is_empty());
        }
        assert_eq!(client.call(3, &named("a", "1")).await.error_code, 0);
    }
}
