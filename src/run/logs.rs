//! Reads at the end what the plan's partitions hold, and recognises the records.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};
use tokio::time::Instant;

use crate::cluster::{Cluster, LogEnd, Logged, Place, Tcp};
use crate::id::{Offset, Partition, TopicIndex, TopicPartition};
use crate::kafka::ErrorCode;
use crate::kafka::batch::{Record, TimestampType};
use crate::plan::{Plan, Recogniser, Seen};
use crate::trace::{Content, LogRecord, PartitionLog};

use super::RunError;

/// The logs of all partitions of the plan's topics, by topic and partition, read from their leaders.
pub(super) async fn read(plan: &Plan, bootstrap: &str) -> Result<Vec<PartitionLog>, RunError> {
    let deadline = Instant::now() + plan.deadline;
    let address = bootstrap.parse().map_err(|_| RunError::Address(bootstrap.to_owned()))?;
    let mut cluster = Cluster::connect(Tcp, &[address], deadline).await?;
    let partitions: Vec<_> = partitions(plan).collect();
    let place = |partition: &TopicPartition| {
        let topic = plan.topics.get(partition.topic.index())?;
        Some((Place { topic: topic.name.clone(), partition: partition.partition }, Offset(0)))
    };
    let from: Vec<_> = partitions.iter().filter_map(place).collect();
    let mut recogniser = plan.recogniser();
    let mut reading: Vec<_> =
        partitions.iter().map(|partition| Reading::new(*partition, plan.snapshot.content)).collect();
    let visit = |at: usize, logged: &Logged<'_>| {
        if let Some(reading) = reading.get_mut(at) {
            reading.visit(&mut recogniser, logged);
        }
    };
    let ends = cluster.read(&from, visit, deadline).await?;
    reading.into_iter().zip(ends).map(|(reading, end)| reading.end(plan, end)).collect()
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
    records: Vec<LogRecord>,
    digest: Option<Sha256>,
}

impl Reading {
    fn new(partition: TopicPartition, digest: bool) -> Self {
        Self { partition, records: Vec::new(), digest: digest.then(Sha256::new) }
    }

    fn visit(&mut self, recogniser: &mut Recogniser, logged: &Logged<'_>) {
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
