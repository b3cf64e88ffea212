//! What the application does on outcomes.

use crate::id::{ProducerIndex, Submission};
use crate::source::Span;
use crate::submissions::Submissions;
use crate::trace::Code;

/// So many submissions of a message reactions may make. One more, and it is taken for granted that they never end.
pub const MAX_RESENT: u16 = 1_000;

/// What the application does on an outcome, and where that was asked for.
#[derive(Clone, Debug)]
pub struct Reaction {
    /// On which outcomes.
    pub on: Trigger,
    /// What.
    pub deed: Deed,
    /// On the thread that serves callbacks, in the callback; otherwise on the application's own.
    pub in_callback: bool,
    /// At most so often; none: each time.
    pub times: Option<u64>,
    /// Where it was asked for.
    pub span: Span,
}

/// Which outcomes are reacted to.
#[derive(Clone, Debug)]
pub struct Trigger {
    /// Acknowledged or not.
    pub heard: Heard,
    /// Of these submissions; none: of any.
    pub submissions: Option<Submissions>,
    /// Of this producer; none: of any.
    pub producer: Option<ProducerIndex>,
}

/// What has been heard of a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It is acknowledged.
    Ok,
    /// It is not, for that reason, or for any.
    Err(Option<Code>),
}

/// What the application does on an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Submits the same message once more.
    Resend,
    /// Sends so many of the messages of a batch that no step sends, by its place in `Plan::batches`.
    Send {
        /// The batch.
        batch: usize,
        /// How many.
        count: u32,
    },
    /// Leaves out what it has not sent yet.
    Stop,
    /// Closes the producer.
    Close,
    /// Flushes the producer.
    Flush,
}

impl Trigger {
    /// Whether it is about what has been heard of a submission of that producer.
    pub fn matches(&self, heard: Heard, submission: Submission, producer: ProducerIndex) -> bool {
        let alike = match (self.heard, heard) {
            (Heard::Err(None), Heard::Err(_)) => true,
            (wanted, heard) => wanted == heard,
        };
        alike
            && self.submissions.as_ref().is_none_or(|some| some.contains(submission))
            && self.producer.is_none_or(|one| one == producer)
    }
}

impl Deed {
    /// Whether something is sent by it.
    pub fn sends(self) -> bool {
        matches!(self, Self::Resend | Self::Send { .. })
    }

    /// The batch that it sends from, if it sends new messages: such as no step sends, with room for as many as it may send.
    pub fn batch(self) -> Option<usize> {
        if let Self::Send { batch, .. } = self { Some(batch) } else { None }
    }

    /// Its word in a scenario.
    pub fn word(self) -> &'static str {
        match self {
            Self::Resend => "resend",
            Self::Send { .. } => "send",
            Self::Stop => "stop",
            Self::Close => "close",
            Self::Flush => "flush",
        }
    }
}
