//! What will happen, with every default explicit and every name resolved. Nothing is optional that the runner would
//! have to decide; every part keeps the place in the file that asked for it.

use std::sync::Arc;
use std::time::Duration;

use crate::id::{MessageId, ProducerIndex, TopicIndex};
use crate::source::{Source, Span, Spanned};
use crate::submissions::Submissions;
use crate::trace::Code;

use super::message::MessageTemplate;

/// A scenario that can be executed. Messages are rendered when they are sent: a plan of 10^8 messages is small.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The file it came from.
    pub source: Arc<Source>,
    /// Its name: given, or the path without ending.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// For filters.
    pub tags: Vec<String>,
    /// What every random choice starts from.
    pub seed: u64,
    /// The topics, created before the first step.
    pub topics: Vec<Topic>,
    /// The producers, opened before the first step.
    pub producers: Vec<Producer>,
    /// What is sent, in the order of message numbers; each `Action::Send` names one.
    pub batches: Vec<Batch>,
    /// What the application does, in order.
    pub steps: Vec<Step>,
    /// The longest wait for acknowledgements; what it means depends on the mode.
    pub ack_wait: Duration,
    /// Of the whole scenario, from the first step.
    pub deadline: Duration,
    /// What the application does when `ack_wait` passes.
    pub on_timeout: OnTimeout,
    /// What it does when the client's buffer is full.
    pub queue_full: QueueFull,
    /// Whether the producers are connected before the first step.
    pub start: Start,
    /// When callbacks are served.
    pub callbacks: Callbacks,
    /// What should come out.
    pub expect: Expect,
    /// What the snapshot shows.
    pub snapshot: Snapshot,
}

/// A topic.
#[derive(Clone, Debug)]
pub struct Topic {
    /// Its name on the cluster.
    pub name: Arc<str>,
    /// How many partitions, at least 1.
    pub partitions: u32,
    /// Its settings, as written.
    pub config: Vec<(String, String)>,
    /// Where it was asked for.
    pub span: Span,
}

/// A producer.
#[derive(Clone, Debug)]
pub struct Producer {
    /// Its name; `producer` where the scenario names none.
    pub name: Arc<str>,
    /// The settings for the client, preset first, then `one_per_request`, then the scenario's own, each key once.
    pub config: Vec<Setting>,
    /// One record in each request.
    pub one_per_request: bool,
    /// Where it was asked for.
    pub span: Span,
}

/// One setting for a client, as raw text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The key, as written.
    pub key: String,
    /// The value, as written.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
}

/// Where a setting came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The scenario's `config`: the places of key and value.
    Scenario {
        /// The place of the key.
        key: Span,
        /// The place of the value.
        value: Span,
    },
    /// A preset or switch of the scenario: its place.
    Preset(Span),
    /// The command line (`-X`).
    CommandLine,
}

/// Consecutive messages of one producer to one topic, made from one template.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The number of the first.
    pub first: MessageId,
    /// How many.
    pub count: u32,
    /// Who sends them.
    pub producer: ProducerIndex,
    /// Where to.
    pub topic: TopicIndex,
    /// What each looks like, its partition and timestamp included.
    pub message: MessageTemplate,
    /// Where it was asked for.
    pub span: Span,
}

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

/// What the application does when `ack_wait` passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnTimeout {
    /// Leaves out the remaining sends and steps, drains and closes.
    Stop,
    /// Goes on.
    Continue,
}

/// What the application does when the client's buffer is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueFull {
    /// Waits for room, up to `ack_wait`.
    Wait,
    /// Takes the refusal.
    Fail,
}

/// What has happened before the first step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// The producers are connected, know their topics and have their producer ids.
    Warm,
    /// Nothing.
    Cold,
}

/// When callbacks are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callbacks {
    /// While sending, as with a thread that polls.
    Background,
    /// Only at waits, flushes and the end.
    OnWait,
}

