//! The topics of the brokers themselves: they are created when somebody asks who coordinates, or for their metadata
//! (`KafkaApis.getCoordinator`, `AutoTopicCreationManager.creatableTopic`). What the coordinators know is not written to
//! them.

/// The offsets of groups (`Topic.GROUP_METADATA_TOPIC_NAME`).
pub(in crate::broker) const OFFSETS: &str = "__consumer_offsets";
/// What the coordinators of transactions know (`Topic.TRANSACTION_STATE_TOPIC_NAME`).
pub(in crate::broker) const TRANSACTIONS: &str = "__transaction_state";
/// What the coordinators of share groups know (`Topic.SHARE_GROUP_STATE_TOPIC_NAME`).
const SHARES: &str = "__share_group_state";
/// `offsets.topic.num.partitions`, `transaction.state.log.num.partitions`.
pub(in crate::broker) const PARTITIONS: u8 = 50;
/// `offsets.topic.replication.factor`, `transaction.state.log.replication.factor`.
const REPLICAS: usize = 3;
/// `transaction.state.log.min.isr`.
const MIN_IN_SYNC: usize = 2;

/// Whether a topic of that name belongs to the brokers themselves (`Topic.INTERNAL_TOPICS`).
pub(in crate::broker) fn is_internal(name: &str) -> bool {
    [OFFSETS, TRANSACTIONS, SHARES].contains(&name)
}

/// What a topic has that is created because somebody needs it.
#[derive(Debug, Default)]
pub(in crate::broker) struct Plan {
    /// How many partitions.
    pub partitions: usize,
    /// How many replicas each of them has.
    pub replicas: usize,
    /// Its settings.
    pub settings: Vec<(String, String)>,
}

impl Plan {
    /// That for a topic of that name on so many brokers; none if it is not created: no share groups are served. A
    /// cluster of one or two brokers would have no coordinators at all, had it not been given smaller numbers.
    pub(in crate::broker) fn of(name: &str, brokers: usize) -> Option<Self> {
        let replicas = REPLICAS.min(brokers);
        let in_sync = MIN_IN_SYNC.min(replicas).to_string();
        let settings: &[(&str, &str)] = match name {
            OFFSETS => &[
                ("cleanup.policy", "compact"),
                ("compression.type", "producer"),
                ("segment.bytes", "104857600"),
            ],
            TRANSACTIONS => &[
                ("unclean.leader.election.enable", "false"),
                ("compression.type", "uncompressed"),
                ("cleanup.policy", "compact"),
                ("min.insync.replicas", &in_sync),
                ("segment.bytes", "104857600"),
            ],
            SHARES => return None,
            _ => return Some(Self { partitions: 1, replicas: 1, settings: vec![] }),
        };
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Some(Self { partitions: PARTITIONS.into(), replicas, settings: settings.collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::node::emulate::Emulate;
    use crate::broker::topic::config::TopicConfig;

    #[test]
    fn what_is_planned_can_be_created() {
        for (name, brokers, expected) in [
            (OFFSETS, 1, (50, 1, 1)),
            (TRANSACTIONS, 1, (50, 1, 1)),
            (TRANSACTIONS, 5, (50, 3, 2)),
            ("a", 3, (1, 1, 1)),
        ] {
            let plan = Plan::of(name, brokers).unwrap();
            let settings = plan.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let config = TopicConfig::read(Emulate::V4_3, settings).unwrap();
            assert_eq!((plan.partitions, plan.replicas, config.min_insync_replicas), expected);
            assert_eq!(config.compacted, is_internal(name));
        }
        assert!(is_internal(SHARES) && Plan::of(SHARES, 3).is_none());
    }
}
