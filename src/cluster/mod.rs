//! Any cluster by its protocol, embedded or real: topics, offsets, reading logs back.
//!
//! ```text
//! Cluster::connect ─┬─ create_topics, topic   (topics.rs)
//!                   ├─ delete_topics          (delete.rs)
//!                   ├─ topic_settings         (settings.rs)
//!                   ├─ offsets                (offsets.rs)
//!                   └─ read                   (read.rs)
//!                        └─ rounds.rs: asks the leaders of partitions until each partition has its answer
//!                             └─ connection.rs: one broker, one request, one deadline
//! ```
//!
//! Nothing runs in the background: a connection is used by the call that needs it and kept for the next one.

mod connection;
mod delete;
mod offsets;
mod read;
mod rounds;
#[cfg(test)]
mod scripted;
mod settings;
mod topics;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use tokio::time::Instant;
use uuid::Uuid;

use crate::cluster::connection::Connection;
use crate::id::{BrokerId, Offset, Partition};
use crate::kafka::batch::{CrcMismatch, DecompressError, RecordError};

pub use connection::{Address, CallError, CallFailure, Dial, NotAnAddress, Tcp};
pub use delete::TopicKept;
pub use offsets::Bound;
pub use read::{LogEnd, Logged};
pub use topics::{NewTopic, TopicRefused};

/// A partition by its names on the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition in it.
    pub partition: Partition,
}

/// What the cluster says of a topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Topic {
    /// Its id; nil if the cluster does not give ids.
    pub id: Uuid,
    /// The partitions, each with its leader, if it has one.
    pub leaders: BTreeMap<Partition, Option<BrokerId>>,
    /// The most replicas that one of them has.
    pub replication_factor: usize,
}

/// Why a cluster cannot be asked, or not be believed.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// There is no broker to be asked.
    #[error("no broker can be reached at {}", list(tried))]
    Unreachable {
        /// Where we tried, in this order.
        tried: Vec<Address>,
        /// What the last of them did; none if there was none to be tried.
        source: Option<CallError>,
    },
    /// A broker did not answer as it should.
    #[error(transparent)]
    Call(#[from] CallError),
    /// Time ran out between two calls.
    #[error("time ran out while waiting for {waited_for}")]
    Deadline {
        /// What had not happened by then.
        waited_for: String,
    },
    /// A log holds what cannot be read.
    #[error("the log of {}[{}] is broken at offset {offset}", place.topic, place.partition)]
    Log {
        /// Which log.
        place: Place,
        /// The first offset that could not be read.
        offset: Offset,
        /// What is wrong.
        source: LogFailure,
    },
}

