//! Rows of a Produce answer: those that a fault makes, and a request without the parts that it takes.

use kafka_protocol::messages::produce_response::{
    BatchIndexAndErrorMessage, LeaderIdAndEpoch, NodeEndpoint, PartitionProduceResponse, TopicProduceResponse,
};
use kafka_protocol::messages::{ProduceRequest, ProduceResponse};
use kafka_protocol::protocol::StrBytes;

use crate::fault::{Fail, Phase};
use crate::kafka::ErrorCode;

use super::row::{Failing, Leader, Place};

/// A row says −1 where there is no offset and no time.
const NONE: i64 = -1;

/// The request without some of its parts.
pub(in crate::link) fn without(request: &ProduceRequest, rows: &[usize]) -> ProduceRequest {
    let mut reduced = request.clone();
    let mut at = 0;
    for topic in &mut reduced.topic_data {
        topic.partition_data.retain(|_| {
            at += 1;
            !rows.contains(&(at - 1))
        });
    }
    reduced.topic_data.retain(|topic| !topic.partition_data.is_empty());
    reduced
}

/// Puts the error into the rows that are taken. Of the phase behind the append only a success becomes an error, with
/// the offsets that the broker gave.
pub(super) fn fail(answer: &mut ProduceResponse, places: &[Place], failing: &Failing) {
    for at in &failing.rows {
        let Some(place) = places.get(*at) else { continue };
        match failing.fail.phase {
            Phase::Before => {
                let row = refused(place.partition, failing, *at);
                topic(answer, place).partition_responses.push(row);
            }
            Phase::After => {
                let row = row(answer, place).filter(|row| row.error_code == 0);
                let Some(row) = row else { continue };
                row.error_code = failing.fail.error.0;
                if let Some(leader) = failing.leaders.get(at) {
                    row.current_leader = announced(leader);
                }
            }
        }
        if let Some(leader) = failing.leaders.get(at) {
            announce(answer, leader);
        }
    }
}

/// Says where a leader is, if nobody has said it yet.
fn announce(answer: &mut ProduceResponse, leader: &Leader) {
    let Some((host, port)) = &leader.address else { return };
    if answer.node_endpoints.iter().all(|known| known.node_id.0 != leader.id) {
        let endpoint = NodeEndpoint::default()
            .with_node_id(leader.id.into())
            .with_host(StrBytes::from_string(host.clone()))
            .with_port(i32::from(*port));
        answer.node_endpoints.push(endpoint);
    }
}

/// The codes of an answer, in the order of the request's parts; none for a part that it does not speak of.
pub(super) fn codes(answer: &ProduceResponse, places: &[Place]) -> Vec<Option<ErrorCode>> {
    let code = |place: &Place| {
        let mut topics = answer.responses.iter().filter(|topic| is(topic, place));
        let row = topics
            .find_map(|topic| topic.partition_responses.iter().find(|row| row.index == place.partition));
        row.map(|row| ErrorCode(row.error_code))
    };
    places.iter().map(code).collect()
}

fn is(topic: &TopicProduceResponse, place: &Place) -> bool {
    topic.name == place.name && topic.topic_id == place.id
}

fn topic<'a>(answer: &'a mut ProduceResponse, place: &Place) -> &'a mut TopicProduceResponse {
    let at = answer.responses.iter().position(|topic| is(topic, place)).unwrap_or_else(|| {
        let new = TopicProduceResponse::default().with_name(place.name.clone()).with_topic_id(place.id);
        answer.responses.push(new);
        answer.responses.len() - 1
    });
    &mut answer.responses[at]
}

fn row<'a>(answer: &'a mut ProduceResponse, place: &Place) -> Option<&'a mut PartitionProduceResponse> {
    let mut topics = answer.responses.iter_mut().filter(|topic| is(topic, place));
    topics.find_map(|topic| topic.partition_responses.iter_mut().find(|row| row.index == place.partition))
}

/// A row of a part that was not appended (`ReplicaManager.appendRecords`, measured on Apache Kafka 4.3.1).
fn refused(index: i32, failing: &Failing, at: usize) -> PartitionProduceResponse {
    let code = failing.fail.error;
    let log_start = if tells_log_start(&failing.fail) {
        failing.log_starts.get(&at).copied().unwrap_or(NONE)
    } else {
        NONE
    };
    let row = PartitionProduceResponse::default()
        .with_index(index)
        .with_error_code(code.0)
        .with_base_offset(NONE)
        .with_log_append_time_ms(NONE)
        .with_log_start_offset(log_start)
        .with_error_message(message(code, &failing.fail.records).map(StrBytes::from_string))
        .with_record_errors(failing.fail.records.iter().map(|record| record_error(code, *record)).collect());
    match failing.leaders.get(&at) {
        Some(leader) => row.with_current_leader(announced(leader)),
        None => row,
    }
}

fn announced(leader: &Leader) -> LeaderIdAndEpoch {
    LeaderIdAndEpoch::default().with_leader_id(leader.id.into()).with_leader_epoch(leader.epoch)
}

/// Whether a refusal tells where the log begins: those that the leader makes when it looks at the batch itself.
pub(in crate::link) fn tells_log_start(fail: &Fail) -> bool {
    match fail.error {
        ErrorCode::NOT_ENOUGH_REPLICAS
        | ErrorCode::INVALID_TIMESTAMP
        | ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER
        | ErrorCode::INVALID_PRODUCER_EPOCH => true,
        ErrorCode::INVALID_RECORD => !fail.records.is_empty(),
        _ => false,
    }
}

/// What is wrong with a record, in the words of `LogValidator`.
fn record_words(code: ErrorCode, record: u32) -> String {
    match code {
        ErrorCode::INVALID_TIMESTAMP => {
            format!("Timestamp of record with index {record} is out of range.")
        }
        _ => "Compacted topic cannot accept message without key.".to_owned(),
    }
}

fn record_error(code: ErrorCode, record: u32) -> BatchIndexAndErrorMessage {
    BatchIndexAndErrorMessage::default()
        .with_batch_index(i32::try_from(record).unwrap_or(i32::MAX))
        .with_batch_index_error_message(Some(StrBytes::from_string(record_words(code, record))))
}

/// The message of a refusal; most have none (v8 and up).
fn message(code: ErrorCode, records: &[u32]) -> Option<String> {
    match code {
        ErrorCode::INVALID_TXN_STATE => Some("Partition was not added to the transaction".to_owned()),
        _ if records.is_empty() => None,
        ErrorCode::INVALID_TIMESTAMP => {
            Some("One or more records have been rejected due to invalid timestamp".to_owned())
        }
        _ => {
            let shown = records.iter().take(3).map(|record| {
                format!("RecordError(batchIndex={record}, message='{}')", record_words(code, *record))
            });
            Some(format!(
                "One or more records have been rejected due to {} record errors in total, and only showing the first \
                 three errors at most: [{}]",
                records.len(),
                shown.collect::<Vec<_>>().join(", ")
            ))
        }
    }
}
