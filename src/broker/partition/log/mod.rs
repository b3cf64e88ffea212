//! The log of a partition: batches in the order of their offsets, as the producers wrote them.

pub(in crate::broker) mod retention;

use bytes::{BufMut, Bytes, BytesMut};

use crate::kafka::batch::{Batch, Record, field};

/// The most that the records of a batch may take when they are decompressed, in bytes: as much as a request. Apache
/// Kafka has no such limit; a batch that is larger is refused as one that cannot be decompressed.
pub(in crate::broker) const MAX_PAYLOAD: usize = crate::kafka::frame::MAX_REQUEST_BYTES;

/// The most that the batches of one log take, in bytes, as they were sent: it is kept in memory. Beyond it a partition
/// answers as Apache Kafka does whose disk is full. A hundred and fifty million records of 40 bytes fit.
pub(in crate::broker) const MAX_LOG_BYTES: usize = 8 << 30;

/// How many bytes lie at least between two entries of Kafka's offset index (`log.index.interval.bytes`).
const INDEX_INTERVAL: usize = 4096;

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

/// Batches one after the other, from the log start offset to the log end offset.
#[derive(Debug, Default)]
pub(in crate::broker) struct Log {
    entries: Vec<Entry>,
    start: i64,
    end: i64,
    /// What the batches take, in bytes.
    size: usize,
}

/// The end of a log that another replica has not.
#[derive(Debug, Default)]
pub(super) struct Stranded(Vec<Entry>);

impl Stranded {
    /// What of it lies below an offset, with `rest` behind it.
    pub(super) fn below(&self, offset: i64, rest: Self) -> Self {
        let below = self.0.iter().filter(|entry| entry.last_offset() < offset).cloned();
        Self(below.chain(rest.0).collect())
    }
}

/// A batch with its place. Its bytes are the producer's, and often a slice of the request that brought them; what the
/// leader writes over them is kept beside, so that a megabyte is not copied for twelve bytes.
#[derive(Clone, Debug)]
struct Entry {
    base_offset: i64,
    leader_epoch: i32,
    batch: Batch,
}

impl Entry {
    fn last_offset(&self) -> i64 {
        self.base_offset + i64::from(self.batch.last_offset_delta())
    }

    /// Puts the batch as it stands in the log.
    fn put(&self, out: &mut BytesMut) {
        out.put_i64(self.base_offset);
        out.put_slice(&self.batch.bytes()[field::BATCH_LENGTH..field::LEADER_EPOCH]);
        out.put_i32(self.leader_epoch);
        out.put_slice(&self.batch.bytes()[field::MAGIC..]);
    }

    fn found(&self, record: &Record<'_>) -> Found {
        let offset = self.base_offset + i64::from(record.offset_delta);
        Found { timestamp: record.timestamp(&self.batch), offset, leader_epoch: self.leader_epoch }
    }

    /// The first record that fits. A batch that was accepted can be read.
    fn find(&self, fits: impl Fn(&Found) -> bool) -> Option<Found> {
        let payload = self.batch.payload(MAX_PAYLOAD).ok()?;
        let mut records = self.batch.records(&payload).map_while(Result::ok);
        records.find_map(|record| Some(self.found(&record)).filter(&fits))
    }
}

impl Log {
    /// The offset of the first record that is kept, or of the next one if there is none.
    pub(in crate::broker) fn start(&self) -> i64 {
        self.start
    }

    /// The offset that the next record will have.
    pub(in crate::broker) fn end(&self) -> i64 {
        self.end
    }

