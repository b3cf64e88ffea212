//! Random batches that break rules: in the header, in a record, in what is compressed, around the batch.

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;

use super::packing::{Packing, packing};
use crate::wire::batch::varint;
use crate::wire::{Batch, Record, Value, batch, record};

const MAX: i32 = i32::MAX;
/// Lengths and counts that lie.
const LIES: [i64; 12] = [0, -1, 1, 2, -2, 5, 48, 300, 1 << 20, i32::MAX as i64, i32::MIN as i64, 1 << 33];

/// A time: so many milliseconds before now, or as it stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum Time {
    Ago(i64),
    Plain(i64),
}

impl Time {
    /// As a distance from another, which is the same whenever it is asked for.
    fn delta(self) -> i64 {
        match self {
            Self::Ago(ago) => -ago,
            Self::Plain(time) => time,
        }
    }

    pub(super) fn of(self, now: i64) -> i64 {
        match self {
            Self::Ago(ago) => now - ago,
            Self::Plain(time) => time,
        }
    }
}

pub(super) fn time() -> impl Strategy<Value = Time> {
    let ago =
        select(vec![0, 60_000, 3_000_000, -3_000_000, 4_800_000, -4_800_000, 864_000_000, -864_000_000]);
    let plain = select(vec![0, 1, 5, -1, -2, -3, i64::MIN, i64::MIN + 1, i64::MAX, 1_000_000, 1 << 40]);
    prop_oneof![
        4 => Just(Time::Plain(0)),
        3 => (0..9_i64).prop_map(Time::Plain),
        2 => plain.prop_map(Time::Plain),
        3 => ago.prop_map(Time::Ago),
    ]
}

/// What a number on the wire is replaced by.
#[derive(Clone, Copy, Debug)]
enum Lie {
    Number(i64),
    /// More bytes than the number needs.
    Padded,
    /// It does not end.
    Endless,
}

/// The numbers of a record that can lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Length,
    Timestamp,
    Offset,
    Key,
    Value,
    Headers,
    HeaderKey,
    HeaderValue,
}

const PARTS: [Part; 8] = [
    Part::Length,
    Part::Timestamp,
    Part::Offset,
    Part::Key,
    Part::Value,
    Part::Headers,
    Part::HeaderKey,
    Part::HeaderValue,
];

/// One record.
#[derive(Clone, Debug)]
struct Odd {
    time: Time,
    key: Option<String>,
    value: Option<String>,
    headers: Vec<(&'static str, Option<&'static str>)>,
    attributes: u8,
    offset: Option<i32>,
    lie: Option<(Part, Lie)>,
    trailing: Vec<u8>,
    cut: usize,
}

fn odd() -> impl Strategy<Value = Odd> {
    let text = || {
        let text =
            prop_oneof![4 => Just("v".to_owned()), 1 => Just(String::new()), 1 => Just("long ".repeat(12))];
        prop_oneof![6 => text.prop_map(Some), 1 => Just(None)]
    };
    let header = (select(vec!["h", "", "\u{e9}"]), select(vec![Some("x"), Some(""), None]));
    let headers = prop_oneof![4 => Just(vec![]), 1 => vec(header, 0..3)];
    let attributes = prop_oneof![15 => Just(0), 1 => any::<u8>()];
    let offset = weighted(0.06, select(vec![0, 1, 2, 3, -1, 10, MAX, i32::MIN]));
    let lie = prop_oneof![
        4 => select(LIES.to_vec()).prop_map(Lie::Number),
        1 => Just(Lie::Padded),
        1 => Just(Lie::Endless),
        1 => any::<i64>().prop_map(Lie::Number),
    ];
    let lie = weighted(0.06, (select(PARTS.to_vec()), lie));
    let around = (
        prop_oneof![30 => Just(vec![]), 1 => vec(any::<u8>(), 1..4)],
        prop_oneof![30 => Just(0), 1 => 1..8_usize],
    );
    ((time(), text(), text(), headers), (attributes, offset, lie), around).prop_map(
        |((time, key, value, headers), (attributes, offset, lie), (trailing, cut))| Odd {
            time,
            key,
            value,
            headers,
            attributes,
            offset,
            lie,
            trailing,
            cut,
        },
    )
}

