//! Where each submission stands in the logs. What an aborted transaction has written stands nowhere: it is no copy.

use std::collections::HashMap;

use crate::id::{Offset, TopicPartition};
use crate::trace::{Fate, LogRecord, PartitionLog};

use super::calls::Numbers;
use crate::judge::finding::Place;

/// Records by submission. A record has a number: its place in all logs, one after the other.
#[derive(Debug)]
pub(in crate::judge) struct Standing<'a> {
    logs: &'a [PartitionLog],
    by_partition: HashMap<TopicPartition, usize>,
    /// The number of the first record of each log.
    starts: Vec<u32>,
    /// For each submission the number of its first copy.
    first: Vec<u32>,
    /// Submission and record for every other copy, by submission, then by record.
    later: Vec<(u32, u32)>,
    /// Records that no submission of this run wrote.
    pub(in crate::judge) foreign: u64,
    /// Records that submissions of this run wrote.
    pub(in crate::judge) own: u64,
}

const NOWHERE: u32 = u32::MAX;

impl<'a> Standing<'a> {
    /// Finds all copies.
    pub(in crate::judge) fn of(numbers: &Numbers, logs: &'a [PartitionLog]) -> Self {
        let mut standing = Self {
            logs,
            by_partition: logs.iter().enumerate().map(|(at, log)| (log.partition, at)).collect(),
            starts: Vec::with_capacity(logs.len()),
            first: vec![NOWHERE; numbers.end()],
            later: Vec::new(),
            foreign: 0,
            own: 0,
        };
        let mut record = 0;
        for log in logs {
            standing.starts.push(record);
            for entry in &log.records {
                let own = entry.identity.and_then(|submission| numbers.of(submission));
                if own.is_none() || entry.fate != Fate::Aborted {
                    standing.note(own, record);
                }
                record += 1;
            }
        }
        standing.later.sort_unstable();
        standing
    }

    fn note(&mut self, submission: Option<u32>, record: u32) {
        let Some(number) = submission else {
            self.foreign += 1;
            return;
        };
        self.own += 1;
        let first = &mut self.first[number as usize];
        if *first == NOWHERE {
            *first = record;
        } else {
            self.later.push((number, record));
        }
    }

    /// The first copy of a submission; none where it stands nowhere.
    pub(in crate::judge) fn first(&self, submission: u32) -> Option<u32> {
        let record = self.first[submission as usize];
        (record != NOWHERE).then_some(record)
    }

    /// The other copies of a submission, in the order of the logs.
    pub(in crate::judge) fn later(&self, submission: u32) -> &[(u32, u32)] {
        let from = self.later.partition_point(|(number, _)| *number < submission);
        let to = self.later.partition_point(|(number, _)| *number <= submission);
        &self.later[from..to]
    }

    /// Whether a submission stands more than once.
    pub(in crate::judge) fn is_repeated(&self, submission: u32) -> bool {
        !self.later.is_empty() && !self.later(submission).is_empty()
    }

    /// The submissions that stand more than once, rising.
    pub(in crate::judge) fn repeated(&self) -> impl Iterator<Item = u32> {
        self.later.chunk_by(|a, b| a.0 == b.0).map(|copies| copies[0].0)
    }

    /// All places of a submission, in the order of the logs.
    pub(in crate::judge) fn places(&self, submission: u32) -> Box<[Place]> {
        let later = self.later(submission).iter().map(|(_, record)| *record);
        self.first(submission).into_iter().chain(later).map(|record| self.place(record)).collect()
    }

    /// The place of a record.
    pub(in crate::judge) fn place(&self, record: u32) -> Place {
        let log = self.log_of(record);
        let at = (record - self.starts[log]) as usize;
        Place { partition: self.logs[log].partition, offset: self.logs[log].records[at].offset }
    }

    /// The partition that a record stands in.
    pub(in crate::judge) fn partition(&self, record: u32) -> TopicPartition {
        self.logs[self.log_of(record)].partition
    }

    /// The record at a place, whatever became of it; none where nothing stands there.
    pub(in crate::judge) fn at(&self, partition: TopicPartition, offset: Offset) -> Option<&'a LogRecord> {
        let records = &self.logs[*self.by_partition.get(&partition)?].records;
        // Logs without holes are the rule; then the place is known without a search.
        let first = records.first()?.offset.0;
        let direct = usize::try_from(offset.0.checked_sub(first)?).ok()?;
        match records.get(direct) {
            Some(record) if record.offset == offset => Some(record),
            _ => records.binary_search_by_key(&offset, |record| record.offset).ok().map(|at| &records[at]),
        }
    }

    /// The log that a record stands in.
    pub(in crate::judge) fn log_of(&self, record: u32) -> usize {
        self.starts.partition_point(|start| *start <= record).saturating_sub(1)
    }

    /// The log of a partition.
    pub(in crate::judge) fn log(&self, partition: TopicPartition) -> Option<usize> {
        self.by_partition.get(&partition).copied()
    }
}
