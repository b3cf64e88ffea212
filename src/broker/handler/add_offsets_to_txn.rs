//! `AddOffsetsToTxn`: the offsets of a group become part of a transaction, as a partition of `__consumer_offsets`
//! (`KafkaApis.handleAddOffsetsToTxnRequest`).

use kafka_protocol::messages::{AddOffsetsToTxnRequest, AddOffsetsToTxnResponse};

use crate::broker::handler::fenced;
use crate::broker::node::Node;
use crate::broker::transaction::{Producer, offsets_partition};
use crate::kafka::ErrorCode;

/// The first version that knows `PRODUCER_FENCED`.
const WITH_FENCED: i16 = 2;

pub(super) fn handle(node: &Node, version: i16, request: &AddOffsetsToTxnRequest) -> AddOffsetsToTxnResponse {
    let code = match add(node, request) {
        Ok(()) => ErrorCode::NONE,
        Err(code) if version < WITH_FENCED => fenced(code),
        Err(code) => code,
    };
    AddOffsetsToTxnResponse::default().with_error_code(code.0)
}

fn add(node: &Node, request: &AddOffsetsToTxnRequest) -> Result<(), ErrorCode> {
    let id = request.transactional_id.as_str();
    if id.is_empty() {
        return Err(ErrorCode::INVALID_REQUEST);
    }
    node.check_coordinator(id)?;
    let producer = Producer { id: request.producer_id.0, epoch: request.producer_epoch };
    let place = offsets_partition(&request.group_id);
    node.cluster
        .transactions
        .with(|coordinator| coordinator.add((id, producer), &[place], false, node.cluster.now()))
}
