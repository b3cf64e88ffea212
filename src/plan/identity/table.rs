//! A table from texts to messages, for templates in which the number of the message cannot be found.

use std::ops::Range;

use super::hash;
use super::look::Look;

/// Hashes of texts and the messages they belong to, sorted: 16 bytes a message.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<(u64, u32)>,
}

impl Table {
    /// The table of all messages of some runs that have one look. A message that cannot be made is not in it; it has
    /// not been sent either.
    pub(super) fn of(look: &Look, runs: &[Range<u32>]) -> Self {
        let mut text = Vec::new();
        let mut rows: Vec<(u64, u32)> = runs
            .iter()
            .cloned()
            .flatten()
            .filter_map(|message| look.render_table_text(message, &mut text).map(|_| (hash(&text), message)))
            .collect();
        rows.sort_unstable();
        Self { rows }
    }

    /// The messages whose text may be this one.
    pub(super) fn find(&self, text: &[u8]) -> impl Iterator<Item = u32> {
        let wanted = hash(text);
        let start = self.rows.partition_point(|(hash, _)| *hash < wanted);
        self.rows[start..].iter().take_while(move |(hash, _)| *hash == wanted).map(|(_, message)| *message)
    }
}
