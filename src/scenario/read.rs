//! A serde deserializer over the tree, with a sink for what is wrong: a mistake is recorded at its place, and reading
//! goes on, so that all mistakes of a file come in one pass.
//!
//! Three rules make that work. Every leaf of the model is a [`Field`](super::field::Field), which takes an error as
//! "written wrongly". The name of a newtype says which kind of mistake a value is that it refuses. Unknown, later and
//! repeated keys are recorded and skipped here, where the names that a struct knows are at hand.

mod access;

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use serde::de::{self, Deserializer, Visitor};
use serde::forward_to_deserialize_any;

use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Source, Span};

use super::field::{LISTED, LONG, PLACED};
use super::tree::{Node, Value};
use access::{Fields, Items, Pairs, Parts, Variant};

/// So many mistakes of one file are shown; more would hide each other.
const MAX_MISTAKES: usize = 100;

/// Where mistakes are recorded.
pub(super) struct Reader<'a> {
    source: &'a Arc<Source>,
    found: RefCell<Vec<Diagnostic>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(source: &'a Arc<Source>) -> Self {
        Self { source, found: RefCell::default() }
    }

    /// What was wrong.
    pub(super) fn found(self) -> Vec<Diagnostic> {
        self.found.into_inner()
    }

    fn mistake(&self, code: Code, span: Span, message: String) -> Diagnostic {
        Diagnostic::new(code, self.source, span, message)
    }

    fn record(&self, mistake: Diagnostic) {
        let mut found = self.found.borrow_mut();
        if found.len() < MAX_MISTAKES {
            found.push(mistake);
        }
    }
}

/// That something is wrong: still to be recorded, with its message and, after a line break, a hint; or recorded.
#[derive(Debug)]
pub(super) struct Refused(Option<String>);

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
pub(super) struct At<'a> {
    node: &'a Node,
    reader: &'a Reader<'a>,
    /// What people call it: the key before it.
    name: &'a str,
    /// What a refusal of its value is.
    code: Code,
    /// Its text is wanted as it is written, even `null`.
    raw: bool,
}

impl<'a> At<'a> {
    pub(super) fn root(node: &'a Node, reader: &'a Reader<'a>) -> Self {
        Self { node, reader, name: "a scenario", code: Code::WrongType, raw: false }
    }

    fn child(&self, node: &'a Node, name: &'a str) -> Self {
        Self { node, name, code: Code::WrongType, raw: false, reader: self.reader }
    }

    fn subject(&self) -> String {
        if self.name.contains(' ') { self.name.to_owned() } else { format!("'{}'", self.name) }
    }

    /// Records that the node is something else than is wanted.
    fn wrong(&self, wanted: &str) -> Refused {
        let message = format!("{} must be {wanted}, not {}", self.subject(), kind(self.node));
        self.refuse(Code::WrongType, message, None)
    }

    fn refuse(&self, code: Code, message: String, help: Option<String>) -> Refused {
        if !matches!(self.node.value, Value::Broken) {
            let mistake = self.reader.mistake(code, self.node.span, message);
            self.reader.record(Diagnostic { help, ..mistake });
        }
        Refused(None)
    }

    /// Records what has not been recorded yet.
    fn settle<T>(&self, result: Result<T, Refused>) -> Result<T, Refused> {
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
    fn text(&self, wanted: &str) -> Result<&'a str, Refused> {
        match self.node.text() {
            Some(text) if self.raw || !self.node.is_null() => Ok(text),
            _ => Err(self.wrong(wanted)),
        }
    }

    fn plain(&self, wanted: &str) -> Result<&'a str, Refused> {
        match &self.node.value {
            Value::Scalar { text, plain: true } if !self.node.is_null() => Ok(text),
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

impl<'de> Deserializer<'de> for At<'de> {
    type Error = Refused;

    /// For forms that are short or long: raw text, no numbers made of it.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.settle(match &self.node.value {
            Value::Scalar { .. } if self.node.is_null() => visitor.visit_unit(),
            Value::Scalar { text, .. } => visitor.visit_borrowed_str(text),
            Value::Sequence(items) => visitor.visit_seq(Items::new(self, items)),
            Value::Mapping(entries) => visitor.visit_map(Pairs::new(self, entries)),
            Value::Broken => Err(Refused(None)),
        })
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        match self.plain("true or false")? {
            "true" | "True" | "TRUE" => visitor.visit_bool(true),
            "false" | "False" | "FALSE" => visitor.visit_bool(false),
            _ => Err(self.wrong("true or false")),
        }
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        let text = self.plain("a whole number")?;
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(self.wrong("a whole number in decimal digits"));
        }
        // What is too large for any field is out of every range.
        let number = digits.parse().unwrap_or(i128::MAX);
        self.settle(visitor.visit_i128(if text.starts_with('-') { -number } else { number }))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        let text = self.text("text")?;
        self.settle(visitor.visit_borrowed_str(text))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        if self.node.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        match name {
            PLACED => return visitor.visit_seq(Parts::new(self, self.node.span.to_bits())),
            LONG => return visitor.visit_seq(Parts::new(self, matches!(self.node.value, Value::Mapping(_)))),
            LISTED => {
                return visitor.visit_seq(Parts::new(self, matches!(self.node.value, Value::Sequence(_))));
            }
            "Raw" => return visitor.visit_newtype_struct(Self { raw: true, ..self }),
            _ => {}
        }
        let code = match name {
            "Number" => Code::OutOfRange,
            "Duration" => Code::Duration,
            "Name" => Code::Name,
            "Range" => Code::UnknownExpectation,
            _ => self.code,
        };
        let inner = Self { code, ..self };
        inner.settle(visitor.visit_newtype_struct(inner))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        match &self.node.value {
            Value::Sequence(items) => self.settle(visitor.visit_seq(Items::new(self, items))),
            _ => Err(self.wrong("a list")),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        match &self.node.value {
            Value::Mapping(entries) => self.settle(visitor.visit_map(Pairs::new(self, entries))),
            _ => Err(self.wrong("a mapping")),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        match &self.node.value {
            Value::Mapping(entries) => {
                self.settle(visitor.visit_map(Fields::new(self, entries, name, fields)))
            }
            _ => Err(self.wrong("a mapping of fields")),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        let variant = Variant::of(self, name, variants)?;
        self.settle(visitor.visit_enum(variant))
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u128 f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct
        identifier ignored_any
    }
}
