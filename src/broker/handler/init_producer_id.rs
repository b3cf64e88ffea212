//! `InitProducerId`: an id for an idempotent producer.

use kafka_protocol::messages::{InitProducerIdRequest, InitProducerIdResponse};

use crate::broker::node::Node;
use crate::kafka::ErrorCode;

/// Without a transactional id each request gets a fresh id with epoch 0, whatever id it brings: idempotent producers
/// raise their epochs themselves (`TransactionCoordinator.handleInitProducerId`).
pub(super) fn handle(node: &Node, request: &InitProducerIdRequest) -> InitProducerIdResponse {
    let half = (request.producer_id.0 == -1) != (request.producer_epoch == -1);
    match request.transactional_id.as_ref().map(|id| id.as_str()) {
        _ if half => refusal(ErrorCode::INVALID_REQUEST),
        None => InitProducerIdResponse::default()
            .with_producer_id(node.cluster.new_producer_id().into())
            .with_producer_epoch(0),
        Some("") => refusal(ErrorCode::INVALID_REQUEST),
        // This broker coordinates no transactions, and FindCoordinator is not served.
        Some(_) => refusal(ErrorCode::NOT_COORDINATOR),
    }
}

fn refusal(code: ErrorCode) -> InitProducerIdResponse {
    InitProducerIdResponse::default()
        .with_error_code(code.0)
        .with_producer_id((-1).into())
        .with_producer_epoch(-1)
}
