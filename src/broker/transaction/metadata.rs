//! What a coordinator knows of one transactional id (`TransactionMetadata`).

use std::collections::BTreeMap;

use crate::broker::transaction::place::Place;

/// The epoch of a transactional id that nobody has initialised yet (`RecordBatch.NO_PRODUCER_EPOCH`).
pub(super) const NO_EPOCH: i16 = -1;
/// The epoch of a producer that cannot be raised any more by a client: one is left for the coordinator to fence it.
const EXHAUSTED: i16 = i16::MAX - 1;

/// A marker that stands in its leader's log, and waits for the replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::broker) struct Standing {
    /// Where.
    pub offset: i64,
    /// The leader epoch in which it was written: after another election it is written once more.
    pub leader_epoch: i32,
}

/// Where a transaction stands (`TransactionState`). The state in which a producer is being fenced, and the one in which
/// an id is being forgotten, begin and end within one step here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing has been added since the producer was initialised.
    Empty,
    /// It has partitions.
    Ongoing,
    /// It will be committed as soon as its markers are written.
    PrepareCommit,
    /// It will be aborted as soon as its markers are written.
    PrepareAbort,
    /// It has been committed.
    CompleteCommit,
    /// It has been aborted.
    CompleteAbort,
}

/// One transactional id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Transaction {
    pub state: State,
    pub producer_id: i64,
    /// The producer id before the last change, whatever that changed.
    pub previous_producer_id: i64,
    /// The producer id after this transaction, where the epochs of this one are exhausted.
    pub next_producer_id: Option<i64>,
    pub epoch: i16,
    /// The epoch before the last bump, with which that request may come once more; −1 if it may not.
    pub last_epoch: i16,
    /// Milliseconds.
    pub timeout_ms: i32,
    /// Its partitions; while its markers are written, those that lack theirs or whose replicas do.
    pub places: BTreeMap<Place, Option<Standing>>,
    /// When its first partition came, in milliseconds since 1970.
    pub started_at: i64,
    /// When it was last changed, in milliseconds since 1970.
    pub changed_at: i64,
    /// Whether the client's protocol raises the epoch with each transaction (transaction version 2).
    pub bumps: bool,
    /// Whether a partition has refused its marker for ever.
    pub hangs: bool,
}

impl Transaction {
    /// An id that is new.
    pub(super) fn new(producer_id: i64, timeout_ms: i32, now: i64) -> Self {
        Self {
            state: State::Empty,
            producer_id,
            previous_producer_id: -1,
            next_producer_id: None,
            epoch: NO_EPOCH,
            last_epoch: NO_EPOCH,
            timeout_ms,
            places: BTreeMap::new(),
            started_at: -1,
            changed_at: now,
            bumps: false,
            hangs: false,
        }
    }

    /// Whether its markers are being written: whoever asks for something else must wait.
    pub(super) fn is_ending(&self) -> bool {
        matches!(self.state, State::PrepareCommit | State::PrepareAbort)
    }

    pub(super) fn is_exhausted(&self) -> bool {
        is_exhausted(self.epoch)
    }

    /// Takes the next epoch of the same producer id, for a producer that begins.
    pub(super) fn begin_epoch(&mut self, epoch: i16, last_epoch: i16) {
        self.previous_producer_id = self.producer_id;
        (self.epoch, self.last_epoch) = (epoch, last_epoch);
        self.clear();
    }

    /// Takes another producer id, since the epochs of this one are exhausted.
    pub(super) fn rotate(&mut self, producer_id: i64, last_epoch: i16) {
        self.previous_producer_id = self.producer_id;
        self.producer_id = producer_id;
        (self.epoch, self.last_epoch) = (0, last_epoch);
        self.clear();
    }

    fn clear(&mut self) {
        self.state = State::Empty;
        self.places.clear();
        self.started_at = -1;
    }

    /// Adds partitions, which begins the transaction if it has not begun.
    pub(super) fn add(&mut self, places: &[Place], now: i64, bumps: bool) {
        if self.state != State::Ongoing {
            self.started_at = now;
        }
        self.previous_producer_id = self.producer_id;
        self.state = State::Ongoing;
        self.places.extend(places.iter().map(|place| (place.clone(), None)));
        (self.changed_at, self.bumps) = (now, bumps);
    }

    /// Decides how it ends. With `bumps` the epoch rises, so that nothing of this transaction can come later.
    pub(super) fn prepare(&mut self, state: State, bumps: bool, now: i64) {
        if bumps {
            self.last_epoch = self.epoch;
            self.epoch = self.epoch.saturating_add(1);
        }
        if self.state != State::Ongoing {
            self.started_at = now;
        }
        self.previous_producer_id = self.producer_id;
        (self.state, self.changed_at, self.bumps) = (state, now, bumps);
    }

    /// The producer after the end: that is what `EndTxn` 5 answers, before the markers are written.
    pub(super) fn successor(&self) -> (i64, i16) {
        match self.next_producer_id {
            Some(next) if self.bumps => (next, 0),
            _ => (self.producer_id, self.epoch),
        }
    }

    /// All markers are written.
    pub(super) fn complete(&mut self, now: i64) {
        self.previous_producer_id = self.producer_id;
        (self.producer_id, self.epoch) = self.successor();
        self.next_producer_id = None;
        self.places.clear();
        self.changed_at = now;
        self.state = match self.state {
            State::PrepareCommit => State::CompleteCommit,
            _ => State::CompleteAbort,
        };
    }
}

pub(super) fn is_exhausted(epoch: i16) -> bool {
    epoch >= EXHAUSTED
}
