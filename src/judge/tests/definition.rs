//! For random small traces, the judge says what a naive reading of the reference says: sets, positions in plain
//! vectors, every pair looked at.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::random::{some_plan, some_trace};
use crate::id::{MessageId, Offset, Partition, ProducerIndex, Submission, TopicIndex, TopicPartition};
use crate::judge::{Detail, Findings, Outcome, Stands, judge};
use crate::plan::{Action, Plan, TransactionCall};
use crate::trace::{Callback, Content, Event, Fate, LogRecord, PartitionLog, Persistence, StepEnd, Trace};

/// Everything of a trace in plain vectors.
struct Naive<'a> {
    plan: &'a Plan,
    events: Vec<Event>,
    records: Vec<(TopicPartition, LogRecord)>,
    /// With the first offset that is still there.
    incomplete: Vec<(TopicPartition, Offset)>,
    made: BTreeSet<Submission>,
}

impl<'a> Naive<'a> {
    fn new(plan: &'a Plan, trace: &Trace) -> Self {
        let events: Vec<_> = trace.events.iter().collect();
        let made: BTreeSet<_> =
            events.iter().filter_map(|e| if let Event::Send(s) = e { Some(*s) } else { None }).collect();
        let mut records = Vec::new();
        for log in &trace.logs {
            for record in &log.records {
                let identity = record.identity.filter(|identity| made.contains(identity));
                records.push((log.partition, LogRecord { identity, ..*record }));
            }
        }
        let start = |log: &PartitionLog| if log.unreadable { Offset(i64::MAX) } else { log.start };
        let incomplete = trace.logs.iter().map(|log| (log.partition, start(log)));
        let incomplete = incomplete.filter(|(_, start)| start.0 > 0).collect();
        Self { plan, events, records, incomplete, made }
    }

    /// The last that is known of a step.
    fn step(&self, at: usize) -> Option<&Event> {
        let of = |event: &&Event| matches!(event, Event::StepBegan(step) | Event::StepEnded(step, _) if *step == at);
        self.events.iter().rev().find(of)
    }

    /// The calls about transactions of a producer, with their steps.
    fn calls(&self, producer: ProducerIndex) -> Vec<(usize, &TransactionCall)> {
        let of = |(at, step): (usize, &'a crate::plan::Step)| match &step.action {
            Action::Transaction { producer: p, call, .. } if *p == producer => Some((at, call)),
            _ => None,
        };
        self.plan.steps.iter().enumerate().filter_map(of).collect()
    }

    fn done(&self, at: usize) -> bool {
        matches!(self.step(at), Some(Event::StepEnded(_, StepEnd::Done)))
    }

    fn is_end(call: &TransactionCall) -> bool {
        matches!(call, TransactionCall::Commit | TransactionCall::Abort { .. })
    }

    /// The step that began the transaction of a submission.
    fn begun(&self, s: Submission) -> Option<usize> {
        let batch = self.plan.batch_index(s.message).unwrap();
        let is_send =
            |step: &crate::plan::Step| matches!(step.action, Action::Send { batch: b, .. } if b == batch);
        let send = self.plan.steps.iter().position(is_send)?;
        let calls = self.calls(self.producer(s));
        let before = || calls.iter().filter(|(at, _)| *at < send && self.done(*at));
        let (begun, _) =
            before().filter(|(_, call)| **call == TransactionCall::Begin).max_by_key(|(at, _)| *at)?;
        let ended = before().any(|(at, call)| at > begun && Self::is_end(call));
        (!ended).then_some(*begun)
    }

