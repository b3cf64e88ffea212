//! Timestamps: limits, append times, what a client may claim.

use super::Theme;
use super::order::{good, ok};
use crate::session::Session;
use crate::wire::{Batch, batch, record};

fn at(time: i64) -> Batch {
    batch([record("v").at(time)])
}

/// Around now, in milliseconds.
const AROUND: [i64; 6] = [0, -1_200_000, 1_200_000, -6_000_000, 6_000_000, 3_000_000];

pub(super) fn add(theme: &mut Theme) {
    theme.case("limits before and after", |k| {
        let limits =
            [("message.timestamp.before.max.ms", "3600000"), ("message.timestamp.after.max.ms", "2400000")];
        k.topic("~t", &limits);
        around(k);
    });
    theme.case("the limits of a new topic", |k| {
        k.topic("~t", &[]);
        around(k);
    });
    theme.case("the old limit has no effect", |k| {
        k.topic("~t", &[("message.timestamp.before.max.ms", "0"), ("message.timestamp.after.max.ms", "0")]);
        k.one(9, 1, "~t", at(0));
        k.one(9, 1, "~t", at(-1));
        k.log("~t");
    });
    theme.case("times below zero", |k| {
        k.topic("~t", &[]);
        for time in [-1, -2, i64::MIN] {
            k.produce(9, 1, "~t", vec![(0, at(time).into()), (1, ok())]);
        }
        k.one(9, 1, "~t", batch([record("1").at(-1), record("2").at(5), record("3").at(-1)]));
        k.one(9, 1, "~t", batch([record("1").at(-1), record("2").at(-1)]).codec(1));
        k.log("~t");
    });
    theme.case("times far away", |k| {
        k.topic("~t", &[]);
        k.one(9, 1, "~t", at(i64::MAX));
        k.one(9, 1, "~t", at(1));
        k.one(9, 1, "~t", batch([record("1").at(1), record("2").at(i64::MAX)]));
        k.log("~t");
    });
    theme.case("every record with a wrong time is named", |k| {
        k.topic("~t", &[("message.timestamp.before.max.ms", "1000000")]);
        let now = k.now();
        let records = (0..6).map(|i| record(&i.to_string()).at(if i % 2 == 0 { 0 } else { now }));
        k.one(9, 1, "~t", batch(records.clone()));
        k.one(7, 1, "~t", batch(records.clone()));
        k.one(9, 1, "~t", batch(records).codec(3));
        k.log("~t");
    });
    theme.case("the time of the broker", |k| {
        k.topic("~t", &[("message.timestamp.type", "LogAppendTime")]);
        for version in [3, 9] {
            for time in [0, -1, i64::MAX, -7] {
                k.one(version, 1, "~t", at(time));
            }
        }
        k.one(9, -1, "~t", batch([record("1").at(9), record("2").at(3)]));
        for codec in 1..=4 {
            k.one(9, 1, "~t", batch([record("1").at(9), record("2").at(3)]).codec(codec));
        }
        k.one(9, 0, "~t", good());
        k.log("~t");
    });
    theme.case("a client that claims the time of the broker", |k| {
        k.topic("~t", &[]);
        k.topic("~a", &[("message.timestamp.type", "LogAppendTime")]);
        let now = k.now();
        for topic in ["~t", "~a"] {
            for time in [now, -1, 5, now - 6_000_000] {
                k.one(9, 1, topic, at(time).log_append_time());
                k.one(9, 1, topic, at(time).codec(1).log_append_time());
            }
            k.one(9, 1, topic, at(7).log_append_time().with("max_timestamp", -1));
            k.one(9, 1, topic, at(-1).log_append_time().with("max_timestamp", 7));
            k.log(topic);
        }
    });
    theme.case("a wrong greatest time is mended", |k| {
        k.topic("~t", &[]);
        for codec in 0..=4 {
            k.one(
                9,
                1,
                "~t",
                batch([record("1").at(30), record("2").at(50)]).codec(codec).with("max_timestamp", 9),
            );
        }
        k.log("~t");
    });
    theme.case("a wrong greatest time is not what is checked", |k| {
        k.topic("~t", &[("message.timestamp.before.max.ms", "1000000")]);
        let now = k.now();
        k.one(9, 1, "~t", at(now).with("max_timestamp", 5));
        k.one(9, 1, "~t", at(5).with("max_timestamp", now));
        k.log("~t");
    });
    theme.case("limits do not count for the time of the broker", |k| {
        let settings = [
            ("message.timestamp.type", "LogAppendTime"),
            ("message.timestamp.before.max.ms", "1000"),
            ("message.timestamp.after.max.ms", "1000"),
        ];
        k.topic("~t", &settings);
        k.one(9, 1, "~t", at(0));
        k.one(9, 1, "~t", at(i64::MAX));
        k.log("~t");
    });
}

fn around(k: &mut Session<'_>) {
    let now = k.now();
    for distance in AROUND {
        k.one(9, 1, "~t", at(now + distance));
        k.one(9, 1, "~t", at(now + distance).codec(1));
    }
    k.one(9, 1, "~t", at(-1));
    k.log("~t");
}
