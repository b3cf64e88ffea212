//! What a line of a view says, as typed facts with numbers in them.

use crate::id::{ProducerIndex, TopicIndex};
use crate::judge::Which;
use crate::plan::AnomalyKind;
use crate::trace::Code;

/// What is said, but for its numbers. The comment on each names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum What {
    /// A call of `send` that the client took. Message.
    Send,
    /// One that it refused. Message.
    SendFailed(Code),
    /// A send that so many threads make together. The first of its messages.
    Together(u32),
    /// A send that was left out. Message.
    NotSent,
    /// The application stopped waiting for consecutive submissions. The first of them.
    Timeout,
    /// A step, and how it ended. How many were outstanding, where its time passed.
    Step(Step, End),
    /// An acknowledgement; the place only in a timeline. Message, offset.
    Ok {
        /// After a time-out that named it.
        late: bool,
        /// In a timeline, where.
        place: Option<Track>,
        /// What of its offset is shown.
        offset: Shown,
    },
    /// A failure. Message.
    Err {
        /// After a time-out that named it.
        late: bool,
        /// Why.
        code: Code,
    },
    /// A producer gave up for good; which one only in a timeline of several.
    Fatal(Option<ProducerIndex>, Code),
    /// An outcome that only the log knows, and what became of it. Message, offsets.
    Unknown(Option<Code>, Stand),
    /// The process would have ended before an answer, and what became of it. Message, offsets.
    CutOff(Stand),
    /// Message, and what the shape says.
    Anomaly(AnomalyKind, Shape),
    /// A record of a log, or only a message. Message.
    Record,
    /// A record whose transaction was aborted. Message.
    Aborted,
    /// A record whose transaction is open. Message.
    Open,
    /// The end of a transaction in a log: whether it was committed.
    Marker(bool),
    /// Nobody led the partition, so that its log could not be read.
    Unreadable,
    /// Records of others, one after the other. How many.
    Foreign,
    /// The log goes on at another offset than the next. Offset.
    Jump,
    /// What has no numbers that folding could use, by its place in `Folded::asides`.
    Aside(u32),
}

/// A step that the scenario asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Step {
    Flush(Option<ProducerIndex>),
    WaitCallbacks,
    Exit,
    /// A reaction after which nothing more is sent.
    Stop,
    /// The producer where there are several.
    Close(Option<ProducerIndex>),
    /// The producer where there are several.
    Open(Option<ProducerIndex>),
    /// The producer where there are several.
    Begin(Option<ProducerIndex>),
    /// The producer where there are several.
    Commit(Option<ProducerIndex>),
    /// The producer where there are several.
    Abort(Option<ProducerIndex>),
    /// One in words of its own, by its place in the names.
    Told(u32),
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum End {
    Done,
    /// It is done, of what may also fail.
    Ok,
    /// The client could not do it.
    Failed(Code),
    /// Nobody knows whether it is done.
    Unknown,
    TimedOut,
    Skipped,
    /// The run was over before it ended.
    Unfinished,
}

/// What of an offset is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Shown {
    /// The client names it.
    Known,
    /// The client names none.
    Unknown,
    /// It is not stable.
    Hidden,
}

/// Where an entry belongs: a partition as one producer sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Track {
    /// Where there are several and it matters.
    pub(super) producer: Option<ProducerIndex>,
    /// The producer as a whole, whatever the topic.
    pub(super) whole: bool,
    pub(super) topic: TopicIndex,
    pub(super) partition: Which,
    /// The thread that sent, where several do and no wait orders them.
    pub(super) thread: Option<u32>,
}

/// A place in a log, next to an entry of that log or of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Spot {
    /// Unless it is the entry's own.
    pub(super) partition: Option<(TopicIndex, Which)>,
    /// Whether the offset is shown.
    pub(super) offset: bool,
}

/// What became of an unknown outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Stand {
    Nowhere,
    /// The log could not be read.
    Unseen,
    Once(Spot),
    Twice(Spot, Spot),
}

/// What is said of an anomaly besides its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Shape {
    Alone,
    /// Behind that submission of a message. Message.
    After(u16),
    /// A copy at an offset behind that submission of a message. Offset, message.
    CopyAfter(Spot, u16),
    /// Offset.
    Once(Spot),
    /// Offsets.
    Twice(Spot, Spot),
    /// Stands here, and was sent there. Offset.
    Instead(Spot, (TopicIndex, Which)),
    /// The client named an offset where nothing stands. Offset.
    SaidNothing(Spot),
    /// Where somebody else's record stands. Offset.
    SaidForeign(Spot),
    /// Where that submission of another message stands. Offset, message.
    SaidRecord(Spot, u16),
    /// That submission of the same message.
    With(u16),
}

/// The numbers of a fact; unused ones are 0.
pub(super) type Numbers = [i64; 3];

impl What {
    /// Whether neighbours of this kind are one fact each, so that a range of numbers means several of them.
    pub(super) fn folds(self) -> bool {
        !matches!(
            self,
            Self::Timeout
                | Self::Together(_)
                | Self::Step(..)
                | Self::Fatal(..)
                | Self::Foreign
                | Self::Jump
                | Self::Marker(_)
                | Self::Unreadable
                | Self::Aside(_)
        )
    }

    /// How much each number rises where neighbours follow each other most plainly; then two of them fold.
    pub(super) fn plain_step(self) -> Numbers {
        match self {
            Self::Ok { offset: Shown::Known, .. } => [1, 1, 0],
            Self::Unknown(_, Stand::Once(spot)) | Self::CutOff(Stand::Once(spot)) => [1, spot.step(), 0],
            Self::Unknown(_, Stand::Twice(a, b)) | Self::CutOff(Stand::Twice(a, b)) => {
                [1, a.step(), b.step()]
            }
            Self::Anomaly(_, shape) => shape.plain_step(),
            _ => [1, 0, 0],
        }
    }
}

impl Step {
    /// The producer that is named with it.
    pub(super) fn producer(self) -> Option<ProducerIndex> {
        match self {
            Self::Flush(whose)
            | Self::Close(whose)
            | Self::Open(whose)
            | Self::Begin(whose)
            | Self::Commit(whose)
            | Self::Abort(whose) => whose,
            Self::WaitCallbacks | Self::Exit | Self::Stop | Self::Told(_) => None,
        }
    }
}

impl Shape {
    fn plain_step(self) -> Numbers {
        match self {
            Self::Alone | Self::After(_) | Self::With(_) => [1, 0, 0],
            Self::CopyAfter(spot, _)
            | Self::Once(spot)
            | Self::Instead(spot, _)
            | Self::SaidNothing(spot)
            | Self::SaidForeign(spot) => [1, spot.step(), 0],
            Self::Twice(a, b) => [1, a.step(), b.step()],
            Self::SaidRecord(spot, _) => [1, spot.step(), 1],
        }
    }
}

impl Spot {
    fn step(self) -> i64 {
        i64::from(self.offset)
    }
}
