//! The header of a record batch: a view of 61 bytes, field by field.

use bytes::{Buf, Bytes};

use crate::kafka::batch::compression::{Compression, DecompressError, UnknownCodec, decompress};

/// Bytes of a batch before its records.
pub const HEADER_LEN: usize = 61;
/// The producer id of a batch that no idempotent producer wrote.
pub const NO_PRODUCER_ID: i64 = -1;
/// The base sequence of a batch that no idempotent producer wrote, and of markers.
pub const NO_SEQUENCE: i32 = -1;
/// The timestamp that stands for none.
pub const NO_TIMESTAMP: i64 = -1;

/// Where each field begins, in bytes from the start of the batch; all numbers are big-endian.
pub mod field {
    /// `i64`: the offset of the first record.
    pub const BASE_OFFSET: usize = 0;
    /// `i32`: the bytes that follow this field.
    pub const BATCH_LENGTH: usize = 8;
    /// `i32`: the leader epoch of the partition, written by the broker.
    pub const LEADER_EPOCH: usize = 12;
    /// `i8`: the version of the format.
    pub const MAGIC: usize = 16;
    /// `u32`: CRC-32C of all bytes from [`ATTRIBUTES`] on.
    pub const CRC: usize = 17;
    /// `i16`: codec (bits 0–2), timestamp type (3), transactional (4), control (5), delete horizon (6).
    pub const ATTRIBUTES: usize = 21;
    /// `i32`: the offset of the last record, less the base offset.
    pub const LAST_OFFSET_DELTA: usize = 23;
    /// `i64`: milliseconds since 1970, to which the records' timestamps are relative.
    pub const BASE_TIMESTAMP: usize = 27;
    /// `i64`: the highest timestamp of the records, in milliseconds since 1970.
    pub const MAX_TIMESTAMP: usize = 35;
    /// `i64`: the producer id, or −1.
    pub const PRODUCER_ID: usize = 43;
    /// `i16`: the producer epoch, or −1.
    pub const PRODUCER_EPOCH: usize = 51;
    /// `i32`: the sequence of the first record, or −1.
    pub const BASE_SEQUENCE: usize = 53;
    /// `i32`: how many records the batch claims to hold.
    pub const RECORD_COUNT: usize = 57;
}

/// Bits of the attributes.
pub(super) mod attribute {
    pub(in super::super) const CODEC: i16 = 0b111;
    pub(in super::super) const LOG_APPEND_TIME: i16 = 1 << 3;
    pub(in super::super) const TRANSACTIONAL: i16 = 1 << 4;
    pub(in super::super) const CONTROL: i16 = 1 << 5;
    /// Those that mean something, the delete horizon among them.
    pub(in super::super) const ALL: i16 = 0b111_1111;
}

/// Whose clock the timestamps of a batch are from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimestampType {
    /// The producer's; each record has its own.
    #[default]
    CreateTime,
    /// The broker's at the append; the max timestamp holds for all records.
    LogAppendTime,
}

/// The stored checksum of a batch is not that of its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the batch's CRC is {stored:#010x}, its bytes have {computed:#010x}")]
pub struct CrcMismatch {
    /// The checksum in the header.
    pub stored: u32,
    /// The checksum of the bytes.
    pub computed: u32,
}

/// The count of records and the range of offsets do not say the same (`LogValidator.validateBatch`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CountError {
    /// The last offset is below the first.
    #[error("the last offset delta {0} is negative")]
    OffsetRange(i32),
    /// No records, or fewer.
    #[error("the batch claims {0} records")]
    Count(i32),
    /// Both are possible, but not together.
    #[error("{count} records cannot span offsets 0 to {last_offset_delta}")]
    Inconsistent {
        /// The claimed count.
        count: i32,
        /// The claimed last offset delta.
        last_offset_delta: i32,
    },
}

/// A record batch of magic 2: at least [`HEADER_LEN`] bytes, as long as its length field says. Nothing else has been
/// checked. Cloning shares the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    bytes: Bytes,
}

impl Batch {
    /// The caller has checked magic and length.
    pub(super) fn from_checked(bytes: Bytes) -> Self {
        debug_assert!(bytes.len() >= HEADER_LEN);
        Self { bytes }
    }

