//! Reading back: offsets, sizes, waiting, what each version says.

use super::Theme;
use super::order::{good, ok};
use crate::fields;
use crate::session::Session;
use crate::wire::{Value, batch, record};

fn fill(k: &mut Session<'_>) {
    k.topic("~t", &[]);
    for _ in 0..3 {
        k.produce(9, 1, "~t", vec![(0, batch([record("1"), record("2")]).into()), (1, ok())]);
    }
}

fn by_name(rows: Vec<Value>) -> Value {
    Value::List(vec![fields! { topic: "~t", partitions: rows }])
}

fn row(partition: i32, offset: i64, size: i32) -> Value {
    fields! { partition: partition, fetch_offset: offset, partition_max_bytes: size }
}

pub(super) fn add(theme: &mut Theme) {
    for version in 4..=12 {
        theme.case(format!("fetch of version {version}"), move |k| {
            fill(k);
            for offset in [0, 1, 2, 5, 6, 7, -1, i64::MAX] {
                k.call("Fetch", version, fields! { topics: by_name(vec![row(0, offset, 1 << 20)]) });
            }
            k.call(
                "Fetch",
                version,
                fields! { topics: by_name(vec![row(0, 0, 1 << 20), row(1, 0, 1 << 20), row(7, 0, 1)]) },
            );
            k.call(
                "Fetch",
                version,
                fields! { isolation_level: 1_i8, topics: by_name(vec![row(0, 0, 1 << 20)]) },
            );
            let nowhere = vec![fields! { topic: "~none", partitions: vec![row(0, 0, 1)] }];
            k.call("Fetch", version, fields! { topics: nowhere });
            k.call("Fetch", version, fields! {});
            k.call("Fetch", version, fields! { topics: by_name(vec![]) });
        });
    }
    theme.case("sizes of an answer", |k| {
        fill(k);
        let size = i32::try_from(batch([record("1"), record("2")]).bytes().len()).expect("small");
        for each in [0, 1, size - 1, size, size + 1, 2 * size, 1 << 20] {
            k.call("Fetch", 12, fields! { topics: by_name(vec![row(0, 0, each), row(1, 0, each)]) });
        }
        for all in [0, 1, size, 2 * size, 3 * size, 3 * size + 1, 4 * size] {
            let rows = vec![row(0, 0, 1 << 20), row(1, 0, 1 << 20)];
            k.call("Fetch", 12, fields! { max_bytes: all, topics: by_name(rows) });
        }
        k.call("Fetch", 12, fields! { max_bytes: -1, topics: by_name(vec![row(0, 0, 1 << 20)]) });
        k.call("Fetch", 12, fields! { topics: by_name(vec![row(0, 0, -1)]) });
        k.call(
            "Fetch",
            12,
            fields! { max_wait_ms: 100, min_bytes: 1 << 20, topics: by_name(vec![row(0, 0, 1 << 20)]) },
        );
        k.call(
            "Fetch",
            12,
            fields! { max_wait_ms: -1, min_bytes: -1, topics: by_name(vec![row(0, 0, 1 << 20)]) },
        );
    });
    theme.case("leader epochs of a reader", |k| {
        fill(k);
        for epoch in [-1, 0, 1, -2] {
            let row = fields! { partition: 0, current_leader_epoch: epoch, fetch_offset: 0 };
            k.call("Fetch", 11, fields! { topics: by_name(vec![row.clone()]) });
            k.call("Fetch", 12, fields! { topics: by_name(vec![row]) });
        }
        for (epoch, offset) in [(0, 0), (0, 6), (0, 9), (1, 3), (-2, 3)] {
            let row = fields! { partition: 0, last_fetched_epoch: epoch, fetch_offset: offset };
            k.call("Fetch", 12, fields! { topics: by_name(vec![row]) });
        }
    });
    theme.case("a reader that waits is woken by a record", |k| {
        k.topic("~t", &[]);
        let request =
            fields! { max_wait_ms: 20_000, min_bytes: 1, topics: by_name(vec![row(0, 0, 1 << 20)]) };
        let id = k.send("Fetch", 12, request);
        k.connection(2);
        k.one(9, 1, "~t", good());
        k.connection(1);
        k.receive("Fetch", 12, id);
    });
    theme.case("who claims to be a replica", |k| {
        fill(k);
        for replica in [1, 2, -2, -3] {
            k.call("Fetch", 11, fields! { replica_id: replica, topics: by_name(vec![row(0, 0, 1 << 20)]) });
        }
    });
    theme.case("sessions of readers", |k| {
        fill(k);
        for (session, epoch) in [(0, -1), (7, 0), (7, -1), (7, 1), (0, 1), (0, 7)] {
            let topics = by_name(vec![row(0, 0, 1 << 20)]);
            k.call("Fetch", 12, fields! { session_id: session, session_epoch: epoch, topics: topics });
        }
    });
    theme.case("sessions of readers that are granted", |k| {
        fill(k);
        let topics = || by_name(vec![row(0, 0, 1 << 20), row(1, 0, 1 << 20)]);
        let granted = k.call("Fetch", 12, fields! { session_epoch: 0, topics: topics() });
        let id = i32::try_from(granted.get("session_id").int()).unwrap_or(0);
        k.call("Fetch", 12, fields! { session_id: id, session_epoch: 1 });
        k.one(9, 1, "~t", good());
        k.call("Fetch", 12, fields! { session_id: id, session_epoch: 2 });
        k.call("Fetch", 12, fields! { session_id: id, session_epoch: 7 });
        k.call("Fetch", 12, fields! { session_id: id, session_epoch: -1, topics: topics() });
    });
    theme.case("a topic named twice", |k| {
        fill(k);
        let twice = vec![
            fields! { topic: "~t", partitions: vec![row(0, 0, 1 << 20)] },
            fields! { topic: "~t", partitions: vec![row(1, 0, 1 << 20)] },
        ];
        k.call("Fetch", 12, fields! { topics: twice });
        k.call("Fetch", 12, fields! { topics: by_name(vec![row(0, 0, 1 << 20), row(0, 5, 1 << 20)]) });
    });
}
