//! In which order records stand: `reordered`, `replayed`.

use std::collections::{HashMap, HashSet};

use crate::id::ProducerIndex;
use crate::plan::AnomalyKind;
use crate::trace::{Fate, LogRecord, PartitionLog};

use super::{Found, paired, unpaired};
use crate::judge::facts::Facts;
use crate::judge::finding::{Detail, Lane, Which};

/// For each producer and log, what was sent last of those that stand there.
pub(super) type LastWritten = HashMap<(ProducerIndex, usize), Written>;

/// What was sent last of the submissions of a producer that stand in a log.
#[derive(Clone, Debug, Default)]
pub(super) struct Written {
    /// When its call began.
    pub(super) began: u32,
    /// Where messages are submitted more than once: each record that was sent later than all in front of it, and when.
    rises: Vec<(u32, u32)>,
}

impl Written {
    /// When the call began that was sent last of those in front of a record; none where none stands there.
    pub(super) fn before(&self, record: u32) -> Option<u32> {
        let behind = self.rises.partition_point(|(rise, _)| *rise < record);
        self.rises[..behind].last().map(|(_, began)| *began)
    }
}

/// Goes through each log once. What stands behind a record that was sent later is known from the latest one so far.
pub(super) fn find(facts: &Facts<'_>, found: &mut Found) -> LastWritten {
    let mut last_written = LastWritten::new();
    let mut record = 0;
    for (at, log) in facts.trace.logs.iter().enumerate() {
        let mut reader = Reader::new(facts, at, record);
        log.records.iter().for_each(|entry| reader.read(entry));
        record = reader.record;
        for (latest, producer) in reader.latest.iter().zip(0..) {
            if let Some(latest) = latest {
                let began = facts.calls.began(*latest);
                let rises = reader.rises.remove(&producer).unwrap_or_default();
                last_written.insert((ProducerIndex(producer), at), Written { began, rises });
            }
        }
        reader.behind.sort_unstable();
        for pair in reader.behind {
            let (number, after) = unpaired(pair);
            let lane = lane_of(facts, log, number);
            let detail = Detail::After(facts.calls.numbers.submission(after));
            found.add(lane, AnomalyKind::Reordered, facts.calls.numbers.submission(number), detail);
        }
        for (number, copy, after) in reader.copies_behind {
            let offset = facts.standing.place(copy).offset;
            let detail = Detail::CopyAfter(offset, facts.calls.numbers.submission(after));
            let lane = lane_of(facts, log, number);
            found.add(lane, AnomalyKind::Replayed, facts.calls.numbers.submission(number), detail);
        }
    }
    last_written
}

fn lane_of(facts: &Facts<'_>, log: &PartitionLog, number: u32) -> Lane {
    let lane = facts.lane(number, Which::One(log.partition.partition));
    Lane { topic: log.partition.topic, ..lane }
}

/// One log, record by record.
struct Reader<'a> {
    facts: &'a Facts<'a>,
    log: usize,
    /// The number of the next record.
    record: u32,
    /// For each producer the submission so far that was sent last.
    latest: Vec<Option<u32>>,
    /// For each producer when that was sent and where it stands, each time that it was another one.
    rises: HashMap<u16, Vec<(u32, u32)>>,
    /// Submissions of which the first copy of all stands in an earlier log, and one in this.
    from_elsewhere: HashSet<u32>,
    /// First copies, and the latest that they stand behind.
    behind: Vec<u64>,
    /// Other copies: submission, record, and the latest that it stands behind.
    copies_behind: Vec<(u32, u32, u32)>,
}

impl<'a> Reader<'a> {
    fn new(facts: &'a Facts<'a>, log: usize, record: u32) -> Self {
        let (latest, rises) = (vec![None; facts.plan.producers.len()], HashMap::new());
        let (from_elsewhere, behind, copies_behind) = (HashSet::new(), Vec::new(), Vec::new());
        Self { facts, log, record, latest, rises, from_elsewhere, behind, copies_behind }
    }

    fn read(&mut self, entry: &LogRecord) {
        let record = self.record;
        self.record += 1;
        let calls = &self.facts.calls;
        let identity = entry.identity.filter(|_| entry.fate != Fate::Aborted);
        let Some(number) = identity.and_then(|submission| calls.numbers.of(submission)) else { return };
        let first_here = self.is_first(number, record);
        let producer = self.facts.batch(number).map_or(ProducerIndex(0), |batch| batch.producer);
        let Some(entry) = self.latest.get_mut(producer.index()) else { return };
        let is_first = entry.is_none();
        let latest = *entry.get_or_insert(number);
        let began = calls.began(latest);
        if (is_first || calls.began(number) > began) && !calls.numbers.later().is_empty() {
            self.rises.entry(producer.0).or_default().push((record, calls.began(number)));
        }
        if calls.ended_before(number, began) {
            if first_here {
                self.behind.push(paired(number, latest));
            } else {
                self.copies_behind.push((number, record, latest));
            }
        } else if calls.began(number) > began {
            *entry = Some(number);
        }
    }

    /// Whether no earlier record of this log is a copy of that submission.
    fn is_first(&mut self, number: u32, record: u32) -> bool {
        match self.facts.standing.first(number) {
            Some(first) if first == record => true,
            Some(first) if self.facts.standing.log_of(first) == self.log => false,
            _ => self.from_elsewhere.insert(number),
        }
    }
}