    /// The whole batch as it stands on the wire and in the log.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The whole batch as it stands on the wire and in the log.
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// Bytes of the whole batch, the 12 before the length included: what `max.message.bytes` limits.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    fn at(&self, field: usize) -> &[u8] {
        &self.bytes[field..HEADER_LEN]
    }

    /// The offset of the first record; a producer must write 0.
    pub fn base_offset(&self) -> i64 {
        self.at(field::BASE_OFFSET).get_i64()
    }

    /// The length field: the bytes that follow it.
    pub fn batch_length(&self) -> i32 {
        self.at(field::BATCH_LENGTH).get_i32()
    }

    /// The leader epoch; a producer writes −1, the broker overwrites it.
    pub fn leader_epoch(&self) -> i32 {
        self.at(field::LEADER_EPOCH).get_i32()
    }

    /// The version of the format: 2.
    pub fn magic(&self) -> i8 {
        self.at(field::MAGIC).get_i8()
    }

    /// The checksum that the header claims.
    pub fn crc(&self) -> u32 {
        self.at(field::CRC).get_u32()
    }

    /// All attribute bits.
    pub fn attributes(&self) -> i16 {
        self.at(field::ATTRIBUTES).get_i16()
    }

    /// The last record's offset less the base offset, as claimed.
    pub fn last_offset_delta(&self) -> i32 {
        self.at(field::LAST_OFFSET_DELTA).get_i32()
    }

    /// Milliseconds since 1970 to which the records' timestamps are relative.
    pub fn base_timestamp(&self) -> i64 {
        self.at(field::BASE_TIMESTAMP).get_i64()
    }

    /// The highest timestamp, as claimed; milliseconds since 1970.
    pub fn max_timestamp(&self) -> i64 {
        self.at(field::MAX_TIMESTAMP).get_i64()
    }

    /// The producer id, [`NO_PRODUCER_ID`] for none.
    pub fn producer_id(&self) -> i64 {
        self.at(field::PRODUCER_ID).get_i64()
    }

    /// The producer epoch, −1 for none.
    pub fn producer_epoch(&self) -> i16 {
        self.at(field::PRODUCER_EPOCH).get_i16()
    }

    /// The sequence of the first record, [`NO_SEQUENCE`] for none.
    pub fn base_sequence(&self) -> i32 {
        self.at(field::BASE_SEQUENCE).get_i32()
    }

    /// The sequence of the last record: computed with wrap from the claimed last offset delta.
    pub fn last_sequence(&self) -> i32 {
        last_sequence(self.base_sequence(), self.last_offset_delta())
    }

    /// How many records the batch claims to hold.
    pub fn record_count(&self) -> i32 {
        self.at(field::RECORD_COUNT).get_i32()
    }

    /// The last offset; wraps where a hostile header leaves the range of `i64`.
    pub fn last_offset(&self) -> i64 {
        self.base_offset().wrapping_add(i64::from(self.last_offset_delta()))
    }

    /// The codec of the records; codecs 5 to 7 do not exist.
    pub fn compression(&self) -> Result<Compression, UnknownCodec> {
        Compression::try_from(self.attributes() & attribute::CODEC)
    }

    /// Whose clock the timestamps are from.
    pub fn timestamp_type(&self) -> TimestampType {
        match self.attributes() & attribute::LOG_APPEND_TIME {
            0 => TimestampType::CreateTime,
            _ => TimestampType::LogAppendTime,
        }
    }

    /// Does the batch belong to a transaction?
    pub fn is_transactional(&self) -> bool {
        self.attributes() & attribute::TRANSACTIONAL != 0
    }

    /// Does the batch hold markers of a broker instead of records of a producer?
    pub fn is_control(&self) -> bool {
        self.attributes() & attribute::CONTROL != 0
    }

    /// Did an idempotent or transactional producer write it?
    pub fn has_producer_id(&self) -> bool {
        self.producer_id() > NO_PRODUCER_ID
    }

    /// Compares the claimed checksum with that of the bytes.
    pub fn check_crc(&self) -> Result<(), CrcMismatch> {
        let (stored, computed) = (self.crc(), crc32c::crc32c(&self.bytes[field::ATTRIBUTES..]));
        if stored == computed { Ok(()) } else { Err(CrcMismatch { stored, computed }) }
    }

    /// Compares the claimed count with the claimed range of offsets, in the order of `LogValidator.validateBatch`.
    pub fn check_count(&self) -> Result<(), CountError> {
        let (last_offset_delta, count) = (self.last_offset_delta(), self.record_count());
        if last_offset_delta < 0 {
            Err(CountError::OffsetRange(last_offset_delta))
        } else if count <= 0 {
            Err(CountError::Count(count))
        } else if count - 1 != last_offset_delta {
            Err(CountError::Inconsistent { count, last_offset_delta })
        } else {
            Ok(())
        }
    }

    /// The bytes behind the header, still compressed.
    pub fn raw_payload(&self) -> Bytes {
        self.bytes.slice(HEADER_LEN..)
    }

    /// The records' bytes: a slice of the batch where nothing is compressed, decompressed otherwise. `limit` is the
    /// most bytes that a decompressed payload may have; what is not compressed is as long as it is.
    pub fn payload(&self, limit: usize) -> Result<Bytes, DecompressError> {
        decompress(self.compression()?, self.raw_payload(), limit)
    }
}

/// The sequence `by` places after `sequence`, in 0 to 2^31−1 with wrap; [`NO_SEQUENCE`] has no successor
/// (`DefaultRecordBatch.incrementSequence`).
pub fn last_sequence(sequence: i32, by: i32) -> i32 {
    if sequence == NO_SEQUENCE { NO_SEQUENCE } else { sequence.wrapping_add(by) & i32::MAX }
}