/// Why a log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LogFailure {
    /// The bytes are no record batch of magic 2, for that reason.
    #[error("this is no record batch: {0}")]
    NoBatch(String),
    /// The batch's checksum does not fit.
    #[error(transparent)]
    Crc(#[from] CrcMismatch),
    /// Its payload cannot be decompressed.
    #[error(transparent)]
    Payload(#[from] DecompressError),
    /// Its records cannot be told apart.
    #[error(transparent)]
    Record(#[from] RecordError),
}

fn list(addresses: &[Address]) -> String {
    addresses.iter().map(Address::to_string).collect::<Vec<_>>().join(", ")
}

/// A cluster that can be asked. Every call has a deadline for the whole of it.
#[derive(Debug)]
pub struct Cluster<D: Dial = Tcp> {
    dial: D,
    bootstrap: Vec<Address>,
    open: HashMap<Address, Connection<D::Stream>>,
    brokers: BTreeMap<BrokerId, Address>,
    controller: BrokerId,
    topics: HashMap<Arc<str>, Topic>,
}

impl<D: Dial> Cluster<D> {
    /// Connects to the first of these addresses that answers.
    pub async fn connect(dial: D, bootstrap: &[Address], deadline: Instant) -> Result<Self, ClusterError> {
        let mut cluster = Self {
            dial,
            bootstrap: bootstrap.to_vec(),
            open: HashMap::new(),
            brokers: BTreeMap::new(),
            controller: BrokerId(-1),
            topics: HashMap::new(),
        };
        let home = cluster.home(deadline).await?;
        cluster.keep(home);
        Ok(cluster)
    }

    /// Asks any broker for a sign of life.
    pub async fn ping(&mut self, deadline: Instant) -> Result<(), ClusterError> {
        self.locate(&[], deadline).await.map(drop)
    }

    /// Closes every connection and keeps what is known; the next call connects again. For a broker that waits until
    /// all its connections are closed.
    pub fn hang_up(&mut self) {
        self.open.clear();
    }

    /// A connection to any broker: one that is open, or to the first that answers. Each gets its share of the time.
    async fn home(&mut self, deadline: Instant) -> Result<Connection<D::Stream>, ClusterError> {
        let mut tried: Vec<_> = self.bootstrap.iter().chain(self.brokers.values()).cloned().collect();
        if let Some(open) = tried.iter().find_map(|address| self.open.remove(address)) {
            return Ok(open);
        }
        let mut seen = HashSet::new();
        tried.retain(|address| seen.insert(address.clone()));
        let mut source = None;
        for (left, address) in (1..=tried.len()).rev().zip(&tried) {
            let now = Instant::now();
            let share = deadline.saturating_duration_since(now) / u32::try_from(left).unwrap_or(u32::MAX);
            match Connection::open(&mut self.dial, address, now + share).await {
                Ok(connection) => return Ok(connection),
                Err(error) => source = Some(error),
            }
        }
        Err(ClusterError::Unreachable { tried, source })
    }

    /// A connection to that broker: the open one or a new one.
    async fn to(&mut self, address: &Address, deadline: Instant) -> Result<Connection<D::Stream>, CallError> {
        match self.open.remove(address) {
            Some(open) => Ok(open),
            None => Connection::open(&mut self.dial, address, deadline).await,
        }
    }

    /// Keeps a connection for the next call. One that failed, or whose answers have not all been read, must be dropped
    /// instead.
    fn keep(&mut self, connection: Connection<D::Stream>) {
        self.open.insert(connection.address().clone(), connection);
    }
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::ApiKey;

    use super::*;
    use crate::cluster::scripted::{Fake, Reply, address, place, soon};
    use crate::kafka::Request;

    #[tokio::test(start_paused = true)]
    async fn the_first_address_that_answers_is_used() {
        let (dial, fake) = Fake::new(2).start();
        let bootstrap = [address(9), address(2), address(1)];
        let mut cluster = Cluster::connect(dial, &bootstrap, soon()).await.unwrap();
        assert_eq!(cluster.locate(&["t".into()], soon()).await.unwrap(), [crate::kafka::ErrorCode(3)]);
        assert_eq!(fake.lock().unwrap().seen, [(2, ApiKey::Metadata, 13)]);
    }

    #[tokio::test(start_paused = true)]
    async fn when_none_answers_all_are_named_with_what_the_last_did() {
        let (dial, _fake) = Fake::new(0).start();
        let error = Cluster::connect(dial, &[address(1), address(2)], soon()).await.unwrap_err();
        assert_eq!(error.to_string(), "no broker can be reached at broker:1, broker:2");
        let source = std::error::Error::source(&error).unwrap();
        assert_eq!(source.to_string(), "Connect to broker:2 failed");
        let (dial, _fake) = Fake::new(0).start();
        assert!(matches!(
            Cluster::connect(dial, &[], soon()).await,
            Err(ClusterError::Unreachable { source: None, .. })
        ));
    }

    #[tokio::test(start_paused = true)]
    async fn a_broker_that_says_nothing_costs_only_its_share_of_the_time() {
        let (dial, _fake) = Fake::new(2).hook(|at, _| (at.port == 1).then_some(Reply::Silence)).start();
        let start = Instant::now();
        Cluster::connect(dial, &[address(1), address(2)], soon()).await.unwrap();
        assert_eq!(start.elapsed().as_secs(), 30);
    }

    #[tokio::test(start_paused = true)]
    async fn after_hanging_up_what_was_known_is_known_still() {
        let (dial, fake) = Fake::new(1).topic("t", vec![(1, vec![])]).start();
        let mut cluster = Cluster::connect(dial, &[address(1)], soon()).await.unwrap();
        cluster.topic(&"t".into(), soon()).await.unwrap().unwrap();
        cluster.hang_up();
        let from = [(place("t", 0), Offset(0))];
        cluster.read(&from, |_, _| (), soon()).await.unwrap();
        let seen: Vec<_> = fake.lock().unwrap().seen.iter().map(|(_, api, _)| *api).collect();
        assert_eq!(seen, [ApiKey::Metadata, ApiKey::Fetch]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_was_closed_in_the_meantime_is_opened_again() {
        let mut first = true;
        let close = move |_: &Address, incoming: &crate::kafka::Incoming| {
            let closes = matches!(incoming.request, Request::Metadata(_)) && std::mem::take(&mut first);
            closes.then_some(Reply::Close)
        };
        let (dial, fake) = Fake::new(1).topic("t", vec![(1, vec![])]).hook(close).start();
        let mut cluster = Cluster::connect(dial, &[address(1)], soon()).await.unwrap();
        assert!(cluster.topic(&"t".into(), soon()).await.unwrap().is_ok());
        assert_eq!(fake.lock().unwrap().seen.len(), 2);
    }
}
