//! Tests of transactions on the wire: what producers are told, what stands in the logs, and what readers see.

use kafka_protocol::messages::add_partitions_to_txn_request::{
    AddPartitionsToTxnTopic, AddPartitionsToTxnTransaction,
};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::{
    AddOffsetsToTxnRequest, AddPartitionsToTxnRequest, EndTxnRequest, FetchRequest, InitProducerIdRequest,
    ListOffsetsRequest, ProduceRequest, TransactionalId, TxnOffsetCommitRequest,
};
use kafka_protocol::protocol::StrBytes;
use tokio::io::DuplexStream;

use crate::broker::connection::wire::{Bench, Client, fetch, name, produce};
use crate::broker::partition::Change;
use crate::broker::transaction::Place;
use crate::id::BrokerId;
use crate::kafka::ErrorCode;
use crate::kafka::batch::{Batch, BatchBuilder, Marker, TimestampType, entries};

/// Markers are of today, records of 1970: they are to be read at once all the same.
const ONE_SEGMENT: (&str, &str) = ("segment.ms", "9223372036854775807");

type Wire = Client<DuplexStream>;

fn id() -> TransactionalId {
    TransactionalId(StrBytes::from_static_str("id"))
}

fn init_request() -> InitProducerIdRequest {
    InitProducerIdRequest::default()
        .with_transactional_id(Some(id()))
        .with_transaction_timeout_ms(60_000)
        .with_producer_id((-1).into())
        .with_producer_epoch(-1)
}

/// Producer id and epoch, or the error.
async fn init(client: &mut Wire) -> Result<(i64, i16), ErrorCode> {
    let answer = client.call(5, &init_request()).await;
    let code = ErrorCode(answer.error_code);
    if code == ErrorCode::NONE { Ok((answer.producer_id.0, answer.producer_epoch)) } else { Err(code) }
}

fn records((id, epoch): (i64, i16), sequence: i32) -> BatchBuilder {
    BatchBuilder::new().producer(id, epoch, sequence).transactional().value(b"value")
}

fn request(batch: &BatchBuilder) -> ProduceRequest {
    let batch = batch.build().unwrap().into_bytes();
    produce("orders", -1, batch).with_transactional_id(Some(id()))
}

/// The base offset, or the error; with the message where there is one.
async fn send(
    client: &mut Wire,
    version: i16,
    batch: &BatchBuilder,
) -> Result<i64, (ErrorCode, Option<String>)> {
    let answer = client.call(version, &request(batch)).await;
    let row = &answer.responses[0].partition_responses[0];
    match ErrorCode(row.error_code) {
        ErrorCode::NONE => Ok(row.base_offset),
        code => Err((code, row.error_message.as_ref().map(StrBytes::to_string))),
    }
}

fn bare(code: ErrorCode) -> Result<i64, (ErrorCode, Option<String>)> {
    Err((code, None))
}

async fn add(client: &mut Wire, version: i16, (producer, epoch): (i64, i16)) -> Vec<ErrorCode> {
    let topic = AddPartitionsToTxnTopic::default().with_name(name("orders")).with_partitions(vec![0]);
    let request = AddPartitionsToTxnRequest::default();
    let request = if version >= 4 {
        request.with_transactions(vec![
            AddPartitionsToTxnTransaction::default()
                .with_transactional_id(id())
                .with_producer_id(producer.into())
                .with_producer_epoch(epoch)
                .with_topics(vec![topic]),
        ])
    } else {
        request
            .with_v3_and_below_transactional_id(id())
            .with_v3_and_below_producer_id(producer.into())
            .with_v3_and_below_producer_epoch(epoch)
            .with_v3_and_below_topics(vec![topic])
    };
    let answer = client.call(version, &request).await;
    let of_brokers = answer.results_by_transaction.iter().flat_map(|result| &result.topic_results);
    let topics = answer.results_by_topic_v3_and_below.iter().chain(of_brokers);
    topics
        .flat_map(|topic| &topic.results_by_partition)
        .map(|row| ErrorCode(row.partition_error_code))
        .collect()
}

