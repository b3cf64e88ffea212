//! Ids of producers: each broker gives them out of blocks of its own, which the controller hands to it
//! (`RPCProducerIdManager`, `ProducerIdControlManager`).

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::id::BrokerId;

/// How many ids a block has (`ProducerIdsBlock.PRODUCER_ID_BLOCK_SIZE`).
const BLOCK: i64 = 1_000;

/// Who gives out which ids next.
#[derive(Debug, Default)]
pub(super) struct ProducerIds(Mutex<Blocks>);

#[derive(Debug, Default)]
struct Blocks {
    /// Where the next block begins.
    next: i64,
    /// What is left of the blocks of brokers.
    left: HashMap<BrokerId, Range<i64>>,
}

impl ProducerIds {
    /// An id that nobody has had.
    pub(super) fn next(&self, broker: BrokerId) -> i64 {
        let mut blocks = self.lock();
        if let Some(id) = blocks.left.get_mut(&broker).and_then(Iterator::next) {
            return id;
        }
        let first = blocks.next;
        let behind = first + BLOCK;
        blocks.next = behind;
        blocks.left.insert(broker, first + 1..behind);
        first
    }

    /// What a broker has left is lost when it ends.
    pub(super) fn forget(&self, broker: BrokerId) {
        self.lock().left.remove(&broker);
    }

    fn lock(&self) -> MutexGuard<'_, Blocks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_has_blocks_of_its_own_and_a_new_one_when_it_starts_again() {
        let ids = ProducerIds::default();
        let take = |broker: i32| ids.next(BrokerId(broker));
        assert_eq!([take(1), take(2), take(1), take(2)], [0, 1_000, 1, 1_001]);
        for id in 2..1_000 {
            assert_eq!(take(1), id);
        }
        assert_eq!([take(1), take(2)], [2_000, 1_002]);
        ids.forget(BrokerId(2));
        assert_eq!([take(2), take(1)], [3_000, 2_001]);
    }
}
