//! `Fetch`: reading batches back (`ReplicaManager.fetchMessages`, `DelayedFetch`). Sessions are never granted, so every
//! request names all that it wants.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use indexmap::IndexMap;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::fetch_response::{
    AbortedTransaction, FetchableTopicResponse, LeaderIdAndEpoch, NodeEndpoint, PartitionData,
};
use kafka_protocol::messages::{FetchRequest, FetchResponse};
use kafka_protocol::protocol::StrBytes;
use tokio::time::Instant;

use crate::broker::node::{Endpoint, Node};
use crate::broker::partition::Partition;
use crate::broker::partition::producers::Aborted;
use crate::broker::topic::Topic;
use crate::id::BrokerId;
use crate::kafka::ErrorCode;

/// `fetch.max.bytes` of a broker.
const MAX_BYTES: i32 = 57_671_680;
/// `FetchMetadata.INITIAL_EPOCH` and `FINAL_EPOCH`: a full request, not the continuation of a session.
const FULL_EPOCHS: [i32; 2] = [0, -1];
const READ_COMMITTED: i8 = 1;
/// How partitions are answered that there are not.
const UNKNOWN: [ErrorCode; 2] = [ErrorCode::UNKNOWN_TOPIC_ID, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION];
/// The first version that names topics by id.
const BY_ID: i16 = 13;
/// The first version in which consumers may read from followers (KIP-392).
const FROM_FOLLOWERS: i16 = 11;
/// The first version that says where the leader is (KIP-951).
const WITH_LEADER: i16 = 16;

pub(super) async fn handle(node: &Node, version: i16, request: &FetchRequest) -> FetchResponse {
    if !FULL_EPOCHS.contains(&request.session_epoch) {
        return FetchResponse::default().with_error_code(ErrorCode::FETCH_SESSION_ID_NOT_FOUND.0);
    }
    let patience = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0));
    let deadline = Instant::now() + patience;
    let mut progress = node.cluster.progress();
    let mut unknown = usize::MAX;
    loop {
        progress.mark_unchanged();
        let read = Read::all(node, version, request);
        // What is deleted while somebody waits for it ends the wait.
        let vanished = read.unknown.len() > unknown;
        unknown = read.unknown.len();
        if patience.is_zero() || vanished || read.is_enough(request) {
            return read.into_response(node);
        }
        tokio::select! {
            _ = progress.changed() => {}
            () = node.stopping.cancelled() => return read.into_response(node),
            () = tokio::time::sleep_until(deadline) => return Read::all(node, version, request).into_response(node),
        }
    }
}

/// A partition that is asked for, with its topic.
type Row<'a> = (&'a FetchTopic, &'a FetchPartition);

