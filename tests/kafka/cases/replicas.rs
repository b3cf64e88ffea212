//! Followers: what waits for them, what happens without them.

use super::Theme;
use super::order::{good, ok};
use crate::fields;
use crate::session::{Session, produce};
use crate::wire::{Value, batch, record};

/// A request that waits for its replicas no longer than that.
fn within(timeout_ms: i32, version: i16, topics: Vec<(&str, Vec<(i32, Value)>)>) -> Value {
    let Value::Struct(mut fields) = produce(version, -1, topics) else { panic!("a request") };
    fields.push(("timeout_ms".to_owned(), timeout_ms.into()));
    Value::Struct(fields)
}

/// Sends one batch to partition 0 that waits for half a second.
fn briefly(k: &mut Session<'_>, version: i16, records: impl Into<Value>) {
    k.call("Produce", version, within(500, version, vec![("~t", vec![(0, records.into())])]));
}

/// What readers of either kind see of the end.
fn ends(k: &mut Session<'_>, version: i16) {
    for (time, isolation) in [(-1_i64, 0_i8), (-1, 1), (-2, 0)] {
        let row = fields! { partition_index: 0, timestamp: time };
        let topics = vec![fields! { name: "~t", partitions: vec![row] }];
        k.call("ListOffsets", version, fields! { isolation_level: isolation, topics: topics });
    }
}

fn fetch(k: &mut Session<'_>, offset: i64) {
    let row = fields! { partition: 0, fetch_offset: offset };
    k.call("Fetch", 12, fields! { topics: vec![fields! { topic: "~t", partitions: vec![row] }] });
}

