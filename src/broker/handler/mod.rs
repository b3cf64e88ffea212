//! Requests and their answers, one API a file.

mod add_offsets_to_txn;
mod add_partitions_to_txn;
mod api_versions;
mod create_topics;
mod delete_topics;
mod describe_cluster;
mod describe_configs;
mod end_txn;
mod fetch;
mod find_coordinator;
mod init_producer_id;
mod list_offsets;
mod metadata;
mod produce;
mod sasl;
mod txn_offset_commit;
mod verification;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::ApiKey;
use kafka_protocol::protocol::Encodable;

use crate::broker::node::Node;
use crate::kafka::{Api, CodecError, ErrorCode, Incoming, Request, decode_request, encode_response};

/// What happens after a request.
#[derive(Debug)]
pub(super) enum Reply {
    /// An answer is written.
    Send(BytesMut),
    /// The client expects no answer, and gets none.
    Nothing,
    /// The connection is closed without a word.
    Close,
    /// The client waits for an answer that never comes, and nothing else that it sends is looked at.
    Never,
}

/// Handles a frame.
///
/// What cannot be decoded, an unknown API and an unsupported version close the connection. The exception is
/// `ApiVersions`: a version from the future is answered in the oldest form, so that the client can try again.
pub(super) async fn answer(node: &Node, frame: Bytes) -> Reply {
    node.cluster.expire();
    match decode_request(frame) {
        Ok(incoming) if !api_versions::knows(node.cluster.emulate, incoming.api, incoming.version) => {
            Reply::Close
        }
        Ok(incoming) => handle(node, incoming).await,
        Err(CodecError::UnsupportedVersion { api: ApiKey::ApiVersions, correlation_id, .. }) => {
            Api::from_key(ApiKey::ApiVersions as i16).map_or(Reply::Close, |api| {
                send(api, 0, correlation_id, &api_versions::unsupported(node.cluster.emulate))
            })
        }
        Err(_) => Reply::Close,
    }
}

async fn handle(node: &Node, incoming: Incoming) -> Reply {
    let Incoming { api, version, correlation_id, client_id, request } = incoming;
    match request {
        Request::ApiVersions(request) => {
            send(api, version, correlation_id, &api_versions::handle(node, version, &request))
        }
        Request::Metadata(request) if metadata::is_malformed(version, &request) => Reply::Close,
        Request::Metadata(request) => {
            send(api, version, correlation_id, &metadata::handle(node, version, &request))
        }
        Request::SaslHandshake(_) => send(api, version, correlation_id, &sasl::handshake()),
        Request::SaslAuthenticate(_) => send(api, version, correlation_id, &sasl::authenticate()),
        request @ (Request::CreateTopics(_)
        | Request::DeleteTopics(_)
        | Request::DescribeConfigs(_)
        | Request::DescribeCluster(_)) => administration(node, (api, version, correlation_id), request),
        Request::ListOffsets(request) => {
            send(api, version, correlation_id, &list_offsets::handle(node, version, &request))
        }
        Request::Fetch(request) => {
            send(api, version, correlation_id, &fetch::handle(node, version, &request).await)
        }
        Request::Produce(request) => {
            let acks = request.acks;
            let from = produce::Sender { version, client_id: client_id.as_deref() };
            let answer = produce::handle(node, from, request).await;
            match (answer, acks) {
                // Even to close the connection the rows' records would be counted (`ProduceRequest.errorCounts`).
                (None, _) => Reply::Never,
                (Some(answer), 0) if produce::has_failed(&answer) => Reply::Close,
                (Some(_), 0) => Reply::Nothing,
                (Some(answer), _) => send(api, version, correlation_id, &answer),
            }
        }
        request => transaction(node, (api, version, correlation_id), request),
    }
}

/// Requests to coordinators.
fn transaction(node: &Node, (api, version, id): (&Api, i16, i32), request: Request) -> Reply {
    match request {
        Request::FindCoordinator(request) => {
            send(api, version, id, &find_coordinator::handle(node, version, &request))
        }
        Request::InitProducerId(request) => {
            send(api, version, id, &init_producer_id::handle(node, version, &request))
        }
        Request::AddPartitionsToTxn(request) if add_partitions_to_txn::is_forgotten(version, &request) => {
            Reply::Never
        }
        Request::AddPartitionsToTxn(request) => {
            send(api, version, id, &add_partitions_to_txn::handle(node, version, request))
        }
        Request::AddOffsetsToTxn(request) => {
            send(api, version, id, &add_offsets_to_txn::handle(node, version, &request))
        }
        Request::EndTxn(request) => send(api, version, id, &end_txn::handle(node, version, &request)),
        Request::TxnOffsetCommit(request) => {
            send(api, version, id, &txn_offset_commit::handle(node, version, &request))
        }
        // Every other request has been handled.
        _ => Reply::Close,
    }
}

/// What administrators ask for.
fn administration(node: &Node, (api, version, id): (&Api, i16, i32), request: Request) -> Reply {
    match request {
        Request::CreateTopics(request) => send(api, version, id, &create_topics::handle(node, &request)),
        Request::DeleteTopics(request) => send(api, version, id, &delete_topics::handle(node, &request)),
        Request::DescribeConfigs(request) => {
            send(api, version, id, &describe_configs::handle(node, &request))
        }
        Request::DescribeCluster(request) => {
            send(api, version, id, &describe_cluster::handle(node, version, &request))
        }
        // Every other request is handled elsewhere.
        _ => Reply::Close,
    }
}

/// What a client is told that does not know `PRODUCER_FENCED` yet.
fn fenced(code: ErrorCode) -> ErrorCode {
    if code == ErrorCode::PRODUCER_FENCED { ErrorCode::INVALID_PRODUCER_EPOCH } else { code }
}

fn send<T: Encodable>(api: &Api, version: i16, correlation_id: i32, answer: &T) -> Reply {
    encode_response(api, version, correlation_id, answer).map_or(Reply::Close, Reply::Send)
}
