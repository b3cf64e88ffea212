//! Tests with the real transactional client.

use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::broker::{Cluster, ClusterSpec, TopicSpec};

const PATIENCE: Duration = Duration::from_secs(30);

async fn cluster(brokers: u32) -> Cluster {
    let topic = TopicSpec { name: "orders".to_owned(), partitions: 1, ..TopicSpec::default() };
    Cluster::start(ClusterSpec { brokers, topics: vec![topic], ..ClusterSpec::default() }).await.unwrap()
}

fn producer(bootstrap: &str) -> BaseProducer {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap).set("transactional.id", "id").set("linger.ms", "0");
    config.set("transaction.timeout.ms", "60000").set("enable.sparse.connections", "false");
    config.create().unwrap()
}

fn send(producer: &BaseProducer, value: &str) {
    producer.send(BaseRecord::<(), str>::to("orders").partition(0).payload(value)).unwrap();
}

/// Waits until every record has its answer.
fn delivered(producer: &BaseProducer) {
    while producer.in_flight_count() > 0 {
        producer.poll(Duration::from_millis(1));
    }
}

/// A transaction with one record.
fn transact(producer: &BaseProducer, value: &str, commit: bool) -> Result<(), KafkaError> {
    producer.begin_transaction()?;
    send(producer, value);
    delivered(producer);
    if commit { producer.commit_transaction(PATIENCE) } else { producer.abort_transaction(PATIENCE) }
}

fn code(error: &KafkaError) -> Option<RDKafkaErrorCode> {
    match error {
        KafkaError::Transaction(error) => Some(error.code()),
        other => other.rdkafka_error_code(),
    }
}

/// Every value that a reader of committed records gets, up to the one that is awaited.
fn read_committed(bootstrap: &str, last: &str) -> Vec<String> {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap)
        .set("group.id", "nobody")
        .set("isolation.level", "read_committed");
    let consumer: BaseConsumer = config.create().unwrap();
    let mut assigned = TopicPartitionList::new();
    assigned.add_partition_offset("orders", 0, Offset::Beginning).unwrap();
    consumer.assign(&assigned).unwrap();
    let (mut values, deadline) = (vec![], Instant::now() + PATIENCE);
    while values.last().is_none_or(|value| value != last) && Instant::now() < deadline {
        if let Some(Ok(message)) = consumer.poll(Duration::from_millis(10)) {
            values.push(String::from_utf8(message.payload().unwrap().to_vec()).unwrap());
        }
    }
    values
}

async fn blocking<T: Send + 'static>(act: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(act).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn librdkafka_commits_and_aborts_and_a_reader_sees_what_was_committed() {
    for brokers in [1, 3] {
        let cluster = cluster(brokers).await;
        let bootstrap = cluster.bootstrap();
        let read = blocking(move || {
            let producer = producer(&bootstrap);
            producer.init_transactions(PATIENCE).unwrap();
            for (value, commit) in [("one", true), ("two", false), ("three", true), ("four", false)] {
                transact(&producer, value, commit).unwrap();
            }
            transact(&producer, "last", true).unwrap();
            read_committed(&bootstrap, "last")
        });
        assert_eq!(read.await, ["one", "three", "last"]);
        cluster.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn librdkafka_is_fenced_by_a_second_producer_of_its_id() {
    let cluster = cluster(1).await;
    let bootstrap = cluster.bootstrap();
    let read = blocking(move || {
        let first = producer(&bootstrap);
        first.init_transactions(PATIENCE).unwrap();
        first.begin_transaction().unwrap();
        send(&first, "lost");
        delivered(&first);
        let second = producer(&bootstrap);
        second.init_transactions(PATIENCE).unwrap();
        let error = first.commit_transaction(PATIENCE).unwrap_err();
        assert_eq!(code(&error), Some(RDKafkaErrorCode::Fenced), "{error:?}");
        transact(&second, "last", true).unwrap();
        read_committed(&bootstrap, "last")
    });
    assert_eq!(read.await, ["last"]);
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn librdkafka_is_fenced_when_its_transaction_is_over_time() {
    let cluster = cluster(1).await;
    let bootstrap = cluster.bootstrap();
    let open = blocking(move || {
        let producer = producer(&bootstrap);
        producer.init_transactions(PATIENCE).unwrap();
        producer.begin_transaction().unwrap();
        send(&producer, "late");
        delivered(&producer);
        producer
    })
    .await;
    cluster.advance_clock(Duration::from_secs(61)).await.unwrap();
    let bootstrap = cluster.bootstrap();
    let read = blocking(move || {
        let error = open.commit_transaction(PATIENCE).unwrap_err();
        assert_eq!(code(&error), Some(RDKafkaErrorCode::Fenced), "{error:?}");
        let next = producer(&bootstrap);
        next.init_transactions(PATIENCE).unwrap();
        transact(&next, "last", true).unwrap();
        read_committed(&bootstrap, "last")
    });
    assert_eq!(read.await, ["last"]);
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn librdkafka_goes_on_when_leader_and_coordinator_move_within_a_transaction() {
    let cluster = cluster(3).await;
    let bootstrap = cluster.bootstrap();
    let open = blocking(move || {
        let producer = producer(&bootstrap);
        producer.init_transactions(PATIENCE).unwrap();
        producer.begin_transaction().unwrap();
        send(&producer, "one");
        delivered(&producer);
        producer
    })
    .await;
    for to in [1, 2, 3].map(crate::id::BrokerId) {
        cluster.move_coordinator("id", to).await.unwrap();
    }
    let bootstrap = cluster.bootstrap();
    let read = blocking(move || {
        send(&open, "two");
        delivered(&open);
        open.commit_transaction(PATIENCE).unwrap();
        transact(&open, "last", true).unwrap();
        read_committed(&bootstrap, "last")
    });
    assert_eq!(read.await, ["one", "two", "last"]);
    cluster.shutdown().await;
}