impl Odd {
    fn record(&self, index: i32, now: i64) -> Record {
        let mut record = record(self.value.as_deref().unwrap_or_default())
            .key(self.key.as_deref())
            .at(self.time.of(now))
            .attributes(self.attributes);
        if self.value.is_none() {
            record = record.null();
        }
        for (name, value) in &self.headers {
            record = record.header(name, *value);
        }
        if let Some(offset) = self.offset {
            record = record.offset_delta(offset);
        }
        let plain = self.lie.is_none() && self.trailing.is_empty() && self.cut == 0;
        if plain { record } else { self.spoil(record, index) }
    }

    /// The same with its lies.
    fn spoil(&self, record: Record, index: i32) -> Record {
        let mut out = vec![self.attributes];
        self.number(Part::Timestamp, self.time.delta(), &mut out);
        self.number(Part::Offset, self.offset.unwrap_or(index).into(), &mut out);
        self.blob(Part::Key, self.key.as_deref(), &mut out);
        self.blob(Part::Value, self.value.as_deref(), &mut out);
        self.number(Part::Headers, self.headers.len() as i64, &mut out);
        for (name, value) in &self.headers {
            self.blob(Part::HeaderKey, Some(name), &mut out);
            self.blob(Part::HeaderValue, *value, &mut out);
        }
        out.extend(&self.trailing);
        out.truncate(out.len().saturating_sub(self.cut));
        let record = record.body(&out);
        match self.lie {
            Some((Part::Length, Lie::Number(length))) => record.length(length as i32),
            _ => record,
        }
    }

    fn blob(&self, part: Part, text: Option<&str>, out: &mut Vec<u8>) {
        self.number(part, text.map_or(-1, |text| text.len() as i64), out);
        out.extend(text.unwrap_or_default().as_bytes());
    }

    fn number(&self, part: Part, value: i64, out: &mut Vec<u8>) {
        match self.lie {
            Some((lied, Lie::Number(lie))) if lied == part => varint(lie, out),
            Some((lied, Lie::Padded)) if lied == part => {
                varint(value, out);
                if let Some(last) = out.last_mut() {
                    *last |= 0x80;
                }
                out.push(0);
            }
            Some((lied, Lie::Endless)) if lied == part => out.extend([0xFF; 11]),
            _ => varint(value, out),
        }
    }
}

