//! Reads what the plan's partitions hold at the end, and recognises the records.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::slice;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::time::{Instant, sleep};

use crate::cluster::{Address, Cluster, LogEnd, Logged, Place, Tcp};
use crate::id::{Offset, Partition, TopicIndex, TopicPartition};
use crate::kafka::ErrorCode;
use crate::kafka::batch::{Record, TimestampType};
use crate::plan::{Plan, Recogniser, Seen};
use crate::trace::{Content, LogRecord, PartitionLog, Recorder};

use super::RunError;

/// Nothing is read ahead before so many callbacks have come since the last look.
const AHEAD: u64 = 50_000;
/// How often it is looked whether they have.
const LOOK: Duration = Duration::from_millis(20);

/// Reads the logs of all partitions of the plan's topics from their leaders.
pub(super) struct Reader<'a> {
    plan: &'a Plan,
    address: Address,
    /// None before the first call.
    cluster: Option<Cluster>,
    recogniser: Recogniser,
    /// By topic and partition.
    logs: Vec<Reading>,
}

impl<'a> Reader<'a> {
    /// Has read nothing, and is connected to nothing.
    pub(super) fn new(plan: &'a Plan, bootstrap: &str) -> Result<Self, RunError> {
        let address = bootstrap.parse().map_err(|_| RunError::Address(bootstrap.to_owned()))?;
        let log = |partition| Reading::new(partition, plan.snapshot.content);
        let logs = partitions(plan).map(log).collect();
        Ok(Self { plan, address, cluster: None, recogniser: plan.recogniser(), logs })
    }

    /// Reads ahead while callbacks come, and never ends but with an error; at the end of a long run little is left to
    /// read. What is below a high watermark now stays so: nothing in a plan of today takes a broker or a leader away.
    /// May be dropped at any time.
    pub(super) async fn read_ahead(&mut self, recorder: &Recorder) -> Result<Infallible, RunError> {
        let mut seen = recorder.counts().callbacks;
        loop {
            sleep(LOOK).await;
            let callbacks = recorder.counts().callbacks;
            if callbacks >= seen + AHEAD {
                seen = callbacks;
                self.catch_up().await?;
            }
        }
    }

    /// Closes its connections, until it reads again.
    pub(super) fn hang_up(&mut self) {
        self.cluster.iter_mut().for_each(Cluster::hang_up);
    }

    /// Reads what is left, and hands out the logs.
    pub(super) async fn finish(mut self) -> Result<Vec<PartitionLog>, RunError> {
        let ends = self.catch_up().await?;
        self.logs.into_iter().zip(ends).map(|(log, end)| log.end(self.plan, end)).collect()
    }

    /// Reads what is there and has not been read.
    async fn catch_up(&mut self) -> Result<Vec<Result<LogEnd, ErrorCode>>, RunError> {
        let deadline = Instant::now() + self.plan.deadline;
        let cluster = match &mut self.cluster {
            Some(cluster) => cluster,
            none => none.insert(Cluster::connect(Tcp, slice::from_ref(&self.address), deadline).await?),
        };
        let topic = |log: &Reading| self.plan.topics.get(log.partition.topic.index());
        let place = |log: &Reading| {
            Some((Place { topic: topic(log)?.name.clone(), partition: log.partition.partition }, log.next))
        };
        let from: Vec<_> = self.logs.iter().filter_map(place).collect();
        let (logs, recogniser) = (&mut self.logs, &mut self.recogniser);
        let visit = |at: usize, logged: &Logged<'_>| {
            if let Some(log) = logs.get_mut(at) {
                log.visit(recogniser, logged);
            }
        };
        Ok(cluster.read(&from, visit, deadline).await?)
    }
}

fn partitions(plan: &Plan) -> impl Iterator<Item = TopicPartition> {
    (0u16..).map(TopicIndex).zip(&plan.topics).flat_map(|(index, topic)| {
        let count = i32::try_from(topic.partitions).unwrap_or(i32::MAX);
        (0..count).map(move |partition| TopicPartition { topic: index, partition: Partition(partition) })
    })
}

/// A log while it is read.
struct Reading {
    partition: TopicPartition,
    /// The first offset that has not been read.
    next: Offset,
    records: Vec<LogRecord>,
    digest: Option<Sha256>,
}

impl Reading {
    fn new(partition: TopicPartition, digest: bool) -> Self {
        Self { partition, next: Offset(0), records: Vec::new(), digest: digest.then(Sha256::new) }
    }

    fn visit(&mut self, recogniser: &mut Recogniser, logged: &Logged<'_>) {
        self.next = Offset(logged.offset.0 + 1);
        if logged.batch.is_control() {
            return;
        }
        let Record { key, value, headers, .. } = logged.record;
        // A broker that stamps records by its own clock keeps nothing of what was sent.
        let sent = logged.batch.timestamp_type() == TimestampType::CreateTime;
        let seen = Seen { key, value, headers, timestamp: sent.then_some(logged.timestamp) };
        let known = recogniser.recognise(self.partition.topic, &seen);
        self.records.push(LogRecord {
            offset: logged.offset,
            identity: known.map(|(submission, _)| submission),
            content: known.map_or(Content::Intact, |(_, content)| content),
        });
        if let Some(digest) = &mut self.digest {
            add(digest, &logged.record);
        }
    }

    fn end(self, plan: &Plan, end: Result<LogEnd, ErrorCode>) -> Result<PartitionLog, RunError> {
        let end = end.map_err(|code| RunError::Log {
            topic: plan
                .topics
                .get(self.partition.topic.index())
                .map_or_else(String::new, |t| t.name.to_string()),
            partition: self.partition.partition,
            code,
        })?;
        Ok(PartitionLog {
            partition: self.partition,
            records: self.records,
            high_watermark: end.high_watermark,
            last_stable_offset: end.last_stable,
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