/// What should come out. What no key covers fails.
#[derive(Clone, Debug)]
pub struct Expect {
    /// Which submissions have an ok callback.
    pub delivered: Delivered,
    /// Outcome failed, with that code.
    pub failed: Vec<Spanned<(Code, Submissions)>>,
    /// Outcome unknown, with that code.
    pub unknown: Vec<Spanned<(Code, Submissions)>>,
    /// Which unknown ones stand in the log; not said: any.
    pub written: Option<Spanned<Submissions>>,
    /// A producer gives up for good, with that code.
    pub fatal: Option<Spanned<Code>>,
    /// Anomalies that must occur.
    pub must: Vec<Spanned<AnomalyKind>>,
    /// Anomalies that may occur.
    pub may: Vec<Spanned<AnomalyKind>>,
    /// The place of the whole, or of the scenario's first line where it has none.
    pub span: Span,
}

/// Which submissions have an ok callback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// All that no other key names.
    Rest,
    /// All.
    All(Span),
    /// None.
    None(Span),
    /// Exactly these.
    These(Submissions, Span),
    /// So many records in the logs, whatever the callbacks.
    Log(u64, Span),
}

macro_rules! anomalies {
    ($($(#[$doc:meta])* $variant:ident = $word:literal,)*) => {
        /// What can go wrong between a send and the log, by the name that scenarios use.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum AnomalyKind {
            $($(#[$doc])* $variant,)*
        }

        impl AnomalyKind {
            /// All of them, in the order of the reference.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name in scenarios and snapshots.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }
    };
}

anomalies! {
    /// Among the first copies of one producer and partition, a record stands behind one that was sent later.
    Reordered = "reordered",
    /// A later copy of a record stands behind one that was sent after it.
    Replayed = "replayed",
    /// One submission stands in the logs more than once, whatever partitions.
    Duplicated = "duplicated",
    /// Two submissions of one message both stand in the log.
    ResentDuplicate = "resent_duplicate",
    /// Acknowledged with acks other than 0, and not in the log.
    Lost = "lost",
    /// Reported ok with acks 0, and not in the log.
    Vanished = "vanished",
    /// Failed by a callback, no copy in the log, and a submission of the same producer and partition that was sent
    /// later is in it.
    Gap = "gap",
    /// Failed, and in the log.
    FailedButWritten = "failed_but_written",
    /// Acknowledged at an offset where another record stands, or none does.
    WrongOffset = "wrong_offset",
    /// Acknowledged with acks other than 0, without an offset.
    NoOffset = "no_offset",
    /// Key, value, headers or timestamp differ from what was sent.
    Corrupted = "corrupted",
    /// Stands in a topic or partition that it was not sent to.
    Misplaced = "misplaced",
    /// One key in two partitions of a topic.
    SplitKey = "split_key",
    /// Offsets of ok callbacks of one producer and partition decrease.
    CallbacksReordered = "callbacks_reordered",
    /// No callback after a close whose flush ran out or was left out, without a purge asked for.
    Unanswered = "unanswered",
    /// More than one callback.
    AnsweredTwice = "answered_twice",
}

/// What the snapshot shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// One timeline, or lanes.
    pub order: Order,
    /// Show the application's calls and steps.
    pub sends: bool,
    /// Show the callbacks.
    pub callbacks: bool,
    /// Show the logs.
    pub log: bool,
    /// Show a digest of each partition's content.
    pub content: bool,
    /// One lane of sets for all partitions of a topic, for a random partitioner.
    pub any_partition: bool,
    /// Longer views are cut there; in lines.
    pub max_lines: u32,
}

/// How the order of events is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// All in one.
    Total,
    /// The application's calls, and each producer's callbacks for each partition, beside each other.
    Lanes,
}

impl Plan {
    /// How many messages it has.
    pub fn messages(&self) -> u32 {
        self.batches.last().map_or(0, |batch| batch.first.0 + batch.count)
    }

    /// The batch that a message belongs to; none for a number that the plan does not have.
    pub fn batch_of(&self, message: MessageId) -> Option<&Batch> {
        let after = self.batches.partition_point(|batch| batch.first <= message);
        let batch = self.batches.get(after.checked_sub(1)?)?;
        (message.0 - batch.first.0 < batch.count).then_some(batch)
    }
}
