//! Reads what the plan's partitions hold at the end, and recognises the records.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::future::pending;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::time::{Instant, sleep};

use crate::cluster::{Address, Cluster, LogEnd, Logged, Tcp};
use crate::id::{Offset, ProducerIndex, Submission, TopicPartition};
use crate::kafka::ErrorCode;
use crate::kafka::batch::{Marker, Record, TimestampType};
use crate::plan::{Plan, Recogniser, Seen};
use crate::submissions::Submissions;
use crate::trace::{
    Callback, Content, Event, Events, Fate, LogMarker, LogRecord, PartitionLog, Persistence, Recorder,
};

use super::RunError;
use super::world::Located;

/// Nothing is read ahead before so many callbacks have come since the last look.
const AHEAD: u64 = 50_000;
/// How often it is looked whether they have, and whether what is missing has come.
const LOOK: Duration = Duration::from_millis(20);
/// What is missing for so long while nothing else comes is not waited for any more.
const QUIET: Duration = Duration::from_secs(2);

/// What the logs hold, and whether that is known to be all.
pub(super) struct Read {
    pub(super) logs: Vec<PartitionLog>,
    /// Nothing more can come.
    pub(super) settled: bool,
}

/// Reads the logs of all partitions of the plan's topics from their leaders.
pub(super) struct Reader<'a> {
    plan: &'a Plan,
    bootstrap: Vec<Address>,
    /// None before the first call.
    cluster: Option<Cluster>,
    recogniser: Recogniser,
    /// By topic and partition.
    logs: Vec<Reading>,
}

impl<'a> Reader<'a> {
    /// Has read nothing, and is connected to nothing.
    pub(super) fn new(plan: &'a Plan, bootstrap: Vec<Address>, partitions: Vec<Located>) -> Self {
        let log = |located| Reading::new(located, plan.snapshot.content);
        let logs = partitions.into_iter().map(log).collect();
        Self { plan, bootstrap, cluster: None, recogniser: plan.recogniser(), logs }
    }

    /// Reads ahead while callbacks come, and never ends; at the end of a long run little is left to read. What keeps the
    /// logs from being read now will do so at the end. What is below a high watermark now stays so: nothing in a plan of
    /// today takes a broker or a leader away. May be dropped at any time.
    pub(super) async fn read_ahead(&mut self, recorder: &Recorder) -> Infallible {
        let mut seen = recorder.counts().callbacks;
        loop {
            sleep(LOOK).await;
            let callbacks = recorder.counts().callbacks;
            if callbacks >= seen + AHEAD {
                seen = callbacks;
                if self.catch_up().await.is_err() {
                    pending::<()>().await;
                }
            }
        }
    }

    /// Closes its connections, until it reads again.
    pub(super) fn hang_up(&mut self) {
        self.cluster.iter_mut().for_each(Cluster::hang_up);
    }

    /// Reads what is left, and hands out the logs.
    pub(super) async fn finish(mut self) -> Result<Read, RunError> {
        let ends = self.catch_up().await?;
        Ok(Read { logs: self.end(ends)?, settled: true })
    }

    /// Reads until all that may have been written is there and one more read brings nothing, or until nothing has come
    /// for a while: then it is not settled whether the rest will.
    pub(super) async fn finish_unsettled(mut self, events: &Events) -> Result<Read, RunError> {
        let written = possibly_written(events);
        let (mut count, mut quiet) = (self.own().count(), Instant::now());
        loop {
            let ends = self.catch_up().await?;
            let now = self.own().count();
            if now > count {
                (count, quiet) = (now, Instant::now());
                continue;
            }
            let settled = written.difference(&self.own().collect()).is_empty();
            // A broker may write the end of a transaction after it has said that it will.
            if settled && self.all_ended() || quiet.elapsed() >= QUIET {
                return Ok(Read { logs: self.end(ends)?, settled });
            }
            sleep(LOOK).await;
        }
    }

    /// Whether no transaction is open in any log.
    fn all_ended(&self) -> bool {
        let mut transactions = self.logs.iter().flat_map(|log| log.transactions.values());
        transactions.all(|transactions| transactions.open.is_empty())
    }

    /// The submissions whose records have been read.
    fn own(&self) -> impl Iterator<Item = Submission> {
        self.logs.iter().flat_map(|log| &log.records).filter_map(|record| record.identity)
    }

    /// Reads what is there and has not been read.
    async fn catch_up(&mut self) -> Result<Vec<Result<LogEnd, ErrorCode>>, RunError> {
        let deadline = Instant::now() + self.plan.deadline;
        let cluster = match &mut self.cluster {
            Some(cluster) => cluster,
            none => none.insert(Cluster::connect(Tcp, &self.bootstrap, deadline).await?),
        };
        let from: Vec<_> = self.logs.iter().map(|log| (log.located.place.clone(), log.next)).collect();
        let (logs, recogniser, plan) = (&mut self.logs, &mut self.recogniser, self.plan);
        let visit = |at: usize, logged: &Logged<'_>| {
            if let Some(log) = logs.get_mut(at) {
                log.visit(plan, recogniser, logged);
            }
        };
        Ok(cluster.read(&from, visit, deadline).await?)
    }

    fn end(self, ends: Vec<Result<LogEnd, ErrorCode>>) -> Result<Vec<PartitionLog>, RunError> {
        self.logs.into_iter().zip(ends).map(|(log, end)| log.end(self.plan, end)).collect()
    }
}

/// What clients took and do not claim to be unwritten.
fn possibly_written(events: &Events) -> Submissions {
    let sent = |event| if let Event::Sent(submission) = event { Some(submission) } else { None };
    let sent: Submissions = events.iter().filter_map(sent).collect();
    let failed = |callback: Callback| {
        let failure = callback.result.err()?;
        (failure.persistence == Persistence::NotPersisted).then_some(callback.submission)
    };
    sent.difference(&events.callbacks().filter_map(failed).collect())
}

/// A log while it is read.
struct Reading {
    located: Located,
    /// The first offset that has not been read.
    next: Offset,
    records: Vec<LogRecord>,
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
    fn new(located: Located, digest: bool) -> Self {
        Self {
            next: located.start,
            located,
            records: Vec::new(),
            markers: Vec::new(),
            transactions: HashMap::new(),
            digest: digest.then(Sha256::new),
        }
    }

    /// Relative to where the log ended when the run began.
    fn relative(&self, offset: Offset) -> Offset {
        Offset(offset.0 - self.located.start.0)
    }

    fn visit(&mut self, plan: &Plan, recogniser: &mut Recogniser, logged: &Logged<'_>) {
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

    fn end(self, plan: &Plan, end: Result<LogEnd, ErrorCode>) -> Result<PartitionLog, RunError> {
        let TopicPartition { topic, partition } = self.located.partition;
        let name = || plan.topics.get(topic.index()).map_or_else(String::new, |topic| topic.name.to_string());
        let end = end.map_err(|code| RunError::Log { topic: name(), partition, code })?;
        Ok(PartitionLog {
            partition: self.located.partition,
            high_watermark: self.relative(end.high_watermark),
            last_stable_offset: self.relative(end.last_stable),
            records: self.records,
            markers: self.markers,
            unreadable: false,
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
