//! Beside which request a record stands.
//!
//! No broker says when it wrote a record. Of the requests that carried it, those that were refused before the append, or
//! did not reach a broker, are no candidates; the copies of a record belong to the others in their order. A record stands
//! at the latest beside what is behind it in its log.

use std::collections::HashMap;

use crate::fault::{Action, Phase, codes};
use crate::id::{FaultIndex, ProducerIndex, Submission, TopicPartition};
use crate::judge::Which;
use crate::kafka::ErrorCode;
use crate::trace::{Answer, Fate, LogRecord, Moment, PartitionLog, Passed, PassedRow};

use super::{Entry, Layout, Tone, When, Words, at};
use kafka_protocol::messages::ApiKey;

/// Behind everything.
const END: When = (u64::MAX, true, 0);

/// Where the copies of each submission may have been written, the last one first.
type Candidates = HashMap<(TopicPartition, Submission), Vec<When>>;

impl Layout<'_> {
    /// What stands in the logs, and the heads of all columns.
    pub(super) fn logs(&self) -> (Vec<(When, Entry)>, Vec<String>) {
        let mut columns = vec!["application".to_owned(), "requests".to_owned()];
        let mut candidates = self.candidates();
        let mut ends = self.ends();
        let mut entries = Vec::new();
        for log in self.trace.logs.iter().filter(|log| !(log.records.is_empty() && log.markers.is_empty())) {
            let column = columns.len();
            columns.push(self.partition(log.partition.topic, Which::One(log.partition.partition)));
            let mut of_log = self.items(log, column, &mut candidates, &mut ends);
            let mut latest = END;
            for (when, _) in of_log.iter_mut().rev() {
                *when = latest.min(*when);
                latest = *when;
            }
            entries.extend(of_log);
        }
        (entries, columns)
    }

    /// Records and markers by offset.
    fn items(
        &self,
        log: &PartitionLog,
        column: usize,
        candidates: &mut Candidates,
        ends: &mut HashMap<ProducerIndex, Vec<When>>,
    ) -> Vec<(When, Entry)> {
        let mut items = Vec::new();
        for record in &log.records {
            let when = record
                .identity
                .and_then(|submission| candidates.get_mut(&(log.partition, submission))?.pop());
            items.push((record.offset, when.unwrap_or(END), self.record(record, column)));
        }
        for marker in &log.markers {
            let end = marker.producer.and_then(|producer| ends.get_mut(&producer)?.pop());
            let word = if marker.committed { "·commit" } else { "·abort" };
            let words = Words::plain(format!("{word} @{}", marker.offset));
            items.push((marker.offset, end.unwrap_or(END), Entry { column, words, tone: Tone::Plain }));
        }
        items.sort_by_key(|(offset, ..)| *offset);
        items.into_iter().map(|(_, when, entry)| (when, entry)).collect()
    }

    fn record(&self, record: &LogRecord, column: usize) -> Entry {
        let before = match record.fate {
            Fate::Readable => "",
            Fate::Aborted => "~",
            Fate::Open => "…",
        };
        if let Some(submission) = record.identity {
            let tone = self.tone(std::iter::once(submission));
            return Entry::one(column, before, submission, Some(record.offset.0), tone);
        }
        let words = Words::plain(format!("{before}foreign @{}", record.offset));
        Entry { column, words, tone: Tone::Plain }
    }

    fn candidates(&self) -> Candidates {
        let mut candidates = Candidates::new();
        for passed in self.trace.link.passed.iter().rev().filter(|passed| passed.api == Some(ApiKey::Produce))
        {
            for row in passed.rows.iter().filter(|row| self.may_be_written(passed, row)) {
                let (Some(topic), Some(partition)) = (row.topic, row.partition) else { continue };
                let when = shown(passed);
                for submission in row.submissions.iter() {
                    candidates
                        .entry((TopicPartition { topic, partition }, submission))
                        .or_default()
                        .push(when);
                }
            }
        }
        candidates
    }

    /// When each producer asked for the ends of its transactions, the last one first.
    fn ends(&self) -> HashMap<ProducerIndex, Vec<When>> {
        let mut ends = HashMap::<_, Vec<When>>::new();
        for passed in self.trace.link.passed.iter().rev().filter(|passed| passed.api == Some(ApiKey::EndTxn))
        {
            let fine = |row: &PassedRow| row.answer == Answer::Code(ErrorCode::NONE);
            if passed.rows.iter().all(fine) {
                ends.entry(passed.producer).or_default().push(shown(passed));
            }
        }
        ends
    }

    fn may_be_written(&self, passed: &Passed, row: &PassedRow) -> bool {
        let action = passed
            .touched
            .filter(|_| row.touched)
            .and_then(|touched| self.action(touched.fault, touched.firing));
        match (action, row.answer) {
            (Some(Action::DisconnectBefore | Action::DropRequest | Action::TruncateRequest(_)), _) => false,
            (Some(Action::Fail(fail)), _) => fail.phase == Phase::After,
            (_, Answer::Code(code)) => {
                codes::phases(ApiKey::Produce, code) != Ok(codes::Phases::Only(Phase::Before))
            }
            _ => true,
        }
    }

    fn action(&self, fault: FaultIndex, firing: u32) -> Option<&Action> {
        let firings = &self.plan.faults.get(fault.index())?.firings;
        let at = usize::try_from(firing).ok()?.checked_sub(1)?;
        firings.get(at).or(firings.last()).map(|firing| &firing.action)
    }
}

/// Where the answer of a request is shown, or the request that has none.
fn shown(passed: &Passed) -> When {
    let moment: Moment = passed.answered.unwrap_or(passed.came);
    at(moment)
}
