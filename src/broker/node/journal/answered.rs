//! The error codes of an answer.

use bytes::{Buf, Bytes};
use kafka_protocol::messages::{ApiKey, ResponseHeader, ResponseKind};
use kafka_protocol::protocol::Decodable;

use crate::kafka::{Api, ErrorCode};

/// The length in front of a frame.
const PREFIX: usize = 4;

/// What went wrong according to an answer of ours, each code once, in the order in which they stand there.
pub(super) fn codes(key: i16, version: i16, frame: &[u8]) -> Vec<ErrorCode> {
    let mut codes = Vec::new();
    let Some(answer) = decode(key, version, frame) else { return codes };
    for code in all(&answer) {
        let code = ErrorCode(code);
        if code != ErrorCode::NONE && !codes.contains(&code) {
            codes.push(code);
        }
    }
    codes
}

fn decode(key: i16, version: i16, frame: &[u8]) -> Option<ResponseKind> {
    let api = Api::from_key(key)?;
    let mut bytes = Bytes::copy_from_slice(frame);
    bytes.advance(PREFIX.min(frame.len()));
    ResponseHeader::decode(&mut bytes, api.response_header_version(version)).ok()?;
    ResponseKind::decode(ApiKey::try_from(key).ok()?, &mut bytes, api.form(version)).ok()
}

fn all(answer: &ResponseKind) -> Vec<i16> {
    match answer {
        ResponseKind::Produce(answer) => {
            let rows = answer.responses.iter().flat_map(|topic| &topic.partition_responses);
            rows.map(|row| row.error_code).collect()
        }
        ResponseKind::Fetch(answer) => {
            let rows = answer.responses.iter().flat_map(|topic| &topic.partitions);
            std::iter::once(answer.error_code).chain(rows.map(|row| row.error_code)).collect()
        }
        ResponseKind::ListOffsets(answer) => {
            answer.topics.iter().flat_map(|topic| &topic.partitions).map(|row| row.error_code).collect()
        }
        ResponseKind::Metadata(answer) => {
            let rows =
                answer.topics.iter().flat_map(|topic| topic.partitions.iter().map(|row| row.error_code));
            answer.topics.iter().map(|topic| topic.error_code).chain(rows).collect()
        }
        ResponseKind::ApiVersions(answer) => vec![answer.error_code],
        ResponseKind::SaslHandshake(answer) => vec![answer.error_code],
        ResponseKind::SaslAuthenticate(answer) => vec![answer.error_code],
        ResponseKind::FindCoordinator(answer) => {
            let many = answer.coordinators.iter().map(|row| row.error_code);
            std::iter::once(answer.error_code).chain(many).collect()
        }
        ResponseKind::CreateTopics(answer) => answer.topics.iter().map(|row| row.error_code).collect(),
        ResponseKind::DeleteTopics(answer) => answer.responses.iter().map(|row| row.error_code).collect(),
        ResponseKind::DescribeConfigs(answer) => answer.results.iter().map(|row| row.error_code).collect(),
        ResponseKind::DescribeCluster(answer) => vec![answer.error_code],
        _ => of_transaction(answer),
    }
}

fn of_transaction(answer: &ResponseKind) -> Vec<i16> {
    match answer {
        ResponseKind::InitProducerId(answer) => vec![answer.error_code],
        ResponseKind::AddOffsetsToTxn(answer) => vec![answer.error_code],
        ResponseKind::EndTxn(answer) => vec![answer.error_code],
        ResponseKind::AddPartitionsToTxn(answer) => {
            let many = answer.results_by_transaction.iter().flat_map(|one| &one.topic_results);
            let rows = answer.results_by_topic_v3_and_below.iter().chain(many);
            let rows = rows.flat_map(|topic| &topic.results_by_partition);
            std::iter::once(answer.error_code).chain(rows.map(|row| row.partition_error_code)).collect()
        }
        ResponseKind::TxnOffsetCommit(answer) => {
            answer.topics.iter().flat_map(|topic| &topic.partitions).map(|row| row.error_code).collect()
        }
        _ => Vec::new(),
    }
}
