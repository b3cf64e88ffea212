//! What every judgement starts from: the calls, where each submission stands, and what was said of it.

use std::collections::HashMap;

use crate::id::{Partition, ProducerIndex, TopicIndex, TopicPartition};
use crate::plan::{Batch, Plan, Producer};
use crate::trace::{Callback, Event, Trace};

use super::calls::Calls;
use super::finding::{Lane, Place, Resolved, Which, continues};
use super::outcome::{Outcome, Outcomes};
use super::standing::Standing;

/// A run, ready to be asked.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    pub(super) plan: &'a Plan,
    pub(super) trace: &'a Trace,
    pub(super) calls: Calls,
    pub(super) standing: Standing<'a>,
    pub(super) outcomes: Outcomes,
    /// Where submissions were sent, for those of which anything depends on it: not acknowledged, not in the logs, more
    /// than once in them, or elsewhere. It is what the first callback with a partition says.
    sent_to: HashMap<u32, Partition>,
    /// For each producer whether it asks brokers to acknowledge.
    acknowledged: Vec<bool>,
}

impl<'a> Facts<'a> {
    pub(super) fn of(plan: &'a Plan, trace: &'a Trace) -> Self {
        let calls = Calls::of(&trace.events, plan.messages());
        let standing = Standing::of(&calls.numbers, &trace.logs);
        let outcomes = Outcomes::of(&calls.numbers, &trace.events);
        let acknowledged = plan.producers.iter().map(|producer| !without_acks(producer)).collect();
        let sent_to = HashMap::new();
        let mut facts = Self { plan, trace, calls, standing, outcomes, sent_to, acknowledged };
        facts.sent_to = facts.find_destinations();
        facts
    }

    fn find_destinations(&self) -> HashMap<u32, Partition> {
        let mut sent_to = HashMap::new();
        let mut named = vec![false; self.calls.numbers.end()];
        for (number, callback) in self.callbacks() {
            if let Some(partition) = callback.partition
                && !std::mem::replace(&mut named[number as usize], true)
                && !self.is_plain(number, partition)
            {
                sent_to.insert(number, partition);
            }
        }
        sent_to
    }

    /// Whether a submission was acknowledged, and stands once, where it was sent.
    fn is_plain(&self, number: u32, partition: Partition) -> bool {
        let Some(first) = self.standing.first(number) else { return false };
        let topic = self.lane(number, Which::Unknown).topic;
        self.outcomes.by_number(number) == Some(Outcome::Ok)
            && !self.standing.is_repeated(number)
            && self.standing.place(first).partition == TopicPartition { topic, partition }
    }

    /// The partition that a submission was sent to; none where nobody named it or nothing depends on it.
    pub(super) fn sent_to(&self, number: u32) -> Option<Partition> {
        self.sent_to.get(&number).copied()
    }

    /// The batch that a submission belongs to. Numbers are given to messages of the plan alone.
    pub(super) fn batch(&self, number: u32) -> Option<&'a Batch> {
        self.plan.batch_of(self.calls.numbers.submission(number).message)
    }

    /// The submission's lane, in that partition.
    pub(super) fn lane(&self, number: u32, partition: impl Into<Which>) -> Lane {
        let (producer, topic) = self
            .batch(number)
            .map_or((ProducerIndex(0), TopicIndex(0)), |batch| (batch.producer, batch.topic));
        Lane { producer: Some(producer), topic, partition: partition.into() }
    }

    /// The submission's lane where a copy of it stands.
    pub(super) fn lane_at(&self, number: u32, place: Place) -> Lane {
        let TopicPartition { topic, partition } = place.partition;
        Lane { topic, ..self.lane(number, Some(partition)) }
    }

    /// Whether an acknowledgement of this producer comes from a broker (acks ≠ 0).
    pub(super) fn acknowledged(&self, producer: ProducerIndex) -> bool {
        self.acknowledged.get(producer.index()).copied().unwrap_or(true)
    }

    /// The callbacks in their order, with the numbers of their submissions.
    pub(super) fn callbacks(&self) -> impl Iterator<Item = (u32, Callback)> {
        self.trace.events.iter().filter_map(|event| match event {
            Event::Callback(callback) => Some((self.calls.numbers.of(callback.submission)?, callback)),
            _ => None,
        })
    }

    /// The unknown submissions, and what the logs say of them.
    pub(super) fn resolved(&self) -> Vec<Resolved> {
        let mut all = Vec::new();
        for number in self.calls.numbers.made() {
            let Some(Outcome::Unknown(code)) = self.outcomes.by_number(number) else { continue };
            let places = self.standing.places(number);
            let lane = places.first().map_or_else(
                || self.lane(number, self.sent_to(number)),
                |place| self.lane_at(number, *place),
            );
            all.push(Resolved { lane, first: self.calls.numbers.submission(number), count: 1, code, places });
        }
        all.sort_by_key(|resolved| resolved.lane);
        all.dedup_by(|next, run| run.absorb(next));
        all
    }
}

impl Resolved {
    /// Takes the next one in, where it continues the run.
    fn absorb(&mut self, next: &Self) -> bool {
        let fits = self.lane == next.lane
            && self.code == next.code
            && self.first.again == next.first.again
            && self.first.message.0 + self.count == next.first.message.0
            && continues(&self.places, &next.places, self.count);
        self.count += u32::from(fits);
        fits
    }
}

/// Whether a producer asks no broker to acknowledge. librdkafka knows the setting by two names and takes the last one
/// given (`rdkafka_conf.c`), a number as `strtol` reads it.
fn without_acks(producer: &Producer) -> bool {
    let named = |key: &str| matches!(key, "acks" | "request.required.acks");
    let setting = producer.config.iter().rfind(|setting| named(setting.key.as_str()));
    setting.is_some_and(|setting| {
        let digits = setting.value.trim().trim_start_matches(['+', '-']);
        let digits = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")).unwrap_or(digits);
        !digits.is_empty() && digits.bytes().all(|digit| digit == b'0')
    })
}
