//! The log of a partition: batches in the order of their offsets, as the producers wrote them.

pub(in crate::broker) mod epochs;
pub(in crate::broker) mod retention;
mod search;
pub(in crate::broker) mod segment;

use bytes::{BufMut, Bytes, BytesMut};

pub(in crate::broker) use crate::broker::partition::log::search::{Found, Unreadable};
use crate::broker::partition::log::segment::{Appending, Place, Rolling, Segment};
use crate::kafka::batch::{Batch, field};

/// The most that the records of a batch may take when they are decompressed, in bytes: as much as a request. Apache
/// Kafka has no such limit; a batch that is larger is refused as one that cannot be decompressed.
pub(in crate::broker) const MAX_PAYLOAD: usize = crate::kafka::frame::MAX_REQUEST_BYTES;

/// The most that the batches of one log take, in bytes, as they were sent: it is kept in memory. Beyond it a partition
/// answers as Apache Kafka does whose disk is full. A hundred and fifty million records of 40 bytes fit.
pub(in crate::broker) const MAX_LOG_BYTES: usize = 8 << 30;

/// Batches one after the other, from the log start offset to the log end offset.
#[derive(Debug, Default)]
pub(in crate::broker) struct Log {
    entries: Vec<Entry>,
    /// Each but the last has a batch.
    segments: Vec<Segment>,
    start: i64,
    end: i64,
    /// What the batches take, in bytes.
    size: usize,
    /// When segments begin, as it was when the last batch came.
    rolling: Rolling,
}

/// What a reader is given.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::broker) struct Slice {
    /// Batches; the last one may be cut off.
    pub records: Bytes,
    /// The offsets from the first to below the second are those whose aborted transactions the reader must know; none
    /// where even the first batch was too large, and Kafka forgets about them.
    pub span: Option<(i64, i64)>,
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
    /// Bytes in front of it in its segment.
    position: u32,
    batch: Batch,
}

impl Entry {
    fn last_offset(&self) -> i64 {
        self.base_offset + i64::from(self.batch.last_offset_delta())
    }

    fn appending(&self) -> Appending {
        Appending::of(&self.batch, self.base_offset)
    }

