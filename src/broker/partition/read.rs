//! What a reader is given, and why it is refused (`Partition.fetchRecords`).

use bytes::Bytes;

use crate::broker::partition::Partition;
use crate::broker::partition::log::Slice;
use crate::broker::partition::log::segment::Place;
use crate::broker::partition::producers::Aborted;
use crate::id::BrokerId;
use crate::kafka::ErrorCode;

/// How far a reader reads (`FetchIsolation`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::broker) enum Isolation {
    /// To the end of the log: replicas.
    LogEnd,
    /// To the high watermark: consumers.
    HighWatermark,
    /// To the last stable offset: consumers that want committed records alone.
    Committed,
}

/// Who reads, and where.
#[derive(Clone, Copy, Debug)]
pub(in crate::broker) struct Reader {
    /// The broker that is asked.
    pub asked: BrokerId,
    /// The broker for whose replica it is read; none for consumers, who have a number below zero.
    pub replica: Option<BrokerId>,
    /// Only the leader may be asked; consumers may read from followers since KIP-392.
    pub from_leader: bool,
    /// How far it reads.
    pub isolation: Isolation,
}

/// What it wants of a partition. A leader epoch below zero is none.
#[derive(Clone, Copy, Debug)]
pub(in crate::broker) struct Range {
    /// The first offset.
    pub from: i64,
    /// The leader epoch of the leader that it knows.
    pub known_epoch: i32,
    /// The leader epoch of the last record that it has (KIP-595).
    pub last_epoch: i32,
    /// The most bytes.
    pub max_bytes: i32,
    /// A batch whatever its size.
    pub at_least_one: bool,
}

/// What it gets.
#[derive(Debug)]
pub(in crate::broker) struct Found {
    /// Batches.
    pub records: Bytes,
    /// The transactions to be skipped, where it wants committed records alone.
    pub aborted: Option<Vec<Aborted>>,
    /// The high watermark.
    pub high_watermark: i64,
    /// The last stable offset.
    pub last_stable_offset: i64,
    /// Where the log begins.
    pub log_start: i64,
    /// Where what it has differs from the log: a leader epoch, and the offset at which it ended.
    pub diverging: Option<(i32, i64)>,
    /// Where it reads.
    pub place: Place,
}

impl Partition {
    /// Reads.
    pub(in crate::broker) fn read(&self, reader: Reader, range: Range) -> Result<Found, ErrorCode> {
        self.check_reader(reader, range.known_epoch)?;
        let (end, high_watermark) = self.ends(reader.asked);
        let last_stable_offset = self.last_stable_offset().min(high_watermark);
        let found = |slice: Slice, aborted, diverging| Found {
            records: slice.records,
            aborted,
            high_watermark,
            last_stable_offset,
            log_start: self.log.start(),
            diverging,
            place: self.log.place(range.from),
        };
        if range.last_epoch >= 0 {
            let known = self.epochs.end_of(range.last_epoch, end).ok_or(ErrorCode::OFFSET_OUT_OF_RANGE)?;
            if range.from < self.log.start() {
                return Err(ErrorCode::OFFSET_OUT_OF_RANGE);
            }
            if known.0 < range.last_epoch || known.1 < range.from {
                return Ok(found(Slice::default(), None, Some(known)));
            }
        }
        if !(self.log.start()..=end).contains(&range.from) {
            return Err(ErrorCode::OFFSET_OUT_OF_RANGE);
        }
        let below = self.below(reader);
        // Kafka does not expect a size below zero, and only looks at it where there is something to read.
        let max_bytes = match usize::try_from(range.max_bytes) {
            Err(_) if range.from < below => return Err(ErrorCode::UNKNOWN_SERVER_ERROR),
            size => size.unwrap_or(0),
        };
        let slice = self.log.read(range.from, below, max_bytes, range.at_least_one);
        let span = slice.span.filter(|_| reader.isolation == Isolation::Committed);
        let aborted = span.map(|(from, below)| self.aborted(from, below));
        Ok(found(slice, aborted, None))
    }

    /// The offset below which somebody may read.
    pub(in crate::broker) fn below(&self, reader: Reader) -> i64 {
        let (end, high_watermark) = self.ends(reader.asked);
        match reader.isolation {
            Isolation::LogEnd => end,
            Isolation::HighWatermark => high_watermark,
            Isolation::Committed => self.last_stable_offset().min(high_watermark),
        }
    }

    /// Whether that broker can be asked, and who asks for a replica has one (`Partition.followerReplicaOrThrow`).
    pub(in crate::broker) fn check_reader(&self, reader: Reader, known_epoch: i32) -> Result<(), ErrorCode> {
        if reader.from_leader {
            self.check_leader(reader.asked, known_epoch)?;
        } else {
            self.check_epoch(reader.asked, known_epoch)?;
        }
        let follows = |replica: BrokerId| replica != reader.asked && self.replicas.get(replica).is_some();
        match reader.replica {
            Some(replica) if !follows(replica) => Err(if known_epoch >= 0 {
                ErrorCode::UNKNOWN_LEADER_EPOCH
            } else {
                ErrorCode::NOT_LEADER_OR_FOLLOWER
            }),
            _ => Ok(()),
        }
    }

    /// Whether what a reader has differs from the log, or nobody can tell.
    pub(in crate::broker) fn diverges(&self, range: Range) -> bool {
        range.last_epoch >= 0
            && self
                .epochs
                .end_of(range.last_epoch, self.log.end())
                .is_none_or(|(epoch, end)| epoch < range.last_epoch || end < range.from)
    }

    /// Where the log of a replica ends, and the offset below which it lets consumers read.
    fn ends(&self, asked: BrokerId) -> (i64, i64) {
        let stopped_at = self.replicas.get(asked).and_then(|replica| replica.stopped_at);
        let end = stopped_at.unwrap_or(self.log.end());
        (end, self.high_watermark.min(end))
    }
}