/// The producer of the next transaction, or the error.
async fn end(
    client: &mut Wire,
    version: i16,
    (producer, epoch): (i64, i16),
    commit: bool,
) -> Result<(i64, i16), ErrorCode> {
    let request = EndTxnRequest::default()
        .with_transactional_id(id())
        .with_producer_id(producer.into())
        .with_producer_epoch(epoch)
        .with_committed(commit);
    let answer = client.call(version, &request).await;
    let next = (answer.producer_id.0, answer.producer_epoch);
    match ErrorCode(answer.error_code) {
        ErrorCode::NONE => Ok(next),
        code => {
            assert_eq!(next, (-1, -1));
            Err(code)
        }
    }
}

/// What a reader of committed records sees: the offsets of batches, the last stable offset, the aborted transactions.
async fn committed(client: &mut Wire, from: i64) -> (Vec<i64>, i64, Vec<(i64, i64)>) {
    let request = fetch("orders", from).with_isolation_level(1);
    let answer = client.call(12, &request).await;
    let data = &answer.responses[0].partitions[0];
    let batches = entries(data.records.clone().unwrap());
    let offsets = batches.map(|entry| Batch::try_from(entry.unwrap()).unwrap().base_offset());
    let aborted = data.aborted_transactions.as_ref().unwrap().iter();
    let aborted = aborted.map(|it| (it.producer_id.0, it.first_offset)).collect();
    (offsets.collect(), data.last_stable_offset, aborted)
}

/// The latest offset for a reader of that isolation.
async fn latest(client: &mut Wire, isolation: i8) -> i64 {
    let row = ListOffsetsPartition::default().with_timestamp(-1).with_current_leader_epoch(-1);
    let topic = ListOffsetsTopic::default().with_name(name("orders")).with_partitions(vec![row]);
    let request = ListOffsetsRequest::default()
        .with_replica_id((-1).into())
        .with_isolation_level(isolation)
        .with_topics(vec![topic]);
    client.call(6, &request).await.topics[0].partitions[0].offset
}

#[tokio::test]
async fn a_transaction_of_kip_890_is_added_by_its_records_and_its_end_gives_the_next_epoch() {
    let mut client = Bench::new("orders", &[ONE_SEGMENT]).connect_alone();
    let first = init(&mut client).await.unwrap();
    assert_eq!(first, (0, 0));
    assert_eq!(send(&mut client, 12, &records(first, 0)).await, Ok(0));
    assert_eq!(send(&mut client, 12, &records(first, 1)).await, Ok(1));
    assert_eq!(committed(&mut client, 0).await, (vec![], 0, vec![]), "nothing is decided");
    assert_eq!((latest(&mut client, 0).await, latest(&mut client, 1).await), (2, 0));
    let second = end(&mut client, 5, first, true).await.unwrap();
    assert_eq!(second, (0, 1));
    assert_eq!(committed(&mut client, 0).await, (vec![0, 1, 2], 3, vec![]));
    assert_eq!(send(&mut client, 12, &records(second, 0)).await, Ok(3), "sequences begin anew");
    assert_eq!(end(&mut client, 5, second, false).await, Ok((0, 2)));
    assert_eq!(committed(&mut client, 0).await, (vec![0, 1, 2, 3, 4], 5, vec![(0, 3)]));
    assert_eq!(committed(&mut client, 5).await, (vec![], 5, vec![]));
    assert_eq!(latest(&mut client, 1).await, 5);
}

