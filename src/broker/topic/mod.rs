//! The topics of a cluster: what may become one, and which there are.

pub(super) mod config;
pub(super) mod describe;
pub(super) mod internal;
mod partitions;
pub(super) mod rule;

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, MutexGuard};

use thiserror::Error;
use uuid::{Builder, Uuid};

use crate::broker::node::emulate::Emulate;
use crate::broker::partition::Partition;
use crate::broker::topic::config::TopicConfig;
use crate::id::BrokerId;
use crate::kafka::ErrorCode;

use partitions::Partitions;

/// The longest name (`Topic.MAX_NAME_LENGTH`).
const MAX_NAME: usize = 249;
/// The most partitions that one request may create (`ReplicationControlManager.MAX_PARTITIONS_PER_BATCH`).
pub(super) const MAX_PARTITIONS: i32 = 10_000;
/// The most records that the controller writes at once (`QuorumController.MAX_RECORDS_PER_USER_OP`).
pub(super) const MAX_RECORDS: usize = 10_000;
/// The log of the controllers (`Topic.CLUSTER_METADATA_TOPIC_NAME`).
const METADATA: &str = "__cluster_metadata";

/// Why a topic cannot be created, as Apache Kafka answers it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct TopicError {
    /// The code.
    pub code: ErrorCode,
    /// The words.
    pub message: String,
}

impl TopicError {
    pub(super) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// A topic to be created.
#[derive(Clone, Debug)]
pub(super) struct NewTopic {
    /// Its name.
    pub name: String,
    /// The replicas of each partition, the preferred leader first.
    pub replicas: Vec<Vec<BrokerId>>,
    /// Its settings as written.
    pub settings: Vec<(String, String)>,
}

/// A topic.
#[derive(Debug)]
pub(super) struct Topic {
    /// Its name.
    pub name: String,
    /// Its id, never used again.
    pub id: Uuid,
    /// What its settings mean.
    pub config: TopicConfig,
    /// Its settings as written.
    pub settings: Vec<(String, String)>,
    partitions: Partitions,
}

impl Topic {
    /// How many partitions it has.
    pub(super) fn partition_count(&self) -> usize {
        self.partitions.count()
    }

    /// A partition, locked; none if there is none of that number.
    pub(super) fn partition(&self, index: i32) -> Option<MutexGuard<'_, Partition>> {
        self.partitions.get(usize::try_from(index).ok()?)
    }

    /// All partitions, each locked while it is looked at.
    pub(super) fn partitions(&self) -> impl Iterator<Item = MutexGuard<'_, Partition>> {
        self.partitions.all()
    }

    /// Adds the partitions that it lacks of these, each with its replicas, on brokers of which some run.
    pub(super) fn grow(&self, replicas: &[Vec<BrokerId>], runs: impl Fn(BrokerId) -> bool) {
        let more = replicas.get(self.partition_count()..).unwrap_or_default();
        self.partitions.grow(more.iter().map(|brokers| Partition::new(brokers, &runs)));
    }

    /// What it would take to create it once more.
    pub(super) fn anew(&self) -> NewTopic {
        let replicas = self.partitions().map(|partition| partition.replicas()).collect();
        NewTopic { name: self.name.clone(), replicas, settings: self.settings.clone() }
    }

    /// Whether it belongs to the brokers themselves.
    pub(super) fn is_internal(&self) -> bool {
        internal::is_internal(&self.name)
    }
}

/// The topics of a cluster.
#[derive(Debug, Default)]
pub(super) struct Topics {
    emulate: Emulate,
    by_name: BTreeMap<String, Arc<Topic>>,
    by_id: HashMap<Uuid, Arc<Topic>>,
    /// Names by the name with each `.` as `_`, which is what metrics make of it.
    by_metric: HashMap<String, BTreeSet<String>>,
    /// How many ids have been given.
    created: u64,
}

