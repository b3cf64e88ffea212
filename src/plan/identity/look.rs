//! What the messages of some batches look like, and how a record is found to be one of them.

use std::sync::Arc;

use crate::plan::message::{KEY, Shape, VALUE};
use crate::plan::template::{Draw, Locator, Piece, Pieces, Template};

/// What key and value of a message are made of. Batches that share it are told apart by the number.
#[derive(Clone, Debug)]
pub(super) struct Look {
    seed: u64,
    key: Option<Template>,
    value: Option<Template>,
    /// How the number is found in the key and in the value.
    finders: [Finder; 2],
}

/// How the number of a message is found in one part of it.
#[derive(Clone, Debug)]
enum Finder {
    /// It stands there.
    Locate(Locator),
    /// By a table of all texts.
    Table,
    /// It is not.
    Nowhere,
}

impl Look {
    pub(super) fn of(shape: &Shape) -> Self {
        let finder = |template: &Option<Template>| match template {
            Some(template) if template.has_identity() => match template.pieces().and_then(Locator::of) {
                Some(locator) => Finder::Locate(locator),
                None => Finder::Table,
            },
            _ => Finder::Nowhere,
        };
        let finders = [finder(&shape.key), finder(&shape.value)];
        Self { seed: shape.seed, key: shape.key.clone(), value: shape.value.clone(), finders }
    }

    /// Whether it is made of the same templates.
    pub(super) fn is(&self, shape: &Shape) -> bool {
        same(self.key.as_ref(), shape.key.as_ref()) && same(self.value.as_ref(), shape.value.as_ref())
    }

    /// Whether a message's number can be found in its text at all.
    pub(super) fn has_identity(&self) -> bool {
        !matches!(self.finders, [Finder::Nowhere, Finder::Nowhere])
    }

    /// Whether a table is needed to find a number.
    pub(super) fn needs_table(&self) -> bool {
        self.has_identity() && !self.finders.iter().any(|finder| matches!(finder, Finder::Locate(_)))
    }

    /// The messages that a record can be, as far as its text says it.
    pub(super) fn locate(&self, key: Option<&[u8]>, value: Option<&[u8]>) -> impl Iterator<Item = u32> {
        let number = |finder: &Finder, text: Option<&[u8]>| match finder {
            Finder::Locate(locator) => locator.locate(text?),
            Finder::Table | Finder::Nowhere => None,
        };
        [number(&self.finders[0], key), number(&self.finders[1], value)].into_iter().flatten()
    }

    /// The text by which a table finds a record.
    pub(super) fn table_text<'a>(&self, key: Option<&'a [u8]>, value: Option<&'a [u8]>) -> Option<&'a [u8]> {
        if matches!(self.finders[0], Finder::Table) { key } else { value }
    }

    /// The text by which a table finds a message, and what it cost to make it, in units of fuel.
    pub(super) fn render_table_text(&self, message: u32, into: &mut Vec<u8>) -> Option<u64> {
        let (template, part) = match self.finders[0] {
            Finder::Table => (self.key.as_ref()?, KEY),
            _ => (self.value.as_ref()?, VALUE),
        };
        into.clear();
        template.render(Draw { seed: self.seed, message, part }, into).ok().map(|cost| cost + 1)
    }

    /// Whether key and value are those of a message.
    pub(super) fn matches(
        &self,
        message: u32,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        scratch: &mut Vec<u8>,
    ) -> bool {
        let draw = |part| Draw { seed: self.seed, message, part };
        matches(self.key.as_ref(), draw(KEY), key, scratch)
            && matches(self.value.as_ref(), draw(VALUE), value, scratch)
    }

    /// Makes key and value of a message, and says what that cost.
    pub(super) fn render(&self, message: u32, key: &mut Vec<u8>, value: &mut Vec<u8>) -> Option<u64> {
        let mut cost = 1;
        for (template, part, into) in [(&self.key, KEY, key), (&self.value, VALUE, value)] {
            into.clear();
            if let Some(template) = template {
                cost += template.render(Draw { seed: self.seed, message, part }, into).ok()?;
            }
        }
        Some(cost)
    }

    /// Key and value as rendered: none where there is none.
    pub(super) fn parts<'a>(&self, key: &'a [u8], value: &'a [u8]) -> (Option<&'a [u8]>, Option<&'a [u8]>) {
        (self.key.as_ref().map(|_| key), self.value.as_ref().map(|_| value))
    }

    /// Whether it can be told from the templates alone that no message of one looks like one of the other.
    pub(super) fn is_apart_from(&self, other: &Self) -> bool {
        let parts = [(&self.key, &other.key), (&self.value, &other.value)];
        parts.into_iter().any(|(a, b)| match (a, b) {
            (None, None) => false,
            (Some(a), Some(b)) => match (a.pieces(), b.pieces()) {
                (Some(a), Some(b)) => a != b && (a.is_unique() || b.is_unique() || ends_differ(a, b)),
                (Some(pieces), None) | (None, Some(pieces)) => pieces.is_unique(),
                (None, None) => false,
            },
            _ => true,
        })
    }

    /// Whether no two of its messages look alike, by its templates alone.
    pub(super) fn is_injective(&self) -> bool {
        let unique = |template: &Option<Template>| {
            template.as_ref().and_then(Template::pieces).is_some_and(Pieces::is_unique)
        };
        !self.needs_table() || unique(&self.key) || unique(&self.value)
    }
}

/// Whether a text is what a template makes of a message.
pub(super) fn matches(
    template: Option<&Template>,
    draw: Draw,
    text: Option<&[u8]>,
    scratch: &mut Vec<u8>,
) -> bool {
    match (template, text) {
        (None, None) => true,
        (Some(Template::Pieces(pieces)), Some(text)) => pieces.matches(draw, text),
        (Some(template), Some(text)) => {
            scratch.clear();
            template.render(draw, scratch).is_ok() && scratch == text
        }
        _ => false,
    }
}

fn same(a: Option<&Template>, b: Option<&Template>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(Template::Pieces(a)), Some(Template::Pieces(b))) => a == b,
        (Some(Template::Jinja(a)), Some(Template::Jinja(b))) => Arc::ptr_eq(a, b),
        _ => false,
    }
}

/// Whether the literals at the start, or those at the end, of two templates differ within their common length.
fn ends_differ(a: &Pieces, b: &Pieces) -> bool {
    let start = |pieces: &'_ Pieces| match pieces.iter().next() {
        Some(Piece::Text { bytes, .. }) => bytes.to_vec(),
        _ => Vec::new(),
    };
    let end = |pieces: &'_ Pieces| match pieces.iter().next_back() {
        Some(Piece::Text { bytes, .. }) => bytes.iter().rev().copied().collect(),
        _ => Vec::new(),
    };
    let differ = |a: Vec<u8>, b: Vec<u8>| a.iter().zip(&b).any(|(a, b)| a != b);
    differ(start(a), start(b)) || differ(end(a), end(b))
}