#[tokio::test]
async fn an_old_client_adds_its_partitions_and_goes_on_with_its_epoch_and_sequence() {
    let mut client = Bench::new("orders", &[ONE_SEGMENT]).connect_alone();
    let only = init(&mut client).await.unwrap();
    for (n, version) in (0..).zip([3, 5, 9, 10, 11]) {
        assert_eq!(add(&mut client, 3, only).await, [ErrorCode::NONE]);
        assert_eq!(send(&mut client, version, &records(only, n)).await, Ok(2 * i64::from(n)), "v{version}");
        assert_eq!(end(&mut client, 4, only, true).await, Ok((-1, -1)));
    }
    let markers = client.fetch_all("orders").await;
    let marker = markers.iter().filter(|batch| batch.is_control());
    assert!(marker.clone().all(|batch| (batch.producer_epoch(), batch.base_sequence()) == (0, -1)));
    assert_eq!(marker.count(), 5);
}

#[tokio::test]
async fn g4_records_of_a_partition_that_is_no_part_of_the_transaction() {
    let mut client = Bench::new("orders", &[ONE_SEGMENT]).connect_alone();
    let at = init(&mut client).await.unwrap();
    let unadded =
        Err((ErrorCode::INVALID_TXN_STATE, Some("Partition was not added to the transaction".to_owned())));
    for version in [9, 10] {
        assert_eq!(send(&mut client, version, &records(at, 0)).await, unadded);
    }
    assert_eq!(send(&mut client, 11, &records(at, 0)).await, bare(ErrorCode::TRANSACTION_ABORTABLE));
    let stranger = (at.0 + 7, 0);
    assert_eq!(
        send(&mut client, 12, &records(stranger, 0)).await,
        bare(ErrorCode::INVALID_PRODUCER_ID_MAPPING)
    );
    let ahead = (at.0, 3);
    assert_eq!(send(&mut client, 12, &records(ahead, 0)).await, bare(ErrorCode::INVALID_PRODUCER_EPOCH));
    assert_eq!(send(&mut client, 12, &records(at, 4)).await, bare(ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER));
    assert_eq!(send(&mut client, 12, &records(at, 0)).await, Ok(0));
}

#[tokio::test]
async fn g5_two_producers_in_one_request_spoil_it() {
    let mut client = Bench::new("orders", &[ONE_SEGMENT]).connect_alone();
    let at = init(&mut client).await.unwrap();
    let mut request = request(&records(at, 0));
    let mut second = request.topic_data[0].partition_data[0].clone().with_index(1);
    second.records = Some(records((at.0, at.1 + 1), 0).build().unwrap().into_bytes());
    request.topic_data[0].partition_data.push(second);
    let answer = client.call(12, &request).await;
    for row in &answer.responses[0].partition_responses {
        assert_eq!(ErrorCode(row.error_code), ErrorCode::INVALID_PRODUCER_ID_MAPPING);
        assert_eq!((row.base_offset, row.log_start_offset), (-1, -1));
        let message = row.error_message.as_ref().unwrap();
        assert_eq!(message.as_str(), "Transactional records contained more than one producer ID");
    }
}

#[tokio::test]
async fn g5_records_without_a_transaction_in_the_middle_of_one() {
    let mut client = Bench::new("orders", &[ONE_SEGMENT]).connect_alone();
    let at = init(&mut client).await.unwrap();
    send(&mut client, 12, &records(at, 0)).await.unwrap();
    let plain = BatchBuilder::new().producer(at.0, at.1, 1).value(b"value").build().unwrap();
    let row = client.produce(12, -1, plain.into_bytes()).await;
    assert_eq!((ErrorCode(row.error_code), row.log_start_offset), (ErrorCode::INVALID_TXN_STATE, 0));
}

