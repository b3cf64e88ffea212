//! `ListOffsets`: the ends of logs, and offsets by time (`Partition.fetchOffsetForTimestamp`).

use std::collections::HashSet;

use indexmap::IndexMap;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use kafka_protocol::messages::{BrokerId, ListOffsetsRequest, ListOffsetsResponse};

use crate::broker::node::Node;
use crate::broker::node::emulate::Emulate;
use crate::broker::partition::read::{Isolation, Reader};
use crate::broker::partition::{Found, Partition, Unreadable};
use crate::kafka::ErrorCode;

/// The first version that tells the leader epoch.
const WITH_LEADER_EPOCH: i16 = 4;

const READ_COMMITTED: i8 = 1;

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const MAX_TIMESTAMP: i64 = -3;
const EARLIEST_LOCAL: i64 = -4;
const LATEST_TIERED: i64 = -5;
const EARLIEST_PENDING_UPLOAD: i64 = -6;

/// Read uncommitted, read committed.
const ISOLATION_LEVELS: [i8; 2] = [0, 1];
/// Who asks: a client, or one that looks at what any replica has, replicated or not. A broker looks at what the leader
/// has (`ListOffsetsRequest`).
const CONSUMER: BrokerId = BrokerId(-1);
const DEBUGGING: BrokerId = BrokerId(-2);
/// Stands for an epoch that the client does not know.
const NO_EPOCH: i32 = -1;

pub(super) fn handle(node: &Node, version: i16, request: &ListOffsetsRequest) -> ListOffsetsResponse {
    // What Apache Kafka did not expect fails the request, row by row as they were asked.
    let is_unexpected = !ISOLATION_LEVELS.contains(&request.isolation_level);
    let old = node.cluster.emulate < Emulate::V4_3;
    if is_unexpected && !old {
        return unexpected(version, request);
    }
    let mut unique = HashSet::new();
    let keys = request
        .topics
        .iter()
        .flat_map(|topic| topic.partitions.iter().map(|row| (topic.name.clone(), row.partition_index)));
    let twice: HashSet<_> = keys.filter(|key| !unique.insert(key.clone())).collect();
    let mut answer = |topic: &ListOffsetsTopic| {
        let mut rows = Vec::with_capacity(topic.partitions.len());
        for row in &topic.partitions {
            let key = (topic.name.clone(), row.partition_index);
            // What is named twice is refused, since 4.0 in one row.
            let asked_twice = twice.contains(&key);
            if unique.remove(&key) || old {
                let found = match () {
                    () if asked_twice => Err(ErrorCode::INVALID_REQUEST),
                    () if is_unexpected => Err(ErrorCode::UNKNOWN_SERVER_ERROR),
                    () => {
                        list(node, (&topic.name, row), (version, request.replica_id, request.isolation_level))
                    }
                };
                rows.push(response(version, row.partition_index, found));
            }
        }
        ListOffsetsTopicResponse::default().with_name(topic.name.clone()).with_partitions(rows)
    };
    // Since 4.0 rows are grouped by their topics: one without rows is not there.
    let topics = request.topics.iter().filter_map(|wanted| {
        let row = answer(wanted);
        (!row.partitions.is_empty() || (old && wanted.partitions.is_empty())).then_some(row)
    });
    let topics = if old { topics.collect() } else { grouped(topics) };
    ListOffsetsResponse::default().with_topics(topics)
}

fn grouped(topics: impl Iterator<Item = ListOffsetsTopicResponse>) -> Vec<ListOffsetsTopicResponse> {
    let mut groups: IndexMap<_, Vec<_>> = IndexMap::new();
    for topic in topics {
        groups.entry(topic.name).or_default().extend(topic.partitions);
    }
    let topic = |(name, rows)| ListOffsetsTopicResponse::default().with_name(name).with_partitions(rows);
    groups.into_iter().map(topic).collect()
}

