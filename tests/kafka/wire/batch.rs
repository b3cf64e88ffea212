//! Record batches to send, good and broken ones, each with a name that says how it was made.

use std::fmt::Write;

use super::compression::{NAMES, compress};
use super::value::{Value, hex, readable};

/// Bytes of a batch before its records.
pub(crate) const HEADER: usize = 61;
const ATTRIBUTES: usize = 21;
/// Names, places and widths of the fields of the header.
const FIELDS: [(&str, usize, usize); 13] = [
    ("base_offset", 0, 8),
    ("length", 8, 4),
    ("leader_epoch", 12, 4),
    ("magic", 16, 1),
    ("crc", 17, 4),
    ("attributes", ATTRIBUTES, 2),
    ("last_offset_delta", 23, 4),
    ("base_timestamp", 27, 8),
    ("max_timestamp", 35, 8),
    ("producer_id", 43, 8),
    ("producer_epoch", 51, 2),
    ("base_sequence", 53, 4),
    ("count", 57, 4),
];

/// A record to send.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Vec<(String, Option<Vec<u8>>)>,
    pub(crate) timestamp: i64,
    pub(crate) offset_delta: Option<i32>,
    pub(crate) attributes: u8,
    /// Bytes in place of everything after the length.
    pub(crate) body: Option<Vec<u8>>,
    /// A length that is not the right one.
    pub(crate) length: Option<i32>,
}

/// A record with key `k` and that value.
pub(crate) fn record(value: &str) -> Record {
    Record {
        key: Some(b"k".to_vec()),
        value: Some(value.as_bytes().to_vec()),
        headers: vec![],
        timestamp: 0,
        offset_delta: None,
        attributes: 0,
        body: None,
        length: None,
    }
}

impl Record {
    pub(crate) fn key(mut self, key: Option<&str>) -> Self {
        self.key = key.map(|key| key.as_bytes().to_vec());
        self
    }

    pub(crate) fn null(mut self) -> Self {
        self.value = None;
        self
    }

    pub(crate) fn at(mut self, timestamp: i64) -> Self {
        self.timestamp = timestamp;
        self
    }

    pub(crate) fn header(mut self, name: &str, value: Option<&str>) -> Self {
        self.headers.push((name.to_owned(), value.map(|value| value.as_bytes().to_vec())));
        self
    }

    pub(crate) fn offset_delta(mut self, delta: i32) -> Self {
        self.offset_delta = Some(delta);
        self
    }

    pub(crate) fn attributes(mut self, attributes: u8) -> Self {
        self.attributes = attributes;
        self
    }

    pub(crate) fn body(mut self, bytes: &[u8]) -> Self {
        self.body = Some(bytes.to_vec());
        self
    }

    pub(crate) fn length(mut self, length: i32) -> Self {
        self.length = Some(length);
        self
    }

    fn write(&self, index: usize, base_timestamp: i64, out: &mut Vec<u8>) {
        let mut body = vec![];
        if let Some(bytes) = &self.body {
            body.extend(bytes);
        } else {
            body.push(self.attributes);
            varint(self.timestamp.wrapping_sub(base_timestamp), &mut body);
            let delta = self.offset_delta.unwrap_or(i32::try_from(index).expect("few records"));
            varint(delta.into(), &mut body);
            blob(self.key.as_deref(), &mut body);
            blob(self.value.as_deref(), &mut body);
            varint(size(self.headers.len()), &mut body);
            for (name, value) in &self.headers {
                blob(Some(name.as_bytes()), &mut body);
                blob(value.as_deref(), &mut body);
            }
        }
        varint(self.length.map_or(size(body.len()), i64::from), out);
        out.extend(body);
    }

    fn name(&self) -> String {
        let text = |bytes: &Option<Vec<u8>>| bytes.as_deref().map_or("null".to_owned(), readable);
        let mut name = match &self.body {
            Some(body) => format!("wire {}", hex(body)),
            None => format!("{}={}", text(&self.key), text(&self.value)),
        };
        for (header, value) in &self.headers {
            let _ = write!(name, " {header}:{}", text(value));
        }
        if self.timestamp != 0 {
            let _ = write!(name, " at {}", self.timestamp);
        }
        if let Some(delta) = self.offset_delta {
            let _ = write!(name, " delta {delta}");
        }
        if self.attributes != 0 {
            let _ = write!(name, " attributes {}", self.attributes);
        }
        if let Some(length) = self.length {
            let _ = write!(name, " length {length}");
        }
        name
    }
}

/// A batch to send.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    records: Vec<Record>,
    producer: (i64, i16, i32),
    attributes: i16,
    fields: Vec<(&'static str, i64)>,
    payload: Option<(String, Vec<u8>)>,
    cut: usize,
    extra: Vec<u8>,
}

/// A batch with those records.
pub(crate) fn batch(records: impl IntoIterator<Item = Record>) -> Batch {
    let records = records.into_iter().collect();
    let producer = (-1, -1, -1);
    Batch { records, producer, attributes: 0, fields: vec![], payload: None, cut: 0, extra: vec![] }
}

impl Batch {
    pub(crate) fn producer(mut self, id: i64, epoch: i16, sequence: i32) -> Self {
        self.producer = (id, epoch, sequence);
        self
    }

    /// Compressed by the codec of that number.
    pub(crate) fn codec(mut self, codec: i16) -> Self {
        self.attributes = self.attributes & !7 | codec;
        self
    }

    pub(crate) fn log_append_time(mut self) -> Self {
        self.attributes |= 8;
        self
    }

    pub(crate) fn transactional(mut self) -> Self {
        self.attributes |= 16;
        self
    }

    pub(crate) fn control(mut self) -> Self {
        self.attributes |= 32;
        self
    }