impl Topics {
    /// No topics yet, and the rules of a release for those that come.
    pub(super) fn of(emulate: Emulate) -> Self {
        Self { emulate, ..Self::default() }
    }

    /// The topic of that name.
    pub(super) fn named(&self, name: &str) -> Option<Arc<Topic>> {
        self.by_name.get(name).cloned()
    }

    /// The topic with that id.
    pub(super) fn with_id(&self, id: Uuid) -> Option<Arc<Topic>> {
        self.by_id.get(&id).cloned()
    }

    /// All topics, by name.
    pub(super) fn all(&self) -> Vec<Arc<Topic>> {
        self.by_name.values().cloned().collect()
    }

    /// Whether a topic could be created.
    pub(super) fn check(&self, name: &str, settings: &[(String, String)]) -> Result<TopicConfig, TopicError> {
        if name == METADATA {
            let message = format!("Creation of internal topic {METADATA} is prohibited.");
            return Err(TopicError::new(ErrorCode::INVALID_REQUEST, message));
        }
        check_name(name)?;
        if self.by_name.contains_key(name) {
            let message = format!("Topic '{name}' already exists.");
            return Err(TopicError::new(ErrorCode::TOPIC_ALREADY_EXISTS, message));
        }
        if let Some(other) = self.by_metric.get(&metric(name)).and_then(BTreeSet::first) {
            let message = format!("Topic '{name}' collides with existing topic: {other}");
            return Err(TopicError::new(ErrorCode::INVALID_TOPIC_EXCEPTION, message));
        }
        let settings = settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        TopicConfig::read(self.emulate, settings)
            .map_err(|error| TopicError::new(ErrorCode::INVALID_CONFIG, error.to_string()))
    }

    /// Creates a topic, on brokers of which some run.
    pub(super) fn create(
        &mut self,
        new: NewTopic,
        runs: impl Fn(BrokerId) -> bool,
    ) -> Result<Arc<Topic>, TopicError> {
        let config = self.check(&new.name, &new.settings)?;
        Ok(self.add(new, config, runs))
    }

    /// Creates a topic that has been checked. Those of one request are checked together: they collide with topics that
    /// were there before, not with each other.
    pub(super) fn add(
        &mut self,
        new: NewTopic,
        config: TopicConfig,
        runs: impl Fn(BrokerId) -> bool,
    ) -> Arc<Topic> {
        let partitions = Partitions::new(new.replicas.iter().map(|brokers| Partition::new(brokers, &runs)));
        let id = self.new_id();
        let topic = Topic { name: new.name, id, config, settings: new.settings, partitions };
        let topic = Arc::new(topic);
        self.by_name.insert(topic.name.clone(), Arc::clone(&topic));
        self.by_id.insert(topic.id, Arc::clone(&topic));
        self.by_metric.entry(metric(&topic.name)).or_default().insert(topic.name.clone());
        topic
    }

    /// An id that no topic has had.
    pub(super) fn new_id(&mut self) -> Uuid {
        self.created += 1;
        topic_id(self.created)
    }

    /// Deletes a topic. Whoever still has it finds its partitions deleted, and its id is never used again.
    pub(super) fn delete(&mut self, name: &str) -> Option<Arc<Topic>> {
        let topic = self.by_name.remove(name)?;
        self.by_id.remove(&topic.id);
        if let Entry::Occupied(mut names) = self.by_metric.entry(metric(name)) {
            names.get_mut().remove(name);
            if names.get().is_empty() {
                names.remove();
            }
        }
        for mut partition in topic.partitions() {
            partition.delete();
        }
        Some(topic)
    }
}

fn metric(name: &str) -> String {
    name.replace('.', "_")
}

/// The id of the n-th topic: random to look at, the same in every run.
fn topic_id(n: u64) -> Uuid {
    let [high, low] = [2 * n, 2 * n + 1].map(mixed);
    Builder::from_random_bytes(((u128::from(high) << 64) | u128::from(low)).to_be_bytes()).into_uuid()
}

