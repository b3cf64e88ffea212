//! `AddPartitionsToTxn`: partitions become part of a transaction. Up to version 3 clients ask; from version 4 on brokers
//! do, for several transactions at once, and may ask whether the partitions are there already
//! (`KafkaApis.handleAddPartitionsToTxnRequest`).

use std::collections::BTreeSet;

use kafka_protocol::messages::add_partitions_to_txn_request::{
    AddPartitionsToTxnTopic, AddPartitionsToTxnTransaction,
};
use kafka_protocol::messages::add_partitions_to_txn_response::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnResult, AddPartitionsToTxnTopicResult,
};
use kafka_protocol::messages::{AddPartitionsToTxnRequest, AddPartitionsToTxnResponse};

use crate::broker::handler::fenced;
use crate::broker::node::Node;
use crate::broker::topic::is_internal;
use crate::broker::transaction::{Place, Producer};
use crate::kafka::ErrorCode;

/// The first version that brokers use among themselves.
const OF_BROKERS: i16 = 4;
/// The first version that knows `PRODUCER_FENCED`.
const WITH_FENCED: i16 = 2;

pub(super) fn handle(
    node: &Node,
    version: i16,
    request: AddPartitionsToTxnRequest,
) -> AddPartitionsToTxnResponse {
    let response = AddPartitionsToTxnResponse::default();
    if version >= OF_BROKERS {
        let results = request.transactions.iter().map(|transaction| {
            AddPartitionsToTxnResult::default()
                .with_transactional_id(transaction.transactional_id.clone())
                .with_topic_results(one(node, version, transaction))
        });
        return response.with_results_by_transaction(results.collect());
    }
    let transaction = AddPartitionsToTxnTransaction::default()
        .with_transactional_id(request.v3_and_below_transactional_id)
        .with_producer_id(request.v3_and_below_producer_id)
        .with_producer_epoch(request.v3_and_below_producer_epoch)
        .with_topics(request.v3_and_below_topics);
    response.with_results_by_topic_v3_and_below(one(node, version, &transaction))
}

/// Apache Kafka answers when the last transaction is done. Where there is none it never does.
pub(super) fn is_forgotten(version: i16, request: &AddPartitionsToTxnRequest) -> bool {
    version >= OF_BROKERS && request.transactions.is_empty()
}

/// One bad partition spoils the others of its transaction.
fn one(
    node: &Node,
    version: i16,
    transaction: &AddPartitionsToTxnTransaction,
) -> Vec<AddPartitionsToTxnTopicResult> {
    let topics = &transaction.topics;
    let bad = |place: &Place| unknown(node, version, place);
    if topics.iter().flat_map(places).any(|place| bad(&place).is_some()) {
        return answer(topics, false, |place| bad(place).unwrap_or(ErrorCode::OPERATION_NOT_ATTEMPTED));
    }
    let all: Vec<Place> = topics.iter().flat_map(places).collect();
    match ask(node, version, transaction, &all) {
        Ok(codes) => answer(topics, !transaction.verify_only, |place| {
            let at = all.iter().position(|known| known == place);
            at.and_then(|at| codes.get(at).copied()).unwrap_or(ErrorCode::NONE)
        }),
        Err(code) => {
            let code = if version < WITH_FENCED { fenced(code) } else { code };
            answer(topics, !transaction.verify_only, |_| code)
        }
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

/// What was added is answered as it was named (`AddPartitionsToTxnRequest.errorResponseForTransaction`), all else once
/// (`AddPartitionsToTxnResponse.resultForTransaction`).
fn answer(
    topics: &[AddPartitionsToTxnTopic],
    as_named: bool,
    code: impl Fn(&Place) -> ErrorCode,
) -> Vec<AddPartitionsToTxnTopicResult> {
    let row = |place: Place| {
        AddPartitionsToTxnPartitionResult::default()
            .with_partition_index(place.partition)
            .with_partition_error_code(code(&place).0)
    };
    let topic = |topic: &AddPartitionsToTxnTopic| {
        let rows = if as_named {
            places(topic).map(row).collect()
        } else {
            places(topic).collect::<BTreeSet<_>>().into_iter().map(row).collect()
        };
        AddPartitionsToTxnTopicResult::default().with_name(topic.name.clone()).with_results_by_partition(rows)
    };
    topics.iter().map(topic).collect()
}
