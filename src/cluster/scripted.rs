//! Brokers for tests: they answer over pipes in memory, from a small model of a cluster and from what a test puts in
//! front of it.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::create_topics_response::CreatableTopicResult;
use kafka_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{
    ApiKey, ApiVersionsResponse, BrokerId, CreateTopicsResponse, FetchRequest, FetchResponse,
    ListOffsetsRequest, ListOffsetsResponse, MetadataResponse,
};
use kafka_protocol::protocol::{Encodable, StrBytes};
use tokio::io::{AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use crate::cluster::topics::topic_name;
use crate::cluster::{Address, Dial, Place};
use crate::id::Partition;
use crate::kafka::batch::Batch;
use crate::kafka::frame::FrameReader;
use crate::kafka::{APIS, Incoming, Request, decode_request, encode_response};

/// A minute from now; the clock of these tests stands still while anybody works.
pub(super) fn soon() -> Instant {
    Instant::now() + Duration::from_mins(1)
}

pub(super) fn address(broker: u16) -> Address {
    Address { host: "broker".to_owned(), port: broker }
}

pub(super) fn place(topic: &str, partition: i32) -> Place {
    Place { topic: topic.into(), partition: Partition(partition) }
}

/// What a broker does with a request.
pub(super) enum Reply {
    /// Answers.
    Frame(BytesMut),
    /// Closes the connection.
    Close,
    /// Never answers.
    Silence,
}

impl Reply {
    pub(super) fn to<T: Encodable>(incoming: &Incoming, answer: &T) -> Self {
        Self::Frame(encode_response(incoming.api, incoming.version, incoming.correlation_id, answer).unwrap())
    }
}

/// A partition: who leads it, and what its log holds, by ascending offsets.
pub(super) struct FakeLog {
    pub(super) leader: i32,
    pub(super) batches: Vec<Batch>,
}

/// What a test puts in front of the model: a reply, or none to let the model answer.
type Hook = Box<dyn FnMut(&Address, &Incoming) -> Option<Reply> + Send>;

/// A model of a cluster of brokers 1 to `brokers`; broker n listens at port n.
pub(super) struct Fake {
    pub(super) brokers: u16,
    pub(super) controller: i32,
    pub(super) topics: BTreeMap<String, (Uuid, Vec<FakeLog>)>,
    /// Versions other than those that we advertise.
    pub(super) versions: BTreeMap<i16, (i16, i16)>,
    /// Every request but those for versions: the broker, the API and its version.
    pub(super) seen: Vec<(u16, ApiKey, i16)>,
    pub(super) hook: Hook,
}

impl std::fmt::Debug for Fake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a model of a cluster")
    }
}

impl Fake {
    pub(super) fn new(brokers: u16) -> Self {
        Self {
            brokers,
            controller: 1,
            topics: BTreeMap::new(),
            versions: BTreeMap::new(),
            seen: Vec::new(),
            hook: Box::new(|_, _| None),
        }
    }

    /// Adds a topic; partition p is led by the p-th of the leaders and holds those batches.
    pub(super) fn topic(mut self, name: &str, logs: Vec<(i32, Vec<Batch>)>) -> Self {
        let id = Uuid::from_u128(self.topics.len() as u128 + 1);
        let logs = logs.into_iter().map(|(leader, batches)| FakeLog { leader, batches }).collect();
        self.topics.insert(name.to_owned(), (id, logs));
        self
    }

    pub(super) fn hook(
        mut self,
        hook: impl FnMut(&Address, &Incoming) -> Option<Reply> + Send + 'static,
    ) -> Self {
        self.hook = Box::new(hook);
        self
    }

    pub(super) fn start(self) -> (Scripted, Arc<Mutex<Self>>) {
        let fake = Arc::new(Mutex::new(self));
        (Scripted { fake: fake.clone(), tasks: JoinSet::new() }, fake)
    }

    fn reply(&mut self, at: &Address, incoming: &Incoming) -> Reply {
        if let Some(reply) = (self.hook)(at, incoming) {
            return reply;
        }
        match &incoming.request {
            Request::ApiVersions(_) => Reply::to(incoming, &self.api_versions()),
            Request::Metadata(asked) => {
                let names = asked.topics.iter().flatten().filter_map(|topic| topic.name.as_deref());
                Reply::to(incoming, &self.metadata(incoming.version, names))
            }
            Request::CreateTopics(asked) => {
                let rows = asked.topics.iter().map(|topic| {
                    let logs = (0..topic.num_partitions).map(|_| FakeLog { leader: 1, batches: vec![] });
                    let code = if self.topics.contains_key(&*topic.name.0) { 36 } else { 0 };
                    let id = Uuid::from_u128(self.topics.len() as u128 + 1);
                    self.topics.entry(topic.name.to_string()).or_insert_with(|| (id, logs.collect()));
                    CreatableTopicResult::default().with_name(topic.name.clone()).with_error_code(code)
                });
                Reply::to(incoming, &CreateTopicsResponse::default().with_topics(rows.collect()))
            }
            Request::ListOffsets(asked) => Reply::to(incoming, &self.list_offsets(asked)),
            Request::Fetch(asked) => Reply::to(incoming, &self.fetch(at, incoming.version, asked)),
            _ => Reply::Close,
        }
    }

    fn api_versions(&self) -> ApiVersionsResponse {
        let row = |(key, (min, max))| {
            ApiVersion::default().with_api_key(key).with_min_version(min).with_max_version(max)
        };
        let ours = APIS.iter().map(|api| (api.key as i16, (*api.served().start(), *api.served().end())));
        let ranges = ours.map(|(key, range)| (key, *self.versions.get(&key).unwrap_or(&range)));
        ApiVersionsResponse::default().with_api_keys(ranges.map(row).collect())
    }