/// The n-th number of `SplitMix64`.
fn mixed(n: u64) -> u64 {
    let z = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// `Topic.validate`.
pub(super) fn check_name(name: &str) -> Result<(), TopicError> {
    let legal = |c: char| c.is_ascii_alphanumeric() || ['.', '_', '-'].contains(&c);
    let reason = match name {
        "" => "the empty string is not allowed".to_owned(),
        "." | ".." => format!("'{name}' is not allowed"),
        _ if name.len() > MAX_NAME => {
            format!("the length of '{name}' is longer than the max allowed length {MAX_NAME}")
        }
        _ if !name.chars().all(legal) => format!(
            "'{name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"
        ),
        _ => return Ok(()),
    };
    Err(TopicError::new(ErrorCode::INVALID_TOPIC_EXCEPTION, format!("Topic name is invalid: {reason}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(name: &str) -> NewTopic {
        let replicas = vec![vec![BrokerId(1)]; 2];
        NewTopic { name: name.to_owned(), replicas, settings: vec![] }
    }

    #[test]
    fn a_topic_is_found_by_its_name_and_its_id() {
        let mut topics = Topics::default();
        let orders = topics.create(new("orders"), |_| true).unwrap();
        let others = topics.create(new("others"), |_| true).unwrap();
        assert_ne!(orders.id, others.id);
        assert_eq!(orders.id.get_version_num(), 4);
        assert_eq!(topics.named("orders").unwrap().id, orders.id);
        assert_eq!(topics.with_id(others.id).unwrap().name, "others");
        assert!(topics.with_id(Uuid::nil()).is_none());
        assert_eq!(orders.partition_count(), 2);
        assert!(orders.partition(1).is_some());
        assert!(orders.partition(2).is_none() && orders.partition(-1).is_none());
    }

    #[test]
    fn a_deleted_topic_is_gone_and_its_name_is_free_for_one_with_another_id() {
        let mut topics = Topics::default();
        let first = topics.create(new("a.b"), |_| true).unwrap();
        assert!(topics.delete("a_b").is_none());
        assert_eq!(topics.delete("a.b").unwrap().id, first.id);
        assert!(topics.named("a.b").is_none() && topics.with_id(first.id).is_none());
        let gone = first.partition(0).unwrap().check_leader(BrokerId(1), -1);
        assert_eq!(gone, Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION));
        let again = topics.create(first.anew(), |_| true).unwrap();
        assert_eq!((again.partition_count(), again.id == first.id), (2, false));
    }

    #[test]
    fn names_are_those_that_apache_kafka_takes() {
        for name in ["a", "__consumer_offsets", "a.b-c_D9", &"x".repeat(249)] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        for name in ["", ".", "..", "a b", "a/b", "ä", "a:b", &"x".repeat(250)] {
            let error = check_name(name).unwrap_err();
            assert_eq!(error.code, ErrorCode::INVALID_TOPIC_EXCEPTION, "{name}");
        }
    }

    #[test]
    fn a_name_is_used_once() {
        let mut topics = Topics::default();
        topics.create(new("a.b"), |_| true).unwrap();
        assert_eq!(topics.create(new("a.b"), |_| true).unwrap_err().code, ErrorCode::TOPIC_ALREADY_EXISTS);
        let error = topics.create(new("a_b"), |_| true).unwrap_err();
        assert_eq!(error.to_string(), "Topic 'a_b' collides with existing topic: a.b");
        assert!(topics.create(new("a-b"), |_| true).is_ok());
        topics.add(new("a_b"), TopicConfig::default(), |_| true);
        topics.delete("a.b");
        let error = topics.create(new("a.b"), |_| true).unwrap_err();
        assert_eq!(error.to_string(), "Topic 'a.b' collides with existing topic: a_b");
        topics.delete("a_b");
        assert!(topics.create(new("a.b"), |_| true).is_ok());
    }
}
