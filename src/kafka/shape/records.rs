//! Shapes of what writes and reads records.

use crate::kafka::shape::grammar::Shape::{Array, Blob, Fixed, Numbers, One, Text};
use crate::kafka::shape::grammar::{I8, I16, I32, I64, Struct, UUID, always, plain, since, tag, until};

/// `ProduceRequest.json`.
pub static PRODUCE_REQUEST: Struct =
    plain(&[always(Text), always(I16), always(I32), always(Array(&PRODUCE_TOPIC))]);
static PRODUCE_TOPIC: Struct =
    plain(&[until(12, Text), since(13, UUID), always(Array(&plain(&[always(I32), always(Blob)])))]);

/// `ProduceResponse.json`.
pub static PRODUCE_RESPONSE: Struct = Struct {
    fields: &[always(Array(&PRODUCED_TOPIC)), always(I32)],
    tags: &[tag(0, 10, Array(&NODE_ENDPOINT))],
};
static PRODUCED_TOPIC: Struct =
    plain(&[until(12, Text), since(13, UUID), always(Array(&PRODUCED_PARTITION))]);
static PRODUCED_PARTITION: Struct = Struct {
    fields: &[
        always(Fixed(4 + 2 + 8 + 8)),
        since(5, I64),
        since(8, Array(&plain(&[always(I32), always(Text)]))),
        since(8, Text),
    ],
    tags: &[tag(0, 10, One(&LEADER_AND_EPOCH))],
};
static LEADER_AND_EPOCH: Struct = plain(&[always(I32), always(I32)]);
static NODE_ENDPOINT: Struct = plain(&[always(I32), always(Text), always(I32), always(Text)]);

/// `FetchRequest.json`.
pub static FETCH_REQUEST: Struct = Struct {
    fields: &[
        until(14, I32),
        always(Fixed(4 + 4 + 4)),
        always(I8),
        since(7, Fixed(4 + 4)),
        always(Array(&FETCH_TOPIC)),
        since(7, Array(&FORGOTTEN_TOPIC)),
        since(11, Text),
    ],
    tags: &[tag(0, 12, Text), tag(1, 15, One(&plain(&[always(I32), always(I64)])))],
};
static FETCH_TOPIC: Struct = plain(&[until(12, Text), since(13, UUID), always(Array(&FETCH_PARTITION))]);
static FETCH_PARTITION: Struct = Struct {
    fields: &[always(I32), since(9, I32), always(I64), since(12, I32), since(5, I64), always(I32)],
    tags: &[tag(0, 17, UUID), tag(1, 18, I64)],
};
static FORGOTTEN_TOPIC: Struct = plain(&[until(12, Text), since(13, UUID), always(Numbers(4))]);

/// `FetchResponse.json`.
pub static FETCH_RESPONSE: Struct = Struct {
    fields: &[always(I32), since(7, Fixed(2 + 4)), always(Array(&FETCHED_TOPIC))],
    tags: &[tag(0, 16, Array(&NODE_ENDPOINT))],
};
static FETCHED_TOPIC: Struct = plain(&[until(12, Text), since(13, UUID), always(Array(&FETCHED_PARTITION))]);
static FETCHED_PARTITION: Struct = Struct {
    fields: &[
        always(Fixed(4 + 2 + 8 + 8)),
        since(5, I64),
        always(Array(&plain(&[always(I64), always(I64)]))),
        since(11, I32),
        always(Blob),
    ],
    tags: &[
        tag(0, 12, One(&plain(&[always(I32), always(I64)]))),
        tag(1, 12, One(&LEADER_AND_EPOCH)),
        tag(2, 12, One(&plain(&[always(I64), always(I32)]))),
    ],
};

/// `ListOffsetsRequest.json`.
pub static LIST_OFFSETS_REQUEST: Struct =
    plain(&[always(I32), since(2, I8), always(Array(&LIST_OFFSETS_TOPIC)), since(10, I32)]);
static LIST_OFFSETS_TOPIC: Struct =
    plain(&[always(Text), always(Array(&plain(&[always(I32), since(4, I32), always(I64)])))]);

/// `ListOffsetsResponse.json`.
pub static LIST_OFFSETS_RESPONSE: Struct = plain(&[since(2, I32), always(Array(&LISTED_TOPIC))]);
static LISTED_TOPIC: Struct =
    plain(&[always(Text), always(Array(&plain(&[always(Fixed(4 + 2 + 8 + 8)), since(4, I32)])))]);
