//! What the logs hold.

use std::collections::BTreeMap;

use crate::id::{ProducerIndex, Submission};
use crate::judge::Which;
use crate::trace::PartitionLog;

use super::Scene;
use crate::view::block::{Lane, Style};
use crate::view::fold::Fold;
use crate::view::line::{Aside, Track, What};

impl Scene<'_> {
    /// The records of each partition in their order.
    pub(super) fn log(&self) -> Vec<Lane> {
        if !self.plan.snapshot.log {
            return Vec::new();
        }
        if self.any_partition() {
            return self.log_sets();
        }
        let mut tracks = BTreeMap::<(Track, Option<ProducerIndex>), List>::new();
        for log in self.trace.logs.iter().filter(|log| !log.records.is_empty()) {
            let track = self.track(None, log.partition.topic, Which::One(log.partition.partition));
            if self.has_offsets(log.partition.topic, log.partition.partition) {
                self.read(log, tracks.entry((track, None)).or_default());
                continue;
            }
            for record in &log.records {
                let producer = record.identity.and_then(|submission| self.producer_of(submission));
                let list = tracks.entry((track, producer)).or_default();
                list.push(record.identity.filter(|_| producer.is_some()));
            }
        }
        let lane = |((track, producer), list): ((Track, Option<ProducerIndex>), List)| {
            self.lane(Track { producer, ..track }, Style::List, list.finish())
        };
        tracks.into_iter().map(lane).collect()
    }

    /// The records in the order of offsets, and where an offset is not the next one.
    fn read(&self, log: &PartitionLog, list: &mut List) {
        let mut next = 0;
        for record in &log.records {
            if record.offset.0 != next {
                list.jump(record.offset.0);
            }
            next = record.offset.0.saturating_add(1);
            list.push(record.identity.filter(|submission| self.producer_of(*submission).is_some()));
        }
    }

    /// The producer of a submission that was made; none for what this run did not write.
    fn producer_of(&self, submission: Submission) -> Option<ProducerIndex> {
        self.findings.outcomes.get(submission)?;
        self.plan.batch_of(submission.message).map(|batch| batch.producer)
    }

    /// Without partitions, and so without order.
    fn log_sets(&self) -> Vec<Lane> {
        let mut tracks = BTreeMap::<Track, (Vec<(u16, u32)>, i64)>::new();
        for log in self.trace.logs.iter().filter(|log| !log.records.is_empty()) {
            let track = self.track(None, log.partition.topic, Which::All);
            let (own, foreign) = tracks.entry(track).or_default();
            for record in &log.records {
                match record.identity.filter(|submission| self.producer_of(*submission).is_some()) {
                    Some(one) => own.push((one.again, one.message.0)),
                    None => *foreign += 1,
                }
            }
        }
        let lane = |(track, (mut own, foreign)): (Track, (Vec<(u16, u32)>, i64))| {
            own.sort_unstable();
            own.dedup();
            let mut list = List { foreign, ..List::default() };
            for (again, message) in own {
                list.fold.push(What::Record, again, [i64::from(message), 0, 0]);
            }
            self.lane(track, Style::List, list.finish())
        };
        tracks.into_iter().map(lane).collect()
    }

    /// A digest of each partition's content, where its order is stable.
    pub(super) fn content(&self) -> Vec<Lane> {
        let shown = |log: &&PartitionLog| {
            let place = log.partition;
            self.plan.snapshot.content
                && !log.records.is_empty()
                && self.has_offsets(place.topic, place.partition)
        };
        let lane = |log: &PartitionLog| {
            let mut fold = Fold::default();
            fold.push_aside(Aside::Text(format!("SHA-256 {}", log.digest.as_ref()?)));
            let track = self.track(None, log.partition.topic, Which::One(log.partition.partition));
            Some(self.lane(track, Style::Lines, fold))
        };
        self.trace.logs.iter().filter(shown).filter_map(lane).collect()
    }
}

/// Records one after the other.
#[derive(Default)]
struct List {
    fold: Fold,
    /// How many records of others have come since the last of our own.
    foreign: i64,
}

impl List {
    fn push(&mut self, record: Option<Submission>) {
        match record {
            None => self.foreign += 1,
            Some(submission) => {
                self.settle();
                self.fold.push(What::Record, submission.again, [i64::from(submission.message.0), 0, 0]);
            }
        }
    }

    fn jump(&mut self, offset: i64) {
        self.settle();
        self.fold.push(What::Jump, 0, [offset, 0, 0]);
    }

    fn settle(&mut self) {
        if self.foreign > 0 {
            self.fold.push(What::Foreign, 0, [self.foreign, 0, 0]);
            self.foreign = 0;
        }
    }

    fn finish(mut self) -> Fold {
        self.settle();
        self.fold
    }
}
