//! Transactions for whose sake a reader of committed records must wait, and those whose records it must skip.

use std::collections::BTreeMap;

use crate::kafka::batch::Marker;

/// A transaction that was aborted, with its records in this partition (`AbortedTxn`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aborted {
    /// Whose.
    pub producer_id: i64,
    /// The offset of its first record.
    pub first_offset: i64,
    /// The offset of its marker.
    pub last_offset: i64,
    /// The offset below which every transaction was decided when the marker was written.
    pub last_stable_offset: i64,
}

/// What is open, what has ended above the high watermark, and what was aborted (`ProducerStateManager.ongoingTxns`,
/// `unreplicatedTxns`; `TransactionIndex`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stability {
    /// The first offset, with the producer id.
    open: BTreeMap<i64, i64>,
    /// The first offset, with that of the marker.
    unreplicated: BTreeMap<i64, i64>,
    /// In the order of their markers.
    aborted: Vec<Aborted>,
}

impl Stability {
    pub(super) fn open(&mut self, first_offset: i64, producer_id: i64) {
        self.open.insert(first_offset, producer_id);
    }

    pub(super) fn complete(
        &mut self,
        (producer_id, marker): (i64, Marker),
        (first_offset, last_offset): (i64, i64),
        high_watermark: i64,
    ) {
        self.open.remove(&first_offset);
        // Whatever is replicated by now need not be asked for again.
        self.unreplicated.retain(|_, last_offset| *last_offset >= high_watermark);
        self.unreplicated.insert(first_offset, last_offset);
        if marker == Marker::Abort {
            let last_stable_offset = self.open.keys().next().copied().unwrap_or(last_offset + 1);
            self.aborted.push(Aborted { producer_id, first_offset, last_offset, last_stable_offset });
        }
    }

    /// The first offset that is not decided, or whose decision is not replicated.
    pub(super) fn first(&self, high_watermark: i64) -> Option<i64> {
        let open = self.open.keys().next().copied();
        let mut unreplicated =
            self.unreplicated.iter().filter(|(_, last_offset)| **last_offset >= high_watermark);
        let unreplicated = unreplicated.next().map(|(first_offset, _)| *first_offset);
        open.into_iter().chain(unreplicated).min()
    }

    /// The aborted transactions that a reader of the offsets from `from` to below `below` must know.
    pub(super) fn aborted(&self, from: i64, below: i64) -> Vec<Aborted> {
        let first = self.aborted.partition_point(|aborted| aborted.last_offset < from);
        let mut found = Vec::new();
        for aborted in &self.aborted[first..] {
            if aborted.first_offset < below {
                found.push(*aborted);
            }
            if aborted.last_stable_offset >= below {
                break;
            }
        }
        found
    }
}
