//! What all brokers of a cluster share, and one broker as its connections see it.

mod clock;
pub(super) mod emulate;
pub(super) mod journal;
mod producer_ids;
pub(super) mod reader;
pub(super) mod step;
mod unread;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::broker::node::clock::Clock;
use crate::broker::node::emulate::Emulate;
use crate::broker::node::journal::Journal;
use crate::broker::node::producer_ids::ProducerIds;
use crate::broker::node::reader::Sessions;
use crate::broker::node::unread::Unread;
use crate::broker::partition::producers::Ending;
use crate::broker::topic::internal::Plan;
use crate::broker::topic::{NewTopic, Topic, TopicError, Topics};
use crate::broker::transaction::{Place, Progress, Protocol, Standing, Transactions};
use crate::id::BrokerId;
use crate::kafka::ErrorCode;

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
    /// The brokers, by id, whether they run or not.
    pub endpoints: Vec<Endpoint>,
    /// `auto.create.topics.enable`.
    pub auto_create_topics: bool,
    /// Whose rules hold.
    pub emulate: Emulate,
    running: RwLock<BTreeSet<BrokerId>>,
    /// Transactions, and who coordinates them.
    pub transactions: Transactions,
    topics: RwLock<Topics>,
    /// What was deleted and may be created anew, by name.
    deleted: Mutex<HashMap<String, NewTopic>>,
    producer_ids: ProducerIds,
    progress: watch::Sender<()>,
    clock: Clock,
    /// Where requests are noted.
    pub journal: Journal,
    /// Answers on their way.
    pub unread: Unread,
}

impl ClusterState {
    /// A cluster of these brokers, all of them running.
    pub(super) fn new(endpoints: Vec<Endpoint>, auto_create_topics: bool, emulate: Emulate) -> Self {
        Self {
            running: RwLock::new(endpoints.iter().map(|endpoint| endpoint.id).collect()),
            endpoints,
            auto_create_topics,
            emulate,
            transactions: Transactions::new(protocol(emulate)),
            topics: RwLock::new(Topics::of(emulate)),
            deleted: Mutex::default(),
            producer_ids: ProducerIds::default(),
            progress: watch::Sender::new(()),
            clock: Clock::default(),
            journal: Journal::default(),
            unread: Unread::default(),
        }
    }

    /// The brokers that run, by id.
    pub(super) fn running(&self) -> Vec<&Endpoint> {
        let running = self.running.read().unwrap_or_else(PoisonError::into_inner);
        self.endpoints.iter().filter(|endpoint| running.contains(&endpoint.id)).collect()
    }

    /// Whether a broker runs.
    pub(super) fn is_running(&self, broker: BrokerId) -> bool {
        self.running.read().unwrap_or_else(PoisonError::into_inner).contains(&broker)
    }

    /// Notes that a broker runs, or that it does not.
    pub(super) fn set_running(&self, broker: BrokerId, runs: bool) {
        let mut running = self.running.write().unwrap_or_else(PoisonError::into_inner);
        if runs {
            running.insert(broker)
        } else {
            self.producer_ids.forget(broker);
            running.remove(&broker)
        };
    }

