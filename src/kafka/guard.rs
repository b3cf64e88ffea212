//! The guard in front of the decoder. `kafka-protocol` believes every count that it reads: a frame of twelve bytes with
//! an array count of `0xFFFFFFFF` makes it reserve hundreds of gigabytes and abort the process. So each frame is walked
//! here first, by the table of its shape, and refused if a count cannot be true.

use thiserror::Error;

use crate::kafka::shape::{Shape, Struct, Tag};

/// The most elements of arrays, and tagged fields, that one message may have altogether. A Produce request of 100 MB
/// with one batch for each partition stays far below it.
pub const MAX_ELEMENTS: usize = 1_000_000;

/// The longest text, in bytes (`Short.MAX_VALUE`).
const MAX_TEXT: usize = 0x7FFF;

/// Why a frame never reaches the decoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refused {
    /// The frame ends inside a field.
    #[error("the message ends {missing} bytes too early")]
    Truncated {
        /// How many bytes more the field would need.
        missing: usize,
    },
    /// More elements than can be there.
    #[error("a count of {claimed} elements where at most {possible} are possible")]
    Count {
        /// What the frame says.
        claimed: usize,
        /// What the remaining bytes, and [`MAX_ELEMENTS`], leave room for.
        possible: usize,
    },
    /// A length below −1, which stands for null.
    #[error("a length of {0}")]
    NegativeLength(i32),
    /// A number of variable length that does not end.
    #[error("a number of more than five bytes")]
    Endless,
    /// A text longer than a text can be.
    #[error("a text of {0} bytes")]
    LongText(usize),
    /// A tagged field of the protocol whose value is not as long as it says.
    #[error("tagged field {tag} is {surplus} bytes longer than its value")]
    TagSize {
        /// The tag.
        tag: u32,
        /// Bytes behind the value.
        surplus: usize,
    },
}

/// Walks the message at the front of `bytes`, and returns how many bytes it takes.
///
/// `flexible` says whether lengths are compact and tagged fields follow. Nothing is allocated, whatever the bytes.
pub fn check(message: &Struct, version: i16, flexible: bool, bytes: &[u8]) -> Result<usize, Refused> {
    let mut walk = Walk { rest: bytes, version, flexible, budget: MAX_ELEMENTS };
    walk.record(message)?;
    Ok(bytes.len() - walk.rest.len())
}

struct Walk<'a> {
    rest: &'a [u8],
    version: i16,
    flexible: bool,
    /// Elements that may still come.
    budget: usize,
}

impl<'a> Walk<'a> {
    fn record(&mut self, record: &Struct) -> Result<(), Refused> {
        for field in record.fields_of(self.version) {
            self.value(&field.shape)?;
        }
        if self.flexible { self.tags(record.tags) } else { Ok(()) }
    }

    fn value(&mut self, shape: &Shape) -> Result<(), Refused> {
        match shape {
            Shape::Fixed(size) => self.skip(*size),
            Shape::Text => {
                let length = if self.flexible { self.compact()? } else { self.short()? }.unwrap_or(0);
                if length > MAX_TEXT {
                    return Err(Refused::LongText(length));
                }
                self.skip(length)
            }
            Shape::LegacyText => {
                let length = self.short()?;
                self.skip(length.unwrap_or(0))
            }
            Shape::Blob => {
                let length = self.length()?;
                self.skip(length.unwrap_or(0))
            }
            Shape::Numbers(size) => {
                let count = self.count(*size)?;
                self.skip(count * size)
            }
            Shape::Texts => {
                let count = self.count(if self.flexible { 1 } else { 2 })?;
                (0..count).try_for_each(|_| self.value(&Shape::Text))
            }
            Shape::Array(element) => {
                let count = self.count(self.smallest(element))?;
                (0..count).try_for_each(|_| self.record(element))
            }
            Shape::One(record) => self.record(record),
        }
    }

    fn tags(&mut self, known: &[Tag]) -> Result<(), Refused> {
        let count = self.varint()? as usize;
        // A tag and a size, a byte each.
        self.claim(count, 2)?;
        for _ in 0..count {
            let tag = self.varint()?;
            let size = self.varint()? as usize;
            let value = self.take(size)?;
            if let Some(field) = known.iter().find(|field| field.tag == tag && field.from <= self.version) {
                let mut inner = Walk { rest: value, ..*self };
                inner.value(&field.shape)?;
                self.budget = inner.budget;
                if !inner.rest.is_empty() {
                    return Err(Refused::TagSize { tag, surplus: inner.rest.len() });
                }
            }
        }
        Ok(())
    }

