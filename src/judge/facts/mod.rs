//! What every judgement starts from: the calls, where each submission stands, and what was said of it.

pub(super) mod calls;
mod standing;
pub(super) mod transactions;

use std::collections::{HashMap, HashSet};

use crate::id::{Offset, Partition, ProducerIndex, TopicIndex, TopicPartition};
use crate::plan::{Action, Batch, Deed, Plan, Producer};
use crate::trace::{Callback, Event, PartitionLog, StepEnd, Trace};

use crate::judge::finding::{Lane, Place, Resolved, Which, continues};
use crate::judge::outcome::{Outcome, Outcomes};

use calls::Calls;
use standing::Standing;
use transactions::{End, Transactions};

const NOWHERE: i32 = i32::MIN;
/// A callback has come, and one that named a partition.
const ANSWERED: u8 = 1;
const NAMED: u8 = 2;

/// A run, ready to be asked.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    pub(super) plan: &'a Plan,
    pub(super) trace: &'a Trace,
    pub(super) calls: Calls,
    pub(super) standing: Standing<'a>,
    pub(super) outcomes: Outcomes,
    pub(super) transactions: Transactions,
    /// Where submissions were sent, for those of which anything depends on it: not acknowledged, not in the logs, more
    /// than once in them, or elsewhere. It is what the first callback with a partition says.
    /// Where messages name their partition, it is that. Empty where nothing depends on any.
    sent_to: Vec<i32>,
    /// Submissions with more than one callback.
    pub(super) twice: HashSet<u32>,
    /// The logs that could not be read, or whose begin has been removed.
    incomplete: HashSet<TopicPartition>,
    /// For each producer whether it asks brokers to acknowledge.
    acknowledged: Vec<bool>,
}

impl<'a> Facts<'a> {
    pub(super) fn of(plan: &'a Plan, trace: &'a Trace) -> Self {
        let calls = Calls::of(&trace.events, plan.messages());
        let standing = Standing::of(&calls.numbers, &trace.logs);
        let outcomes = Outcomes::of(&calls.numbers, &trace.events);
        let acknowledged = plan.producers.iter().map(|producer| !without_acks(producer)).collect();
        let transactions = Transactions::of(plan, &trace.events);
        let incomplete = |log: &&PartitionLog| log.unreadable || log.start > Offset(0);
        let incomplete = trace.logs.iter().filter(incomplete).map(|log| log.partition).collect();
        let mut facts = Self {
            plan,
            trace,
            calls,
            standing,
            outcomes,
            transactions,
            sent_to: Vec::new(),
            twice: HashSet::new(),
            incomplete,
            acknowledged,
        };
        facts.hear();
        facts.cut_off();
        facts
    }

    /// What was sent before the process would have ended and has no answer; what a close has left so is something else.
    fn cut_off(&mut self) {
        let mut exited = false;
        let mut closed: HashSet<_> = self.closed_by_reactions().map(|(producer, _)| producer).collect();
        for event in self.trace.events.others() {
            let Event::StepBegan(step) = event else { continue };
            match self.plan.steps.get(*step).map(|step| &step.action) {
                Some(Action::Exit) => exited = true,
                Some(Action::Close { producer, .. }) => drop(closed.insert(*producer)),
                _ => {}
            }
        }
        if exited {
            let mut outcomes = std::mem::take(&mut self.outcomes);
            outcomes
                .cut_off(|number| self.batch(number).is_none_or(|batch| !closed.contains(&batch.producer)));
            self.outcomes = outcomes;
        }
    }

    /// The producers that reactions have closed, and whether submissions may have been left without an answer.
    pub(super) fn closed_by_reactions(&self) -> impl Iterator<Item = (ProducerIndex, bool)> {
        let mut closed = HashMap::new();
        self.trace.events.others().filter_map(move |event| match event {
            Event::Reacts(number, reacts) => {
                let reaction = self.plan.reactions.get(reacts.rule)?;
                let producer = self.plan.batch_of(reacts.cause.message)?.producer;
                (reaction.deed == Deed::Close).then(|| closed.insert(*number, (producer, reacts.inside)));
                None
            }
            Event::Reacted(number, end) => {
                let (producer, inside) = closed.remove(number)?;
                Some((producer, inside.is_some() || matches!(end, StepEnd::TimedOut(_))))
            }
            _ => None,
        })
    }

    /// Goes through the callbacks: where submissions were sent, and which have more than one.
    fn hear(&mut self) {
        let mut destinations = Destinations { facts: self, sent_to: Vec::new() };
        let mut twice = HashSet::new();
        let mut heard = vec![0u8; self.calls.numbers.end()];
        for (number, callback) in self.callbacks() {
            let heard = &mut heard[number as usize];
            if *heard & ANSWERED != 0 {
                twice.insert(number);
            }
            if let Some(partition) = callback.partition.filter(|_| *heard & NAMED == 0) {
                destinations.note(number, partition);
                *heard |= NAMED;
            }
            *heard |= ANSWERED;
        }
        destinations.named_by_messages();
        let sent_to = destinations.sent_to;
        (self.sent_to, self.twice) = (sent_to, twice);
    }

    /// Whether a submission was acknowledged, and stands once, where it was sent.
    fn is_plain(&self, number: u32, partition: Partition) -> bool {
        let Some(first) = self.standing.first(number) else { return false };
        let topic = self.lane(number, Which::Unknown).topic;
        self.outcomes.by_number(number) == Some(Outcome::Ok)
            && !self.standing.is_repeated(number)
            && self.standing.partition(first) == TopicPartition { topic, partition }
    }

