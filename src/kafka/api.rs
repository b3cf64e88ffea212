//! The APIs that we speak: keys, versions and shapes, in one table.

use std::ops::RangeInclusive;

use kafka_protocol::messages::ApiKey;

use crate::kafka::shape::{self, Struct};

/// One API of the protocol.
#[derive(Debug)]
pub struct Api {
    /// Its number and name.
    pub key: ApiKey,
    /// The versions that an embedded broker tells its clients, as Apache Kafka 4.3.1 does.
    advertised: (i16, i16),
    /// The versions that can be encoded and decoded.
    served: (i16, i16),
    /// The first version with compact lengths and tagged fields.
    first_flexible: i16,
    /// What a request looks like.
    pub request: &'static Struct,
    /// What an answer looks like.
    pub response: &'static Struct,
}

/// Every API, in the order of the keys.
///
/// Produce is advertised from 0, though 0 to 2 are not served: that is what Apache Kafka does, since clients on
/// librdkafka would otherwise take the broker for one without compression
/// (`ApiKeys.PRODUCE_API_VERSIONS_RESPONSE_MIN_VERSION`).
pub static APIS: [Api; 17] = [
    Api {
        key: ApiKey::Produce,
        advertised: (0, 13),
        served: (3, 13),
        first_flexible: 9,
        request: &shape::PRODUCE_REQUEST,
        response: &shape::PRODUCE_RESPONSE,
    },
    Api {
        key: ApiKey::Fetch,
        advertised: (4, 18),
        served: (4, 18),
        first_flexible: 12,
        request: &shape::FETCH_REQUEST,
        response: &shape::FETCH_RESPONSE,
    },
    Api {
        key: ApiKey::ListOffsets,
        advertised: (1, 11),
        served: (1, 11),
        first_flexible: 6,
        request: &shape::LIST_OFFSETS_REQUEST,
        response: &shape::LIST_OFFSETS_RESPONSE,
    },
    Api {
        key: ApiKey::Metadata,
        advertised: (0, 13),
        served: (0, 13),
        first_flexible: 9,
        request: &shape::METADATA_REQUEST,
        response: &shape::METADATA_RESPONSE,
    },
    Api {
        key: ApiKey::FindCoordinator,
        advertised: (0, 6),
        served: (0, 6),
        first_flexible: 3,
        request: &shape::FIND_COORDINATOR_REQUEST,
        response: &shape::FIND_COORDINATOR_RESPONSE,
    },
    Api {
        key: ApiKey::SaslHandshake,
        advertised: (0, 1),
        served: (0, 1),
        // It never became flexible.
        first_flexible: i16::MAX,
        request: &shape::SASL_HANDSHAKE_REQUEST,
        response: &shape::SASL_HANDSHAKE_RESPONSE,
    },
    Api {
        key: ApiKey::ApiVersions,
        advertised: (0, 4),
        served: (0, 4),
        first_flexible: 3,
        request: &shape::API_VERSIONS_REQUEST,
        response: &shape::API_VERSIONS_RESPONSE,
    },
    Api {
        key: ApiKey::CreateTopics,
        advertised: (2, 7),
        served: (2, 7),
        first_flexible: 5,
        request: &shape::CREATE_TOPICS_REQUEST,
        response: &shape::CREATE_TOPICS_RESPONSE,
    },
    Api {
        key: ApiKey::DeleteTopics,
        advertised: (1, 6),
        served: (1, 6),
        first_flexible: 4,
        request: &shape::DELETE_TOPICS_REQUEST,
        response: &shape::DELETE_TOPICS_RESPONSE,
    },
    Api {
        key: ApiKey::InitProducerId,
        advertised: (0, 5),
        served: (0, 5),
        first_flexible: 2,
        request: &shape::INIT_PRODUCER_ID_REQUEST,
        response: &shape::INIT_PRODUCER_ID_RESPONSE,
    },
    Api {
        key: ApiKey::AddPartitionsToTxn,
        advertised: (0, 5),
        served: (0, 5),
        first_flexible: 3,
        request: &shape::ADD_PARTITIONS_TO_TXN_REQUEST,
        response: &shape::ADD_PARTITIONS_TO_TXN_RESPONSE,
    },
    Api {
        key: ApiKey::AddOffsetsToTxn,
        advertised: (0, 4),
        served: (0, 4),
        first_flexible: 3,
        request: &shape::ADD_OFFSETS_TO_TXN_REQUEST,
        response: &shape::ADD_OFFSETS_TO_TXN_RESPONSE,
    },
    Api {
        key: ApiKey::EndTxn,
        advertised: (0, 5),
        served: (0, 5),
        first_flexible: 3,
        request: &shape::END_TXN_REQUEST,
        response: &shape::END_TXN_RESPONSE,
    },
    Api {
        key: ApiKey::TxnOffsetCommit,
        advertised: (0, 5),
        served: (0, 5),
        first_flexible: 3,
        request: &shape::TXN_OFFSET_COMMIT_REQUEST,
        response: &shape::TXN_OFFSET_COMMIT_RESPONSE,
    },
    Api {
        key: ApiKey::DescribeConfigs,
        advertised: (1, 4),
        served: (1, 4),
        first_flexible: 4,
        request: &shape::DESCRIBE_CONFIGS_REQUEST,
        response: &shape::DESCRIBE_CONFIGS_RESPONSE,
    },
    Api {
        key: ApiKey::SaslAuthenticate,
        advertised: (0, 2),
        served: (0, 2),
        first_flexible: 2,
        request: &shape::SASL_AUTHENTICATE_REQUEST,
        response: &shape::SASL_AUTHENTICATE_RESPONSE,
    },
    Api {
        key: ApiKey::DescribeCluster,
        advertised: (0, 2),
        served: (0, 2),
        first_flexible: 0,
        request: &shape::DESCRIBE_CLUSTER_REQUEST,
        response: &shape::DESCRIBE_CLUSTER_RESPONSE,
    },
];