    /// Whether there is room for a batch of so many bytes.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        self.size.saturating_add(bytes) <= MAX_LOG_BYTES
    }

    /// As if it held so much that this is all the room left.
    #[cfg(test)]
    pub(super) fn leave_room(&mut self, bytes: usize) {
        self.size = MAX_LOG_BYTES - bytes;
    }

    /// Adds a batch whose counts are right, and returns the offset of its first record.
    pub(super) fn append(&mut self, batch: Batch, leader_epoch: i32) -> i64 {
        let entry = Entry { base_offset: self.end, leader_epoch, batch };
        self.end = entry.last_offset() + 1;
        let base_offset = entry.base_offset;
        self.size += entry.batch.size();
        self.entries.push(entry);
        base_offset
    }

    /// Takes off what stands at an offset and behind it. The offset is where a batch begins.
    pub(super) fn truncate(&mut self, end: i64) -> Stranded {
        let kept = self.entries.partition_point(|entry| entry.base_offset < end);
        self.end = end.min(self.end);
        self.start = self.start.min(self.end);
        let tail = Stranded(self.entries.split_off(kept));
        self.size -= size(&tail.0);
        tail
    }

    /// Puts back what was taken off.
    pub(super) fn restore(&mut self, tail: Stranded) {
        self.size += size(&tail.0);
        self.entries.extend(tail.0);
        self.end = self.entries.last().map_or(self.end, |entry| entry.last_offset() + 1);
    }

    /// The batches as they were appended, each with the offset of its first record.
    pub(super) fn batches(&self) -> impl Iterator<Item = (i64, &Batch)> {
        self.entries.iter().map(|entry| (entry.base_offset, &entry.batch))
    }

    /// Whole batches from the one that holds `from`, as long as they lie below the offset `below` and together take at
    /// most `max_bytes`; the first one in any case if `at_least_one`.
    pub(in crate::broker) fn read(
        &self,
        from: i64,
        below: i64,
        max_bytes: usize,
        at_least_one: bool,
    ) -> Bytes {
        let first = self.entries.partition_point(|entry| entry.last_offset() < from);
        let mut size = 0;
        let fitting = self.entries[first..].iter().take_while(|entry| {
            let free = size == 0 && at_least_one;
            size += entry.batch.size();
            entry.last_offset() < below && (free || size <= max_bytes)
        });
        let batches: Vec<_> = fitting.collect();
        let mut out = BytesMut::with_capacity(batches.iter().map(|entry| entry.batch.size()).sum());
        for entry in batches {
            entry.put(&mut out);
        }
        out.freeze()
    }

    /// An offset behind all that a read of so many bytes from `from` has found, and less than [`INDEX_INTERVAL`] bytes
    /// further; the end of the log if that comes before (`OffsetIndex.fetchUpperBoundOffset`).
    pub(in crate::broker) fn bound(&self, from: i64, bytes: usize) -> i64 {
        let first = self.entries.partition_point(|entry| entry.last_offset() < from);
        let mut position = 0;
        let mut beyond = self.entries[first..].iter().skip_while(|entry| {
            let within = position < bytes + INDEX_INTERVAL;
            position += entry.batch.size();
            within
        });
        beyond.next().map_or(self.end, |entry| entry.base_offset)
    }

    /// The first record, by offset, that is not older than `timestamp` and lies below the offset `below`.
    pub(in crate::broker) fn first_since(&self, timestamp: i64, below: i64) -> Option<Found> {
        let mut candidates = self.entries.iter().filter(|entry| entry.batch.max_timestamp() >= timestamp);
        let found = candidates.find_map(|entry| entry.find(|found| found.timestamp >= timestamp));
        found.filter(|found| found.offset < below)
    }

    /// The first record with the highest timestamp of all.
    pub(in crate::broker) fn newest(&self) -> Option<Found> {
        let mut newest: Option<&Entry> = None;
        for entry in &self.entries {
            if newest.is_none_or(|newest| entry.batch.max_timestamp() > newest.batch.max_timestamp()) {
                newest = Some(entry);
            }
        }
        newest.and_then(|entry| entry.find(|found| found.timestamp == entry.batch.max_timestamp()))
    }
}

