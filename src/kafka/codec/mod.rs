//! Messages to and from frames, for both sides of the wire. Every frame passes the guard before it is decoded.

mod mend;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{
    AddOffsetsToTxnRequest, AddPartitionsToTxnRequest, ApiKey, ApiVersionsRequest, CreateTopicsRequest,
    DeleteTopicsRequest, DescribeClusterRequest, DescribeConfigsRequest, EndTxnRequest, FetchRequest,
    FindCoordinatorRequest, InitProducerIdRequest, ListOffsetsRequest, MetadataRequest, ProduceRequest,
    RequestHeader, ResponseHeader, SaslAuthenticateRequest, SaslHandshakeRequest, TxnOffsetCommitRequest,
};
use kafka_protocol::protocol::{Decodable, Encodable, Request as Exchange, StrBytes};
use thiserror::Error;

use crate::kafka::api::Api;
use crate::kafka::guard::{self, Refused};
use crate::kafka::shape;

/// Why a message cannot be decoded or encoded.
#[derive(Debug, Error)]
pub enum CodecError {
    /// The key of a request stands for no API that we speak.
    #[error("unknown API {0}")]
    UnknownApi(i16),
    /// The API is known, the version is not.
    #[error("version {version} of {api:?} is not supported")]
    UnsupportedVersion {
        /// The API.
        api: ApiKey,
        /// What was asked for.
        version: i16,
        /// For the answer, where there is one: only `ApiVersions` gets one.
        correlation_id: i32,
    },
    /// The frame cannot be what it claims to be.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The frame has the right shape and the wrong content, such as a null where none may be.
    #[error("malformed message: {0}")]
    Malformed(String),
    /// An answer to another request.
    #[error("an answer to request {found} where one to {expected} was due")]
    Correlation {
        /// The request that was sent.
        expected: i32,
        /// What the answer says.
        found: i32,
    },
    /// The message holds something that its version cannot say.
    #[error("cannot be encoded: {0}")]
    Unencodable(String),
}

/// A request that we serve.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Write record batches.
    Produce(ProduceRequest),
    /// Read record batches.
    Fetch(FetchRequest),
    /// Offsets by time, and the ends of logs.
    ListOffsets(ListOffsetsRequest),
    /// Brokers, topics, leaders.
    Metadata(MetadataRequest),
    /// Who looks after a group or a transaction.
    FindCoordinator(FindCoordinatorRequest),
    /// How a client will say who it is.
    SaslHandshake(SaslHandshakeRequest),
    /// Who a client is.
    SaslAuthenticate(SaslAuthenticateRequest),
    /// What the broker speaks.
    ApiVersions(ApiVersionsRequest),
    /// Create topics.
    CreateTopics(CreateTopicsRequest),
    /// Delete topics.
    DeleteTopics(DeleteTopicsRequest),
    /// A producer id.
    InitProducerId(InitProducerIdRequest),
    /// The settings of topics and brokers.
    DescribeConfigs(DescribeConfigsRequest),
    /// Partitions become part of a transaction, or are asked for.
    AddPartitionsToTxn(AddPartitionsToTxnRequest),
    /// The offsets of a group become part of a transaction.
    AddOffsetsToTxn(AddOffsetsToTxnRequest),
    /// Commit or abort a transaction.
    EndTxn(EndTxnRequest),
    /// Offsets of a group, to count when the transaction is committed.
    TxnOffsetCommit(TxnOffsetCommitRequest),
    /// The brokers of a cluster.
    DescribeCluster(DescribeClusterRequest),
}

/// A request with what its header says.
#[derive(Debug)]
pub struct Incoming {
    /// The API.
    pub api: &'static Api,
    /// The version, one of [`Api::served`].
    pub version: i16,
    /// Comes back in the answer.
    pub correlation_id: i32,
    /// What the client calls itself.
    pub client_id: Option<StrBytes>,
    /// The request. Its strings and record batches are slices of the frame.
    pub request: Request,
}

