//! What the application does, step by step.

use std::sync::Arc;
use std::time::Duration;

use crate::id::{Offset, Partition, ProducerIndex, TopicIndex};
use crate::source::Span;

/// One step and its place in the file.
#[derive(Clone, Debug)]
pub struct Step {
    /// What to do.
    pub action: Action,
    /// Where it was asked for.
    pub span: Span,
    /// The scenario's own step, which the snapshot shows, or one that its short form stands for (`count` and `mode`).
    pub explicit: bool,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Sends the batch of that place in the plan's list.
    Send {
        /// The place in `Plan::batches`.
        batch: usize,
        /// When the next message may be sent.
        mode: Mode,
    },
    /// Waits until every submission has its callback, at most so long.
    WaitCallbacks {
        /// The limit.
        within: Duration,
    },
    /// Flushes every producer, at most so long.
    Flush {
        /// The limit.
        within: Duration,
    },
    /// Closes a producer: flushes, at most so long, then lets go.
    Close {
        /// Which.
        producer: ProducerIndex,
        /// The limit of its flush.
        within: Duration,
    },
    /// Opens a producer, and initialises it if it is transactional.
    Open {
        /// Which.
        producer: ProducerIndex,
        /// The limit.
        within: Duration,
    },
    /// Asks a producer something about its transaction.
    Transaction {
        /// Which producer.
        producer: ProducerIndex,
        /// What.
        call: TransactionCall,
        /// The limit.
        within: Duration,
    },
}

/// What is asked of a producer about its transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransactionCall {
    /// To begin one. Opens the producer if it is not open.
    Begin,
    /// To add an offset of a consumer group.
    SendOffsets(GroupOffset),
    /// To commit, once its messages have their callbacks.
    Commit,
    /// To abort.
    Abort {
        /// Once its messages have their callbacks.
        flush: bool,
    },
}

impl TransactionCall {
    /// Whether it is made when all messages of the producer have their callbacks.
    pub fn waits(&self) -> bool {
        matches!(self, Self::Commit | Self::Abort { flush: true })
    }
}

/// The next offset that a consumer group will read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupOffset {
    /// The group.
    pub group: Arc<str>,
    /// The topic.
    pub topic: TopicIndex,
    /// The partition in it.
    pub partition: Partition,
    /// The offset.
    pub offset: Offset,
}

/// When the next message may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// When the one before has been acknowledged.
    Sync,
    /// At once.
    Async,
    /// When fewer than so many, at least 1, are unacknowledged.
    Window(u32),
}