    /// Puts the batch as it stands in the log.
    fn put(&self, out: &mut BytesMut) {
        out.put_i64(self.base_offset);
        out.put_slice(&self.batch.bytes()[field::BATCH_LENGTH..field::LEADER_EPOCH]);
        out.put_i32(self.leader_epoch);
        out.put_slice(&self.batch.bytes()[field::MAGIC..]);
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

    /// Adds a batch whose counts are right, and returns the offset of its first record. `now` is in milliseconds since
    /// 1970.
    pub(super) fn append(&mut self, batch: Batch, leader_epoch: i32, (rolling, now): (Rolling, i64)) -> i64 {
        self.rolling = rolling;
        let base_offset = self.end;
        self.push(Entry { base_offset, leader_epoch, position: 0, batch }, now);
        base_offset
    }

    /// Begins another segment if that batch would. Kafka does so before it looks at the batch's producer, so that one
    /// that is refused then has ended a segment (`UnifiedLog.maybeRoll`).
    pub(super) fn roll(&mut self, batch: &Batch, (rolling, now): (Rolling, i64)) {
        self.rolling = rolling;
        self.roll_for(Appending::of(batch, self.end), now);
    }

    fn roll_for(&mut self, batch: Appending, now: i64) {
        let is_over = |last: &Segment| last.is_over(batch, self.rolling, now);
        if self.segments.last().is_none_or(is_over) {
            self.segments.push(Segment::new(self.end, now));
        }
    }

    fn push(&mut self, mut entry: Entry, now: i64) {
        let batch = entry.appending();
        self.roll_for(batch, now);
        let position = self.segments.last_mut().map_or(0, |last| last.add(batch, self.rolling, now));
        // No segment is larger than `segment.bytes`, an `i32`.
        entry.position = u32::try_from(position).unwrap_or(u32::MAX);
        self.end = entry.last_offset() + 1;
        self.size += entry.batch.size();
        self.entries.push(entry);
    }

    /// Takes off what stands at an offset and behind it. The offset is where a batch begins.
    pub(super) fn truncate(&mut self, end: i64) -> Stranded {
        let kept = self.entries.partition_point(|entry| entry.base_offset < end);
        self.end = end.min(self.end);
        self.start = self.start.min(self.end);
        let tail = Stranded(self.entries.split_off(kept));
        self.size -= size(&tail.0);
        self.segments.retain(|segment| segment.base_offset <= end);
        if let Some(last) = self.segments.last_mut() {
            let (mut shorter, written) = (last.emptied(), last.written);
            let first = self.entries.partition_point(|entry| entry.base_offset < shorter.base_offset);
            for entry in &self.entries[first..] {
                shorter.add(entry.appending(), self.rolling, written);
            }
            *last = shorter;
        }
        tail
    }

    /// Puts back what was taken off.
    pub(super) fn restore(&mut self, tail: Stranded) {
        let now = self.segments.last().map_or(0, |last| last.written);
        for entry in tail.0 {
            self.push(entry, now);
        }
    }

    /// The batches as they were appended, each with the offset of its first record.
    pub(super) fn batches(&self) -> impl Iterator<Item = (i64, &Batch)> {
        self.entries.iter().map(|entry| (entry.base_offset, &entry.batch))
    }

    /// What stands from the batch that holds `from` to below the offset `below`, as far as the segment goes, and cut off
    /// after `max_bytes`. Nothing, if that is less than a batch; `at_least_one` gives it whatever its size
    /// (`LocalLog.read`, `LogSegment.read`, `ReplicaManager.readFromLog`).
    pub(in crate::broker) fn read(
        &self,
        from: i64,
        below: i64,
        max_bytes: usize,
        at_least_one: bool,
    ) -> Slice {
        let first = self.entries.partition_point(|entry| entry.last_offset() < from);
        let Some(head) = self.entries.get(first).filter(|_| from < below) else {
            return Slice { records: Bytes::new(), span: Some((0, 0)) };
        };
        let most = if at_least_one { max_bytes.max(head.batch.size()) } else { max_bytes };
        if (1..head.batch.size()).contains(&most) {
            return Slice::default();
        }
        let segment = self.segment_of(head);
        let segment_end = self.segments.get(segment + 1).map_or(self.end, |next| next.base_offset);
        let there = self.entries[first..]
            .iter()
            .take_while(|entry| entry.last_offset() < below && entry.base_offset < segment_end);
        let mut size = 0;
        let batches = there.take_while(|entry| {
            let goes_on = size < most;
            size += entry.batch.size();
            goes_on
        });
        let batches: Vec<_> = batches.collect();
        let mut out = BytesMut::with_capacity(batches.iter().map(|entry| entry.batch.size()).sum());
        for entry in batches {
            entry.put(&mut out);
        }
        out.truncate(most);
        let behind = head.position as usize + out.len();
        let bound = self.segments.get(segment).and_then(|segment| segment.bound(behind));
        Slice { records: out.freeze(), span: Some((from, bound.unwrap_or(segment_end))) }
    }

    /// The segment in which a batch stands.
    fn segment_of(&self, entry: &Entry) -> usize {
        let behind = self.segments.partition_point(|segment| segment.base_offset <= entry.base_offset);
        behind.saturating_sub(1)
    }

    /// Where the batch stands that holds an offset, or where the next one will.
    pub(in crate::broker) fn place(&self, offset: i64) -> Place {
        let at = self.entries.partition_point(|entry| entry.last_offset() < offset);
        let (entry, last) = (self.entries.get(at), self.segments.last());
        let segment = match entry {
            Some(entry) => self.segments.get(self.segment_of(entry)),
            None => last,
        };
        Place {
            offset: entry.map_or(self.end, |entry| entry.base_offset),
            segment: segment.map_or(self.end, |segment| segment.base_offset),
            position: entry.map_or(last.map_or(0, |last| last.bytes), |entry| entry.position as usize),
        }
    }

    fn entries_of(&self, segment: usize) -> &[Entry] {
        let start = |segment: usize| {
            let base = self.segments.get(segment).map_or(self.end, |segment| segment.base_offset);
            self.entries.partition_point(|entry| entry.base_offset < base)
        };
        &self.entries[start(segment)..start(segment + 1)]
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
        assert_eq!(log.append(batch(&[10, 30, 20]), 4, ALWAYS), 0);
        assert_eq!(log.append(batch(&[5]), 4, ALWAYS), 3);
        assert_eq!(log.append(batch(&[30, 40]), 5, ALWAYS), 4);
        log
    }

    const ALWAYS: (Rolling, i64) = (
        Rolling { segment_bytes: 1 << 30, segment_ms: i64::MAX, index_bytes: 1 << 20, index_interval: 4096 },
        0,
    );

    fn offsets(slice: Slice) -> Vec<(i64, i32)> {
        let batches = entries(slice.records).map(|entry| Batch::try_from(entry.unwrap()).unwrap());
        batches.map(|batch| (batch.base_offset(), batch.leader_epoch())).collect()
    }

    #[test]
    fn offsets_and_leader_epoch_are_the_logs_and_all_else_the_producers() {
        let mut log = Log::default();
        let sent = batch(&[1, 2]);
        log.append(sent.clone(), 7, ALWAYS);
        log.append(sent.clone(), 7, ALWAYS);
        let read = log.read(2, 4, usize::MAX, false).records;
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
        assert_eq!(log.append(batch(&[1]), 6, ALWAYS), 3);
        log.truncate(3);
        log.restore(tail.below(4, Stranded::default()));
        assert_eq!((log.end(), offsets(log.read(0, 9, usize::MAX, true))), (4, vec![(0, 4), (3, 4)]));
        log.restore(Stranded::default());
        log.truncate(9);
        assert_eq!((log.start(), log.end()), (0, 4));
    }

    #[test]
    fn a_read_is_cut_off_where_its_size_is_reached() {
        let log = log();
        let (first, second) = (log.entries[0].batch.size(), log.entries[1].batch.size());
        let read = |most, free| log.read(0, 6, most, free).records.len();
        assert_eq!([0, 1, first - 1, first].map(|most| read(most, false)), [0, 0, 0, first]);
        assert_eq!([0, 1, first - 1, first].map(|most| read(most, true)), [first; 4]);
        for most in [first + 1, first + second - 1, first + second, first + second + 1] {
            assert_eq!((read(most, false), read(most, true)), (most, most));
        }
        assert_eq!(log.read(0, 6, first - 1, false).span, None);
        assert_eq!(log.read(0, 6, 0, false).span, Some((0, 6)));
    }

    #[test]
    fn a_read_ends_with_its_segment() {
        let rolling = Rolling { segment_ms: 10, ..ALWAYS.0 };
        let mut log = Log::default();
        for time in [0, 10, 11, 3, 21, 22] {
            log.append(batch(&[time]), 0, (rolling, 0));
        }
        let read = |from| offsets(log.read(from, 6, usize::MAX, true)).into_iter().map(|(offset, _)| offset);
        let read = |from| read(from).collect::<Vec<_>>();
        assert_eq!([read(0), read(1), read(2), read(5)], [vec![0, 1], vec![1], vec![2, 3, 4], vec![5]]);
        assert_eq!(log.place(3), Place { offset: 3, segment: 2, position: log.entries[0].batch.size() });
        assert_eq!(log.place(6).segment, 5);
        let found = |timestamp| log.first_since(timestamp, 6).unwrap().map(|found| found.offset);
        assert_eq!(
            [found(3), found(10), found(11), found(20), found(22)].map(Option::unwrap),
            [1, 1, 2, 4, 5]
        );
        assert_eq!(log.newest().unwrap().unwrap().offset, 5);
        let tail = log.truncate(4);
        assert_eq!((log.segments.len(), log.place(4).segment), (2, 2));
        log.restore(tail);
        assert_eq!((log.segments.len(), log.place(5).segment), (3, 5));
    }

    #[test]
    fn a_span_lies_behind_what_was_read_and_not_far() {
        let mut log = log();
        while log.end() < 1_000 {
            log.append(batch(&[1]), 5, ALWAYS);
        }
        let (first, one) = (log.entries[0].batch.size(), log.entries[9].batch.size());
        let (from, bound) = log.read(0, 1_000, first, true).span.unwrap();
        let bytes = |to: i64| {
            log.entries.iter().filter(|it| it.base_offset < to).map(|it| it.batch.size()).sum::<usize>()
        };
        assert_eq!(from, 0);
        assert!(bytes(bound) > first && bytes(bound) <= first + 4096 + 2 * one);
        assert_eq!(log.read(0, 1_000, 1 << 20, true).span, Some((0, 1_000)));
        assert_eq!(log.read(7, 7, 1 << 20, true).span, Some((0, 0)));
    }

    #[test]
    fn a_time_leads_to_the_first_record_that_is_not_older() {
        let log = log();
        let found =
            |timestamp| log.first_since(timestamp, 6).unwrap().map(|found| (found.offset, found.timestamp));
        assert_eq!(found(0), Some((0, 10)));
        assert_eq!(found(15), Some((1, 30)));
        assert_eq!(found(30), Some((1, 30)));
        assert_eq!(found(31), Some((5, 40)));
        assert_eq!(found(41), None);
        assert_eq!(log.first_since(31, 5), Ok(None), "not readable yet");
    }

    #[test]
    fn the_newest_is_the_first_with_the_highest_timestamp() {
        let mut log = log();
        assert_eq!(log.newest(), Ok(Some(Found { timestamp: 40, offset: 5, leader_epoch: 5 })));
        log.append(batch(&[40]), 5, ALWAYS);
        assert_eq!(log.newest().unwrap().unwrap().offset, 5);
        assert_eq!(Log::default().newest(), Ok(None));
    }
}
