//! More of reading: sessions in each of their states, topics by id, isolation, waiting.

use super::Theme;
use super::order::good;
use crate::fields;
use crate::session::Session;
use crate::wire::{Value, batch, record};

fn fill(k: &mut Session<'_>) {
    k.topic("~t", &[]);
    k.topic("~u", &[]);
    for partition in [0, 1] {
        k.produce(9, 1, "~t", vec![(partition, batch([record("1"), record("2")]).into())]);
    }
}

fn row(partition: i32, offset: i64) -> Value {
    fields! { partition: partition, fetch_offset: offset, partition_max_bytes: 1 << 20 }
}

fn named(topic: &str, rows: Vec<Value>) -> Value {
    fields! { topic: topic, partitions: rows }
}

fn known(topic: &str, rows: Vec<Value>) -> Value {
    fields! { topic_id: topic, partitions: rows }
}

fn session(answer: &Value) -> i32 {
    i32::try_from(answer.get("session_id").int()).unwrap_or(0)
}

pub(super) fn add(theme: &mut Theme) {
    for version in 13..=18 {
        theme.case(format!("fetch by id of version {version}"), move |k| {
            fill(k);
            for offset in [0, 1, 2, 3, -1, i64::MAX] {
                k.call("Fetch", version, fields! { topics: vec![known("~t", vec![row(0, offset)])] });
            }
            let nowhere: Value =
                fields! { topic_id: Value::Uuid(uuid::Uuid::from_u128(7)), partitions: vec![row(0, 0)] };
            let nil: Value =
                fields! { topic_id: Value::Uuid(uuid::Uuid::nil()), partitions: vec![row(0, 0), row(0, 1)] };
            let rows =
                vec![known("~t", vec![row(0, 0), row(9, 0)]), nowhere, nil, known("~t", vec![row(1, 0)])];
            k.call("Fetch", version, fields! { topics: rows.clone() });
            let granted = k.call("Fetch", version, fields! { session_epoch: 0, topics: rows });
            k.call("Fetch", version, fields! { session_id: session(&granted), session_epoch: 1 });
            for epoch in [0, 1, 5] {
                let row = fields! { partition: 0, current_leader_epoch: epoch, fetch_offset: 0 };
                k.call("Fetch", version, fields! { topics: vec![known("~t", vec![row])] });
            }
            for replica in [0, 1, 2, -2, -3, i32::MAX] {
                let mut request = fields! { topics: vec![known("~t", vec![row(0, 0)])] };
                if version < 15 {
                    request = fields! { replica_id: replica, topics: vec![known("~t", vec![row(0, 0)])] };
                }
                k.call("Fetch", version, request);
            }
        });
    }
    theme.case("isolation levels", |k| {
        fill(k);
        for level in [0, 1, 2, 7, -1, i8::MIN] {
            for version in [4, 7, 12] {
                k.call(
                    "Fetch",
                    version,
                    fields! { isolation_level: level, topics: vec![named("~t", vec![row(0, 0)])] },
                );
            }
            k.call(
                "Fetch",
                13,
                fields! { isolation_level: level, topics: vec![known("~t", vec![row(0, 0)])] },
            );
            k.call("Fetch", 12, fields! { isolation_level: level });
        }
    });
    theme.case("a session of nothing", |k| {
        fill(k);
        for version in [7, 11, 12] {
            let granted = k.call("Fetch", version, fields! { session_epoch: 0 });
            let id = session(&granted);
            k.call("Fetch", version, fields! { session_id: id, session_epoch: 1 });
            k.call("Fetch", version, fields! { session_id: id, session_epoch: 2 });
        }
        let granted = k.call("Fetch", 12, fields! { session_epoch: 0 });
        let id = session(&granted);
        k.call(
            "Fetch",
            12,
            fields! { session_id: id, session_epoch: 1, topics: vec![named("~t", vec![row(0, 0)])] },
        );
        k.call("Fetch", 12, fields! { session_id: id, session_epoch: 2 });
    });
    theme.case("a session that changes", |k| {
        fill(k);
        let topics = vec![named("~t", vec![row(0, 0), row(1, 2)]), named("~u", vec![row(0, 0)])];
        let granted = k.call("Fetch", 12, fields! { session_epoch: 0, topics: topics });
        let id = session(&granted);
        k.call("Fetch", 12, fields! { session_id: id, session_epoch: 1 });
        k.call("Fetch", 12, fields! { session_id: id, session_epoch: 2, topics: vec![named("~t", vec![row(0, 2)])] });
        k.one(9, 1, "~u", good());
        k.call("Fetch", 12, fields! { session_id: id, session_epoch: 3 });
        k.produce(9, 1, "~t", vec![(0, good().into()), (1, good().into())]);
        k.call("Fetch", 12, fields! { session_id: id, session_epoch: 4 });
        k.call("Fetch", 12, fields! { session_id: id, session_epoch: 5 });
        let gone = vec![fields! { topic: "~t", partitions: vec![0] }, fields! { topic: "~none", partitions: vec![0, 7] }];
        k.call("Fetch", 12, fields! { session_id: id, session_epoch: 6, forgotten_topics: gone });
        k.call("Fetch", 12, fields! { session_id: id, session_epoch: 7, topics: vec![named("~t", vec![row(0, 99), row(9, 0)]), named("~none", vec![row(0, 0)])] });
        k.call("Fetch", 12, fields! { session_id: id, session_epoch: 8 });
        let gone = vec![fields! { topic: "~t", partitions: vec![0, 1, 9] }, fields! { topic: "~none", partitions: vec![0] }];
        k.call("Fetch", 12, fields! { session_id: id, session_epoch: 9, forgotten_topics: gone });
        let gone = vec![fields! { topic: "~u", partitions: vec![0] }];
        k.call("Fetch", 12, fields! { session_id: id, session_epoch: 10, forgotten_topics: gone.clone() });
        k.call("Fetch", 12, fields! { session_id: id, session_epoch: 11 });
        k.call("Fetch", 12, fields! { session_epoch: -1, topics: vec![named("~u", vec![row(0, 0)])], forgotten_topics: gone });
    });
    theme.case("a session in another version", |k| {
        fill(k);
        let granted =
            k.call("Fetch", 12, fields! { session_epoch: 0, topics: vec![named("~t", vec![row(0, 0)])] });
        let id = session(&granted);
        k.call("Fetch", 13, fields! { session_id: id, session_epoch: 1 });
        k.call("Fetch", 7, fields! { session_id: id, session_epoch: 1 });
        k.call("Fetch", 12, fields! { session_id: id, session_epoch: 2 });
        let granted =
            k.call("Fetch", 17, fields! { session_epoch: 0, topics: vec![known("~t", vec![row(0, 0)])] });
        let id = session(&granted);
        k.call("Fetch", 12, fields! { session_id: id, session_epoch: 1 });
        k.call("Fetch", 13, fields! { session_id: id, session_epoch: 1 });
        k.call(
            "Fetch",
            13,
            fields! { session_id: id, session_epoch: 0, topics: vec![known("~t", vec![row(0, 0)])] },
        );
        k.call("Fetch", 13, fields! { session_id: id, session_epoch: 2 });
    });
    theme.case("sessions that cannot be", |k| {
        fill(k);
        for id in [-1, 1, i32::MAX, i32::MAX - 7, i32::MAX - 8, i32::MIN, -268_435_454, -268_435_455] {
            for epoch in [0, -1, 1, -2, i32::MAX, i32::MIN] {
                let topics = vec![named("~t", vec![row(0, 0)]), named("~none", vec![row(0, 0)])];
                k.call("Fetch", 12, fields! { session_id: id, session_epoch: epoch, topics: topics });
            }
            k.call(
                "Fetch",
                13,
                fields! { session_id: id, session_epoch: 1, topics: vec![known("~t", vec![row(0, 0)])] },
            );
        }
    });
    theme.case("a session whose topic is deleted", |k| {
        fill(k);
        let granted = k.call("Fetch", 12, fields! { session_epoch: 0, topics: vec![named("~t", vec![row(0, 2)]), named("~u", vec![row(0, 0)])] });
        let id = session(&granted);
        k.call("DeleteTopics", 5, fields! { topic_names: vec!["~u"] });
        k.call("Fetch", 12, fields! { session_id: id, session_epoch: 1 });
        k.call("Fetch", 12, fields! { session_id: id, session_epoch: 2 });
    });
    theme.case("sizes and waiting", |k| {
        fill(k);
        for (min, max, each) in [
            (0, 0, 0),
            (1, 0, 0),
            (1_000_000, 10, 10),
            (-5, 100, 100),
            (10, 1 << 20, 5),
            (i32::MAX, 0, 1 << 20),
        ] {
            let rows = vec![
                fields! { partition: 0, fetch_offset: 2, partition_max_bytes: each },
                fields! { partition: 1, fetch_offset: 0, partition_max_bytes: each },
            ];
            k.call(
                "Fetch",
                12,
                fields! { max_wait_ms: 50, min_bytes: min, max_bytes: max, topics: vec![named("~t", rows)] },
            );
        }
        for (max, each) in [(-1, 100), (100, -1), (-1, -1), (i32::MIN, i32::MIN)] {
            for offset in [0, 2, 3] {
                let rows = vec![
                    fields! { partition: 0, fetch_offset: offset, partition_max_bytes: each },
                    fields! { partition: 1, fetch_offset: 0, partition_max_bytes: each },
                ];
                k.call("Fetch", 12, fields! { max_bytes: max, topics: vec![named("~t", rows)] });
            }
        }
    });
    theme.case("what is open, and a reader of committed records", |k| {
        fill(k);
        let answer = k.call("InitProducerId", 4, fields! { transactional_id: "~x" });
        let id = answer.get("producer_id").int();
        let add = fields! { transactional_id: "~x", producer_id: id, producer_epoch: 0_i16, topics: vec![fields! { name: "~u", partitions: vec![0] }] };
        k.patiently("AddPartitionsToTxn", 3, &add);
        let write = |k: &mut Session<'_>, sequence: i32| {
            let records = batch([record("v")]).transactional().producer(id, 0, sequence);
            let rows = vec![fields! { index: 0, records: Value::from(records) }];
            k.call("Produce", 9, fields! { transactional_id: "~x", acks: -1_i16, topics: vec![fields! { name: "~u", partitions: rows }] });
        };
        k.one(9, 1, "~u", good());
        write(k, 0);
        k.one(9, 1, "~u", good());
        write(k, 1);
        for offset in [0, 1, 2, 3, 4, 5] {
            for isolation in [0_i8, 1] {
                k.call("Fetch", 12, fields! { max_wait_ms: 100, min_bytes: 1, isolation_level: isolation, topics: vec![named("~u", vec![row(0, offset)])] });
            }
        }
        k.call("EndTxn", 3, fields! { transactional_id: "~x", producer_id: id, producer_epoch: 0_i16, committed: false });
        k.settled("~u", 0);
        for offset in [0, 1, 2, 3, 4, 5] {
            k.call("Fetch", 11, fields! { isolation_level: 1_i8, topics: vec![named("~u", vec![row(0, offset)])] });
        }
        for offset in [1, 3] {
            let row = fields! { partition: 0, fetch_offset: offset, partition_max_bytes: 10 };
            k.call("Fetch", 11, fields! { isolation_level: 1_i8, topics: vec![named("~t", vec![super::reading::row(0, 0)]), named("~u", vec![row])] });
        }
    });
    theme.case("more of leader epochs", |k| {
        fill(k);
        for version in [12, 13, 16, 18] {
            for (current, last, offset) in [(-1, 0, -1), (0, 0, 3), (0, 1, 0), (1, 0, 0), (-1, i32::MAX, 0), (-1, 0, 2), (-1, 1, -1)] {
                let row = fields! { partition: 0, current_leader_epoch: current, last_fetched_epoch: last, fetch_offset: offset };
                let topic = if version < 13 { named("~t", vec![row]) } else { known("~t", vec![row]) };
                k.call("Fetch", version, fields! { topics: vec![topic] });
            }
        }
    });
}
