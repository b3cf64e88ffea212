//! `EndTxn`: commit or abort (`KafkaApis.handleEndTxnRequest`).

use kafka_protocol::messages::{EndTxnRequest, EndTxnResponse};

use crate::broker::handler::fenced;
use crate::broker::node::Node;
use crate::broker::transaction::{End, Producer};
use crate::kafka::ErrorCode;
use crate::kafka::batch::Marker;

/// The first version that knows `PRODUCER_FENCED`.
const WITH_FENCED: i16 = 2;
/// The first version that raises the epoch (KIP-890), and tells it.
const BUMPING: i16 = 5;

/// Apache Kafka answers before the markers are written. Here those that can be written are, so that whoever has the
/// answer can read what was committed.
pub(super) fn handle(node: &Node, version: i16, request: &EndTxnRequest) -> EndTxnResponse {
    let ended = end(node, version, request);
    node.cluster.announce();
    let response = EndTxnResponse::default().with_producer_id((-1).into()).with_producer_epoch(-1);
    match ended {
        Ok(None) => response,
        Ok(Some(next)) => response.with_producer_id(next.id.into()).with_producer_epoch(next.epoch),
        Err(code) if version < WITH_FENCED => response.with_error_code(fenced(code).0),
        Err(code) => response.with_error_code(code.0),
    }
}

fn end(node: &Node, version: i16, request: &EndTxnRequest) -> Result<Option<Producer>, ErrorCode> {
    let id = request.transactional_id.as_str();
    if id.is_empty() {
        return Err(ErrorCode::INVALID_REQUEST);
    }
    node.check_coordinator(id)?;
    let end = End {
        id,
        producer: Producer { id: request.producer_id.0, epoch: request.producer_epoch },
        marker: if request.committed { Marker::Commit } else { Marker::Abort },
        bumps: version >= BUMPING,
        now: node.cluster.now(),
        fresh: &|| node.cluster.new_producer_id(node.id),
    };
    node.cluster.transactions.with(|coordinator| coordinator.end(end))
}
