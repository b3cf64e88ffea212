//! What Apache Kafka understands though its own clients never write it, and `kafka-protocol` does not: every length below
//! zero is null, text that is no UTF-8 has replacement characters, and a tagged field that is known is read without
//! regard to its size (`Readable`, `MessageUtil`, the generated messages). Such a request is written anew.

use bytes::Bytes;

use crate::kafka::api::Api;
use crate::kafka::guard::MAX_ELEMENTS;
use crate::kafka::shape::{REQUEST_HEADER, Shape, Struct, Tag};

/// The longest text (`Short.MAX_VALUE`).
const MAX_TEXT: usize = 0x7FFF;

/// Writes a request anew as its reader can take it; none if Apache Kafka does not understand it either.
pub(super) fn request(api: &Api, version: i16, frame: &Bytes) -> Option<Bytes> {
    let header_version = api.request_header_version(version);
    let mut pen = Pen {
        rest: frame,
        out: Vec::with_capacity(frame.len()),
        version: header_version,
        flexible: header_version >= 2,
        budget: MAX_ELEMENTS,
    };
    pen.record(&REQUEST_HEADER)?;
    (pen.version, pen.flexible) = (version, api.is_flexible(version));
    pen.record(api.request)?;
    Some(pen.out.into())
}

/// A length; none for null.
struct Length(Option<usize>);

struct Pen<'a> {
    rest: &'a [u8],
    out: Vec<u8>,
    version: i16,
    flexible: bool,
    /// Elements that may still come.
    budget: usize,
}

impl<'a> Pen<'a> {
    fn record(&mut self, record: &Struct) -> Option<()> {
        for field in record.fields_of(self.version) {
            self.value(&field.shape)?;
        }
        if self.flexible { self.tags(record.tags) } else { Some(()) }
    }

    fn value(&mut self, shape: &Shape) -> Option<()> {
        match shape {
            Shape::Fixed(size) => self.copy(*size),
            Shape::Text => self.text(self.flexible),
            Shape::LegacyText => self.text(false),
            Shape::Blob => {
                let Length(length) = self.length()?;
                self.put_length(length);
                self.copy(length.unwrap_or(0))
            }
            Shape::Numbers(size) => {
                let count = self.count()?;
                self.copy(count.checked_mul(*size)?)
            }
            Shape::Texts => {
                let count = self.count()?;
                (0..count).try_for_each(|_| self.text(self.flexible))
            }
            Shape::Array(element) => {
                let count = self.count()?;
                (0..count).try_for_each(|_| self.record(element))
            }
            Shape::One(record) => self.record(record),
        }
    }

    fn text(&mut self, compact: bool) -> Option<()> {
        let Length(length) = if compact {
            self.compact()?
        } else {
            let [a, b] = self.array()?;
            Length(usize::try_from(i16::from_be_bytes([a, b])).ok())
        };
        let text = match length {
            Some(length) if length > MAX_TEXT => return None,
            Some(length) => Some(replaced(self.take(length)?)),
            None => None,
        };
        let length = text.as_ref().map(String::len);
        if compact {
            self.put_compact(length);
        } else {
            let length = length.map_or(Some(-1), |length| i16::try_from(length).ok())?;
            self.out.extend(length.to_be_bytes());
        }
        self.out.extend(text.unwrap_or_default().bytes());
        Some(())
    }

    fn tags(&mut self, known: &[Tag]) -> Option<()> {
        let count = usize::try_from(self.varint()?.cast_signed()).unwrap_or(0);
        self.claim(count)?;
        let mut fields: Vec<(u32, Vec<u8>)> = vec![];
        for _ in 0..count {
            let (tag, size) = (self.varint()?, self.varint()?);
            match known.iter().find(|field| field.tag == tag && field.from <= self.version) {
                Some(field) => {
                    let out = std::mem::take(&mut self.out);
                    self.value(&field.shape)?;
                    let value = std::mem::replace(&mut self.out, out);
                    fields.retain(|(other, _)| *other != tag);
                    fields.push((tag, value));
                }
                None => drop(self.take(size as usize)?),
            }
        }
        self.put_varint(u32::try_from(fields.len()).ok()?);
        for (tag, value) in fields {
            self.put_varint(tag);
            self.put_varint(u32::try_from(value.len()).ok()?);
            self.out.extend(value);
        }
        Some(())
    }

