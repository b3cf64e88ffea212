//! `ListOffsets`: the ends of logs, and offsets by time (`Partition.fetchOffsetForTimestamp`).

use std::collections::HashSet;

use kafka_protocol::messages::list_offsets_request::ListOffsetsPartition;
use kafka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use kafka_protocol::messages::{ListOffsetsRequest, ListOffsetsResponse};

use crate::broker::node::Node;
use crate::broker::partition::{Found, Partition};
use crate::kafka::ErrorCode;

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const MAX_TIMESTAMP: i64 = -3;
const EARLIEST_LOCAL: i64 = -4;
const LATEST_TIERED: i64 = -5;

pub(super) fn handle(node: &Node, version: i16, request: &ListOffsetsRequest) -> ListOffsetsResponse {
    let mut seen = HashSet::new();
    let keys = request
        .topics
        .iter()
        .flat_map(|topic| topic.partitions.iter().map(|row| (&topic.name, row.partition_index)));
    let twice: HashSet<_> = keys.filter(|key| !seen.insert(*key)).collect();
    let answer = |topic: &kafka_protocol::messages::list_offsets_request::ListOffsetsTopic| {
        let rows = topic.partitions.iter().map(|row| {
            let found = if twice.contains(&(&topic.name, row.partition_index)) {
                Err(ErrorCode::INVALID_REQUEST)
            } else {
                list(node, &topic.name, row, version)
            };
            response(row.partition_index, found)
        });
        ListOffsetsTopicResponse::default().with_name(topic.name.clone()).with_partitions(rows.collect())
    };
    ListOffsetsResponse::default().with_topics(request.topics.iter().map(answer).collect())
}

/// The record, or none; the ends of a log are told without a timestamp.
fn list(
    node: &Node,
    topic: &str,
    row: &ListOffsetsPartition,
    version: i16,
) -> Result<Option<Found>, ErrorCode> {
    if !is_supported(row.timestamp, version) {
        return Err(ErrorCode::UNSUPPORTED_VERSION);
    }
    let topic = node.cluster.topics().named(topic).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    let partition = topic.partition(row.partition_index).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    partition.check_leader(node.id, row.current_leader_epoch)?;
    Ok(find(&partition, row.timestamp))
}

/// What stands for more than a time came with later versions (`ReplicaManager.isListOffsetsTimestampUnsupported`).
fn is_supported(timestamp: i64, version: i16) -> bool {
    match timestamp {
        0.. | LATEST | EARLIEST => true,
        MAX_TIMESTAMP => version >= 7,
        EARLIEST_LOCAL => version >= 8,
        LATEST_TIERED => version >= 9,
        _ => false,
    }
}

/// Without transactions everything below the high watermark is stable, so both isolation levels see the same.
fn find(partition: &Partition, timestamp: i64) -> Option<Found> {
    let end = |offset| Some(Found { timestamp: -1, offset, leader_epoch: partition.leader_epoch });
    match timestamp {
        LATEST => end(partition.high_watermark),
        EARLIEST | EARLIEST_LOCAL => end(partition.log.start()),
        MAX_TIMESTAMP => partition.log.newest().filter(|found| found.offset < partition.high_watermark),
        // Nothing is ever moved to a second tier.
        LATEST_TIERED => None,
        _ => partition.log.first_since(timestamp, partition.high_watermark),
    }
}

fn response(index: i32, found: Result<Option<Found>, ErrorCode>) -> ListOffsetsPartitionResponse {
    let row = ListOffsetsPartitionResponse::default().with_partition_index(index);
    match found {
        Ok(Some(Found { timestamp, offset, leader_epoch })) => {
            row.with_timestamp(timestamp).with_offset(offset).with_leader_epoch(leader_epoch)
        }
        Ok(None) => row.with_timestamp(-1).with_offset(-1).with_leader_epoch(-1),
        Err(code) => row.with_error_code(code.0).with_timestamp(-1).with_offset(-1).with_leader_epoch(-1),
    }
}
