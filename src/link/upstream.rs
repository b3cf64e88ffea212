//! The cluster behind the link: where its brokers are, who leads, where a log begins. The link asks it by itself.

use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{ListOffsetsRequest, MetadataRequest, MetadataResponse, TopicName};
use kafka_protocol::protocol::{Request as Exchange, StrBytes};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::id::{BrokerId, TopicIndex};
use crate::kafka::frame::{FrameError, FrameReader, MAX_REQUEST_BYTES};
use crate::kafka::{CodecError, decode_response, encode_request};
use crate::plan::Plan;

use super::wire::{Asked, Known, ask};
use crate::kafka::Incoming;

/// A version of Metadata that every supported broker speaks, with leader epochs.
const METADATA: i16 = 8;
/// A version of `ListOffsets` that every supported broker speaks.
const LIST_OFFSETS: i16 = 3;
/// The timestamp that stands for the begin of a log.
const EARLIEST: i64 = -2;
/// The longest wait for an answer that a made-up row needs.
const ANSWER: Duration = Duration::from_secs(5);

/// Why the cluster cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// It cannot be reached.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// What it answers is no frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// What it answers cannot be read.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// It closed the connection instead of an answer.
    #[error("it closed the connection")]
    Closed,
    /// It did not answer in time.
    #[error("it did not answer within {0:?}")]
    Silent(Duration),
    /// It names no brokers, or none was given.
    #[error("no broker is known")]
    Nobody,
}

/// What is known of the cluster.
#[derive(Debug)]
pub(super) struct Upstream {
    brokers: Mutex<HashMap<BrokerId, (String, u16)>>,
    known: Mutex<Known>,
}

/// Who leads a partition.
#[derive(Clone, Debug)]
pub(super) struct Led {
    pub(super) id: i32,
    pub(super) epoch: i32,
}

impl Upstream {
    /// Asks the first broker that answers for the others.
    pub(super) async fn of(
        plan: &Plan,
        bootstrap: &[(String, u16)],
        within: Duration,
    ) -> Result<Self, UpstreamError> {
        let mut last = UpstreamError::Nobody;
        for address in bootstrap {
            // No topic: only the brokers.
            let request = MetadataRequest::default().with_topics(Some(Vec::new()));
            match exchange(address, METADATA, &request, within).await {
                Ok(answer) if !answer.brokers.is_empty() => return Ok(Self::new(plan, &answer)),
                Ok(_) => {}
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    pub(super) fn new(plan: &Plan, answer: &MetadataResponse) -> Self {
        let address = |port: i32| u16::try_from(port).unwrap_or(0);
        let brokers = answer
            .brokers
            .iter()
            .map(|broker| (BrokerId(broker.node_id.0), (broker.host.to_string(), address(broker.port))));
        let names = (0u16..).map(TopicIndex).zip(&plan.topics);
        let known = Known {
            names: names.map(|(index, topic)| (topic.name.to_string(), index)).collect(),
            ids: HashMap::new(),
            replicas: plan.topics.iter().map(|topic| topic.replication_factor).collect(),
            recogniser: Some(plan.recogniser()),
        };
        Self { brokers: Mutex::new(brokers.collect()), known: Mutex::new(known) }
    }

    fn brokers(&self) -> MutexGuard<'_, HashMap<BrokerId, (String, u16)>> {
        self.brokers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every broker that is known, by its number.
    pub(super) fn ids(&self) -> Vec<BrokerId> {
        let mut ids: Vec<_> = self.brokers().keys().copied().collect();
        ids.sort_unstable();
        ids
    }

    /// A broker has announced itself there.
    pub(super) fn announced(&self, broker: BrokerId, host: &str, port: i32) {
        if let Ok(port) = u16::try_from(port) {
            self.brokers().insert(broker, (host.to_owned(), port));
        }
    }

    pub(super) fn address(&self, broker: BrokerId) -> Option<(String, u16)> {
        self.brokers().get(&broker).cloned()
    }

    /// What a topic of the plan is called there.
    pub(super) fn name_of(&self, topic: TopicIndex) -> Option<String> {
        self.known().names.iter().find(|(_, index)| **index == topic).map(|(name, _)| name.clone())
    }

    /// Looks into a request.
    pub(super) fn look(&self, incoming: Incoming) -> Asked {
        ask(incoming, &mut self.known())
    }

    /// Opens a connection to a broker.
    pub(super) async fn connect(&self, broker: BrokerId) -> io::Result<TcpStream> {
        let address = self.address(broker).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// Whom the cluster announces as the leader at this moment, asking the broker itself first.
    pub(super) async fn leader(&self, asked: BrokerId, topic: &str, partition: i32) -> Option<Led> {
        let name = TopicName(StrBytes::from_string(topic.to_owned()));
        let topics = vec![MetadataRequestTopic::default().with_name(Some(name))];
        let request =
            MetadataRequest::default().with_topics(Some(topics)).with_allow_auto_topic_creation(false);
        let mut brokers = self.ids();
        brokers.sort_by_key(|broker| *broker != asked);
        for broker in brokers {
            let Some(address) = self.address(broker) else { continue };
            let Ok(answer) = exchange(&address, METADATA, &request, ANSWER).await else { continue };
            let rows = answer.topics.iter().flat_map(|topic| &topic.partitions);
            let row = rows.into_iter().find(|row| row.partition_index == partition)?;
            return Some(Led { id: row.leader_id.0, epoch: row.leader_epoch });
        }
        None
    }

    /// Where the log of a partition begins, as its leader says.
    pub(super) async fn log_start(&self, leader: BrokerId, topic: &str, partition: i32) -> Option<i64> {
        let address = self.address(leader)?;
        let name = TopicName(StrBytes::from_string(topic.to_owned()));
        let row = ListOffsetsPartition::default().with_partition_index(partition).with_timestamp(EARLIEST);
        let row = row.with_current_leader_epoch(-1);
        let topic = ListOffsetsTopic::default().with_name(name).with_partitions(vec![row]);
        let request = ListOffsetsRequest::default().with_replica_id((-1).into()).with_topics(vec![topic]);
        let answer = exchange(&address, LIST_OFFSETS, &request, ANSWER).await.ok()?;
        let row = answer.topics.first()?.partitions.first()?;
        (row.error_code == 0).then_some(row.offset)
    }
}

/// One request and its answer, on a connection of its own.
async fn exchange<R: Exchange>(
    address: &(String, u16),
    version: i16,
    request: &R,
    within: Duration,
) -> Result<R::Response, UpstreamError> {
    let asked = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(&encode_request(version, 1, "inflight-link", request)?).await?;
        let frame: Option<Bytes> = FrameReader::new(stream, MAX_REQUEST_BYTES).read().await?;
        Ok(decode_response::<R>(frame.ok_or(UpstreamError::Closed)?, version, 1)?)
    };
    timeout(within, asked).await.map_err(|_| UpstreamError::Silent(within))?
}
