//! How many sessions a broker keeps, and which it gives up for others (`FetchSessionCacheShard`).

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use uuid::Uuid;

use crate::broker::node::reader::request::{Asked, Refused};
use crate::broker::node::reader::session::Session;

/// `max.incremental.fetch.session.cache.slots`, shared among `KafkaBroker.NumFetchSessionCacheShards`.
const SLOTS: usize = 1_000 / SHARDS;
const SHARDS: usize = 8;
/// The ids of the sessions of one shard.
const IDS: i32 = i32::MAX / 8;
/// `KafkaBroker.MIN_INCREMENTAL_FETCH_SESSION_EVICTION_MS`.
const EVICTION_MS: i64 = 120_000;

/// Sessions by their ids.
#[derive(Debug, Default)]
pub(super) struct Cache {
    shards: [HashMap<i32, Slot>; SHARDS],
    /// How many sessions were asked for.
    asked: usize,
}

#[derive(Debug)]
struct Slot {
    session: Arc<Mutex<Session>>,
    privileged: bool,
    size: usize,
    created: i64,
    used: i64,
    /// Whether it had been there for long when it was used last.
    old: bool,
}

impl Slot {
    /// The smallest is given up first.
    fn rank(&self) -> (bool, usize) {
        (self.privileged, self.size)
    }
}

impl Cache {
    fn shard(&mut self, id: i32) -> Result<&mut HashMap<i32, Slot>, Refused> {
        // Kafka divides towards zero, and finds no shard beyond the first and the last.
        let index = usize::try_from(id / IDS).map_err(|_| Refused::Unexpected)?;
        self.shards.get_mut(index).ok_or(Refused::Unexpected)
    }

    pub(super) fn get(&mut self, id: i32) -> Result<Option<Arc<Mutex<Session>>>, Refused> {
        Ok(self.shard(id)?.get(&id).map(|slot| Arc::clone(&slot.session)))
    }

    pub(super) fn remove(&mut self, id: i32) -> Result<(), Refused> {
        self.shard(id)?.remove(&id);
        Ok(())
    }

    /// Notes that a session is used.
    pub(super) fn touch(&mut self, id: i32, session: &Session, now: i64) {
        if let Some(slot) = self.shard(id).ok().and_then(|shard| shard.get_mut(&id)) {
            (slot.used, slot.size) = (now, session.len());
            slot.old = now - slot.created > EVICTION_MS;
        }
    }

    /// Makes a session, if there is room for it; its id.
    pub(super) fn grant(
        &mut self,
        asked: Asked,
        size: usize,
        now: i64,
        make: impl FnOnce() -> Session,
    ) -> Option<i32> {
        let index = self.asked % SHARDS;
        self.asked = self.asked.wrapping_add(1);
        let shard = &mut self.shards[index];
        if shard.len() >= SLOTS {
            let given_up = evictable(shard, (asked.privileged, size), now)?;
            shard.remove(&given_up);
        }
        let first = i32::try_from(index).unwrap_or(0) * IDS;
        let id = loop {
            let random =
                i32::try_from(Uuid::new_v4().as_u128() % u128::from(IDS.unsigned_abs())).unwrap_or(0);
            let id = (first + random).max(1);
            if !shard.contains_key(&id) {
                break id;
            }
        };
        let session = make();
        let (privileged, size) = (session.privileged, session.len());
        let session = Arc::new(Mutex::new(session));
        shard.insert(id, Slot { session, privileged, size, created: now, used: now, old: false });
        Some(id)
    }
}

/// Who is given up for a new session: one that was not used for long, or the smallest of those that may be
/// (`tryEvict`).
fn evictable(shard: &HashMap<i32, Slot>, (privileged, size): (bool, usize), now: i64) -> Option<i32> {
    let (stale, slot) = shard.iter().min_by_key(|(id, slot)| (slot.used, **id))?;
    if now - slot.used > EVICTION_MS {
        return Some(*stale);
    }
    let candidates = shard.iter().filter(|(_, slot)| slot.old || (privileged && !slot.privileged));
    let (id, slot) = candidates.min_by_key(|(id, slot)| (slot.rank(), **id))?;
    (slot.rank() < (privileged, size)).then_some(*id)
}
