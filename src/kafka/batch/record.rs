//! The records of a batch: borrowed from its payload, found without allocating, no length or count trusted.

use crate::kafka::batch::compression::Compression;
use crate::kafka::batch::header::{Batch, TimestampType};
use crate::kafka::batch::varint::{take_i32, take_i64};

/// Why the records of a batch cannot be read. Apache Kafka answers all but [`RecordError::Length`] and
/// [`RecordError::Huge`] with `INVALID_RECORD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The payload ends before the record that the count promises, or before the end that a record's length promises.
    #[error("the payload ends inside record {index}")]
    Short {
        /// The record's place in the batch, from 0.
        index: i32,
    },
    /// A field of the record runs over its end, or the record is longer than its fields.
    #[error("the fields of record {index} do not fill its length")]
    Structure {
        /// The record's place in the batch, from 0.
        index: i32,
    },
    /// The length in front of the record does not end. Apache Kafka did not expect it: `UNKNOWN_SERVER_ERROR`.
    #[error("the length of record {index} does not end")]
    Length {
        /// The record's place in the batch, from 0.
        index: i32,
    },
    /// A record of a compressed batch claims more bytes than can be had. Apache Kafka did not expect it:
    /// `UNKNOWN_SERVER_ERROR`.
    #[error("record {index} claims {length} bytes")]
    Huge {
        /// The record's place in the batch, from 0.
        index: i32,
        /// What it claims.
        length: usize,
    },
    /// Bytes are left after the last record that the count promises.
    #[error("{bytes} bytes are left after {count} records")]
    Remaining {
        /// How many bytes.
        bytes: usize,
        /// How many records were read.
        count: i32,
    },
}

/// Bytes of the longest length.
const LONGEST: usize = 5;
/// Bytes of the longest number of 64 bits.
const LONGEST_OF_64: usize = 10;
/// A record of more bytes, which it only claims, is more than Kafka has memory for where it reads from a stream.
const ALLOCATED: usize = 1 << 28;

/// One record, borrowed from the payload of its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Offset less the base offset of the batch, as written; a broker that keeps uncompressed records trusts it.
    pub offset_delta: i32,
    /// Timestamp less the base timestamp of the batch, in milliseconds.
    pub timestamp_delta: i64,
    /// The key; none is not the same as empty.
    pub key: Option<&'a [u8]>,
    /// The value; none is a tombstone.
    pub value: Option<&'a [u8]>,
    /// The headers in their order, repeated keys included.
    pub headers: Headers<'a>,
}

impl Record<'_> {
    /// The offset in a batch that stands in a log.
    pub fn offset(&self, batch: &Batch) -> i64 {
        batch.base_offset().wrapping_add(i64::from(self.offset_delta))
    }

    /// Milliseconds since 1970; with `LogAppendTime` it is the batch's.
    pub fn timestamp(&self, batch: &Batch) -> i64 {
        match batch.timestamp_type() {
            TimestampType::CreateTime => batch.base_timestamp().wrapping_add(self.timestamp_delta),
            TimestampType::LogAppendTime => batch.max_timestamp(),
        }
    }
}

/// One header of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// The key: UTF-8 by convention, unchecked.
    pub key: &'a [u8],
    /// The value; none is not the same as empty.
    pub value: Option<&'a [u8]>,
}

/// The headers of a record, in their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Headers<'a> {
    count: usize,
    bytes: &'a [u8],
}

impl<'a> Headers<'a> {
    /// How many they are.
    pub fn len(self) -> usize {
        self.count
    }

    /// Are there none?
    pub fn is_empty(self) -> bool {
        self.count == 0
    }

    /// Reads them one after the other, without allocating.
    pub fn iter(self) -> impl ExactSizeIterator<Item = Header<'a>> {
        let mut rest = self.bytes;
        // That all of them can be read was found out when the record was.
        (0..self.count).map(move |_| take_header(&mut rest).unwrap_or(Header { key: &[], value: None }))
    }
}

/// The records of a batch, see [`Batch::records`].
#[derive(Clone, Debug)]
pub struct Records<'a> {
    rest: &'a [u8],
    next: i32,
    count: i32,
    /// Lengths in front of records are not looked at.
    skim: bool,
    /// They were compressed.
    streamed: bool,
}

