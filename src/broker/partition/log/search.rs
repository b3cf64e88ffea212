//! Records that are looked for by their time.

use crate::broker::partition::log::{Entry, Log, MAX_PAYLOAD};
use crate::kafka::ErrorCode;
use crate::kafka::batch::{Compression, Record, RecordError};

/// Why a record that stands in the log cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::broker) enum Unreadable {
    /// Apache Kafka answers `INVALID_RECORD`.
    Invalid,
    /// Apache Kafka did not expect it.
    Unexpected,
}

impl Unreadable {
    fn of(error: RecordError) -> Self {
        if matches!(error, RecordError::Huge { .. }) { Self::Unexpected } else { Self::Invalid }
    }

    /// What an answer says.
    pub(in crate::broker) fn code(self) -> ErrorCode {
        match self {
            Self::Invalid => ErrorCode::INVALID_RECORD,
            Self::Unexpected => ErrorCode::UNKNOWN_SERVER_ERROR,
        }
    }
}

/// A record found by its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::broker) struct Found {
    /// Milliseconds since 1970.
    pub timestamp: i64,
    /// Its offset.
    pub offset: i64,
    /// The leader epoch in which it was written.
    pub leader_epoch: i32,
}

impl Entry {
    fn found(&self, record: &Record<'_>) -> Found {
        let offset = self.base_offset + i64::from(record.offset_delta);
        Found { timestamp: record.timestamp(&self.batch), offset, leader_epoch: self.leader_epoch }
    }

    /// The first record that fits. A batch that was accepted need not be readable: a leader looks past what a record
    /// says of its own length. `whole` reads a compressed batch to its end first (`DefaultRecordBatch.iterator`).
    fn find(&self, whole: bool, fits: impl Fn(&Found) -> bool) -> Result<Option<Found>, Unreadable> {
        let payload = self.batch.payload(MAX_PAYLOAD).map_err(|_| Unreadable::Unexpected)?;
        let is_read_first = whole && self.batch.compression() != Ok(Compression::None);
        let mut first = None;
        for record in self.batch.records(&payload) {
            let found = self.found(&record.map_err(Unreadable::of)?);
            if first.is_none() && fits(&found) {
                first = Some(found);
                if !is_read_first {
                    break;
                }
            }
        }
        Ok(first)
    }
}

impl Log {
    /// The first record, by offset, that is not older than `timestamp` and lies below the offset `below`; it is looked
    /// for in one segment alone (`UnifiedLog.searchOffsetInLocalLog`).
    pub(in crate::broker) fn first_since(
        &self,
        timestamp: i64,
        below: i64,
    ) -> Result<Option<Found>, Unreadable> {
        let Some(segment) = self.segments.iter().position(|segment| segment.newest() >= timestamp) else {
            return Ok(None);
        };
        // Inside a batch an offset may be any.
        let fits = |found: &Found| found.timestamp >= timestamp && found.offset >= self.start;
        for entry in self.entries_of(segment) {
            if entry.batch.max_timestamp() >= timestamp
                && let Some(found) = entry.find(true, fits)?
            {
                return Ok(Some(found).filter(|found| found.offset < below));
            }
        }
        Ok(None)
    }

    /// The first record with the highest timestamp of all.
    pub(in crate::broker) fn newest(&self) -> Result<Option<Found>, Unreadable> {
        let Some(largest) = self.segments.iter().map(|segment| segment.largest).max() else {
            return Ok(None);
        };
        let segment = self.segments.iter().position(|segment| segment.largest == largest);
        let mut entries = segment.map(|segment| self.entries_of(segment).iter()).into_iter().flatten();
        match entries.find(|entry| entry.batch.max_timestamp() == largest) {
            Some(newest) => newest.find(false, |found| found.timestamp == largest),
            None => Ok(None),
        }
    }
}