    /// Reads the number of elements of an array; null has none.
    fn count(&mut self, smallest: usize) -> Result<usize, Refused> {
        let count = self.length()?.unwrap_or(0);
        self.claim(count, smallest)?;
        Ok(count)
    }

    /// Refuses a count that the remaining bytes cannot hold.
    fn claim(&mut self, claimed: usize, smallest: usize) -> Result<(), Refused> {
        let possible = (self.rest.len() / smallest.max(1)).min(self.budget);
        if claimed > possible {
            return Err(Refused::Count { claimed, possible });
        }
        self.budget -= claimed;
        Ok(())
    }

    /// The fewest bytes that an element takes in this version.
    fn smallest(&self, record: &Struct) -> usize {
        let (text, blob) = if self.flexible { (1, 1) } else { (2, 4) };
        let fields = record.fields_of(self.version).map(|field| match &field.shape {
            Shape::Fixed(size) => *size,
            Shape::Text => text,
            Shape::LegacyText => 2,
            Shape::Blob | Shape::Array(_) | Shape::Numbers(_) | Shape::Texts => blob,
            Shape::One(record) => self.smallest(record),
        });
        fields.sum::<usize>() + usize::from(self.flexible)
    }

    /// A length of 32 bits, or a compact one; none for null.
    fn length(&mut self) -> Result<Option<usize>, Refused> {
        if self.flexible {
            return self.compact();
        }
        let [a, b, c, d] = self.array()?;
        nullable(i32::from_be_bytes([a, b, c, d]))
    }

    fn short(&mut self) -> Result<Option<usize>, Refused> {
        let [a, b] = self.array()?;
        nullable(i16::from_be_bytes([a, b]).into())
    }

    fn compact(&mut self) -> Result<Option<usize>, Refused> {
        Ok((self.varint()? as usize).checked_sub(1))
    }

    /// Reads an unsigned varint: five bytes at most, what does not fit falls off.
    fn varint(&mut self) -> Result<u32, Refused> {
        let mut value = 0;
        for shift in [0, 7, 14, 21, 28] {
            let [byte] = self.array()?;
            value |= u32::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Refused::Endless)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Refused> {
        let (head, tail) = self
            .rest
            .split_first_chunk()
            .ok_or_else(|| Refused::Truncated { missing: N - self.rest.len() })?;
        self.rest = tail;
        Ok(*head)
    }

    fn take(&mut self, size: usize) -> Result<&'a [u8], Refused> {
        let (head, tail) = self
            .rest
            .split_at_checked(size)
            .ok_or_else(|| Refused::Truncated { missing: size - self.rest.len() })?;
        self.rest = tail;
        Ok(head)
    }

    fn skip(&mut self, size: usize) -> Result<(), Refused> {
        self.take(size).map(drop)
    }
}