impl Api {
    /// The API with that key as it stands on the wire.
    pub fn from_key(key: i16) -> Option<&'static Self> {
        APIS.iter().find(|api| api.key as i16 == key)
    }

    /// The versions that an embedded broker advertises.
    pub fn advertised(&self) -> RangeInclusive<i16> {
        self.advertised.0..=self.advertised.1
    }

    /// The versions that can be spoken.
    pub fn served(&self) -> RangeInclusive<i16> {
        self.served.0..=self.served.1
    }

    /// The version that looks the same on the wire and that `kafka-protocol` knows: it does not know `ListOffsets` 11,
    /// which brought a new meaning of an old field (KIP-1023).
    pub fn form(&self, version: i16) -> i16 {
        if self.key == ApiKey::ListOffsets { version.min(10) } else { version }
    }

    /// Whether lengths are compact in that version, and tagged fields follow each struct.
    pub fn is_flexible(&self, version: i16) -> bool {
        version >= self.first_flexible
    }

    /// The version of the header in front of a request, 1 or 2.
    pub fn request_header_version(&self, version: i16) -> i16 {
        if self.is_flexible(version) { 2 } else { 1 }
    }

    /// The version of the header in front of an answer, 0 or 1. It is always 0 for `ApiVersions`, so that a client
    /// that asked with a version from the future can read the refusal (KIP-511).
    pub fn response_header_version(&self, version: i16) -> i16 {
        i16::from(self.is_flexible(version) && self.key != ApiKey::ApiVersions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headers_are_those_of_the_protocol() {
        for api in &APIS {
            for version in api.served() {
                assert_eq!(
                    api.request_header_version(version),
                    api.key.request_header_version(api.form(version)),
                    "{api:?}"
                );
                assert_eq!(
                    api.response_header_version(version),
                    api.key.response_header_version(api.form(version)),
                    "{api:?}"
                );
            }
        }
    }

    #[test]
    fn every_served_version_can_be_decoded() {
        for api in &APIS {
            let known = api.key.valid_versions();
            assert!(
                *api.served().start() >= known.min && api.form(*api.served().end()) <= known.max,
                "{api:?}"
            );
        }
    }

    #[test]
    fn the_advertised_versions_are_those_of_kafka_4_3_1() {
        let table: Vec<_> = APIS
            .iter()
            .map(|api| (api.key as i16, *api.advertised().start(), *api.advertised().end()))
            .collect();
        assert_eq!(
            table,
            [
                (0, 0, 13),
                (1, 4, 18),
                (2, 1, 11),
                (3, 0, 13),
                (10, 0, 6),
                (17, 0, 1),
                (18, 0, 4),
                (19, 2, 7),
                (20, 1, 6),
                (22, 0, 5),
                (24, 0, 5),
                (25, 0, 4),
                (26, 0, 5),
                (28, 0, 5),
                (32, 1, 4),
                (36, 0, 2),
                (60, 0, 2)
            ],
        );
    }

    #[test]
    fn a_key_leads_to_its_api_and_an_unknown_one_nowhere() {
        assert!(APIS.iter().all(|api| std::ptr::eq(Api::from_key(api.key as i16).unwrap(), api)));
        assert!(Api::from_key(-1).is_none());
        assert!(Api::from_key(71).is_none(), "telemetry is not offered");
    }
}
