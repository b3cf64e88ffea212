//! What comes to a partition from producers and coordinators, and what becomes of it.

use crate::kafka::batch::{Batch, Marker};

/// How long an idle producer is remembered, in milliseconds (`producer.id.expiration.ms`).
pub const EXPIRATION_MS: i64 = 86_400_000;

/// What a batch says of its producer and its place in the producer's sequence. The content plays no part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The producer id, 0 or higher.
    pub producer_id: i64,
    /// The producer epoch.
    pub epoch: i16,
    /// The sequence of the first record, 0 to 2^31−1.
    pub first_sequence: i32,
    /// The sequence of the last record, below the first one's if the batch stands across the wrap.
    pub last_sequence: i32,
    /// Whether it belongs to a transaction.
    pub transactional: bool,
}

impl Attempt {
    /// What a batch says; none if no idempotent producer wrote it.
    pub fn of(batch: &Batch) -> Option<Self> {
        batch.has_producer_id().then(|| Self {
            producer_id: batch.producer_id(),
            epoch: batch.producer_epoch(),
            first_sequence: batch.base_sequence(),
            last_sequence: batch.last_sequence(),
            transactional: batch.is_transactional(),
        })
    }
}

/// Where and when a batch was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// The offset of its first record.
    pub base_offset: i64,
    /// The offset of its last record.
    pub last_offset: i64,
    /// The max timestamp that stands in the log (milliseconds since 1970): what the answer to a duplicate carries as
    /// its `log_append_time`, whatever the timestamp type of the topic.
    pub max_timestamp: i64,
}

/// What to do with a batch that is not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Append it, and report that to [`ProducerStates::record`](super::ProducerStates::record).
    New,
    /// It has been written before, there and then: append nothing and answer without an error.
    Duplicate(Written),
}

/// The end of a transaction, as its coordinator has it written to a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Whose transaction.
    pub producer_id: i64,
    /// The epoch that the marker carries.
    pub epoch: i16,
    /// How it ends.
    pub marker: Marker,
    /// Rises with each coordinator (the leader epoch of its partition of `__transaction_state`).
    pub coordinator_epoch: i32,
    /// Whether the coordinator raised the epoch for this marker, as it does from transaction version 2 on (KIP-890).
    pub bumped: bool,
}
