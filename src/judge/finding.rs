//! What the judge hands out.

use crate::id::{Offset, Partition, ProducerIndex, Submission, TopicIndex, TopicPartition};
use crate::plan::AnomalyKind;
use crate::source::Span;
use crate::trace::Code;

use super::outcome::{Counts, Outcomes};

/// What a trace means.
#[derive(Clone, Debug)]
pub struct Findings {
    /// What became of each submission as far as the client says.
    pub outcomes: Outcomes,
    /// The unknown ones, and what the logs say of them; by lane, then by submission.
    pub resolved: Vec<Resolved>,
    /// What went wrong between a send and the log, expected or not; by lane, then by kind.
    pub anomalies: Vec<Anomaly>,
    /// What the scenario asked for and did not get; empty if it passed.
    pub failures: Vec<Failure>,
    /// What is odd, and fails nothing.
    pub warnings: Vec<Warning>,
    /// How much there was of what.
    pub counts: Counts,
}

/// Something odd that fails nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Of which kind.
    pub kind: Odd,
    /// What it is, and the place in the file that asked for it.
    pub what: Failure,
}

/// What may be odd about a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Odd {
    /// A fault held something until the logs were to be read.
    HeldToTheEnd,
    /// What was sent without acknowledgements was not in a log that may still grow.
    NotThereYet,
}

/// Where something is shown: a partition as one producer sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane {
    /// Whose; none for what concerns a topic whoever wrote to it.
    pub producer: Option<ProducerIndex>,
    /// The topic.
    pub topic: TopicIndex,
    /// The partition in it.
    pub partition: Which,
}

/// Which partition of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Which {
    /// The topic as a whole.
    All,
    /// This one.
    One(Partition),
    /// One that nobody has named.
    Unknown,
}

impl From<Option<Partition>> for Which {
    fn from(partition: Option<Partition>) -> Self {
        partition.map_or(Self::Unknown, Self::One)
    }
}

/// A place in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The partition.
    pub partition: TopicPartition,
    /// The offset, relative to the end of the log when the run began.
    pub offset: Offset,
}

impl Place {
    /// The place `n` records later.
    #[must_use]
    pub fn plus(self, n: u32) -> Self {
        Self { offset: Offset(self.offset.0.saturating_add(i64::from(n))), ..self }
    }
}

/// Consecutive submissions whose outcome is unknown, and where they stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// Where the first copy stands, or where the client says that they were sent.
    pub lane: Lane,
    /// The first of them.
    pub first: Submission,
    /// How many, at least 1.
    pub count: u32,
    /// What the client said; none where it said nothing.
    pub code: Option<Code>,
    /// The process would have ended before it could say something.
    pub cut_off: bool,
    /// All places of the first; those of the k-th after it are k later, and those in an aborted transaction are none.
    /// Empty: not written.
    pub places: Box<[Place]>,
    /// They may stand in a log that could not be read.
    pub unseen: bool,
}

/// All instances of one kind of anomaly in one lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anomaly {
    /// What it is.
    pub kind: AnomalyKind,
    /// Where it is shown.
    pub lane: Lane,
    /// At least one, first submissions before later ones, each by number.
    pub instances: Vec<Instance>,
}

/// Consecutive submissions that an anomaly has struck in the same way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// The first of them.
    pub first: Submission,
    /// How many, at least 1.
    pub count: u32,
    /// More about the first.
    pub detail: Detail,
}

/// More about the first of an instance's submissions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Nothing.
    None,
    /// It comes after this one, and so do those behind it (`reordered`, `callbacks_reordered`).
    After(Submission),
    /// Its copy at this offset stands after that submission (`replayed`); the copy of the k-th stands k later.
    CopyAfter(Offset, Submission),
    /// Where it stands (`duplicated`, `failed_but_written`, `corrupted`); the k-th stands k later.
    At(Box<[Place]>),
    /// Where it stands, and where it was sent (`misplaced`); the k-th stands k later.
    Instead(Offset, TopicIndex, Which),
    /// The offset that the client named, and what stands there (`wrong_offset`); for the k-th both are k later.
    Said(Offset, Stands),
    /// The other submission of the same message (`resent_duplicate`).
    With(Submission),
    /// The key and where it stands (`split_key`); the submission is the first with that key.
    Key(Box<SplitKey>),
}

/// A key that stands in several partitions of a topic.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SplitKey {
    /// The key.
    pub key: Vec<u8>,
    /// At least two, rising.
    pub partitions: Vec<Partition>,
}

/// What stands at an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stands {
    /// No record.
    Nothing,
    /// A record that no submission of this run wrote.
    Foreign,
    /// This one.
    Record(Submission),
}

/// Something that the scenario asked for and did not get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What did not happen, or happened unasked, in one line.
    pub message: String,
    /// The part of the scenario that asked for it.
    pub span: Span,
    /// The particulars, a line each.
    pub details: Vec<String>,
}

impl Findings {
    /// Whether the scenario got what it asked for; the snapshot is another question.
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}

impl Detail {
    /// Whether a submission `n` later with this other detail continues the same run.
    pub(super) fn continues(&self, other: &Self, n: u32) -> bool {
        let later = |offset: Offset| offset.0.checked_add(i64::from(n));
        match (self, other) {
            (Self::None, Self::None) => true,
            (Self::After(a), Self::After(b)) => a == b,
            (Self::CopyAfter(a, behind), Self::CopyAfter(b, other)) => {
                later(*a) == Some(b.0) && behind == other
            }
            (Self::At(a), Self::At(b)) => continues(a, b, n),
            (Self::Instead(a, topic, which), Self::Instead(b, other, one)) => {
                later(*a) == Some(b.0) && (topic, which) == (other, one)
            }
            (Self::Said(a, stands), Self::Said(b, other)) => {
                later(*a) == Some(b.0) && stands.continues(*other, n)
            }
            _ => false,
        }
    }
}

impl Stands {
    fn continues(self, other: Self, n: u32) -> bool {
        match (self, other) {
            (Self::Record(a), Self::Record(b)) => {
                a.again == b.again && a.message.0.checked_add(n) == Some(b.message.0)
            }
            (a, b) => a == b,
        }
    }
}

/// Whether the places `b` are those of `a`, each `n` later.
pub(super) fn continues(a: &[Place], b: &[Place], n: u32) -> bool {
    let later = |(a, b): (&Place, &Place)| {
        a.partition == b.partition && a.offset.0.checked_add(i64::from(n)) == Some(b.offset.0)
    };
    a.len() == b.len() && a.iter().zip(b).all(later)
}
