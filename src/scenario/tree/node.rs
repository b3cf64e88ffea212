//! A node of the tree.

use std::rc::Rc;

use crate::source::Span;

/// A node of the tree.
#[derive(Debug)]
pub(in crate::scenario) struct Node {
    /// Where it stands; of an alias, where its anchor's node does.
    pub(in crate::scenario) span: Span,
    /// What it is.
    pub(in crate::scenario) value: Value,
    /// How many nodes it is made of, itself included.
    pub(super) size: usize,
    /// How many levels it has, at least 1.
    pub(super) depth: usize,
}

/// A key and its value.
pub(in crate::scenario) type Entry = (Rc<Node>, Rc<Node>);

/// What a node is.
#[derive(Debug)]
pub(in crate::scenario) enum Value {
    /// Text as it was written, escapes and line folding resolved.
    Scalar {
        /// The text.
        text: String,
        /// Without quotes, so that `null` is nothing and `5` a number.
        plain: bool,
    },
    /// A list.
    Sequence(Vec<Rc<Node>>),
    /// Keys and values in their order, duplicates included. Keys are scalars.
    Mapping(Vec<Entry>),
    /// Something that has been reported already.
    Broken,
}

impl Node {
    pub(super) fn leaf(span: Span, value: Value) -> Self {
        Self { span, value, size: 1, depth: 1 }
    }

    /// The same place, with something else there that has the same shape.
    pub(in crate::scenario) fn with(&self, value: Value) -> Self {
        Self { value, ..*self }
    }

    /// Its text, if it is a scalar.
    pub(in crate::scenario) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The entries of a mapping; of anything else none.
    pub(in crate::scenario) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; of anything else none.
    pub(in crate::scenario) fn items(&self) -> &[Rc<Node>] {
        match &self.value {
            Value::Sequence(items) => items,
            _ => &[],
        }
    }

    /// The first value of a mapping under that key.
    pub(in crate::scenario) fn get(&self, name: &str) -> Option<&Rc<Node>> {
        self.entries().iter().find(|(key, _)| key.text() == Some(name)).map(|(_, value)| value)
    }

    /// Whether it is written as nothing: empty, `null` or `~`.
    pub(in crate::scenario) fn is_null(&self) -> bool {
        match &self.value {
            Value::Scalar { text, plain: true } => {
                matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL")
            }
            _ => false,
        }
    }
}
