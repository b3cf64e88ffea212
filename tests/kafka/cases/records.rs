//! What is wrong inside a batch: its header against its records, and the layout of records.

use super::Theme;
use super::order::{good, ok};
use crate::session::Session;
use crate::wire::batch::varint;
use crate::wire::{Batch, Value, batch, record};

pub(super) fn add(theme: &mut Theme) {
    for (field, value) in [
        ("last_offset_delta", 1),
        ("last_offset_delta", -1),
        ("last_offset_delta", -2),
        ("last_offset_delta", i64::from(i32::MAX)),
        ("last_offset_delta", i64::from(i32::MIN)),
        ("count", 0),
        ("count", -1),
        ("count", 2),
        ("count", i64::from(i32::MAX)),
        ("count", i64::from(i32::MIN)),
        ("leader_epoch", 99),
        ("leader_epoch", -7),
        ("attributes", 64),
        ("attributes", 128),
        ("attributes", -32_768),
        ("base_timestamp", 77),
        ("max_timestamp", 77),
        ("max_timestamp", -1),
        ("producer_epoch", 5),
        ("base_sequence", 5),
        ("producer_id", 5),
    ] {
        theme.case(format!("{field} {value}"), move |k| both(k, &good().with(field, value)));
    }
    theme.case("a header that claims two records", |k| {
        both(k, &good().with("count", 2).with("last_offset_delta", 1));
    });
    theme.case("a header that claims one record of two", |k| {
        let two = batch([record("1"), record("2")]);
        both(k, &two.clone().with("count", 1));
        k.one(9, 1, "~t", two.with("count", 1).with("last_offset_delta", 0));
        k.log("~t");
    });
    theme.case("a batch without records", |k| both(k, &batch([])));
    theme.case("a control batch", |k| both(k, &good().control()));
    theme.case("a transactional control batch", |k| {
        both(k, &good().producer(4_000, 0, 0).transactional().control());
    });
    theme.case("a producer id without a sequence", |k| {
        k.topic("~t", &[]);
        for (id, epoch, sequence) in [
            (4_000, 0, -1),
            (4_000, -1, 0),
            (4_000, -1, -1),
            (-1, 3, 5),
            (-2, 3, 5),
            (4_001, 0, -2),
            (4_002, -2, 0),
            (i64::MAX, i16::MAX, i32::MAX),
            (0, 0, 0),
        ] {
            k.one(9, 1, "~t", good().producer(id, epoch, sequence));
        }
        k.log("~t");
    });
    theme.case("bytes after the records", |k| {
        let plain = good().plain();
        payloads(k, &[("zeros behind", [&plain[..], &[0, 0]].concat()), ("twice", plain.repeat(2))]);
    });
    theme.case("records that are cut", |k| {
        let plain = good().plain();
        payloads(k, &[("without the last byte", plain[..plain.len() - 1].to_vec()), ("of nothing", vec![])]);
    });
    theme.case("offset deltas that do not count up", |k| {
        let of = |a, b| batch([record("1").offset_delta(a), record("2").offset_delta(b)]);
        k.topic("~t", &[]);
        for (a, b) in [(0, 0), (1, 0), (0, 2), (5, 6), (-1, 0)] {
            k.one(9, 1, "~t", of(a, b));
        }
        k.log("~t");
    });
    theme.case("offset deltas that do not count up, compressed", |k| {
        let of = |a, b| batch([record("1").offset_delta(a), record("2").offset_delta(b)]).codec(1);
        k.topic("~t", &[]);
        for (a, b) in [(0, 0), (1, 0), (0, 2), (5, 6), (-1, 0)] {
            k.one(9, 1, "~t", of(a, b));
        }
        k.log("~t");
    });
    theme.case("attributes of a record", |k| {
        k.topic("~t", &[]);
        k.one(9, 1, "~t", batch([record("v").attributes(7)]));
        k.one(9, 1, "~t", batch([record("v").attributes(255)]).codec(2));
        k.log("~t");
    });
    theme.case("keys, values and headers of every kind", |k| {
        k.topic("~t", &[]);
        let records = || {
            [
                record("").key(Some("")),
                record("x").key(None),
                record("x").null(),
                record("x").key(None).null(),
                record("我是你爹").header("", Some("")).header("a", None).header("a", Some("b")),
                record(&"long ".repeat(500)),
            ]
        };
        for codec in 0..=4 {
            k.one(9, 1, "~t", batch(records()).codec(codec));
        }
        k.log("~t");
    });
    let layouts: [(&str, Vec<u8>); 12] = [
        ("a length above what is there", layout(18, &[0, 0, 0, 2, b'k', 2, b'v', 0, 0])),
        ("a length below what is there", layout(14, &[0, 0, 0, 2, b'k', 2, b'v', 0])),
        ("a negative length", vec![1]),
        ("a length that never ends", vec![0xFF; 6]),
        ("a header that is missing", layout(16, &[0, 0, 0, 2, b'k', 2, b'v', 2])),
        ("a negative count of headers", layout(16, &[0, 0, 0, 2, b'k', 2, b'v', 1])),
        ("a key longer than the record", layout(16, &[0, 0, 0, 40, b'k', 2, b'v', 0])),
        ("a value longer than the record", layout(16, &[0, 0, 0, 2, b'k', 40, b'v', 0])),
        ("key and value of length minus two", layout(12, &[0, 0, 0, 3, 3, 0])),
        ("a header without a name", layout(18, &[0, 0, 0, 1, 1, 2, 1, 1, 0])),
        ("a record of one byte", layout(2, &[0])),
        ("a record of no byte", layout(0, &[])),
    ];
    for (what, bytes) in layouts {
        theme.case(what, move |k| payloads(k, &[(what, bytes.clone())]));
    }
}

