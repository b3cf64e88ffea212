//! Builds batches: the markers of a coordinator, and whatever a test wants to send, wrong values included.

use std::io;

use bytes::Bytes;

use crate::kafka::batch::compression::{Compression, compress};
use crate::kafka::batch::header::{
    Batch, HEADER_LEN, NO_PRODUCER_ID, NO_SEQUENCE, TimestampType, attribute, field,
};
use crate::kafka::batch::record::Record;
use crate::kafka::batch::varint;

/// The version of the keys and values of markers (`EndTransactionMarker`).
const MARKER_VERSION: i16 = 0;

/// How a transaction ended, as the control record in a partition's log says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marker {
    /// Records of this producer since the last marker are to be skipped.
    Abort = 0,
    /// They are to be read.
    Commit = 1,
}

impl Marker {
    /// Reads a record of a control batch; none for a kind that is not known.
    pub fn of(record: &Record<'_>) -> Option<Self> {
        match record.key? {
            [_, _, 0, 0, ..] => Some(Self::Abort),
            [_, _, 0, 1, ..] => Some(Self::Commit),
            _ => None,
        }
    }

    /// Reads which coordinator wrote a record of a control batch (`EndTxnMarker`): its epoch.
    pub fn coordinator_epoch(record: &Record<'_>) -> Option<i32> {
        let value = record.value?.get(2..)?;
        value.first_chunk().map(|epoch| i32::from_be_bytes(*epoch))
    }
}

/// A record to be written.
#[derive(Clone, Copy, Debug, Default)]
pub struct NewRecord<'a> {
    /// Milliseconds since 1970.
    pub timestamp: i64,
    /// The key.
    pub key: Option<&'a [u8]>,
    /// The value.
    pub value: Option<&'a [u8]>,
    /// The headers in their order.
    pub headers: &'a [(&'a str, Option<&'a [u8]>)],
}

/// Builds one batch. Offsets run from 0 without gaps; what a field holds by default follows from the records.
#[derive(Clone, Debug)]
pub struct BatchBuilder {
    base_offset: i64,
    attributes: i16,
    compression: Compression,
    level: Option<i32>,
    producer: (i64, i16, i32),
    times: Option<(i64, i64)>,
    count: i32,
    payload: Vec<u8>,
}

impl Default for BatchBuilder {
    fn default() -> Self {
        Self {
            base_offset: 0,
            attributes: 0,
            compression: Compression::None,
            level: None,
            producer: (NO_PRODUCER_ID, -1, NO_SEQUENCE),
            times: None,
            count: 0,
            payload: Vec::new(),
        }
    }
}

impl BatchBuilder {
    /// A batch without records, producer and compression.
    pub fn new() -> Self {
        Self::default()
    }

    /// A batch with the one control record that ends a transaction in a partition; `timestamp` in milliseconds.
    pub fn marker(marker: Marker, producer: (i64, i16), coordinator_epoch: i32, timestamp: i64) -> Self {
        let version = MARKER_VERSION.to_be_bytes();
        let key = [version, (marker as i16).to_be_bytes()].concat();
        let value = [&version[..], &coordinator_epoch.to_be_bytes()].concat();
        let mut marker = Self::new().producer(producer.0, producer.1, NO_SEQUENCE).transactional();
        marker.attributes |= attribute::CONTROL;
        marker.record(NewRecord { timestamp, key: Some(&key), value: Some(&value), headers: &[] })
    }

    /// Sets the offset of the first record; a producer writes 0.
    #[must_use]
    pub fn base_offset(mut self, offset: i64) -> Self {
        self.base_offset = offset;
        self
    }

    /// Sets producer id, epoch and the sequence of the first record.
    #[must_use]
    pub fn producer(mut self, id: i64, epoch: i16, base_sequence: i32) -> Self {
        self.producer = (id, epoch, base_sequence);
        self
    }

    /// Sets the codec.
    #[must_use]
    pub fn compression(mut self, codec: Compression) -> Self {
        self.compression = codec;
        self
    }

    /// Sets how hard the codec tries; without, as it does by default.
    #[must_use]
    pub fn level(mut self, level: Option<i32>) -> Self {
        self.level = level;
        self
    }

    /// Makes the batch a part of a transaction.
    #[must_use]
    pub fn transactional(mut self) -> Self {
        self.attributes |= attribute::TRANSACTIONAL;
        self
    }

    /// Marks the batch as one of control records, which no client may write.
    #[must_use]
    pub fn control(mut self) -> Self {
        self.attributes |= attribute::CONTROL;
        self
    }

