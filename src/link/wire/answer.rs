//! An answer on its way to the client: its addresses become the link's, it is lowered to what the link can decode, a
//! fault changes it, and the codes that it says are told.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{
    AddOffsetsToTxnRequest, AddOffsetsToTxnResponse, AddPartitionsToTxnRequest, ApiKey, ApiVersionsRequest,
    DescribeClusterRequest, EndTxnRequest, EndTxnResponse, FetchRequest, FindCoordinatorRequest,
    InitProducerIdRequest, InitProducerIdResponse, MetadataRequest, ProduceRequest, ProduceResponse,
    TxnOffsetCommitRequest,
};
use kafka_protocol::protocol::Request as Exchange;

use crate::kafka::{Api, CodecError, ErrorCode, Request, decode_response, encode_response};

use super::change::{self, Change};
use super::fail;
use super::metadata::{self, Addresses};
use super::produce;
use super::request::Asked;
use super::row::Failing;

/// The first versions of Produce and Fetch answers that may hold addresses (`NodeEndpoints`).
const PRODUCE_ENDPOINTS: i16 = 10;
const FETCH_ENDPOINTS: i16 = 16;

/// An answer that is due.
#[derive(Clone, Copy, Debug)]
pub(in crate::link) struct Due {
    pub(in crate::link) api: &'static Api,
    pub(in crate::link) version: i16,
    pub(in crate::link) correlation_id: i32,
}

impl Due {
    /// Whether this, with its length in front, gives a producer its id.
    pub(in crate::link) fn gives_id(self, answer: &[u8]) -> bool {
        // Length, correlation id, tags, and how long the client is throttled stand in front of the error.
        let tags = usize::from(self.api.is_flexible(self.version));
        let error = answer.get(12 + tags..14 + tags);
        self.api.key == ApiKey::InitProducerId && error == Some(&[0, 0][..])
    }
}

/// What goes to the client.
#[derive(Debug)]
pub(in crate::link) struct Answered {
    /// With its length in front.
    pub(in crate::link) bytes: Bytes,
    /// The codes of the request's parts, as far as the request was looked into; none for a part that has none.
    pub(in crate::link) codes: Vec<Option<ErrorCode>>,
}

/// Makes of the frame that a broker answered the one that the client gets. What cannot be decoded is an error: the
/// client would be told addresses that go past the link.
pub(in crate::link) fn answer(
    due: Due,
    frame: Bytes,
    asked: Option<&Asked>,
    change: Option<&Change>,
    to: &dyn Addresses,
) -> Result<Answered, CodecError> {
    if is_untouched(due, asked, change) {
        return Ok(untouched(&frame));
    }
    let places = asked.map_or(&[][..], |asked| &asked.places);
    let rows = asked.map_or(0, |asked| asked.rows.len());
    match due.api.key {
        ApiKey::Produce => edit::<ProduceRequest>(due, frame, |answer| {
            // Before the addresses are moved: a leader that a fault announces is a broker like any other.
            change::produce(answer, asked, change);
            metadata::produce(answer, to);
            produce::codes(answer, places)
        }),
        ApiKey::ApiVersions => api_versions(due, frame, rows, change),
        ApiKey::Fetch | ApiKey::Metadata | ApiKey::FindCoordinator | ApiKey::DescribeCluster => {
            addressed(due, frame, rows, change, to)
        }
        _ => match (change, asked) {
            // What was applied is told otherwise.
            (Some(Change::Fail(failing)), Some(asked)) => made(asked, failing, to),
            _ => transactional(due, frame, rows, change),
        },
    }
}

/// Answers that say who is where.
fn addressed(
    due: Due,
    frame: Bytes,
    rows: usize,
    change: Option<&Change>,
    to: &dyn Addresses,
) -> Result<Answered, CodecError> {
    match due.api.key {
        ApiKey::Fetch => edit::<FetchRequest>(due, frame, |answer| {
            metadata::fetch(answer, to);
            vec![]
        }),
        ApiKey::FindCoordinator => edit::<FindCoordinatorRequest>(due, frame, |answer| {
            metadata::coordinator(answer, to);
            change::coordinator(answer, change);
            let first = answer.coordinators.first().map_or(answer.error_code, |one| one.error_code);
            vec![Some(ErrorCode(first)); rows]
        }),
        ApiKey::DescribeCluster => edit::<DescribeClusterRequest>(due, frame, |answer| {
            metadata::cluster(answer, to);
            vec![]
        }),
        _ => edit::<MetadataRequest>(due, frame, |answer| {
            metadata::metadata(answer, to);
            change::metadata(answer, change);
            vec![Some(change::first_error(answer)); rows]
        }),
    }
}

fn is_untouched(due: Due, asked: Option<&Asked>, change: Option<&Change>) -> bool {
    match due.api.key {
        key if change::UNTOUCHED.contains(&key) => true,
        ApiKey::Produce => asked.is_none() && change.is_none() && due.version < PRODUCE_ENDPOINTS,
        ApiKey::Fetch => due.version < FETCH_ENDPOINTS,
        ApiKey::Metadata | ApiKey::FindCoordinator | ApiKey::DescribeCluster | ApiKey::ApiVersions => false,
        _ => asked.is_none() && change.is_none(),
    }
}

