//! A session: what its reader wants, and what it was told (`FetchSession`).

use std::collections::{BTreeMap, HashMap};

use kafka_protocol::messages::TopicName;
use kafka_protocol::messages::fetch_response::PartitionData;
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use crate::broker::node::reader::request::{Asked, Key, Wanted};

/// A partition with what is answered of it.
pub(in crate::broker) type Answered = (Key, PartitionData);

/// What a reader asked for last, and what it was told.
#[derive(Debug)]
struct Cached {
    wanted: Wanted,
    high_watermark: i64,
    log_start: i64,
    /// Rises with those that stand behind it.
    turn: u64,
}

/// The memory of one reader.
#[derive(Debug)]
pub(in crate::broker) struct Session {
    /// What its next request must say.
    pub epoch: i32,
    /// Topics have ids.
    pub by_id: bool,
    /// It belongs to a replica.
    pub privileged: bool,
    partitions: HashMap<Key, Cached>,
    order: BTreeMap<u64, Key>,
    next_turn: u64,
}

impl Session {
    /// A session of what was answered to the first request.
    pub(super) fn new(asked: Asked, wanted: &[Wanted], answered: &[Answered]) -> Self {
        let mut session = Self {
            epoch: 1,
            by_id: asked.by_id,
            privileged: asked.privileged,
            partitions: HashMap::new(),
            order: BTreeMap::new(),
            next_turn: 0,
        };
        let rows: HashMap<_, _> = wanted.iter().map(|row| (&row.key, row)).collect();
        for (key, data) in answered {
            if let Some(row) = rows.get(key) {
                session.insert(row, (data.high_watermark, data.log_start_offset));
            }
        }
        session
    }

    pub(super) fn len(&self) -> usize {
        self.partitions.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.partitions.is_empty()
    }

    /// What is kept is copied: a name is a slice of the request, which would be kept with it.
    fn insert(&mut self, row: &Wanted, (high_watermark, log_start): (i64, i64)) {
        let owned = |name: &TopicName| TopicName(StrBytes::from_string(name.to_string()));
        let key = Key { topic: owned(&row.key.topic), ..row.key };
        let wanted = Wanted { key: key.clone(), name: row.name.as_ref().map(owned), ..*row };
        let turn = self.next_turn;
        self.next_turn += 1;
        self.order.insert(turn, key.clone());
        self.partitions.insert(key, Cached { wanted, high_watermark, log_start, turn });
    }

    /// Adds what is new, changes what is known, and forgets.
    pub(super) fn update(&mut self, rows: &[Wanted], forgotten: &[Key]) {
        for row in rows {
            if let Some(known) = self.partitions.get_mut(&row.key) {
                let key = known.wanted.key.clone();
                known.wanted = Wanted { key, name: known.wanted.name.clone(), ..*row };
            } else {
                self.insert(row, (-1, -1));
            }
        }
        for key in forgotten {
            if let Some(gone) = self.partitions.remove(key) {
                self.order.remove(&gone.turn);
            }
        }
    }

    /// All that its reader wants, in order.
    pub(super) fn wanted(&mut self, resolve: &dyn Fn(Uuid) -> Option<TopicName>) -> Vec<Wanted> {
        let mut all = Vec::with_capacity(self.order.len());
        for key in self.order.values() {
            if let Some(known) = self.partitions.get_mut(key) {
                if self.by_id && known.wanted.name.is_none() {
                    known.wanted.name = resolve(known.wanted.key.id);
                }
                all.push(known.wanted.clone());
            }
        }
        all
    }

    /// Leaves of an answer what is new to its reader. Those that have brought records have their next turn last.
    pub(super) fn select(&mut self, answered: &mut Vec<Answered>) {
        answered.retain(|(key, data)| {
            let Some(known) = self.partitions.get_mut(key) else { return false };
            let is_new = known.learn(data);
            if data.records.as_ref().is_some_and(|records| !records.is_empty()) {
                self.order.remove(&known.turn);
                known.turn = self.next_turn;
                self.order.insert(known.turn, known.wanted.key.clone());
                self.next_turn += 1;
            }
            is_new
        });
    }
}

impl Cached {
    /// Whether the reader must be told (`CachedPartition.maybeUpdateResponseData`).
    fn learn(&mut self, data: &PartitionData) -> bool {
        let told = (self.high_watermark, self.log_start);
        let failed = data.error_code != 0;
        self.high_watermark = if failed { -1 } else { data.high_watermark };
        self.log_start = data.log_start_offset;
        failed
            || told != (data.high_watermark, data.log_start_offset)
            || data.records.as_ref().is_some_and(|records| !records.is_empty())
            || data.diverging_epoch.epoch >= 0
    }
}