    /// The number of elements; null has none.
    fn count(&mut self) -> Option<usize> {
        let Length(length) = self.length()?;
        let count = length.unwrap_or(0);
        self.claim(count)?;
        self.put_length(length);
        Some(count)
    }

    fn claim(&mut self, count: usize) -> Option<()> {
        self.budget = self.budget.checked_sub(count).filter(|_| count <= self.rest.len())?;
        Some(())
    }

    /// A length of 32 bits, or a compact one; none for null.
    fn length(&mut self) -> Option<Length> {
        if self.flexible {
            return self.compact();
        }
        let bytes = self.array()?;
        Some(Length(usize::try_from(i32::from_be_bytes(bytes)).ok()))
    }

    fn compact(&mut self) -> Option<Length> {
        Some(Length(usize::try_from(self.varint()?.cast_signed().wrapping_sub(1)).ok()))
    }

    fn put_length(&mut self, length: Option<usize>) {
        if self.flexible {
            return self.put_compact(length);
        }
        let length = length.and_then(|length| i32::try_from(length).ok()).unwrap_or(-1);
        self.out.extend(length.to_be_bytes());
    }

    fn put_compact(&mut self, length: Option<usize>) {
        self.put_varint(length.and_then(|length| u32::try_from(length + 1).ok()).unwrap_or(0));
    }

    fn put_varint(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.out.push(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        self.out.push(value.to_le_bytes()[0]);
    }

    /// An unsigned number of five bytes at most (`ByteUtils.readUnsignedVarint`).
    fn varint(&mut self) -> Option<u32> {
        let mut value = 0;
        for shift in [0, 7, 14, 21, 28] {
            let [byte] = self.array()?;
            value |= u32::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.rest.split_first_chunk()?;
        self.rest = tail;
        Some(*head)
    }

    fn take(&mut self, size: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.rest.split_at_checked(size)?;
        self.rest = tail;
        Some(head)
    }

    fn copy(&mut self, size: usize) -> Option<()> {
        let bytes = self.take(size)?;
        self.out.extend(bytes);
        Some(())
    }
}

/// Text with a replacement character for each part that is no UTF-8. Where Rust sees three wrong bytes in a surrogate,
/// Java sees one wrong character (`String.decodeUTF8_UTF16`).
fn replaced(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while !rest.is_empty() {
        let surrogate = matches!(rest, [0xED, 0xA0..=0xBF, 0x80..=0xBF, ..]);
        let next = rest.windows(3).position(|it| matches!(it, [0xED, 0xA0..=0xBF, 0x80..=0xBF]));
        let (head, tail) = rest.split_at(if surrogate { 3 } else { next.unwrap_or(rest.len()) });
        if surrogate {
            text.push(char::REPLACEMENT_CHARACTER);
        } else {
            text.push_str(&String::from_utf8_lossy(head));
        }
        rest = tail;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_is_none_is_replaced_as_java_does() {
        for (bytes, expected) in [
            (&b"plain"[..], "plain"),
            (&[0xC3, 0x28], "\u{FFFD}("),
            (&[0xED, 0xA0, 0x80, b'a'], "\u{FFFD}a"),
            (&[0xF0, 0x9F, b'a'], "\u{FFFD}a"),
            (&[0xFF, 0xFE], "\u{FFFD}\u{FFFD}"),
            ("ä€😀".as_bytes(), "ä€😀"),
        ] {
            assert_eq!(replaced(bytes), expected, "{bytes:x?}");
        }
    }
}
