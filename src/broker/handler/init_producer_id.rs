//! `InitProducerId`: an id and an epoch for an idempotent or transactional producer
//! (`KafkaApis.handleInitProducerIdRequest`).

use kafka_protocol::messages::{InitProducerIdRequest, InitProducerIdResponse};

use crate::broker::handler::fenced;
use crate::broker::node::Node;
use crate::broker::transaction::{Init, Producer, check_timeout};
use crate::kafka::ErrorCode;

/// The first version that knows `PRODUCER_FENCED`.
const WITH_FENCED: i16 = 4;

/// Without a transactional id each request gets a fresh id with epoch 0, whatever id it brings: idempotent producers
/// raise their epochs themselves (`TransactionCoordinator.handleInitProducerId`).
pub(super) fn handle(node: &Node, version: i16, request: &InitProducerIdRequest) -> InitProducerIdResponse {
    match init(node, request) {
        Ok(Producer { id, epoch }) => {
            InitProducerIdResponse::default().with_producer_id(id.into()).with_producer_epoch(epoch)
        }
        Err(code) if version < WITH_FENCED => refusal(fenced(code)),
        Err(code) => refusal(code),
    }
}

fn init(node: &Node, request: &InitProducerIdRequest) -> Result<Producer, ErrorCode> {
    let expected = match (request.producer_id.0, request.producer_epoch) {
        (-1, -1) => None,
        (-1, _) | (_, -1) => return Err(ErrorCode::INVALID_REQUEST),
        (id, epoch) => Some(Producer { id, epoch }),
    };
    let Some(id) = request.transactional_id.as_ref().map(|id| id.as_str()) else {
        return Ok(Producer { id: node.cluster.new_producer_id(node.id), epoch: 0 });
    };
    if id.is_empty() {
        return Err(ErrorCode::INVALID_REQUEST);
    }
    check_timeout(request.transaction_timeout_ms)?;
    node.check_coordinator(id)?;
    let fresh = &|| node.cluster.new_producer_id(node.id);
    let init =
        Init { id, timeout_ms: request.transaction_timeout_ms, expected, now: node.cluster.now(), fresh };
    let producer = node.cluster.transactions.with(|coordinator| coordinator.init(init));
    // An open transaction may have been aborted.
    node.cluster.announce();
    producer
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
    async fn a_transactional_id_is_not_empty_and_its_time_out_within_bounds() {
        let mut client = Bench::new("orders", &[]).connect_alone();
        for (id, timeout_ms, code) in [
            ("", 1, ErrorCode::INVALID_REQUEST),
            ("", -1, ErrorCode::INVALID_REQUEST),
            ("id", 0, ErrorCode::INVALID_TRANSACTION_TIMEOUT),
            ("id", 900_001, ErrorCode::INVALID_TRANSACTION_TIMEOUT),
            ("id", 900_000, ErrorCode::NONE),
            ("id", 1, ErrorCode::NONE),
        ] {
            for version in 0..=5 {
                let id = TransactionalId(StrBytes::from_static_str(id));
                let request = request(-1, -1).with_transactional_id(Some(id));
                let response = client.call(version, &request.with_transaction_timeout_ms(timeout_ms)).await;
                assert_eq!(ErrorCode(response.error_code), code, "v{version}");
            }
        }
    }
}
