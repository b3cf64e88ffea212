//! What should have passed between clients and brokers.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::scenario::model::{BrokerNumber, Field, Listed, Name, Number, PartitionNumber, Range};

/// Requests that should have come from the clients since the first step: for each kind that is named, how many, or what
/// they carry.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExpectRequests {
    /// Of those to this broker alone.
    pub broker: Field<BrokerNumber>,
    /// Of those from this producer alone.
    pub producer: Field<Name>,
    /// Those that write records.
    pub produce: Field<ExpectProduce>,
    /// Those that ask who leads what.
    pub metadata: Field<ExpectApi>,
    /// Those that want a producer id.
    pub init_producer_id: Field<ExpectApi>,
    /// Those that ask who coordinates a producer's transactions.
    pub find_coordinator: Field<ExpectApi>,
    /// Those by which partitions join a transaction.
    pub add_partitions_to_txn: Field<ExpectApi>,
    /// Those by which a consumer group joins a transaction.
    pub add_offsets_to_txn: Field<ExpectApi>,
    /// Those by which offsets of a consumer group join a transaction.
    pub txn_offset_commit: Field<ExpectApi>,
    /// Those that end a transaction.
    pub end_txn: Field<ExpectApi>,
}

/// Requests of one kind.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExpectApi {
    /// Exactly so many.
    pub count: Field<Number<0, { u64::MAX }>>,
}

/// Requests that write records.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExpectProduce {
    /// Exactly so many.
    pub count: Field<Number<0, { u64::MAX }>>,
    /// Exactly these, in the order in which they came, each by the messages that it carries: `[[0..3], [4]]`.
    pub carries: Field<Vec<Field<Listed<Range, Range>>>>,
    /// Of what they carry for this topic alone.
    pub topic: Field<Name>,
    /// Of what they carry for this partition alone.
    pub partition: Field<PartitionNumber>,
}
