//! What was said of a submission, and whether it stands: `lost`, `vanished`, `gap`, `failed_but_written`,
//! `unanswered`.

use crate::id::{ProducerIndex, TopicPartition};
use crate::plan::{Action, AnomalyKind};
use crate::trace::{Event, StepEnd};

use super::Found;
use super::order::LastWritten;
use crate::judge::facts::Facts;
use crate::judge::facts::transactions::End;
use crate::judge::finding::{Detail, Lane, Which};
use crate::judge::outcome::{By, Outcome};

/// Goes through the submissions once, by number.
pub(super) fn find(facts: &Facts<'_>, last_written: &LastWritten, found: &mut Found) {
    let closed = closed_too_early(facts);
    for number in facts.calls.numbers.made() {
        let Some(outcome) = facts.outcomes.by_number(number) else { continue };
        let stands = facts.standing.first(number).is_some();
        if outcome == Outcome::Ok && stands {
            continue;
        }
        let lane = facts.lane(number, facts.sent_to(number));
        let producer = lane.producer.unwrap_or_default();
        // What is acknowledged inside a transaction is provisional, and so is what stands there.
        let transaction = facts.transaction(number).map(|(_, end)| end);
        let final_word = transaction.is_none_or(|end| end == End::Committed);
        let kind = match outcome {
            Outcome::Ok if transaction.is_some() => continue,
            Outcome::Ok | Outcome::Failed { .. } if !final_word || facts.is_unseen(number) => continue,
            Outcome::Ok if facts.acknowledged(producer) => AnomalyKind::Lost,
            // Where nobody knows whether all has been read, it may still come.
            Outcome::Ok if facts.trace.settled => AnomalyKind::Vanished,
            Outcome::Failed { .. } if stands => {
                add_written(facts, number, found);
                continue;
            }
            Outcome::Failed { by: By::Callback, .. } if is_gap(facts, last_written, number, lane) => {
                AnomalyKind::Gap
            }
            Outcome::Unknown(None) if closed.contains(&producer) => AnomalyKind::Unanswered,
            _ => continue,
        };
        found.add(lane, kind, facts.calls.numbers.submission(number), Detail::None);
    }
}

fn add_written(facts: &Facts<'_>, number: u32, found: &mut Found) {
    let places = facts.standing.places(number);
    let Some(first) = places.first() else { return };
    let lane = facts.lane_at(number, *first);
    found.add(
        lane,
        AnomalyKind::FailedButWritten,
        facts.calls.numbers.submission(number),
        Detail::At(places),
    );
}

/// Whether one of the same producer that was sent later stands in the partition that this one was sent to, with no other
/// submission of this one's message in front of it.
fn is_gap(facts: &Facts<'_>, last_written: &LastWritten, number: u32, lane: Lane) -> bool {
    let (Some(producer), Which::One(partition)) = (lane.producer, lane.partition) else { return false };
    let log = facts.standing.log(TopicPartition { topic: lane.topic, partition });
    let latest = log.and_then(|log| last_written.get(&(producer, log)));
    let Some(written) = latest.filter(|written| facts.calls.ended_before(number, written.began)) else {
        return false;
    };
    match log.and_then(|log| made_good(facts, number, log)) {
        Some(record) => written.before(record).is_some_and(|began| facts.calls.ended_before(number, began)),
        None => true,
    }
}

/// The first record of a log that is another submission of a message.
fn made_good(facts: &Facts<'_>, number: u32, log: usize) -> Option<u32> {
    let others = facts.calls.numbers.of_message(facts.calls.numbers.submission(number).message);
    let records = others.flat_map(|other| {
        let later = facts.standing.later(other).iter().map(|(_, record)| *record);
        facts.standing.first(other).into_iter().chain(later)
    });
    records.filter(|record| facts.standing.log_of(*record) == log).min()
}

/// The producers that let go while submissions were outstanding.
fn closed_too_early(facts: &Facts<'_>) -> Vec<ProducerIndex> {
    let by_reactions = facts.closed_by_reactions().filter(|(_, in_vain)| *in_vain);
    let let_go = facts.trace.events.others().filter_map(|event| match event {
        Event::StepEnded(step, end) => Some((&facts.plan.steps.get(*step)?.action, *end)),
        _ => None,
    });
    let too_early = |(action, end)| match (action, end) {
        (&Action::Close { producer, .. }, StepEnd::TimedOut(_))
        | (&Action::Close { producer, within: None, .. }, StepEnd::Done) => Some(producer),
        _ => None,
    };
    let_go.filter_map(too_early).chain(by_reactions.map(|(producer, _)| producer)).collect()
}
