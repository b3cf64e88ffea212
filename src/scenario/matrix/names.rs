//! What is wrong with the names and values of a matrix, and with their use.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use crate::diagnostic::{Code, Diagnostic, MAX_SHOWN, nearest};
use crate::scenario::tree::{Node, Value};
use crate::source::{Source, Span};

use super::combination::shown;
use super::fill::{MATRIX, OF_ALL};
use super::pieces::{Piece, is_filled, pieces};
use super::written::{MAX_BYTES, MAX_COMBINATIONS, Matrix, Name};

/// How many names a matrix may have.
const MAX_NAMES: usize = 20;
/// The longest name, in characters.
const MAX_NAME: usize = 40;
/// The longest value, in characters.
const MAX_VALUE: usize = 200;

impl Matrix {
    /// What is wrong with its names and values.
    pub(super) fn check(&self, span: Span, source: &Arc<Source>, found: &mut Vec<Diagnostic>) {
        let mistake = |code, span, message: String| Diagnostic::new(code, source, span, message);
        if self.names.is_empty() {
            found.push(mistake(Code::Missing, span, "'matrix' is empty".to_owned()));
        }
        if self.names.len() > MAX_NAMES {
            let message = format!("a matrix has at most {MAX_NAMES} names, not {}", self.names.len());
            return found.push(mistake(Code::Limit, span, message));
        }
        for name in &self.names {
            if !is_name(&name.text) {
                let message = format!("'{}' is no legal name for values", name.text);
                let help = format!("such a name has 1 to {MAX_NAME} letters, digits, '_' and '-'");
                found.push(mistake(Code::Name, name.span, message).help(help));
            }
            name.check(source, found);
        }
        let count = self.combinations_written();
        if count > MAX_COMBINATIONS {
            let message =
                format!("these are {count} combinations; a scenario has at most {MAX_COMBINATIONS}");
            found.push(mistake(Code::Limit, span, message));
        }
    }

    /// What is wrong with the use of its names in a file that is read whole, or has something broken in it.
    pub(super) fn check_use(
        &self,
        (root, whole): (&Node, bool),
        source: &Arc<Source>,
        found: &mut Vec<Diagnostic>,
    ) {
        let before = found.len();
        if self.names.len() > MAX_NAMES {
            return;
        }
        let mut look = Uses { matrix: self, source, found, seen: HashSet::new(), used: BTreeMap::new() };
        look.root(root);
        let used = look.used;
        let is_used = |name: &&Name| used.contains_key(name.text.as_str());
        // A name that is written wrongly may have been meant for one.
        let sure = found.len() == before && whole;
        for name in self.names.iter().filter(|name| sure && !is_used(name)) {
            let message = format!("'{}' is used nowhere", name.text);
            let help = format!("write ${{{}}} where its values are to stand", name.text);
            found.push(Diagnostic::new(Code::Matrix, source, name.span, message).help(help));
        }
        let longest = |name: &Name| name.values.iter().filter_map(|value| value.text()).map(str::len).max();
        let growth = self.names.iter().map(|name| {
            let times = used.get(name.text.as_str()).copied().unwrap_or_default();
            longest(name).unwrap_or_default().saturating_mul(times)
        });
        let one = growth.fold(source.text().len(), usize::saturating_add);
        if let Some(span) = root.get(MATRIX).map(|matrix| matrix.span)
            && one.saturating_mul(self.combinations_written().min(MAX_COMBINATIONS)) > MAX_BYTES
        {
            let message = format!("all combinations together have more than {} MiB of text", MAX_BYTES >> 20);
            found.push(Diagnostic::new(Code::Limit, source, span, message));
        }
    }

    /// What is said of a name that it does not have.
    pub(super) fn unknown(&self, name: &str, source: &Arc<Source>, span: Span) -> Diagnostic {
        let known = || self.names.iter().map(|name| name.text.as_str());
        let message = format!("the matrix has no '{name}'");
        let unknown = Diagnostic::new(Code::UnknownName, source, span, message);
        match nearest(name.trim(), known()) {
            Some(near) => unknown.help(format!("did you mean '{near}'?")),
            None if self.names.is_empty() => unknown.help("this scenario has no matrix"),
            None => unknown.help(format!("its names are {}", known().collect::<Vec<_>>().join(", "))),
        }
    }

    /// The name of that text.
    pub(super) fn name(&self, text: &str) -> Option<&Name> {
        self.names.iter().find(|name| name.text == text)
    }
}