    /// What came of a transaction, as far as the client says: committed, unknown, or neither.
    fn fate_of(&self, begun: usize, producer: ProducerIndex) -> &'static str {
        let mut unknown = false;
        for (at, call) in self.calls(producer).into_iter().filter(|(at, _)| *at > begun) {
            let done = self.done(at);
            match call {
                TransactionCall::Begin | TransactionCall::Abort { .. } if done => break,
                TransactionCall::Commit if done => return "committed",
                TransactionCall::Commit => {
                    unknown |= matches!(
                        self.step(at),
                        Some(Event::StepBegan(_) | Event::StepEnded(_, StepEnd::Unknown(_)))
                    );
                }
                _ => {}
            }
        }
        if unknown { "unknown" } else { "not committed" }
    }

    fn transaction(&self, s: Submission) -> Option<(usize, &'static str)> {
        let begun = self.begun(s)?;
        Some((begun, self.fate_of(begun, self.producer(s))))
    }

    /// Whether what is said of it is no longer provisional.
    fn is_final(&self, s: Submission) -> bool {
        self.transaction(s).is_none_or(|(_, fate)| fate == "committed")
    }

    fn is_readable(&self, s: Submission) -> bool {
        self.records.iter().any(|(_, r)| r.identity == Some(s) && r.fate == Fate::Readable)
    }

    fn is_unseen(&self, s: Submission) -> bool {
        let mut incomplete = self.incomplete.iter().map(|(p, _)| p).filter(|p| p.topic == self.topic(s));
        let there = incomplete.any(|p| self.sent_to(s).is_none_or(|sent_to| sent_to == p.partition));
        there && self.copies(s).is_empty()
    }

    fn transactions(&self, all: &mut BTreeSet<String>) {
        for (p, r) in &self.records {
            let Some(s) = r.identity else { continue };
            match (self.transaction(s), r.fate) {
                (Some((_, "not committed")), Fate::Readable) => {
                    all.insert(format!("aborted_visible {s} {p:?} {}", r.offset))
                }
                (Some(_), Fate::Open) => all.insert(format!("hanging {s} {p:?} {}", r.offset)),
                _ => false,
            };
        }
        for s in
            self.made.iter().filter(|s| self.is_ok(**s) && !self.is_readable(**s) && !self.is_unseen(**s))
        {
            let Some((begun, fate)) = self.transaction(*s) else { continue };
            if fate == "committed" {
                all.insert(format!("committed_missing {s}"));
            }
            let same = |other: &&Submission| {
                self.producer(**other) == self.producer(*s) && self.begun(**other) == Some(begun)
            };
            if self.made.iter().filter(same).any(|other| self.is_readable(*other)) {
                all.insert(format!("torn {s}"));
            }
        }
    }

    fn producer(&self, s: Submission) -> ProducerIndex {
        self.plan.batch_of(s.message).unwrap().producer
    }

    fn topic(&self, s: Submission) -> TopicIndex {
        self.plan.batch_of(s.message).unwrap().topic
    }

    fn acks(&self, s: Submission) -> bool {
        self.plan.producers[self.producer(s).index()].config.iter().all(|setting| setting.value != "0")
    }

    fn sent_before(&self, i: Submission, j: Submission) -> bool {
        let returned =
            self.events.iter().position(|e| matches!(e, Event::Sent(s) | Event::SendFailed(s, _) if *s == i));
        let began = self.events.iter().position(|e| *e == Event::Send(j));
        matches!((returned, began), (Some(returned), Some(began)) if returned < began)
    }

    fn began(&self, s: Submission) -> usize {
        self.events.iter().position(|e| *e == Event::Send(s)).unwrap()
    }

    fn callbacks(&self, s: Submission) -> Vec<Callback> {
        let of = |e: &Event| match e {
            Event::Callback(callback) if callback.submission == s => Some(*callback),
            _ => None,
        };
        self.events.iter().filter_map(of).collect()
    }

    fn refused(&self, s: Submission) -> Option<usize> {
        self.events.iter().position(|e| matches!(e, Event::SendFailed(refused, _) if *refused == s))
    }

    fn is_ok(&self, s: Submission) -> bool {
        self.callbacks(s).iter().any(|callback| callback.result.is_ok())
    }

    /// Whether the first word on it, of those that are no acknowledgement, is a callback.
    fn first_word_is_callback(&self, s: Submission) -> bool {
        let heard = self.events.iter().position(|e| matches!(e, Event::Callback(c) if c.submission == s));
        match (heard, self.refused(s)) {
            (Some(heard), Some(refused)) => heard < refused,
            (heard, _) => heard.is_some(),
        }
    }

    fn failed_by_callback(&self, s: Submission) -> bool {
        let claim = |c: &Callback| c.result.is_err_and(|f| f.persistence == Persistence::NotPersisted);
        !self.is_ok(s) && self.first_word_is_callback(s) && self.callbacks(s).first().is_some_and(claim)
    }

    fn failed(&self, s: Submission) -> bool {
        let by_call = !self.is_ok(s) && self.refused(s).is_some() && !self.first_word_is_callback(s);
        by_call || self.failed_by_callback(s)
    }

    fn copies(&self, s: Submission) -> Vec<(TopicPartition, Offset)> {
        let of = |(p, r): &(TopicPartition, LogRecord)| {
            (r.identity == Some(s) && r.fate != Fate::Aborted).then_some((*p, r.offset))
        };
        self.records.iter().filter_map(of).collect()
    }

    fn sent_to(&self, s: Submission) -> Option<Partition> {
        self.callbacks(s).iter().find_map(|callback| callback.partition)
    }

    fn log(&self, partition: TopicPartition) -> Vec<LogRecord> {
        self.records.iter().filter(|(p, _)| *p == partition).map(|(_, r)| *r).collect()
    }

    /// Without what was aborted.
    fn copies_in(&self, partition: TopicPartition) -> Vec<LogRecord> {
        self.log(partition).into_iter().filter(|record| record.fate != Fate::Aborted).collect()
    }

    fn latest(&self, of: impl Iterator<Item = Submission>) -> Option<Submission> {
        of.max_by_key(|s| self.began(*s))
    }

    fn anomalies(&self) -> BTreeSet<String> {
        let mut all = BTreeSet::new();
        let partitions: BTreeSet<_> = self.records.iter().map(|(p, _)| *p).collect();
        for partition in partitions {
            self.order(partition, &mut all);
        }
        for s in &self.made {
            self.fate(*s, &mut all);
            self.places(*s, &mut all);
        }
        self.answers(&mut all);
        self.transactions(&mut all);
        all
    }

    fn order(&self, p: TopicPartition, all: &mut BTreeSet<String>) {
        let log = self.copies_in(p);
        for (at, record) in log.iter().enumerate() {
            let Some(i) = record.identity else { continue };
            let before = log[..at].iter().filter_map(|r| r.identity);
            let later =
                before.clone().filter(|j| self.producer(*j) == self.producer(i) && self.sent_before(i, *j));
            let Some(m) = self.latest(later) else { continue };
            let lane = format!("{:?} {p:?}", self.producer(i));
            if before.clone().any(|j| j == i) {
                all.insert(format!("replayed {lane} {i} @{} after {m}", record.offset));
            } else {
                all.insert(format!("reordered {lane} {i} after {m}"));
            }
        }
    }

    fn fate(&self, i: Submission, all: &mut BTreeSet<String>) {
        let copies = self.copies(i);
        if self.is_ok(i) && copies.is_empty() && self.transaction(i).is_none() && !self.is_unseen(i) {
            all.insert(format!("{} {i}", if self.acks(i) { "lost" } else { "vanished" }));
        }
        if self.failed(i) && !copies.is_empty() && self.is_final(i) {
            all.insert(format!("failed_but_written {i} {copies:?}"));
        }
        if self.failed_by_callback(i)
            && copies.is_empty()
            && self.is_final(i)
            && !self.is_unseen(i)
            && let Some(partition) = self.sent_to(i)
        {
            let p = TopicPartition { topic: self.topic(i), partition };
            let others = self.copies_in(p).into_iter().filter_map(|r| r.identity);
            let mut in_front = others.take_while(|j| j.message != i.message);
            if in_front.any(|j| self.producer(j) == self.producer(i) && self.sent_before(i, j)) {
                all.insert(format!("gap {i}"));
            }
        }
        let ran_out = |producer| {
            self.events.iter().any(|e| match e {
                Event::StepEnded(at, StepEnd::TimedOut(_)) => {
                    let step = self.plan.steps.get(*at).map(|step| &step.action);
                    matches!(step, Some(Action::Close { producer: p, .. }) if *p == producer)
                }
                _ => false,
            })
        };
        if self.callbacks(i).is_empty() && self.refused(i).is_none() && ran_out(self.producer(i)) {
            all.insert(format!("unanswered {i}"));
        }
    }

    fn places(&self, i: Submission, all: &mut BTreeSet<String>) {
        let copies = self.copies(i);
        if copies.len() > 1 {
            all.insert(format!("duplicated {i} {copies:?}"));
        }
        for (p, offset) in &copies {
            let elsewhere = self.sent_to(i).is_some_and(|sent_to| sent_to != p.partition);
            if p.topic != self.topic(i) || elsewhere {
                all.insert(format!("misplaced {i} {p:?} {offset}"));
            }
        }
        for (p, r) in self.records.iter().filter(|(_, r)| r.fate != Fate::Aborted) {
            if r.identity == Some(i) && r.content == Content::Differs {
                all.insert(format!("corrupted {i} {p:?} {}", r.offset));
            }
        }
        let same = self.made.iter().filter(|s| s.message == i.message);
        let standing = same.filter_map(|s| Some((self.position(*s)?, *s)));
        let mut standing: Vec<_> = standing.collect();
        standing.sort_unstable();
        if let [(_, first), others @ ..] = standing.as_slice()
            && *first == i
        {
            all.extend(others.iter().map(|(_, other)| format!("resent_duplicate {i} {other}")));
        }
    }

    fn position(&self, s: Submission) -> Option<usize> {
        self.records.iter().position(|(_, r)| r.identity == Some(s) && r.fate != Fate::Aborted)
    }

    fn answers(&self, all: &mut BTreeSet<String>) {
        let callbacks = self.made.iter().flat_map(|s| self.callbacks(*s));
        for callback in callbacks {
            let s = callback.submission;
            if self.callbacks(s).len() > 1 {
                all.insert(format!("answered_twice {s}"));
            }
            if callback.result.is_err() {
                continue;
            }
            let (Some(partition), Some(offset)) = (callback.partition, callback.offset) else {
                if self.acks(s) {
                    all.insert(format!("no_offset {s} {:?}", callback.partition));
                }
                continue;
            };
            let p = TopicPartition { topic: self.topic(s), partition };
            if self.incomplete.iter().any(|(other, start)| *other == p && offset < *start) {
                continue;
            }
            match self.log(p).iter().find(|r| r.offset == offset) {
                None => all.insert(format!("wrong_offset {s} {p:?} {offset} nothing")),
                Some(LogRecord { identity: None, .. }) => {
                    all.insert(format!("wrong_offset {s} {p:?} {offset} foreign"))
                }
                Some(r) if r.identity != Some(s) => {
                    all.insert(format!("wrong_offset {s} {p:?} {offset} {}", r.identity.unwrap()))
                }
                Some(_) => false,
            };
        }
        for (at, event) in self.events.iter().enumerate() {
            let Some((lane, offset, i)) = self.acknowledgement(event) else { continue };
            let before = self.events[..at].iter().filter_map(|e| self.acknowledgement(e));
            let higher = before.filter(|(other, before, _)| *other == lane && *before > offset);
            // Of several with the same highest offset, the first.
            if let Some((_, _, m)) = higher.rev().max_by_key(|(_, offset, _)| *offset) {
                all.insert(format!("callbacks_reordered {lane:?} {i} after {m}"));
            }
        }
    }

    fn acknowledgement(
        &self,
        event: &Event,
    ) -> Option<((ProducerIndex, TopicPartition), Offset, Submission)> {
        let Event::Callback(callback) = event else { return None };
        let s = callback.submission;
        if callback.result.is_err() || !self.made.contains(&s) {
            return None;
        }
        let p = TopicPartition { topic: self.topic(s), partition: callback.partition? };
        Some(((callback.producer, p), callback.offset?, s))
    }
}