fn unexpected(version: i16, request: &ListOffsetsRequest) -> ListOffsetsResponse {
    let row = |row: &ListOffsetsPartition| {
        response(version, row.partition_index, Err(ErrorCode::UNKNOWN_SERVER_ERROR))
    };
    let topics = request.topics.iter().map(|topic| {
        ListOffsetsTopicResponse::default()
            .with_name(topic.name.clone())
            .with_partitions(topic.partitions.iter().map(row).collect())
    });
    ListOffsetsResponse::default().with_topics(topics.collect())
}

/// The record, or none; the ends of a log are told without a timestamp.
fn list(
    node: &Node,
    (topic, row): (&str, &ListOffsetsPartition),
    (version, replica, isolation): (i16, BrokerId, i8),
) -> Result<Option<Found>, ErrorCode> {
    if !is_supported(row.timestamp, version) {
        return Err(ErrorCode::UNSUPPORTED_VERSION);
    }
    let topic = node.cluster.topics().named(topic).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    let partition = topic.partition(row.partition_index).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    // Unlike in Fetch, every other number is an epoch.
    if row.current_leader_epoch < NO_EPOCH {
        return Err(ErrorCode::FENCED_LEADER_EPOCH);
    }
    let isolation = match isolation {
        _ if replica != CONSUMER => Isolation::LogEnd,
        READ_COMMITTED => Isolation::Committed,
        _ => Isolation::HighWatermark,
    };
    let reader = Reader { asked: node.id, replica: None, from_leader: replica != DEBUGGING, isolation };
    partition.check_reader(reader, row.current_leader_epoch)?;
    let below = partition.below(reader);
    find(&partition, row.timestamp, below).map_err(Unreadable::code)
}

/// What stands for more than a time came with later versions (`ReplicaManager.isListOffsetsTimestampUnsupported`).
fn is_supported(timestamp: i64, version: i16) -> bool {
    match timestamp {
        0.. | LATEST | EARLIEST => true,
        MAX_TIMESTAMP => version >= 7,
        EARLIEST_LOCAL => version >= 8,
        LATEST_TIERED => version >= 9,
        EARLIEST_PENDING_UPLOAD => version >= 11,
        _ => false,
    }
}

/// What the asker may not read is not there for it.
fn find(partition: &Partition, timestamp: i64, below: i64) -> Result<Option<Found>, Unreadable> {
    let end = |offset| Ok(Some(Found { timestamp: -1, offset, leader_epoch: partition.leader_epoch() }));
    match timestamp {
        LATEST => end(below),
        EARLIEST | EARLIEST_LOCAL => end(partition.log.start()),
        MAX_TIMESTAMP => Ok(partition.log.newest()?.filter(|found| found.offset < below)),
        // Nothing is ever moved to a second tier.
        LATEST_TIERED | EARLIEST_PENDING_UPLOAD => Ok(None),
        _ => partition.log.first_since(timestamp, below),
    }
}

