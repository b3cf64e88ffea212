//! `Fetch`: reading batches back (`KafkaApis.handleFetchRequest`, `ReplicaManager.fetchMessages`, `DelayedFetch`).

mod read;

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use indexmap::IndexMap;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::fetch_response::{FetchableTopicResponse, NodeEndpoint};
use kafka_protocol::messages::{FetchRequest, FetchResponse, TopicName};
use kafka_protocol::protocol::StrBytes;
use tokio::time::Instant;
use uuid::Uuid;

use crate::broker::handler::fetch::read::{Read, Wait, refused};
use crate::broker::node::emulate::Emulate;
use crate::broker::node::reader::{Answered, Asked, Key, Refused, Wanted};
use crate::broker::node::{Endpoint, Node};
use crate::broker::partition::read::{Isolation, Reader};
use crate::id::BrokerId;
use crate::kafka::ErrorCode;

/// `fetch.max.bytes` of a broker.
const MAX_BYTES: i32 = 57_671_680;
const READ_COMMITTED: i8 = 1;
/// Read uncommitted, read committed.
const ISOLATION_LEVELS: [i8; 2] = [0, READ_COMMITTED];
/// The first version that names topics by id.
const BY_ID: i16 = 13;
/// The first version in which consumers may read from followers (KIP-392).
const FROM_FOLLOWERS: i16 = 11;
/// The first version in which a replica says more of itself than its number.
const WITH_REPLICA_STATE: i16 = 15;
/// `FetchRequest.FUTURE_LOCAL_REPLICA_ID`.
const FUTURE_REPLICA: i32 = -3;

pub(super) async fn handle(node: &Node, version: i16, request: &FetchRequest) -> FetchResponse {
    let resolve = |id: Uuid| {
        let topic = node.cluster.topics().with_id(id)?;
        Some(TopicName(StrBytes::from_string(topic.name.clone())))
    };
    let reader = reader(node, version, request);
    let asked = Asked {
        id: request.session_id,
        epoch: request.session_epoch,
        by_id: version >= BY_ID,
        privileged: reader.replica.is_some(),
    };
    let rows = rows(version, request, &resolve);
    let now = node.cluster.now();
    let begun = node.sessions.begin(asked, rows, &forgotten(request), (now, &resolve));
    let (context, wanted) = match begun {
        Ok(begun) => begun,
        Err(Refused::Session(code)) => return FetchResponse::default().with_error_code(code.0),
        Err(Refused::Unexpected) => return unexpected(node, version, request),
    };
    let (interesting, mut answered) = sorted(node, reader, &wanted);
    if !interesting.is_empty() && !ISOLATION_LEVELS.contains(&request.isolation_level) {
        return unexpected(node, version, request);
    }
    let (mut read, leaders) = patiently(node, (version, request), reader, &interesting).await;
    // Partitions that there are not come behind all others.
    read.append(&mut answered);
    if asked.by_id && is_nameless(&read) {
        return unexpected(node, version, request);
    }
    let (code, id) = node.sessions.finish((&context, asked, &wanted), &mut read, node.cluster.now());
    let told = leaders.into_iter().filter(|_| is_told(reader, node.cluster.emulate));
    let endpoints = told.filter_map(|leader| node.cluster.reachable(leader));
    FetchResponse::default()
        .with_error_code(code.0)
        .with_session_id(id)
        .with_responses(by_topic(read))
        .with_node_endpoints(endpoints.map(endpoint).collect())
}

/// Reads what there is, and waits for more as long as the request says.
async fn patiently(
    node: &Node,
    (version, request): (i16, &FetchRequest),
    reader: Reader,
    rows: &[&Wanted],
) -> (Vec<Answered>, BTreeSet<BrokerId>) {
    let deadline = Instant::now() + Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0));
    let max_bytes = request.max_bytes.min(MAX_BYTES).min(node.cluster.unread.room());
    let min_bytes = request.min_bytes.min(max_bytes);
    let read = || Read::all(node, (version, reader), (rows, max_bytes));
    let mut progress = node.cluster.progress();
    progress.mark_unchanged();
    let first = read();
    if rows.is_empty() || request.max_wait_ms <= 0 || first.is_enough(min_bytes) {
        return first.into_rows();
    }
    let wait = Wait::of(&first, rows, min_bytes);
    while !wait.is_over(node, reader) {
        tokio::select! {
            _ = progress.changed() => {}
            () = node.stopping.cancelled() => break,
            () = tokio::time::sleep_until(deadline) => break,
        }
    }
    read().into_rows()
}

