//! What should come out of a run, besides its snapshot.

use crate::fault::ApiFilter;
use crate::id::{BrokerId, Partition, ProducerIndex, TopicIndex};
use crate::scenario::{AnomalyKind, MessageEvent};
use crate::source::{Span, Spanned};
use crate::submissions::Submissions;
use crate::trace::Code;

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
    /// Never answered, because the process would have ended before.
    pub cut_off: Spanned<Submissions>,
    /// A producer gives up for good, with that code.
    pub fatal: Option<Spanned<Code>>,
    /// Anomalies that must occur.
    pub must: Vec<Spanned<AnomalyKind>>,
    /// Anomalies that may occur.
    pub may: Vec<Spanned<AnomalyKind>>,
    /// What came from the clients.
    pub requests: Vec<Wanted>,
    /// What comes before what.
    pub order: Vec<Precedence>,
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

/// Requests that should have come from the clients since the first step.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Of this kind.
    pub api: ApiFilter,
    /// Those of this producer; none: of all.
    pub producer: Option<ProducerIndex>,
    /// Those to this broker; none: to all.
    pub broker: Option<BrokerId>,
    /// Those with something for this topic; none: for any.
    pub topic: Option<TopicIndex>,
    /// And for this partition of it.
    pub partition: Option<Partition>,
    /// Exactly so many.
    pub count: Option<u64>,
    /// Exactly these, in the order in which they came, each by what it carries.
    pub carries: Option<Vec<Submissions>>,
    /// Where it was asked for.
    pub span: Span,
}

/// Events in their order, each before the next.
#[derive(Clone, Debug)]
pub struct Precedence {
    /// At least two.
    pub moments: Vec<Moment>,
    /// Where it was asked for.
    pub span: Span,
}

/// One or several events of one kind.
#[derive(Clone, Debug)]
pub struct Moment {
    /// Which.
    pub event: Happening,
    /// As it was written.
    pub words: String,
}

/// What an order is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// Something that happens to each of these.
    Message {
        /// What.
        event: MessageEvent,
        /// To which, at least one.
        submissions: Submissions,
        /// With which code; none for any.
        code: Option<Code>,
    },
    /// A client gives up for good, with that code, or any.
    Fatal(Option<Code>),
    /// A step, by its place in the plan's list.
    Step {
        /// Which.
        step: usize,
        /// When it was over, not when it began.
        ended: bool,
    },
}
