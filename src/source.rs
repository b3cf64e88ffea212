//! A source text and places in it. A [`Span`] is made only here, from characters, and lies on character boundaries
//! inside the text; whoever shows one need not check it again.

use std::ops::Range;
use std::path::{Path, PathBuf};

/// A text that a user wrote, with the path that he knows it by.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    path: PathBuf,
    text: String,
    /// For every 64th character its byte offset, so that a place given in characters is found quickly.
    stations: Vec<u32>,
}

const STATION: usize = 64;

/// A range of bytes in a [`Source`], on character boundaries and inside the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    start: u32,
    end: u32,
}

/// Line and column of a place, both from 1, columns counted in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
}

impl Source {
    /// A text under its path. The text must be smaller than 4 GiB; readers refuse large files long before.
    pub fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        let text = text.into();
        let stations = text
            .char_indices()
            .step_by(STATION)
            .map(|(at, _)| u32::try_from(at).unwrap_or(u32::MAX))
            .collect();
        Self { path: path.into(), text, stations }
    }

    /// The path as the user gave it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The span between two places given in characters from the start of the text; clamped to the text.
    pub fn span_of_chars(&self, chars: Range<usize>) -> Span {
        let start = self.byte_of_char(chars.start);
        let end = self.byte_of_char(chars.end.max(chars.start));
        Span { start, end }
    }

    /// The span between two byte offsets; clamped to the text and widened to character boundaries.
    pub fn span_of_bytes(&self, bytes: Range<usize>) -> Span {
        let mut start = bytes.start.min(self.text.len());
        while !self.text.is_char_boundary(start) {
            start -= 1;
        }
        let mut end = bytes.end.clamp(start, self.text.len());
        while !self.text.is_char_boundary(end) {
            end += 1;
        }
        Span { start: clamp(start), end: clamp(end) }
    }

    /// The characters under a span.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or_default()
    }

    /// Line and column of the start of a span.
    pub fn place(&self, span: Span) -> Place {
        let before = self.text.get(..span.range().start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Place {
            line: before.bytes().filter(|byte| *byte == b'\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    fn byte_of_char(&self, at: usize) -> u32 {
        let Some(station) = self.stations.get(at / STATION) else { return clamp(self.text.len()) };
        let rest = self.text.get(*station as usize..).unwrap_or_default();
        match rest.char_indices().nth(at % STATION) {
            Some((offset, _)) => station + clamp(offset),
            None => clamp(self.text.len()),
        }
    }
}

impl Span {
    /// The bytes of the text that it covers.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// The span as a number, for a reader whose interface passes numbers alone.
    pub(crate) fn to_bits(self) -> u64 {
        u64::from(self.start) << 32 | u64::from(self.end)
    }

    /// The span of which [`Span::to_bits`] made that number.
    pub(crate) fn from_bits(bits: u64) -> Self {
        let half = |bits: u64| u32::try_from(bits & u64::from(u32::MAX)).unwrap_or_default();
        Self { start: half(bits >> 32), end: half(bits) }
    }

    /// From the start of one to the end of the other.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

fn clamp(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// A value with the place where it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// A value and its place.
    pub fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_place_counts_characters_not_bytes() {
        let source = Source::new("a.yaml", "key: 我\nvalue: 是你");
        let span = source.span_of_chars(14..15);
        assert_eq!(source.slice(span), "是");
        assert_eq!(source.place(span), Place { line: 2, column: 8 });
    }

    proptest! {
        #[test]
        fn every_span_can_be_sliced(text in "\\PC{0,200}", a in 0usize..300, b in 0usize..300) {
            let source = Source::new("x", text.clone());
            for span in [source.span_of_chars(a..b), source.span_of_bytes(a..b)] {
                prop_assert!(text.get(span.range()).is_some());
                source.place(span);
            }
        }

        #[test]
        fn characters_are_found_where_they_stand(text in "\\PC{1,300}", at in 0usize..300) {
            let source = Source::new("x", text.clone());
            let expected = text.chars().nth(at).map(String::from).unwrap_or_default();
            prop_assert_eq!(source.slice(source.span_of_chars(at..at + 1)), expected);
        }
    }
}
