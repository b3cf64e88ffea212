//! `TxnOffsetCommit`: offsets of a group that count when the transaction is committed
//! (`KafkaApis.handleTxnOffsetCommitRequest`, `GroupCoordinatorService.commitTransactionalOffsets`). No group has
//! members here.

use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::txn_offset_commit_response::{
    TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
};
use kafka_protocol::messages::{TxnOffsetCommitRequest, TxnOffsetCommitResponse};

use crate::broker::handler::verification::Way;
use crate::broker::node::Node;
use crate::broker::transaction::{Commit, Place, Producer, offsets_partition};
use crate::kafka::ErrorCode;

/// `offset.metadata.max.bytes`.
const MAX_METADATA: usize = 4096;

pub(super) fn handle(node: &Node, version: i16, request: &TxnOffsetCommitRequest) -> TxnOffsetCommitResponse {
    let known = |topic: &TxnOffsetCommitRequestTopic, row: &TxnOffsetCommitRequestPartition| {
        node.cluster.has(&Place::new(&topic.name, row.partition_index))
    };
    let any = request.topics.iter().any(|topic| topic.partitions.iter().any(|row| known(topic, row)));
    let outcome = if any { commit(node, version, request, &known) } else { Ok(ErrorCode::NONE) };
    let code = |topic: &TxnOffsetCommitRequestTopic, row: &TxnOffsetCommitRequestPartition| match outcome {
        _ if !known(topic, row) => ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
        Err(code) => code,
        Ok(_) if is_too_long(row) => ErrorCode::OFFSET_METADATA_TOO_LARGE,
        Ok(written) => written,
    };
    let topics = request.topics.iter().map(|topic| {
        let rows = topic.partitions.iter().map(|row| {
            TxnOffsetCommitResponsePartition::default()
                .with_partition_index(row.partition_index)
                .with_error_code(code(topic, row).0)
        });
        TxnOffsetCommitResponseTopic::default().with_name(topic.name.clone()).with_partitions(rows.collect())
    });
    TxnOffsetCommitResponse::default().with_topics(topics.collect())
}

fn is_too_long(row: &TxnOffsetCommitRequestPartition) -> bool {
    row.committed_metadata.as_ref().is_some_and(|metadata| metadata.len() > MAX_METADATA)
}

/// What became of the offsets that could be written, or why none was tried.
fn commit(
    node: &Node,
    version: i16,
    request: &TxnOffsetCommitRequest,
    known: &dyn Fn(&TxnOffsetCommitRequestTopic, &TxnOffsetCommitRequestPartition) -> bool,
) -> Result<ErrorCode, ErrorCode> {
    let (group, id) = (request.group_id.as_str(), request.transactional_id.as_str());
    let producer = Producer { id: request.producer_id.0, epoch: request.producer_epoch };
    if group.is_empty() {
        return Err(ErrorCode::INVALID_GROUP_ID);
    }
    node.check_coordinator(group)?;
    let open = node.cluster.transactions.offsets().is_open(group, producer, node.cluster.emulate)?;
    if !open {
        let place = [offsets_partition(group)];
        let way = Way::of_offsets(version);
        let codes = way.ask(node, (id, producer), &place, node.cluster.now())?;
        codes.into_iter().find(|code| *code != ErrorCode::NONE).map_or(Ok(()), Err)?;
    }
    let mut offsets = node.cluster.transactions.offsets();
    check_member(request, offsets.knows(group))?;
    let rows = request.topics.iter().flat_map(|topic| topic.partitions.iter().map(move |row| (topic, row)));
    let taken = rows.filter(|(topic, row)| known(topic, row) && !is_too_long(row));
    let committed =
        taken.map(|(topic, row)| (Place::new(&topic.name, row.partition_index), row.committed_offset));
    let written = offsets.write(Commit { group, producer, offsets: committed.collect() });
    Ok(written.err().unwrap_or(ErrorCode::NONE))
}

/// A group has no members and no generation here: who claims one is refused
/// (`OffsetMetadataManager.validateTransactionalOffsetCommit`).
fn check_member(request: &TxnOffsetCommitRequest, exists: bool) -> Result<(), ErrorCode> {
    match request.generation_id {
        ..0 => Ok(()),
        _ if exists => Err(ErrorCode::UNKNOWN_MEMBER_ID),
        _ => Err(ErrorCode::ILLEGAL_GENERATION),
    }
}
