//! What a partition remembers of one producer id.

use std::collections::VecDeque;

use crate::broker::partition::producers::attempt::{Attempt, EXPIRATION_MS, Ending, Written};
use crate::broker::partition::producers::refusal::Refusal;
use crate::kafka::batch::{NO_TIMESTAMP, next_sequence};

/// Batches of a producer that are remembered (`ProducerStateEntry.NUM_BATCHES_TO_RETAIN`).
const WINDOW: usize = 5;
/// The epoch of a producer of which nothing is known (`RecordBatch.NO_PRODUCER_EPOCH`).
const NO_EPOCH: i16 = -1;

/// Its epoch, the last batches of that epoch, oldest first, and its open transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProducerState {
    epoch: i16,
    window: VecDeque<Remembered>,
    /// The first offset of its open transaction.
    open_since: Option<i64>,
    coordinator_epoch: i32,
    last_timestamp: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Remembered {
    first_sequence: i32,
    last_sequence: i32,
    written: Written,
}

impl ProducerState {
    pub(super) fn unknown() -> Self {
        Self {
            epoch: NO_EPOCH,
            window: VecDeque::new(),
            open_since: None,
            coordinator_epoch: -1,
            last_timestamp: NO_TIMESTAMP,
        }
    }

    /// Whether no batch is remembered.
    pub(super) fn is_empty(&self) -> bool {
        self.window.is_empty()
    }

    /// The first offset of its open transaction.
    pub(super) fn open_since(&self) -> Option<i64> {
        self.open_since
    }

    /// Whether it has a transaction open here with that epoch.
    pub(super) fn has_open(&self, epoch: i16) -> bool {
        self.open_since.is_some() && self.epoch == epoch
    }

    /// The batch that was written with exactly these sequences, if it is one of the last five of this epoch.
    pub(super) fn duplicate(&self, batch: Attempt) -> Option<Written> {
        let same = |known: &&Remembered| {
            (known.first_sequence, known.last_sequence) == (batch.first_sequence, batch.last_sequence)
        };
        if batch.epoch != self.epoch {
            return None;
        }
        self.window.iter().find(same).map(|known| known.written)
    }

    pub(super) fn check_epoch(&self, batch: Attempt) -> Result<(), Refusal> {
        if batch.epoch < self.epoch { Err(self.stale(batch.producer_id, batch.epoch)) } else { Ok(()) }
    }

    fn stale(&self, producer_id: i64, epoch: i16) -> Refusal {
        Refusal::StaleEpoch { producer_id, epoch, known: self.epoch }
    }

    pub(super) fn check_sequence(&self, batch: Attempt) -> Result<(), Refusal> {
        let Attempt { producer_id, epoch, first_sequence: sequence, .. } = batch;
        match self.expected(epoch) {
            Some(expected) if sequence != expected => {
                Err(Refusal::OutOfOrder { producer_id, sequence, expected })
            }
            _ => Ok(()),
        }
    }

    /// The only first sequence that a batch of this epoch may have; none where any will do, since nothing is known of
    /// the producer (retention, a topic created anew).
    fn expected(&self, epoch: i16) -> Option<i32> {
        match self.window.back() {
            _ if self.epoch == NO_EPOCH => None,
            Some(last) if epoch == self.epoch => Some(next_sequence(last.last_sequence)),
            _ => Some(0),
        }
    }

    pub(super) fn record(&mut self, batch: Attempt, written: Written) {
        self.move_to(batch.epoch);
        if self.window.len() == WINDOW {
            self.window.pop_front();
        }
        let Attempt { first_sequence, last_sequence, .. } = batch;
        self.window.push_back(Remembered { first_sequence, last_sequence, written });
        self.last_timestamp = written.max_timestamp;
    }

    /// A new epoch forgets the batches of the old one.
    fn move_to(&mut self, epoch: i16) {
        if self.epoch != epoch {
            self.epoch = epoch;
            self.window.clear();
        }
    }

    /// Opens a transaction at that offset, and says whether none was open.
    pub(super) fn open(&mut self, offset: i64) -> bool {
        let opens = self.open_since.is_none();
        self.open_since.get_or_insert(offset);
        opens
    }

    /// The marker of a coordinator that raised the epoch must be above the epoch of the records; the same epoch is a
    /// marker written once more, while no transaction is open.
    pub(super) fn check_marker(&self, ending: Ending) -> Result<(), Refusal> {
        let again = self.open_since.is_none() || ending.epoch == i16::MAX;
        let late = ending.bumped && ending.epoch == self.epoch && !again;
        if ending.epoch < self.epoch || late {
            return Err(self.stale(ending.producer_id, ending.epoch));
        }
        if self.coordinator_epoch > ending.coordinator_epoch {
            let (epoch, known) = (ending.coordinator_epoch, self.coordinator_epoch);
            return Err(Refusal::StaleCoordinator { epoch, known });
        }
        Ok(())
    }

    /// Ends the open transaction and gives back its first offset. The epoch of the marker is the producer's from now on.
    pub(super) fn end(&mut self, ending: Ending, timestamp: i64) -> Option<i64> {
        self.move_to(ending.epoch);
        self.coordinator_epoch = ending.coordinator_epoch;
        self.last_timestamp = timestamp;
        self.open_since.take()
    }

    /// What a snapshot of it keeps.
    pub(super) fn keep_last_batch(&mut self) {
        let last = self.window.pop_back();
        self.window.clear();
        self.window.extend(last);
    }

    /// Whether it may be forgotten.
    pub(super) fn is_expired(&self, now: i64) -> bool {
        self.open_since.is_none() && now.saturating_sub(self.last_timestamp) >= EXPIRATION_MS
    }
}