fn size(entries: &[Entry]) -> usize {
    entries.iter().map(|entry| entry.batch.size()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::batch::{BatchBuilder, Compression, NewRecord, entries};

    fn batch(times: &[i64]) -> Batch {
        let add = |builder: BatchBuilder, timestamp: &i64| {
            builder.record(NewRecord { timestamp: *timestamp, value: Some(b"value"), ..NewRecord::default() })
        };
        times.iter().fold(BatchBuilder::new().compression(Compression::Gzip), add).build().unwrap()
    }

    fn log() -> Log {
        let mut log = Log::default();
        assert_eq!(log.append(batch(&[10, 30, 20]), 4), 0);
        assert_eq!(log.append(batch(&[5]), 4), 3);
        assert_eq!(log.append(batch(&[30, 40]), 5), 4);
        log
    }

    fn offsets(bytes: Bytes) -> Vec<(i64, i32)> {
        let batches = entries(bytes).map(|entry| Batch::try_from(entry.unwrap()).unwrap());
        batches.map(|batch| (batch.base_offset(), batch.leader_epoch())).collect()
    }

    #[test]
    fn offsets_and_leader_epoch_are_the_logs_and_all_else_the_producers() {
        let mut log = Log::default();
        let sent = batch(&[1, 2]);
        log.append(sent.clone(), 7);
        log.append(sent.clone(), 7);
        let read = log.read(2, 4, usize::MAX, false);
        let read = Batch::try_from(entries(read).next().unwrap().unwrap()).unwrap();
        assert_eq!((read.base_offset(), read.leader_epoch()), (2, 7));
        assert_eq!(read.bytes()[field::MAGIC..], sent.bytes()[field::MAGIC..]);
        assert!(read.check_crc().is_ok(), "neither field is part of the checksum");
    }

    #[test]
    fn a_read_begins_with_the_batch_that_holds_the_offset() {
        let log = log();
        let all = vec![(0, 4), (3, 4), (4, 5)];
        assert_eq!(offsets(log.read(0, 6, usize::MAX, false)), all);
        assert_eq!(offsets(log.read(2, 6, usize::MAX, false)), all);
        assert_eq!(offsets(log.read(3, 6, usize::MAX, false)), all[1..]);
        assert_eq!(offsets(log.read(5, 6, usize::MAX, false)), all[2..]);
        assert_eq!(offsets(log.read(6, 6, usize::MAX, true)), []);
    }

    #[test]
    fn a_read_ends_below_the_high_watermark_and_within_its_size() {
        let log = log();
        assert_eq!(offsets(log.read(0, 5, usize::MAX, true)).len(), 2, "half a batch is not readable");
        assert_eq!(offsets(log.read(0, 0, usize::MAX, true)).len(), 0);
        let first = log.entries[0].batch.size();
        assert_eq!(offsets(log.read(0, 6, first, false)).len(), 1);
        assert_eq!(offsets(log.read(0, 6, first - 1, false)).len(), 0);
        assert_eq!(offsets(log.read(0, 6, 0, true)).len(), 1);
        assert_eq!(offsets(log.read(0, 6, first + log.entries[1].batch.size(), true)).len(), 2);
    }

    #[test]
    fn what_is_taken_off_the_end_can_be_put_back() {
        let mut log = log();
        let tail = log.truncate(3);
        assert_eq!((log.end(), offsets(log.read(0, 9, usize::MAX, true))), (3, vec![(0, 4)]));
        assert_eq!(log.append(batch(&[1]), 6), 3);
        log.truncate(3);
        log.restore(tail.below(4, Stranded::default()));
        assert_eq!((log.end(), offsets(log.read(0, 9, usize::MAX, true))), (4, vec![(0, 4), (3, 4)]));
        log.restore(Stranded::default());
        log.truncate(9);
        assert_eq!((log.start(), log.end()), (0, 4));
    }

    #[test]
    fn a_bound_lies_behind_what_was_read_and_not_far() {
        let mut log = log();
        assert_eq!((log.bound(0, 0), log.bound(9, 100)), (6, 6), "a short log has no index");
        while log.end() < 1_000 {
            log.append(batch(&[1]), 5);
        }
        let (first, one) = (log.entries[0].batch.size(), log.entries[9].batch.size());
        let bound = log.bound(0, first);
        let bytes = |to: i64| {
            log.entries.iter().filter(|it| it.base_offset < to).map(|it| it.batch.size()).sum::<usize>()
        };
        assert!(
            bytes(bound) >= first + INDEX_INTERVAL && bytes(bound) < first + INDEX_INTERVAL + one + first
        );
        assert_eq!(log.bound(0, 1 << 20), 1_000);
    }

    #[test]
    fn a_time_leads_to_the_first_record_that_is_not_older() {
        let log = log();
        let found = |timestamp| log.first_since(timestamp, 6).map(|found| (found.offset, found.timestamp));
        assert_eq!(found(0), Some((0, 10)));
        assert_eq!(found(15), Some((1, 30)));
        assert_eq!(found(30), Some((1, 30)));
        assert_eq!(found(31), Some((5, 40)));
        assert_eq!(found(41), None);
        assert_eq!(log.first_since(31, 5), None, "not readable yet");
    }

    #[test]
    fn the_newest_is_the_first_with_the_highest_timestamp() {
        let mut log = log();
        assert_eq!(log.newest(), Some(Found { timestamp: 40, offset: 5, leader_epoch: 5 }));
        log.append(batch(&[40]), 5);
        assert_eq!(log.newest().unwrap().offset, 5);
        assert_eq!(Log::default().newest(), None);
    }
}