/// Decodes a frame that a client sent, also if it is one that Apache Kafka alone understands.
#[expect(clippy::needless_pass_by_value, reason = "who has a frame decoded is done with it")]
pub fn decode_request(frame: Bytes) -> Result<Incoming, CodecError> {
    let (api, version, correlation_id) = identify(&frame)?;
    let header_version = api.request_header_version(version);
    if !api.served().contains(&version) {
        guard::check(&shape::REQUEST_HEADER, header_version, header_version >= 2, &frame)?;
        return Err(CodecError::UnsupportedVersion { api: api.key, version, correlation_id });
    }
    match decode_strictly(api, version, frame.clone()) {
        Err(error) => match mend::request(api, version, &frame) {
            Some(mended) => decode_strictly(api, version, mended),
            None => Err(error),
        },
        decoded => decoded,
    }
}

/// Decodes what the guard lets through as it stands.
pub(in crate::kafka) fn decode_strictly(
    api: &'static Api,
    version: i16,
    mut frame: Bytes,
) -> Result<Incoming, CodecError> {
    let header_version = api.request_header_version(version);
    let size = guard::check(&shape::REQUEST_HEADER, header_version, header_version >= 2, &frame)?;
    guard::check(api.request, version, api.is_flexible(version), &frame[size..])?;
    let header: RequestHeader = decode(&mut frame, header_version)?;
    let body = &mut frame;
    let request = match api.key {
        ApiKey::Produce => Request::Produce(decode(body, version)?),
        ApiKey::Fetch => Request::Fetch(decode(body, version)?),
        ApiKey::ListOffsets => Request::ListOffsets(decode(body, api.form(version))?),
        ApiKey::Metadata => Request::Metadata(decode(body, version)?),
        ApiKey::FindCoordinator => Request::FindCoordinator(decode(body, version)?),
        ApiKey::SaslHandshake => Request::SaslHandshake(decode(body, version)?),
        ApiKey::SaslAuthenticate => Request::SaslAuthenticate(decode(body, version)?),
        ApiKey::ApiVersions => Request::ApiVersions(decode(body, version)?),
        ApiKey::CreateTopics => Request::CreateTopics(decode(body, version)?),
        ApiKey::DeleteTopics => Request::DeleteTopics(decode(body, version)?),
        ApiKey::DescribeCluster => Request::DescribeCluster(decode(body, version)?),
        ApiKey::DescribeConfigs => Request::DescribeConfigs(decode(body, version)?),
        ApiKey::InitProducerId => Request::InitProducerId(decode(body, version)?),
        ApiKey::AddPartitionsToTxn => Request::AddPartitionsToTxn(decode(body, version)?),
        ApiKey::AddOffsetsToTxn => Request::AddOffsetsToTxn(decode(body, version)?),
        ApiKey::EndTxn => Request::EndTxn(decode(body, version)?),
        ApiKey::TxnOffsetCommit => Request::TxnOffsetCommit(decode(body, version)?),
        other => return Err(CodecError::UnknownApi(other as i16)),
    };
    let correlation_id = header.correlation_id;
    Ok(Incoming { api, version, correlation_id, client_id: header.client_id, request })
}

/// Key, version and correlation id stand at the same place in every version of the header.
fn identify(frame: &[u8]) -> Result<(&'static Api, i16, i32), CodecError> {
    let [k0, k1, v0, v1, c0, c1, c2, c3] =
        frame.first_chunk().ok_or_else(|| Refused::Truncated { missing: 8 - frame.len() })?;
    let key = i16::from_be_bytes([*k0, *k1]);
    let api = Api::from_key(key).ok_or(CodecError::UnknownApi(key))?;
    Ok((api, i16::from_be_bytes([*v0, *v1]), i32::from_be_bytes([*c0, *c1, *c2, *c3])))
}