    /// The partition that a submission was sent to; none where nobody named it or nothing depends on it.
    pub(super) fn sent_to(&self, number: u32) -> Option<Partition> {
        self.sent_to.get(number as usize).filter(|partition| **partition != NOWHERE).map(|p| Partition(*p))
    }

    /// The transaction that a submission was sent in, and what came of it; none for one that was sent in none.
    pub(super) fn transaction(&self, number: u32) -> Option<(u32, End)> {
        self.transactions.of_submission(self.plan, self.calls.numbers.submission(number))
    }

    /// Whether a submission that stands in no log may stand in one that could not be read, or may have stood where a log
    /// has been removed.
    pub(super) fn is_unseen(&self, number: u32) -> bool {
        if self.incomplete.is_empty() || self.standing.first(number).is_some() {
            return false;
        }
        let (topic, sent_to) = (self.lane(number, Which::Unknown).topic, self.sent_to(number));
        match sent_to {
            Some(partition) => self.incomplete.contains(&TopicPartition { topic, partition }),
            None => self.incomplete.iter().any(|log| log.topic == topic),
        }
    }

    /// Whether that place in a log could not be read, or has been removed.
    pub(super) fn is_unseen_at(&self, place: TopicPartition, offset: Offset) -> bool {
        let mut logs = self.trace.logs.iter().filter(|log| log.partition == place);
        self.incomplete.contains(&place) && logs.any(|log| log.unreadable || offset < log.start)
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

    /// The key of a submission's message; none where it has none or it cannot be made.
    pub(super) fn key<'b>(&self, number: u32, buffer: &'b mut Option<Vec<u8>>) -> Option<&'b [u8]> {
        let message = self.calls.numbers.submission(number).message;
        self.plan.batch_of(message)?.render_key(message, buffer).ok()?;
        buffer.as_deref()
    }

    /// Whether no two submissions that were made, or stand in a topic, can have the same key.
    pub(super) fn has_distinct_keys(&self, topic: TopicIndex) -> bool {
        if !self.calls.numbers.later().is_empty() {
            return false;
        }
        let mut keyed = self.plan.batches.iter().filter(|batch| batch.has_keys());
        let alone = keyed.next();
        keyed.next().is_none() && alone.is_none_or(|batch| batch.topic == topic && batch.has_distinct_keys())
    }

    /// Whether an acknowledgement of this producer comes from a broker (acks ≠ 0).
    pub(super) fn acknowledged(&self, producer: ProducerIndex) -> bool {
        self.acknowledged.get(producer.index()).copied().unwrap_or(true)
    }

    /// The callbacks in their order, with the numbers of their submissions.
    pub(super) fn callbacks(&self) -> impl Iterator<Item = (u32, Callback)> {
        let numbered = |callback: Callback| Some((self.calls.numbers.of(callback.submission)?, callback));
        self.trace.events.callbacks().filter_map(numbered)
    }

    /// The unknown submissions, and what the logs say of them.
    pub(super) fn resolved(&self) -> Vec<Resolved> {
        let mut all = Vec::new();
        for number in self.calls.numbers.made() {
            let (code, cut_off) = match self.outcomes.by_number(number) {
                Some(Outcome::Unknown(code)) => (code, false),
                Some(Outcome::CutOff) => (None, true),
                _ => continue,
            };
            let places = self.standing.places(number);
            let lane = places.first().map_or_else(
                || self.lane(number, self.sent_to(number)),
                |place| self.lane_at(number, *place),
            );
            let (first, unseen) = (self.calls.numbers.submission(number), self.is_unseen(number));
            all.push(Resolved { lane, first, count: 1, code, cut_off, places, unseen });
        }
        all.sort_by_key(|resolved| resolved.lane);
        all.dedup_by(|next, run| run.absorb(next));
        all
    }
}

/// Where submissions were sent, as it is found out.
struct Destinations<'a> {
    facts: &'a Facts<'a>,
    sent_to: Vec<i32>,
}

impl Destinations<'_> {
    fn note(&mut self, number: u32, partition: Partition) {
        // Where one is known to matter, the others are kept as well: a named one overrides what a callback says.
        if !self.sent_to.is_empty() || !self.facts.is_plain(number, partition) {
            self.sent_to.resize(self.facts.calls.numbers.end(), NOWHERE);
            self.sent_to[number as usize] = partition.0;
        }
    }

    /// A topic of one partition leaves nothing to name.
    fn named_by_messages(&mut self) {
        let facts = self.facts;
        let named = |batch: &&Batch| {
            let topic = facts.plan.topics.get(batch.topic.index());
            batch.names_partitions() && topic.is_some_and(|topic| topic.partitions > 1)
        };
        if !facts.plan.batches.iter().any(|batch| named(&batch)) {
            return;
        }
        for number in facts.calls.numbers.made() {
            let message = facts.calls.numbers.submission(number).message;
            let partition = facts.batch(number).filter(named).map(|batch| batch.partition(message));
            if let Some(Ok(Some(partition))) = partition {
                self.note(number, partition);
            }
        }
    }
}

impl Resolved {
    /// Takes the next one in, where it continues the run.
    fn absorb(&mut self, next: &Self) -> bool {
        let fits = self.lane == next.lane
            && (self.code, self.unseen) == (next.code, next.unseen)
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
