//! What stands in a cell, before neighbours are folded.

use crate::id::{MessageId, Submission};

use super::cell::{Cell, Tone};

/// Something that happened.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) column: usize,
    pub(super) words: Words,
    pub(super) tone: Tone,
}

#[derive(Clone, Debug)]
pub(super) enum Words {
    Text(String),
    /// Consecutive messages, that stand at consecutive offsets if at any.
    Run {
        before: &'static str,
        first: Submission,
        count: u32,
        offset: Option<i64>,
        after: String,
    },
}

impl Words {
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }
}

impl Entry {
    /// About one message.
    pub(super) fn one(
        column: usize,
        before: &'static str,
        first: Submission,
        offset: Option<i64>,
        tone: Tone,
    ) -> Self {
        let words = Words::Run { before, first, count: 1, offset, after: String::new() };
        Self { column, words, tone }
    }

    /// With more behind the message.
    pub(super) fn with(mut self, more: impl Into<String>) -> Self {
        if let Words::Run { after, .. } = &mut self.words {
            *after = more.into();
        }
        self
    }

    /// Takes in one that follows, if both are one run.
    pub(super) fn takes(&mut self, next: &Self) -> bool {
        let (Words::Run { before, first, count, offset, after }, Words::Run { .. }) =
            (&mut self.words, &next.words)
        else {
            return false;
        };
        let Words::Run {
            before: next_before,
            first: next_first,
            count: more,
            offset: next_offset,
            after: next_after,
        } = &next.words
        else {
            return false;
        };
        let follows = (self.column, *before, self.tone, first.again)
            == (next.column, *next_before, next.tone, next_first.again)
            && after == next_after
            && first.message.0.checked_add(*count) == Some(next_first.message.0)
            && offset.map(|offset| offset + i64::from(*count)) == *next_offset;
        if follows {
            *count += more;
        }
        follows
    }

    pub(super) fn cell(self) -> (usize, Cell) {
        let text = match self.words {
            Words::Text(text) => text,
            Words::Run { before, first, count, offset, after } => {
                let last = Submission { message: MessageId(first.message.0 + (count - 1)), ..first };
                let messages = if count == 1 { first.to_string() } else { format!("{first}..{last}") };
                let place = offset.map(|offset| match count {
                    1 => format!(" @{offset}"),
                    _ => format!(" @{offset}..{}", offset + i64::from(count - 1)),
                });
                let space = if after.is_empty() { "" } else { " " };
                format!("{before}{messages}{}{space}{after}", place.unwrap_or_default())
            }
        };
        (self.column, Cell { text, tone: self.tone })
    }
}