/// Encodes an answer with prefix and header, ready to be written at once.
pub fn encode_response<T: Encodable>(
    api: &Api,
    version: i16,
    correlation_id: i32,
    response: &T,
) -> Result<BytesMut, CodecError> {
    let header = ResponseHeader::default().with_correlation_id(correlation_id);
    framed((&header, api.response_header_version(version)), (response, api.form(version)))
}

/// Encodes a request with prefix and header, ready to be written at once.
pub fn encode_request<'a, R: Exchange>(
    version: i16,
    correlation_id: i32,
    client_id: impl Into<Option<&'a str>>,
    request: &R,
) -> Result<BytesMut, CodecError> {
    let api = Api::from_key(R::KEY).ok_or(CodecError::UnknownApi(R::KEY))?;
    let header = RequestHeader::default()
        .with_request_api_key(R::KEY)
        .with_request_api_version(version)
        .with_correlation_id(correlation_id)
        .with_client_id(client_id.into().map(|id| StrBytes::from_string(id.to_owned())));
    framed((&header, api.request_header_version(version)), (request, api.form(version)))
}

/// Decodes the frame that a broker answered to a request of that type, version and correlation id.
pub fn decode_response<R: Exchange>(
    mut frame: Bytes,
    version: i16,
    correlation_id: i32,
) -> Result<R::Response, CodecError> {
    let api = Api::from_key(R::KEY).ok_or(CodecError::UnknownApi(R::KEY))?;
    if !api.served().contains(&version) {
        return Err(CodecError::UnsupportedVersion { api: api.key, version, correlation_id });
    }
    let header_version = api.response_header_version(version);
    let size = guard::check(&shape::RESPONSE_HEADER, header_version, header_version >= 1, &frame)?;
    guard::check(api.response, version, api.is_flexible(version), &frame[size..])?;
    let header: ResponseHeader = decode(&mut frame, header_version)?;
    if header.correlation_id != correlation_id {
        return Err(CodecError::Correlation { expected: correlation_id, found: header.correlation_id });
    }
    decode(&mut frame, api.form(version))
}

fn decode<T: Decodable>(bytes: &mut Bytes, version: i16) -> Result<T, CodecError> {
    T::decode(bytes, version).map_err(|error| CodecError::Malformed(error.to_string()))
}