/// −1 stands for null; less than that for nothing.
fn nullable(length: i32) -> Result<Option<usize>, Refused> {
    match length {
        -1 => Ok(None),
        _ => usize::try_from(length).map(Some).map_err(|_| Refused::NegativeLength(length)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::api::{APIS, Api};
    use crate::kafka::codec::{decode_request, decode_strictly};
    use crate::kafka::sample::Writer;
    use crate::kafka::shape::{REQUEST_HEADER, RESPONSE_HEADER};
    use bytes::{Bytes, BytesMut};
    use kafka_protocol::messages::{RequestKind, ResponseKind};
    use proptest::collection::vec;
    use proptest::prelude::{any, proptest};

    type Recode = fn(&Api, i16, &mut Bytes) -> Option<BytesMut>;

    /// Decodes by the library and encodes again; none if it refuses.
    fn recode_request(api: &Api, version: i16, bytes: &mut Bytes) -> Option<BytesMut> {
        let mut again = BytesMut::new();
        let message = RequestKind::decode(api.key, bytes, api.form(version)).ok()?;
        message.encode(&mut again, api.form(version)).unwrap();
        Some(again)
    }

    fn recode_response(api: &Api, version: i16, bytes: &mut Bytes) -> Option<BytesMut> {
        let mut again = BytesMut::new();
        let message = ResponseKind::decode(api.key, bytes, api.form(version)).ok()?;
        message.encode(&mut again, api.form(version)).unwrap();
        Some(again)
    }

    fn each_message() -> impl Iterator<Item = (&'static Api, i16, &'static Struct, Recode)> {
        APIS.iter().flat_map(|api| {
            api.served().flat_map(move |version| {
                [
                    (api, version, api.request, recode_request as Recode),
                    (api, version, api.response, recode_response as Recode),
                ]
            })
        })
    }

    proptest! {
        /// The table and the library agree on every message: what is written by the table is read by the library to
        /// its last byte, and what the library writes passes the guard.
        #[test]
        fn what_the_library_writes_passes(choices in vec(any::<u8>(), 0..300)) {
            for (api, version, shape, recode) in each_message() {
                let mut writer = Writer::new(&choices, api, version);
                writer.record(shape);
                let mut bytes = Bytes::from(writer.out);
                assert_eq!(check(shape, version, api.is_flexible(version), &bytes), Ok(bytes.len()), "{:?} v{version}", api.key);
                let again = recode(api, version, &mut bytes).unwrap_or_else(|| panic!("{:?} v{version} {shape:?}", api.key));
                assert!(bytes.is_empty(), "{:?} v{version} leaves {bytes:?}", api.key);
                assert_eq!(check(shape, version, api.is_flexible(version), &again), Ok(again.len()));
            }
        }

        #[test]
        fn null_passes_wherever_the_library_takes_it(choices in vec(any::<u8>(), 0..300)) {
            for (api, version, shape, recode) in each_message() {
                let mut writer = Writer::new(&choices, api, version);
                writer.nulls = true;
                writer.record(shape);
                let mut bytes = Bytes::from(writer.out);
                assert_eq!(check(shape, version, api.is_flexible(version), &bytes), Ok(bytes.len()));
                if let Some(again) = recode(api, version, &mut bytes) {
                    assert_eq!(check(shape, version, api.is_flexible(version), &again), Ok(again.len()));
                }
            }
        }

        /// A guard that let a wild count through would abort this test's process.
        #[test]
        fn arbitrary_bytes_never_harm(bytes in vec(any::<u8>(), 0..200), spoil in any::<u16>(), with in any::<u8>()) {
            for (api, version, shape, recode) in each_message() {
                let mut written = Writer::new(&bytes, api, version);
                written.record(shape);
                let mut spoilt = written.out;
                if !spoilt.is_empty() {
                    let at = usize::from(spoil) % spoilt.len();
                    spoilt[at] = with;
                }
                for bytes in [&bytes, &spoilt] {
                    if check(shape, version, api.is_flexible(version), bytes).is_ok() {
                        recode(api, version, &mut Bytes::copy_from_slice(bytes));
                    }
                }
            }
        }

        #[test]
        fn arbitrary_frames_never_harm(bytes in vec(any::<u8>(), 0..80)) {
            for (api, version, ..) in each_message() {
                let mut frame = frame_start(api, version, &[]);
                frame.extend(&bytes);
                let _ = decode_request(Bytes::from(frame));
            }
            let _ = decode_request(Bytes::from(bytes));
        }
    }

    fn frame_start(api: &Api, version: i16, client_id: &[u8]) -> Vec<u8> {
        let mut frame = (api.key as i16).to_be_bytes().to_vec();
        frame.extend(version.to_be_bytes());
        frame.extend([0, 0, 0, 7]);
        frame.extend(i16::try_from(client_id.len()).unwrap().to_be_bytes());
        frame.extend(client_id);
        if api.request_header_version(version) == 2 {
            frame.push(0);
        }
        frame
    }

    /// Every count of a message at its maximum, behind the fewest bytes that lead to it.
    fn lies(api: &Api, version: i16, shape: &Struct) -> Vec<Vec<u8>> {
        let mut all = vec![];
        for inhabited in 0..16 {
            for lie in 0.. {
                let mut writer = Writer::new(&[], api, version);
                writer.lie = Some(lie);
                writer.inhabited = inhabited;
                writer.record(shape);
                if !writer.lied() {
                    break;
                }
                all.push(writer.out);
            }
        }
        all.sort();
        all.dedup();
        all
    }

    #[test]
    fn no_count_at_its_maximum_passes() {
        let mut tried = 0;
        for (api, version, shape, _) in each_message() {
            let flexible = api.is_flexible(version);
            for lie in lies(api, version, shape) {
                for filler in [0, 1, 0x7F, 0xFF] {
                    let mut bytes = lie.clone();
                    bytes.resize(64.max(lie.len()), filler);
                    assert!(
                        check(shape, version, flexible, &bytes).is_err(),
                        "{:?} v{version} {bytes:?}",
                        api.key
                    );
                    assert!(
                        check(shape, version, flexible, &lie).is_err(),
                        "{:?} v{version} {lie:?}",
                        api.key
                    );
                    tried += 1;
                }
            }
        }
        assert!(tried > 1_500, "{tried} frames: the writer no longer finds the counts");
    }

    #[test]
    fn no_request_of_64_bytes_with_a_count_at_its_maximum_is_decoded() {
        let mut tried = 0;
        for api in &APIS {
            for version in api.served() {
                let start = frame_start(api, version, b"");
                for lie in lies(api, version, api.request) {
                    for filler in [0, 0xFF] {
                        let mut frame = [&start[..], &lie].concat();
                        frame.resize(64.max(frame.len()), filler);
                        tried += usize::from(frame.len() == 64);
                        let frame = Bytes::from(frame);
                        let strictly = decode_strictly(api, version, frame.clone());
                        assert!(strictly.is_err(), "{:?} v{version}", api.key);
                        // Apache Kafka takes some of them for null.
                        let _ = decode_request(frame);
                    }
                }
            }
        }
        assert!(tried > 500, "{tried} frames: the writer no longer finds the counts");
    }

    #[test]
    fn the_tagged_fields_of_a_header_are_counted_too() {
        let bytes = [0, 0, 0, 13, 0, 0, 0, 7, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F];
        assert!(matches!(check(&REQUEST_HEADER, 2, true, &bytes), Err(Refused::Count { .. })));
        assert_eq!(check(&REQUEST_HEADER, 1, false, &bytes), Ok(10));
        assert!(matches!(check(&RESPONSE_HEADER, 1, true, &bytes[6..]), Err(Refused::Count { .. })));
    }

    #[test]
    fn all_counts_of_a_message_share_one_budget() {
        let api = Api::from_key(3).unwrap();
        let mut bytes = i32::try_from(MAX_ELEMENTS).unwrap().to_be_bytes().to_vec();
        bytes.resize(4 + 2 * MAX_ELEMENTS, 0);
        assert_eq!(check(api.request, 0, false, &bytes), Ok(bytes.len()), "a million topics without a name");
        bytes[3] += 1;
        bytes.resize(8 + 2 * MAX_ELEMENTS, 0);
        let refused = Refused::Count { claimed: MAX_ELEMENTS + 1, possible: MAX_ELEMENTS };
        assert_eq!(check(api.request, 0, false, &bytes), Err(refused));
    }

    #[test]
    fn a_tagged_field_of_the_protocol_is_as_long_as_it_says() {
        let api = Api::from_key(18).unwrap();
        let response = |size: u8, value: &[u8]| {
            let mut bytes = vec![0, 0, 1, 0, 0, 0, 0, 1, 1, size];
            bytes.extend(value);
            check(api.response, 3, true, &bytes)
        };
        assert!(response(8, &[0; 8]).is_ok());
        assert_eq!(response(9, &[0; 9]), Err(Refused::TagSize { tag: 1, surplus: 1 }));
        assert_eq!(response(7, &[0; 7]), Err(Refused::Truncated { missing: 1 }));
    }

    #[test]
    fn a_length_below_null_is_refused() {
        let api = Api::from_key(3).unwrap();
        assert_eq!(
            check(api.request, 1, false, &(-1_i32).to_be_bytes()),
            Ok(4),
            "null stands for all topics"
        );
        assert_eq!(check(api.request, 1, false, &(-2_i32).to_be_bytes()), Err(Refused::NegativeLength(-2)));
    }
}
