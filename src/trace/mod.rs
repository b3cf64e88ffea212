//! What happened: facts in one total order, and what the logs held at the end.
//!
//! The [`Recorder`] decides the order, once; everything after it is a pure function of the [`Trace`]. A trace takes at
//! most 64 bytes a message: sends are kept as runs, callbacks as columns.

use crate::id::{ProducerIndex, Submission};

mod code;
mod columns;
mod event;
mod log;
mod marks;
mod passed;
mod recorder;

pub use code::{ClientError, Code};
pub use columns::{Events, Facts};
pub use event::{Callback, Counts, Event, Failure, Persistence, Reacts, StepEnd};
pub use log::{Content, Fate, LogMarker, LogRecord, PartitionLog};
pub use passed::{Answer, Linked, Moment, Nearest, Passed, PassedRow, Sequenced, Taken, Touched};
pub use recorder::{Progress, Recorder};

/// Everything that a run yields.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The facts, in their total order.
    pub events: Events,
    /// The logs of all partitions of the plan's topics, by topic and partition.
    pub logs: Vec<PartitionLog>,
    /// Whether nothing that was sent could come into the logs after they were read. Nobody knows it of a cluster that
    /// owes no answer (acks = 0) and does not hold what was expected.
    pub settled: bool,
    /// How the run ended.
    pub ending: Ending,
    /// Which client was under test.
    pub client: Client,
    /// What passed between client and brokers, where the run had the link between them; else empty.
    pub link: Linked,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All steps were taken or skipped by the plan's own rules, and everything was drained.
    Complete,
    /// The cluster could not do what a step asks of it.
    Refused {
        /// The step.
        step: usize,
        /// Why, in a few words.
        why: String,
    },
    /// The scenario's deadline passed.
    Deadline {
        /// The step that was under way; none while the rest was drained at the end.
        step: Option<usize>,
        /// What was waited for, in a few words.
        waited_for: String,
        /// What was held between the clients and the brokers, and until when, in a few words each.
        held: Vec<String>,
    },
    /// Reactions submit a message again and again, and nothing says that they ever end.
    Endless {
        /// Which of the plan's reactions, by its place in the list.
        reaction: usize,
        /// The submission whose outcome would have made one more.
        cause: Submission,
    },
    /// Everyone who could go on waits for somebody else, and nobody waits with an end before the deadline.
    Deadlock {
        /// The step that was under way; none while the rest was drained at the end.
        step: Option<usize>,
        /// Who waits for what, link by link: the last waits for the first.
        circle: Vec<String>,
    },
}

/// The client under test.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// Its name, such as `librdkafka`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The scenario's settings as they took effect, for each producer in the order of the plan, sorted by key: what
    /// the scenario or its preset set, not the client's defaults.
    pub settings: Vec<Vec<(String, String)>>,
    /// What it said of errors in its own words, for each producer and code what it said first, in the order in which
    /// they came.
    pub said: Vec<Said>,
}

/// A client's own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Whose.
    pub producer: ProducerIndex,
    /// What they stand for in the trace.
    pub code: Code,
    /// The words.
    pub words: String,
}