    /// Sets the timestamp type.
    #[must_use]
    pub fn timestamp_type(mut self, of: TimestampType) -> Self {
        self.attributes &= !attribute::LOG_APPEND_TIME;
        if of == TimestampType::LogAppendTime {
            self.attributes |= attribute::LOG_APPEND_TIME;
        }
        self
    }

    /// Adds a record; the first one's timestamp is the base of all.
    #[must_use]
    pub fn record(mut self, record: NewRecord<'_>) -> Self {
        let (base, max) = self.times.unwrap_or((record.timestamp, record.timestamp));
        self.times = Some((base, max.max(record.timestamp)));
        let mut body = vec![0];
        varint::put(&mut body, record.timestamp.wrapping_sub(base));
        varint::put(&mut body, i64::from(self.count));
        put_nullable(&mut body, record.key);
        put_nullable(&mut body, record.value);
        varint::put(&mut body, length(record.headers.len()));
        for (key, value) in record.headers {
            put_nullable(&mut body, Some(key.as_bytes()));
            put_nullable(&mut body, *value);
        }
        varint::put(&mut self.payload, length(body.len()));
        self.payload.extend_from_slice(&body);
        self.count += 1;
        self
    }

    /// Adds a record with nothing but a value, at time 0.
    #[must_use]
    pub fn value(self, value: &[u8]) -> Self {
        self.record(NewRecord { value: Some(value), ..NewRecord::default() })
    }

    /// The batch; fails if it is longer than a length field can say, or a codec fails.
    pub fn build(&self) -> io::Result<Batch> {
        let records = compress(self.compression, self.level, &self.payload)?;
        let behind = HEADER_LEN - field::LEADER_EPOCH + records.len();
        let behind = i32::try_from(behind).map_err(io::Error::other)?;
        let (base_timestamp, max_timestamp) = self.times.unwrap_or((-1, -1));
        let mut bytes = Vec::with_capacity(HEADER_LEN + records.len());
        bytes.extend_from_slice(&self.base_offset.to_be_bytes());
        bytes.extend_from_slice(&behind.to_be_bytes());
        bytes.extend_from_slice(&(-1_i32).to_be_bytes());
        bytes.push(2);
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&(self.attributes | self.compression as i16).to_be_bytes());
        bytes.extend_from_slice(&(self.count - 1).to_be_bytes());
        bytes.extend_from_slice(&base_timestamp.to_be_bytes());
        bytes.extend_from_slice(&max_timestamp.to_be_bytes());
        bytes.extend_from_slice(&self.producer.0.to_be_bytes());
        bytes.extend_from_slice(&self.producer.1.to_be_bytes());
        bytes.extend_from_slice(&self.producer.2.to_be_bytes());
        bytes.extend_from_slice(&self.count.to_be_bytes());
        bytes.extend_from_slice(&records);
        let crc = crc32c::crc32c(&bytes[field::ATTRIBUTES..]);
        bytes[field::CRC..field::ATTRIBUTES].copy_from_slice(&crc.to_be_bytes());
        Ok(Batch::from_checked(Bytes::from(bytes)))
    }
}

fn length(of: usize) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}

fn put_nullable(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    varint::put(out, bytes.map_or(-1, |bytes| length(bytes.len())));
    out.extend_from_slice(bytes.unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_a_control_batch_of_one_record() {
        for marker in [Marker::Abort, Marker::Commit] {
            let batch = BatchBuilder::marker(marker, (7, 2), 5, 1000).build().unwrap();
            assert!(batch.is_control() && batch.is_transactional());
            assert_eq!((batch.producer_id(), batch.producer_epoch()), (7, 2));
            assert_eq!((batch.base_sequence(), batch.last_sequence()), (NO_SEQUENCE, NO_SEQUENCE));
            assert_eq!(batch.max_timestamp(), 1000);
            let payload = batch.payload(0).unwrap();
            let records: Vec<_> = batch.records(&payload).map(Result::unwrap).collect();
            assert_eq!(records.len(), 1);
            assert_eq!(Marker::of(&records[0]), Some(marker));
            assert_eq!(records[0].value, Some(&[0, 0, 0, 0, 0, 5][..]));
        }
    }

    #[test]
    fn a_batch_without_records_is_possible_and_refused_by_its_count() {
        let batch = BatchBuilder::new().build().unwrap();
        assert_eq!((batch.size(), batch.record_count(), batch.last_offset_delta()), (HEADER_LEN, 0, -1));
        assert!(batch.check_crc().is_ok() && batch.check_count().is_err());
    }
}
