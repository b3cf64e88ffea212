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
        // This broker coordinates no transactions.
        Some(_) => refusal(ErrorCode::NOT_COORDINATOR),
    }
}

fn refusal(code: ErrorCode) -> InitProducerIdResponse {
    InitProducerIdResponse::default()
        .with_error_code(code.0)
        .with_producer_id((-1).into())
        .with_producer_epoch(-1)
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::TransactionalId;
    use kafka_protocol::protocol::StrBytes;

    use super::*;
    use crate::broker::connection::wire::Bench;

    fn request(id: i64, epoch: i16) -> InitProducerIdRequest {
        InitProducerIdRequest::default()
            .with_transactional_id(None)
            .with_producer_id(id.into())
            .with_producer_epoch(epoch)
    }

    #[tokio::test]
    async fn every_request_gets_an_id_of_its_own() {
        let mut client = Bench::new("orders", &[]).connect_alone();
        for version in 0..=5 {
            let response = client.call(version, &request(-1, -1)).await;
            let id = (response.error_code, response.producer_id.0, response.producer_epoch);
            assert_eq!(id, (0, i64::from(version), 0));
        }
        let response = client.call(3, &request(0, 7)).await;
        assert_eq!((response.producer_id.0, response.producer_epoch), (6, 0), "what it brings plays no part");
    }

    #[tokio::test]
    async fn an_id_without_its_epoch_is_refused() {
        let mut client = Bench::new("orders", &[]).connect_alone();
        for (id, epoch) in [(-1, 0), (0, -1)] {
            let response = client.call(3, &request(id, epoch)).await;
            assert_eq!(ErrorCode(response.error_code), ErrorCode::INVALID_REQUEST);
            assert_eq!((response.producer_id.0, response.producer_epoch), (-1, -1));
        }
    }

    #[tokio::test]
    async fn transactions_have_no_coordinator_here() {
        let mut client = Bench::new("orders", &[]).connect_alone();
        for (id, code) in [("", ErrorCode::INVALID_REQUEST), ("id", ErrorCode::NOT_COORDINATOR)] {
            let id = TransactionalId(StrBytes::from_static_str(id));
            let response = client.call(3, &request(-1, -1).with_transactional_id(Some(id))).await;
            assert_eq!(ErrorCode(response.error_code), code);
        }
    }
}
