//! What callbacks say: `wrong_offset`, `no_offset`, `callbacks_reordered`, `answered_twice`.

use std::collections::{HashMap, HashSet};

use crate::id::{Offset, TopicPartition};
use crate::plan::AnomalyKind;
use crate::trace::Callback;

use super::{Found, paired, unpaired};
use crate::judge::facts::Facts;
use crate::judge::finding::{Detail, Lane, Stands, Which};

/// Goes through the callbacks in their order.
pub(super) fn find(facts: &Facts<'_>, found: &mut Found) {
    answered_twice(facts, found);
    // What is said of one submission in the same words several times is one mistake.
    let mut said = HashSet::new();
    let mut offsets = Offsets::default();
    for (number, callback) in facts.callbacks().filter(|(_, callback)| callback.result.is_ok()) {
        let lane = facts.lane(number, callback.partition);
        let offset = callback.offset.filter(|_| callback.partition.is_some());
        if !facts.twice.contains(&number) || said.insert((number, callback.partition, offset)) {
            check_offset(facts, lane, number, &callback, found);
        }
        offsets.hear(Lane { producer: Some(callback.producer), ..lane }, number, &callback);
    }
    let submission = |number| facts.calls.numbers.submission(number);
    for (lane, offsets) in offsets.lanes {
        let mut lower = offsets.lower;
        lower.sort_unstable();
        lower.dedup();
        for (number, after) in lower.into_iter().map(unpaired) {
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
    if facts.is_unseen_at(TopicPartition { topic: lane.topic, partition }, offset) {
        return;
    }
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

/// In the lane of the second callback.
fn answered_twice(facts: &Facts<'_>, found: &mut Found) {
    if facts.twice.is_empty() {
        return;
    }
    let mut heard = HashMap::<u32, u32>::new();
    for (number, callback) in facts.callbacks().filter(|(number, _)| facts.twice.contains(number)) {
        let times = heard.entry(number).or_default();
        *times += 1;
        if *times == 2 {
            let lane = facts.lane(number, callback.partition);
            found.add(lane, AnomalyKind::AnsweredTwice, callback.submission, Detail::None);
        }
    }
}

/// The offsets of acknowledgements, lane by lane, in the order of callbacks.
#[derive(Default)]
struct Offsets {
    lanes: Vec<(Lane, Heard)>,
    places: HashMap<Lane, usize>,
    /// The lane of the last one: mostly the next one has the same.
    last: usize,
}

#[derive(Default)]
struct Heard {
    highest: Option<(Offset, u32)>,
    /// Submissions with a lower offset than one before, each with the submission that had the highest before it.
    lower: Vec<u64>,
}

impl Offsets {
    fn hear(&mut self, lane: Lane, number: u32, callback: &Callback) {
        let (Which::One(_), Some(offset)) = (lane.partition, callback.offset) else { return };
        let heard = self.lane(lane);
        match heard.highest {
            Some((highest, after)) if offset < highest => heard.lower.push(paired(number, after)),
            Some((highest, _)) if offset == highest => {}
            _ => heard.highest = Some((offset, number)),
        }
    }

    fn lane(&mut self, lane: Lane) -> &mut Heard {
        if self.lanes.get(self.last).is_none_or(|(known, _)| *known != lane) {
            self.last = *self.places.entry(lane).or_insert_with(|| {
                self.lanes.push((lane, Heard::default()));
                self.lanes.len() - 1
            });
        }
        &mut self.lanes[self.last].1
    }
}
