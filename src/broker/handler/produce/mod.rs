//! `Produce`: checks of the request, the append of each partition by itself, and the wait for replicas
//! (`KafkaApis.handleProduceRequest`, `ReplicaManager.appendRecords`, `DelayedProduce`).

mod records;
mod response;

use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use kafka_protocol::messages::{ProduceRequest, ProduceResponse};
use tokio::time::Instant;

use crate::broker::handler::produce::records::Records;
use crate::broker::handler::produce::response::{Key, NONE, Row, response};
use crate::broker::node::{Node, now};
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
/// Handles a request. Its partitions are independent of each other, unless the request as a whole is wrong.
pub(super) async fn handle(node: &Node, from: Sender<'_>, request: ProduceRequest) -> ProduceResponse {
    let ProduceRequest { transactional_id, acks, timeout_ms, topic_data, .. } = request;
    let mut wanted = IndexMap::new();
    for topic in topic_data {
        for partition in topic.partition_data {
            let key = (topic.name.clone(), topic.topic_id, partition.index);
            // If a request names a partition twice, the last one counts.
            wanted.insert(key, Records::cut(partition.records));
        }
    }
    if let Some(rejection) = whole(&wanted, transactional_id.is_some()) {
        let rows = wanted.into_keys().map(|key| (key, Row::refused(rejection.clone())));
        return response(&node.cluster, &rows.collect());
    }
    let mut rows = IndexMap::with_capacity(wanted.len());
    for (key, records) in wanted {
        let row = one(node, from, (&key, acks), records);
        rows.insert(key, row);
    }
    if rows.values().any(|row| row.outcome.is_ok()) {
        node.cluster.announce();
    }
    if Acks::of(acks) == Some(Acks::All) {
        replicated(node, timeout_ms, &mut rows).await;
    }
    response(&node.cluster, &rows)
}

/// Whether a partition failed: without an answer, a client is told by closing its connection.
pub(super) fn has_failed(answer: &ProduceResponse) -> bool {
    answer.responses.iter().flat_map(|topic| &topic.partition_responses).any(|row| row.error_code != 0)
}

/// What is wrong with the request as a whole: an error of the parser in any of its rows, or records of a transaction
/// without the name of one.
fn whole(wanted: &IndexMap<Key, Records>, has_transactional_id: bool) -> Option<Rejection> {
    if let Some(error) = wanted.values().find_map(|records| records.broken) {
        let message = Some(error.to_string());
        return Some(Rejection { message, ..Rejection::of(ErrorCode::CORRUPT_MESSAGE) });
    }
    let transactional = wanted.values().any(|records| records.transactional);
    (transactional && !has_transactional_id)
        .then(|| Rejection::of(ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED))
}

fn one(node: &Node, from: Sender<'_>, (key, acks): (&Key, i16), records: Records) -> Row {
    match find(node, from.version, key) {
        Ok(topic) => match check(from, &topic, acks, &records) {
            Ok(acks) => append(node, topic, (key.2, acks), records),
            Err(rejection) => Row::refused(rejection),
        },
        Err(code) => Row::refused(Rejection::of(code)),
    }
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

/// What is checked before the leader is asked, in this order: the records as such, acks, transactions, the topic.
fn check(from: Sender<'_>, topic: &Topic, acks: i16, records: &Records) -> Result<Acks, Rejection> {
    records.check(from.version)?;
    let acks = Acks::of(acks).ok_or_else(|| Rejection::of(ErrorCode::INVALID_REQUIRED_ACKS))?;
    if records.transactional {
        return Err(unverified(from.version));
    }
    if topic.is_internal() && from.client_id != Some(ADMIN_CLIENT) {
        return Err(Rejection::of(ErrorCode::INVALID_TOPIC_EXCEPTION));
    }
    Ok(acks)
}

/// This broker coordinates no transactions, so no partition is ever part of one; from version 12 on the coordinator
/// would have to be asked (`ReplicaManager.maybeSendPartitionsToTransactionCoordinator`).
fn unverified(version: i16) -> Rejection {
    let (code, message) = match version {
        ..=10 => (ErrorCode::INVALID_TXN_STATE, "Partition was not added to the transaction"),
        11 => return Rejection::of(ErrorCode::TRANSACTION_ABORTABLE),
        _ => (
            ErrorCode::NOT_ENOUGH_REPLICAS,
            "Unable to verify the partition has been added to the transaction. Underlying error: NOT_COORDINATOR",
        ),
    };
    Rejection { message: Some(message.to_owned()), ..Rejection::of(code) }
}

fn append(node: &Node, topic: Arc<Topic>, (index, acks): (i32, Acks), records: Records) -> Row {
    let rules = Rules { config: &topic.config, now: now(), topic: &topic.name, partition: index };
    let unknown = || Rejection::of(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
    let (Some(mut partition), Some(entry)) = (topic.partition(index), records.first) else {
        return Row::refused(unknown());
    };
    let led = partition.check_leader(node.id, -1).map_err(Rejection::of);
    let outcome = led.and_then(|()| partition.append(entry, acks, rules));
    let log_start = match &outcome {
        Err(rejection) if rejection.hides_log_start() => NONE,
        _ => partition.log.start(),
    };
    drop(partition);
    Row { topic: Some(topic), outcome, log_start, timed_out: false }
}

/// Waits until all replicas in sync have what was appended; what they do not have in time is answered as timed out,
/// though it stands in the log.
async fn replicated(node: &Node, timeout_ms: i32, rows: &mut IndexMap<Key, Row>) {
    let patience = Duration::from_millis(u64::try_from(timeout_ms).unwrap_or(0));
    let deadline = Instant::now() + patience;
    let mut progress = node.cluster.progress();
    loop {
        progress.mark_unchanged();
        if !rows.iter().any(|(key, row)| is_pending(key, row)) {
            return;
        }
        tokio::select! {
            _ = progress.changed() => {}
            () = tokio::time::sleep_until(deadline) => break,
        }
    }
    for (key, row) in rows {
        row.timed_out = is_pending(key, row);
    }
}

fn is_pending((_, _, index): &Key, row: &Row) -> bool {
    let (Some(topic), Ok(appended)) = (&row.topic, &row.outcome) else { return false };
    topic.partition(*index).is_some_and(|partition| partition.high_watermark <= appended.last_offset)
}
