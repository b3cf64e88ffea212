//! The segments of a log (`LogSegment`, `OffsetIndex`, `TimeIndex`): a reader is given no more than stands in one of them,
//! and they are deleted as a whole. What stands in them is kept by the log itself.

use crate::kafka::batch::{Batch, NO_TIMESTAMP};

/// Bytes of an entry of the offset index, and of the time index.
const INDEX_ENTRY: usize = 8;
const TIME_ENTRY: usize = 12;

/// When a log begins another segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::broker) struct Rolling {
    /// `segment.bytes`.
    pub segment_bytes: usize,
    /// `segment.ms`: a segment ends with the first batch that is so much newer than its first one.
    pub segment_ms: i64,
    /// `segment.index.bytes`.
    pub index_bytes: usize,
    /// `index.interval.bytes`: so many bytes lie at least between two entries of an index.
    pub index_interval: usize,
}

impl Default for Rolling {
    fn default() -> Self {
        Self {
            segment_bytes: 1_073_741_824,
            segment_ms: 604_800_000,
            index_bytes: 10_485_760,
            index_interval: 4_096,
        }
    }
}

/// A batch in a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::broker) struct Place {
    /// The offset of its first record.
    pub offset: i64,
    /// The offset with which its segment begins.
    pub segment: i64,
    /// Bytes in front of it in the segment.
    pub position: usize,
}

/// What a segment must know of a batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Appending {
    /// What it takes, in bytes.
    pub bytes: usize,
    /// Its max timestamp.
    pub timestamp: i64,
    /// The offset of its last record.
    pub last_offset: i64,
}

impl Appending {
    /// Of a batch that begins at an offset.
    pub(super) fn of(batch: &Batch, base_offset: i64) -> Self {
        let last_offset = base_offset + i64::from(batch.last_offset_delta());
        Self { bytes: batch.size(), timestamp: batch.max_timestamp(), last_offset }
    }
}

/// A run of batches.
#[derive(Debug)]
pub(super) struct Segment {
    /// The offset with which it begins.
    pub base_offset: i64,
    /// What its batches take, in bytes.
    pub bytes: usize,
    /// The highest timestamp in it; [`NO_TIMESTAMP`] if no batch has one.
    pub largest: i64,
    /// When it was begun, and when it was written to last, in milliseconds since 1970.
    created: i64,
    pub written: i64,
    /// The max timestamp of its first batch.
    first: i64,
    /// Last offset and position of batches, at intervals.
    offsets: Vec<(i64, usize)>,
    /// The newest entry of the time index, and how many it has.
    newest: i64,
    times: usize,
    since_entry: usize,
}

impl Segment {
    pub(super) fn new(base_offset: i64, now: i64) -> Self {
        Self {
            base_offset,
            bytes: 0,
            largest: NO_TIMESTAMP,
            created: now,
            written: now,
            first: NO_TIMESTAMP,
            offsets: vec![],
            newest: NO_TIMESTAMP,
            times: 0,
            since_entry: 0,
        }
    }

    /// It without anything in it.
    pub(super) fn emptied(&self) -> Self {
        Self::new(self.base_offset, self.created)
    }

    /// Whether the batch begins another segment (`LogSegment.shouldRoll`).
    pub(super) fn is_over(&self, batch: Appending, rolling: Rolling, now: i64) -> bool {
        let waited = match self.first {
            NO_TIMESTAMP => now.saturating_sub(self.created),
            first => batch.timestamp.saturating_sub(first),
        };
        let full = self.offsets.len() >= rolling.index_bytes / INDEX_ENTRY
            || self.times + 1 >= rolling.index_bytes / TIME_ENTRY;
        let far = batch.last_offset - self.base_offset > i64::from(i32::MAX);
        let long = self.bytes + batch.bytes > rolling.segment_bytes;
        self.bytes > 0 && (long || waited > rolling.segment_ms || full || far)
    }

    /// Takes a batch, and returns its position.
    pub(super) fn add(&mut self, batch: Appending, rolling: Rolling, now: i64) -> usize {
        let (position, timestamp) = (self.bytes, batch.timestamp);
        if position == 0 {
            self.first = timestamp;
        }
        self.largest = self.largest.max(timestamp);
        if self.since_entry > rolling.index_interval {
            self.offsets.push((batch.last_offset, position));
            if self.largest > self.newest {
                self.newest = self.largest;
                self.times += 1;
            }
            self.since_entry = 0;
        }
        self.since_entry += batch.bytes;
        self.bytes += batch.bytes;
        self.written = now;
        position
    }

    /// An offset behind all that ends at a position, as far as its index can tell
    /// (`OffsetIndex.fetchUpperBoundOffset`).
    pub(super) fn bound(&self, position: usize) -> Option<i64> {
        let at = self.offsets.partition_point(|(_, known)| *known < position);
        self.offsets.get(at).map(|(offset, _)| *offset)
    }

    /// What is the newest in it to those who look for a time: a segment without timestamps goes by the time when its
    /// file was written (`LogSegment.largestTimestamp`).
    pub(super) fn newest(&self) -> i64 {
        if self.largest < 0 { self.written } else { self.largest }
    }
}
