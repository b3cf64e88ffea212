//! Which leader epoch began where (`LeaderEpochFileCache`).

/// Leader epochs with the offset of the first record that each of them could have, in their order.
#[derive(Debug)]
pub(in crate::broker) struct LeaderEpochs(Vec<(i32, i64)>);

impl Default for LeaderEpochs {
    /// Epoch 0, from offset 0 on.
    fn default() -> Self {
        Self(vec![(0, 0)])
    }
}

impl LeaderEpochs {
    /// A leader takes over where the log ends (`assign`).
    pub(in crate::broker::partition) fn begin(&mut self, epoch: i32, offset: i64) {
        self.0.retain(|(known, start)| *known < epoch && *start < offset);
        self.0.push((epoch, offset));
    }

    /// The log ends there now (`truncateFromEndAsyncFlush`).
    pub(in crate::broker::partition) fn truncate(&mut self, end: i64) {
        self.0.retain(|(_, start)| *start < end);
    }

    /// The largest epoch that is not above the one asked for, and where it ended; none for an epoch that nobody knows
    /// yet. `end` is the end of the log (`endOffsetFor`).
    pub(in crate::broker) fn end_of(&self, epoch: i32, end: i64) -> Option<(i32, i64)> {
        if self.0.last().is_some_and(|(latest, _)| *latest == epoch) {
            return Some((epoch, end));
        }
        let higher = self.0.partition_point(|(known, _)| *known <= epoch);
        let (_, offset) = self.0.get(higher)?;
        let lower = higher.checked_sub(1).and_then(|lower| self.0.get(lower));
        Some((lower.map_or(epoch, |(known, _)| *known), *offset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_ends_where_the_next_one_begins() {
        let mut epochs = LeaderEpochs::default();
        assert_eq!(epochs.end_of(0, 7), Some((0, 7)));
        assert_eq!(epochs.end_of(1, 7), None);
        epochs.begin(2, 7);
        epochs.begin(4, 9);
        for (asked, expected) in [(0, (0, 7)), (1, (0, 7)), (2, (2, 9)), (3, (2, 9)), (4, (4, 12))] {
            assert_eq!(epochs.end_of(asked, 12), Some(expected), "{asked}");
        }
        epochs.truncate(8);
        assert_eq!(epochs.end_of(2, 8), Some((2, 8)));
    }

    #[test]
    fn a_leader_that_wrote_nothing_is_forgotten() {
        let mut epochs = LeaderEpochs::default();
        epochs.begin(1, 0);
        assert_eq!(epochs.end_of(0, 5), Some((0, 0)), "nothing is known of it");
        assert_eq!(epochs.end_of(1, 5), Some((1, 5)));
    }
}
