//! The order of the checks of a Produce request, and what an error row says.

use super::Theme;
use crate::fields;
use crate::session::Session;
use crate::wire::batch::batches;
use crate::wire::{Batch, Value, batch, bytes, record};

/// A good batch of one record.
pub(super) fn good() -> Batch {
    batch([record("v")])
}

/// A good batch as the records of a row.
pub(super) fn ok() -> Value {
    good().into()
}

pub(super) fn add(theme: &mut Theme) {
    theme.case("a good batch in both partitions", |k| {
        k.topic("~t", &[]);
        k.produce(9, 1, "~t", vec![(0, ok()), (1, ok())]);
        k.produce(9, -1, "~t", vec![(1, ok()), (0, ok())]);
        k.log("~t");
    });
    theme.case("unknown topic and partition beside a good one", |k| {
        k.topic("~t", &[]);
        k.produce_all(9, 1, vec![("~t", vec![(0, ok()), (7, ok()), (-1, ok())]), ("~none", vec![(0, ok())])]);
        k.produce_all(9, 1, vec![("bad name", vec![(0, ok())]), ("", vec![(0, ok())])]);
        k.produce_all(12, 1, vec![("~t", vec![(0, ok()), (i32::MAX, ok()), (i32::MIN, ok())])]);
        k.log("~t");
    });
    theme.case("the base offset before the size before the checksum", |k| {
        let size = good().bytes().len().to_string();
        k.topic("~t", &[("max.message.bytes", &size)]);
        k.one(9, 1, "~t", good());
        let large = batch([record("vv")]);
        k.one(9, 1, "~t", &large);
        k.one(9, 1, "~t", large.clone().with("crc", 7));
        k.one(9, 1, "~t", large.with("crc", 7).with("base_offset", 1));
        k.one(9, 1, "~t", good().with("crc", 7).with("base_offset", 1));
        k.one(9, 1, "~t", good().with("crc", 7));
        k.log("~t");
    });
    theme.case("acks that are none", |k| {
        k.topic("~t", &[]);
        for acks in [2, -2, i16::MAX, i16::MIN] {
            k.produce(9, acks, "~t", vec![(0, ok()), (1, good().with("crc", 7).into()), (9, ok())]);
        }
        k.produce(9, 2, "~t", vec![(0, batches([&good(), &good()])), (1, bytes(b""))]);
        k.log("~t");
    });
    theme.case("two batches in one row", |k| {
        k.topic("~t", &[]);
        let two = || batches([&good(), &good()]);
        k.produce(9, 1, "~t", vec![(0, two()), (1, ok())]);
        k.produce(9, -1, "~t", vec![(0, two()), (1, ok())]);
        k.produce(9, 0, "~t", vec![(0, two()), (1, ok())]);
        k.log("~t");
    });
    theme.case("no batch in a row", |k| {
        k.topic("~t", &[]);
        k.produce(9, 1, "~t", vec![(0, bytes(b"")), (1, ok())]);
        k.produce(3, 1, "~t", vec![(0, bytes(b"")), (1, ok())]);
        k.produce(9, 0, "~t", vec![(0, bytes(b"")), (1, ok())]);
        k.produce(9, 1, "~t", vec![(0, bytes(&[0; 11])), (1, bytes(&[0; 12]))]);
        k.produce(9, 1, "~t", vec![(0, bytes(&[0; 17])), (1, bytes(&[0; 61]))]);
        k.log("~t");
    });
    theme.case("a batch that is cut", |k| {
        k.topic("~t", &[]);
        k.one(9, 1, "~t", good().cut(1));
        k.one(9, 1, "~t", good().cut(60));
        k.one(9, 1, "~t", batches([&good(), &good().cut(1)]));
        k.one(9, 1, "~t", batches([&good(), &good().cut(60)]));
        k.one(9, 1, "~t", good().then(&[1, 2, 3]));
        k.one(9, 1, "~t", good().then(&[0; 17]));
        k.log("~t");
    });
    for magic in [0, 1, 3, 127, -1] {
        theme.case(format!("magic {magic}"), move |k| {
            k.topic("~t", &[]);
            let wrong = || good().with("magic", magic).into();
            k.produce(9, 1, "~t", vec![(0, wrong()), (1, ok())]);
            k.produce(9, 0, "~t", vec![(0, wrong()), (1, ok())]);
            k.produce_all(9, 1, vec![("~none", vec![(0, wrong())]), ("~t", vec![(1, ok())])]);
            k.produce(9, 2, "~t", vec![(0, wrong()), (1, ok())]);
            k.log("~t");
        });
    }
    for length in [-1, 0, 13, 14, 20, 40, 48, i64::from(i32::MAX)] {
        theme.case(format!("a batch of length {length}"), move |k| lengths(k, length));
    }
    theme.case("partition named twice", |k| {
        k.topic("~t", &[]);
        let three = batch([record("1"), record("2"), record("3")]);
        k.produce(9, 1, "~t", vec![(0, ok()), (0, three.clone().into())]);
        k.produce(9, 1, "~t", vec![(0, three.into()), (0, good().with("crc", 7).into())]);
        k.produce_all(9, 1, vec![("~t", vec![(0, ok())]), ("~t", vec![(1, ok())])]);
        k.produce_all(9, 1, vec![("~t", vec![(0, ok())]), ("~t", vec![(0, ok())])]);
        k.log("~t");
    });
    theme.case("a request without topics or partitions", |k| {
        k.topic("~t", &[]);
        for version in [3, 8, 9, 12] {
            k.call("Produce", version, fields! { acks: 1 });
            k.call("Produce", version, fields! { acks: 7 });
            k.produce(version, 1, "~t", vec![]);
        }
        k.produce_all(9, 0, vec![]);
        k.produce(9, 0, "~t", vec![]);
    });
    theme.case("a transactional batch without a transactional id", |k| {
        k.topic("~t", &[]);
        let of = || good().producer(4_000, 0, 0).transactional().into();
        k.produce(9, 1, "~t", vec![(0, of()), (1, ok())]);
        k.produce(12, 1, "~t", vec![(0, of()), (1, ok())]);
        k.produce(9, 0, "~t", vec![(0, of()), (1, ok())]);
        k.produce(9, 1, "~t", vec![(0, of()), (1, batches([&good(), &good()]))]);
        k.produce(9, 5, "~t", vec![(0, of()), (1, ok())]);
        k.produce_all(9, 1, vec![("~none", vec![(0, of())]), ("~t", vec![(1, ok())])]);
        k.log("~t");
    });
    theme.case("null records", |k| {
        k.topic("~t", &[]);
        k.produce(9, 1, "~t", vec![(0, Value::Null), (1, ok())]);
        k.produce(9, 0, "~t", vec![(0, Value::Null), (1, ok())]);
        k.log("~t");
    });
    theme.case("a transactional id without transactional batches", |k| {
        k.topic("~t", &[]);
        let rows = vec![fields! { index: 0, records: ok() }];
        let topics = vec![fields! { name: "~t", partitions: rows }];
        k.call("Produce", 9, fields! { transactional_id: "~tx", topics: topics.clone() });
        k.call("Produce", 12, fields! { transactional_id: "", topics: topics });
        k.log("~t");
    });
    theme.case("a time-out of nothing, and one below it", |k| {
        k.topic("~t", &[]);
        for timeout in [0, -1, i32::MIN, i32::MAX] {
            for acks in [1, -1] {
                let rows = vec![fields! { index: 0, records: ok() }];
                let topics = vec![fields! { name: "~t", partitions: rows }];
                k.call("Produce", 9, fields! { acks: acks, timeout_ms: timeout, topics: topics });
            }
        }
        k.log("~t");
    });
}

fn lengths(k: &mut Session<'_>, length: i64) {
    k.topic("~t", &[]);
    let whole = || good().with("length", length);
    k.produce(9, 1, "~t", vec![(0, whole().into()), (1, ok())]);
    k.produce(9, 0, "~t", vec![(0, whole().into()), (1, ok())]);
    let end = usize::try_from(length + 12).unwrap_or(0);
    let size = good().bytes().len();
    if (12..size).contains(&end) {
        k.produce(9, 1, "~t", vec![(0, whole().cut(size - end).into()), (1, ok())]);
    }
    k.log("~t");
}
