//! A partition as its leader has it, and the append: no socket, no clock, no lock.

mod change;
pub(super) mod log;
pub mod producers;
pub(super) mod read;
mod replicas;
mod validate;
mod waits;

use crate::broker::partition::log::epochs::LeaderEpochs;
use crate::broker::partition::producers::{
    Aborted, Admission, Attempt, Ending, Guard, ProducerStates, Refusal, Written,
};
use crate::broker::partition::replicas::Replicas;
use crate::broker::partition::validate::validate;
use crate::broker::partition::waits::Waits;
use crate::broker::topic::config::TopicConfig;
use crate::id::BrokerId;
use crate::kafka::ErrorCode;
use crate::kafka::batch::{Batch, BatchBuilder, Entry, TimestampType};

pub(super) use change::Change;
pub(super) use log::segment::Place;
pub(super) use log::{Found, Log, Unreadable};
pub use replicas::ReplicaError;
pub(super) use validate::{BadRecord, Rejection, Rules};
pub(super) use waits::Wait;

/// How many replicas must have a batch before its producer gets an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Acks {
    /// `acks=0`: there is no answer.
    None,
    /// `acks=1`: the leader.
    Leader,
    /// `acks=-1`: all that are in sync, and at least `min.insync.replicas`.
    All,
}

impl Acks {
    /// What a Produce request may say.
    pub(super) fn of(acks: i16) -> Option<Self> {
        match acks {
            0 => Some(Self::None),
            1 => Some(Self::Leader),
            -1 => Some(Self::All),
            _ => None,
        }
    }
}

/// A batch that stands in the log, now or since an earlier attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Appended {
    /// The offset of its first record.
    pub base_offset: i64,
    /// The offset of its last record.
    pub last_offset: i64,
    /// What the answer says, in milliseconds since 1970: −1 for a new batch of a `CreateTime` topic. For a duplicate it
    /// is the batch's max timestamp on such topics too.
    pub log_append_time: i64,
}

/// A partition: its leader's log and state, and how far the other replicas have them.
#[derive(Debug)]
pub(super) struct Partition {
    replicas: Replicas,
    /// Its records, as the leader has them.
    pub log: Log,
    epochs: LeaderEpochs,
    /// The offset below which consumers may read.
    pub high_watermark: i64,
    producers: ProducerStates,
    /// Where the log ended when the broker whose memory `producers` is was started last.
    recalled_from: i64,
    /// When producers that were idle for too long were forgotten last, in milliseconds since 1970.
    expired_at: Option<i64>,
    waits: Waits,
    deleted: bool,
}

impl Partition {
    /// An empty partition on these brokers. Those that run are in sync, and the first of them leads.
    pub(super) fn new(brokers: &[BrokerId], runs: impl Fn(BrokerId) -> bool) -> Self {
        Self {
            replicas: Replicas::new(brokers, runs),
            log: Log::default(),
            epochs: LeaderEpochs::default(),
            high_watermark: 0,
            producers: ProducerStates::default(),
            recalled_from: 0,
            expired_at: None,
            waits: Waits::default(),
            deleted: false,
        }
    }

    /// The broker that takes its records; none where nobody could be elected.
    pub(super) fn leader(&self) -> Option<BrokerId> {
        self.replicas.leader
    }

    /// Rises with each leader.
    pub(super) fn leader_epoch(&self) -> i32 {
        self.replicas.leader_epoch
    }

    /// The brokers that should have its records, the preferred leader first.
    pub(super) fn replicas(&self) -> Vec<BrokerId> {
        self.replicas.brokers().collect()
    }

    /// Those of them that have all its records.
    pub(super) fn in_sync(&self) -> &[BrokerId] {
        &self.replicas.in_sync
    }

    /// Whether that broker is the one to ask, and the client knows of no other leader; −1 stands for a client that does
    /// not say which leader epoch it knows.
    pub(super) fn check_leader(&self, asked: BrokerId, known_epoch: i32) -> Result<(), ErrorCode> {
        self.check_epoch(asked, known_epoch)?;
        if self.leader() == Some(asked) { Ok(()) } else { Err(ErrorCode::NOT_LEADER_OR_FOLLOWER) }
    }