#[tokio::test]
async fn a_second_producer_of_the_same_id_fences_the_first() {
    let mut client = Bench::new("orders", &[ONE_SEGMENT]).connect_alone();
    let first = init(&mut client).await.unwrap();
    send(&mut client, 12, &records(first, 0)).await.unwrap();
    assert_eq!(init(&mut client).await, Err(ErrorCode::CONCURRENT_TRANSACTIONS));
    assert_eq!(committed(&mut client, 0).await, (vec![0, 1], 2, vec![(0, 0)]), "aborted for it");
    let second = init(&mut client).await.unwrap();
    assert_eq!(second, (0, 2));
    assert_eq!(send(&mut client, 12, &records(first, 1)).await, bare(ErrorCode::INVALID_PRODUCER_EPOCH));
    for (version, code) in [(1, ErrorCode::INVALID_PRODUCER_EPOCH), (2, ErrorCode::PRODUCER_FENCED)] {
        assert_eq!(end(&mut client, version, first, true).await, Err(code));
        assert_eq!(add(&mut client, version, first).await, [code]);
    }
    assert_eq!(end(&mut client, 5, first, true).await, Err(ErrorCode::PRODUCER_FENCED));
    let mut stale = init_request().with_producer_id(first.0.into()).with_producer_epoch(first.1);
    for (version, code) in [(3, ErrorCode::INVALID_PRODUCER_EPOCH), (4, ErrorCode::PRODUCER_FENCED)] {
        assert_eq!(ErrorCode(client.call(version, &stale).await.error_code), code);
    }
    stale = stale.with_producer_epoch(-1);
    assert_eq!(ErrorCode(client.call(5, &stale).await.error_code), ErrorCode::INVALID_REQUEST);
}

#[tokio::test]
async fn a_partition_that_does_not_exist_spoils_what_is_added_with_it() {
    let mut client = Bench::new("orders", &[ONE_SEGMENT]).connect_alone();
    let (producer, epoch) = init(&mut client).await.unwrap();
    let topics = [("orders", vec![0, 1, 2, 0]), ("nowhere", vec![0]), ("__consumer_offsets", vec![0])];
    let topics = topics.into_iter().map(|(topic, partitions)| {
        AddPartitionsToTxnTopic::default().with_name(name(topic)).with_partitions(partitions)
    });
    let request = AddPartitionsToTxnRequest::default()
        .with_v3_and_below_transactional_id(id())
        .with_v3_and_below_producer_id(producer.into())
        .with_v3_and_below_producer_epoch(epoch)
        .with_v3_and_below_topics(topics.collect());
    let answer = client.call(3, &request).await;
    let rows = answer.results_by_topic_v3_and_below.iter().flat_map(|topic| &topic.results_by_partition);
    let codes: Vec<_> = rows.map(|row| row.partition_error_code).collect();
    assert_eq!(codes, [55, 55, 3, 3, 29]);
    assert_eq!(end(&mut client, 4, (producer, epoch), true).await, Err(ErrorCode::INVALID_TXN_STATE));
}

#[tokio::test]
async fn every_version_adds_and_ends() {
    let mut client = Bench::new("orders", &[ONE_SEGMENT]).connect_alone();
    let mut at = init(&mut client).await.unwrap();
    for version in 0..=5 {
        assert_eq!(add(&mut client, version, at).await, [ErrorCode::NONE], "v{version}");
        let next = end(&mut client, version, at, version % 2 == 0).await.unwrap();
        at = if version == 5 { next } else { at };
    }
    assert_eq!(at, (0, 1));
    assert_eq!(client.fetch_all("orders").await.len(), 6, "a marker for each, though nothing was written");
    assert_eq!(committed(&mut client, 0).await.2, [], "and nothing to be skipped");
}