fn layout(length: u8, body: &[u8]) -> Vec<u8> {
    [&[length], body].concat()
}

fn both(k: &mut Session<'_>, wrong: &Batch) {
    k.topic("~t", &[]);
    k.produce(9, 1, "~t", vec![(0, wrong.into()), (1, ok())]);
    k.produce(9, 0, "~t", vec![(0, wrong.into())]);
    k.log("~t");
}

/// Plain and under every codec.
fn payloads(k: &mut Session<'_>, payloads: &[(&str, Vec<u8>)]) {
    k.topic("~t", &[]);
    for (name, bytes) in payloads {
        for codec in 0..=4 {
            let payload = crate::wire::compression::compress(codec, bytes);
            k.one(9, 1, "~t", good().codec(codec).payload(name, payload));
        }
    }
    k.log("~t");
}

/// Record errors name the records, and no more than so many.
pub(super) fn add_errors(theme: &mut Theme) {
    theme.case("every record without a key is named", |k| {
        k.topic("~t", &[("cleanup.policy", "compact")]);
        let records = |n| (0..n).map(|i| if i % 2 == 0 { record("x").key(None) } else { record("y") });
        for n in [1, 2, 5, 30] {
            for version in [7, 8, 12] {
                k.one(version, 1, "~t", batch(records(n)));
            }
            k.one(9, 1, "~t", batch(records(n)).codec(1));
        }
        k.one(9, 1, "~t", batch([record("x").key(Some(""))]));
        k.one(9, 1, "~t", batch([record("x").key(Some("a")).null()]));
        k.log("~t");
    });
    theme.case("keys and timestamps at once", |k| {
        k.topic(
            "~t",
            &[("cleanup.policy", "compact,delete"), ("message.timestamp.before.max.ms", "1000000")],
        );
        let now = k.now();
        k.one(9, 1, "~t", batch([record("x").key(None)]));
        k.one(9, 1, "~t", batch([record("x").at(now), record("y").key(None).at(now)]));
        k.one(9, 1, "~t", batch([record("x").at(now - 6_000_000), record("y").key(None).at(now)]));
        k.one(9, 1, "~t", batch([record("x").key(None).at(now), record("y").at(now - 6_000_000)]));
        k.one(9, 1, "~t", batch([record("x").at(now), record("y").at(now - 1_200_000), record("z").at(now)]));
        k.log("~t");
    });
    theme.case("a bad record in each of two partitions", |k| {
        k.topic("~t", &[("cleanup.policy", "compact")]);
        let bad = || -> Value { batch([record("x"), record("y").key(None)]).into() };
        k.produce(9, 1, "~t", vec![(0, bad()), (1, bad())]);
        k.produce(9, 0, "~t", vec![(0, bad()), (1, ok())]);
        k.log("~t");
    });
    theme.case("a duplicate that would be refused now", |k| {
        k.topic("~t", &[]);
        let of = |batch: Batch| batch.producer(4_000, 0, 0);
        k.one(9, 1, "~t", of(good()));
        k.one(9, 1, "~t", of(good()).with("crc", 7));
        k.one(9, 1, "~t", of(good()).with("base_offset", 1));
        k.one(9, 1, "~t", of(batch([record("other")])));
        k.one(9, 1, "~t", of(good()).codec(1));
        k.log("~t");
    });
    theme.case("a varint of ten bytes", |k| {
        let mut long = vec![];
        varint(i64::MIN, &mut long);
        let body = [&[0], &long[..], &[0, 2, b'k', 2, b'v', 0]].concat();
        k.topic("~t", &[]);
        k.one(9, 1, "~t", batch([record("v").body(&body)]));
        k.one(9, 1, "~t", batch([record("v").length(7)]));
        k.log("~t");
    });
}