/// Since 4.0 a replica is not told where others are (`KafkaApis.handleFetchRequest`, `isFromFollower`).
fn is_told(reader: Reader, emulate: Emulate) -> bool {
    reader.replica.is_none() || emulate < Emulate::V4_3
}

/// Who asks.
fn reader(node: &Node, version: i16, request: &FetchRequest) -> Reader {
    let replica = match version {
        WITH_REPLICA_STATE.. => request.replica_state.replica_id.0,
        _ => request.replica_id.0,
    };
    let isolation = match request.isolation_level {
        _ if replica >= 0 || replica == FUTURE_REPLICA => Isolation::LogEnd,
        READ_COMMITTED => Isolation::Committed,
        _ => Isolation::HighWatermark,
    };
    let from_leader = replica >= 0 || (replica != FUTURE_REPLICA && version < FROM_FOLLOWERS);
    let replica = (replica >= 0).then_some(BrokerId(replica));
    Reader { asked: node.id, replica, from_leader, isolation }
}

/// What is asked for, each partition once: who names one again means it as it is named last, in the place of the first
/// (`FetchRequest.fetchData`).
fn rows(version: i16, request: &FetchRequest, resolve: &dyn Fn(Uuid) -> Option<TopicName>) -> Vec<Wanted> {
    let mut rows = IndexMap::new();
    for topic in &request.topics {
        let name = if version >= BY_ID { resolve(topic.topic_id) } else { Some(topic.topic.clone()) };
        for row in &topic.partitions {
            let wanted = wanted((topic, row), name.clone());
            rows.insert(wanted.key.clone(), wanted);
        }
    }
    rows.into_values().collect()
}

fn wanted((topic, row): (&FetchTopic, &FetchPartition), name: Option<TopicName>) -> Wanted {
    Wanted {
        key: Key { topic: topic.topic.clone(), id: topic.topic_id, partition: row.partition },
        name,
        offset: row.fetch_offset,
        max_bytes: row.partition_max_bytes,
        leader_epoch: row.current_leader_epoch,
        last_epoch: row.last_fetched_epoch,
    }
}

fn forgotten(request: &FetchRequest) -> Vec<Key> {
    let topics = request.forgotten_topics_data.iter();
    let keys = topics.flat_map(|topic| {
        let key =
            |partition: &i32| Key { topic: topic.topic.clone(), id: topic.topic_id, partition: *partition };
        topic.partitions.iter().map(key)
    });
    keys.collect()
}

/// What there is to read, and what there is not: first the topics of unknown ids, unless a replica asks.
fn sorted<'a>(node: &Node, reader: Reader, wanted: &'a [Wanted]) -> (Vec<&'a Wanted>, Vec<Answered>) {
    let (mut interesting, mut nowhere, mut unknown) = (vec![], vec![], vec![]);
    for row in wanted {
        match known(node, row) {
            Ok(()) => interesting.push(row),
            Err(code) => {
                let first = code == ErrorCode::UNKNOWN_TOPIC_ID || reader.replica.is_some();
                let rows = if first { &mut nowhere } else { &mut unknown };
                rows.push((row.key.clone(), refused(&row.key, code)));
            }
        }
    }
    nowhere.append(&mut unknown);
    (interesting, nowhere)
}

/// Whether the cluster knows a partition.
fn known(node: &Node, row: &Wanted) -> Result<(), ErrorCode> {
    let name = row.name.as_ref().ok_or(ErrorCode::UNKNOWN_TOPIC_ID)?;
    let topic = node.cluster.topics().named(name).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    topic.partition(row.key.partition).map(drop).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)
}

/// A topic of no id is compared by its name, which it has not, with what stands behind it
/// (`FetchResponse.matchingTopic`).
fn is_nameless(rows: &[Answered]) -> bool {
    rows.split_last().is_some_and(|(_, others)| others.iter().any(|(key, _)| key.id.is_nil()))
}

