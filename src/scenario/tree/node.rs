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
    Mapping(Vec<(Rc<Node>, Rc<Node>)>),
    /// Something that has been reported already.
    Broken,
}

impl Node {
    pub(super) fn leaf(span: Span, value: Value) -> Self {
        Self { span, value, size: 1, depth: 1 }
    }

    /// Its text, if it is a scalar.
    pub(in crate::scenario) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } => Some(text),
            _ => None,
        }
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
