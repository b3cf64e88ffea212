//! Transactions for whose sake a reader of committed records must wait.

use std::collections::BTreeMap;

use crate::kafka::batch::Marker;

/// A transaction that has ended, with its records in this partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Completed {
    /// Whose.
    pub producer_id: i64,
    /// The offset of its first record.
    pub first_offset: i64,
    /// The offset of its marker.
    pub last_offset: i64,
    /// How it ended.
    pub marker: Marker,
    /// The offset below which every transaction was decided when the marker was written.
    pub last_stable_offset: i64,
}

/// What is open, and what has ended above the high watermark, by the first offset
/// (`ProducerStateManager.ongoingTxns`, `unreplicatedTxns`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Unstable {
    /// With the producer id.
    open: BTreeMap<i64, i64>,
    /// With the offset of the marker.
    unreplicated: BTreeMap<i64, i64>,
}

impl Unstable {
    pub(super) fn open(&mut self, first_offset: i64, producer_id: i64) {
        self.open.insert(first_offset, producer_id);
    }

    pub(super) fn complete(
        &mut self,
        (producer_id, marker): (i64, Marker),
        (first_offset, last_offset): (i64, i64),
        high_watermark: i64,
    ) -> Completed {
        self.open.remove(&first_offset);
        // Whatever is replicated by now need not be asked for again.
        self.unreplicated.retain(|_, last_offset| *last_offset >= high_watermark);
        self.unreplicated.insert(first_offset, last_offset);
        let last_stable_offset = self.open.keys().next().copied().unwrap_or(last_offset + 1);
        Completed { producer_id, first_offset, last_offset, marker, last_stable_offset }
    }

    /// The first offset that is not decided, or whose decision is not replicated.
    pub(super) fn first(&self, high_watermark: i64) -> Option<i64> {
        let open = self.open.keys().next().copied();
        let mut unreplicated =
            self.unreplicated.iter().filter(|(_, last_offset)| **last_offset >= high_watermark);
        let unreplicated = unreplicated.next().map(|(first_offset, _)| *first_offset);
        open.into_iter().chain(unreplicated).min()
    }
}