/// What the judge found, one string for each single instance, in the words of `Naive`.
fn found(findings: &Findings) -> Vec<String> {
    let mut all = Vec::new();
    for anomaly in &findings.anomalies {
        let word = anomaly.kind.word();
        let crate::judge::Lane { producer, topic, partition } = anomaly.lane;
        let at = |p: Partition| TopicPartition { topic, partition: p };
        let here = match partition {
            crate::judge::Which::One(p) => at(p),
            _ => at(Partition(-9)),
        };
        for instance in &anomaly.instances {
            for k in 0..instance.count {
                let s = Submission {
                    message: MessageId(instance.first.message.0 + k),
                    again: instance.first.again,
                };
                let producer = producer.unwrap();
                let plus = |offset: &Offset| Offset(offset.0 + i64::from(k));
                all.push(match &instance.detail {
                    Detail::None if word == "no_offset" => match partition {
                        crate::judge::Which::One(p) => format!("{word} {s} {:?}", Some(p)),
                        _ => format!("{word} {s} None"),
                    },
                    Detail::None => format!("{word} {s}"),
                    Detail::After(m) if word == "reordered" => {
                        format!("{word} {producer:?} {here:?} {s} after {m}")
                    }
                    Detail::After(m) => format!("{word} {:?} {s} after {m}", (producer, here)),
                    Detail::CopyAfter(o, m) => {
                        format!("{word} {producer:?} {here:?} {s} @{} after {m}", plus(o))
                    }
                    Detail::At(places) if matches!(word, "corrupted" | "aborted_visible" | "hanging") => {
                        format!("{word} {s} {:?} {}", places[0].partition, plus(&places[0].offset))
                    }
                    Detail::At(places) => {
                        let places: Vec<_> = places.iter().map(|p| (p.partition, plus(&p.offset))).collect();
                        format!("{word} {s} {places:?}")
                    }
                    Detail::Instead(o, ..) => format!("{word} {s} {here:?} {}", plus(o)),
                    Detail::Said(o, Stands::Nothing) => format!("{word} {s} {here:?} {} nothing", plus(o)),
                    Detail::Said(o, Stands::Foreign) => format!("{word} {s} {here:?} {} foreign", plus(o)),
                    Detail::Said(o, Stands::Record(r)) => {
                        let r = Submission { message: MessageId(r.message.0 + k), again: r.again };
                        format!("{word} {s} {here:?} {} {r}", plus(o))
                    }
                    Detail::With(other) => format!("{word} {s} {other}"),
                    Detail::Key(..) => unreachable!("no keys here"),
                });
            }
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]
    #[test]
    fn anomalies_are_what_the_reference_says(plan in some_plan(), trace in some_trace()) {
        let findings = judge(&plan, &trace);
        let listed = found(&findings);
        let set: BTreeSet<_> = listed.iter().cloned().collect();
        prop_assert_eq!(set.len(), listed.len(), "an instance is listed twice: {:?}", listed);
        prop_assert_eq!(set, Naive::new(&plan, &trace).anomalies());
    }

    #[test]
    fn outcomes_are_what_the_reference_says(plan in some_plan(), trace in some_trace()) {
        let findings = judge(&plan, &trace);
        let naive = Naive::new(&plan, &trace);
        let mut counts = (0, 0, 0);
        for s in &naive.made {
            let outcome = findings.outcomes.get(*s).unwrap();
            prop_assert_eq!(outcome == Outcome::Ok, naive.is_ok(*s));
            prop_assert_eq!(matches!(outcome, Outcome::Failed { .. }), naive.failed(*s));
            match outcome {
                Outcome::Ok => counts.0 += 1,
                Outcome::Failed { .. } => counts.1 += 1,
                Outcome::Unknown(_) | Outcome::CutOff => counts.2 += 1,
            }
        }
        let judged = findings.counts;
        prop_assert_eq!((judged.ok, judged.failed, judged.unknown), counts);
        prop_assert_eq!(judged.sent, naive.made.len() as u64);
        let foreign = naive.records.iter().filter(|(_, record)| record.identity.is_none()).count();
        prop_assert_eq!(judged.foreign, foreign as u64);
        let unknown: BTreeSet<_> = naive.made.iter().filter(|s| !naive.is_ok(**s) && !naive.failed(**s)).collect();
        let mut resolved = Vec::new();
        for run in &findings.resolved {
            for k in 0..run.count {
                let s = Submission { message: run.first.message.plus(k), again: run.first.again };
                prop_assert!(unknown.contains(&s));
                let places: Vec<_> = run.places.iter().map(|p| p.plus(k)).map(|p| (p.partition, p.offset)).collect();
                prop_assert_eq!(places, naive.copies(s));
                resolved.push(s);
            }
        }
        prop_assert_eq!(resolved.len(), unknown.len());
    }
}
