//! What can be wrong with a template.

use std::ops::Range;

use minijinja::Error;

/// Something that is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::plan) struct Fault {
    /// Which kind of mistake it is.
    pub(in crate::plan) kind: FaultKind,
    /// What is wrong.
    pub(in crate::plan) message: String,
    /// What would be right.
    pub(in crate::plan) help: Option<String>,
    /// The bytes of the template that it is about, if it is about a part.
    pub(in crate::plan) range: Option<Range<usize>>,
}

/// The kinds of mistakes in templates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::plan) enum FaultKind {
    /// It cannot be parsed.
    Syntax,
    /// It uses a name that it does not have.
    Name,
    /// It fails for a message.
    Fails,
}

impl Fault {
    pub(in crate::plan) fn fails(message: String) -> Self {
        Self { kind: FaultKind::Fails, message, help: None, range: None }
    }

    pub(super) fn syntax(error: &Error) -> Self {
        let message = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
        Self { kind: FaultKind::Syntax, message, help: None, range: error.range() }
    }
}
