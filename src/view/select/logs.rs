//! What the logs hold.

use std::collections::BTreeMap;

use crate::id::{Offset, ProducerIndex, Submission, TopicPartition};
use crate::judge::Which;
use crate::trace::{Fate, LogMarker, LogRecord, PartitionLog};

use super::Scene;
use crate::view::block::{Lane, Style};
use crate::view::fold::Fold;
use crate::view::folded::Aside;
use crate::view::line::{Track, What};

/// A partition, and who writes to it, as far as they are told apart there.
type Whose = (Track, Option<ProducerIndex>, Option<u32>);

impl Scene<'_> {
    /// The records of each partition in their order.
    pub(super) fn log(&self) -> Vec<Lane> {
        if !self.plan.snapshot.log {
            return Vec::new();
        }
        if self.any_partition() {
            return self.log_sets();
        }
        let mut tracks = BTreeMap::<Whose, List>::new();
        for log in self.trace.logs.iter().filter(|log| has_something(log)) {
            let track = self.track(None, log.partition.topic, Which::One(log.partition.partition));
            if log.unreadable {
                tracks.entry((track, None, None)).or_default().unreadable();
                continue;
            }
            if self.has_offsets(log.partition.topic, log.partition.partition) {
                self.read(log, tracks.entry((track, None, None)).or_default());
                continue;
            }
            for entry in entries(log) {
                let (producer, thread) = self.writer(log, entry);
                self.push(entry, tracks.entry((track, producer, thread)).or_default());
            }
        }
        let lane = |((track, producer, thread), list): (Whose, List)| {
            self.lane(Track { producer, thread, ..track }, Style::List, list.finish())
        };
        tracks.into_iter().map(lane).collect()
    }

    /// Whose an entry is, where no order between those who write there is the same in every run.
    fn writer(&self, log: &PartitionLog, entry: Entry<'_>) -> (Option<ProducerIndex>, Option<u32>) {
        let (producer, one) = match entry {
            Entry::Record(record) => (record.identity.and_then(|one| self.producer_of(one)), record.identity),
            Entry::Marker(marker) => (marker.producer, None),
        };
        let one = one.filter(|_| producer.is_some());
        let TopicPartition { topic, partition } = log.partition;
        let thread = one.and_then(|one| self.thread(one, topic, Which::One(partition)));
        (producer.filter(|_| self.names.several_producers()), thread)
    }

    /// The records in the order of offsets, and where an offset is not the next one.
    fn read(&self, log: &PartitionLog, list: &mut List) {
        let mut next = 0;
        for entry in entries(log) {
            let offset = entry.offset().0;
            if offset != next {
                list.jump(offset);
            }
            next = offset.saturating_add(1);
            self.push(entry, list);
        }
        // Whatever stood there is gone.
        if log.start.0 > next {
            list.jump(log.start.0);
        }
    }

    fn push(&self, entry: Entry<'_>, list: &mut List) {
        match entry {
            Entry::Marker(marker) => list.marker(marker.committed),
            Entry::Record(record) => {
                list.push(record.identity.filter(|one| self.producer_of(*one).is_some()), record.fate);
            }
        }
    }

    /// The producer of a submission that was made; none for what this run did not write.
    fn producer_of(&self, submission: Submission) -> Option<ProducerIndex> {
        self.findings.outcomes.get(submission)?;
        self.plan.batch_of(submission.message).map(|batch| batch.producer)
    }

    /// Without partitions, and so without order.
    fn log_sets(&self) -> Vec<Lane> {
        let mut tracks = BTreeMap::<Track, Set>::new();
        for log in self.trace.logs.iter().filter(|log| !log.records.is_empty() || log.unreadable) {
            let track = self.track(None, log.partition.topic, Which::All);
            let set = tracks.entry(track).or_default();
            set.unreadable |= log.unreadable;
            for record in &log.records {
                match record.identity.filter(|submission| self.producer_of(*submission).is_some()) {
                    Some(one) => set.own.push((record.fate, one.again, one.message.0)),
                    None => set.foreign += 1,
                }
            }
        }
        let lane = |(track, set): (Track, Set)| self.lane(track, Style::List, set.finish());
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

/// Whether there is anything to show of a log.
fn has_something(log: &PartitionLog) -> bool {
    !log.records.is_empty() || !log.markers.is_empty() || log.unreadable || log.start > Offset(0)
}

/// A record, or the end of a transaction.
#[derive(Clone, Copy)]
enum Entry<'a> {
    Record(&'a LogRecord),
    Marker(&'a LogMarker),
}

impl Entry<'_> {
    fn offset(self) -> Offset {
        match self {
            Self::Record(record) => record.offset,
            Self::Marker(marker) => marker.offset,
        }
    }
}

/// Records and markers in the order of offsets.
fn entries(log: &PartitionLog) -> impl Iterator<Item = Entry<'_>> {
    let mut records = log.records.iter().peekable();
    let mut markers = log.markers.iter().peekable();
    std::iter::from_fn(move || {
        let record_next = match (records.peek(), markers.peek()) {
            (Some(record), Some(marker)) => record.offset <= marker.offset,
            (record, _) => record.is_some(),
        };
        if record_next { records.next().map(Entry::Record) } else { markers.next().map(Entry::Marker) }
    })
}

/// What the partitions of a topic hold, without order.
#[derive(Default)]
struct Set {
    own: Vec<(Fate, u16, u32)>,
    foreign: i64,
    unreadable: bool,
}

impl Set {
    fn finish(mut self) -> Fold {
        self.own.sort_unstable();
        self.own.dedup();
        let mut list = List { foreign: self.foreign, ..List::default() };
        for (fate, again, message) in self.own {
            list.fold.push(of_fate(fate), again, [i64::from(message), 0, 0]);
        }
        if self.unreadable {
            list.unreadable();
        }
        list.finish()
    }
}

fn of_fate(fate: Fate) -> What {
    match fate {
        Fate::Readable => What::Record,
        Fate::Aborted => What::Aborted,
        Fate::Open => What::Open,
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
    fn push(&mut self, record: Option<Submission>, fate: Fate) {
        match record {
            None => self.foreign += 1,
            Some(submission) => {
                self.settle();
                self.fold.push(of_fate(fate), submission.again, [i64::from(submission.message.0), 0, 0]);
            }
        }
    }

    fn marker(&mut self, committed: bool) {
        self.settle();
        self.fold.push(What::Marker(committed), 0, [0; 3]);
    }

    fn unreadable(&mut self) {
        self.settle();
        self.fold.push(What::Unreadable, 0, [0; 3]);
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
