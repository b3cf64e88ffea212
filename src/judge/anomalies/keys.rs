//! Keys that stand in several partitions: `split_key`.

use std::collections::hash_map::{DefaultHasher, Entry};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{Hash as _, Hasher as _};

use crate::id::{Partition, TopicIndex};
use crate::plan::{AnomalyKind, Batch};
use crate::trace::{Fate, PartitionLog};

use super::Found;
use crate::judge::facts::Facts;
use crate::judge::finding::{Detail, Lane, SplitKey, Which};

/// Goes through the topics with records in more than one partition, if they can have keys at all.
pub(super) fn find(facts: &Facts<'_>, found: &mut Found) {
    if !facts.plan.batches.iter().any(Batch::has_keys) {
        return;
    }
    let mut topics = BTreeMap::<TopicIndex, Vec<&PartitionLog>>::new();
    for log in facts.trace.logs.iter().filter(|log| !log.records.is_empty()) {
        topics.entry(log.partition.topic).or_default().push(log);
    }
    for (topic, logs) in topics.into_iter().filter(|(_, logs)| logs.len() > 1) {
        let mut keys = Keys::new(facts);
        for log in logs {
            keys.read(log);
        }
        for (key, split) in keys.split {
            let submission = facts.calls.numbers.submission(split.first);
            let lane = Lane { producer: None, topic, partition: Which::All };
            let detail = SplitKey { key, partitions: split.partitions.into_iter().collect() };
            found.add(lane, AnomalyKind::SplitKey, submission, Detail::Key(Box::new(detail)));
        }
    }
}

/// The keys of one topic.
struct Keys<'a> {
    facts: &'a Facts<'a>,
    /// By the hash of the key, where it stood first and in which submission. The keys themselves would take more room
    /// than everything else; they can be made again.
    first: HashMap<u64, (Partition, u32)>,
    split: BTreeMap<Vec<u8>, Split>,
    /// For the keys of two submissions.
    buffers: [Option<Vec<u8>>; 2],
}

/// A key that stands in several partitions.
struct Split {
    first: u32,
    partitions: BTreeSet<Partition>,
}

impl<'a> Keys<'a> {
    fn new(facts: &'a Facts<'a>) -> Self {
        Self { facts, first: HashMap::new(), split: BTreeMap::new(), buffers: [None, None] }
    }

    fn read(&mut self, log: &PartitionLog) {
        let distinct = self.facts.has_distinct_keys(log.partition.topic);
        for record in log.records.iter().filter(|record| record.fate != Fate::Aborted) {
            let number = record.identity.and_then(|submission| self.facts.calls.numbers.of(submission));
            // A key that no other message has can only be split by a copy.
            let number = number.filter(|number| !distinct || self.facts.standing.is_repeated(*number));
            if let Some(number) = number {
                self.note(number, log.partition.partition);
            }
        }
    }

    fn note(&mut self, number: u32, partition: Partition) {
        let [mine, other] = &mut self.buffers;
        let Some(key) = self.facts.key(number, mine) else { return };
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let (before, first) = match self.first.entry(hasher.finish()) {
            Entry::Vacant(entry) => {
                entry.insert((partition, number));
                return;
            }
            Entry::Occupied(entry) => *entry.get(),
        };
        if before == partition || self.facts.key(first, other) != Some(key) {
            return;
        }
        let new = || Split { first, partitions: BTreeSet::from([before]) };
        let split = self.split.entry(key.to_vec()).or_insert_with(new);
        split.first = split.first.min(number);
        split.partitions.insert(partition);
    }
}
