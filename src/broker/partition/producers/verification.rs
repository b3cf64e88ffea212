//! Transactions of which the coordinator has been asked, and which have not yet written here
//! (`VerificationStateEntry`, `VerificationGuard`; KIP-890).

use std::collections::HashMap;

use crate::broker::partition::producers::attempt::{Attempt, EXPIRATION_MS, Ending};
use crate::broker::partition::producers::refusal::Refusal;

/// Proves, at the append, that it was this transaction which was verified: a marker written meanwhile makes it void.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guard(u64);

/// By producer id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Verification {
    by_id: HashMap<i64, Entry>,
    guards: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    guard: Guard,
    since: i64,
    epoch: i16,
    /// The lowest first sequence that has come: none above it may be written before it.
    lowest_sequence: i32,
    bumps: bool,
}

impl Verification {
    /// Begins a verification, or goes on with one; a lower sequence or a new epoch is remembered.
    pub(super) fn start(&mut self, batch: Attempt, bumps: bool, now: i64) -> Guard {
        let Attempt { producer_id, epoch, first_sequence, .. } = batch;
        let guards = &mut self.guards;
        let entry = self.by_id.entry(producer_id).or_insert_with(|| {
            *guards += 1;
            Entry { guard: Guard(*guards), since: now, epoch, lowest_sequence: first_sequence, bumps }
        });
        if epoch > entry.epoch {
            (entry.epoch, entry.lowest_sequence) = (epoch, first_sequence);
        } else if epoch == entry.epoch {
            entry.lowest_sequence = entry.lowest_sequence.min(first_sequence);
        }
        entry.guard
    }

    /// Whether that is the guard of the verification under way.
    pub(super) fn is_verified(&self, producer_id: i64, guard: Option<Guard>) -> bool {
        guard.is_some() && self.by_id.get(&producer_id).map(|entry| entry.guard) == guard
    }

    /// Until its first append, a transaction may not begin above the lowest sequence that has come; a client that adds
    /// partitions by its batches begins at 0 where no batch of it is remembered (`empty`).
    pub(super) fn check_sequence(&self, batch: Attempt, empty: bool) -> Result<(), Refusal> {
        let Attempt { producer_id, first_sequence: sequence, .. } = batch;
        match self.by_id.get(&producer_id) {
            Some(entry) if entry.bumps && empty && sequence != 0 => {
                Err(Refusal::OutOfOrder { producer_id, sequence, expected: 0 })
            }
            Some(entry) if sequence > entry.lowest_sequence => {
                Err(Refusal::OutOfOrder { producer_id, sequence, expected: entry.lowest_sequence })
            }
            _ => Ok(()),
        }
    }

    /// Forgets a producer that has written.
    pub(super) fn clear(&mut self, producer_id: i64) {
        self.by_id.remove(&producer_id);
    }

    /// Forgets a producer whose transaction has ended, unless the next one, of the marker's epoch, is under way.
    pub(super) fn ended(&mut self, ending: Ending) {
        self.by_id
            .retain(|id, entry| *id != ending.producer_id || (entry.bumps && entry.epoch == ending.epoch));
    }

    /// Forgets those that have gone nowhere.
    pub(super) fn expire(&mut self, now: i64) {
        self.by_id.retain(|_, entry| now.saturating_sub(entry.since) < EXPIRATION_MS);
    }
}