fn is_name(text: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    !text.is_empty() && text.len() <= MAX_NAME && text.chars().all(legal)
}

impl Name {
    fn check(&self, source: &Arc<Source>, found: &mut Vec<Diagnostic>) {
        let mistake = |code, span, message: String| Diagnostic::new(code, source, span, message);
        if self.values.is_empty() {
            found.push(mistake(Code::Missing, self.span, format!("'{}' has no values", self.text)));
        }
        let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
        for node in &self.values {
            let text = node.text().unwrap_or_default();
            if text.chars().count() > MAX_VALUE {
                let message = format!("a value of a matrix has at most {MAX_VALUE} characters");
                found.push(mistake(Code::Limit, node.span, message));
            } else if let Some(first) = seen.insert(text, node.span) {
                let message = format!("'{}' has {} twice", self.text, shown(text));
                found.push(mistake(Code::Matrix, node.span, message).and(first, "it stands here first"));
            }
        }
    }
}

/// Looks at every text into which values are put.
struct Uses<'a, 'b> {
    matrix: &'a Matrix,
    source: &'a Arc<Source>,
    found: &'b mut Vec<Diagnostic>,
    /// What an alias repeats is one place.
    seen: HashSet<Span>,
    /// How often each name is used.
    used: BTreeMap<&'a str, usize>,
}

impl Uses<'_, '_> {
    fn root(&mut self, root: &Node) {
        for (key, value) in root.entries() {
            match key.text() {
                Some(MATRIX) => {}
                Some(field) if OF_ALL.contains(&field) => self.of_all(field, value),
                _ => {
                    self.tree(key);
                    self.tree(value);
                }
            }
        }
    }

    /// In what all combinations share nothing is put; where somebody relies on it that is a mistake. A description may
    /// speak of it.
    fn of_all(&mut self, field: &str, node: &Node) {
        node.items().iter().for_each(|item| self.of_all(field, item));
        let text = node.text().filter(|_| field != "description").unwrap_or_default();
        for piece in pieces(text) {
            let Piece::Value(name, place) = piece else { continue };
            if self.matrix.name(name).is_some() {
                let message = format!("'{field}' is the same for all combinations");
                let span = self.place(&mut node.span.clone(), &text[place]).unwrap_or(node.span);
                self.found.push(Diagnostic::new(Code::Matrix, self.source, span, message));
            }
        }
    }

    fn tree(&mut self, node: &Node) {
        match &node.value {
            Value::Scalar { text, .. } if is_filled(text) => self.scalar(node, text),
            Value::Scalar { .. } | Value::Broken => {}
            Value::Sequence(items) => items.iter().for_each(|item| self.tree(item)),
            Value::Mapping(entries) => {
                for (key, value) in entries {
                    self.tree(key);
                    self.tree(value);
                }
            }
        }
    }

    fn scalar(&mut self, node: &Node, text: &str) {
        let first = self.seen.insert(node.span);
        let mut rest = node.span;
        for piece in pieces(text) {
            let (place, unknown) = match piece {
                Piece::Text(_) => continue,
                Piece::Value(name, place) => match self.matrix.name(name) {
                    Some(name) => {
                        *self.used.entry(&name.text).or_default() += 1;
                        continue;
                    }
                    None => (place, Some(name)),
                },
                Piece::Open(place) => (place, None),
            };
            if !first {
                continue;
            }
            let span = self.place(&mut rest, &text[place]).unwrap_or(node.span);
            self.found.push(match unknown {
                Some(name) if self.found.len() < MAX_SHOWN => self.matrix.unknown(name, self.source, span),
                Some(_) => Diagnostic::new(Code::UnknownName, self.source, span, "unknown to the matrix"),
                None => Diagnostic::new(Code::Matrix, self.source, span, "this '${' has no end")
                    .help("write ${NAME} for a value of the matrix, $${ for the characters themselves"),
            });
        }
    }

    /// The first place of a part of a scalar in what is left of it, where it stands in the file as it is read; then less
    /// is left.
    fn place(&self, rest: &mut Span, part: &str) -> Option<Span> {
        let (bytes, written) = (rest.range(), self.source.slice(*rest));
        let at = written.find(part).map(|at| bytes.start + at);
        // Where one is written otherwise, those behind it are not looked for.
        let end = at.map_or(bytes.end, |at| at + part.len());
        *rest = self.source.span_of_bytes(end..bytes.end);
        at.map(|at| self.source.span_of_bytes(at..end))
    }
}
