//! The client of a cluster against the embedded broker, on a real socket.

use std::time::Duration;

use bytes::Bytes;
use inflight::broker::{self, ClusterSpec};
use inflight::cluster::{Bound, Cluster, NewTopic, Place, Tcp};
use inflight::id::{Offset, Partition};
use inflight::kafka::batch::{Batch, BatchBuilder, Compression, NewRecord};
use inflight::kafka::frame::FrameReader;
use inflight::kafka::{ErrorCode, decode_response, encode_request};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{ProduceRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::Instant;

/// Produce by topic name.
const PRODUCE: i16 = 9;

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

fn new(name: &str, partitions: i32) -> NewTopic {
    NewTopic { name: name.into(), partitions, replication_factor: 1, replicas: vec![], config: vec![] }
}

fn place(topic: &str, partition: i32) -> Place {
    Place { topic: topic.into(), partition: Partition(partition) }
}

async fn connect(broker: &broker::Cluster) -> Cluster {
    Cluster::connect(Tcp, &[broker.bootstrap().parse().unwrap()], soon()).await.unwrap()
}

/// Writes batches one after the other, each in a request of its own, and checks that none is refused.
async fn produce(broker: &broker::Cluster, to: &Place, batches: impl IntoIterator<Item = Batch>) {
    let mut frames = FrameReader::new(TcpStream::connect(broker.bootstrap()).await.unwrap(), 1 << 20);
    for (id, batch) in (0..).zip(batches) {
        let partition = PartitionProduceData::default()
            .with_index(to.partition.0)
            .with_records(Some(Bytes::copy_from_slice(batch.bytes())));
        let topic = TopicProduceData::default()
            .with_name(TopicName(StrBytes::from_string(to.topic.to_string())))
            .with_partition_data(vec![partition]);
        let request =
            ProduceRequest::default().with_acks(-1).with_timeout_ms(1000).with_topic_data(vec![topic]);
        let frame = encode_request(PRODUCE, id, "test", &request).unwrap();
        frames.stream().write_all(&frame).await.unwrap();
        let answer = frames.read().await.unwrap().unwrap();
        let answer = decode_response::<ProduceRequest>(answer, PRODUCE, id).unwrap();
        assert_eq!(answer.responses[0].partition_responses[0].error_code, 0);
    }
}

#[tokio::test]
async fn what_was_written_is_read_back_in_every_codec() {
    let broker = broker::Cluster::start(ClusterSpec::default()).await.unwrap();
    let mut cluster = connect(&broker).await;
    assert_eq!(cluster.create_topics(&[new("t", 2)], soon()).await.unwrap(), [Ok(())]);
    let batches = (0..5_i16).map(|codec| {
        let headers = [("h", Some(&b"1"[..])), ("h", None)];
        let record =
            NewRecord { timestamp: 100 + i64::from(codec), key: Some(b"k"), value: None, headers: &headers };
        let codec = Compression::try_from(codec).unwrap();
        BatchBuilder::new().compression(codec).record(record).value(b"v").build().unwrap()
    });
    produce(&broker, &place("t", 1), batches).await;
    let mut read = Vec::new();
    let from = [(place("t", 0), Offset(0)), (place("t", 1), Offset(1))];
    let visit = |n: usize, logged: &inflight::cluster::Logged<'_>| {
        assert_eq!(n, 1);
        read.push((
            logged.offset.0,
            logged.timestamp,
            logged.record.key.is_some(),
            logged.record.headers.len(),
        ));
    };
    let ends = cluster.read(&from, visit, soon()).await.unwrap();
    let first = (1, 0, false, 0);
    let others = (1..5).flat_map(|n| [(2 * n, 100 + n, true, 2), (2 * n + 1, 0, false, 0)]);
    assert_eq!(read, [first].into_iter().chain(others).collect::<Vec<_>>());
    let ends: Vec<_> = ends.into_iter().map(|end| end.unwrap().high_watermark.0).collect();
    assert_eq!(ends, [0, 10]);
}

#[tokio::test]
async fn offsets_are_those_of_the_log() {
    let broker = broker::Cluster::start(ClusterSpec::default()).await.unwrap();
    let mut cluster = connect(&broker).await;
    let created = cluster.create_topics(&[new("t", 1), new("t", 1)], soon()).await.unwrap();
    assert!(created.iter().any(Result::is_err), "one name cannot be two topics: {created:?}");
    assert_eq!(cluster.create_topics(&[new("u", 1)], soon()).await.unwrap(), [Ok(())]);
    produce(&broker, &place("u", 0), [BatchBuilder::new().value(b"a").value(b"b").build().unwrap()]).await;
    for (bound, offset) in [(Bound::Start, 0), (Bound::HighWatermark, 2), (Bound::LastStable, 2)] {
        let offsets = cluster.offsets(bound, &[place("u", 0)], soon()).await.unwrap();
        assert_eq!(offsets, [Ok(Offset(offset))], "{bound:?}");
    }
    let beyond = cluster.read(&[(place("u", 0), Offset(3))], |_, _| (), soon()).await.unwrap();
    assert_eq!(beyond, [Err(ErrorCode::OFFSET_OUT_OF_RANGE)]);
}

#[tokio::test]
async fn what_does_not_exist_is_said_to_be_unknown() {
    let broker = broker::Cluster::start(ClusterSpec::default()).await.unwrap();
    let mut cluster = connect(&broker).await;
    let unknown = ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
    assert_eq!(cluster.topic(&"nowhere".into(), soon()).await.unwrap(), Err(unknown));
    let deadline = Instant::now() + Duration::from_millis(200);
    let read = cluster.read(&[(place("nowhere", 0), Offset(0))], |_, _| (), deadline).await.unwrap();
    assert_eq!(read, [Err(unknown)]);
}

#[tokio::test]
async fn a_broker_that_is_gone_is_an_error_at_once() {
    let broker = broker::Cluster::start(ClusterSpec::default()).await.unwrap();
    let mut cluster = connect(&broker).await;
    cluster.create_topics(&[new("t", 1)], soon()).await.unwrap();
    drop(broker);
    let start = Instant::now();
    let error = cluster.read(&[(place("t", 0), Offset(0))], |_, _| (), soon()).await.unwrap_err();
    assert!(error.to_string().starts_with("no broker can be reached at 127.0.0.1:"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_long_log_is_read_in_many_answers() {
    let broker = broker::Cluster::start(ClusterSpec::default()).await.unwrap();
    let mut cluster = connect(&broker).await;
    cluster.create_topics(&[new("t", 3)], soon()).await.unwrap();
    let value = vec![b'x'; 1000];
    for partition in 0..3 {
        let batches = (0..20)
            .map(|_| (0..500).fold(BatchBuilder::new(), |batch, _| batch.value(&value)).build().unwrap());
        produce(&broker, &place("t", partition), batches).await;
    }
    let from: Vec<_> = (0..3).map(|n| (place("t", n), Offset(0))).collect();
    let mut next = [0; 3];
    let visit = |n: usize, logged: &inflight::cluster::Logged<'_>| {
        assert_eq!(logged.offset, Offset(next[n]));
        next[n] += 1;
    };
    cluster.read(&from, visit, soon()).await.unwrap();
    assert_eq!(next, [10_000; 3]);
}
