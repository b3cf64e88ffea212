//! What a partition's log held at the end of a run.

use crate::id::{Offset, ProducerIndex, Submission, TopicPartition};

/// A partition's log as it was read from its leader at the end, in the order of offsets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionLog {
    /// Which partition.
    pub partition: TopicPartition,
    /// Its records, by ascending offset. Offsets are relative to the end of the log when the run began.
    pub records: Vec<LogRecord>,
    /// The ends of transactions, by ascending offset; each takes an offset of its own.
    pub markers: Vec<LogMarker>,
    /// The relative offset of the first record that is still there; 0 where nothing of this run has been removed.
    pub start: Offset,
    /// Whether nobody led the partition, so that nothing is known of it.
    pub unreadable: bool,
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
    /// What became of the transaction that wrote it.
    pub fate: Fate,
}

/// The end of a transaction in one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogMarker {
    /// Its place, relative to the end of the log when the run began.
    pub offset: Offset,
    /// Whose transaction it ends: that of the records before it; none where nothing tells.
    pub producer: Option<ProducerIndex>,
    /// Whether the transaction was committed or aborted.
    pub committed: bool,
}

/// Whether a consumer of committed records may read a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// It may: it was written outside of transactions, or its transaction was committed.
    #[default]
    Readable,
    /// It never will: its transaction was aborted.
    Aborted,
    /// Not yet: its transaction is open.
    Open,
}

/// What was found of a record's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// As it was sent.
    Intact,
    /// Key, value, headers or timestamp differ from what was sent.
    Differs,
}
