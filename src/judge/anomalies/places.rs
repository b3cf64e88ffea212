//! Where records stand, and what they are: `duplicated`, `resent_duplicate`, `corrupted`, `misplaced`.

use std::collections::HashMap;

use crate::id::{MessageId, Submission, TopicIndex};
use crate::plan::AnomalyKind;
use crate::trace::{Content, Fate, PartitionLog};

use super::Found;
use crate::judge::facts::Facts;
use crate::judge::finding::{Detail, Lane, Place, Which};

/// Goes through what stands more than once, then through all records.
pub(super) fn find(facts: &Facts<'_>, found: &mut Found) {
    duplicated(facts, found);
    resent(facts, found);
    facts.trace.logs.iter().for_each(|log| wrong(facts, log, found));
}

fn duplicated(facts: &Facts<'_>, found: &mut Found) {
    for number in facts.standing.repeated() {
        let places = facts.standing.places(number);
        let Some(first) = places.first() else { continue };
        let lane = facts.lane_at(number, *first);
        let submission = facts.calls.numbers.submission(number);
        found.add(lane, AnomalyKind::Duplicated, submission, Detail::At(places));
    }
}

/// Later submissions are few, so their messages are looked at one by one.
fn resent(facts: &Facts<'_>, found: &mut Found) {
    let mut standing: HashMap<MessageId, Vec<(u32, u32)>> = HashMap::new();
    let numbers = &facts.calls.numbers;
    let firsts = numbers.later().filter_map(|number| {
        let message = numbers.submission(number).message;
        numbers.of(Submission::first(message))
    });
    for number in numbers.later().chain(firsts) {
        if let Some(record) = facts.standing.first(number) {
            let message = numbers.submission(number).message;
            standing.entry(message).or_default().push((record, number));
        }
    }
    for mut copies in standing.into_values() {
        copies.sort_unstable();
        copies.dedup();
        let [(record, first), others @ ..] = copies.as_slice() else { continue };
        let lane = facts.lane_at(*first, facts.standing.place(*record));
        for (_, other) in others {
            let detail = Detail::With(facts.calls.numbers.submission(*other));
            let submission = facts.calls.numbers.submission(*first);
            found.add(lane, AnomalyKind::ResentDuplicate, submission, detail);
        }
    }
}

/// What differs from what was sent, or stands where it was not sent to.
fn wrong(facts: &Facts<'_>, log: &PartitionLog, found: &mut Found) {
    for record in log.records.iter().filter(|record| record.fate != Fate::Aborted) {
        let Some(number) = record.identity.and_then(|submission| facts.calls.numbers.of(submission)) else {
            continue;
        };
        let submission = facts.calls.numbers.submission(number);
        let place = Place { partition: log.partition, offset: record.offset };
        if record.content == Content::Differs {
            let detail = Detail::At([place].into());
            found.add(facts.lane_at(number, place), AnomalyKind::Corrupted, submission, detail);
        }
        if let Some((topic, which)) = sent_elsewhere(facts, number, place) {
            let detail = Detail::Instead(record.offset, topic, which);
            found.add(facts.lane_at(number, place), AnomalyKind::Misplaced, submission, detail);
        }
    }
}

/// Where a submission was sent, unless that is where it stands.
fn sent_elsewhere(facts: &Facts<'_>, number: u32, stands: Place) -> Option<(TopicIndex, Which)> {
    let partition = facts.sent_to(number);
    let Lane { topic, partition: which, .. } = facts.lane(number, partition);
    let here = partition.is_none_or(|partition| partition == stands.partition.partition);
    (topic != stands.partition.topic || !here).then_some((topic, which))
}
