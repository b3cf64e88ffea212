//! `AddPartitionsToTxn`: partitions become part of a transaction. Up to version 3 clients ask; from version 4 on brokers
//! do, for several transactions at once, and may ask whether the partitions are there already
//! (`KafkaApis.handleAddPartitionsToTxnRequest`).

use std::collections::{BTreeSet, HashMap};

use indexmap::IndexMap;
use kafka_protocol::messages::add_partitions_to_txn_request::{
    AddPartitionsToTxnTopic, AddPartitionsToTxnTransaction,
};
use kafka_protocol::messages::add_partitions_to_txn_response::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnResult, AddPartitionsToTxnTopicResult,
};
use kafka_protocol::messages::{AddPartitionsToTxnRequest, AddPartitionsToTxnResponse, TopicName};

use crate::broker::handler::fenced;
use crate::broker::node::Node;
use crate::broker::topic::internal::is_internal;
use crate::broker::transaction::{Place, Producer};
use crate::kafka::ErrorCode;

/// The first version that brokers use among themselves.
const OF_BROKERS: i16 = 4;
/// The first version that knows `PRODUCER_FENCED`.
const WITH_FENCED: i16 = 2;

/// Topics as a request names them.
type Named = [AddPartitionsToTxnTopic];

pub(super) fn handle(
    node: &Node,
    version: i16,
    request: AddPartitionsToTxnRequest,
) -> AddPartitionsToTxnResponse {
    let response = AddPartitionsToTxnResponse::default();
    if version >= OF_BROKERS {
        return response.with_results_by_transaction(all(node, version, &request.transactions));
    }
    let transaction = AddPartitionsToTxnTransaction::default()
        .with_transactional_id(request.v3_and_below_transactional_id)
        .with_producer_id(request.v3_and_below_producer_id)
        .with_producer_epoch(request.v3_and_below_producer_epoch)
        .with_topics(request.v3_and_below_topics);
    let (topics, named) = (&transaction.topics, &transaction.topics);
    response.with_results_by_topic_v3_and_below(one(node, version, (&transaction, topics, named)))
}

/// Of transactions that are named alike, the partitions of the last are meant, and an answer for all of them at once
/// names those of the first (`AddPartitionsToTxnRequest.partitionsByTransaction`, `errorResponseForTransaction`).
fn all(
    node: &Node,
    version: i16,
    transactions: &[AddPartitionsToTxnTransaction],
) -> Vec<AddPartitionsToTxnResult> {
    let last: HashMap<_, _> =
        transactions.iter().map(|transaction| (&transaction.transactional_id, &transaction.topics)).collect();
    let first: HashMap<_, _> = transactions
        .iter()
        .rev()
        .map(|transaction| (&transaction.transactional_id, &transaction.topics))
        .collect();
    let result = |transaction: &AddPartitionsToTxnTransaction| {
        let id = &transaction.transactional_id;
        let (topics, named) = (last[id], first[id]);
        AddPartitionsToTxnResult::default().with_transactional_id(id.clone()).with_topic_results(one(
            node,
            version,
            (transaction, topics, named),
        ))
    };
    transactions.iter().map(result).collect()
}

/// Apache Kafka answers when the last transaction is done. Where there is none it never does.
pub(super) fn is_forgotten(version: i16, request: &AddPartitionsToTxnRequest) -> bool {
    version >= OF_BROKERS && request.transactions.is_empty()
}

/// One bad partition spoils the others of its transaction.
fn one(
    node: &Node,
    version: i16,
    (transaction, topics, named): (&AddPartitionsToTxnTransaction, &Named, &Named),
) -> Vec<AddPartitionsToTxnTopicResult> {
    let bad = |place: &Place| unknown(node, version, place);
    if topics.iter().flat_map(places).any(|place| bad(&place).is_some()) {
        return answer_once(topics, |place| bad(place).unwrap_or(ErrorCode::OPERATION_NOT_ATTEMPTED));
    }
    let all: Vec<Place> = topics.iter().flat_map(places).collect();
    match ask(node, version, transaction, &all) {
        Ok(codes) if transaction.verify_only => {
            let known: HashMap<_, _> = all.iter().zip(codes).collect();
            answer_once(topics, |place| known.get(place).copied().unwrap_or(ErrorCode::NONE))
        }
        Ok(_) => answer_as_named(named, ErrorCode::NONE),
        Err(code) if transaction.verify_only => answer_once(topics, |_| code),
        Err(code) if version < WITH_FENCED => answer_as_named(named, fenced(code)),
        Err(code) => answer_as_named(named, code),
    }
}

/// No code stands for success.
fn ask(
    node: &Node,
    version: i16,
    transaction: &AddPartitionsToTxnTransaction,
    places: &[Place],
) -> Result<Vec<ErrorCode>, ErrorCode> {
    let id = transaction.transactional_id.as_str();
    let producer = Producer { id: transaction.producer_id.0, epoch: transaction.producer_epoch };
    if id.is_empty() {
        return Err(ErrorCode::INVALID_REQUEST);
    }
    node.check_coordinator(id)?;
    node.cluster.transactions.with(|coordinator| {
        if transaction.verify_only {
            return coordinator.verify((id, producer), places);
        }
        coordinator.add((id, producer), places, version >= OF_BROKERS, node.cluster.now()).map(|()| vec![])
    })
}

/// Clients may not write to the brokers' own topics.
fn unknown(node: &Node, version: i16, place: &Place) -> Option<ErrorCode> {
    if version < OF_BROKERS && is_internal(&place.topic) {
        return Some(ErrorCode::TOPIC_AUTHORIZATION_FAILED);
    }
    (!node.cluster.has(place)).then_some(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)
}

fn places(topic: &AddPartitionsToTxnTopic) -> impl Iterator<Item = Place> {
    topic.partitions.iter().map(|partition| Place::new(&topic.name, *partition))
}

/// One code for all that was named, as it was named (`AddPartitionsToTxnRequest.errorResponseForTransaction`).
fn answer_as_named(topics: &Named, code: ErrorCode) -> Vec<AddPartitionsToTxnTopicResult> {
    let topic = |topic: &AddPartitionsToTxnTopic| {
        let rows = topic.partitions.iter().map(|partition| row(*partition, code)).collect();
        AddPartitionsToTxnTopicResult::default().with_name(topic.name.clone()).with_results_by_partition(rows)
    };
    topics.iter().map(topic).collect()
}

/// Each partition once, however often it was named (`AddPartitionsToTxnResponse.resultForTransaction`).
fn answer_once(topics: &Named, code: impl Fn(&Place) -> ErrorCode) -> Vec<AddPartitionsToTxnTopicResult> {
    let mut unique: IndexMap<&TopicName, BTreeSet<i32>> = IndexMap::new();
    for topic in topics.iter().filter(|topic| !topic.partitions.is_empty()) {
        unique.entry(&topic.name).or_default().extend(&topic.partitions);
    }
    let topic = |(name, partitions): (&TopicName, BTreeSet<i32>)| {
        let rows = partitions
            .into_iter()
            .map(|partition| row(partition, code(&Place::new(name, partition))))
            .collect();
        AddPartitionsToTxnTopicResult::default().with_name(name.clone()).with_results_by_partition(rows)
    };
    unique.into_iter().map(topic).collect()
}

fn row(partition: i32, code: ErrorCode) -> AddPartitionsToTxnPartitionResult {
    AddPartitionsToTxnPartitionResult::default()
        .with_partition_index(partition)
        .with_partition_error_code(code.0)
}
