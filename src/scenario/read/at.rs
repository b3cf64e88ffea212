//! A node that is to be read, and the sink in which its mistakes are recorded.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use serde::de;

use crate::diagnostic::{Code, Diagnostic, MAX_SHOWN};
use crate::scenario::tree::{Node, Value};
use crate::source::{Source, Span};

/// Where mistakes are recorded.
pub(in crate::scenario) struct Reader<'a> {
    source: &'a Arc<Source>,
    found: RefCell<Vec<Diagnostic>>,
}

impl<'a> Reader<'a> {
    pub(in crate::scenario) fn new(source: &'a Arc<Source>) -> Self {
        Self { source, found: RefCell::default() }
    }

    /// What was wrong.
    pub(in crate::scenario) fn found(self) -> Vec<Diagnostic> {
        self.found.into_inner()
    }

    pub(super) fn mistake(&self, code: Code, span: Span, message: String) -> Diagnostic {
        Diagnostic::new(code, self.source, span, message)
    }

    /// Whether so much is wrong that no more of it will be shown.
    pub(super) fn is_full(&self) -> bool {
        self.found.borrow().len() >= MAX_SHOWN
    }

    pub(super) fn record(&self, mistake: Diagnostic) {
        self.found.borrow_mut().push(mistake);
    }
}

/// That something is wrong: still to be recorded, with its message and, after a line break, a hint; or recorded.
#[derive(Debug)]
pub(in crate::scenario) struct Refused(pub(super) Option<String>);

impl de::Error for Refused {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(Some(message.to_string()))
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_deref().unwrap_or("reported"))
    }
}

impl std::error::Error for Refused {}

/// A node that is to be read.
#[derive(Clone, Copy)]
pub(in crate::scenario) struct At<'a> {
    pub(super) node: &'a Node,
    pub(super) reader: &'a Reader<'a>,
    /// What people call it: the key before it.
    pub(super) name: &'a str,
    /// What a refusal of its value is.
    pub(super) code: Code,
    /// Its text is wanted as it is written, even `null`.
    pub(super) raw: bool,
}

impl<'a> At<'a> {
    pub(in crate::scenario) fn root(node: &'a Node, reader: &'a Reader<'a>) -> Self {
        Self { node, reader, name: "a scenario", code: Code::WrongType, raw: false }
    }

    pub(in crate::scenario) fn field(node: &'a Node, name: &'a str, reader: &'a Reader<'a>) -> Self {
        Self { name, ..Self::root(node, reader) }
    }

    pub(super) fn child(&self, node: &'a Node, name: &'a str) -> Self {
        Self { node, name, code: Code::WrongType, raw: false, reader: self.reader }
    }

    pub(super) fn subject(&self) -> String {
        if self.name.contains(' ') { self.name.to_owned() } else { format!("'{}'", self.name) }
    }

    /// Records that the node is something else than is wanted.
    pub(super) fn wrong(&self, wanted: &str) -> Refused {
        let message = format!("{} must be {wanted}, not {}", self.subject(), kind(self.node));
        self.refuse(Code::WrongType, message, None)
    }

    pub(super) fn refuse(&self, code: Code, message: String, help: Option<String>) -> Refused {
        if !matches!(self.node.value, Value::Broken) {
            let mistake = self.reader.mistake(code, self.node.span, message);
            self.reader.record(Diagnostic { help, ..mistake });
        }
        Refused(None)
    }

    /// Records what has not been recorded yet.
    pub(super) fn settle<T>(&self, result: Result<T, Refused>) -> Result<T, Refused> {
        result.map_err(|refused| match refused.0 {
            None => refused,
            Some(text) => {
                let (message, help) = match text.split_once('\n') {
                    Some((message, help)) => (message.to_owned(), Some(help.to_owned())),
                    None => (text, None),
                };
                self.refuse(self.code, format!("{} {message}", self.subject()), help)
            }
        })
    }

    /// The text of a scalar that is not nothing.
    pub(super) fn text(&self, wanted: &str) -> Result<&'a str, Refused> {
        match self.node.text() {
            Some(text) if self.raw || !self.node.is_null() => Ok(text),
            _ => Err(self.wrong(wanted)),
        }
    }

    pub(super) fn plain(&self, wanted: &str) -> Result<&'a str, Refused> {
        match &self.node.value {
            Value::Scalar { text, plain: true } if !self.node.is_null() => Ok(text),
            Value::Scalar { plain: false, .. } => {
                let message = format!("{} must be {wanted}, not {}", self.subject(), kind(self.node));
                Err(self.refuse(Code::WrongType, message, Some("what stands in quotes is text".to_owned())))
            }
            _ => Err(self.wrong(wanted)),
        }
    }
}

/// What a node is, in words.
fn kind(node: &Node) -> String {
    let shown = |text: &str| if text.chars().count() > 40 { String::new() } else { format!(" '{text}'") };
    match &node.value {
        _ if node.is_null() => "nothing".to_owned(),
        Value::Scalar { text, plain: true } if text.parse::<f64>().is_ok() => {
            format!("the number{}", shown(text))
        }
        Value::Scalar { text, .. } => format!("the text{}", shown(text)),
        Value::Sequence(_) => "a list".to_owned(),
        Value::Mapping(_) | Value::Broken => "a mapping".to_owned(),
    }
}
