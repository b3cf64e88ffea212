//! `ApiVersions`: what the broker speaks.

use kafka_protocol::messages::api_versions_response::{ApiVersion, FinalizedFeatureKey, SupportedFeatureKey};
use kafka_protocol::messages::{ApiKey, ApiVersionsRequest, ApiVersionsResponse};
use kafka_protocol::protocol::StrBytes;

use crate::broker::node::Node;
use crate::broker::node::emulate::Emulate;
use crate::kafka::{APIS, Api, ErrorCode};

/// The features that a new cluster of Apache Kafka 4.3.1 knows, with the lowest and the highest level, and the level on
/// which it has agreed (`Feature`, `MetadataVersion`); none for one of its controllers alone.
const FEATURES: [(&str, i16, i16, Option<i16>); 7] = [
    ("eligible.leader.replicas.version", 0, 1, Some(1)),
    ("group.version", 0, 1, Some(1)),
    ("kraft.version", 0, 1, None),
    ("metadata.version", 7, 30, Some(30)),
    ("share.version", 0, 1, Some(1)),
    ("streams.version", 0, 1, Some(1)),
    ("transaction.version", 0, 2, Some(2)),
];
/// The first version that can say a lowest level of 0 (KIP-584).
const WITH_LEVEL_0: i16 = 4;

pub(super) fn handle(node: &Node, version: i16, request: &ApiVersionsRequest) -> ApiVersionsResponse {
    let named = is_name(&request.client_software_name) && is_name(&request.client_software_version);
    if version >= 3 && !named {
        return ApiVersionsResponse::default().with_error_code(ErrorCode::INVALID_REQUEST.0);
    }
    let response = ApiVersionsResponse::default().with_api_keys(served().map(row).collect());
    if version < 3 || node.cluster.emulate < Emulate::V4_3 {
        return response;
    }
    let supported = FEATURES.iter().filter(|(_, lowest, ..)| *lowest > 0 || version >= WITH_LEVEL_0);
    let finalized = FEATURES.iter().filter_map(|(name, _, _, level)| Some((name, (*level)?)));
    response
        .with_supported_features(supported.map(supported_feature).collect())
        .with_finalized_features(finalized.map(finalized_feature).collect())
        .with_finalized_features_epoch(0)
}

fn supported_feature(
    (name, lowest, highest, _): &(&'static str, i16, i16, Option<i16>),
) -> SupportedFeatureKey {
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
pub(super) fn unsupported() -> ApiVersionsResponse {
    let own = APIS.iter().filter(|api| api.key == ApiKey::ApiVersions);
    ApiVersionsResponse::default()
        .with_error_code(ErrorCode::UNSUPPORTED_VERSION.0)
        .with_api_keys(own.map(row).collect())
}

fn served() -> impl Iterator<Item = &'static Api> {
    APIS.iter().filter(|api| !api.advertised().is_empty())
}

fn row(api: &Api) -> ApiVersion {
    let advertised = api.advertised();
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
    use crate::broker::connection::wire::Bench;
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
            assert_eq!((response.error_code, ranges(&response).len()), (0, served().count()), "v{version}");
            assert_eq!(ranges(&response)[0], (0, 0, 13), "Produce from 0, though 0 to 2 are not served");
        }
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