fn response(
    version: i16,
    index: i32,
    found: Result<Option<Found>, ErrorCode>,
) -> ListOffsetsPartitionResponse {
    let (code, found) = match found {
        Ok(found) => (ErrorCode::NONE, found),
        Err(code) => (code, None),
    };
    let Found { timestamp, offset, leader_epoch } =
        found.unwrap_or(Found { timestamp: -1, offset: -1, leader_epoch: -1 });
    ListOffsetsPartitionResponse::default()
        .with_partition_index(index)
        .with_error_code(code.0)
        .with_timestamp(timestamp)
        .with_offset(offset)
        .with_leader_epoch(if version >= WITH_LEADER_EPOCH { leader_epoch } else { -1 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::connection::wire::{Bench, Client, name};
    use crate::kafka::batch::{BatchBuilder, NewRecord};

    fn request(timestamps: &[i64]) -> ListOffsetsRequest {
        let rows = (0..).zip(timestamps).map(|(index, timestamp)| {
            ListOffsetsPartition::default()
                .with_partition_index(index)
                .with_timestamp(*timestamp)
                .with_current_leader_epoch(-1)
        });
        let topic = ListOffsetsTopic::default().with_name(name("orders")).with_partitions(rows.collect());
        ListOffsetsRequest::default().with_replica_id((-1).into()).with_topics(vec![topic])
    }

    async fn with_records(bench: &mut Bench) -> Client<tokio::io::DuplexStream> {
        let mut client = bench.connect();
        for timestamp in [10, 30, 20] {
            let record = NewRecord { timestamp, value: Some(b"value"), ..NewRecord::default() };
            let batch = BatchBuilder::new().record(record).build().unwrap();
            client.produce(9, 1, batch.into_bytes()).await;
        }
        client
    }

    #[tokio::test]
    async fn every_version_tells_the_ends_of_a_log() {
        let mut bench = Bench::new("orders", &[]);
        let mut client = with_records(&mut bench).await;
        for version in 1..=10 {
            for (timestamp, offset) in [(EARLIEST, 0), (LATEST, 3)] {
                let response = client.call(version, &request(&[timestamp])).await;
                let row = &response.topics[0].partitions[0];
                assert_eq!((row.error_code, row.offset, row.timestamp), (0, offset, -1), "v{version}");
                assert_eq!(row.leader_epoch, if version >= 4 { 0 } else { -1 });
            }
        }
    }

    #[tokio::test]
    async fn a_time_gives_the_first_record_that_is_not_older() {
        let mut bench = Bench::new("orders", &[]);
        let mut client = with_records(&mut bench).await;
        for (timestamp, expected) in
            [(0, (0, 10)), (11, (1, 30)), (30, (1, 30)), (31, (-1, -1)), (MAX_TIMESTAMP, (1, 30))]
        {
            let response = client.call(7, &request(&[timestamp])).await;
            let row = &response.topics[0].partitions[0];
            assert_eq!((row.error_code, (row.offset, row.timestamp)), (0, expected), "{timestamp}");
        }
        bench.partition("orders", 0, |partition| partition.high_watermark = 1);
        let response = client.call(7, &request(&[11])).await;
        assert_eq!(response.topics[0].partitions[0].offset, -1, "nobody may read it yet");
        let response = client.call(7, &request(&[LATEST])).await;
        assert_eq!(response.topics[0].partitions[0].offset, 1);
    }

    #[tokio::test]
    async fn what_came_later_is_not_known_to_old_versions() {
        let mut bench = Bench::new("orders", &[]);
        let mut client = with_records(&mut bench).await;
        for (timestamp, since) in
            [(MAX_TIMESTAMP, 7), (EARLIEST_LOCAL, 8), (LATEST_TIERED, 9), (-6, 99), (i64::MIN, 99)]
        {
            for version in 1..=10 {
                let response = client.call(version, &request(&[timestamp])).await;
                let code = ErrorCode(response.topics[0].partitions[0].error_code);
                let expected = if version < since { ErrorCode::UNSUPPORTED_VERSION } else { ErrorCode::NONE };
                assert_eq!(code, expected, "{timestamp} v{version}");
            }
        }
        let response = client.call(10, &request(&[LATEST_TIERED])).await;
        assert_eq!(response.topics[0].partitions[0].offset, -1);
    }

    #[tokio::test]
    async fn a_partition_must_exist_and_be_asked_for_once() {
        let mut bench = Bench::new("orders", &[]);
        let mut client = with_records(&mut bench).await;
        let response = client.call(7, &request(&[LATEST, LATEST, LATEST])).await;
        let codes: Vec<_> =
            response.topics[0].partitions.iter().map(|row| ErrorCode(row.error_code)).collect();
        assert_eq!(codes, [ErrorCode::NONE, ErrorCode::NONE, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION]);
        let mut twice = request(&[LATEST, LATEST]);
        twice.topics[0].partitions[1].partition_index = 0;
        let response = client.call(7, &twice).await;
        let rows = &response.topics[0].partitions;
        assert_eq!((rows.len(), ErrorCode(rows[0].error_code)), (1, ErrorCode::INVALID_REQUEST));
        let mut knowing = request(&[LATEST]);
        knowing.topics[0].partitions[0].current_leader_epoch = 1;
        let response = client.call(7, &knowing).await;
        assert_eq!(ErrorCode(response.topics[0].partitions[0].error_code), ErrorCode::UNKNOWN_LEADER_EPOCH);
    }
}