pub(super) fn add(theme: &mut Theme) {
    theme.case("below the minimum in sync", |k| {
        k.placed("~t", &[&[1, 2], &[1, 3]], &[("min.insync.replicas", "2")]);
        let batch = |sequence| good().producer(4_000, 0, sequence);
        k.broker(1);
        k.one(9, -1, "~t", batch(0));
        k.stop(2);
        k.stands("~t", 0, 1, &[1]);
        k.produce(9, -1, "~t", vec![(0, batch(1).into()), (1, ok())]);
        for version in [3, 5, 7, 8, 12, 13] {
            k.one(version, -1, "~t", batch(1));
        }
        k.one(9, -1, "~t", batch(0));
        k.one(9, 1, "~t", batch(0));
        k.one(9, 1, "~t", batch(1));
        k.one(9, 0, "~t", batch(2));
        k.one(9, -1, "~t", batch(2));
        ends(k, 5);
        fetch(k, 0);
        fetch(k, 1);
        k.log_of("~t", &[0]);
        k.start(2);
        k.stands("~t", 0, 1, &[1, 2]);
        k.reaches("~t", 0, 3);
        k.one(9, -1, "~t", batch(2));
        k.one(9, -1, "~t", batch(3));
        k.log_of("~t", &[0]);
    });
    theme.case("below the minimum in sync, what is checked before", |k| {
        k.placed("~t", &[&[1, 2]], &[("min.insync.replicas", "2"), ("max.message.bytes", "200")]);
        k.stop(2);
        k.stands("~t", 0, 1, &[1]);
        k.broker(1);
        k.one(9, -1, "~t", good().with("crc", 7));
        k.one(9, -1, "~t", good().with("base_offset", 7));
        k.one(9, -1, "~t", good().with("magic", 1));
        k.one(9, -1, "~t", batch([record(&"x".repeat(300))]));
        k.one(9, 2, "~t", good());
        k.produce(9, -1, "~t", vec![(0, ok()), (7, ok())]);
    });
    theme.case("a minimum above the number of replicas", |k| {
        k.placed("~t", &[&[1, 2], &[3, 1]], &[("min.insync.replicas", "3")]);
        k.broker(1);
        k.one(9, -1, "~t", good());
        k.stop(2);
        k.stands("~t", 0, 1, &[1]);
        k.one(9, -1, "~t", good());
        k.broker(3);
        k.produce(9, -1, "~t", vec![(1, ok())]);
    });
    theme.case("one replica fewer than all is enough", |k| {
        k.placed("~t", &[&[1, 2, 3]], &[("min.insync.replicas", "2")]);
        k.broker(1);
        k.one(9, -1, "~t", good());
        k.stop(3);
        k.stands("~t", 0, 1, &[1, 2]);
        k.one(9, -1, "~t", good());
        k.start(3);
        k.stands("~t", 0, 1, &[1, 2, 3]);
        k.one(9, -1, "~t", good());
        k.log_of("~t", &[0]);
    });
    for version in [3, 5, 7, 8, 9, 12, 13] {
        theme.of_produce(version, format!("a follower that lags, Produce {version}"), move |k| {
            k.placed("~t", &[&[1, 2, 3]], &[]);
            k.broker(1);
            k.one(version, -1, "~t", good());
            k.freeze(3);
            briefly(k, version, good());
            k.one(version, 1, "~t", good());
            k.log_of("~t", &[0]);
            k.thaw();
            k.reaches("~t", 0, 3);
            k.one(version, -1, "~t", good());
            k.log_of("~t", &[0]);
        });
    }
    theme.case("what is not replicated cannot be read", |k| {
        k.placed("~t", &[&[1, 2]], &[]);
        k.broker(1);
        k.one(9, -1, "~t", batch([record("a").at(3)]));
        k.freeze(2);
        k.one(9, 1, "~t", batch([record("b").at(5), record("c").at(7)]));
        for version in [2, 4, 5, 9] {
            ends(k, version);
        }
        for time in [-3_i64, 2, 4, 6] {
            let row = fields! { partition_index: 0, timestamp: time };
            let topics = vec![fields! { name: "~t", partitions: vec![row] }];
            k.call("ListOffsets", 7, fields! { topics: topics });
        }
        for offset in 0..5 {
            fetch(k, offset);
        }
    });
    theme.case("no time to wait", |k| {
        k.placed("~t", &[&[1, 2]], &[]);
        k.broker(1);
        k.freeze(2);
        for timeout in [0, 1, -1] {
            k.call("Produce", 9, within(timeout, 9, vec![("~t", vec![(0, ok())])]));
        }
        k.thaw();
        k.reaches("~t", 0, 3);
        k.log_of("~t", &[0]);
    });
    theme.case("a duplicate waits for what it repeats", |k| {
        k.placed("~t", &[&[1, 2]], &[]);
        let batch = |sequence| good().producer(4_000, 0, sequence);
        k.broker(1);
        k.one(9, -1, "~t", batch(0));
        k.freeze(2);
        k.one(9, -1, "~t", batch(0));
        for _ in 0..2 {
            briefly(k, 9, batch(1));
        }
        k.one(9, 1, "~t", batch(1));
        k.one(9, -1, "~t", batch(3));
        k.thaw();
        k.reaches("~t", 0, 2);
        k.one(9, -1, "~t", batch(1));
        k.one(9, -1, "~t", batch(2));
        k.log_of("~t", &[0]);
    });
    theme.of_produce(12, "rows that wait beside rows that do not", |k| {
        k.placed("~t", &[&[1, 2], &[1, 3], &[2, 1]], &[]);
        k.broker(1);
        k.freeze(3);
        let rows = || {
            let bad = good().with("crc", 7).into();
            vec![("~t", vec![(0, ok()), (1, ok()), (2, ok()), (7, bad)])]
        };
        for version in [9, 12] {
            k.call("Produce", version, within(500, version, rows()));
        }
        let bad = vec![("~t", vec![(0, good().with("crc", 7).into()), (1, ok())])];
        k.call("Produce", 9, within(500, 9, bad));
        k.thaw();
        k.reaches("~t", 0, 2);
        k.reaches("~t", 1, 3);
        k.log_of("~t", &[0, 1]);
    });
    theme.case("the time of an append that is not acknowledged", |k| {
        k.placed("~t", &[&[1, 2]], &[("message.timestamp.type", "LogAppendTime")]);
        k.broker(1);
        k.freeze(2);
        briefly(k, 9, good().producer(4_000, 0, 0));
        briefly(k, 9, good().producer(4_000, 0, 0));
    });
    theme.case("a request behind one that waits is not looked at", |k| {
        k.placed("~t", &[&[1, 2]], &[]);
        k.broker(1);
        k.freeze(2);
        let first = k.send("Produce", 9, within(1_500, 9, vec![("~t", vec![(0, ok())])]));
        k.appended("~t", 0, 1);
        let second = k.send("Produce", 9, produce(9, 1, vec![("~t", vec![(0, ok())])]));
        k.broker_by(1, 2);
        k.one(9, 1, "~t", good());
        k.broker_by(1, 1);
        k.receive("Produce", 9, first);
        k.receive("Produce", 9, second);
    });
    theme.case("a follower that goes on ends the waiting", |k| {
        k.placed("~t", &[&[1, 2, 3]], &[]);
        k.broker(1);
        k.freeze(2);
        let one = k.send("Produce", 9, within(30_000, 9, vec![("~t", vec![(0, ok())])]));
        k.appended("~t", 0, 1);
        k.thaw();
        k.receive("Produce", 9, one);
        k.log_of("~t", &[0]);
    });
    for version in [9, 12] {
        theme.of_produce(
            version,
            format!("a topic is deleted while a request waits, Produce {version}"),
            move |k| {
                k.placed("~t", &[&[1, 2], &[1, 3]], &[]);
                k.broker(1);
                k.freeze(2);
                let rows = || vec![("~t", vec![(0, ok()), (1, ok())])];
                let one = k.send("Produce", version, within(14_000, version, rows()));
                k.appended("~t", 0, 1);
                k.reaches("~t", 1, 1);
                k.broker_by(1, 2);
                k.call("DeleteTopics", 5, fields! { topic_names: vec!["~t"] });
                k.broker_by(1, 1);
                k.receive("Produce", version, one);
                k.forgotten("~t");
                k.call("Produce", version, within(500, version, rows()));
            },
        );
    }
    for version in [9, 10, 12] {
        theme.of_produce(
            version,
            format!("the leader moves while a request waits, Produce {version}"),
            move |k| {
                k.placed("~t", &[&[2, 1, 3]], &[]);
                k.broker(2);
                k.one(version, -1, "~t", good());
                k.freeze(3);
                let rows = vec![("~t", vec![(0, ok())])];
                let one = k.send("Produce", version, within(14_000, version, rows));
                k.appended("~t", 0, 2);
                k.lead("~t", 0, 1, &[1, 2, 3]);
                k.receive("Produce", version, one);
                k.thaw();
                k.reaches("~t", 0, 2);
                k.broker(1);
                k.log_of("~t", &[0]);
            },
        );
    }
    theme.case("the set in sync shrinks below the minimum while a request waits", |k| {
        k.placed("~t", &[&[1, 2, 3]], &[("min.insync.replicas", "3")]);
        k.broker(1);
        k.freeze(3);
        let one = k.send("Produce", 9, within(6_000, 9, vec![("~t", vec![(0, ok())])]));
        k.appended("~t", 0, 1);
        k.stop(2);
        k.stands("~t", 0, 1, &[1, 3]);
        k.thaw();
        k.receive("Produce", 9, one);
        k.log_of("~t", &[0]);
    });
    theme.case("the set in sync shrinks to those that have it while a request waits", |k| {
        k.placed("~t", &[&[1, 2, 3]], &[("min.insync.replicas", "2")]);
        k.broker(1);
        k.freeze(2);
        let one = k.send("Produce", 9, within(14_000, 9, vec![("~t", vec![(0, ok())])]));
        k.appended("~t", 0, 1);
        k.stop(3);
        k.stands("~t", 0, 1, &[1, 2]);
        k.thaw();
        k.receive("Produce", 9, one);
        k.log_of("~t", &[0]);
    });
}
