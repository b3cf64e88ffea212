//! Puts the values of a combination into the tree of a file.

use std::rc::Rc;

use crate::scenario::tree::{Entry, Node, Value};

use super::Combination;
use super::pieces::{Piece, is_filled, pieces};

/// The field that a matrix is.
pub(super) const MATRIX: &str = "matrix";
/// The fields of a scenario whose text is that of all combinations.
pub(super) const OF_ALL: &[&str] = &["name", "description", "tags", MATRIX];
/// The field whose entries choose by values, and so have none put into them.
const EXPECT: &str = "expect";
const WHERE: &str = "where";

/// What is put into the tree.
pub(in crate::scenario) struct Filling<'a> {
    /// Names with their values; none for one that has no value.
    pub(super) values: Vec<(&'a str, Option<&'a Node>)>,
    /// Nothing is put anywhere; what should have something in it is left unread.
    pub(super) unreadable: bool,
}

impl Filling<'_> {
    /// The combination by its texts.
    pub(in crate::scenario) fn combination(&self) -> Combination {
        let text = |value: Option<&Node>| value.and_then(Node::text).unwrap_or_default().to_owned();
        Combination::new(self.values.iter().map(|(name, value)| ((*name).to_owned(), text(*value))).collect())
    }

    /// The tree of a whole file with the values in it.
    pub(in crate::scenario) fn root(&self, root: &Rc<Node>) -> Rc<Node> {
        if self.values.is_empty() && !self.unreadable {
            return Rc::clone(root);
        }
        self.mapping(root, |key, value| match key {
            Some(field) if OF_ALL.contains(&field) => Rc::clone(value),
            Some(EXPECT) => self.expectations(value),
            _ => self.tree(value),
        })
    }

    fn expectations(&self, node: &Rc<Node>) -> Rc<Node> {
        let case = |node: &Rc<Node>| {
            self.mapping(node, |key, value| match key {
                Some(WHERE) => Rc::clone(value),
                _ => self.tree(value),
            })
        };
        match &node.value {
            Value::Sequence(items) => Rc::new(node.with(Value::Sequence(items.iter().map(case).collect()))),
            _ => case(node),
        }
    }

    fn mapping(&self, node: &Rc<Node>, value: impl Fn(Option<&str>, &Rc<Node>) -> Rc<Node>) -> Rc<Node> {
        let Value::Mapping(entries) = &node.value else { return self.tree(node) };
        let entry = |(key, node): &Entry| (self.tree(key), value(key.text(), node));
        Rc::new(node.with(Value::Mapping(entries.iter().map(entry).collect())))
    }

    fn tree(&self, node: &Rc<Node>) -> Rc<Node> {
        match &node.value {
            Value::Scalar { text, plain } if is_filled(text) => Rc::new(node.with(self.scalar(text, *plain))),
            Value::Scalar { .. } | Value::Broken => Rc::clone(node),
            Value::Sequence(items) => {
                let items = items.iter().map(|item| self.tree(item)).collect();
                Rc::new(node.with(Value::Sequence(items)))
            }
            Value::Mapping(_) => self.mapping(node, |_, value| self.tree(value)),
        }
    }

    fn scalar(&self, text: &str, plain: bool) -> Value {
        let pieces = pieces(text);
        if let [Piece::Value(name, _)] = pieces.as_slice() {
            // It stands for the value as that is written: YAML wants quotes around it in braces, and they say nothing.
            return match self.value(name) {
                Some(Value::Scalar { text, plain }) => Value::Scalar { text: text.clone(), plain: *plain },
                _ => Value::Broken,
            };
        }
        let mut filled = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Value(name, _) => match self.value(name) {
                    Some(Value::Scalar { text, .. }) => filled.push_str(text),
                    _ => return Value::Broken,
                },
                Piece::Open(_) => return Value::Broken,
            }
        }
        Value::Scalar { text: filled, plain }
    }

    fn value(&self, name: &str) -> Option<&Value> {
        let found = self.values.iter().find(|(known, _)| *known == name && !self.unreadable)?;
        found.1.map(|node| &node.value)
    }
}