/// What is said when Apache Kafka stumbles over a request (`FetchRequest.getErrorResponse`).
fn unexpected(node: &Node, version: i16, request: &FetchRequest) -> FetchResponse {
    let code = ErrorCode::UNKNOWN_SERVER_ERROR;
    // Before 4.0 such a row has no records, not even none.
    let records = (node.cluster.emulate >= Emulate::V4_3).then(Bytes::new);
    let mut topics = vec![];
    for topic in request.topics.iter().filter(|_| version < BY_ID) {
        let rows = topic
            .partitions
            .iter()
            .map(|row| refused(&wanted((topic, row), None).key, code).with_records(records.clone()));
        topics.push(
            FetchableTopicResponse::default().with_topic(topic.topic.clone()).with_partitions(rows.collect()),
        );
    }
    FetchResponse::default()
        .with_error_code(code.0)
        .with_session_id(request.session_id)
        .with_responses(topics)
}

/// Partitions of one topic that follow each other share its row (`FetchResponse.of`).
fn by_topic(answered: Vec<Answered>) -> Vec<FetchableTopicResponse> {
    let mut topics: Vec<FetchableTopicResponse> = vec![];
    for (key, data) in answered {
        match topics.last_mut() {
            Some(last) if (&last.topic, last.topic_id) == (&key.topic, key.id) => last.partitions.push(data),
            _ => topics.push(
                FetchableTopicResponse::default()
                    .with_topic(key.topic)
                    .with_topic_id(key.id)
                    .with_partitions(vec![data]),
            ),
        }
    }
    topics
}