    fn metadata<'a>(&self, version: i16, names: impl Iterator<Item = &'a StrBytes>) -> MetadataResponse {
        let brokers = (1..=self.brokers).map(|n| {
            MetadataResponseBroker::default()
                .with_node_id(BrokerId(n.into()))
                .with_host(StrBytes::from_static_str("broker"))
                .with_port(n.into())
        });
        let topics = names.map(|name| {
            let row = MetadataResponseTopic::default().with_name(Some(topic_name(name)));
            let Some((id, logs)) = self.topics.get(&**name) else { return row.with_error_code(3) };
            let partition = |(n, log): (i32, &FakeLog)| {
                MetadataResponsePartition::default()
                    .with_partition_index(n)
                    .with_leader_id(BrokerId(log.leader))
                    .with_error_code(if log.leader < 0 { 5 } else { 0 })
            };
            let row = row.with_partitions((0..).zip(logs).map(partition).collect());
            if version >= 10 { row.with_topic_id(*id) } else { row }
        });
        MetadataResponse::default()
            .with_brokers(brokers.collect())
            .with_controller_id(BrokerId(self.controller))
            .with_topics(topics.collect())
    }

    fn list_offsets(&self, asked: &ListOffsetsRequest) -> ListOffsetsResponse {
        let topics = asked.topics.iter().map(|topic| {
            let logs = &self.topics[&*topic.name.0].1;
            let rows = topic.partitions.iter().map(|row| {
                let log = usize::try_from(row.partition_index).ok().and_then(|n| logs.get(n));
                let answer =
                    ListOffsetsPartitionResponse::default().with_partition_index(row.partition_index);
                match log {
                    None => answer.with_error_code(3),
                    Some(log) => answer.with_offset(match (row.timestamp, asked.isolation_level) {
                        (-2, _) => log.batches.first().map_or(0, Batch::base_offset),
                        (_, 0) => log.end(),
                        // The model's last stable offset is always one less.
                        _ => log.end() - 1,
                    }),
                }
            });
            let rows = rows.collect();
            ListOffsetsTopicResponse::default().with_name(topic.name.clone()).with_partitions(rows)
        });
        ListOffsetsResponse::default().with_topics(topics.collect())
    }

    fn fetch(&self, at: &Address, version: i16, asked: &FetchRequest) -> FetchResponse {
        let max = usize::try_from(asked.max_bytes).unwrap();
        let mut left = max;
        let responses = asked.topics.iter().map(|topic| {
            let named = |(name, (id, _)): &(&String, &(Uuid, _))| {
                if version >= 13 { *id == topic.topic_id } else { **name == *topic.topic.0 }
            };
            let Some((_, (_, logs))) = self.topics.iter().find(named) else {
                let row = PartitionData::default().with_error_code(100);
                return FetchableTopicResponse::default()
                    .with_topic_id(topic.topic_id)
                    .with_partitions(vec![row]);
            };
            let rows = topic.partitions.iter().map(|row| {
                let log = &logs[usize::try_from(row.partition).unwrap()];
                let answer = PartitionData::default().with_partition_index(row.partition);
                if log.leader != i32::from(at.port) {
                    return answer.with_error_code(6);
                }
                answer
                    .with_high_watermark(log.end())
                    .with_last_stable_offset(log.end())
                    .with_records(Some(log.fetch(row.fetch_offset, max, &mut left)))
            });
            let answer = FetchableTopicResponse::default().with_partitions(rows.collect());
            if version >= 13 {
                answer.with_topic_id(topic.topic_id)
            } else {
                answer.with_topic(topic.topic.clone())
            }
        });
        FetchResponse::default().with_responses(responses.collect())
    }
}

impl FakeLog {
    fn end(&self) -> i64 {
        self.batches.last().map_or(0, |batch| batch.last_offset() + 1)
    }

    /// Whole batches as long as there is room, and one in any case if nothing else is in the answer.
    fn fetch(&self, from: i64, max: usize, left: &mut usize) -> Bytes {
        let mut out = BytesMut::new();
        for batch in self.batches.iter().filter(|batch| batch.last_offset() >= from) {
            if batch.size() > *left && *left < max {
                break;
            }
            *left = left.saturating_sub(batch.size());
            out.extend_from_slice(batch.bytes());
        }
        out.into()
    }
}

/// Reaches the brokers of a model.
#[derive(Debug)]
pub(super) struct Scripted {
    fake: Arc<Mutex<Fake>>,
    tasks: JoinSet<()>,
}

impl Dial for Scripted {
    type Stream = DuplexStream;

    async fn dial(&mut self, to: &Address) -> io::Result<DuplexStream> {
        if to.port > self.fake.lock().unwrap_or_else(PoisonError::into_inner).brokers {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let (near, far) = duplex(1 << 16);
        self.tasks.spawn(serve(self.fake.clone(), to.clone(), far));
        Ok(near)
    }
}

async fn serve(fake: Arc<Mutex<Fake>>, at: Address, stream: DuplexStream) {
    let mut frames = FrameReader::new(stream, 1 << 20);
    while let Ok(Some(frame)) = frames.read().await {
        let incoming = decode_request(frame).unwrap();
        let reply = {
            let mut fake = fake.lock().unwrap();
            if incoming.api.key != ApiKey::ApiVersions {
                fake.seen.push((at.port, incoming.api.key, incoming.version));
            }
            fake.reply(&at, &incoming)
        };
        match reply {
            Reply::Frame(answer) => frames.stream().write_all(&answer).await.unwrap(),
            Reply::Close => return,
            Reply::Silence => std::future::pending().await,
        }
    }
}
