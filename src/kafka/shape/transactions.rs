//! Shapes of what makes transactions.

use crate::kafka::shape::grammar::Shape::{Array, Fixed, Numbers, Text, Texts};
use crate::kafka::shape::grammar::{BOOL, I8, I16, I32, I64, Struct, always, between, plain, since, until};

/// `FindCoordinatorRequest.json`.
pub static FIND_COORDINATOR_REQUEST: Struct = plain(&[until(3, Text), since(1, I8), since(4, Texts)]);

/// `FindCoordinatorResponse.json`.
pub static FIND_COORDINATOR_RESPONSE: Struct = plain(&[
    since(1, I32),
    until(3, I16),
    between(1, 3, Text),
    until(3, I32),
    until(3, Text),
    until(3, I32),
    since(4, Array(&COORDINATOR)),
]);
static COORDINATOR: Struct =
    plain(&[always(Text), always(I32), always(Text), always(I32), always(I16), always(Text)]);

/// `InitProducerIdRequest.json`.
pub static INIT_PRODUCER_ID_REQUEST: Struct = plain(&[always(Text), always(I32), since(3, Fixed(8 + 2))]);

/// `InitProducerIdResponse.json`.
pub static INIT_PRODUCER_ID_RESPONSE: Struct = plain(&[always(Fixed(4 + 2 + 8 + 2))]);

/// `AddPartitionsToTxnRequest.json`.
pub static ADD_PARTITIONS_TO_TXN_REQUEST: Struct = plain(&[
    since(4, Array(&ADDING_TRANSACTION)),
    until(3, Text),
    until(3, Fixed(8 + 2)),
    until(3, Array(&ADDED_TOPIC)),
]);
static ADDING_TRANSACTION: Struct =
    plain(&[always(Text), always(Fixed(8 + 2)), always(BOOL), always(Array(&ADDED_TOPIC))]);
static ADDED_TOPIC: Struct = plain(&[always(Text), always(Numbers(4))]);

/// `AddPartitionsToTxnResponse.json`.
pub static ADD_PARTITIONS_TO_TXN_RESPONSE: Struct = plain(&[
    always(I32),
    since(4, I16),
    since(4, Array(&plain(&[always(Text), always(Array(&ANSWERED_TOPIC))]))),
    until(3, Array(&ANSWERED_TOPIC)),
]);
static ANSWERED_TOPIC: Struct = plain(&[always(Text), always(Array(&plain(&[always(I32), always(I16)])))]);

/// `AddOffsetsToTxnRequest.json`.
pub static ADD_OFFSETS_TO_TXN_REQUEST: Struct = plain(&[always(Text), always(Fixed(8 + 2)), always(Text)]);

/// `AddOffsetsToTxnResponse.json`.
pub static ADD_OFFSETS_TO_TXN_RESPONSE: Struct = plain(&[always(I32), always(I16)]);

/// `EndTxnRequest.json`.
pub static END_TXN_REQUEST: Struct = plain(&[always(Text), always(Fixed(8 + 2)), always(BOOL)]);

/// `EndTxnResponse.json`.
pub static END_TXN_RESPONSE: Struct = plain(&[always(I32), always(I16), since(5, Fixed(8 + 2))]);

/// `TxnOffsetCommitRequest.json`.
pub static TXN_OFFSET_COMMIT_REQUEST: Struct = plain(&[
    always(Text),
    always(Text),
    always(Fixed(8 + 2)),
    since(3, I32),
    since(3, Text),
    since(3, Text),
    always(Array(&COMMITTED_TOPIC)),
]);
static COMMITTED_TOPIC: Struct =
    plain(&[always(Text), always(Array(&plain(&[always(I32), always(I64), since(2, I32), always(Text)])))]);

/// `TxnOffsetCommitResponse.json`.
pub static TXN_OFFSET_COMMIT_RESPONSE: Struct = plain(&[always(I32), always(Array(&ANSWERED_TOPIC))]);