/// One batch, or what looks like one.
#[derive(Clone, Debug)]
struct Entry {
    records: Vec<Odd>,
    producer: Option<(i64, i16, i32)>,
    codec: i16,
    bits: i16,
    fields: Vec<(&'static str, i64)>,
    packing: Packing,
    /// The length in the header is so much off.
    longer: i32,
    cut: usize,
    then: Vec<u8>,
}

/// A field of the header, and what stands there.
fn field() -> impl Strategy<Value = (&'static str, i64)> {
    let of = |name: &'static str, values: Vec<i64>| select(values).prop_map(move |value| (name, value));
    let small = i64::from(i32::MIN);
    let max = i64::from(MAX);
    let times = vec![-1, 0, 5, -2, i64::MIN, i64::MAX, 1 << 40];
    prop_oneof![
        of("base_offset", vec![1, -1, i64::MAX, i64::MIN]),
        of(
            "length",
            vec![
                -1,
                0,
                5,
                13,
                14,
                35,
                36,
                40,
                41,
                45,
                48,
                49,
                50,
                60,
                10_000,
                max,
                max - 11,
                max - 12,
                small
            ]
        ),
        of("leader_epoch", vec![0, 5, -2, max]),
        of("magic", vec![0, 1, 3, -1, 127, -128]),
        of("crc", vec![0, 7]),
        of("last_offset_delta", vec![0, 1, 2, 3, -1, -2, 100, max, max - 1, small]),
        of("base_timestamp", times.clone()),
        of("max_timestamp", times),
        of("producer_id", vec![-1, -2, 0, 4_000, i64::MAX, i64::MIN]),
        of("producer_epoch", vec![-1, -2, 0, 1, 32_767, -32_768]),
        of("base_sequence", vec![-1, -2, 0, 1, max, small]),
        of("count", vec![0, 1, 2, 3, -1, 100, max, small]),
    ]
}

fn entry() -> impl Strategy<Value = Entry> {
    let sequence = prop_oneof![5 => 0..5, 1 => MAX - 2..=MAX, 1 => Just(-1)];
    let epoch = prop_oneof![6 => Just(0_i16), 2 => 0..3_i16, 1 => Just(-1)];
    let producer = prop_oneof![
        2 => Just(None),
        2 => (4_000..4_002_i64, epoch, sequence).prop_map(Some),
    ];
    let codec = prop_oneof![8 => Just(0), 6 => 1..5_i16, 1 => 5..8_i16];
    let bits = prop_oneof![
        24 => Just(0_i16),
        2 => Just(8),
        1 => Just(16),
        1 => Just(32),
        1 => Just(64),
        1 => any::<i16>().prop_map(|bits| bits & !7),
    ];
    let fields = prop_oneof![6 => Just(vec![]), 2 => vec(field(), 1), 1 => vec(field(), 2..4)];
    let longer = prop_oneof![30 => Just(0), 1 => select(vec![1, -1, 2, 12, -12, 1_000])];
    let then = prop_oneof![20 => Just(vec![]), 1 => vec(select(vec![0_u8, 0, 1, 2, 255]), 1..40)];
    let cut = prop_oneof![30 => Just(0), 1 => 1..90_usize];
    let inside = (vec(odd(), 0..4), producer, codec, bits);
    (inside, (fields, packing()), (longer, cut, then)).prop_map(
        |((records, producer, codec, bits), (fields, packing), (longer, cut, then))| Entry {
            records,
            producer,
            codec,
            bits,
            fields,
            packing,
            longer,
            cut,
            then,
        },
    )
}

impl Entry {
    /// Where bytes are shown as they are, they must be the same whenever they are made.
    fn is_shown(&self) -> bool {
        let exact = |record: &Odd| record.lie.is_none() && record.trailing.is_empty() && record.cut == 0;
        !self.records.iter().all(exact)
            || !matches!(self.packing, Packing::Right)
            || !self.fields.is_empty()
            || self.longer != 0
    }

    fn batch(&self, now: i64) -> Batch {
        let now = if self.is_shown() { 1_000_000_000 } else { now };
        let records = (0..).zip(&self.records).map(|(index, record)| record.record(index, now));
        let mut batch = batch(records).codec(self.codec);
        if let Some((id, epoch, sequence)) = self.producer {
            batch = batch.producer(id, epoch, sequence);
        }
        if let Some((name, payload)) = self.packing.of(self.codec, &batch.plain()) {
            batch = batch.payload(&name, payload);
        }
        if self.bits != 0 {
            batch = batch.with("attributes", i64::from(self.bits | self.codec));
        }
        if self.longer != 0 {
            let length = batch.bytes().len() as i64 - 12;
            batch = batch.with("length", length + i64::from(self.longer));
        }
        for (field, value) in &self.fields {
            batch = batch.with(field, *value);
        }
        if self.cut > 0 && self.cut < batch.bytes().len() {
            batch = batch.cut(self.cut);
        }
        if self.then.is_empty() { batch } else { batch.then(&self.then) }
    }
}

/// What a row of a request holds.
#[derive(Clone, Debug)]
pub(super) struct Content(Vec<Entry>, Option<Vec<u8>>);

pub(super) fn content() -> impl Strategy<Value = Content> {
    let entries = prop_oneof![20 => vec(entry(), 1), 1 => vec(entry(), 2..4), 1 => Just(vec![])];
    let bytes = weighted(0.02, vec(select(vec![0_u8, 0, 0, 1, 2, 14, 255]), 0..80));
    (entries, bytes).prop_map(|(entries, bytes)| Content(entries, bytes))
}

impl Content {
    /// The records, with times that are counted from now.
    pub(super) fn value(&self, now: i64) -> Value {
        if let Some(bytes) = &self.1 {
            return crate::wire::bytes(bytes);
        }
        let batches: Vec<_> = self.0.iter().map(|entry| entry.batch(now)).collect();
        let names: Vec<_> = batches.iter().map(Batch::name).collect();
        let bytes: Vec<_> = batches.iter().map(Batch::bytes).collect();
        Value::Named(names.join(" + "), bytes.concat())
    }
}
