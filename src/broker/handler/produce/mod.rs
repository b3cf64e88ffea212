//! `Produce`: checks of the request, the append of each partition by itself, and the wait for replicas
//! (`KafkaApis.handleProduceRequest`, `ReplicaManager.appendRecords`, `DelayedProduce`).

mod records;
mod response;
mod verified;

use std::sync::Arc;
use std::time::Duration;

use indexmap::{IndexMap, IndexSet};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{ProduceRequest, ProduceResponse};
use tokio::time::{Instant, timeout_at};

use crate::broker::handler::produce::records::{Records, Surprise, Unfit};
use crate::broker::handler::produce::response::{Key, NONE, Row, response};
use crate::broker::handler::produce::verified::Verified;
use crate::broker::node::Node;
use crate::broker::partition::producers::Guard;
use crate::broker::partition::{Acks, Rejection, Rules};
use crate::broker::topic::Topic;
use crate::kafka::ErrorCode;

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sender<'a> {
    /// The version of the request.
    pub version: i16,
    /// What the client calls itself.
    pub client_id: Option<&'a str>,
}

/// The client of Apache Kafka's own brokers, which may write to internal topics.
const ADMIN_CLIENT: &str = "__admin_client";
/// The first version that names topics by id.
const BY_ID: i16 = 13;

/// Handles a request. Its partitions are independent of each other, unless the request as a whole is wrong. There is
/// no answer to a request that has no records at all for a partition: Apache Kafka fails to make one.
pub(super) async fn handle(
    node: &Node,
    from: Sender<'_>,
    request: ProduceRequest,
) -> Option<ProduceResponse> {
    let ProduceRequest { transactional_id, acks, timeout_ms, topic_data, .. } = request;
    let wanted = cut(topic_data);
    // An error of the request as a whole asks for the size of every row's records (`ProduceRequest.getErrorResponse`).
    let answerable = wanted.iter().all(|(_, records)| !records.missing);
    if let Some(rejection) = whole(&wanted, transactional_id.is_some()) {
        return answerable.then(|| answer_all(node, &wanted, &rejection));
    }
    let order: IndexSet<Key> = wanted.iter().map(|(key, _)| key.clone()).collect();
    let sorted = match Sorted::of(node, from.version, wanted) {
        Ok(sorted) => sorted,
        Err((wanted, Surprise::Failure)) => {
            let failed = Rejection::of(ErrorCode::UNKNOWN_SERVER_ERROR);
            return answerable.then(|| answer_all(node, &wanted, &failed));
        }
        Err((_, Surprise::Unanswerable)) => return None,
    };
    let Sorted { refused, sound } = sorted;
    let id = transactional_id.as_ref().map(|id| id.as_str());
    let mut rows = match verify_and_admit(node, (from, acks, id), sound).await {
        Ok(rows) => rows,
        Err(rejection) => {
            let rows = order.into_iter().map(|key| (key, Row::refused(rejection.clone())));
            return answerable.then(|| response(&node.cluster, &rows.collect()));
        }
    };
    replicated(node, timeout_ms, &mut rows).await;
    // Where one row of a partition was refused and another was not, the answer tells of the refused one.
    rows.extend(refused.into_iter().map(|(key, rejection)| (key, Row::refused(rejection))));
    rows.sort_by_cached_key(|key, _| order.get_index_of(key));
    Some(response(&node.cluster, &rows))
}

