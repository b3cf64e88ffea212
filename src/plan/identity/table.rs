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
        let start = self.first_not_below(wanted);
        self.rows[start..].iter().take_while(move |(hash, _)| *hash == wanted).map(|(_, message)| *message)
    }

    /// The place of the first row whose hash is not below. Hashes are spread evenly, so it is near to where it would
    /// be if they were all equally far apart; the search widens from there, within memory that is close by.
    fn first_not_below(&self, wanted: u64) -> usize {
        let rows = &self.rows;
        let below = |at: usize| rows.get(at).is_some_and(|(hash, _)| *hash < wanted);
        let guess = usize::try_from((u128::from(wanted) * rows.len() as u128) >> 64).unwrap_or_default();
        let (mut low, mut high) = (guess, guess);
        let mut step = 16;
        while low > 0 && !below(low) {
            low = low.saturating_sub(step);
            step *= 2;
        }
        step = 16;
        while high < rows.len() && below(high) {
            high = (high + step).min(rows.len());
            step *= 2;
        }
        low + rows[low..high].partition_point(|(hash, _)| *hash < wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_row_is_found_wherever_it_stands(mut hashes in prop::collection::vec(0..40_u64, 0..60), wide: bool) {
            let spread = if wide { u64::MAX / 40 } else { 1 };
            hashes.sort_unstable();
            let rows: Vec<_> = hashes.iter().map(|hash| (hash * spread, 0)).collect();
            let table = Table { rows };
            for wanted in 0..41 {
                let expected = hashes.partition_point(|hash| *hash < wanted);
                prop_assert_eq!(table.first_not_below(wanted * spread), expected);
            }
        }
    }
}
