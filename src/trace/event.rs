//! Facts of a run, one at a time, and how many there were of which.

use crate::id::{FaultIndex, MessageId, Offset, Partition, ProducerIndex, Submission};
use crate::submissions::Submissions;

use super::Code;

/// One fact. Its place in the total order is its place in the trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The application calls `send`; recorded before the client is called.
    Send(Submission),
    /// The call has returned, the client took the message.
    Sent(Submission),
    /// The call has returned, the client refused the message.
    SendFailed(Submission, Code),
    /// A callback was served.
    Callback(Callback),
    /// A wait of the application passed its limit while these were outstanding.
    Timeout(Submissions),
    /// These sends were left out, because an earlier time-out stopped the application, or the one thread of it whose
    /// sends they are.
    NotSent {
        /// The first.
        first: MessageId,
        /// How many.
        count: u32,
        /// From one to the next: more than 1 where they are those of one thread among several.
        step: u32,
    },
    /// A producer has given up for good.
    Fatal(ProducerIndex, Code),
    /// A step of the plan other than a send begins, by its place in the plan's list.
    StepBegan(usize),
    /// It has ended.
    StepEnded(usize, StepEnd),
    /// The application reacts to an outcome: for the so-manieth time, from 0, and what it does.
    Reacts(u32, Reacts),
    /// The reaction of that number, if it is none that sends, has ended.
    Reacted(u32, StepEnd),
    /// A fault took a request, or a connection, for the so-manieth time, from 1.
    Fired(FaultIndex, u32),
}

/// What the application does on an outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reacts {
    /// Which of the plan's reactions it is, by its place in the list.
    pub rule: usize,
    /// The submission whose outcome it is.
    pub cause: Submission,
    /// Whose callback it happens in, and for which partition; none on the application's own thread.
    pub inside: Option<(ProducerIndex, Option<Partition>)>,
    /// The submissions that it makes.
    pub made: Submissions,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepEnd {
    /// As it should.
    Done,
    /// Its time passed, with so many messages outstanding.
    TimedOut(u32),
    /// The client refused, or could not do it; it has had no effect.
    Failed(Code),
    /// Nobody knows whether it has had its effect, for that reason.
    Unknown(Code),
    /// It was left out, because an earlier time-out stopped the application.
    Skipped,
}

/// What a client said of one submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Callback {
    /// What it is about.
    pub submission: Submission,
    /// Whose callback.
    pub producer: ProducerIndex,
    /// The partition that the client reports; none where it knows none.
    pub partition: Option<Partition>,
    /// The offset that the client reports, for an acknowledgement; none where it reports none (acks = 0) and for errors.
    pub offset: Option<Offset>,
    /// Acknowledged, or why not.
    pub result: Result<(), Failure>,
    /// It came after a `Timeout` that named the submission.
    pub late: bool,
}

/// Why a submission was not acknowledged, and what the client claims of the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The reason.
    pub code: Code,
    /// What the client claims.
    pub persistence: Persistence,
}

/// What a client claims of a record that it reports as failed (librdkafka `rd_kafka_msg_status_t`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persistence {
    /// It is certainly not written.
    NotPersisted,
    /// It may be.
    PossiblyPersisted,
}

/// How much has happened so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls of `send` that have returned, refused ones too.
    pub sent: u64,
    /// Calls of `send` that the client took.
    pub accepted: u64,
    /// Accepted submissions that have had their first callback.
    pub answered: u64,
    /// Callbacks of any kind, second ones too.
    pub callbacks: u64,
    /// Accepted submissions that will never have one.
    pub abandoned: u64,
}

impl Counts {
    /// Accepted submissions that wait for a callback which can still come.
    pub fn outstanding(&self) -> u64 {
        self.accepted.saturating_sub(self.answered).saturating_sub(self.abandoned)
    }
}
