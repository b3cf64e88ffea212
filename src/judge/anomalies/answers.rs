//! What callbacks say: `wrong_offset`, `no_offset`, `callbacks_reordered`, `answered_twice`.

use std::collections::{HashMap, HashSet};

use crate::id::{Offset, TopicPartition};
use crate::plan::AnomalyKind;
use crate::trace::Callback;

use super::Found;
use crate::judge::facts::Facts;
use crate::judge::finding::{Detail, Lane, Stands, Which};

/// Goes through the callbacks in their order.
pub(super) fn find(facts: &Facts<'_>, found: &mut Found) {
    let twice = answered_twice(facts, found);
    // What is said of one submission in the same words several times is one mistake.
    let mut said = HashSet::new();
    let mut offsets = Offsets::default();
    for (number, callback) in facts.callbacks().filter(|(_, callback)| callback.result.is_ok()) {
        let lane = facts.lane(number, callback.partition);
        let offset = callback.offset.filter(|_| callback.partition.is_some());
        if !twice.contains(&number) || said.insert((number, callback.partition, offset)) {
            check_offset(facts, lane, number, &callback, found);
        }
        offsets.hear(Lane { producer: Some(callback.producer), ..lane }, number, &callback);
    }
    let submission = |number| facts.calls.numbers.submission(number);
    for (lane, mut lower) in offsets.lower {
        lower.sort_unstable();
        lower.dedup();
        for (number, after) in lower {
            let detail = Detail::After(submission(after));
            found.add(lane, AnomalyKind::CallbacksReordered, submission(number), detail);
        }
    }
}

/// Compares the offset that an acknowledgement names with what stands there.
fn check_offset(facts: &Facts<'_>, lane: Lane, number: u32, callback: &Callback, found: &mut Found) {
    let (Which::One(partition), Some(offset)) = (lane.partition, callback.offset) else {
        if lane.producer.is_none_or(|producer| facts.acknowledged(producer)) {
            found.add(lane, AnomalyKind::NoOffset, callback.submission, Detail::None);
        }
        return;
    };
    let stands = match facts.standing.at(TopicPartition { topic: lane.topic, partition }, offset) {
        None => Stands::Nothing,
        Some(record) => match record.identity.and_then(|other| facts.calls.numbers.of(other)) {
            None => Stands::Foreign,
            Some(other) if other == number => return,
            Some(other) => Stands::Record(facts.calls.numbers.submission(other)),
        },
    };
    found.add(lane, AnomalyKind::WrongOffset, callback.submission, Detail::Said(offset, stands));
}

/// The submissions with more than one callback.
fn answered_twice(facts: &Facts<'_>, found: &mut Found) -> HashSet<u32> {
    let mut once = vec![false; facts.calls.numbers.end()];
    let mut twice = HashSet::new();
    for (number, callback) in facts.callbacks() {
        if std::mem::replace(&mut once[number as usize], true) && twice.insert(number) {
            let lane = facts.lane(number, callback.partition);
            found.add(lane, AnomalyKind::AnsweredTwice, callback.submission, Detail::None);
        }
    }
    twice
}

/// The offsets of acknowledgements in each lane, in the order of callbacks.
#[derive(Default)]
struct Offsets {
    highest: HashMap<Lane, (Offset, u32)>,
    /// Submissions with a lower offset than one before, and the submission with the highest before it.
    lower: HashMap<Lane, Vec<(u32, u32)>>,
}

impl Offsets {
    fn hear(&mut self, lane: Lane, number: u32, callback: &Callback) {
        let (Which::One(_), Some(offset)) = (lane.partition, callback.offset) else { return };
        let highest = self.highest.entry(lane).or_insert((offset, number));
        if offset < highest.0 {
            self.lower.entry(lane).or_default().push((number, highest.1));
        } else if offset > highest.0 {
            *highest = (offset, number);
        }
    }
}
