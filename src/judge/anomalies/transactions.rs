//! What became of transactions: `aborted_visible`, `committed_missing`, `torn`, `hanging`.

use std::collections::HashSet;

use crate::plan::AnomalyKind;
use crate::trace::{Fate, LogRecord, PartitionLog};

use super::Found;
use crate::judge::facts::Facts;
use crate::judge::facts::transactions::End;
use crate::judge::finding::{Detail, Lane, Place};
use crate::judge::outcome::Outcome;

/// Goes through the records, then through the submissions.
pub(super) fn find(facts: &Facts<'_>, found: &mut Found) {
    if facts.transactions.is_empty() {
        return;
    }
    let mut readable = Readable::default();
    for log in &facts.trace.logs {
        log.records.iter().for_each(|record| readable.read(facts, log, record, found));
    }
    readable.missing(facts, found);
}

/// What a consumer of committed records reads.
#[derive(Default)]
struct Readable {
    submissions: HashSet<u32>,
    /// Transactions of which it reads something.
    transactions: HashSet<u32>,
}

impl Readable {
    fn read(&mut self, facts: &Facts<'_>, log: &PartitionLog, record: &LogRecord, found: &mut Found) {
        let Some(number) = record.identity.and_then(|one| facts.calls.numbers.of(one)) else { return };
        let Some((transaction, end)) = facts.transaction(number) else { return };
        let kind = match record.fate {
            Fate::Aborted => return,
            Fate::Open => AnomalyKind::Hanging,
            Fate::Readable => {
                self.submissions.insert(number);
                self.transactions.insert(transaction);
                if end != End::NotCommitted {
                    return;
                }
                AnomalyKind::AbortedVisible
            }
        };
        let place = Place { partition: log.partition, offset: record.offset };
        let submission = facts.calls.numbers.submission(number);
        found.add(facts.lane_at(number, place), kind, submission, Detail::At([place].into()));
    }

    /// What was acknowledged and is not read.
    fn missing(&self, facts: &Facts<'_>, found: &mut Found) {
        for number in facts.calls.numbers.made() {
            let Some((transaction, end)) = facts.transaction(number) else { continue };
            let acknowledged = facts.outcomes.by_number(number) == Some(Outcome::Ok);
            if !acknowledged || self.submissions.contains(&number) || facts.is_unseen(number) {
                continue;
            }
            let (lane, submission) = (lane_of(facts, number), facts.calls.numbers.submission(number));
            if end == End::Committed {
                found.add(lane, AnomalyKind::CommittedMissing, submission, Detail::None);
            }
            if self.transactions.contains(&transaction) {
                found.add(lane, AnomalyKind::Torn, submission, Detail::None);
            }
        }
    }
}

/// Where it stands in an open transaction, or where it was sent to.
fn lane_of(facts: &Facts<'_>, number: u32) -> Lane {
    match facts.standing.first(number) {
        Some(record) => facts.lane_at(number, facts.standing.place(record)),
        None => facts.lane(number, facts.sent_to(number)),
    }
}
