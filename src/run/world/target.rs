//! Where a run takes place.

use std::sync::Arc;

use crate::cluster::{Address, Place};
use crate::id::{Offset, Partition, TopicIndex, TopicPartition};
use crate::plan::Plan;

/// The cluster that scenarios run on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Target {
    /// An embedded one for each scenario.
    #[default]
    Embedded,
    /// One that is there, and that others may use.
    Foreign(ForeignCluster),
}

/// A cluster that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignCluster {
    /// Brokers of it, at least one.
    pub bootstrap: Vec<Address>,
    /// Each run gets topics of its own, which are deleted afterwards.
    pub fresh_topics: bool,
}

impl Target {
    /// Whether two runs that name the same topic would meet.
    pub fn shares_topics(&self) -> bool {
        matches!(self, Self::Foreign(cluster) if !cluster.fresh_topics)
    }

    /// Whether two producers of the same transactional id would meet, and the newer one fence the other.
    pub fn shares_transactions(&self) -> bool {
        matches!(self, Self::Foreign(_))
    }
}

/// A partition of the plan on the cluster.
#[derive(Clone, Debug)]
pub(in crate::run) struct Located {
    /// In the plan.
    pub(in crate::run) partition: TopicPartition,
    /// On the cluster.
    pub(in crate::run) place: Place,
    /// Where its log ended when the run began.
    pub(in crate::run) start: Offset,
}

/// The partitions of the plan's topics under their own names, each from its beginning.
pub(super) fn partitions(plan: &Plan) -> impl Iterator<Item = Located> {
    (0u16..).map(TopicIndex).zip(&plan.topics).flat_map(|(index, topic)| {
        let count = i32::try_from(topic.partitions).unwrap_or(i32::MAX);
        (0..count).map(Partition).map(move |partition| Located {
            partition: TopicPartition { topic: index, partition },
            place: Place { topic: Arc::clone(&topic.name), partition },
            start: Offset(0),
        })
    })
}
