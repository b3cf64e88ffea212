//! Transactions: who may write under a transactional id, which partitions a transaction has, and how it ends.
//!
//! ```text
//! InitProducerId, AddPartitionsToTxn, AddOffsetsToTxn, EndTxn ─▶ Coordinator ─▶ Orders: markers to be written
//! Produce, TxnOffsetCommit ─verify or add─▶                        ▲  Progress: written, replicated, blocked
//!                                                   Transactions ──┘  (one lock, settles what is outstanding)
//! ```
//!
//! The coordinator is that of Apache Kafka (`TransactionCoordinator`, `TransactionStateManager`,
//! `TransactionMetadata`) without its log, socket and clock: time is handed in. Beside it stand the offsets
//! that transactions commit.

mod coordinator;
mod end;
mod metadata;
mod offsets;
mod place;
#[cfg(test)]
mod tests;
mod transactions;

pub(super) use coordinator::{Init, Producer, Progress, Protocol, Standing, check_timeout};
pub(super) use end::End;
pub(super) use offsets::Commit;
pub(super) use place::{Place, offsets_partition};
pub(super) use transactions::Transactions;