/// What a request reads at one moment.
struct Read<'a> {
    known: Vec<(&'a FetchTopic, PartitionData)>,
    /// Partitions that there are not. They come behind all others (`KafkaApis.handleFetchRequest`).
    unknown: Vec<(&'a FetchTopic, PartitionData)>,
    bytes: usize,
    /// Bytes that the answer may still take.
    room: i32,
    failed: bool,
    /// The leaders that are named because another was asked.
    leaders: BTreeSet<BrokerId>,
}

impl<'a> Read<'a> {
    fn all(node: &Node, version: i16, request: &'a FetchRequest) -> Self {
        let room = request.max_bytes.min(MAX_BYTES);
        let (known, unknown, leaders) = (vec![], vec![], BTreeSet::new());
        let mut read = Self { known, unknown, bytes: 0, room, failed: false, leaders };
        for row in rows(request) {
            read.partition(node, (version, request.isolation_level), row);
        }
        read
    }

    fn partition(&mut self, node: &Node, (version, isolation): (i16, i8), (topic, row): Row<'a>) {
        match self.records(node, (version, isolation), (topic, row)) {
            Ok(data) => self.known.push((topic, data)),
            Err(code) if UNKNOWN.contains(&code) => {
                let data = refused(row, code).with_aborted_transactions(Some(vec![]));
                self.unknown.push((topic, data));
            }
            Err(code) => {
                self.failed = true;
                let current = self.current_leader(node, version, (topic, row, code));
                let data = refused(row, code).with_aborted_transactions(None).with_current_leader(current);
                self.known.push((topic, data));
            }
        }
    }

    /// Who wants committed records alone reads up to the last stable offset, and is told which transactions to skip. The
    /// first batch of an answer is given whatever its size, so that a reader gets ahead.
    fn records(
        &mut self,
        node: &Node,
        (version, isolation): (i16, i8),
        (topic, row): Row<'_>,
    ) -> Result<PartitionData, ErrorCode> {
        let topic = find(node, version, topic)?;
        let partition = topic.partition(row.partition).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
        let known_epoch = row.current_leader_epoch;
        if version < FROM_FOLLOWERS {
            partition.check_leader(node.id, known_epoch)?;
        }
        let (end, high_watermark) = partition.readable(node.id, known_epoch)?;
        let log = &partition.log;
        if !(log.start()..=end).contains(&row.fetch_offset) {
            return Err(ErrorCode::OFFSET_OUT_OF_RANGE);
        }
        let most = usize::try_from(row.partition_max_bytes.min(self.room));
        let most = most.map_err(|_| ErrorCode::UNKNOWN_SERVER_ERROR)?;
        let stable = partition.last_stable_offset().min(high_watermark);
        let below = if isolation == READ_COMMITTED { stable } else { high_watermark };
        let records = log.read(row.fetch_offset, below, most, self.bytes == 0);
        let aborted =
            (isolation == READ_COMMITTED).then(|| aborted(&partition, row.fetch_offset, records.len()));
        self.bytes += records.len();
        self.room = i32::try_from(records.len()).map_or(0, |size| (self.room - size).max(0));
        Ok(PartitionData::default()
            .with_partition_index(row.partition)
            .with_high_watermark(high_watermark)
            .with_last_stable_offset(stable)
            .with_log_start_offset(log.start())
            .with_aborted_transactions(aborted)
            .with_records(Some(records)))
    }

    /// Who leads, for a client that asked another or knew an older leader.
    fn current_leader(
        &mut self,
        node: &Node,
        version: i16,
        (topic, row, code): (&FetchTopic, &FetchPartition, ErrorCode),
    ) -> LeaderIdAndEpoch {
        let told = [ErrorCode::NOT_LEADER_OR_FOLLOWER, ErrorCode::FENCED_LEADER_EPOCH].contains(&code);
        let topic = find(node, version, topic).ok().filter(|_| told && version >= WITH_LEADER);
        let Some(partition) = topic.as_ref().and_then(|topic| topic.partition(row.partition)) else {
            return LeaderIdAndEpoch::default();
        };
        self.leaders.extend(partition.leader());
        LeaderIdAndEpoch::default()
            .with_leader_id(partition.leader().map_or(-1, |leader| leader.0).into())
            .with_leader_epoch(partition.leader_epoch())
    }

    /// An error is answered at once, and so is a request for nothing that there is.
    fn is_enough(&self, request: &FetchRequest) -> bool {
        let min_bytes = usize::try_from(request.min_bytes).unwrap_or(0);
        self.failed || self.bytes >= min_bytes || self.known.is_empty()
    }

    /// Partitions of one topic that follow each other share its row (`FetchResponse.of`).
    fn into_response(self, node: &Node) -> FetchResponse {
        let mut topics: Vec<FetchableTopicResponse> = vec![];
        for (topic, data) in self.known.into_iter().chain(self.unknown) {
            match topics.last_mut() {
                Some(last) if (&last.topic, last.topic_id) == (&topic.topic, topic.topic_id) => {
                    last.partitions.push(data);
                }
                _ => topics.push(
                    FetchableTopicResponse::default()
                        .with_topic(topic.topic.clone())
                        .with_topic_id(topic.topic_id)
                        .with_partitions(vec![data]),
                ),
            }
        }
        let endpoints = self.leaders.into_iter().filter_map(|leader| node.cluster.reachable(leader));
        FetchResponse::default().with_responses(topics).with_node_endpoints(endpoints.map(endpoint).collect())
    }
}

/// What is asked for, each partition once: who names one again means it as it is named last, in the place of the first
/// (`FetchRequest.fetchData`).
fn rows(request: &FetchRequest) -> impl Iterator<Item = Row<'_>> {
    let all = request.topics.iter().flat_map(|topic| topic.partitions.iter().map(move |row| (topic, row)));
    let key = |(topic, row): Row<'_>| (topic.topic.clone(), topic.topic_id, row.partition);
    let rows: IndexMap<_, _> = all.map(|row| (key(row), row)).collect();
    rows.into_values()
}

/// A partition of which nothing can be read.
fn refused(row: &FetchPartition, code: ErrorCode) -> PartitionData {
    PartitionData::default()
        .with_partition_index(row.partition)
        .with_error_code(code.0)
        .with_high_watermark(-1)
        .with_last_stable_offset(-1)
        .with_log_start_offset(-1)
        .with_records(Some(Bytes::new()))
}

fn find(node: &Node, version: i16, topic: &FetchTopic) -> Result<Arc<Topic>, ErrorCode> {
    let topics = node.cluster.topics();
    if version >= BY_ID {
        topics.with_id(topic.topic_id).ok_or(ErrorCode::UNKNOWN_TOPIC_ID)
    } else {
        topics.named(&topic.topic).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)
    }
}

fn endpoint(endpoint: &Endpoint) -> NodeEndpoint {
    NodeEndpoint::default()
        .with_node_id(endpoint.id.0.into())
        .with_host(StrBytes::from_string(endpoint.host.clone()))
        .with_port(endpoint.port.into())
}

/// The transactions to be skipped in so many bytes, and in what Kafka's offset index cannot tell from them
/// (`LocalLog.addAbortedTransactions`).
fn aborted(partition: &Partition, from: i64, bytes: usize) -> Vec<AbortedTransaction> {
    let aborted = partition.aborted(from, partition.log.bound(from, bytes));
    let row = |aborted: &Aborted| {
        AbortedTransaction::default()
            .with_producer_id(aborted.producer_id.into())
            .with_first_offset(aborted.first_offset)
    };
    aborted.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::ProduceRequest;
    use uuid::Uuid;

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
        let mut bench = Bench::new("orders", &[]);
        let mut client = bench.connect();
        for (max_bytes, each) in [(-1, 1), (1, -1)] {
            let mut request = fetch("orders", 0).with_max_bytes(max_bytes);
            request.topics[0].partitions[0].partition_max_bytes = each;
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
    async fn no_session_is_granted() {
        let mut bench = Bench::new("orders", &[]);
        let mut client = bench.connect();
        let full = client.call(12, &fetch("orders", 0).with_session_epoch(0)).await;
        assert_eq!((full.error_code, full.session_id), (0, 0));
        let next = client.call(12, &fetch("orders", 0).with_session_id(7).with_session_epoch(1)).await;
        assert_eq!(ErrorCode(next.error_code), ErrorCode::FETCH_SESSION_ID_NOT_FOUND);
        assert!(next.responses.is_empty());
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
