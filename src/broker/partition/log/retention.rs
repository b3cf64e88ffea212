//! What is deleted because it is too old or too much (`UnifiedLog.deleteOldSegments`).
//!
//! Apache Kafka deletes whole segments. Here no segments are kept: where one would begin follows from the batches.

use crate::broker::partition::log::{Entry, Log};
use crate::kafka::batch::NO_TIMESTAMP;

/// How a log is cut into segments, and what of it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::broker) struct Retention {
    /// `segment.bytes`.
    pub segment_bytes: usize,
    /// `segment.ms`: a segment ends with the first batch that is so much newer than its first one.
    pub segment_ms: i64,
    /// `retention.ms`; nothing is too old where it is negative.
    pub time_ms: i64,
    /// `retention.bytes`; nothing is too much where it is negative.
    pub size_bytes: i64,
}

/// A run of batches that are deleted together.
struct Segment {
    batches: usize,
    bytes: usize,
    first_timestamp: i64,
    largest_timestamp: i64,
    end: i64,
}

impl Segment {
    fn of(entry: &Entry) -> Self {
        let timestamp = entry.batch.max_timestamp();
        let (batches, bytes, end) = (1, entry.batch.size(), entry.last_offset() + 1);
        Self { batches, bytes, first_timestamp: timestamp, largest_timestamp: timestamp, end }
    }

    /// Whether the batch still belongs to it (`LogSegment.shouldRoll`).
    fn takes(&self, entry: &Entry, kept: &Retention) -> bool {
        let newer = entry.batch.max_timestamp().saturating_sub(self.first_timestamp);
        self.bytes + entry.batch.size() <= kept.segment_bytes && newer <= kept.segment_ms
    }

    fn add(&mut self, entry: &Entry) {
        self.batches += 1;
        self.bytes += entry.batch.size();
        self.largest_timestamp = self.largest_timestamp.max(entry.batch.max_timestamp());
        self.end = entry.last_offset() + 1;
    }
}

impl Log {
    /// Deletes the oldest segments as long as they are too old at `now` (milliseconds since 1970) or too much, and lie
    /// below the offset `below`.
    pub(in crate::broker::partition) fn retain(&mut self, kept: &Retention, now: i64, below: i64) {
        let segments = self.segments(kept);
        let mut surplus = match usize::try_from(kept.size_bytes) {
            Ok(most) => segments.iter().map(|segment| segment.bytes).sum::<usize>().saturating_sub(most),
            Err(_) => 0,
        };
        for segment in segments {
            let dated = segment.largest_timestamp != NO_TIMESTAMP && kept.time_ms >= 0;
            let old = dated && now.saturating_sub(segment.largest_timestamp) > kept.time_ms;
            let much = segment.bytes <= surplus;
            if segment.end > below || !(old || much) {
                break;
            }
            surplus = surplus.saturating_sub(segment.bytes);
            self.entries.drain(..segment.batches);
            self.size -= segment.bytes;
            self.start = segment.end;
        }
    }

    fn segments(&self, kept: &Retention) -> Vec<Segment> {
        let mut segments: Vec<Segment> = vec![];
        for entry in &self.entries {
            match segments.last_mut() {
                Some(last) if last.takes(entry, kept) => last.add(entry),
                _ => segments.push(Segment::of(entry)),
            }
        }
        segments
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::batch::{BatchBuilder, NewRecord};

    const KEPT: Retention =
        Retention { segment_bytes: 1 << 30, segment_ms: i64::MAX, time_ms: 10, size_bytes: -1 };

    fn log(times: &[i64]) -> Log {
        let mut log = Log::default();
        for timestamp in times {
            let record = NewRecord { timestamp: *timestamp, value: Some(b"value"), ..NewRecord::default() };
            log.append(BatchBuilder::new().record(record).build().unwrap(), 0);
        }
        log
    }

    fn start(times: &[i64], kept: Retention, now: i64, below: i64) -> i64 {
        let mut log = log(times);
        log.retain(&kept, now, below);
        assert_eq!(log.end(), i64::try_from(times.len()).unwrap());
        assert_eq!(log.entries.first().map_or(log.end(), |entry| entry.base_offset), log.start());
        log.start()
    }

    #[test]
    fn a_segment_goes_when_its_newest_record_is_too_old() {
        let each = Retention { segment_ms: 0, ..KEPT };
        assert_eq!(start(&[0, 1, 5], KEPT, 15, 3), 0, "one segment, and 5 is not older than 10");
        assert_eq!(start(&[0, 1, 5], KEPT, 16, 3), 3, "also the segment that is written to");
        assert_eq!(start(&[0, 1, 5], each, 12, 3), 2);
        assert_eq!(start(&[0, 20, 5], each, 100, 1), 1, "nothing above the high watermark");
        assert_eq!(start(&[0, 20, 5], Retention { time_ms: -1, ..each }, i64::MAX, 3), 0);
        assert_eq!(start(&[NO_TIMESTAMP, 0], each, i64::MAX, 2), 0, "nobody knows how old it is");
    }

    #[test]
    fn the_oldest_segments_go_when_there_is_too_much() {
        let size = log(&[1]).entries[0].batch.size();
        let two = Retention { segment_bytes: 2 * size, time_ms: -1, ..KEPT };
        let most = |bytes: usize| Retention { size_bytes: i64::try_from(bytes).unwrap(), ..two };
        for (bytes, kept_from) in [(6 * size, 0), (5 * size, 0), (4 * size, 2), (2 * size, 4), (0, 6)] {
            assert_eq!(start(&[1; 6], most(bytes), 1, 6), kept_from, "{bytes}");
        }
    }
}