impl Batch {
    /// The records of a payload that [`Batch::payload`] gave: as many as the batch claims, or an error, after which
    /// nothing follows. Bytes that remain after the last one are an error too.
    pub fn records<'a>(&self, payload: &'a [u8]) -> Records<'a> {
        let streamed = self.compression() != Ok(Compression::None);
        Records { rest: payload, next: 0, count: self.record_count().max(0), skim: false, streamed }
    }

    /// The same as Apache Kafka's leader reads them where it has decompressed them and keeps them as they came: field
    /// by field, without comparing them with their length (`DefaultRecordBatch.skipKeyValueIterator`).
    pub fn skimmed<'a>(&self, payload: &'a [u8]) -> Records<'a> {
        Records { skim: true, ..self.records(payload) }
    }
}

impl<'a> Records<'a> {
    fn take(&mut self) -> Result<Record<'a>, RecordError> {
        let index = self.next;
        let length = take_i32(&mut self.rest).ok_or(match self.rest.len() {
            0..LONGEST => RecordError::Short { index },
            // Of a stream it is an `IllegalArgumentException` (`StreamRecordIterator.readNext`).
            _ if self.streamed => RecordError::Structure { index },
            _ => RecordError::Length { index },
        })?;
        if self.skim {
            self.next += 1;
            return fields(&mut self.rest).map_err(|flaw| match flaw {
                Flaw::CutOff => RecordError::Short { index },
                Flaw::Wrong => RecordError::Structure { index },
            });
        }
        let length = usize::try_from(length).map_err(|_| RecordError::Structure { index })?;
        if self.streamed && length > ALLOCATED {
            return Err(RecordError::Huge { index, length });
        }
        let (body, rest) = self.rest.split_at_checked(length).ok_or(RecordError::Short { index })?;
        self.rest = rest;
        self.next += 1;
        parse(body).map_err(|_| RecordError::Structure { index })
    }

    fn end(&mut self) {
        self.rest = &[];
        self.next = self.count;
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = if self.next < self.count {
            self.take()
        } else if self.rest.is_empty() {
            return None;
        } else {
            Err(RecordError::Remaining { bytes: self.rest.len(), count: self.count })
        };
        if item.is_err() {
            self.end();
        }
        Some(item)
    }
}

/// Reads the body of a record, which the fields must fill exactly.
fn parse(mut body: &[u8]) -> Result<Record<'_>, Flaw> {
    let record = fields(&mut body)?;
    if body.is_empty() { Ok(record) } else { Err(Flaw::Wrong) }
}

/// Reads the fields of a record.
fn fields<'a>(body: &mut &'a [u8]) -> Result<Record<'a>, Flaw> {
    let (_attributes, rest) = body.split_first().ok_or(Flaw::CutOff)?;
    *body = rest;
    let timestamp_delta = take_i64(body).ok_or_else(|| unended(body, LONGEST_OF_64))?;
    let offset_delta = take_number(body)?;
    let key = take_bytes(body)?;
    let value = take_bytes(body)?;
    let count = usize::try_from(take_number(body)?).map_err(|_| Flaw::Wrong)?;
    let headers = Headers { count, bytes: body };
    for _ in 0..count {
        take_header(body)?;
    }
    Ok(Record { offset_delta, timestamp_delta, key, value, headers })
}

fn take_header<'a>(input: &mut &'a [u8]) -> Result<Header<'a>, Flaw> {
    let key = take_bytes(input)?.ok_or(Flaw::Wrong)?;
    Ok(Header { key, value: take_bytes(input)? })
}

/// What is wrong with the fields of a record.
enum Flaw {
    /// The input ends before a field does.
    CutOff,
    /// No bytes behind would help.
    Wrong,
}

/// Why a number cannot be taken.
fn unended(input: &[u8], longest: usize) -> Flaw {
    if input.len() < longest { Flaw::CutOff } else { Flaw::Wrong }
}

fn take_number(input: &mut &[u8]) -> Result<i32, Flaw> {
    take_i32(input).ok_or_else(|| unended(input, LONGEST))
}