/// The sequence that must follow `last`.
pub fn next_sequence(last: i32) -> i32 {
    last.wrapping_add(1) & i32::MAX
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::batch::{BatchBuilder, NewRecord};

    /// The batch with `bytes` written over the field.
    fn with(batch: &Batch, field: usize, bytes: &[u8]) -> Batch {
        let mut all = batch.bytes().to_vec();
        all[field..field + bytes.len()].copy_from_slice(bytes);
        Batch::from_checked(all.into())
    }

    fn three() -> Batch {
        let record = |timestamp| NewRecord { timestamp, value: Some(b"v"), ..NewRecord::default() };
        let batch = BatchBuilder::new().producer(7, 3, 40).record(record(100)).record(record(300));
        batch.record(record(200)).build().unwrap()
    }

    #[test]
    fn every_field_is_read_from_its_place() {
        let batch = three();
        assert_eq!((batch.base_offset(), batch.leader_epoch(), batch.magic()), (0, -1, 2));
        assert_eq!(batch.batch_length() + 12, i32::try_from(batch.size()).unwrap());
        assert_eq!((batch.base_timestamp(), batch.max_timestamp()), (100, 300));
        assert_eq!((batch.producer_id(), batch.producer_epoch(), batch.base_sequence()), (7, 3, 40));
        assert_eq!((batch.record_count(), batch.last_offset_delta(), batch.last_sequence()), (3, 2, 42));
        assert_eq!((batch.attributes(), batch.timestamp_type()), (0, TimestampType::CreateTime));
        assert!(!batch.is_transactional() && !batch.is_control() && batch.has_producer_id());
        assert_eq!(with(&batch, field::BASE_OFFSET, &9_i64.to_be_bytes()).last_offset(), 11);
    }

    #[test]
    fn attributes_are_read_bit_by_bit() {
        let attributes = |bits: i16| with(&three(), field::ATTRIBUTES, &bits.to_be_bytes());
        assert_eq!(attributes(4).compression(), Ok(Compression::Zstd));
        for codec in 5..8 {
            assert_eq!(attributes(codec).compression(), Err(UnknownCodec(codec)));
        }
        assert_eq!(attributes(8).timestamp_type(), TimestampType::LogAppendTime);
        assert!(attributes(16).is_transactional() && !attributes(16).is_control());
        assert!(attributes(32).is_control() && !attributes(32).is_transactional());
        assert_eq!(attributes(32).compression(), Ok(Compression::None));
    }

    #[test]
    fn the_checksum_covers_all_from_the_attributes_on() {
        let batch = three();
        assert_eq!(batch.check_crc(), Ok(()));
        for at in 0..batch.size() {
            let changed = with(&batch, at, &[batch.bytes()[at] ^ 1]);
            assert_eq!(changed.check_crc().is_ok(), at < field::CRC, "byte {at}");
        }
    }

    #[test]
    fn another_implementation_reads_the_same() {
        let batch = three();
        let decoded = kafka_protocol::records::RecordBatchDecoder::decode_all(&mut batch.bytes().clone());
        let read: Vec<_> = decoded.unwrap().into_iter().flat_map(|set| set.records).collect();
        assert_eq!(read.iter().map(|record| record.timestamp).collect::<Vec<_>>(), [100, 300, 200]);
        assert_eq!(read.iter().map(|record| record.sequence).collect::<Vec<_>>(), [40, 41, 42]);
        assert_eq!((read[2].producer_id, read[2].producer_epoch, read[2].offset), (7, 3, 2));
        assert_eq!(read[2].value.as_deref(), Some(&b"v"[..]));
    }

    #[test]
    fn counts_are_compared_in_the_order_of_the_broker() {
        let claim = |delta: i32, count: i32| {
            let batch = with(&three(), field::LAST_OFFSET_DELTA, &delta.to_be_bytes());
            with(&batch, field::RECORD_COUNT, &count.to_be_bytes()).check_count()
        };
        assert_eq!(claim(2, 3), Ok(()));
        assert_eq!(claim(-1, 0), Err(CountError::OffsetRange(-1)));
        assert_eq!(claim(0, 0), Err(CountError::Count(0)));
        assert_eq!(claim(0, -1), Err(CountError::Count(-1)));
        assert_eq!(claim(3, 3), Err(CountError::Inconsistent { count: 3, last_offset_delta: 3 }));
        assert_eq!(claim(i32::MAX, i32::MAX).unwrap_err().to_string(), {
            "2147483647 records cannot span offsets 0 to 2147483647"
        });
    }

    #[test]
    fn sequences_wrap_behind_2147483647() {
        assert_eq!(last_sequence(0, 0), 0);
        assert_eq!(last_sequence(i32::MAX, 0), i32::MAX);
        assert_eq!(last_sequence(i32::MAX, 1), 0);
        assert_eq!(last_sequence(i32::MAX - 1, 4), 2);
        assert_eq!(last_sequence(NO_SEQUENCE, 4), NO_SEQUENCE);
        assert_eq!(next_sequence(i32::MAX), 0);
        assert_eq!(next_sequence(NO_SEQUENCE), 0);
        assert_eq!(next_sequence(41), 42);
    }
}
