//! Conditions: what a hold, or a step of the application, waits for.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::scenario::model::{BrokerNumber, Count, Duration, Field, Form, Name, Number, Text};

use super::MAX_COUNT;

/// `released`, or a condition.
pub type Until = Form<Released, Condition>;

/// Conditions all count from the first step, over all producers and brokers, unless narrowed. Several in one must all
/// hold.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Condition {
    /// So many calls of send have returned, refused ones too.
    pub sent: Field<Count>,
    /// So many callbacks of any kind have been served.
    pub callbacks: Field<Count>,
    /// So many requests have come from the client, those that wait on the way too.
    pub requests: Field<Form<Count, Requests>>,
    /// The fault of that name has taken a request.
    pub matched: Field<Text>,
    /// The action of the fault of that name is done; of a hold or delay: it is released.
    pub fired: Field<Text>,
    /// The step `release` has named that fault. Where a hold waits for its own, `until: released`.
    pub released: Field<Text>,
    /// No produce or transaction request has come from the client, and no call of send has returned, for that long. It
    /// has a clock.
    pub quiet: Field<Duration>,
    /// That long has passed. It has a clock.
    #[serde(rename = "for")]
    pub lasted: Field<Duration>,
    /// One of these holds.
    pub any: Field<Vec<Field<Until>>>,
}

/// The word for a hold that ends with a step `release`.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Released {
    /// The step `release` has named the fault that holds.
    Released,
}

/// Requests that have come from the client.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Requests {
    /// Which. Default: those that the fault is about; `produce` in a step.
    pub api: Field<Api>,
    /// To this broker alone.
    pub broker: Field<BrokerNumber>,
    /// From this producer alone.
    pub producer: Field<Name>,
    /// So many since the first step.
    pub count: Field<Count>,
    /// So many more than there were when the wait began.
    pub more: Field<Number<1, MAX_COUNT>>,
}

/// What a request asks.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Api {
    /// Records are to be written.
    Produce,
    /// Who leads what.
    Metadata,
    /// A producer id is wanted.
    InitProducerId,
    /// Who coordinates a producer's transactions.
    FindCoordinator,
    /// Partitions join a transaction.
    AddPartitionsToTxn,
    /// A consumer group joins a transaction.
    AddOffsetsToTxn,
    /// Offsets of a consumer group join a transaction.
    TxnOffsetCommit,
    /// A transaction is to be committed or aborted.
    EndTxn,
    /// Which requests a broker understands.
    ApiVersions,
    /// Any request.
    Any,
}

impl Api {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Produce => "produce",
            Self::Metadata => "metadata",
            Self::InitProducerId => "init_producer_id",
            Self::FindCoordinator => "find_coordinator",
            Self::AddPartitionsToTxn => "add_partitions_to_txn",
            Self::AddOffsetsToTxn => "add_offsets_to_txn",
            Self::TxnOffsetCommit => "txn_offset_commit",
            Self::EndTxn => "end_txn",
            Self::ApiVersions => "api_versions",
            Self::Any => "any",
        }
    }
}