    /// Where a broker that runs can be reached.
    pub(super) fn reachable(&self, broker: BrokerId) -> Option<&Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.id == broker).filter(|_| self.is_running(broker))
    }

    /// The broker that clients are to ask for what a controller does: any that runs will do.
    pub(super) fn controller(&self) -> BrokerId {
        self.running().first().map_or(BrokerId(-1), |endpoint| endpoint.id)
    }

    /// The topics, to look at.
    pub(super) fn topics(&self) -> RwLockReadGuard<'_, Topics> {
        self.topics.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The topics, to change.
    pub(super) fn topics_mut(&self) -> RwLockWriteGuard<'_, Topics> {
        self.topics.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn deleted(&self) -> MutexGuard<'_, HashMap<String, NewTopic>> {
        self.deleted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Creates a topic.
    pub(super) fn create(&self, new: NewTopic) -> Result<Arc<Topic>, TopicError> {
        self.topics_mut().create(new, |broker| self.is_running(broker))
    }

    /// Creates a topic because somebody asks for it, unless there is one already or something stands in the way
    /// (`AutoTopicCreationManager.createTopics`).
    pub(super) fn create_on_demand(&self, name: &str) {
        if self.topics().named(name).is_some() {
            return;
        }
        let Some(plan) = Plan::of(name, self.endpoints.len()) else { return };
        let replicas = self.assign(plan.partitions, plan.replicas);
        // Who asks again finds what stands in the way too.
        let _ = self.create(NewTopic { name: name.to_owned(), replicas, settings: plan.settings });
    }

    /// The clock, in milliseconds since 1970.
    pub(super) fn now(&self) -> i64 {
        self.clock.now()
    }

    /// Moves the clock, and does what is due by then.
    pub(super) fn advance_clock(&self, by: Duration) {
        self.clock.advance(by);
        self.expire();
        self.keep_house();
    }

    /// Does in every partition what is due from time to time, if it is.
    pub(super) fn keep_house(&self) {
        let Some(now) = self.clock.is_due() else { return };
        let topics = self.topics().all();
        for topic in topics {
            for mut partition in topic.partitions() {
                partition.keep_house(now, &topic.config);
            }
        }
    }

    /// A producer id that nobody has had, from a broker.
    pub(super) fn new_producer_id(&self, from: BrokerId) -> i64 {
        self.producer_ids.next(from)
    }

    /// Whether there is such a partition.
    pub(super) fn has(&self, place: &Place) -> bool {
        let topic = self.topics().named(&place.topic);
        topic.is_some_and(|topic| topic.partition(place.partition).is_some())
    }

    /// The broker that coordinates a transactional id or a group; none if no broker is running.
    pub(super) fn coordinator_of(&self, key: &str) -> Option<BrokerId> {
        let brokers = || self.endpoints.iter().map(|endpoint| endpoint.id);
        self.transactions.coordinator_of(key, brokers(), |broker| self.is_running(broker))
    }

    /// Wakes whoever waits for records or for a high watermark, after the markers that can be written by now are. To be
    /// called when no lock is held.
    pub(super) fn announce(&self) {
        let now = self.now();
        self.transactions.settle(now, &|place, ending, standing| self.mark(place, ending, standing, now));
        self.progress.send_replace(());
    }

    /// Aborts the transactions that are over time.
    pub(super) fn expire(&self) {
        if self.transactions.expire(self.now(), &|| self.new_producer_id(self.controller())) {
            self.announce();
        }
    }

    /// Writes a marker, or looks whether it is replicated. Where there is no partition any more nothing has to be
    /// written (`TransactionMarkerChannelManager.addTxnMarkersToBrokerQueue`).
    fn mark(&self, place: &Place, ending: Ending, standing: Option<Standing>, now: i64) -> Progress {
        let Some(topic) = self.topics().named(&place.topic) else { return Progress::Done };
        let Some(mut partition) = topic.partition(place.partition) else { return Progress::Done };
        let leader_epoch = partition.leader_epoch();
        let standing = match standing.filter(|standing| standing.leader_epoch == leader_epoch) {
            Some(standing) => standing,
            None => match partition.mark(ending, now, &topic.config) {
                Ok(offset) => Standing { offset, leader_epoch },
                Err(ErrorCode::INVALID_PRODUCER_EPOCH | ErrorCode::TRANSACTION_COORDINATOR_FENCED) => {
                    return Progress::Refused;
                }
                Err(_) => return Progress::Blocked,
            },
        };
        if standing.offset < partition.high_watermark { Progress::Done } else { Progress::Written(standing) }
    }

    /// Changes whenever something was announced since this call.
    pub(super) fn progress(&self) -> watch::Receiver<()> {
        self.progress.subscribe()
    }

    /// The replicas of so many partitions, `factor` each, spread over the brokers: partition p begins with the
    /// (p mod n)-th of the n that run, and those that do not come last.
    pub(super) fn assign(&self, partitions: usize, factor: usize) -> Vec<Vec<BrokerId>> {
        let ids = || self.endpoints.iter().map(|endpoint| endpoint.id);
        let (up, down): (Vec<_>, Vec<_>) = ids().partition(|id| self.is_running(*id));
        let first = |partition: usize| partition.checked_rem(up.len()).unwrap_or(0);
        let ring = |partition: usize| {
            let turned = up.iter().cycle().skip(first(partition)).take(up.len());
            turned.chain(&down).copied().take(factor).collect()
        };
        (0..partitions).map(ring).collect()
    }
}

/// A broker.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// Which one.
    pub id: BrokerId,
    /// What it shares with the others.
    pub cluster: Arc<ClusterState>,
    /// The sessions of those who read from it.
    pub sessions: Arc<Sessions>,
    /// Cancelled when the broker stops: requests that wait are answered, no other is read.
    pub stopping: CancellationToken,
}

impl Node {
    /// Whether it coordinates a transactional id or a group.
    pub(super) fn check_coordinator(&self, key: &str) -> Result<(), ErrorCode> {
        if self.cluster.coordinator_of(key) == Some(self.id) {
            Ok(())
        } else {
            Err(ErrorCode::NOT_COORDINATOR)
        }
    }
}

/// Apache Kafka 3.9 knows transaction.version 2, but a new cluster does not use it.
fn protocol(emulate: Emulate) -> Protocol {
    if emulate >= Emulate::V4_3 { Protocol::Bumping } else { Protocol::Classic }
}
