//! Answers other than Produce's that say an error.

use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use kafka_protocol::messages::add_partitions_to_txn_response::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnResult, AddPartitionsToTxnTopicResult,
};
use kafka_protocol::messages::txn_offset_commit_response::{
    TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
};
use kafka_protocol::messages::{
    AddPartitionsToTxnRequest, AddPartitionsToTxnResponse, TxnOffsetCommitRequest, TxnOffsetCommitResponse,
};

use crate::kafka::ErrorCode;

use super::row::Failing;

/// Of `AddPartitionsToTxn`: what is wrong with single partitions keeps the others from being added, too
/// (`KafkaApis.handleAddPartitionsToTxnRequest`); what is wrong with the transaction stands in every row.
pub(super) fn add_partitions(
    request: &AddPartitionsToTxnRequest,
    version: i16,
    failing: &Failing,
) -> AddPartitionsToTxnResponse {
    let mut at = 0;
    let mut results = |topics: &[AddPartitionsToTxnTopic]| {
        let of_topic = |topic: &AddPartitionsToTxnTopic| {
            let rows = topic.partitions.iter().map(|partition| {
                at += 1;
                AddPartitionsToTxnPartitionResult::default()
                    .with_partition_index(*partition)
                    .with_partition_error_code(added(failing, at - 1).0)
            });
            AddPartitionsToTxnTopicResult::default()
                .with_name(topic.name.clone())
                .with_results_by_partition(rows.collect())
        };
        topics.iter().map(of_topic).collect::<Vec<_>>()
    };
    let answer = AddPartitionsToTxnResponse::default();
    if version < 4 {
        return answer.with_results_by_topic_v3_and_below(results(&request.v3_and_below_topics));
    }
    let all = request.transactions.iter().map(|one| {
        AddPartitionsToTxnResult::default()
            .with_transactional_id(one.transactional_id.clone())
            .with_topic_results(results(&one.topics))
    });
    answer.with_results_by_transaction(all.collect())
}

/// What the row of a partition says.
fn added(failing: &Failing, at: usize) -> ErrorCode {
    let own = failing.fail.error;
    let single = [
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
        ErrorCode::TOPIC_AUTHORIZATION_FAILED,
        ErrorCode::OPERATION_NOT_ATTEMPTED,
    ];
    let taken = !single.contains(&own) || failing.rows.contains(&at);
    if taken { own } else { ErrorCode::OPERATION_NOT_ATTEMPTED }
}

/// Of `TxnOffsetCommit`: every row says it.
pub(super) fn offsets(request: &TxnOffsetCommitRequest, code: ErrorCode) -> TxnOffsetCommitResponse {
    let topics = request.topics.iter().map(|topic| {
        let rows = topic.partitions.iter().map(|partition| {
            TxnOffsetCommitResponsePartition::default()
                .with_partition_index(partition.partition_index)
                .with_error_code(code.0)
        });
        TxnOffsetCommitResponseTopic::default().with_name(topic.name.clone()).with_partitions(rows.collect())
    });
    TxnOffsetCommitResponse::default().with_topics(topics.collect())
}
