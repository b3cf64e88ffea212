//! The shapes of the messages that we speak: what stands where, so that the guard can walk a frame without decoding it
//! (`clients/src/main/resources/common/message/*.json` of Apache Kafka, as far as `kafka-protocol` implements it).

use Shape::{Array, Blob, Fixed, LegacyText, Numbers, One, Text, Texts};

/// How a value stands on the wire.
#[derive(Debug)]
pub enum Shape {
    /// So many bytes.
    Fixed(usize),
    /// A string: its length as 16 bits, or compact.
    Text,
    /// A string whose length is 16 bits in flexible versions too; only the request header has one.
    LegacyText,
    /// Bytes: their number as 32 bits, or compact.
    Blob,
    /// An array of structs: the number of elements as 32 bits, or compact.
    Array(&'static Struct),
    /// An array of values of so many bytes each.
    Numbers(usize),
    /// An array of strings.
    Texts,
    /// A struct by itself; here only tagged fields have one.
    One(&'static Struct),
}

/// A field, with the versions that have it.
#[derive(Debug)]
pub struct Field {
    /// The first version.
    pub from: i16,
    /// The last version.
    pub to: i16,
    /// What it looks like.
    pub shape: Shape,
}

/// A tagged field that is part of the protocol; any other may stand there too.
#[derive(Debug)]
pub struct Tag {
    /// Its number.
    pub tag: u32,
    /// The first version.
    pub from: i16,
    /// What it looks like.
    pub shape: Shape,
}

/// Fields in their order. In flexible versions tagged fields follow.
#[derive(Debug)]
pub struct Struct {
    /// The fields of all versions.
    pub fields: &'static [Field],
    /// The tagged fields of flexible versions that the protocol defines.
    pub tags: &'static [Tag],
}

impl Struct {
    /// The fields of a version, in their order.
    pub fn fields_of(&self, version: i16) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(move |field| (field.from..=field.to).contains(&version))
    }
}

const I8: Shape = Fixed(1);
const I16: Shape = Fixed(2);
const I32: Shape = Fixed(4);
const I64: Shape = Fixed(8);
const BOOL: Shape = Fixed(1);
const UUID: Shape = Fixed(16);

const fn always(shape: Shape) -> Field {
    since(i16::MIN, shape)
}

const fn since(from: i16, shape: Shape) -> Field {
    between(from, i16::MAX, shape)
}

const fn until(to: i16, shape: Shape) -> Field {
    between(i16::MIN, to, shape)
}

const fn between(from: i16, to: i16, shape: Shape) -> Field {
    Field { from, to, shape }
}

const fn tag(tag: u32, from: i16, shape: Shape) -> Tag {
    Tag { tag, from, shape }
}

const fn plain(fields: &'static [Field]) -> Struct {
    Struct { fields, tags: &[] }
}

/// Key, version, correlation id, client id. The version that counts here is that of the header.
pub static REQUEST_HEADER: Struct = plain(&[always(Fixed(8)), always(LegacyText)]);
/// The correlation id.
pub static RESPONSE_HEADER: Struct = plain(&[always(I32)]);

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

/// `MetadataRequest.json`.
pub static METADATA_REQUEST: Struct = plain(&[
    always(Array(&plain(&[since(10, UUID), always(Text)]))),
    since(4, BOOL),
    between(8, 10, BOOL),
    since(8, BOOL),
]);

/// `MetadataResponse.json`.
pub static METADATA_RESPONSE: Struct = plain(&[
    since(3, I32),
    always(Array(&METADATA_BROKER)),
    since(2, Text),
    since(1, I32),
    always(Array(&METADATA_TOPIC)),
    between(8, 10, I32),
    since(13, I16),
]);
static METADATA_BROKER: Struct = plain(&[always(I32), always(Text), always(I32), since(1, Text)]);
static METADATA_TOPIC: Struct = plain(&[
    always(I16),
    always(Text),
    since(10, UUID),
    since(1, BOOL),
    always(Array(&METADATA_PARTITION)),
    since(8, I32),
]);
static METADATA_PARTITION: Struct = plain(&[
    always(Fixed(2 + 4 + 4)),
    since(7, I32),
    always(Numbers(4)),
    always(Numbers(4)),
    since(5, Numbers(4)),
]);

/// `ApiVersionsRequest.json`.
pub static API_VERSIONS_REQUEST: Struct = plain(&[since(3, Text), since(3, Text)]);

/// `ApiVersionsResponse.json`.
pub static API_VERSIONS_RESPONSE: Struct = Struct {
    fields: &[always(I16), always(Array(&plain(&[always(Fixed(2 + 2 + 2))]))), since(1, I32)],
    tags: &[tag(0, 3, Array(&FEATURE)), tag(1, 3, I64), tag(2, 3, Array(&FEATURE)), tag(3, 3, BOOL)],
};
static FEATURE: Struct = plain(&[always(Text), always(Fixed(2 + 2))]);

/// `CreateTopicsRequest.json`.
pub static CREATE_TOPICS_REQUEST: Struct =
    plain(&[always(Array(&CREATABLE_TOPIC)), always(I32), always(BOOL)]);
static CREATABLE_TOPIC: Struct = plain(&[
    always(Text),
    always(Fixed(4 + 2)),
    always(Array(&plain(&[always(I32), always(Numbers(4))]))),
    always(Array(&plain(&[always(Text), always(Text)]))),
]);

/// `CreateTopicsResponse.json`.
pub static CREATE_TOPICS_RESPONSE: Struct = plain(&[always(I32), always(Array(&CREATED_TOPIC))]);
static CREATED_TOPIC: Struct = Struct {
    fields: &[
        always(Text),
        since(7, UUID),
        always(I16),
        always(Text),
        since(5, Fixed(4 + 2)),
        since(5, Array(&plain(&[always(Text), always(Text), always(Fixed(1 + 1 + 1))]))),
    ],
    tags: &[tag(0, 5, I16)],
};

/// `DeleteTopicsRequest.json`.
pub static DELETE_TOPICS_REQUEST: Struct =
    plain(&[since(6, Array(&plain(&[always(Text), always(UUID)]))), until(5, Texts), always(I32)]);

/// `DeleteTopicsResponse.json`.
pub static DELETE_TOPICS_RESPONSE: Struct = plain(&[
    always(I32),
    always(Array(&plain(&[always(Text), since(6, UUID), always(I16), since(5, Text)]))),
]);

/// `DescribeConfigsRequest.json`.
pub static DESCRIBE_CONFIGS_REQUEST: Struct =
    plain(&[always(Array(&plain(&[always(I8), always(Text), always(Texts)]))), always(BOOL), since(3, BOOL)]);

/// `DescribeConfigsResponse.json`.
pub static DESCRIBE_CONFIGS_RESPONSE: Struct = plain(&[
    always(I32),
    always(Array(&plain(&[
        always(I16),
        always(Text),
        always(I8),
        always(Text),
        always(Array(&DESCRIBED_CONFIG)),
    ]))),
]);
static DESCRIBED_CONFIG: Struct = plain(&[
    always(Text),
    always(Text),
    always(Fixed(1 + 1 + 1)),
    always(Array(&plain(&[always(Text), always(Text), always(I8)]))),
    since(3, I8),
    since(3, Text),
]);

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
