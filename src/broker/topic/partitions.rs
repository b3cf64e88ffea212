//! The partitions of a topic, of which there may become more while it is in use.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use crate::broker::partition::Partition;

/// Partitions that came together, and those that came later: what is there stays where it is, so that nobody who uses a
/// partition waits for more of them.
#[derive(Debug)]
pub(super) struct Partitions {
    /// A lock for each: checking a batch takes a millisecond, and holds up nobody who writes elsewhere.
    together: Vec<Mutex<Partition>>,
    later: OnceLock<Box<Partitions>>,
}

impl Partitions {
    pub(super) fn new(partitions: impl Iterator<Item = Partition>) -> Self {
        Self { together: partitions.map(Mutex::new).collect(), later: OnceLock::new() }
    }

    /// Adds more of them behind those that are there. Who adds some at the same time comes behind them, too.
    pub(super) fn grow(&self, partitions: impl Iterator<Item = Partition>) {
        let mut more = Box::new(Self::new(partitions));
        let mut last = self;
        while let Err(unplaced) = last.later.set(more) {
            more = unplaced;
            last = last.later.get().map_or(last, |later| &**later);
        }
    }

    pub(super) fn count(&self) -> usize {
        self.parts().map(|part| part.together.len()).sum()
    }

    pub(super) fn get(&self, index: usize) -> Option<MutexGuard<'_, Partition>> {
        let mut index = index;
        for part in self.parts() {
            match part.together.get(index) {
                Some(partition) => return Some(locked(partition)),
                None => index -= part.together.len(),
            }
        }
        None
    }

    /// All of them, each locked while it is looked at.
    pub(super) fn all(&self) -> impl Iterator<Item = MutexGuard<'_, Partition>> {
        self.parts().flat_map(|part| &part.together).map(locked)
    }

    fn parts(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |part| part.later.get().map(|later| &**later))
    }
}

fn locked(partition: &Mutex<Partition>) -> MutexGuard<'_, Partition> {
    partition.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::BrokerId;

    #[test]
    fn there_may_become_more_and_those_that_are_there_stay() {
        let led_by = |leader: i32| Partition::new(&[BrokerId(leader)], |_| true);
        let partitions = Partitions::new([led_by(1), led_by(2)].into_iter());
        let held = partitions.get(0).unwrap();
        partitions.grow([led_by(3)].into_iter());
        drop(held);
        partitions.grow([led_by(4), led_by(5)].into_iter());
        let leaders: Vec<_> = (0..5).map(|at| partitions.get(at).unwrap().replicas()[0].0).collect();
        assert_eq!(leaders, [1, 2, 3, 4, 5]);
        assert_eq!((partitions.count(), partitions.all().count()), (5, 5));
        assert!(partitions.get(5).is_none());
    }
}
