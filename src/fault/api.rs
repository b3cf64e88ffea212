//! Which requests a fault can be about, by their API.

use kafka_protocol::messages::ApiKey;

/// Which API a fault is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiFilter {
    /// One of [`ApiFilter::NAMED`].
    Api(ApiKey),
    /// Every request of every API.
    Any,
    /// The opening of a connection.
    Connect,
}

impl ApiFilter {
    /// What a scenario may name, with its name.
    pub const NAMED: &[(&str, Self)] = &[
        ("produce", Self::Api(ApiKey::Produce)),
        ("metadata", Self::Api(ApiKey::Metadata)),
        ("init_producer_id", Self::Api(ApiKey::InitProducerId)),
        ("find_coordinator", Self::Api(ApiKey::FindCoordinator)),
        ("add_partitions_to_txn", Self::Api(ApiKey::AddPartitionsToTxn)),
        ("add_offsets_to_txn", Self::Api(ApiKey::AddOffsetsToTxn)),
        ("txn_offset_commit", Self::Api(ApiKey::TxnOffsetCommit)),
        ("end_txn", Self::Api(ApiKey::EndTxn)),
        ("api_versions", Self::Api(ApiKey::ApiVersions)),
        ("connect", Self::Connect),
        ("any", Self::Any),
    ];

    /// What has that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMED.iter().find(|(known, _)| *known == name).map(|(_, api)| *api)
    }

    /// Its name; none for an API that a scenario cannot name.
    pub fn name(self) -> Option<&'static str> {
        Self::NAMED.iter().find(|(_, api)| *api == self).map(|(name, _)| *name)
    }

    /// Whether it covers a request of that API, or the opening of a connection (none).
    pub fn covers(self, api: Option<ApiKey>) -> bool {
        match self {
            Self::Api(own) => api == Some(own),
            Self::Any => api.is_some(),
            Self::Connect => api.is_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_stands_for_one_api() {
        for (name, api) in ApiFilter::NAMED {
            assert_eq!(ApiFilter::named(name), Some(*api));
            assert_eq!(api.name(), Some(*name));
        }
        assert_eq!(ApiFilter::named("fetch"), None);
    }

    #[test]
    fn any_is_every_request_and_no_connection() {
        assert!(ApiFilter::Any.covers(Some(ApiKey::Fetch)) && !ApiFilter::Any.covers(None));
        assert!(ApiFilter::Connect.covers(None) && !ApiFilter::Connect.covers(Some(ApiKey::Produce)));
    }
}