/// Asks the coordinator of transactions, then the leaders.
async fn verify_and_admit(
    node: &Node,
    (from, acks, id): (Sender<'_>, i16, Option<&str>),
    sound: IndexMap<Key, (Arc<Topic>, Records)>,
) -> Result<IndexMap<Key, Row>, Rejection> {
    let asked = sound.iter().map(|(key, (topic, records))| ((key, records), topic));
    let mut verified = Verified::of(node, from.version, id, asked).await?;
    let rows = sound.into_iter().map(|(key, (topic, records))| {
        let guard = verified.take(&key);
        let row = admit(node, (&key, topic, guard), (from, acks), records);
        (key, row)
    });
    Ok(rows.collect())
}

/// The rows of a request in their order. A partition may have several.
type Wanted = Vec<(Key, Records)>;

fn cut(topics: Vec<TopicProduceData>) -> Wanted {
    let rows = |topic: TopicProduceData| {
        let (name, id) = (topic.name, topic.topic_id);
        let row = move |row: PartitionProduceData| ((name.clone(), id, row.index), Records::cut(row.records));
        topic.partition_data.into_iter().map(row)
    };
    topics.into_iter().flat_map(rows).collect()
}

/// The same answer for all rows.
fn answer_all(node: &Node, wanted: &Wanted, rejection: &Rejection) -> ProduceResponse {
    let rows = wanted.iter().map(|(key, _)| (key.clone(), Row::refused(rejection.clone())));
    response(&node.cluster, &rows.collect())
}

/// The partitions of a request: those that the request's own check refuses, and those whose leader is asked. A
/// partition that has several rows may be among both; of each kind the last row counts.
#[derive(Default)]
struct Sorted {
    refused: IndexMap<Key, Rejection>,
    sound: IndexMap<Key, (Arc<Topic>, Records)>,
}

impl Sorted {
    /// Looks at row by row. What Apache Kafka did not expect of one ends all.
    fn of(node: &Node, version: i16, wanted: Wanted) -> Result<Self, (Wanted, Surprise)> {
        let mut sorted = Self::default();
        let mut failed = false;
        for (key, records) in &wanted {
            let topic = find(node, version, key).map_err(|code| Unfit::Refused(Rejection::of(code)));
            match topic.and_then(|topic| records.check(version).map(|()| topic)) {
                Ok(topic) => drop(sorted.sound.insert(key.clone(), (topic, records.clone()))),
                Err(Unfit::Refused(rejection)) => drop(sorted.refused.insert(key.clone(), rejection)),
                Err(Unfit::Unexpected) => failed = true,
            }
        }
        // Where the last row of a partition has no records, no answer can be made whatever went wrong.
        if sorted.sound.values().any(|(_, records)| records.missing) {
            return Err((wanted, Surprise::Unanswerable));
        }
        failed |= sorted.sound.values().any(|(_, records)| records.is_short());
        if failed { Err((wanted, Surprise::Failure)) } else { Ok(sorted) }
    }
}

/// Whether a partition failed: without an answer, a client is told by closing its connection.
pub(super) fn has_failed(answer: &ProduceResponse) -> bool {
    answer.responses.iter().flat_map(|topic| &topic.partition_responses).any(|row| row.error_code != 0)
}

/// What is wrong with the request as a whole. Its rows are searched for records of a transaction, which need the name
/// of one; the search ends with the first, or with an error of the parser (`RequestUtils.hasTransactionalRecords`).
fn whole(wanted: &Wanted, has_transactional_id: bool) -> Option<Rejection> {
    let mut all = wanted.iter().map(|(_, records)| records);
    let found = all.find(|records| records.transactional || records.broken.is_some())?;
    let unnamed = || Rejection::of(ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
    found.broken.clone().or_else(|| (!has_transactional_id).then(unnamed))
}

/// Producing never creates a topic.
fn find(node: &Node, version: i16, (name, id, partition): &Key) -> Result<Arc<Topic>, ErrorCode> {
    let topics = node.cluster.topics();
    let topic = if version >= BY_ID {
        topics.with_id(*id).ok_or(ErrorCode::UNKNOWN_TOPIC_ID)?
    } else {
        topics.named(name).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?
    };
    let known = usize::try_from(*partition).is_ok_and(|partition| partition < topic.partition_count());
    if known { Ok(topic) } else { Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION) }
}

/// What is checked after transactions and before the partition: acks, then the topic.
fn may_append(from: Sender<'_>, topic: &Topic, acks: i16) -> Result<Acks, Rejection> {
    let acks = Acks::of(acks).ok_or_else(|| Rejection::of(ErrorCode::INVALID_REQUIRED_ACKS))?;
    if topic.is_internal() && from.client_id != Some(ADMIN_CLIENT) {
        return Err(Rejection::of(ErrorCode::INVALID_TOPIC_EXCEPTION));
    }
    Ok(acks)
}

/// Who does not lead says who does, whether it was found out by the verification or by the append.
fn admit(
    node: &Node,
    (key, topic, guard): (&Key, Arc<Topic>, Result<Option<Guard>, Rejection>),
    (from, acks): (Sender<'_>, i16),
    records: Records,
) -> Row {
    match guard.and_then(|guard| Ok((guard, may_append(from, &topic, acks)?))) {
        Ok((guard, acks)) => append(node, topic, (key.2, acks, guard), records),
        Err(rejection) => Row { topic: Some(topic), ..Row::refused(rejection) },
    }
}

fn append(
    node: &Node,
    topic: Arc<Topic>,
    (index, acks, guard): (i32, Acks, Option<Guard>),
    records: Records,
) -> Row {
    let rules =
        Rules { config: &topic.config, now: node.cluster.now(), topic: &topic.name, partition: index };
    let unknown = || Rejection::of(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
    let (Some(mut partition), Some(entry)) = (topic.partition(index), records.first) else {
        return Row::refused(unknown());
    };
    let led = partition.check_leader(node.id, -1).map_err(Rejection::of);
    let outcome = led.and_then(|()| partition.append(entry, (acks, guard), rules));
    let log_start = match &outcome {
        Err(rejection) if rejection.hides_log_start() => NONE,
        _ => partition.log.start(),
    };
    let confirmed_by_all = outcome.as_ref().ok().filter(|_| acks == Acks::All);
    let wait = confirmed_by_all.and_then(|appended| partition.wait(appended));
    drop(partition);
    Row { topic: Some(topic), outcome, log_start, wait, unconfirmed: ErrorCode::NONE }
}

/// Tells readers, and waits until all replicas in sync have what was appended; what they do not have in time is answered as timed out,
/// though it stands in the log.
async fn replicated(node: &Node, timeout_ms: i32, rows: &mut IndexMap<Key, Row>) {
    if rows.values().any(|row| row.outcome.is_ok()) {
        node.cluster.announce();
    }
    let patience = Duration::from_millis(u64::try_from(timeout_ms).unwrap_or(0));
    let deadline = Instant::now() + patience;
    for row in rows.values_mut() {
        if let Some(wait) = row.wait.take() {
            let ended = timeout_at(deadline, wait).await;
            row.unconfirmed = ended.map_or(ErrorCode::REQUEST_TIMED_OUT, |ended| {
                // A partition does not forget who waits.
                ended.unwrap_or(ErrorCode::UNKNOWN_SERVER_ERROR)
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use kafka_protocol::messages::TransactionalId;
    use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
    use kafka_protocol::messages::produce_response::PartitionProduceResponse;
    use kafka_protocol::protocol::StrBytes;
    use uuid::Uuid;

    use crate::broker::connection::wire::{Bench, batch, name, produce};
    use crate::broker::partition::Change;
    use crate::id::BrokerId;
    use crate::kafka::ErrorCode;
    use crate::kafka::batch::{BatchBuilder, Compression, Marker, field};

    use super::*;

    fn row(index: i32, records: Bytes) -> PartitionProduceData {
        PartitionProduceData::default().with_index(index).with_records(Some(records))
    }

    fn request(acks: i16, rows: Vec<PartitionProduceData>) -> ProduceRequest {
        let topic = TopicProduceData::default().with_name(name("orders")).with_partition_data(rows);
        produce("orders", acks, Bytes::new()).with_topic_data(vec![topic])
    }

    fn rows(response: &ProduceResponse) -> Vec<&PartitionProduceResponse> {
        response.responses.iter().flat_map(|topic| &topic.partition_responses).collect()
    }

    fn codes(response: &ProduceResponse) -> Vec<ErrorCode> {
        rows(response).iter().map(|row| ErrorCode(row.error_code)).collect()
    }

    /// What an answer says where nothing was appended, nothing of the log is told, and no words are made.
    fn assert_bare(row: &PartitionProduceResponse, code: ErrorCode) {
        assert_eq!(ErrorCode(row.error_code), code);
        assert_eq!((row.base_offset, row.log_append_time_ms, row.log_start_offset), (-1, -1, -1), "{code}");
        assert_eq!((&row.error_message, row.record_errors.len()), (&None, 0), "{code}");
    }

    fn end(bench: &Bench, partition: i32) -> i64 {
        bench.partition("orders", partition, |partition| partition.log.end())
    }

    #[tokio::test]
    async fn every_version_appends() {
        let mut bench = Bench::new("orders", &[]);
        let id = bench.node.cluster.topics().named("orders").unwrap().id;
        let mut client = bench.connect();
        for (offset, version) in (0..).zip(3..=13) {
            let mut request = produce("orders", -1, batch(b"value"));
            if version == 13 {
                request.topic_data[0] = TopicProduceData::default()
                    .with_topic_id(id)
                    .with_partition_data(request.topic_data[0].partition_data.clone());
            }
            let response = client.call(version, &request).await;
            let row = rows(&response)[0];
            assert_eq!(
                (row.error_code, row.base_offset, row.log_append_time_ms),
                (0, offset, -1),
                "v{version}"
            );
            assert_eq!(row.log_start_offset, if version >= 5 { 0 } else { -1 });
        }
    }

    #[tokio::test]
    async fn an_unknown_topic_is_an_error_and_not_created() {
        let mut bench = Bench::new("orders", &[]);
        let mut client = bench.connect();
        let response = client.call(9, &produce("nowhere", 1, batch(b"value"))).await;
        assert_bare(rows(&response)[0], ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
        assert!(bench.node.cluster.topics().named("nowhere").is_none());
        let response =
            client.call(9, &request(1, vec![row(2, batch(b"value")), row(-1, batch(b"value"))])).await;
        for row in rows(&response) {
            assert_bare(row, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
        }
    }

    #[tokio::test]
    async fn an_unknown_topic_id_has_an_error_of_its_own() {
        let mut bench = Bench::new("orders", &[]);
        let known = bench.node.cluster.topics().named("orders").unwrap().id;
        let mut client = bench.connect();
        for (id, partition, code) in [
            (Uuid::nil(), 0, ErrorCode::UNKNOWN_TOPIC_ID),
            (Uuid::from_u128(7), 0, ErrorCode::UNKNOWN_TOPIC_ID),
            (known, 9, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
        ] {
            let rows_of = vec![row(partition, batch(b"value"))];
            let topic = TopicProduceData::default().with_topic_id(id).with_partition_data(rows_of);
            let response = client.call(13, &request(1, vec![]).with_topic_data(vec![topic])).await;
            assert_bare(rows(&response)[0], code);
            assert_eq!(response.responses[0].topic_id, id);
        }
    }

    #[tokio::test]
    async fn a_row_has_exactly_one_batch_of_magic_2() {
        let mut bench = Bench::new("orders", &[]);
        let mut client = bench.connect();
        let one = batch(b"value");
        let two = Bytes::from([&one[..], &one].concat());
        let truncated = one.slice(..one.len() - 1);
        let mut old = one.to_vec();
        old[field::MAGIC] = 1;
        for records in [two, truncated.clone(), Bytes::new(), old.into()] {
            assert_bare(&client.produce(9, 1, records).await, ErrorCode::INVALID_RECORD);
        }
        let followed = Bytes::from([&one[..], &truncated].concat());
        assert_eq!(
            client.produce(9, 1, followed).await.error_code,
            0,
            "an incomplete second batch is cut off"
        );
    }

    #[tokio::test]
    async fn only_the_first_two_entries_of_a_row_are_looked_at() {
        let mut bench = Bench::new("orders", &[]);
        let mut client = bench.connect();
        let (one, corrupt) = (batch(b"value"), [0; 17]);
        let second = Bytes::from([&one[..], &corrupt].concat());
        let rows_of = vec![row(0, second), row(1, one.clone())];
        let response = client.call(9, &request(1, rows_of)).await;
        assert_bare(rows(&response)[0], ErrorCode::CORRUPT_MESSAGE);
        assert_eq!(rows(&response)[1].error_code, 0, "the other row has no part in it");
        let third = Bytes::from([&one[..], &one, &corrupt].concat());
        assert_bare(&client.produce(9, 1, third).await, ErrorCode::INVALID_RECORD);
    }

    #[tokio::test]
    async fn zstd_needs_version_7() {
        let mut bench = Bench::new("orders", &[]);
        let mut client = bench.connect();
        let zstd =
            BatchBuilder::new().compression(Compression::Zstd).value(b"value").build().unwrap().into_bytes();
        let row = client.produce(6, 1, zstd.clone()).await;
        assert_bare(&row, ErrorCode::UNSUPPORTED_COMPRESSION_TYPE);
        assert_eq!(client.produce(7, 1, zstd).await.error_code, 0);
    }

    #[tokio::test]
    async fn a_row_that_cannot_be_parsed_fails_the_whole_request() {
        let mut bench = Bench::new("orders", &[]);
        let mut client = bench.connect();
        let mut magic = batch(b"value").to_vec();
        magic[field::MAGIC] = 3;
        let length = |length: i32| {
            let mut batch = batch(b"value").to_vec();
            batch[field::BATCH_LENGTH..field::LEADER_EPOCH].copy_from_slice(&length.to_be_bytes());
            batch
        };
        for (broken, code, message) in [
            (magic, ErrorCode::CORRUPT_MESSAGE, Some("Invalid magic found in record: 3")),
            (
                length(13),
                ErrorCode::CORRUPT_MESSAGE,
                Some("Record size 13 is less than the minimum record overhead (14)"),
            ),
            (length(38)[..50].to_vec(), ErrorCode::UNKNOWN_SERVER_ERROR, None),
            (length(i32::MAX), ErrorCode::UNKNOWN_SERVER_ERROR, None),
        ] {
            let both = |acks| request(acks, vec![row(0, batch(b"good")), row(1, broken.clone().into())]);
            let response = client.call(9, &both(1)).await;
            for row in rows(&response) {
                assert_eq!((ErrorCode(row.error_code), row.log_start_offset), (code, -1));
                assert_eq!(row.error_message.as_deref(), message);
            }
            assert!(bench.connect().try_call(9, &both(0)).await.is_none(), "without an answer it closes");
        }
        assert_eq!((end(&bench, 0), end(&bench, 1)), (0, 0));
    }

    #[tokio::test]
    async fn an_unknown_codec_fails_the_request_of_a_version_that_looks_at_codecs() {
        let mut bench = Bench::new("orders", &[]);
        let mut client = bench.connect();
        let mut unknown = batch(b"value").to_vec();
        unknown[field::ATTRIBUTES + 1] = 5;
        let crc = crc32c::crc32c(&unknown[field::ATTRIBUTES..]);
        unknown[field::CRC..field::ATTRIBUTES].copy_from_slice(&crc.to_be_bytes());
        let both = request(1, vec![row(0, unknown.into()), row(1, batch(b"good"))]);
        let failed = ErrorCode::UNKNOWN_SERVER_ERROR;
        assert_eq!(codes(&client.call(6, &both).await), [failed, failed]);
        assert_eq!(codes(&client.call(7, &both).await), [failed, ErrorCode::NONE]);
    }

    #[tokio::test]
    async fn acks_that_do_not_exist_append_nothing() {
        let mut bench = Bench::new("orders", &[]);
        let mut client = bench.connect();
        let two = Bytes::from([batch(b"value"), batch(b"value")].concat());
        for acks in [2, -2, i16::MAX] {
            let response =
                client.call(9, &request(acks, vec![row(0, batch(b"value")), row(1, two.clone())])).await;
            assert_bare(rows(&response)[0], ErrorCode::INVALID_REQUIRED_ACKS);
            assert_bare(rows(&response)[1], ErrorCode::INVALID_RECORD);
        }
        assert_eq!(end(&bench, 0), 0);
    }

    #[tokio::test]
    async fn records_of_a_transaction_need_one() {
        let mut bench = Bench::new("orders", &[]);
        let mut client = bench.connect();
        let batch = BatchBuilder::new().producer(1, 0, 0).transactional().value(b"value").build().unwrap();
        let rows_of = || vec![row(0, self::batch(b"plain")), row(1, batch.bytes().clone())];
        let response = client.call(9, &request(1, rows_of())).await;
        for row in rows(&response) {
            assert_bare(row, ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
        }
        for version in [10, 11, 12] {
            let id = TransactionalId(StrBytes::from_static_str("id"));
            let response = client.call(version, &request(1, rows_of()).with_transactional_id(Some(id))).await;
            assert_eq!(
                codes(&response),
                [ErrorCode::NONE, ErrorCode::INVALID_PRODUCER_ID_MAPPING],
                "v{version}: nobody has initialised that id"
            );
            assert_eq!(rows(&response)[1].error_message, None);
        }
        assert_eq!(end(&bench, 1), 0);
    }

    #[tokio::test]
    async fn partitions_fail_by_themselves() {
        let mut bench = Bench::new("orders", &[]);
        let mut client = bench.connect();
        let marker = BatchBuilder::marker(Marker::Commit, (1, 0), 0, 0).build().unwrap();
        let control = BatchBuilder::new().control().value(b"value").build().unwrap();
        let response =
            client.call(9, &request(1, vec![row(0, control.into_bytes()), row(1, batch(b"good"))])).await;
        assert_eq!(codes(&response), [ErrorCode::INVALID_RECORD, ErrorCode::NONE]);
        assert_eq!(rows(&response)[0].log_start_offset, 0, "the leader has looked at it");
        let response = client.call(9, &request(1, vec![row(0, marker.into_bytes())])).await;
        assert_bare(rows(&response)[0], ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
        assert_eq!((end(&bench, 0), end(&bench, 1)), (0, 1));
    }

    #[tokio::test]
    async fn the_leaders_errors_tell_the_log_start_or_not() {
        let mut bench = Bench::new("orders", &[("max.message.bytes", "100")]);
        let mut client = bench.connect();
        let batch = |base| BatchBuilder::new().producer(1, 1, base).value(b"value").build().unwrap();
        assert_eq!(client.produce(8, 1, batch(0).into_bytes()).await.error_code, 0);
        let gap = client.produce(8, 1, batch(2).into_bytes()).await;
        assert_eq!(
            (ErrorCode(gap.error_code), gap.base_offset, gap.log_start_offset),
            (ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER, -1, 0)
        );
        let old = BatchBuilder::new().producer(1, 0, 0).value(b"value").build().unwrap();
        let stale = client.produce(8, 1, old.into_bytes()).await;
        assert_eq!(
            (ErrorCode(stale.error_code), stale.log_start_offset),
            (ErrorCode::INVALID_PRODUCER_EPOCH, 0)
        );
        let large = client.produce(8, 1, self::batch(&[b'x'; 100])).await;
        assert_bare(&large, ErrorCode::MESSAGE_TOO_LARGE);
        let mut corrupt = self::batch(b"value").to_vec();
        corrupt[field::CRC] ^= 1;
        assert_bare(&client.produce(8, 1, corrupt.into()).await, ErrorCode::CORRUPT_MESSAGE);
    }

    #[tokio::test]
    async fn bad_records_are_named_from_version_8_on() {
        let mut bench = Bench::new("orders", &[("cleanup.policy", "compact")]);
        let mut client = bench.connect();
        for version in 3..=12 {
            let row = client.produce(version, 1, batch(b"no key")).await;
            assert_eq!(ErrorCode(row.error_code), ErrorCode::INVALID_RECORD);
            assert_eq!(
                (row.record_errors.len(), row.error_message.is_some()),
                if version >= 8 { (1, true) } else { (0, false) }
            );
        }
    }

    #[tokio::test]
    async fn without_acknowledgement_there_is_no_answer() {
        let mut bench = Bench::new("orders", &[]);
        let mut client = bench.connect();
        client.send(9, &produce("orders", 0, batch(b"first"))).await;
        let row = client.produce(9, 1, batch(b"second")).await;
        assert_eq!(row.base_offset, 1, "the next answer is the next request's");
    }

    #[tokio::test]
    async fn without_acknowledgement_a_failure_closes_the_connection_after_the_rest_is_written() {
        let mut bench = Bench::new("orders", &[]);
        let mut client = bench.connect();
        let rows = vec![row(9, batch(b"nowhere")), row(0, batch(b"good")), row(1, batch(b"good"))];
        assert!(client.try_call(9, &request(0, rows)).await.is_none());
        assert_eq!((end(&bench, 0), end(&bench, 1)), (1, 1));
    }

    #[tokio::test]
    async fn a_partition_named_twice_takes_the_last() {
        let mut bench = Bench::new("orders", &[]);
        let mut client = bench.connect();
        let response = client.call(9, &request(1, vec![row(0, batch(b"one")), row(0, batch(b"two"))])).await;
        assert_eq!(codes(&response), [ErrorCode::NONE]);
        let batches = client.fetch_all("orders").await;
        let payload = batches[0].payload(100).unwrap();
        assert_eq!(batches[0].records(&payload).next().unwrap().unwrap().value, Some(&b"two"[..]));
    }

    #[tokio::test]
    async fn internal_topics_are_the_brokers_own() {
        let mut bench = Bench::new("orders", &[]);
        bench.create("__consumer_offsets", &[]);
        let mut client = bench.connect();
        let request = produce("__consumer_offsets", 1, batch(b"value"));
        assert_bare(rows(&client.call(9, &request).await)[0], ErrorCode::INVALID_TOPIC_EXCEPTION);
        let admin = Sender { version: 9, client_id: Some("__admin_client") };
        assert_eq!(codes(&handle(&bench.node, admin, request).await.unwrap()), [ErrorCode::NONE]);
    }

    #[tokio::test]
    async fn a_leader_elsewhere_is_named_from_version_10_on() {
        let mut bench = Bench::of(3, "orders", &[]);
        bench.change("orders", Change::Lead { broker: BrokerId(2), unclean: false });
        let mut client = bench.connect();
        for version in 3..=12 {
            let response = client.call(version, &produce("orders", 1, batch(b"value"))).await;
            let row = rows(&response)[0];
            assert_bare(row, ErrorCode::NOT_LEADER_OR_FOLLOWER);
            let leader = (row.current_leader.leader_id.0, row.current_leader.leader_epoch);
            assert_eq!(leader, if version >= 10 { (2, 1) } else { (-1, -1) });
            let endpoints: Vec<_> = response.node_endpoints.iter().map(|node| node.port).collect();
            assert_eq!(endpoints, if version >= 10 { vec![9093] } else { vec![] });
        }
    }

    #[tokio::test]
    async fn a_request_waits_until_all_replicas_in_sync_have_it() {
        let mut bench = Bench::of(2, "orders", &[]);
        let mut client = bench.connect();
        let batch = BatchBuilder::new().producer(1, 0, 0).value(b"value").build().unwrap().into_bytes();
        bench.change("orders", Change::Hold(BrokerId(2)));
        client.produce(9, 1, batch.clone()).await;
        let timed_out = client.call(9, &produce("orders", -1, batch.clone()).with_timeout_ms(1)).await;
        let row = rows(&timed_out)[0];
        assert_eq!(
            (ErrorCode(row.error_code), row.base_offset, row.log_start_offset),
            (ErrorCode::REQUEST_TIMED_OUT, 0, 0)
        );
        let waiting = client.send(9, &produce("orders", -1, batch.clone()).with_timeout_ms(i32::MAX)).await;
        let quick = bench.connect().produce(9, 1, batch).await;
        assert_eq!((quick.error_code, quick.base_offset), (0, 0), "the leader alone has had it for long");
        bench.change("orders", Change::Resume);
        let answer = client.receive::<ProduceRequest>(9, waiting).await.unwrap();
        assert_eq!(codes(&answer), [ErrorCode::NONE]);
    }

    #[tokio::test]
    async fn a_request_for_nothing_is_answered_with_nothing() {
        let mut bench = Bench::new("orders", &[]);
        let mut client = bench.connect();
        let response = client.call(9, &ProduceRequest::default().with_acks(1)).await;
        assert!(response.responses.is_empty());
        client.send(9, &ProduceRequest::default()).await;
        assert_eq!(
            client.produce(9, 1, batch(b"value")).await.error_code,
            0,
            "the connection is still there"
        );
    }
}