/// An answer that no broker gave: to a request that the fault did not let through.
pub(in crate::link) fn made(
    asked: &Asked,
    failing: &Failing,
    to: &dyn Addresses,
) -> Result<Answered, CodecError> {
    let due = Due {
        api: asked.incoming.api,
        version: asked.incoming.version,
        correlation_id: asked.incoming.correlation_id,
    };
    let code = failing.fail.error.0;
    let codes = vec![Some(failing.fail.error); asked.rows.len()];
    let bytes = match &asked.incoming.request {
        Request::Produce(_) => {
            let mut answer = ProduceResponse::default();
            produce::fail(&mut answer, &asked.places, failing);
            metadata::produce(&mut answer, to);
            encode(due, &answer)
        }
        Request::InitProducerId(_) => {
            let answer =
                InitProducerIdResponse::default().with_error_code(code).with_producer_id((-1).into());
            encode(due, &answer.with_producer_epoch(-1))
        }
        Request::AddPartitionsToTxn(request) => {
            encode(due, &fail::add_partitions(request, due.version, failing))
        }
        Request::AddOffsetsToTxn(_) => encode(due, &AddOffsetsToTxnResponse::default().with_error_code(code)),
        Request::EndTxn(_) => {
            let answer = EndTxnResponse::default().with_error_code(code).with_producer_id((-1).into());
            encode(due, &answer.with_producer_epoch(-1))
        }
        Request::TxnOffsetCommit(request) => encode(due, &fail::offsets(request, failing.fail.error)),
        other => Err(CodecError::Unencodable(format!("no answer to {other:?} is made up"))),
    };
    Ok(Answered { bytes: bytes?, codes })
}

/// A version that a broker does not know is answered in the form of version 0 (KIP-511).
fn api_versions(
    due: Due,
    frame: Bytes,
    rows: usize,
    change: Option<&Change>,
) -> Result<Answered, CodecError> {
    let served = due.api.served().contains(&due.version);
    let refused =
        |frame: &Bytes| frame.get(4..6) == Some(&ErrorCode::UNSUPPORTED_VERSION.0.to_be_bytes()[..]);
    let version = if served && !refused(&frame) { due.version } else { 0 };
    edit::<ApiVersionsRequest>(Due { version, ..due }, frame, |answer| {
        change::api_versions(answer, change);
        vec![Some(ErrorCode(answer.error_code)); rows]
    })
}

/// Answers of the transaction APIs, that say a code and nothing else that matters here.
fn transactional(
    due: Due,
    frame: Bytes,
    rows: usize,
    change: Option<&Change>,
) -> Result<Answered, CodecError> {
    let throttle = match change {
        Some(Change::Throttle(time)) => Some(*time),
        _ => None,
    };
    macro_rules! coded {
        ($request:ty, $code:expr) => {
            edit::<$request>(due, frame, |answer| {
                answer.throttle_time_ms = throttle.unwrap_or(answer.throttle_time_ms);
                let code: fn(&<$request as Exchange>::Response) -> i16 = $code;
                vec![Some(ErrorCode(code(answer))); rows]
            })
        };
    }
    match due.api.key {
        ApiKey::InitProducerId => coded!(InitProducerIdRequest, |answer| answer.error_code),
        ApiKey::AddOffsetsToTxn => coded!(AddOffsetsToTxnRequest, |answer| answer.error_code),
        ApiKey::EndTxn => coded!(EndTxnRequest, |answer| answer.error_code),
        ApiKey::AddPartitionsToTxn => coded!(AddPartitionsToTxnRequest, |answer| {
            let new = answer.results_by_transaction.iter().flat_map(|one| &one.topic_results);
            let all = new.chain(&answer.results_by_topic_v3_and_below);
            let codes = all.flat_map(|topic| &topic.results_by_partition).map(|row| row.partition_error_code);
            std::iter::once(answer.error_code).chain(codes).find(|code| *code != 0).unwrap_or(0)
        }),
        ApiKey::TxnOffsetCommit => coded!(TxnOffsetCommitRequest, |answer| {
            let rows = answer.topics.iter().flat_map(|topic| &topic.partitions);
            rows.map(|row| row.error_code).find(|code| *code != 0).unwrap_or(0)
        }),
        _ => Ok(untouched(&frame)),
    }
}

fn edit<R: Exchange>(
    due: Due,
    frame: Bytes,
    change: impl FnOnce(&mut R::Response) -> Vec<Option<ErrorCode>>,
) -> Result<Answered, CodecError> {
    let mut answer = decode_response::<R>(frame, due.version, due.correlation_id)?;
    let codes = change(&mut answer);
    Ok(Answered { bytes: encode(due, &answer)?, codes })
}

fn encode<T: kafka_protocol::protocol::Encodable>(due: Due, answer: &T) -> Result<Bytes, CodecError> {
    encode_response(due.api, due.version, due.correlation_id, answer).map(BytesMut::freeze)
}

fn untouched(frame: &Bytes) -> Answered {
    Answered { bytes: prefixed(frame), codes: Vec::new() }
}

/// A frame with its length in front.
fn prefixed(frame: &Bytes) -> Bytes {
    let mut bytes = BytesMut::with_capacity(4 + frame.len());
    bytes.extend_from_slice(&u32::try_from(frame.len()).unwrap_or(u32::MAX).to_be_bytes());
    bytes.extend_from_slice(frame);
    bytes.freeze()
}
