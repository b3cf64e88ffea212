//! `TxnOffsetCommit`: offsets of a group that count when the transaction is committed
//! (`KafkaApis.handleTxnOffsetCommitRequest`, `GroupCoordinatorService.commitTransactionalOffsets`). No group has
//! members here.

use indexmap::IndexMap;
use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::txn_offset_commit_response::{
    TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
};
use kafka_protocol::messages::{TopicName, TxnOffsetCommitRequest, TxnOffsetCommitResponse};

use crate::broker::handler::verification::Way;
use crate::broker::node::Node;
use crate::broker::node::emulate::Emulate;
use crate::broker::transaction::{Commit, Place, Producer, offsets_partition};
use crate::kafka::ErrorCode;

/// `offset.metadata.max.bytes`, though it is Java's characters that are counted, UTF-16 units
/// (`OffsetMetadataManager.isMetadataInvalid`).
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
    let row = |topic: &TxnOffsetCommitRequestTopic, row: &TxnOffsetCommitRequestPartition| {
        TxnOffsetCommitResponsePartition::default()
            .with_partition_index(row.partition_index)
            .with_error_code(code(topic, row).0)
    };
    let (mut unknown, mut tried) = (IndexMap::<_, Vec<_>>::new(), vec![]);
    for topic in &request.topics {
        let (there, not_there): (Vec<_>, Vec<_>) = topic.partitions.iter().partition(|row| known(topic, row));
        if !not_there.is_empty() || node.cluster.topics().named(&topic.name).is_none() {
            let rows = not_there.into_iter().map(|wanted| row(topic, wanted));
            unknown.entry(&topic.name).or_default().extend(rows);
        }
        if !there.is_empty() {
            tried.push((&topic.name, there.into_iter().map(|wanted| row(topic, wanted)).collect::<Vec<_>>()));
        }
    }
    let tried = if node.cluster.emulate < Emulate::V4_3 { once(tried) } else { tried };
    TxnOffsetCommitResponse::default().with_topics(merged(unknown, tried))
}

/// Before 4.0 a partition is answered once, however often it was named (`GroupCoordinatorAdapter`).
fn once(tried: Vec<Row<'_>>) -> Vec<Row<'_>> {
    let mut topics: IndexMap<_, IndexMap<_, _>> = IndexMap::new();
    for (name, rows) in tried {
        topics.entry(name).or_default().extend(rows.into_iter().map(|row| (row.partition_index, row)));
    }
    topics.into_iter().map(|(name, rows)| (name, rows.into_values().collect())).collect()
}

/// A topic and what is answered of its partitions.
type Row<'a> = (&'a TopicName, Vec<TxnOffsetCommitResponsePartition>);

/// What was tried is answered as it was named, unless something was not there: then topic by topic
/// (`TxnOffsetCommitResponse.Builder.merge`).
fn merged<'a>(
    mut unknown: IndexMap<&'a TopicName, Vec<TxnOffsetCommitResponsePartition>>,
    tried: Vec<Row<'a>>,
) -> Vec<TxnOffsetCommitResponseTopic> {
    let topic = |(name, rows): (&TopicName, Vec<_>)| {
        TxnOffsetCommitResponseTopic::default().with_name(name.clone()).with_partitions(rows)
    };
    if unknown.is_empty() {
        return tried.into_iter().map(topic).collect();
    }
    for (name, rows) in tried {
        unknown.entry(name).or_default().extend(rows);
    }
    unknown.into_iter().map(topic).collect()
}

fn is_too_long(row: &TxnOffsetCommitRequestPartition) -> bool {
    row.committed_metadata.as_ref().is_some_and(|metadata| metadata.encode_utf16().count() > MAX_METADATA)
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
