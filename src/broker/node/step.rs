//! What befalls a running cluster: brokers come and go, partitions and topics change.

use std::io;

use thiserror::Error;

use crate::broker::node::ClusterState;
use crate::broker::partition::{Change, ReplicaError};
use crate::broker::topic::TopicError;
use crate::id::{BrokerId, Partition};

/// Why an operation on a cluster cannot be.
#[derive(Debug, Error)]
pub enum StepError {
    /// There is no such broker.
    #[error("there is no broker {broker}: the cluster has {}", up_to(*.brokers))]
    UnknownBroker {
        /// What was asked for.
        broker: BrokerId,
        /// How many there are.
        brokers: usize,
    },
    /// The broker runs, and can be started no more.
    #[error("broker {0} runs already")]
    Running(BrokerId),
    /// The broker does not run, and can be stopped no more.
    #[error("broker {0} does not run")]
    NotRunning(BrokerId),
    /// The broker's port could not be taken again.
    #[error("broker {broker} cannot listen on its port: {source}")]
    Port {
        /// The broker.
        broker: BrokerId,
        /// What the system says.
        source: io::Error,
    },
    /// There is no such topic.
    #[error("there is no topic '{0}'")]
    UnknownTopic(String),
    /// There is no such partition.
    #[error("topic '{topic}' has no partition {partition}: it has {count}, from 0")]
    UnknownPartition {
        /// The topic.
        topic: String,
        /// What was asked for.
        partition: Partition,
        /// How many it has.
        count: usize,
    },
    /// The replicas of a partition cannot be so.
    #[error("{topic}[{partition}]: {source}")]
    Replica {
        /// The topic.
        topic: String,
        /// The partition.
        partition: Partition,
        /// What is wrong.
        source: ReplicaError,
    },
    /// The topic cannot be created anew.
    #[error(transparent)]
    Topic(#[from] TopicError),
}

fn up_to(brokers: usize) -> String {
    if brokers == 1 { "broker 1 alone".to_owned() } else { format!("brokers 1 to {brokers}") }
}

impl ClusterState {
    /// Whether there is such a broker.
    pub(in crate::broker) fn check_broker(&self, broker: BrokerId) -> Result<(), StepError> {
        let known = self.endpoints.iter().any(|endpoint| endpoint.id == broker);
        let brokers = self.endpoints.len();
        if known { Ok(()) } else { Err(StepError::UnknownBroker { broker, brokers }) }
    }

    /// A broker runs no more: where it led, another one takes over, or nobody.
    pub(in crate::broker) fn down(&self, broker: BrokerId) {
        self.set_running(broker, false);
        self.change_all(Change::Down(broker));
    }

    /// A broker runs again.
    pub(in crate::broker) fn up(&self, broker: BrokerId, cleanly: bool) {
        self.set_running(broker, true);
        self.change_all(Change::Up { broker, cleanly, now: self.now() });
    }

    /// A change that no partition refuses, made to all of them.
    pub(in crate::broker) fn change_all(&self, change: Change<'_>) {
        let topics = self.topics().all();
        for topic in topics {
            for mut partition in topic.partitions() {
                // Only what asks for something of one partition can be refused.
                let _ = partition.change(change, (&topic.config, self.emulate));
            }
        }
        self.announce();
    }

    /// A change of one partition.
    pub(in crate::broker) fn change(
        &self,
        name: &str,
        index: Partition,
        change: Change<'_>,
    ) -> Result<(), StepError> {
        let topic = self.topics().named(name).ok_or_else(|| StepError::UnknownTopic(name.to_owned()))?;
        let unknown = || StepError::UnknownPartition {
            topic: name.to_owned(),
            partition: index,
            count: topic.partition_count(),
        };
        let mut partition = topic.partition(index.0).ok_or_else(unknown)?;
        let changed = partition.change(change, (&topic.config, self.emulate));
        drop(partition);
        self.announce();
        changed.map_err(|source| StepError::Replica { topic: name.to_owned(), partition: index, source })
    }

    /// Deletes a topic, and remembers it so that it can be created anew.
    pub(in crate::broker) fn delete_topic(&self, name: &str) -> Result<(), StepError> {
        let unknown = || StepError::UnknownTopic(name.to_owned());
        let deleted = self.topics_mut().delete(name).ok_or_else(unknown)?;
        self.deleted().insert(name.to_owned(), deleted.anew());
        self.announce();
        Ok(())
    }

    /// Gives a topic the partitions that it lacks of these, each with its replicas.
    pub(in crate::broker) fn grow_topic(
        &self,
        name: &str,
        replicas: &[Vec<BrokerId>],
    ) -> Result<(), StepError> {
        let topic = self.topics().named(name).ok_or_else(|| StepError::UnknownTopic(name.to_owned()))?;
        topic.grow(replicas, |broker| self.is_running(broker));
        self.announce();
        Ok(())
    }

    /// Creates a topic anew, empty and with another id, as it was before; if it is there, it is deleted first.
    pub(in crate::broker) fn recreate_topic(&self, name: &str) -> Result<(), StepError> {
        let there = self.topics().named(name).is_some();
        if there {
            self.delete_topic(name)?;
        }
        let anew = self.deleted().remove(name);
        self.create(anew.ok_or_else(|| StepError::UnknownTopic(name.to_owned()))?)?;
        self.announce();
        Ok(())
    }
}
