//! Records of different ages: where a segment ends, and what of it shows.

use super::Theme;
use crate::fields;
use crate::session::Session;
use crate::wire::{Value, batch, record};

const DAY: i64 = 86_400_000;

fn at(times: &[i64]) -> Value {
    batch(times.iter().map(|time| record("v").at(*time))).into()
}

fn row(offset: i64, size: i32) -> Value {
    let rows = vec![fields! { partition: 0, fetch_offset: offset, partition_max_bytes: size }];
    Value::List(vec![fields! { topic: "~t", partitions: rows }])
}

fn read(k: &mut Session<'_>, offsets: &[i64]) {
    for offset in offsets {
        k.call("Fetch", 12, fields! { topics: row(*offset, 1 << 20) });
    }
}

fn list(k: &mut Session<'_>, times: &[i64]) {
    for time in times {
        let rows = vec![fields! { partition_index: 0, timestamp: *time }];
        let topics = vec![fields! { name: "~t", partitions: rows }];
        k.call("ListOffsets", 9, fields! { topics: topics });
    }
}

pub(super) fn add(theme: &mut Theme) {
    theme.case("old records, then new ones", |k| {
        k.topic("~t", &[]);
        let now = k.now();
        for time in [0, 1, now, now - 1, 5, now + 1_000] {
            k.one(9, 1, "~t", at(&[time]));
        }
        read(k, &[0, 1, 2, 3, 4, 5, 6]);
        list(k, &[-1, -2, -3, 0, 1, 2, 5, 6, now - 600_000]);
    });
    theme.case("new records, then old ones", |k| {
        k.topic("~t", &[]);
        let now = k.now();
        for times in [[now, now - 8 * DAY], [now - 8 * DAY, now - 9 * DAY], [7, 8], [now, 3]] {
            k.one(9, 1, "~t", at(&times));
        }
        read(k, &[0, 1, 2, 5, 7, 8]);
        list(k, &[-3, 0, 4, now - 8 * DAY, now - 4 * DAY]);
    });
    theme.case("a week and a moment", |k| {
        k.topic("~t", &[]);
        let start = 1_000_000_000_000;
        for time in [0, 7 * DAY - 1, 7 * DAY, 7 * DAY + 1, 14 * DAY + 1, 14 * DAY + 2] {
            k.one(9, 1, "~t", at(&[start + time]));
        }
        read(k, &[0, 1, 2, 3, 4, 5, 6]);
        list(k, &[-3, start + 1, start + 7 * DAY + 1, start + 7 * DAY + 2, start + 30 * DAY]);
    });
    theme.case("a short time for a segment", |k| {
        k.topic("~t", &[("segment.ms", "10")]);
        for time in [0, 10, 11, 3, 21, 22, 100, 90] {
            k.one(9, 1, "~t", at(&[time]));
        }
        read(k, &[0, 1, 2, 3, 4, 5, 6, 7, 8]);
        list(k, &[-1, -2, -3, 0, 3, 10, 11, 12, 21, 50, 91, 101]);
    });
    theme.case("a segment that is full", |k| {
        k.topic("~t", &[("segment.bytes", "1048576")]);
        let large = "x".repeat(400_000);
        for time in [1, 2, 3, 2, 5] {
            k.one(9, 1, "~t", batch([record(&large).at(time)]));
        }
        for offset in [0, 1, 2, 3, 4, 5] {
            k.call("Fetch", 12, fields! { topics: row(offset, 1 << 24) });
        }
        for size in [400_000, 500_000, 900_000] {
            k.call("Fetch", 12, fields! { topics: row(0, size) });
        }
        list(k, &[-3, 2, 3, 4]);
    });
    theme.case("a small index", |k| {
        k.topic("~t", &[("segment.index.bytes", "24"), ("index.interval.bytes", "0")]);
        for time in 0..8 {
            k.one(9, 1, "~t", at(&[time]));
        }
        read(k, &[0, 1, 2, 3, 4, 5, 6, 7]);
        list(k, &[-3, 2, 5]);
    });
    theme.case("records without a time", |k| {
        k.topic("~t", &[]);
        for time in [-1, -1, 5, -1] {
            k.one(9, 1, "~t", at(&[time]));
        }
        read(k, &[0, 2]);
        list(k, &[-3, 0, 5, 6]);
        k.topic("~u", &[]);
        k.one(9, 1, "~u", at(&[-1, -1]));
        for time in [-3_i64, 0, 5] {
            let rows = vec![fields! { partition_index: 0, timestamp: time }];
            let topics = vec![fields! { name: "~u", partitions: rows }];
            k.call("ListOffsets", 9, fields! { topics: topics });
        }
    });
    theme.case("two partitions of two segments", |k| {
        k.topic("~t", &[("segment.ms", "10")]);
        for partition in [0, 1] {
            for time in [0, 5, 50, 55] {
                k.produce(9, 1, "~t", vec![(partition, at(&[time]))]);
            }
        }
        let rows = |size: i32| {
            let row = |partition: i32| {
                fields! { partition: partition, fetch_offset: 0, partition_max_bytes: size }
            };
            vec![fields! { topic: "~t", partitions: vec![row(0), row(1)] }]
        };
        for size in [1, 70, 72, 100, 144, 150, 1_000] {
            k.call("Fetch", 12, fields! { topics: rows(size) });
            k.call("Fetch", 12, fields! { max_bytes: size, topics: rows(1 << 20) });
        }
    });
    theme.case("who waits below the end of a segment", |k| {
        k.topic("~t", &[("segment.ms", "10")]);
        for time in [0, 5, 50] {
            k.one(9, 1, "~t", at(&[time]));
        }
        let ask = |offset| fields! { max_wait_ms: 20_000, min_bytes: 10_000, topics: row(offset, 1 << 20) };
        k.call("Fetch", 12, ask(0));
        let id = k.send("Fetch", 12, ask(2));
        k.connection(2);
        k.one(9, 1, "~t", at(&[55]));
        k.one(9, 1, "~t", at(&[100]));
        k.connection(1);
        k.receive("Fetch", 12, id);
    });
    theme.case("a topic of append times and old records", |k| {
        k.topic("~t", &[("message.timestamp.type", "LogAppendTime")]);
        for time in [0, 5, 50] {
            k.one(9, 1, "~t", at(&[time]));
        }
        k.call("ListOffsets", 9, fields! { topics: vec![fields! { name: "~t", partitions: vec![fields! { partition_index: 0, timestamp: 0_i64 }] }] });
        k.log_of("~t", &[0]);
    });
    theme.case("aborted records across segments", |k| {
        k.topic("~t", &[("segment.ms", "1000000"), ("index.interval.bytes", "0")]);
        let answer = k.call("InitProducerId", 4, fields! { transactional_id: "~x" });
        let id = answer.get("producer_id").int();
        let (mut sequence, later) = (0, k.now() + 2_000_000);
        for (time, commit) in [(0, false), (5, true), (later, false), (52, false)] {
            let partitions = vec![fields! { name: "~t", partitions: vec![0] }];
            k.patiently("AddPartitionsToTxn", 3, &fields! { transactional_id: "~x", producer_id: id, producer_epoch: 0_i16, topics: partitions });
            let records = batch([record("v").at(time)]).transactional().producer(id, 0, sequence);
            let rows = vec![fields! { index: 0, records: Value::from(records) }];
            k.call("Produce", 9, fields! { transactional_id: "~x", acks: -1_i16, topics: vec![fields! { name: "~t", partitions: rows }] });
            sequence += 1;
            k.call("EndTxn", 3, fields! { transactional_id: "~x", producer_id: id, producer_epoch: 0_i16, committed: commit });
            k.settled("~t", 0);
        }
        for offset in 0..9_i64 {
            for size in [1, 148] {
                k.call("Fetch", 12, fields! { isolation_level: 1_i8, topics: row(offset, size) });
            }
        }
    });
}