#[tokio::test]
async fn offsets_count_when_their_transaction_is_committed() {
    let mut bench = Bench::new("orders", &[ONE_SEGMENT]);
    let mut client = bench.connect();
    let mut at = init(&mut client).await.unwrap();
    let committed = |bench: &Bench| {
        let offsets = bench.node.cluster.transactions.offsets().committed("group");
        offsets.get(&Place::new("orders", 0)).copied()
    };
    let group = || StrBytes::from_static_str("group").into();
    let commit = |at: (i64, i16), offset: i64| {
        let row = TxnOffsetCommitRequestPartition::default().with_committed_offset(offset);
        let rows = vec![row.clone(), row.with_partition_index(9)];
        let topic = TxnOffsetCommitRequestTopic::default().with_name(name("orders")).with_partitions(rows);
        TxnOffsetCommitRequest::default()
            .with_transactional_id(id())
            .with_group_id(group())
            .with_producer_id(at.0.into())
            .with_producer_epoch(at.1)
            .with_topics(vec![topic])
    };
    let codes = |answer: kafka_protocol::messages::TxnOffsetCommitResponse| {
        answer.topics[0].partitions.iter().map(|row| row.error_code).collect::<Vec<_>>()
    };
    for (version, code) in [(3, 48), (4, 120)] {
        let answer = client.call(version, &commit(at, 1)).await;
        assert_eq!(codes(answer), [3, code], "v{version}: the group was not added");
    }
    for version in 0..=4 {
        let add = AddOffsetsToTxnRequest::default()
            .with_transactional_id(id())
            .with_group_id(group())
            .with_producer_id(at.0.into())
            .with_producer_epoch(at.1);
        assert_eq!(client.call(version, &add).await.error_code, 0);
        let answer = client.call(version, &commit(at, i64::from(version))).await;
        assert_eq!(codes(answer), [3, 0]);
        assert_ne!(committed(&bench), Some(version.into()), "not yet");
        end(&mut client, 4, at, true).await.unwrap();
        assert_eq!(committed(&bench), Some(version.into()));
    }
    for (offset, commits, expected) in [(50, false, 4), (60, true, 60)] {
        assert_eq!(codes(client.call(5, &commit(at, offset)).await), [3, 0], "it adds itself");
        at = end(&mut client, 5, at, commits).await.unwrap();
        assert_eq!(committed(&bench), Some(expected));
    }
    let old = (at.0, at.1 - 1);
    assert_eq!(codes(client.call(5, &commit(old, 1)).await), [3, 47], "fenced");
    let member = commit(at, 1).with_generation_id(3);
    assert_eq!(codes(client.call(5, &member).await), [3, 25], "the group has no members");
    let nobody = commit(at, 1).with_group_id(StrBytes::default().into());
    assert_eq!(codes(client.call(5, &nobody).await), [3, 24]);
}

#[tokio::test]
async fn a_marker_waits_for_replicas_and_holds_the_next_transaction_up() {
    let mut bench = Bench::of(2, "orders", &[("min.insync.replicas", "2"), ONE_SEGMENT]);
    let coordinator = bench.node.cluster.coordinator_of("id").unwrap();
    let mut client = bench.connect();
    let mut far = bench.connect_to(coordinator.0);
    let at = init(&mut far).await.unwrap();
    send(&mut client, 12, &records(at, 0)).await.unwrap();
    bench.change("orders", Change::InSync(&[BrokerId(1)]));
    let next = end(&mut far, 5, at, true).await.unwrap();
    assert_eq!(committed(&mut client, 0).await, (vec![], 0, vec![]), "there are too few for the marker");
    assert_eq!(init(&mut far).await, Err(ErrorCode::CONCURRENT_TRANSACTIONS));
    assert_eq!(end(&mut far, 5, at, true).await, Err(ErrorCode::CONCURRENT_TRANSACTIONS));
    bench.change("orders", Change::InSync(&[BrokerId(1), BrokerId(2)]));
    assert_eq!(committed(&mut client, 0).await, (vec![0, 1], 2, vec![]));
    send(&mut client, 12, &records(next, 0)).await.unwrap();
    bench.change("orders", Change::Hold(BrokerId(2)));
    end(&mut far, 5, next, false).await.unwrap();
    assert_eq!(committed(&mut client, 0).await.1, 2, "the marker is there, and not replicated");
    assert_eq!(latest(&mut client, 1).await, 2);
    assert_eq!(init(&mut far).await, Err(ErrorCode::CONCURRENT_TRANSACTIONS));
    bench.change("orders", Change::Resume);
    assert_eq!(committed(&mut client, 0).await, (vec![0, 1, 2, 3], 4, vec![(0, 2)]));
    assert!(init(&mut far).await.is_ok());
}

