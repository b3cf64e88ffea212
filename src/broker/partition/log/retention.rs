//! What is deleted because it is too old or too much (`UnifiedLog.deleteOldSegments`): whole segments.

use crate::broker::partition::log::Log;

/// What is kept of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::broker) struct Retention {
    /// `retention.ms`; nothing is too old where it is negative.
    pub time_ms: i64,
    /// `retention.bytes`; nothing is too much where it is negative.
    pub size_bytes: i64,
}

impl Log {
    /// Deletes the oldest segments as long as they are too old at `now` (milliseconds since 1970) or too much, and lie
    /// below the offset `below`.
    pub(in crate::broker::partition) fn retain(&mut self, kept: &Retention, now: i64, below: i64) {
        let mut surplus = match usize::try_from(kept.size_bytes) {
            Ok(most) => self.size.saturating_sub(most),
            Err(_) => 0,
        };
        while let Some(oldest) = self.segments.first() {
            let end = self.segments.get(1).map_or(self.end, |next| next.base_offset);
            let old = kept.time_ms >= 0 && now.saturating_sub(oldest.newest()) > kept.time_ms;
            let much = oldest.bytes <= surplus && oldest.bytes > 0;
            if end > below || !(old || much) {
                break;
            }
            let gone = self.segments.remove(0);
            surplus = surplus.saturating_sub(gone.bytes);
            self.entries.drain(..self.entries.partition_point(|entry| entry.base_offset < end));
            self.size -= gone.bytes;
            self.start = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::partition::log::segment::Rolling;
    use crate::kafka::batch::{BatchBuilder, NO_TIMESTAMP, NewRecord};

    const KEPT: Retention = Retention { time_ms: 10, size_bytes: -1 };

    fn segments(ms: i64, bytes: usize) -> Rolling {
        Rolling { segment_ms: ms, segment_bytes: bytes, ..Rolling::default() }
    }

    fn log(times: &[i64], rolling: Rolling) -> Log {
        let mut log = Log::default();
        for timestamp in times {
            let record = NewRecord { timestamp: *timestamp, value: Some(b"value"), ..NewRecord::default() };
            log.append(BatchBuilder::new().record(record).build().unwrap(), 0, (rolling, 7));
        }
        log
    }

    fn start(times: &[i64], (kept, rolling): (Retention, Rolling), now: i64, below: i64) -> i64 {
        let mut log = log(times, rolling);
        log.retain(&kept, now, below);
        assert_eq!(log.end(), i64::try_from(times.len()).unwrap());
        assert_eq!(log.entries.first().map_or(log.end(), |entry| entry.base_offset), log.start());
        log.start()
    }

    #[test]
    fn a_segment_goes_when_its_newest_record_is_too_old() {
        let (one, each) = ((KEPT, segments(i64::MAX, 1 << 30)), (KEPT, segments(0, 1 << 30)));
        assert_eq!(start(&[0, 1, 5], one, 15, 3), 0, "one segment, and 5 is not older than 10");
        assert_eq!(start(&[0, 1, 5], one, 16, 3), 3, "also the segment that is written to");
        assert_eq!(start(&[0, 1, 5], each, 12, 3), 2);
        assert_eq!(start(&[0, 20, 5], each, 100, 1), 1, "nothing above the high watermark");
        assert_eq!(start(&[0, 20, 5], (Retention { time_ms: -1, ..KEPT }, each.1), i64::MAX, 3), 0);
        assert_eq!(start(&[NO_TIMESTAMP], one, 17, 1), 0, "it is as old as its file");
        assert_eq!(start(&[NO_TIMESTAMP], one, 18, 1), 1);
    }

    #[test]
    fn the_oldest_segments_go_when_there_is_too_much() {
        let size = log(&[1], segments(i64::MAX, 1 << 30)).entries[0].batch.size();
        let two = segments(i64::MAX, 2 * size);
        let most = |bytes: usize| Retention { size_bytes: i64::try_from(bytes).unwrap(), time_ms: -1 };
        for (bytes, kept_from) in [(6 * size, 0), (5 * size, 0), (4 * size, 2), (2 * size, 4), (0, 6)] {
            assert_eq!(start(&[1; 6], (most(bytes), two), 1, 6), kept_from, "{bytes}");
        }
    }
}