fn endpoint(endpoint: &Endpoint) -> NodeEndpoint {
    NodeEndpoint::default()
        .with_node_id(endpoint.id.0.into())
        .with_host(StrBytes::from_string(endpoint.host.clone()))
        .with_port(endpoint.port.into())
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::ProduceRequest;
    use kafka_protocol::messages::fetch_response::PartitionData;

    use super::*;
    use crate::broker::connection::wire::{Bench, batch, fetch, name, produce};
    use crate::broker::partition::Change;
    use crate::kafka::batch::{Batch, entries};

    fn offsets(data: &PartitionData) -> Vec<i64> {
        let batches = entries(data.records.clone().unwrap());
        batches.map(|entry| Batch::try_from(entry.unwrap()).unwrap().base_offset()).collect()
    }

    fn only(response: &FetchResponse) -> &PartitionData {
        &response.responses[0].partitions[0]
    }

    #[tokio::test]
    async fn every_version_reads() {
        let mut bench = Bench::new("orders", &[]);
        let id = bench.node.cluster.topics().named("orders").unwrap().id;
        let mut client = bench.connect();
        for _ in 0..3 {
            client.produce(9, 1, batch(b"value")).await;
        }
        for version in 4..=18 {
            let mut request = fetch("orders", 1);
            if version >= 13 {
                let rows = request.topics[0].partitions.clone();
                request.topics = vec![FetchTopic::default().with_topic_id(id).with_partitions(rows)];
            }
            let response = client.call(version, &request).await;
            let data = only(&response);
            assert_eq!((data.error_code, offsets(data)), (0, vec![1, 2]), "v{version}");
            assert_eq!((data.high_watermark, data.last_stable_offset), (3, 3));
            assert_eq!(data.log_start_offset, if version >= 5 { 0 } else { -1 });
            assert_eq!(response.session_id, 0);
        }
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_an_error_of_its_row() {
        let mut bench = Bench::new("orders", &[]);
        let mut client = bench.connect();
        client.produce(9, 1, batch(b"value")).await;
        let patient = |request: FetchRequest| request.with_max_wait_ms(i32::MAX).with_min_bytes(1);
        for from in [-1, 2, i64::MAX] {
            let response = client.call(12, &patient(fetch("orders", from))).await;
            let data = only(&response);
            assert_eq!(ErrorCode(data.error_code), ErrorCode::OFFSET_OUT_OF_RANGE);
            assert_eq!((data.high_watermark, data.last_stable_offset, data.log_start_offset), (-1, -1, -1));
        }
        let response = client.call(12, &patient(fetch("nowhere", 0))).await;
        assert_eq!(ErrorCode(only(&response).error_code), ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
        let mut request = patient(fetch("orders", 0));
        request.topics[0].partitions[0].partition = 9;
        let response = client.call(12, &request).await;
        assert_eq!(ErrorCode(only(&response).error_code), ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
        request.topics[0] = FetchTopic::default()
            .with_topic_id(Uuid::from_u128(1))
            .with_partitions(request.topics[0].partitions.clone());
        let response = client.call(13, &request).await;
        assert_eq!(ErrorCode(only(&response).error_code), ErrorCode::UNKNOWN_TOPIC_ID);
    }

    #[tokio::test]
    async fn who_asks_a_follower_reads_from_it_or_is_told_the_leader() {
        let mut bench = Bench::of(3, "orders", &[]);
        let id = bench.node.cluster.topics().named("orders").unwrap().id;
        let (mut leader, mut follower) = (bench.connect(), bench.connect_to(2));
        leader.produce(9, -1, batch(b"value")).await;
        bench.change("orders", Change::Hold(BrokerId(2)));
        leader.produce(9, 1, batch(b"value")).await;
        for version in 4..=10 {
            let response = follower.call(version, &fetch("orders", 0)).await;
            assert_eq!(ErrorCode(only(&response).error_code), ErrorCode::NOT_LEADER_OR_FOLLOWER);
        }
        for (from, expected) in [(0, Ok(vec![0])), (1, Ok(vec![])), (2, Err(ErrorCode::OFFSET_OUT_OF_RANGE))]
        {
            let response = follower.call(12, &fetch("orders", from)).await;
            let data = only(&response);
            let found =
                if data.error_code == 0 { Ok(offsets(data)) } else { Err(ErrorCode(data.error_code)) };
            assert_eq!(found, expected);
        }
        bench.change("orders", Change::Lead { broker: BrokerId(3), unclean: false });
        for version in 12..=18 {
            let mut request = fetch("orders", 0);
            request.topics[0].partitions[0].current_leader_epoch = 0;
            if version >= 13 {
                request.topics[0] = request.topics[0].clone().with_topic(name("")).with_topic_id(id);
            }
            let response = leader.call(version, &request).await;
            let data = only(&response);
            assert_eq!(ErrorCode(data.error_code), ErrorCode::FENCED_LEADER_EPOCH);
            let current = (data.current_leader.leader_id.0, data.current_leader.leader_epoch);
            assert_eq!(current, if version >= 16 { (3, 1) } else { (-1, -1) });
            let ports: Vec<_> = response.node_endpoints.iter().map(|node| node.port).collect();
            assert_eq!(ports, if version >= 16 { vec![9094] } else { vec![] });
        }
    }

    #[tokio::test]
    async fn a_request_waits_for_bytes() {
        let mut bench = Bench::new("orders", &[]);
        let (mut reader, mut writer) = (bench.connect(), bench.connect());
        let request = fetch("orders", 0)
            .with_max_wait_ms(i32::MAX)
            .with_min_bytes(i32::try_from(2 * batch(b"value").len()).unwrap());
        let waiting = reader.send(12, &request).await;
        for offset in 0..2 {
            assert_eq!(writer.produce(9, 1, batch(b"value")).await.base_offset, offset);
        }
        let response = reader.receive::<FetchRequest>(12, waiting).await.unwrap();
        assert_eq!(offsets(only(&response)), [0, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_waits_no_longer_than_it_says() {
        let mut bench = Bench::new("orders", &[]);
        let mut client = bench.connect();
        let before = Instant::now();
        let response = client.call(12, &fetch("orders", 0).with_max_wait_ms(500).with_min_bytes(1)).await;
        assert!(offsets(only(&response)).is_empty());
        assert_eq!(before.elapsed(), Duration::from_millis(500));
        client.call(12, &fetch("orders", 0).with_max_wait_ms(500).with_min_bytes(0)).await;
        client.call(12, &FetchRequest::default().with_max_wait_ms(500).with_min_bytes(1)).await;
        assert_eq!(before.elapsed(), Duration::from_millis(500), "nothing to wait for");
    }

    #[tokio::test]
    async fn an_answer_keeps_to_its_size_but_always_has_a_batch() {
        let mut bench = Bench::new("orders", &[]);
        let mut client = bench.connect();
        for partition in [0, 1] {
            for _ in 0..3 {
                let mut request = produce("orders", 1, batch(b"value"));
                request.topic_data[0].partition_data[0].index = partition;
                client.call::<ProduceRequest>(9, &request).await;
            }
        }
        let size = i32::try_from(batch(b"value").len()).unwrap();
        let read = |max_bytes: i32, partition_max_bytes: i32| {
            let mut request = fetch("orders", 0).with_max_bytes(max_bytes);
            let row = request.topics[0].partitions[0].clone().with_partition_max_bytes(partition_max_bytes);
            request.topics[0].partitions = vec![row.clone(), row.with_partition(1)];
            request
        };
        for (max_bytes, each, expected) in [
            (i32::MAX, i32::MAX, [3, 3]),
            (i32::MAX, 2 * size, [2, 2]),
            (4 * size, i32::MAX, [3, 1]),
            (3 * size, i32::MAX, [3, 0]),
            (0, 0, [1, 0]),
        ] {
            let response = client.call(12, &read(max_bytes, each)).await;
            let counts = response.responses[0].partitions.iter().map(|data| offsets(data).len());
            assert_eq!(counts.collect::<Vec<_>>(), expected, "{max_bytes} {each}");
        }
    }

    #[tokio::test]
    async fn a_size_below_zero_is_an_error() {
        for (max_bytes, each) in [(-1, 1), (1, -1)] {
            let mut client = Bench::new("orders", &[]).connect_alone();
            let mut request = fetch("orders", 0).with_max_bytes(max_bytes);
            request.topics[0].partitions[0].partition_max_bytes = each;
            let nothing = client.call(12, &request).await;
            assert_eq!(only(&nothing).error_code, 0, "it is not looked at");
            client.produce(9, 1, batch(b"value")).await;
            let response = client.call(12, &request).await;
            assert_eq!(ErrorCode(only(&response).error_code), ErrorCode::UNKNOWN_SERVER_ERROR);
        }
    }

    #[tokio::test]
    async fn nothing_is_read_beyond_the_high_watermark() {
        let mut bench = Bench::new("orders", &[]);
        let mut client = bench.connect();
        client.produce(9, 1, batch(b"value")).await;
        client.produce(9, 1, batch(b"value")).await;
        bench.partition("orders", 0, |partition| partition.high_watermark = 1);
        for (from, expected) in [(0, vec![0]), (1, vec![]), (2, vec![])] {
            let response = client.call(12, &fetch("orders", from)).await;
            assert_eq!((only(&response).error_code, offsets(only(&response))), (0, expected));
        }
    }

    #[tokio::test]
    async fn a_session_tells_only_what_is_new() {
        let mut bench = Bench::new("orders", &[]);
        let mut client = bench.connect();
        let full = client.call(12, &fetch("orders", 0).with_session_epoch(0)).await;
        assert_eq!((full.error_code, full.responses.len()), (0, 1));
        let next = |epoch| {
            FetchRequest::default()
                .with_max_bytes(i32::MAX)
                .with_session_id(full.session_id)
                .with_session_epoch(epoch)
        };
        let nothing = client.call(12, &next(1)).await;
        assert_eq!((nothing.session_id, nothing.responses.len()), (full.session_id, 0));
        client.produce(9, 1, batch(b"value")).await;
        assert_eq!(offsets(only(&client.call(12, &next(2)).await)), [0]);
        let code = |response: FetchResponse| ErrorCode(response.error_code);
        assert_eq!(code(client.call(12, &next(2)).await), ErrorCode::INVALID_FETCH_SESSION_EPOCH);
        assert_eq!(code(client.call(13, &next(3)).await), ErrorCode::FETCH_SESSION_TOPIC_ID_ERROR);
        assert_eq!(code(client.call(12, &next(-1)).await), ErrorCode::NONE);
        assert_eq!(code(client.call(12, &next(3)).await), ErrorCode::FETCH_SESSION_ID_NOT_FOUND);
        assert_eq!(code(client.call(12, &next(3).with_session_id(i32::MAX)).await), ErrorCode(-1));
    }

    #[tokio::test]
    async fn no_more_sessions_are_kept_than_there_is_room_for() {
        let mut bench = Bench::new("orders", &[]);
        let mut client = bench.connect();
        for _ in 0..1_000 {
            assert_ne!(client.call(12, &fetch("orders", 0).with_session_epoch(0)).await.session_id, 0);
        }
        assert_eq!(client.call(12, &fetch("orders", 0).with_session_epoch(0)).await.session_id, 0);
        bench.node.cluster.advance_clock(Duration::from_millis(120_001));
        assert_ne!(client.call(12, &fetch("orders", 0).with_session_epoch(0)).await.session_id, 0);
    }

    #[tokio::test]
    async fn only_who_reads_committed_gets_a_list_of_aborted_transactions() {
        let mut bench = Bench::new("orders", &[]);
        let mut client = bench.connect();
        for (isolation, expected) in [(0, None), (READ_COMMITTED, Some(vec![]))] {
            let response = client.call(12, &fetch("orders", 0).with_isolation_level(isolation)).await;
            assert_eq!(only(&response).aborted_transactions, expected);
        }
    }
}
