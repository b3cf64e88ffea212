//! Mistakes, shown on the user's own text: what is wrong, where, and what would be right.

mod code;
mod nearest;
mod render;

pub use code::Code;
pub use nearest::nearest;
pub use render::{Style, render, render_all};

use std::sync::Arc;

use crate::source::{Source, Span};

/// So many mistakes of one file are shown; more would hide each other.
pub const MAX_SHOWN: usize = 100;

/// One mistake in a user's file, or one warning about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Which kind of mistake; `inflight explain` says more about each.
    pub code: Code,
    /// What is wrong, in one line, with the user's own words in it.
    pub message: String,
    /// The file it is about.
    pub source: Arc<Source>,
    /// Places with a word on each; the first is where the caret stands. Empty for a mistake of the whole file.
    pub labels: Vec<Label>,
    /// What would be right, such as the nearest known name.
    pub help: Option<String>,
    /// What somebody else said about it, such as librdkafka's own words.
    pub note: Option<String>,
}

/// A place and what is to be said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// A few words beside the caret; may be empty.
    pub text: String,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The file cannot be run.
    Error,
    /// It can, but something will not be as it seems.
    Warning,
}

impl Diagnostic {
    /// A mistake at a place.
    pub fn new(code: Code, source: &Arc<Source>, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            source: Arc::clone(source),
            labels: vec![Label { span, text: String::new() }],
            help: None,
            note: None,
        }
    }

    /// A mistake of the whole file, with no place in it.
    pub fn of_file(code: Code, source: &Arc<Source>, message: impl Into<String>) -> Self {
        Self { labels: Vec::new(), ..Self::new(code, source, Span::default(), message) }
    }

    /// With a further place.
    #[must_use]
    pub fn and(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// With a hint of what would be right.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// With somebody else's words.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }
}