/// Takes a length and as many bytes; a negative length stands for none.
fn take_bytes<'a>(input: &mut &'a [u8]) -> Result<Option<&'a [u8]>, Flaw> {
    let Ok(length) = usize::try_from(take_number(input)?) else { return Ok(None) };
    let (bytes, rest) = input.split_at_checked(length).ok_or(Flaw::CutOff)?;
    *input = rest;
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kafka::batch::varint::put;
    use crate::kafka::batch::{BatchBuilder, Compression, HEADER_LEN, Marker, NewRecord, entries, field};

    /// What a record holds, owned.
    type Owned = (i64, Option<Vec<u8>>, Option<Vec<u8>>, Vec<(String, Option<Vec<u8>>)>);

    fn read(batch: &Batch) -> Result<Vec<Owned>, RecordError> {
        let payload = batch.payload(1 << 20).unwrap();
        let mut all = Vec::new();
        for record in batch.records(&payload) {
            let record = record?;
            let headers = record.headers.iter().map(|header| {
                (String::from_utf8(header.key.to_vec()).unwrap(), header.value.map(<[u8]>::to_vec))
            });
            let [key, value] = [record.key, record.value].map(|bytes| bytes.map(<[u8]>::to_vec));
            all.push((record.timestamp(batch), key, value, headers.collect()));
        }
        Ok(all)
    }

    fn build(records: &[Owned], codec: Compression) -> Batch {
        let mut builder = BatchBuilder::new().compression(codec);
        for (timestamp, key, value, headers) in records {
            let headers: Vec<_> = headers.iter().map(|(key, value)| (&key[..], value.as_deref())).collect();
            let record = NewRecord {
                timestamp: *timestamp,
                key: key.as_deref(),
                value: value.as_deref(),
                headers: &headers,
            };
            builder = builder.record(record);
        }
        builder.build().unwrap()
    }

    /// The errors of a payload with that claimed count.
    fn errors(count: i32, payload: &[u8]) -> Vec<RecordError> {
        let mut bytes = BatchBuilder::new().build().unwrap().bytes().to_vec();
        bytes[field::RECORD_COUNT..].copy_from_slice(&count.to_be_bytes());
        let batch = Batch::from_checked(bytes.into());
        batch.records(payload).filter_map(Result::err).collect()
    }

    #[test]
    fn who_skims_does_not_compare_a_record_with_its_length() {
        let batch = build(&[(0, None, None, vec![])], Compression::None);
        let long = [&[0x20][..], &PLAIN].concat();
        assert!(batch.records(&long).next().unwrap().is_err());
        let record = batch.skimmed(&long).next().unwrap().unwrap();
        assert_eq!((record.key, record.value, batch.skimmed(&long).count()), (None, None, 1));
        let nameless = [&[0x20][..], &PLAIN[..5], &[2, 1, 1]].concat();
        assert_eq!(batch.skimmed(&nameless).next(), Some(Err(RecordError::Structure { index: 0 })));
        let endless = batch.records(&[0xFF; 5]).next().unwrap();
        assert_eq!(endless, Err(RecordError::Length { index: 0 }));
    }

    /// A record with that body, its length in front.
    fn framed(body: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        put(&mut out, i64::try_from(body.len()).unwrap());
        [&out[..], body].concat()
    }

    /// No attributes, deltas 0, no key, no value, no headers.
    const PLAIN: [u8; 6] = [0, 0, 0, 1, 1, 0];

    /// What clients sent to Apache Kafka 4.3.1 and what came back from its log: records `… 0` to `… 2` without keys.
    const OF_LIBRDKAFKA_2_12: [&str; 5] = [
        "00000000000000000000008b0000000002a510621500000000000200000000000003e800000000000003eaffffffffffffffffffffffffffff000000033a000000012e6c696272646b61666b61206c696272646b61666b612030003a000202012e6c696272646b61666b61206c696272646b61666b612031003a000404012e6c696272646b61666b61206c696272646b61666b61203200",
        "00000000000000000000006900000000021d00ca1e00010000000200000000000003e800000000000003eaffffffffffffffffffffffffffff000000031f8b0800000000000003b362606060d4cbc94c2a4ac94e4ccb4e5440621a3058313031e1923504cab2b0e09235620000665c215a5a000000",
        "00000000000000000000005d0000000002ddfee2d300020000000200000000000003e800000000000003eaffffffffffffffffffffffffffff000000035a403a000000012e6c696272646b61666b61201d0b1430003a0002025e1e001431003a0004045e1e00043200",
        "00000000000000000000006f0000000002627c37e000030000000200000000000003e800000000000003eaffffffffffffffffffffffffffff0000000304224d186040822f000000f7023a000000012e6c696272646b61666b61200b006f30003a0002021e00056f31003a0004041e0002506b6120320000000000",
        "0000000000000000000000640000000002017c025000040000000200000000000003e800000000000003eaffffffffffffffffffffffffffff0000000328b52ffd0058550100f83a000000012e6c696272646b61666b612030003a00020231003a00040432000300002c4181d2715902",
    ];
    const OF_JAVA_4_3: [&str; 5] = [
        "0000000000000000000000760000000002862654e1000000000002000001a209808698000001a2098086b80000000000000006000000000000000000032c00000001206a617661206a617661206a6176612030002c00400201206a617661206a617661206a6176612031002c00400401206a617661206a617661206a617661203200",
        "00000000000000030000006000000000025176f78e000100000002000001a20980e2e4000001a20980e305000000000000000b000000000000000000031f8b08000000000000ffd36160606054c84a2c4b44220c1874189c9830840d41c22c18c2460c00abdf3d8545000000",
        "00000000000000030000006a00000000027b9a1984000200000002000001a20980e877000001a20980e8be000000000000000c0000000000000000000382534e415050590000000001000000010000002547242c00000001206a6176611d051830002e008e0102421800003105180004421800043200",
        "0000000000000000000000650000000002a748a7ee000300000002000001a20980ee2a000001a20980ee63000000000000000d0000000000000000000304224d1860408225000000a72c00000001206a61766105006d30002c00700217006a31002c007204170050766120320000000000",
        "00000000000000000000005e00000000020ef67cd8000400000002000001a20980f46b000001a20980f4ac000000000000000e0000000000000000000328b52ffd00580c0100a82c00000001206a61766130002e00820102310432000400600a10eece69101724010000",
    ];
    /// A marker that the same node wrote.
    const COMMIT_OF_KAFKA_4_3: &str = "0000000000000002000000420000000002fc6099c7003000000000000001a2097fd8d9000001a2097fd8d900000000000000050001ffffffff000000012000000008000000010c00000000000000";

    fn from_hex(hex: &str) -> Batch {
        let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        let bytes: Vec<u8> = (0..hex.len()).step_by(2).map(byte).collect();
        Batch::try_from(entries(bytes.into()).next().unwrap().unwrap()).unwrap()
    }

    #[test]
    fn batches_of_other_clients_are_read_in_every_codec() {
        for (client, text) in [(OF_LIBRDKAFKA_2_12, "librdkafka librdkafka"), (OF_JAVA_4_3, "java java java")]
        {
            for (codec, hex) in (0..).zip(client) {
                let batch = from_hex(hex);
                assert_eq!((batch.check_crc(), batch.check_count()), (Ok(()), Ok(())));
                assert_eq!(batch.compression(), Compression::try_from(codec));
                let values: Vec<_> =
                    read(&batch).unwrap().into_iter().map(|(_, _, value, _)| value.unwrap()).collect();
                assert_eq!(values, [0, 1, 2].map(|n| format!("{text} {n}").into_bytes()));
            }
        }
    }

    #[test]
    fn our_markers_are_those_of_the_broker() {
        let theirs = from_hex(COMMIT_OF_KAFKA_4_3);
        let ours = BatchBuilder::marker(Marker::Commit, (5, 1), 0, theirs.max_timestamp()).build().unwrap();
        assert_eq!(ours.edit().base_offset(2).leader_epoch(0).finish(), theirs);
    }

    #[test]
    fn headers_keep_their_order_and_repeated_keys() {
        let headers = vec![
            ("b".to_owned(), Some(b"1".to_vec())),
            ("a".to_owned(), None),
            ("b".to_owned(), Some(Vec::new())),
            (String::new(), Some(b"1".to_vec())),
        ];
        let records = vec![(5, None, Some(Vec::new()), headers)];
        assert_eq!(read(&build(&records, Compression::None)), Ok(records));
    }

    #[test]
    fn keys_and_values_are_borrowed_from_the_batch() {
        let batch = BatchBuilder::new().value(b"borrowed").build().unwrap();
        let payload = batch.payload(0).unwrap();
        let value = batch.records(&payload).next().unwrap().unwrap().value.unwrap();
        assert_eq!(&batch.bytes().slice_ref(value)[..], b"borrowed");
    }

    #[test]
    fn a_payload_that_ends_early_is_refused() {
        assert_eq!(errors(1, &[]), [RecordError::Short { index: 0 }]);
        assert_eq!(errors(2, &framed(&PLAIN)), [RecordError::Short { index: 1 }]);
        assert_eq!(errors(1, &framed(&PLAIN)[..4]), [RecordError::Short { index: 0 }]);
        assert_eq!(errors(i32::MAX, &framed(&PLAIN)), [RecordError::Short { index: 1 }]);
    }

    #[test]
    fn fields_must_fill_the_record_exactly() {
        assert_eq!(errors(1, &framed(&PLAIN)), []);
        for body in [
            &[][..],
            &PLAIN[..5],
            &[0, 0, 0, 1, 1, 0, 0],
            &[0, 0, 0, 4, b'k', 1, 0],
            &[0, 0, 0, 1, 1, 1],
            &[0, 0, 0, 1, 1, 2, 1, 1],
            &[0, 0, 0, 1, 1, 0xfe, 0xff, 0xff, 0xff, 0x0f],
            &[0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0],
        ] {
            assert_eq!(errors(1, &framed(body)), [RecordError::Structure { index: 0 }], "{body:?}");
        }
        assert_eq!(errors(1, &[1]), [RecordError::Structure { index: 0 }]);
    }

    #[test]
    fn bytes_behind_the_last_record_are_refused() {
        let two = [framed(&PLAIN), framed(&PLAIN)].concat();
        assert_eq!(errors(1, &two), [RecordError::Remaining { bytes: 7, count: 1 }]);
        assert_eq!(errors(-5, &two), [RecordError::Remaining { bytes: 14, count: 0 }]);
    }

    #[test]
    fn any_negative_length_stands_for_none() {
        assert_eq!(errors(1, &framed(&[0, 0, 0, 3, 9, 0])), []);
    }

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(any::<u8>(), 0..20)
    }

    fn records() -> impl Strategy<Value = Vec<Owned>> {
        let headers = prop::collection::vec(("[a-c]{0,2}", prop::option::of(bytes())), 0..4);
        let record = (0..1_i64 << 50, prop::option::of(bytes()), prop::option::of(bytes()), headers);
        prop::collection::vec(record, 0..20)
    }

    fn codec() -> impl Strategy<Value = Compression> {
        (0..5_i16).prop_map(|codec| codec.try_into().unwrap())
    }

    proptest! {
        #[test]
        fn what_is_built_is_read(records in records(), codec in codec()) {
            let batch = build(&records, codec);
            prop_assert!(batch.check_crc().is_ok());
            prop_assert!(records.is_empty() || batch.check_count().is_ok());
            prop_assert_eq!(batch.compression(), Ok(codec));
            prop_assert_eq!(read(&batch), Ok(records));
        }

        #[test]
        fn mutated_batches_neither_panic_nor_yield_more_than_they_claim(
            records in records(), codec in codec(), at in any::<prop::sample::Index>(), byte: u8, cut in any::<prop::sample::Index>(),
        ) {
            let mut bytes = build(&records, codec).bytes().to_vec();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes.truncate(HEADER_LEN.max(cut.index(bytes.len() * 4)));
            let batch = Batch::from_checked(bytes.into());
            let Ok(payload) = batch.payload(1000) else { return Ok(()) };
            let count = batch.records(&payload).count();
            prop_assert!(count <= payload.len() / 7 + 1);
            prop_assert!(batch.records(&payload).flatten().count() <= usize::try_from(batch.record_count()).unwrap_or(0));
            for record in batch.records(&payload).flatten() {
                prop_assert_eq!(record.headers.iter().count(), record.headers.len());
                let _ = (record.offset(&batch), record.timestamp(&batch), batch.last_sequence(), batch.last_offset());
            }
        }
    }
}
