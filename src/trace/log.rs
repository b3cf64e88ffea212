//! What a partition's log held at the end of a run.

use crate::id::{Offset, Submission, TopicPartition};

/// A partition's log as it was read from its leader at the end, in the order of offsets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionLog {
    /// Which partition.
    pub partition: TopicPartition,
    /// Its records, by ascending offset. Offsets are relative to the end of the log when the run began.
    pub records: Vec<LogRecord>,
    /// The relative high watermark.
    pub high_watermark: Offset,
    /// The relative last stable offset.
    pub last_stable_offset: Offset,
    /// SHA-256 over the content of the records in their order, in hexadecimal; only where the plan's snapshot shows it.
    pub digest: Option<String>,
}

/// One record, 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogRecord {
    /// Its place, relative to the end of the log when the run began.
    pub offset: Offset,
    /// What it is; none for a foreign record, which no submission of this run wrote.
    pub identity: Option<Submission>,
    /// Whether key, value, headers and timestamp are what was sent. Meaningless for a foreign record.
    pub content: Content,
}

/// What was found of a record's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// As it was sent.
    Intact,
    /// Key, value, headers or timestamp differ from what was sent.
    Differs,
}
