//! What a line of a view says, as typed facts with numbers in them.

use std::collections::HashMap;

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
    /// Message, and what the shape says.
    Anomaly(AnomalyKind, Shape),
    /// A record of a log. Message.
    Record,
    /// Records of others, one after the other. How many.
    Foreign,
    /// The log goes on at another offset than the next. Offset.
    Jump,
    /// What has no numbers that folding could use, by its place in [`Folded::asides`].
    Aside(u32),
}

/// A step that the scenario asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Step {
    Flush,
    WaitCallbacks,
    /// The producer where there are several.
    Close(Option<ProducerIndex>),
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum End {
    Done,
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

/// A fact, or several that follow each other evenly: everything but its first numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Head {
    pub(super) what: What,
    /// Which submission of the message.
    pub(super) again: u16,
    /// How many facts.
    pub(super) count: u32,
    /// From one to the next, for each number; 0 where there is only one.
    pub(super) step: Numbers,
}

/// The numbers of a fact; unused ones are 0.
pub(super) type Numbers = [i64; 3];

/// A line: a head by its place in [`Folded::heads`], and the first fact's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) head: u32,
    pub(super) at: Numbers,
}

/// What stands in a lane, folded.
#[derive(Clone, Debug, Default)]
pub(super) struct Folded {
    /// Lines that are part of no cycle.
    pub(super) lines: Vec<Line>,
    /// Cycles, each in front of the line of that place.
    pub(super) cycles: Vec<(usize, Cycle)>,
    pub(super) asides: Vec<Aside>,
    heads: Vec<Head>,
    places: HashMap<Head, u32>,
    /// The heads used last.
    recent: [u32; 2],
}

/// A line, or several that repeat.
#[derive(Clone, Copy, Debug)]
pub(super) enum Entry<'a> {
    Line(&'a Line),
    Cycle(&'a Cycle),
}

/// Lines that repeat, each number rising evenly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cycle {
    /// The first time.
    pub(super) lines: Vec<Line>,
    /// From one time to the next, for each line.
    pub(super) rise: Vec<Numbers>,
    /// How often.
    pub(super) times: u32,
}

/// What has no numbers that folding could use.
#[derive(Clone, Debug)]
pub(super) enum Aside {
    /// A text that nothing else is like.
    Text(String),
    /// One thing said of a set of submissions.
    Set(What, Folded),
}

impl What {
    /// Whether neighbours of this kind are one fact each, so that a range of numbers means several of them.
    pub(super) fn folds(self) -> bool {
        !matches!(
            self,
            Self::Timeout | Self::Step(..) | Self::Fatal(..) | Self::Foreign | Self::Jump | Self::Aside(_)
        )
    }

    /// How much each number rises where neighbours follow each other most plainly; then two of them fold.
    pub(super) fn plain_step(self) -> Numbers {
        match self {
            Self::Ok { offset: Shown::Known, .. } => [1, 1, 0],
            Self::Unknown(_, Stand::Once(spot)) => [1, spot.step(), 0],
            Self::Unknown(_, Stand::Twice(a, b)) => [1, a.step(), b.step()],
            Self::Anomaly(_, shape) => shape.plain_step(),
            _ => [1, 0, 0],
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

impl Folded {
    /// The head of a line.
    pub(super) fn head(&self, line: &Line) -> Option<&Head> {
        self.heads.get(line.head as usize)
    }

    /// Lines and cycles in their order.
    pub(super) fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        let ends = self.cycles.iter().map(|(place, _)| *place).chain([self.lines.len()]);
        let starts = std::iter::once(0).chain(self.cycles.iter().map(|(place, _)| *place));
        let cycles = self.cycles.iter().map(|(_, cycle)| Some(Entry::Cycle(cycle))).chain([None]);
        starts.zip(ends).zip(cycles).flat_map(|((from, to), cycle)| {
            self.lines.get(from..to).unwrap_or_default().iter().map(Entry::Line).chain(cycle)
        })
    }

    /// Whether nothing stands in it.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.cycles.is_empty()
    }

    /// The place of a head.
    pub(super) fn place(&mut self, head: Head) -> u32 {
        // Most lanes are made of one or two.
        let known = |place: &&u32| self.heads.get(**place as usize) == Some(&head);
        if let Some(place) = self.recent.iter().find(known) {
            return *place;
        }
        let next = u32::try_from(self.heads.len()).unwrap_or(u32::MAX);
        let place = *self.places.entry(head).or_insert_with(|| {
            self.heads.push(head);
            next
        });
        self.recent = [place, self.recent[0]];
        place
    }
}
