//! What should come out of a run, besides its snapshot.

use crate::scenario::AnomalyKind;
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
