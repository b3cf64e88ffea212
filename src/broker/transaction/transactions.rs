//! The transactions of a running cluster: which broker coordinates which of them, and one lock around their state.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::broker::partition::producers::Ending;
use crate::broker::topic::internal::OFFSETS;
use crate::broker::transaction::coordinator::{Coordinator, Fresh, Progress, Protocol, Standing};
use crate::broker::transaction::offsets::GroupOffsets;
use crate::broker::transaction::place::{Place, partition_of};
use crate::id::BrokerId;

/// A place to write markers to: what a cluster's partitions make of one. The offset is where the marker stands already,
/// and waits for its replicas.
pub(in crate::broker) type Write<'a> = &'a dyn Fn(&Place, Ending, Option<Standing>) -> Progress;

/// Who coordinates: a partition of a topic of 50 is led by one broker after the other, unless it was moved.
#[derive(Debug, Default)]
struct Coordinators {
    moved: HashMap<i32, (BrokerId, i32)>,
}

/// Transactions and what they commit.
#[derive(Debug)]
pub(in crate::broker) struct Transactions {
    coordinator: Mutex<Coordinator>,
    offsets: Mutex<GroupOffsets>,
    coordinators: Mutex<Coordinators>,
    /// Held while markers are written, so that whoever asks for it knows that they are.
    settling: Mutex<()>,
    /// Whether markers are still to be written.
    outstanding: AtomicBool,
    /// When the next transaction is over time, in milliseconds since 1970.
    deadline: AtomicI64,
}

impl Transactions {
    /// None, in a cluster that has agreed upon that protocol.
    pub(in crate::broker) fn new(protocol: Protocol) -> Self {
        Self {
            coordinator: Mutex::new(Coordinator::new(protocol)),
            offsets: Mutex::default(),
            coordinators: Mutex::default(),
            settling: Mutex::default(),
            outstanding: AtomicBool::new(false),
            deadline: AtomicI64::new(i64::MAX),
        }
    }

    /// Asks or changes the coordinator's state. Markers may have to be written afterwards: see [`Self::settle`].
    pub(in crate::broker) fn with<T>(&self, act: impl FnOnce(&mut Coordinator) -> T) -> T {
        let mut coordinator = lock(&self.coordinator);
        let result = act(&mut coordinator);
        self.outstanding.store(!coordinator.is_settled(), Ordering::Release);
        self.deadline.store(coordinator.next_deadline().unwrap_or(i64::MAX), Ordering::Release);
        result
    }

    /// The offsets of groups.
    pub(in crate::broker) fn offsets(&self) -> MutexGuard<'_, GroupOffsets> {
        lock(&self.offsets)
    }

    /// Aborts what is over time. Says whether there was anything.
    pub(in crate::broker) fn expire(&self, now: i64, fresh: Fresh<'_>) -> bool {
        let due = self.deadline.load(Ordering::Acquire) < now;
        if due {
            self.with(|coordinator| coordinator.expire(now, fresh));
        }
        due
    }

    /// Writes every marker that can be written now. When it returns, no other thread is about to write one that was
    /// asked for before the call.
    pub(in crate::broker) fn settle(&self, now: i64, write: Write<'_>) {
        if !self.outstanding.load(Ordering::Acquire) {
            return;
        }
        let _alone = lock(&self.settling);
        let orders = lock(&self.coordinator).orders();
        for order in orders {
            for (place, at) in &order.places {
                let ending = Ending { coordinator_epoch: self.epoch(&order.id), ..order.ending };
                let progress = match place.topic.as_str() {
                    OFFSETS => self.end_offsets(place, ending),
                    _ => write(place, ending, *at),
                };
                self.with(|coordinator| coordinator.progress(&order.id, place, progress, now));
            }
        }
    }

    fn end_offsets(&self, place: &Place, ending: Ending) -> Progress {
        match self.offsets().end(place, ending) {
            Ok(()) => Progress::Done,
            Err(_) => Progress::Refused,
        }
    }

    /// The broker that coordinates a transactional id or a group: that to which its partition was moved or belongs, or
    /// the next one that runs.
    pub(in crate::broker) fn coordinator_of(
        &self,
        key: &str,
        brokers: impl Iterator<Item = BrokerId> + Clone,
        runs: impl Fn(BrokerId) -> bool,
    ) -> Option<BrokerId> {
        let partition = partition_of(key);
        let moved = lock(&self.coordinators).moved.get(&partition).map(|(broker, _)| *broker);
        let count = brokers.clone().count();
        let turn = usize::try_from(partition).ok()?.checked_rem(count)?;
        let in_turn = brokers.cycle().skip(turn).take(count);
        moved.into_iter().chain(in_turn).find(|broker| runs(*broker))
    }

    /// Says that from now on another broker coordinates a transactional id or a group, and all that share its
    /// partition.
    pub(in crate::broker) fn move_coordinator(&self, key: &str, to: BrokerId) {
        let epoch = self.epoch(key) + 1;
        lock(&self.coordinators).moved.insert(partition_of(key), (to, epoch));
    }

    /// Rises with each coordinator of an id.
    fn epoch(&self, key: &str) -> i32 {
        lock(&self.coordinators).moved.get(&partition_of(key)).map_or(0, |(_, epoch)| *epoch)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
