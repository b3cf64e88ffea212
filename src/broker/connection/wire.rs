//! A client for tests that sends raw requests, on a pipe to a broker without sockets or on a real connection.

use std::sync::Arc;

use bytes::Bytes;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::produce_response::PartitionProduceResponse;
use kafka_protocol::messages::{FetchRequest, MetadataRequest, ProduceRequest, TopicName};
use kafka_protocol::protocol::{Request, StrBytes};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::broker::connection::serve;
use crate::broker::node::emulate::Emulate;
use crate::broker::node::{ClusterState, Endpoint, Node};
use crate::broker::partition::{Change, Partition};
use crate::broker::topic::NewTopic;
use crate::id::{BrokerId, Partition as PartitionId};
use crate::kafka::batch::{Batch, BatchBuilder, entries};
use crate::kafka::frame::FrameReader;
use crate::kafka::{decode_response, encode_request};

/// A broker without a socket.
pub(in crate::broker) struct Bench {
    pub(in crate::broker) node: Node,
    tasks: JoinSet<()>,
}

impl Bench {
    /// A cluster of one broker with one topic of two partitions.
    pub(in crate::broker) fn new(topic: &str, settings: &[(&str, &str)]) -> Self {
        Self::of(1, topic, settings)
    }

    /// A cluster of one broker that behaves as another release, with the topic `orders`.
    pub(in crate::broker) fn emulating(emulate: Emulate) -> Self {
        Self::start(1, emulate, ("orders", &[]))
    }

    /// A cluster of several brokers with one topic of two partitions, each on all brokers and led by the first.
    pub(in crate::broker) fn of(brokers: u16, topic: &str, settings: &[(&str, &str)]) -> Self {
        Self::start(brokers, Emulate::default(), (topic, settings))
    }

    fn start(brokers: u16, emulate: Emulate, (topic, settings): (&str, &[(&str, &str)])) -> Self {
        let endpoint =
            |id: u16| Endpoint { id: BrokerId(id.into()), host: "localhost".to_owned(), port: 9091 + id };
        let endpoints = (1..=brokers).map(endpoint).collect();
        let cluster = Arc::new(ClusterState::new(endpoints, true, emulate));
        let node =
            Node { id: BrokerId(1), cluster, sessions: Arc::default(), stopping: CancellationToken::new() };
        let bench = Self { node, tasks: JoinSet::new() };
        bench.create(topic, settings);
        bench
    }

    pub(in crate::broker) fn create(&self, topic: &str, settings: &[(&str, &str)]) -> Uuid {
        let settings =
            settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let brokers = self.node.cluster.endpoints.iter().map(|endpoint| endpoint.id);
        let replicas = vec![brokers.collect(); 2];
        let new = NewTopic { name: topic.to_owned(), replicas, settings };
        self.node.cluster.create(new).unwrap().id
    }

    /// Looks at or changes a partition.
    pub(in crate::broker) fn partition<T>(
        &self,
        topic: &str,
        index: i32,
        act: impl FnOnce(&mut Partition) -> T,
    ) -> T {
        let topic = self.node.cluster.topics().named(topic).unwrap();
        let mut partition = topic.partition(index).unwrap();
        act(&mut partition)
    }

    /// Changes partition 0.
    pub(in crate::broker) fn change(&self, topic: &str, change: Change<'_>) {
        self.node.cluster.change(topic, PartitionId(0), change).unwrap();
    }

    /// A new connection to the first broker.
    pub(in crate::broker) fn connect(&mut self) -> Client<DuplexStream> {
        self.connect_to(1)
    }

    /// A new connection to a broker.
    pub(in crate::broker) fn connect_to(&mut self, broker: i32) -> Client<DuplexStream> {
        let (near, far) = duplex(1 << 20);
        let node = Node { id: BrokerId(broker), ..self.node.clone() };
        self.tasks.spawn(async move { serve(far, &node).await });
        Client::new(near)
    }
}

impl Bench {
    /// The only connection of a broker that is not looked at otherwise.
    pub(in crate::broker) fn connect_alone(mut self) -> Client<DuplexStream> {
        let mut client = self.connect();
        client.tasks = self.tasks;
        client
    }

    /// Waits until every connection has been served to its end.
    pub(in crate::broker) async fn all_served(&mut self) {
        while let Some(served) = self.tasks.join_next().await {
            served.unwrap();
        }
    }
}

