//! `CreateTopics` and its settings.

use super::Theme;
use crate::fields;
use crate::session::Session;
use crate::wire::Value;

fn create(k: &mut Session<'_>, version: i16, topics: Vec<Value>) {
    k.call("CreateTopics", version, fields! { topics: topics });
}

fn config(name: &str, value: Option<&str>) -> Value {
    Value::List(vec![fields! { name: name, value: value }])
}

fn assigned(rows: &[(i32, &[i32])]) -> Value {
    let row =
        |(index, brokers): &(i32, &[i32])| fields! { partition_index: *index, broker_ids: brokers.to_vec() };
    Value::List(rows.iter().map(row).collect())
}

pub(super) fn add(theme: &mut Theme) {
    for version in 2..=7 {
        theme.case(format!("CreateTopics of version {version}"), move |k| {
            create(k, version, vec![fields! { name: "~a", num_partitions: 3 }]);
            create(k, version, vec![fields! { name: "~a" }]);
            create(k, version, vec![fields! { name: "~b", num_partitions: -1, replication_factor: -1_i16 }]);
            create(k, version, vec![fields! { name: "~c" }, fields! { name: "~c" }, fields! { name: "~d" }]);
            k.call(
                "CreateTopics",
                version,
                fields! { validate_only: true, topics: vec![fields! { name: "~e" }] },
            );
            k.call("CreateTopics", version, fields! { topics: vec![fields! { name: "~e" }] });
            create(k, version, vec![]);
            let settings = config("max.message.bytes", Some("100"));
            create(k, version, vec![fields! { name: "~f", configs: settings }, fields! { name: "bad name" }]);
        });
    }
    theme.case("names that cannot be", |k| {
        let long = "x".repeat(250);
        for name in ["", ".", "..", "a b", "ä", &*long, "a/b"] {
            create(k, 7, vec![fields! { name: name }]);
        }
        create(k, 7, vec![fields! { name: "~x.y" }]);
        create(k, 7, vec![fields! { name: "~x_y" }]);
        create(k, 7, vec![fields! { name: "~p.q" }, fields! { name: "~p_q" }]);
        create(k, 7, vec![fields! { name: "__consumer_offsets~" }]);
    });
    theme.case("numbers of partitions and replicas", |k| {
        for (partitions, replicas) in [
            (0, 1),
            (-2, 1),
            (10_001, 1),
            (1, 0),
            (1, 2),
            (1, -2),
            (-1, 1),
            (1, -1),
            (i32::MAX, 1),
            (1, i16::MAX),
        ] {
            create(
                k,
                7,
                vec![fields! { name: "~t", num_partitions: partitions, replication_factor: replicas }],
            );
        }
    });
    theme.case("settings", settings);
    theme.case("assignments", |k| {
        let unset = |name: &str, rows: &[(i32, &[i32])]| {
            fields! { name: name, num_partitions: -1, replication_factor: -1_i16, assignments: assigned(rows) }
        };
        create(k, 7, vec![fields! { name: "~a", assignments: assigned(&[(0, &[1])]) }]);
        for rows in [
            &[(0, &[1][..])][..],
            &[(0, &[1]), (0, &[1])],
            &[(1, &[1])],
            &[(0, &[])],
            &[(0, &[2])],
            &[(0, &[1, 1])],
            &[(1, &[1]), (0, &[1])],
            &[(-1, &[1])],
        ] {
            create(k, 7, vec![unset("~b", rows)]);
        }
    });
    theme.case("time-outs", |k| {
        for timeout in [0, -1, 1_000] {
            k.call("CreateTopics", 7, fields! { timeout_ms: timeout, topics: vec![fields! { name: "~t" }] });
        }
    });
}

fn settings(k: &mut Session<'_>) {
    for (name, value) in [
        ("no.such", Some("1")),
        ("cleanup.policy", Some("burn")),
        ("cleanup.policy", None),
        ("cleanup.policy", Some("")),
        ("cleanup.policy", Some("compact, delete")),
        ("max.message.bytes", Some("-1")),
        ("max.message.bytes", Some("abc")),
        ("max.message.bytes", Some(" 100 ")),
        ("max.message.bytes", Some("99999999999")),
        ("max.message.bytes", Some("")),
        ("segment.bytes", Some("14")),
        ("min.insync.replicas", Some("0")),
        ("compression.type", Some("none")),
        ("compression.type", Some("GZIP")),
        ("message.timestamp.type", Some("x")),
        ("message.timestamp.type", Some("LogAppendTime")),
        ("message.timestamp.before.max.ms", Some("-1")),
        ("message.timestamp.difference.max.ms", Some("1")),
        ("message.format.version", Some("3.0")),
        ("retention.ms", Some("-1")),
        ("retention.ms", Some("-2")),
        ("retention.bytes", Some("-1")),
        ("flush.messages", Some("0")),
        ("unclean.leader.election.enable", Some("yes")),
        ("unclean.leader.election.enable", Some("true")),
        ("preallocate", Some("TRUE")),
        ("min.cleanable.dirty.ratio", Some("1.5")),
        ("index.interval.bytes", Some("0x10")),
    ] {
        let topic = fields! { name: "~t", configs: config(name, value) };
        k.call("CreateTopics", 7, fields! { validate_only: true, topics: vec![topic] });
    }
    let twice = Value::List(vec![
        fields! { name: "max.message.bytes", value: "100" },
        fields! { name: "max.message.bytes", value: "200" },
    ]);
    k.call(
        "CreateTopics",
        7,
        fields! { validate_only: true, topics: vec![fields! { name: "~t", configs: twice }] },
    );
}