    /// Another value in the header. The checksum is right all the same, unless it is the one that is set.
    pub(crate) fn with(mut self, field: &'static str, value: i64) -> Self {
        self.fields.push((field, value));
        self
    }

    /// Bytes in place of the (compressed) records.
    pub(crate) fn payload(mut self, name: &str, bytes: Vec<u8>) -> Self {
        self.payload = Some((name.to_owned(), bytes));
        self
    }

    /// So many bytes fewer at the end; the length still counts them.
    pub(crate) fn cut(mut self, bytes: usize) -> Self {
        self.cut = bytes;
        self
    }

    /// Bytes after the batch, which its length does not count.
    pub(crate) fn then(mut self, bytes: &[u8]) -> Self {
        self.extra = bytes.to_vec();
        self
    }

    /// The records before they are compressed.
    pub(crate) fn plain(&self) -> Vec<u8> {
        let base = self.records.first().map_or(0, |record| record.timestamp);
        let mut plain = vec![];
        for (index, record) in self.records.iter().enumerate() {
            record.write(index, base, &mut plain);
        }
        plain
    }

    /// As it stands on the wire.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let base = self.records.first().map_or(0, |record| record.timestamp);
        let max = self.records.iter().map(|record| record.timestamp).max().unwrap_or(0);
        let payload = match &self.payload {
            Some((_, bytes)) => bytes.clone(),
            None => compress(self.attributes & 7, &self.plain()),
        };
        let count = size(self.records.len());
        let mut out = vec![0; HEADER];
        let (id, epoch, sequence) = self.producer;
        for (field, value) in [
            ("length", size(HEADER - 12 + payload.len())),
            ("leader_epoch", -1),
            ("magic", 2),
            ("attributes", self.attributes.into()),
            ("last_offset_delta", count - 1),
            ("base_timestamp", base),
            ("max_timestamp", max),
            ("producer_id", id),
            ("producer_epoch", epoch.into()),
            ("base_sequence", sequence.into()),
            ("count", count),
        ] {
            set(&mut out, field, value);
        }
        out.extend(payload);
        for (field, value) in &self.fields {
            set(&mut out, field, *value);
        }
        let crc = crc32c::crc32c(&out[ATTRIBUTES..]);
        if !self.fields.iter().any(|(field, _)| *field == "crc") {
            set(&mut out, "crc", crc.into());
        }
        out.truncate(out.len() - self.cut);
        out.extend(&self.extra);
        out
    }

    /// How it was made.
    pub(crate) fn name(&self) -> String {
        let mut records: Vec<_> = self.records.iter().map(Record::name).collect();
        let more = records.len().saturating_sub(5);
        records.truncate(5);
        if more > 0 {
            records.push(format!("{more} more"));
        }
        let mut name = format!("batch[{}]", records.join(", "));
        let (id, epoch, sequence) = self.producer;
        if self.producer != (-1, -1, -1) {
            let _ = write!(name, " producer {id}/{epoch}/{sequence}");
        }
        match self.attributes & 7 {
            0 => {}
            codec => {
                let _ = write!(name, " {}", NAMES.get(codec as usize).copied().unwrap_or("unknown codec"));
            }
        }
        for (bit, word) in [(8, "LogAppendTime"), (16, "transactional"), (32, "control")] {
            if self.attributes & bit != 0 {
                let _ = write!(name, " {word}");
            }
        }
        for (field, value) in &self.fields {
            let _ = write!(name, " {field}={value}");
        }
        if let Some((payload, _)) = &self.payload {
            let _ = write!(name, " payload {payload}");
        }
        if self.cut > 0 {
            let _ = write!(name, " without the last {} bytes", self.cut);
        }
        if !self.extra.is_empty() {
            let _ = write!(name, " then {}", hex(&self.extra));
        }
        name
    }
}

impl From<Batch> for Value {
    fn from(batch: Batch) -> Self {
        Self::Named(batch.name(), batch.bytes())
    }
}

impl From<&Batch> for Value {
    fn from(batch: &Batch) -> Self {
        Self::Named(batch.name(), batch.bytes())
    }
}

/// Records that are no batch.
pub(crate) fn bytes(bytes: &[u8]) -> Value {
    Value::Named(format!("bytes {}", hex(bytes)), bytes.to_vec())
}

/// Several batches in one row.
pub(crate) fn batches<const N: usize>(batches: [&Batch; N]) -> Value {
    let name = batches.map(Batch::name).join(" + ");
    Value::Named(name, batches.map(Batch::bytes).concat())
}

fn set(out: &mut [u8], field: &str, value: i64) {
    let (_, at, width) = FIELDS.into_iter().find(|(name, ..)| *name == field).expect("a field of the header");
    out[at..at + width].copy_from_slice(&value.to_be_bytes()[8 - width..]);
}

/// The field of that name in a header.
pub(crate) fn get(header: &[u8], field: &str) -> i64 {
    let (_, at, width) = FIELDS.into_iter().find(|(name, ..)| *name == field).expect("a field of the header");
    let mut wide = [if header[at] >= 0x80 { 0xFF } else { 0 }; 8];
    wide[8 - width..].copy_from_slice(&header[at..at + width]);
    i64::from_be_bytes(wide)
}

fn blob(bytes: Option<&[u8]>, out: &mut Vec<u8>) {
    varint(bytes.map_or(-1, |bytes| size(bytes.len())), out);
    out.extend(bytes.unwrap_or_default());
}

fn size(bytes: usize) -> i64 {
    i64::try_from(bytes).expect("a size")
}

/// A zigzag number of variable length.
pub(crate) fn varint(value: i64, out: &mut Vec<u8>) {
    let mut value = (value << 1 ^ value >> 63) as u64;
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