/// The client's end of a connection.
pub(in crate::broker) struct Client<S> {
    frames: FrameReader<S>,
    correlation_id: i32,
    /// The broker's tasks, if nobody else keeps them.
    tasks: JoinSet<()>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub(in crate::broker) fn new(stream: S) -> Self {
        Self { frames: FrameReader::new(stream, 1 << 30), correlation_id: 0, tasks: JoinSet::new() }
    }

    pub(in crate::broker) fn stream(&mut self) -> &mut S {
        self.frames.stream()
    }

    /// Writes a request without waiting for its answer.
    pub(in crate::broker) async fn send<R: Request>(&mut self, version: i16, request: &R) -> i32 {
        self.correlation_id += 1;
        let frame = encode_request(version, self.correlation_id, "test", request).unwrap();
        // A broker that has closed the connection shows at the next read.
        let _ = self.frames.stream().write_all(&frame).await;
        self.correlation_id
    }

    /// Reads the answer to a request that was sent; none if the broker closed the connection.
    pub(in crate::broker) async fn receive<R: Request>(
        &mut self,
        version: i16,
        correlation_id: i32,
    ) -> Option<R::Response> {
        let frame = self.frames.read().await.ok().flatten()?;
        Some(decode_response::<R>(frame, version, correlation_id).unwrap())
    }

    pub(in crate::broker) async fn try_call<R: Request>(
        &mut self,
        version: i16,
        request: &R,
    ) -> Option<R::Response> {
        let correlation_id = self.send(version, request).await;
        self.receive::<R>(version, correlation_id).await
    }

    pub(in crate::broker) async fn call<R: Request>(&mut self, version: i16, request: &R) -> R::Response {
        self.try_call(version, request).await.expect("an answer")
    }

    /// Produces one batch to one partition and returns its row.
    pub(in crate::broker) async fn produce(
        &mut self,
        version: i16,
        acks: i16,
        batch: Bytes,
    ) -> PartitionProduceResponse {
        let request = produce("orders", acks, batch);
        self.call(version, &request).await.responses[0].partition_responses[0].clone()
    }

    /// Sends bytes as a frame and reads an answer; none if the broker closed the connection.
    pub(in crate::broker) async fn raw(&mut self, frame: &[u8]) -> Option<Bytes> {
        let prefix = u32::try_from(frame.len()).unwrap().to_be_bytes();
        let _ = self.stream().write_all(&[&prefix, frame].concat()).await;
        self.frames.read().await.ok().flatten()
    }

    /// Everything in partition 0 of a topic, read by name.
    pub(in crate::broker) async fn fetch_all(&mut self, topic: &str) -> Vec<Batch> {
        let mut batches: Vec<Batch> = vec![];
        loop {
            let from = batches.last().map_or(0, |batch| batch.last_offset() + 1);
            let answer = self.call(12, &fetch(topic, from)).await;
            let records = answer.responses[0].partitions[0].records.clone().unwrap();
            if records.is_empty() {
                return batches;
            }
            batches.extend(entries(records).map(|entry| Batch::try_from(entry.unwrap()).unwrap()));
        }
    }
}

pub(in crate::broker) fn name(topic: &str) -> TopicName {
    TopicName(StrBytes::from_string(topic.to_owned()))
}

/// A batch with one value.
pub(in crate::broker) fn batch(value: &[u8]) -> Bytes {
    BatchBuilder::new().value(value).build().unwrap().into_bytes()
}

pub(in crate::broker) fn produce(topic: &str, acks: i16, batch: Bytes) -> ProduceRequest {
    let row = PartitionProduceData::default().with_records(Some(batch));
    let topic = TopicProduceData::default().with_name(name(topic)).with_partition_data(vec![row]);
    ProduceRequest::default().with_acks(acks).with_timeout_ms(30_000).with_topic_data(vec![topic])
}

pub(in crate::broker) fn fetch(topic: &str, from: i64) -> FetchRequest {
    let row = FetchPartition::default().with_fetch_offset(from).with_partition_max_bytes(1 << 20);
    let topic = FetchTopic::default().with_topic(name(topic)).with_partitions(vec![row]);
    FetchRequest::default().with_max_bytes(i32::MAX).with_topics(vec![topic])
}

pub(in crate::broker) fn metadata(topics: &[&str]) -> MetadataRequest {
    let topics = topics.iter().map(|topic| MetadataRequestTopic::default().with_name(Some(name(topic))));
    MetadataRequest::default().with_topics(Some(topics.collect())).with_allow_auto_topic_creation(true)
}