#[tokio::test]
async fn a_new_leader_knows_what_is_open_and_what_was_aborted() {
    let mut bench = Bench::of(2, "orders", &[ONE_SEGMENT]);
    let coordinator = bench.node.cluster.coordinator_of("id").unwrap();
    let mut far = bench.connect_to(coordinator.0);
    let at = init(&mut far).await.unwrap();
    let mut client = bench.connect();
    send(&mut client, 12, &records(at, 0)).await.unwrap();
    let next = end(&mut far, 5, at, false).await.unwrap();
    send(&mut client, 12, &records(next, 0)).await.unwrap();
    let before = committed(&mut client, 0).await;
    assert_eq!(before, (vec![0, 1], 2, vec![(0, 0)]));
    bench.change("orders", Change::Lead { broker: BrokerId(2), unclean: false });
    let mut client = bench.connect_to(2);
    assert_eq!(committed(&mut client, 0).await, before);
    assert_eq!(send(&mut client, 12, &records(next, 1)).await, Ok(3), "it is still open");
    end(&mut far, 5, next, true).await.unwrap();
    assert_eq!(committed(&mut client, 0).await, (vec![0, 1, 2, 3, 4], 5, vec![(0, 0)]));
}

#[tokio::test]
async fn a_transaction_whose_topic_is_gone_ends() {
    let mut bench = Bench::new("orders", &[ONE_SEGMENT]);
    let mut client = bench.connect();
    let at = init(&mut client).await.unwrap();
    send(&mut client, 12, &records(at, 0)).await.unwrap();
    bench.node.cluster.delete_topic("orders").unwrap();
    let next = end(&mut client, 5, at, true).await.unwrap();
    assert_eq!(end(&mut client, 5, next, false).await, Ok((0, 2)), "it is complete");
}

#[tokio::test]
async fn markers_are_what_apache_kafka_writes() {
    for of in [TimestampType::CreateTime, TimestampType::LogAppendTime] {
        let name = if of == TimestampType::CreateTime { "CreateTime" } else { "LogAppendTime" };
        let mut client = Bench::new("orders", &[("message.timestamp.type", name)]).connect_alone();
        let at = init(&mut client).await.unwrap();
        add(&mut client, 3, at).await;
        end(&mut client, 5, at, false).await.unwrap();
        let log = client.fetch_all("orders").await;
        let marker = &log[0];
        assert!(marker.is_control() && marker.is_transactional() && marker.check_crc().is_ok());
        assert_eq!(marker.timestamp_type(), of);
        assert_eq!((marker.producer_id(), marker.producer_epoch(), marker.record_count()), (0, 1, 1));
        let payload = marker.payload(100).unwrap();
        let record = marker.records(&payload).next().unwrap().unwrap();
        assert_eq!(Marker::of(&record), Some(Marker::Abort));
        assert_eq!(Marker::coordinator_epoch(&record), Some(0));
        assert!(record.timestamp(marker) > 1_600_000_000_000, "the broker's clock");
    }
}

#[tokio::test]
async fn a_reader_that_waits_wakes_when_a_transaction_is_committed() {
    let mut bench = Bench::new("orders", &[ONE_SEGMENT]);
    let (mut reader, mut client) = (bench.connect(), bench.connect());
    let at = init(&mut client).await.unwrap();
    send(&mut client, 12, &records(at, 0)).await.unwrap();
    let request = fetch("orders", 0).with_isolation_level(1).with_max_wait_ms(i32::MAX).with_min_bytes(1);
    let waiting = reader.send(12, &request).await;
    end(&mut client, 5, at, true).await.unwrap();
    let answer = reader.receive::<FetchRequest>(12, waiting).await.unwrap();
    assert!(!answer.responses[0].partitions[0].records.as_ref().unwrap().is_empty());
}