    /// Who has no replica knows nothing of epochs.
    fn check_epoch(&self, asked: BrokerId, known_epoch: i32) -> Result<(), ErrorCode> {
        match known_epoch {
            _ if self.deleted => Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
            _ if self.replicas.get(asked).is_none() => Err(ErrorCode::NOT_LEADER_OR_FOLLOWER),
            0.. if known_epoch < self.leader_epoch() => Err(ErrorCode::FENCED_LEADER_EPOCH),
            0.. if known_epoch > self.leader_epoch() => Err(ErrorCode::UNKNOWN_LEADER_EPOCH),
            _ => Ok(()),
        }
    }

    /// Checks a batch in Kafka's order (`Partition.appendRecordsToLeader`, `UnifiedLog.append`) and appends it, unless
    /// it stands in the log already. A batch that is refused changes nothing, but may have ended a segment.
    pub(super) fn append(
        &mut self,
        entry: Entry,
        (acks, guard): (Acks, Option<Guard>),
        rules: Rules<'_>,
    ) -> Result<Appended, Rejection> {
        if acks == Acks::All && self.under_min_isr(rules.config) {
            return Err(Rejection::of(ErrorCode::NOT_ENOUGH_REPLICAS));
        }
        let batch = validate(entry, rules)?;
        self.log.roll(&batch, (rules.config.rolling, rules.now));
        let attempt = Attempt::of(&batch);
        let admission = attempt.map_or(Ok(Admission::New), |attempt| self.producers.check(attempt, guard));
        match admission.map_err(|refusal| Rejection::of(refusal.code()))? {
            Admission::Duplicate(Written { base_offset, last_offset, max_timestamp }) => {
                Ok(Appended { base_offset, last_offset, log_append_time: max_timestamp })
            }
            // `UnifiedLog.append` answers so when the disk takes no more.
            Admission::New if !self.log.has_room(batch.size()) => {
                Err(Rejection::of(ErrorCode::KAFKA_STORAGE_ERROR))
            }
            Admission::New => Ok(self.write(batch, attempt, rules)),
        }
    }

    fn write(&mut self, batch: Batch, attempt: Option<Attempt>, rules: Rules<'_>) -> Appended {
        let (config, now) = (rules.config, rules.now);
        let max_timestamp = batch.max_timestamp();
        let base_offset = self.log.append(batch, self.leader_epoch(), (config.rolling, now));
        let last_offset = self.log.end() - 1;
        if let Some(attempt) = attempt {
            self.producers.record(attempt, Written { base_offset, last_offset, max_timestamp });
        }
        self.advance(config);
        let log_append_time = match config.timestamp_type {
            TimestampType::CreateTime => -1,
            TimestampType::LogAppendTime => max_timestamp,
        };
        Appended { base_offset, last_offset, log_append_time }
    }

    /// What an append with `acks=-1` still has to wait for; nothing if all replicas in sync have it.
    pub(super) fn wait(&mut self, appended: &Appended) -> Option<Wait> {
        (self.high_watermark <= appended.last_offset).then(|| self.waits.add(appended.last_offset))
    }

    /// Begins to ask a coordinator about the transaction of a batch; see [`ProducerStates::start_verification`].
    pub(super) fn start_verification(
        &mut self,
        batch: Attempt,
        bumps: bool,
        now: i64,
    ) -> Result<Option<Guard>, Refusal> {
        self.producers.start_verification(batch, bumps, now)
    }

    /// Writes the marker that ends a transaction, as with `acks=-1`, and returns its offset. `now` is in milliseconds
    /// since 1970.
    pub(super) fn mark(&mut self, ending: Ending, now: i64, config: &TopicConfig) -> Result<i64, ErrorCode> {
        if self.leader().is_none() || self.under_min_isr(config) {
            return Err(ErrorCode::NOT_ENOUGH_REPLICAS);
        }
        self.producers.check_marker(ending).map_err(Refusal::code)?;
        let producer = (ending.producer_id, ending.epoch);
        let marker = BatchBuilder::marker(ending.marker, producer, ending.coordinator_epoch, now);
        let marker = marker.timestamp_type(config.timestamp_type).build();
        let marker = marker.map_err(|_| ErrorCode::UNKNOWN_SERVER_ERROR)?;
        let offset = self.log.append(marker, self.leader_epoch(), (config.rolling, now));
        self.producers.record_marker(ending, offset, now, self.high_watermark);
        self.advance(config);
        Ok(offset)
    }

