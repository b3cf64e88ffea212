//! What belongs to transactions.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::scenario::model::{Duration, Field, MAX_MESSAGES, MAX_PARTITIONS, Name, Number};

/// The number of a transaction of one send, from 0.
pub type TransactionNumber = Number<0, MAX_MESSAGES>;

/// The number of a partition, from 0.
pub type PartitionNumber = Number<0, MAX_PARTITIONS>;

/// How many messages a transaction has, and which are aborted.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Transaction {
    /// How many messages each transaction has; the last one has what is left.
    pub size: Field<Number<1, MAX_MESSAGES>>,
    /// Which of the transactions of this send are aborted, from 0. Default: none.
    pub abort: Field<Vec<Field<TransactionNumber>>>,
}

/// A call of the client, and how long it may take.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Call {
    /// Of which producer, where there are several.
    pub producer: Field<Name>,
    /// How long at most. Default: `ack_wait`.
    pub within: Field<Duration>,
}

/// How a transaction is aborted.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Abort {
    /// Whose, where there are several producers.
    pub producer: Field<Name>,
    /// Whether it first waits for the callbacks of its messages. Otherwise the client throws away what it has not
    /// sent. Default: true.
    pub flush: Field<bool>,
    /// How long it may take at most. Default: `ack_wait`.
    pub within: Field<Duration>,
}

/// An offset that becomes the group's with the transaction.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SendOffsets {
    /// The consumer group.
    pub group: Field<Name>,
    /// The next offset that it will read.
    pub offset: Field<Number<0, { i64::MAX as u64 }>>,
    /// Of which topic, where there are several.
    pub topic: Field<Name>,
    /// Of which partition. Default: 0.
    pub partition: Field<PartitionNumber>,
    /// Whose transaction, where there are several producers.
    pub producer: Field<Name>,
    /// How long it may take at most. Default: `ack_wait`.
    pub within: Field<Duration>,
}
