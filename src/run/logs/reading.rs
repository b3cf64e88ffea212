//! One log while it is read: its records, recognised, and what became of their transactions.

use std::collections::HashMap;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::cluster::{LogEnd, Logged, Place};
use crate::id::{Offset, ProducerIndex, TopicPartition};
use crate::kafka::ErrorCode;
use crate::kafka::batch::{Marker, Record, TimestampType};
use crate::plan::{Plan, Recogniser, Seen};
use crate::run::RunError;
use crate::run::world::Located;
use crate::trace::{Content, Fate, LogMarker, LogRecord, PartitionLog};

/// A log while it is read.
pub(super) struct Reading {
    located: Located,
    /// Before it stands nothing any more that has not been read.
    start: Offset,
    /// The first offset that has not been read.
    pub(super) next: Offset,
    pub(super) records: Vec<LogRecord>,
    markers: Vec<LogMarker>,
    /// By producer id, what is known of its transactions.
    transactions: HashMap<i64, Transactions>,
    digest: Option<Sha256>,
}

/// What the log has shown so far of one producer id's transactions.
#[derive(Default)]
struct Transactions {
    /// The records of the one that is open, by their places in the list of records.
    open: Vec<usize>,
    /// The producer that wrote last.
    producer: Option<ProducerIndex>,
}

impl Reading {
    pub(super) fn new(located: Located, digest: bool) -> Self {
        Self {
            start: located.start,
            next: located.start,
            located,
            records: Vec::new(),
            markers: Vec::new(),
            transactions: HashMap::new(),
            digest: digest.then(Sha256::new),
        }
    }

    /// What stood before that offset and has not been read is gone; whether something was.
    pub(super) fn begins_at(&mut self, start: Offset) -> bool {
        let removed = start > self.next;
        if removed {
            (self.start, self.next) = (start, start);
        }
        removed
    }

    /// Which of the plan's it is.
    pub(super) fn partition(&self) -> TopicPartition {
        self.located.partition
    }

    /// Where it stands on the cluster.
    pub(super) fn place(&self) -> &Place {
        &self.located.place
    }

    /// Whether no transaction is open in it.
    pub(super) fn has_ended(&self) -> bool {
        self.transactions.values().all(|transactions| transactions.open.is_empty())
    }

    /// Relative to where the log ended when the run began.
    fn relative(&self, offset: Offset) -> Offset {
        Offset(offset.0 - self.located.start.0)
    }

    pub(super) fn visit(&mut self, plan: &Plan, recogniser: &mut Recogniser, logged: &Logged<'_>) {
        self.next = Offset(logged.offset.0 + 1);
        if logged.batch.is_control() {
            self.end_transaction(logged);
            return;
        }
        let Record { key, value, headers, .. } = logged.record;
        // A broker that stamps records by its own clock keeps nothing of what was sent.
        let sent = logged.batch.timestamp_type() == TimestampType::CreateTime;
        let seen = Seen { key, value, headers, timestamp: sent.then_some(logged.timestamp) };
        let known = recogniser.recognise(self.located.partition.topic, &seen);
        let identity = known.map(|(submission, _)| submission);
        let mut fate = Fate::Readable;
        if logged.batch.is_transactional() {
            fate = Fate::Open;
            let transactions = self.transactions.entry(logged.batch.producer_id()).or_default();
            transactions.open.push(self.records.len());
            let batch = identity.and_then(|submission| plan.batch_of(submission.message));
            transactions.producer = batch.map(|batch| batch.producer).or(transactions.producer);
        }
        self.records.push(LogRecord {
            offset: self.relative(logged.offset),
            identity,
            content: known.map_or(Content::Intact, |(_, content)| content),
            fate,
        });
        if let Some(digest) = &mut self.digest {
            add(digest, &logged.record);
        }
    }

    /// A marker says what becomes of the records that its producer id has written since the last one.
    fn end_transaction(&mut self, logged: &Logged<'_>) {
        let Some(marker) = Marker::of(&logged.record) else { return };
        let committed = marker == Marker::Commit;
        let offset = self.relative(logged.offset);
        let transactions = self.transactions.entry(logged.batch.producer_id()).or_default();
        for record in transactions.open.drain(..) {
            self.records[record].fate = if committed { Fate::Readable } else { Fate::Aborted };
        }
        self.markers.push(LogMarker { offset, producer: transactions.producer, committed });
    }

    pub(super) fn end(self, plan: &Plan, end: Result<LogEnd, ErrorCode>) -> Result<PartitionLog, RunError> {
        let TopicPartition { topic, partition } = self.located.partition;
        let name = || plan.topics.get(topic.index()).map_or_else(String::new, |topic| topic.name.to_string());
        let (end, unreadable) = match end {
            Ok(end) => (end, false),
            Err(ErrorCode::LEADER_NOT_AVAILABLE) if plan.cluster_step().is_some() => {
                let start = self.located.start;
                (LogEnd { start, high_watermark: start, last_stable: start }, true)
            }
            Err(code) => return Err(RunError::Log { topic: name(), partition, code }),
        };
        Ok(PartitionLog {
            partition: self.located.partition,
            start: self.relative(self.start),
            high_watermark: self.relative(end.high_watermark),
            last_stable_offset: self.relative(end.last_stable),
            records: self.records,
            markers: self.markers,
            unreadable,
            digest: self.digest.map(|digest| hexadecimal(&digest.finalize())),
        })
    }
}

/// Adds what an application put into a record: key, value and headers, each with its length, so that no two contents
/// give the same bytes. Timestamps are left out, most are those of a clock.
fn add(digest: &mut Sha256, record: &Record<'_>) {
    let mut part = |bytes: Option<&[u8]>| {
        digest.update([u8::from(bytes.is_some())]);
        digest.update(bytes.unwrap_or_default().len().to_be_bytes());
        digest.update(bytes.unwrap_or_default());
    };
    part(record.key);
    part(record.value);
    part(Some(&record.headers.len().to_be_bytes()));
    for header in record.headers.iter() {
        part(Some(header.key));
        part(header.value);
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
