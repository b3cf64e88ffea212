//! Changes to a batch that stands: what a broker writes over a producer's header, and new compression.

use std::io;

use bytes::{Bytes, BytesMut};

use crate::kafka::batch::compression::{Compression, compress};
use crate::kafka::batch::header::{Batch, HEADER_LEN, TimestampType, attribute, field};

/// A batch that is being changed. The checksum is computed again at the end, and only if a byte under it changed:
/// base offset and leader epoch stand in front of it and cost 12 bytes.
#[derive(Debug)]
pub struct BatchEdit {
    bytes: BytesMut,
    checksum: bool,
}

impl Batch {
    /// Begins to change the batch: in place if nobody else holds its bytes, in a copy otherwise.
    pub fn edit(self) -> BatchEdit {
        let bytes = self.into_bytes().try_into_mut().unwrap_or_else(|shared| BytesMut::from(&shared[..]));
        BatchEdit { bytes, checksum: false }
    }

    /// Begins to change a copy of the batch, which keeps nothing of the buffer alive in which the batch came.
    pub fn edit_copy(&self) -> BatchEdit {
        BatchEdit { bytes: BytesMut::from(&self.bytes()[..]), checksum: false }
    }
}

impl BatchEdit {
    fn put<const N: usize>(&mut self, at: usize, value: [u8; N]) {
        self.bytes[at..at + N].copy_from_slice(&value);
    }

    fn attributes(&self) -> i16 {
        i16::from_be_bytes([self.bytes[field::ATTRIBUTES], self.bytes[field::ATTRIBUTES + 1]])
    }

    fn set_attributes(&mut self, attributes: i16) {
        self.checksum = true;
        self.put(field::ATTRIBUTES, attributes.to_be_bytes());
    }

    /// Sets the offset of the first record; the others follow from it.
    #[must_use]
    pub fn base_offset(mut self, offset: i64) -> Self {
        self.put(field::BASE_OFFSET, offset.to_be_bytes());
        self
    }

    /// Sets the leader epoch of the partition.
    #[must_use]
    pub fn leader_epoch(mut self, epoch: i32) -> Self {
        self.put(field::LEADER_EPOCH, epoch.to_be_bytes());
        self
    }

    /// Sets whose clock the timestamps are from, and the highest of them (milliseconds since 1970). Attributes that mean
    /// nothing are lost, as Kafka loses them (`DefaultRecordBatch.setMaxTimestamp`).
    #[must_use]
    pub fn timestamps(mut self, of: TimestampType, max: i64) -> Self {
        let bit = match of {
            TimestampType::CreateTime => 0,
            TimestampType::LogAppendTime => attribute::LOG_APPEND_TIME,
        };
        let attributes = self.attributes() & attribute::ALL & !attribute::LOG_APPEND_TIME | bit;
        self.set_attributes(attributes);
        self.put(field::MAX_TIMESTAMP, max.to_be_bytes());
        self
    }

    /// Replaces the records by `payload`, the bytes of as many records without compression, in the codec given.
    pub fn payload(mut self, codec: Compression, payload: &[u8]) -> io::Result<Self> {
        let records = compress(codec, None, payload)?;
        let behind = HEADER_LEN - field::LEADER_EPOCH + records.len();
        let length = i32::try_from(behind).map_err(io::Error::other)?;
        self.bytes.truncate(HEADER_LEN);
        self.bytes.extend_from_slice(&records);
        self.put(field::BATCH_LENGTH, length.to_be_bytes());
        let attributes = self.attributes() & !attribute::CODEC | codec as i16;
        self.set_attributes(attributes);
        Ok(self)
    }

    /// The changed batch, its checksum right if a byte under it was changed, and as it was otherwise.
    pub fn finish(mut self) -> Batch {
        if self.checksum {
            let crc = crc32c::crc32c(&self.bytes[field::ATTRIBUTES..]);
            self.put(field::CRC, crc.to_be_bytes());
        }
        Batch::from_checked(Bytes::from(self.bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::batch::BatchBuilder;

    fn batch() -> Batch {
        BatchBuilder::new().producer(1, 2, 3).value(b"a").value(b"b").build().unwrap()
    }

    #[test]
    fn offset_and_epoch_leave_every_other_byte_alone() {
        let before = batch();
        let after = before.edit_copy().base_offset(1 << 40).leader_epoch(9).finish();
        assert_eq!((after.base_offset(), after.leader_epoch()), (1 << 40, 9));
        assert_eq!(after.batch_length(), before.batch_length());
        assert_eq!(after.bytes()[field::MAGIC..], before.bytes()[field::MAGIC..]);
        assert_eq!(after.check_crc(), Ok(()));
    }

    #[test]
    fn a_wrong_checksum_stays_wrong_where_nothing_under_it_changes() {
        let mut bytes = batch().bytes().to_vec();
        bytes[field::CRC] ^= 1;
        let after = Batch::from_checked(bytes.into()).edit().base_offset(5).finish();
        assert!(after.check_crc().is_err());
    }

    #[test]
    fn bytes_that_nobody_else_holds_are_changed_in_place() {
        let (alone, shared) = (batch(), batch());
        let (at, also_at) = (alone.bytes().as_ptr(), shared.bytes().as_ptr());
        let other = shared.clone();
        assert_eq!(alone.edit().base_offset(1).finish().bytes().as_ptr(), at);
        assert_ne!(shared.edit().base_offset(1).finish().bytes().as_ptr(), also_at);
        assert_eq!(other, batch());
    }

    #[test]
    fn timestamps_change_their_type_and_the_checksum() {
        let append = batch().edit().timestamps(TimestampType::LogAppendTime, 77).finish();
        assert_eq!((append.timestamp_type(), append.max_timestamp()), (TimestampType::LogAppendTime, 77));
        assert_eq!(append.check_crc(), Ok(()));
        let payload = append.payload(0).unwrap();
        assert!(append.records(&payload).all(|record| record.unwrap().timestamp(&append) == 77));
        let create = append.edit().timestamps(TimestampType::CreateTime, 0).finish();
        assert_eq!(create, batch());
    }

    #[test]
    fn another_codec_keeps_all_but_the_records() {
        let before = batch();
        let plain = before.payload(0).unwrap();
        let after = before.edit_copy().payload(Compression::Zstd, &plain).unwrap().finish();
        assert_eq!(after.compression(), Ok(Compression::Zstd));
        assert_eq!(after.check_crc(), Ok(()));
        assert_eq!(usize::try_from(after.batch_length()).unwrap() + 12, after.size());
        assert_eq!(after.payload(100).unwrap(), plain);
        assert_eq!(after.edit().payload(Compression::None, &plain).unwrap().finish(), before);
    }
}