    /// The offset below which consumers may read that want committed records alone: never above the high watermark.
    pub(super) fn last_stable_offset(&self) -> i64 {
        // Records that were too old may be gone though their transaction is open.
        self.producers.last_stable_offset(self.high_watermark).max(self.log.start())
    }

    /// The aborted transactions that a reader of these offsets must know.
    pub(super) fn aborted(&self, from: i64, below: i64) -> Vec<Aborted> {
        self.producers.aborted(from, below)
    }

    /// A replica in sync has a record at once unless its replication is held, so the high watermark follows the log
    /// end, unless too few are in sync (KIP-966). It never falls.
    fn advance(&mut self, config: &TopicConfig) {
        if self.leader().is_none() || self.under_min_isr(config) {
            return;
        }
        let replicated = self.replicas.replicated(self.log.end());
        if replicated > self.high_watermark {
            self.high_watermark = replicated;
            self.waits.reached(replicated);
        }
    }

    fn under_min_isr(&self, config: &TopicConfig) -> bool {
        self.in_sync().len() < self.min_in_sync(config)
    }

    /// `min.insync.replicas` above the replication factor asks for all replicas, not for the impossible.
    fn min_in_sync(&self, config: &TopicConfig) -> usize {
        config.min_insync_replicas.min(self.replicas.all.len())
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::broker::node::emulate::Emulate;
    use crate::kafka::batch::{BatchBuilder, Compression, NO_TIMESTAMP, NewRecord, entries, field};

    const NOW: i64 = 1_700_000_000_000;

    fn partition() -> Partition {
        Partition::new(&[BrokerId(1)], |_| true)
    }

    fn config(settings: &[(&str, &str)]) -> TopicConfig {
        TopicConfig::read(Emulate::V4_3, settings.iter().copied()).unwrap()
    }

    fn append_bytes(
        partition: &mut Partition,
        bytes: Bytes,
        settings: &[(&str, &str)],
    ) -> Result<Appended, Rejection> {
        let config = self::config(settings);
        let rules = Rules { config: &config, now: NOW, topic: "orders", partition: 0 };
        partition.append(entries(bytes).next().unwrap().unwrap(), (Acks::All, None), rules)
    }

    fn append(
        partition: &mut Partition,
        batch: &Batch,
        settings: &[(&str, &str)],
    ) -> Result<Appended, Rejection> {
        append_bytes(partition, batch.bytes().clone(), settings)
    }

    /// The code with which an empty partition refuses the batch.
    fn code(batch: &Batch, settings: &[(&str, &str)]) -> ErrorCode {
        let mut partition = self::partition();
        let code = append(&mut partition, batch, settings)
            .map_or_else(|rejection| rejection.code, |_| ErrorCode::NONE);
        assert_eq!(partition.log.end() == 0, code != ErrorCode::NONE, "what is refused changes nothing");
        code
    }

    fn at(timestamp: i64) -> BatchBuilder {
        BatchBuilder::new().record(NewRecord { timestamp, key: Some(b"key"), ..NewRecord::default() })
    }

    fn sequence(base: i32, count: usize) -> Batch {
        let builder = BatchBuilder::new().producer(7, 0, base);
        (0..count).fold(builder, |builder, _| builder.value(b"value")).build().unwrap()
    }

    /// What stands at the end of the log.
    fn last(partition: &Partition) -> Batch {
        let read = partition.log.read(partition.log.end() - 1, i64::MAX, usize::MAX, true).records;
        Batch::try_from(entries(read).next().unwrap().unwrap()).unwrap()
    }

    /// Overwrites bytes and, unless the checksum is to be wrong, the checksum.
    fn spoilt(batch: &Batch, at: usize, with: &[u8], repair: bool) -> Batch {
        let mut bytes = batch.bytes().to_vec();
        bytes[at..at + with.len()].copy_from_slice(with);
        if repair {
            let crc = crc32c::crc32c(&bytes[field::ATTRIBUTES..]);
            bytes[field::CRC..field::ATTRIBUTES].copy_from_slice(&crc.to_be_bytes());
        }
        Batch::try_from(entries(Bytes::from(bytes)).next().unwrap().unwrap()).unwrap()
    }

    #[test]
    fn offsets_follow_each_other_and_the_leader_epoch_is_the_leaders() {
        let mut partition = self::partition();
        partition.replicas.leader_epoch = 3;
        for base_offset in [0, 2, 4] {
            let two = at(NOW).value(b"second").build().unwrap();
            let appended = append(&mut partition, &two, &[]).unwrap();
            let expected = Appended { base_offset, last_offset: base_offset + 1, log_append_time: -1 };
            assert_eq!(appended, expected, "CreateTime answers no time");
            assert_eq!(partition.high_watermark, base_offset + 2);
        }
        assert_eq!(last(&partition).leader_epoch(), 3);
    }

    #[test]
    fn base_offset_comes_before_size_and_size_before_checksum() {
        let good = at(NOW).build().unwrap();
        let size = good.size();
        let small = [("max.message.bytes", &*(size - 1).to_string())];
        let exact = [("max.message.bytes", &*size.to_string())];
        let moved = good.edit_copy().base_offset(1).finish();
        let broken = spoilt(&good, field::BASE_TIMESTAMP, &[1], false);
        assert_eq!(code(&good, &exact), ErrorCode::NONE, "the limit is inclusive");
        assert_eq!(code(&moved, &small), ErrorCode::INVALID_RECORD);
        assert_eq!(code(&broken, &small), ErrorCode::MESSAGE_TOO_LARGE);
        assert_eq!(code(&broken, &exact), ErrorCode::CORRUPT_MESSAGE);
    }

    #[test]
    fn a_batch_shorter_than_its_header_is_corrupt() {
        let mut bytes = at(NOW).build().unwrap().bytes()[..40].to_vec();
        bytes[field::BATCH_LENGTH..field::LEADER_EPOCH].copy_from_slice(&28_i32.to_be_bytes());
        let rejection = append_bytes(&mut partition(), bytes.into(), &[]).unwrap_err();
        assert_eq!(rejection, Rejection::of(ErrorCode::CORRUPT_MESSAGE));
    }

    #[test]
    fn too_few_in_sync_comes_before_everything_even_for_a_duplicate() {
        let mut partition = self::partition();
        partition.replicas = Replicas::new(&[BrokerId(1), BrokerId(2)], |_| true);
        let settings = [("min.insync.replicas", "2")];
        let first = sequence(0, 1);
        append(&mut partition, &first, &settings).unwrap();
        partition.replicas.in_sync.pop();
        for batch in [first, sequence(1, 1), spoilt(&sequence(0, 1), field::CRC, &[0; 4], false)] {
            let rejection = append(&mut partition, &batch, &settings).unwrap_err();
            assert_eq!(rejection.code, ErrorCode::NOT_ENOUGH_REPLICAS);
        }
        let config = self::config(&settings);
        let rules = Rules { config: &config, now: NOW, topic: "orders", partition: 0 };
        let entry = entries(sequence(1, 1).into_bytes()).next().unwrap().unwrap();
        assert!(partition.append(entry, (Acks::Leader, None), rules).is_ok(), "acks=1 does not ask for it");
        assert_eq!((partition.log.end(), partition.high_watermark), (2, 1), "nobody may read it yet");
    }

    #[test]
    fn more_in_sync_replicas_than_there_are_replicas_cannot_be_asked_for() {
        assert_eq!(code(&at(NOW).build().unwrap(), &[("min.insync.replicas", "3")]), ErrorCode::NONE);
    }

    #[test]
    fn what_the_header_claims_must_fit_together() {
        let good = at(NOW).producer(7, 0, 0).build().unwrap();
        let claims = |at: usize, with: i32| code(&spoilt(&good, at, &with.to_be_bytes(), true), &[]);
        assert_eq!(claims(field::LAST_OFFSET_DELTA, 0), ErrorCode::NONE);
        assert_eq!(claims(field::LAST_OFFSET_DELTA, 1), ErrorCode::INVALID_RECORD);
        assert_eq!(claims(field::LAST_OFFSET_DELTA, -1), ErrorCode::INVALID_RECORD);
        assert_eq!(claims(field::RECORD_COUNT, 0), ErrorCode::INVALID_RECORD);
        assert_eq!(claims(field::RECORD_COUNT, i32::MAX), ErrorCode::INVALID_RECORD);
        assert_eq!(claims(field::BASE_SEQUENCE, -1), ErrorCode::INVALID_RECORD);
        assert_eq!(code(&at(NOW).control().build().unwrap(), &[]), ErrorCode::INVALID_RECORD);
        let both = spoilt(&good, field::LAST_OFFSET_DELTA, &i32::MAX.wrapping_sub(1).to_be_bytes(), true);
        let both = spoilt(&both, field::RECORD_COUNT, &i32::MAX.to_be_bytes(), true);
        assert_eq!(code(&both, &[]), ErrorCode::INVALID_RECORD, "records that are not there");
    }

    #[test]
    fn what_cannot_be_decompressed_is_a_server_error() {
        let gzip = at(NOW).compression(Compression::Gzip).build().unwrap();
        let broken = spoilt(&gzip, crate::kafka::batch::HEADER_LEN, &[0; 4], true);
        assert_eq!(code(&broken, &[]), ErrorCode::UNKNOWN_SERVER_ERROR);
        for codec in 5..=7_u8 {
            let batch = spoilt(&gzip, field::ATTRIBUTES + 1, &[codec], true);
            assert_eq!(code(&batch, &[]), ErrorCode::UNKNOWN_SERVER_ERROR, "codec {codec}");
        }
    }

    #[test]
    fn a_compacted_topic_wants_a_key_and_names_every_record_without() {
        let keyless = NewRecord { timestamp: NOW, value: Some(b"value"), ..NewRecord::default() };
        let batch = at(NOW).record(keyless).record(keyless).build().unwrap();
        let rejection = append(&mut partition(), &batch, &[("cleanup.policy", "compact")]).unwrap_err();
        assert_eq!(rejection.code, ErrorCode::INVALID_RECORD);
        assert_eq!(rejection.records.iter().map(|record| record.index).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(
            rejection.message.unwrap(),
            "One or more records have been rejected due to 2 record errors in total, and only showing the first three \
             errors at most: [RecordError(batchIndex=1, message='Compacted topic cannot accept message without key in \
             topic partition orders-0'), RecordError(batchIndex=2, message='Compacted topic cannot accept message \
             without key in topic partition orders-0')]"
        );
        assert_eq!(code(&batch, &[]), ErrorCode::NONE);
    }

    #[test]
    fn a_time_out_of_bounds_refuses_the_batch() {
        let bounds = [("message.timestamp.before.max.ms", "10"), ("message.timestamp.after.max.ms", "5")];
        for (timestamp, expected) in [
            (NOW - 10, ErrorCode::NONE),
            (NOW - 11, ErrorCode::INVALID_TIMESTAMP),
            (NOW + 5, ErrorCode::NONE),
            (NOW + 6, ErrorCode::INVALID_TIMESTAMP),
            (NO_TIMESTAMP, ErrorCode::NONE),
        ] {
            assert_eq!(code(&at(timestamp).build().unwrap(), &bounds), expected, "{}", timestamp - NOW);
        }
        assert_eq!(code(&at(0).build().unwrap(), &[]), ErrorCode::NONE, "by default the past has no bound");
        assert_eq!(code(&at(NOW + 3_600_001).build().unwrap(), &[]), ErrorCode::INVALID_TIMESTAMP);
        let rejection = append(&mut partition(), &at(NOW - 11).build().unwrap(), &bounds).unwrap_err();
        assert_eq!(
            rejection.records[0].message,
            format!(
                "Timestamp {} of message with offset 0 is out of range. The timestamp should be within [{}, {}]",
                NOW - 11,
                NOW - 10,
                NOW + 5
            )
        );
    }

    #[test]
    fn a_record_has_one_error_and_a_wrong_time_gives_the_batch_its_code() {
        let settings = [("cleanup.policy", "compact"), ("message.timestamp.before.max.ms", "10")];
        let keyless = NewRecord { timestamp: 0, value: Some(b"value"), ..NewRecord::default() };
        let batch = BatchBuilder::new().record(keyless).build().unwrap();
        assert_eq!(code(&batch, &settings), ErrorCode::INVALID_RECORD, "the key comes first");
        let old = NewRecord { key: Some(b"key"), ..keyless };
        let batch = BatchBuilder::new().record(keyless).record(old).build().unwrap();
        let rejection = append(&mut partition(), &batch, &settings).unwrap_err();
        assert_eq!((rejection.code, rejection.records.len()), (ErrorCode::INVALID_TIMESTAMP, 2));
    }

    #[test]
    fn a_topic_with_append_time_writes_its_own_clock() {
        let settings = [("message.timestamp.type", "LogAppendTime")];
        let mut partition = self::partition();
        let batch = BatchBuilder::new().producer(7, 0, 0).value(b"value").build().unwrap();
        let appended = append(&mut partition, &batch, &settings).unwrap();
        assert_eq!(appended.log_append_time, NOW);
        let stored = last(&partition);
        assert_eq!((stored.timestamp_type(), stored.max_timestamp()), (TimestampType::LogAppendTime, NOW));
        assert!(stored.check_crc().is_ok());
        let config = self::config(&settings);
        let rules = Rules { config: &config, now: NOW + 50, topic: "orders", partition: 0 };
        let again =
            partition.append(entries(batch.into_bytes()).next().unwrap().unwrap(), (Acks::All, None), rules);
        assert_eq!(again.unwrap().log_append_time, NOW, "a duplicate tells the time of the first append");
    }

    #[test]
    fn a_client_may_not_claim_the_append_time_of_a_topic_that_has_it() {
        let claimed = |timestamp| at(timestamp).timestamp_type(TimestampType::LogAppendTime).build().unwrap();
        let append_time = [("message.timestamp.type", "LogAppendTime")];
        let rejection = append(&mut self::partition(), &claimed(NOW), &append_time).unwrap_err();
        assert_eq!(rejection.code, ErrorCode::INVALID_TIMESTAMP);
        assert_eq!(
            rejection.records[0].message,
            format!(
                "Invalid timestamp type in message DefaultRecord(offset=0, timestamp={NOW}, key=3 bytes, value=0 bytes). \
                 Producer should not set timestamp type to LogAppendTime."
            )
        );
        assert_eq!(code(&claimed(NO_TIMESTAMP), &[]), ErrorCode::INVALID_TIMESTAMP);
        let mut partition = self::partition();
        append(&mut partition, &claimed(NOW), &[]).unwrap();
        let stored = last(&partition);
        assert_eq!(stored.timestamp_type(), TimestampType::CreateTime, "elsewhere the bit is cleared");
        assert!(stored.check_crc().is_ok());
    }

    #[test]
    fn a_wrong_max_timestamp_is_corrected_and_a_right_one_leaves_every_byte() {
        let good = at(NOW).build().unwrap();
        let wrong = spoilt(&good, field::MAX_TIMESTAMP, &(NOW + 1).to_be_bytes(), true);
        for batch in [&good, &wrong] {
            let mut partition = self::partition();
            append(&mut partition, batch, &[]).unwrap();
            assert_eq!(last(&partition).bytes()[field::MAGIC..], good.bytes()[field::MAGIC..]);
        }
    }

    #[test]
    fn a_topic_with_a_codec_compresses_again_and_checks_the_size_again() {
        let long = "long ".repeat(1_000);
        let record = NewRecord { timestamp: NOW, value: Some(long.as_bytes()), ..NewRecord::default() };
        let builder = at(NOW).record(record);
        let zstd = builder.clone().compression(Compression::Zstd).build().unwrap();
        let plain = builder.build().unwrap();
        let stored = |batch: &Batch, codec| {
            let mut partition = self::partition();
            append(&mut partition, batch, &[("compression.type", codec)]).unwrap();
            last(&partition)
        };
        assert_eq!(stored(&plain, "zstd").compression(), Ok(Compression::Zstd));
        assert_eq!(stored(&zstd, "gzip").compression(), Ok(Compression::Gzip));
        assert_eq!(stored(&zstd, "producer").compression(), Ok(Compression::Zstd));
        let unpacked = stored(&zstd, "uncompressed");
        assert!(unpacked.check_crc().is_ok());
        assert_eq!(unpacked.payload(1 << 20).unwrap(), plain.raw_payload());
        let settings = [("compression.type", "uncompressed"), ("max.message.bytes", "1000")];
        assert_eq!(code(&zstd, &settings), ErrorCode::MESSAGE_TOO_LARGE);
    }

    #[test]
    fn offsets_inside_a_batch_are_believed_unless_it_is_compressed() {
        let payload = [16, 0, 0, 10, 2, b'k', 2, b'v', 0];
        let builder = at(NOW);
        let plain =
            builder.clone().build().unwrap().edit().payload(Compression::None, &payload).unwrap().finish();
        assert_eq!(code(&plain, &[]), ErrorCode::NONE);
        let gzip = builder.build().unwrap().edit().payload(Compression::Gzip, &payload).unwrap().finish();
        assert_eq!(code(&gzip, &[]), ErrorCode::UNKNOWN_SERVER_ERROR);
    }

    #[test]
    fn a_batch_must_fit_into_a_segment() {
        let value = vec![b'x'; 1 << 20];
        let batch = at(NOW).value(&value).build().unwrap();
        let settings = [("segment.bytes", "1048576"), ("max.message.bytes", "2000000")];
        assert_eq!(code(&batch, &settings), ErrorCode::RECORD_LIST_TOO_LARGE);
    }

    #[test]
    fn a_full_log_is_a_full_disk() {
        let mut partition = partition();
        let (first, second) = (sequence(0, 2), sequence(2, 2));
        let written = append(&mut partition, &first, &[]).unwrap();
        partition.log.leave_room(second.size() - 1);
        let refused = append(&mut partition, &second, &[]).unwrap_err();
        assert_eq!(refused, Rejection::of(ErrorCode::KAFKA_STORAGE_ERROR));
        assert_eq!(append(&mut partition, &first, &[]).unwrap().base_offset, written.base_offset);
        assert_eq!(partition.log.end(), 2, "what is refused changes nothing");
        partition.log.leave_room(second.size());
        assert_eq!(append(&mut partition, &second, &[]).unwrap().base_offset, 2);
    }

    #[test]
    fn a_duplicate_is_answered_with_its_first_offset_and_its_time() {
        let mut partition = self::partition();
        append(&mut partition, &at(NOW).build().unwrap(), &[]).unwrap();
        let batch = at(NOW - 9).value(b"second").producer(7, 0, 0).build().unwrap();
        let first = append(&mut partition, &batch, &[]).unwrap();
        assert_eq!(first, Appended { base_offset: 1, last_offset: 2, log_append_time: -1 });
        let again = append(&mut partition, &batch, &[]).unwrap();
        assert_eq!(again, Appended { log_append_time: NOW - 9, ..first });
        assert_eq!(partition.log.end(), 3);
    }

    #[test]
    fn a_gap_is_refused_until_it_is_filled() {
        let mut partition = self::partition();
        append(&mut partition, &sequence(0, 1), &[]).unwrap();
        for later in [2, 3, 4] {
            let rejection = append(&mut partition, &sequence(later, 1), &[]).unwrap_err();
            assert_eq!(rejection, Rejection::of(ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER));
        }
        for next in [1, 2, 3, 4] {
            assert_eq!(append(&mut partition, &sequence(next, 1), &[]).unwrap().base_offset, i64::from(next));
        }
    }

    #[test]
    fn a_duplicate_that_fails_another_check_now_gets_that_error() {
        let mut partition = self::partition();
        let batch = sequence(0, 3);
        append(&mut partition, &batch, &[]).unwrap();
        let rejection = append(&mut partition, &batch, &[("max.message.bytes", "10")]).unwrap_err();
        assert_eq!(rejection.code, ErrorCode::MESSAGE_TOO_LARGE);
        let rejection = append(&mut partition, &batch, &[("cleanup.policy", "compact")]).unwrap_err();
        assert_eq!(rejection.code, ErrorCode::INVALID_RECORD);
        assert!(append(&mut partition, &batch, &[]).is_ok());
    }

    #[test]
    fn a_client_that_knows_another_leader_is_told() {
        let mut partition = Partition::new(&[BrokerId(1), BrokerId(2)], |_| true);
        partition.replicas.leader_epoch = 5;
        assert_eq!(partition.check_leader(BrokerId(1), -1), Ok(()));
        assert_eq!(partition.check_leader(BrokerId(1), 5), Ok(()));
        assert_eq!(partition.check_leader(BrokerId(2), 5), Err(ErrorCode::NOT_LEADER_OR_FOLLOWER));
        assert_eq!(partition.check_leader(BrokerId(2), 4), Err(ErrorCode::FENCED_LEADER_EPOCH));
        assert_eq!(partition.check_leader(BrokerId(1), 6), Err(ErrorCode::UNKNOWN_LEADER_EPOCH));
        assert_eq!(partition.check_leader(BrokerId(3), 4), Err(ErrorCode::NOT_LEADER_OR_FOLLOWER));
    }
}
