//! What all brokers of a cluster share, and one broker as its connections see it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

use crate::broker::topic::Topics;
use crate::id::BrokerId;

/// What every embedded cluster is called, in the form of Apache Kafka's ids. Clusters are told apart by their ports.
pub(super) const CLUSTER_ID: &str = "aW5mbGlnaHQtZW1iZWRkZQ";

/// Where a broker can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// The broker.
    pub id: BrokerId,
    /// What clients are told.
    pub host: String,
    /// What clients are told.
    pub port: u16,
}

/// The state of a cluster.
#[derive(Debug)]
pub(super) struct ClusterState {
    /// The brokers, by id.
    pub endpoints: Vec<Endpoint>,
    /// `auto.create.topics.enable`.
    pub auto_create_topics: bool,
    topics: RwLock<Topics>,
    next_producer_id: AtomicI64,
    progress: watch::Sender<()>,
}

impl ClusterState {
    pub(super) fn new(endpoints: Vec<Endpoint>, auto_create_topics: bool) -> Self {
        Self {
            endpoints,
            auto_create_topics,
            topics: RwLock::default(),
            next_producer_id: AtomicI64::new(0),
            progress: watch::Sender::new(()),
        }
    }

    /// The broker that creates topics.
    pub(super) fn controller(&self) -> BrokerId {
        self.endpoints.first().map_or(BrokerId(-1), |endpoint| endpoint.id)
    }

    /// The topics, to look at.
    pub(super) fn topics(&self) -> RwLockReadGuard<'_, Topics> {
        self.topics.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The topics, to change.
    pub(super) fn topics_mut(&self) -> RwLockWriteGuard<'_, Topics> {
        self.topics.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// A producer id that nobody has had.
    pub(super) fn new_producer_id(&self) -> i64 {
        self.next_producer_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Wakes whoever waits for records or for a high watermark. To be called when no lock is held.
    pub(super) fn announce(&self) {
        self.progress.send_replace(());
    }

    /// Changes whenever something was announced since this call.
    pub(super) fn progress(&self) -> watch::Receiver<()> {
        self.progress.subscribe()
    }

    /// The replicas of so many partitions, `factor` each, spread over the brokers.
    pub(super) fn assign(&self, partitions: usize, factor: usize) -> Vec<Vec<BrokerId>> {
        let ring = || self.endpoints.iter().map(|endpoint| endpoint.id).cycle();
        let brokers = self.endpoints.len().max(1);
        (0..partitions).map(|partition| ring().skip(partition % brokers).take(factor).collect()).collect()
    }
}

/// A broker.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// Which one.
    pub id: BrokerId,
    /// What it shares with the others.
    pub cluster: Arc<ClusterState>,
}

/// The clock, in milliseconds since 1970.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_millis().try_into().unwrap_or(i64::MAX)
}