fn framed<H: Encodable, B: Encodable>(header: (&H, i16), body: (&B, i16)) -> Result<BytesMut, CodecError> {
    let write = |frame: &mut BytesMut| {
        header.0.encode(frame, header.1)?;
        body.0.encode(frame, body.1)
    };
    let size = header.0.compute_size(header.1).and_then(|size| Ok(size + body.0.compute_size(body.1)?));
    let size = size.map_err(|error| CodecError::Unencodable(error.to_string()))?;
    let prefix =
        i32::try_from(size).map_err(|_| CodecError::Unencodable(format!("{size} bytes are too many")))?;
    let mut frame = BytesMut::with_capacity(4 + size);
    frame.extend_from_slice(&prefix.to_be_bytes());
    write(&mut frame).map_err(|error| CodecError::Unencodable(error.to_string()))?;
    Ok(frame)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
    use kafka_protocol::messages::{ApiVersionsResponse, MetadataResponse, TopicName};

    fn metadata() -> MetadataRequest {
        let name = TopicName(StrBytes::from_static_str("orders"));
        MetadataRequest::default()
            .with_topics(Some(vec![MetadataRequestTopic::default().with_name(Some(name))]))
    }

    fn body(frame: BytesMut) -> Bytes {
        let frame = frame.freeze();
        assert_eq!(frame[..4], u32::try_from(frame.len() - 4).unwrap().to_be_bytes());
        frame.slice(4..)
    }

    #[test]
    fn what_apache_kafka_alone_understands_is_understood() {
        let frame = |client: &[u8], topics: i32| {
            let head = [0, 3, 0, 1, 0, 0, 0, 7];
            Bytes::from([&head, client, &topics.to_be_bytes()].concat())
        };
        let incoming = decode_request(frame(&[0xFF, 0xFE], -2)).unwrap();
        assert_eq!((incoming.correlation_id, incoming.client_id), (7, None));
        assert_eq!(incoming.request, Request::Metadata(MetadataRequest::default().with_topics(None)));
        let incoming = decode_request(frame(&[0, 2, 0xC3, b'('], -1)).unwrap();
        assert_eq!(incoming.client_id.unwrap().as_str(), "\u{FFFD}(");
        assert!(decode_request(frame(&[0, 9], -1)).is_err());
    }

    #[test]
    fn a_request_comes_out_as_it_went_in() {
        for version in 0..=13 {
            let frame = body(encode_request(version, 42, "me", &metadata()).unwrap());
            let incoming = decode_request(frame).unwrap();
            assert_eq!(incoming.api.key, ApiKey::Metadata);
            assert_eq!((incoming.version, incoming.correlation_id), (version, 42));
            assert_eq!(incoming.client_id.unwrap().as_str(), "me");
            assert_eq!(incoming.request, Request::Metadata(metadata()));
        }
    }

    #[test]
    fn an_answer_comes_out_as_it_went_in_and_only_for_its_request() {
        let api = Api::from_key(3).unwrap();
        let answer = MetadataResponse::default().with_controller_id(1.into());
        for version in 1..=13 {
            let frame = body(encode_response(api, version, 42, &answer).unwrap());
            assert_eq!(decode_response::<MetadataRequest>(frame.clone(), version, 42).unwrap(), answer);
            let error = decode_response::<MetadataRequest>(frame, version, 41).unwrap_err();
            assert!(matches!(error, CodecError::Correlation { expected: 41, found: 42 }));
        }
    }

    #[test]
    fn what_we_do_not_speak_is_told_apart() {
        let frame = |key: i16, version: i16| {
            let mut frame = key.to_be_bytes().to_vec();
            frame.extend(version.to_be_bytes());
            frame.extend([0, 0, 0, 9, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0]);
            decode_request(Bytes::from(frame)).unwrap_err()
        };
        assert!(matches!(frame(71, 0), CodecError::UnknownApi(71)));
        assert!(matches!(frame(0, 2), CodecError::UnsupportedVersion { version: 2, .. }));
        assert!(matches!(frame(0, 14), CodecError::UnsupportedVersion { version: 14, .. }));
        for version in [-1, 5, i16::MAX] {
            let error = frame(18, version);
            assert!(
                matches!(
                    error,
                    CodecError::UnsupportedVersion { api: ApiKey::ApiVersions, correlation_id: 9, .. }
                ),
                "{error}"
            );
        }
        for size in 0..8 {
            let error = decode_request(Bytes::from(vec![0; size])).unwrap_err();
            assert!(matches!(error, CodecError::Refused(Refused::Truncated { .. })));
        }
    }

    #[test]
    fn an_answer_of_a_hostile_broker_is_refused_before_it_is_decoded() {
        let frame = [0, 0, 0, 7, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F];
        let error = decode_response::<ApiVersionsRequest>(Bytes::copy_from_slice(&frame), 3, 7).unwrap_err();
        assert!(matches!(error, CodecError::Refused(Refused::Count { .. })));
        let answer = ApiVersionsResponse::default().with_error_code(35);
        let frame = body(encode_response(Api::from_key(18).unwrap(), 0, 7, &answer).unwrap());
        assert_eq!(decode_response::<ApiVersionsRequest>(frame, 0, 7).unwrap().error_code, 35);
    }

    #[test]
    fn null_where_none_may_be_is_malformed() {
        let mut frame = vec![0, 0, 0, 3, 0, 0, 0, 7, 0xFF, 0xFF, 0xFF, 0xFF];
        frame.extend([0, 1, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]);
        let error = decode_request(Bytes::from(frame)).unwrap_err();
        assert!(matches!(error, CodecError::Malformed(_)), "topics are null: {error}");
    }
}
