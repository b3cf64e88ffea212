//! Shapes of what tells of brokers and topics, and changes them.

use crate::kafka::shape::grammar::Shape::{Array, Blob, Fixed, Numbers, Text, Texts};
use crate::kafka::shape::grammar::{
    BOOL, I8, I16, I32, I64, Struct, UUID, always, between, plain, since, tag, until,
};

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

/// `SaslHandshakeRequest.json`.
pub static SASL_HANDSHAKE_REQUEST: Struct = plain(&[always(Text)]);

/// `SaslHandshakeResponse.json`.
pub static SASL_HANDSHAKE_RESPONSE: Struct = plain(&[always(I16), always(Texts)]);

/// `SaslAuthenticateRequest.json`.
pub static SASL_AUTHENTICATE_REQUEST: Struct = plain(&[always(Blob)]);

/// `SaslAuthenticateResponse.json`.
pub static SASL_AUTHENTICATE_RESPONSE: Struct =
    plain(&[always(I16), always(Text), always(Blob), since(1, I64)]);

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

/// `DescribeClusterRequest.json`.
pub static DESCRIBE_CLUSTER_REQUEST: Struct = plain(&[always(BOOL), since(1, I8), since(2, BOOL)]);

/// `DescribeClusterResponse.json`.
pub static DESCRIBE_CLUSTER_RESPONSE: Struct = plain(&[
    always(I32),
    always(I16),
    always(Text),
    since(1, I8),
    always(Text),
    always(I32),
    always(Array(&DESCRIBED_BROKER)),
    always(I32),
]);
static DESCRIBED_BROKER: Struct =
    plain(&[always(I32), always(Text), always(I32), always(Text), since(2, BOOL)]);
