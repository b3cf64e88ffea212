//! The shapes of the messages that we speak: what stands where, so that the guard can walk a frame without decoding it
//! (`clients/src/main/resources/common/message/*.json` of Apache Kafka, as far as `kafka-protocol` implements it).

mod grammar;
mod records;
mod topics;
mod transactions;

pub use grammar::{Field, Shape, Struct, Tag};
pub use records::{
    FETCH_REQUEST, FETCH_RESPONSE, LIST_OFFSETS_REQUEST, LIST_OFFSETS_RESPONSE, PRODUCE_REQUEST,
    PRODUCE_RESPONSE,
};
pub use topics::{
    API_VERSIONS_REQUEST, API_VERSIONS_RESPONSE, CREATE_TOPICS_REQUEST, CREATE_TOPICS_RESPONSE,
    DELETE_TOPICS_REQUEST, DELETE_TOPICS_RESPONSE, DESCRIBE_CLUSTER_REQUEST, DESCRIBE_CLUSTER_RESPONSE,
    DESCRIBE_CONFIGS_REQUEST, DESCRIBE_CONFIGS_RESPONSE, METADATA_REQUEST, METADATA_RESPONSE,
    SASL_AUTHENTICATE_REQUEST, SASL_AUTHENTICATE_RESPONSE, SASL_HANDSHAKE_REQUEST, SASL_HANDSHAKE_RESPONSE,
};
pub use transactions::{
    ADD_OFFSETS_TO_TXN_REQUEST, ADD_OFFSETS_TO_TXN_RESPONSE, ADD_PARTITIONS_TO_TXN_REQUEST,
    ADD_PARTITIONS_TO_TXN_RESPONSE, END_TXN_REQUEST, END_TXN_RESPONSE, FIND_COORDINATOR_REQUEST,
    FIND_COORDINATOR_RESPONSE, INIT_PRODUCER_ID_REQUEST, INIT_PRODUCER_ID_RESPONSE,
    TXN_OFFSET_COMMIT_REQUEST, TXN_OFFSET_COMMIT_RESPONSE,
};

use grammar::Shape::{Fixed, LegacyText};
use grammar::{I32, always, plain};

/// Key, version, correlation id, client id. The version that counts here is that of the header.
pub static REQUEST_HEADER: Struct = plain(&[always(Fixed(8)), always(LegacyText)]);
/// The correlation id.
pub static RESPONSE_HEADER: Struct = plain(&[always(I32)]);
