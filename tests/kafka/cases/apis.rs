//! Every other API that is served, in each of its versions.

use super::Theme;
use super::order::{good, ok};
use crate::fields;
use crate::session::Session;
use crate::wire::{Value, batch, record};

fn named(names: &[&str]) -> Value {
    Value::List(names.iter().map(|name| fields! { name: *name }).collect())
}

pub(super) fn metadata(theme: &mut Theme) {
    for version in 0..=13 {
        theme.case(format!("metadata of version {version}"), move |k| {
            k.topic("~t", &[]);
            let ask = |topics: Value| fields! { topics: topics };
            k.call("Metadata", version, ask(named(&["~t"])));
            k.call("Metadata", version, ask(named(&["~t", "~t"])));
            if version > 0 {
                k.call("Metadata", version, ask(named(&[])));
            }
            k.call("Metadata", version, ask(named(&["bad name", "", ".", "..", "~t"])));
            k.call("Metadata", version, ask(named(&["~new"])));
            if version >= 4 {
                let request = fields! { topics: named(&["~never", "~t"]), allow_auto_topic_creation: false };
                k.call("Metadata", version, request);
            }
            if version >= 8 {
                let mut request = vec![("topics".to_owned(), named(&["~t", "~t2", "bad name"]))];
                request.push(("include_topic_authorized_operations".to_owned(), true.into()));
                request.push(("allow_auto_topic_creation".to_owned(), false.into()));
                k.call("Metadata", version, Value::Struct(request));
            }
            if (8..=10).contains(&version) {
                let request = fields! { topics: named(&["~t"]), include_cluster_authorized_operations: true };
                k.call("Metadata", version, request);
            }
        });
    }
    theme.case("names of topics", |k| {
        let longest = "x".repeat(249);
        let long = "x".repeat(250);
        for name in [&*long, "a b", "ä", "a/b", "a:b", "a\u{0}b", "~ok.ok_ok-ok"] {
            let request = fields! { topics: named(&[name]), allow_auto_topic_creation: name != longest };
            k.call("Metadata", 9, request);
        }
    });
    theme.case("a topic that is created by asking for it", |k| {
        k.call("Metadata", 9, fields! { topics: named(&["~new"]) });
        k.led_by_now("~new", 1);
        k.call("Metadata", 9, fields! { topics: named(&["~new"]) });
        k.one(9, 1, "~new", good());
        k.log_of("~new", &[0]);
    });
}

pub(super) fn versions(theme: &mut Theme) {
    for version in 0..=4 {
        theme.case(format!("ApiVersions of version {version}"), move |k| {
            k.call("ApiVersions", version, fields! {});
        });
    }
    theme.case("names of client software", |k| {
        for (name, version) in [
            ("a", "1"),
            ("", "1"),
            ("a", ""),
            ("-a", "1"),
            ("a-", "1"),
            ("a b", "1"),
            ("a.b-c", "1.2-3"),
            ("ä", "1"),
        ] {
            k.call(
                "ApiVersions",
                3,
                fields! { client_software_name: name, client_software_version: version },
            );
        }
    });
    for version in 0..=5 {
        theme.case(format!("InitProducerId of version {version}"), move |k| {
            k.call("InitProducerId", version, fields! {});
            k.call("InitProducerId", version, fields! { transaction_timeout_ms: -1 });
            k.call("InitProducerId", version, fields! { transactional_id: "" });
            if version >= 3 {
                for (id, epoch) in
                    [(-1_i64, 0_i16), (700_000, -1), (500_000, 5), (-2, 0), (700_000, -2), (-2, -2)]
                {
                    k.call("InitProducerId", version, fields! { producer_id: id, producer_epoch: epoch });
                }
            }
        });
    }
    theme.case("producer ids are never given twice", |k| {
        for number in [1, 2, 1, 3] {
            k.connection(number);
            k.call("InitProducerId", 4, fields! {});
        }
    });
}

pub(super) fn offsets(theme: &mut Theme) {
    for version in 1..=11 {
        theme.case(format!("ListOffsets of version {version}"), move |k| {
            k.topic("~t", &[]);
            for (time, at) in [(10, 0), (30, 0), (20, 0), (30, 1)] {
                let records = batch([record("v").at(time), record("w").at(time - 5)]);
                k.produce(9, 1, "~t", vec![(at, records.into())]);
            }
            for time in [-1_i64, -2, -3, -4, -5, -6, -7, i64::MIN, 0, 6, 11, 25, 30, 31, i64::MAX] {
                list(k, version, &[("~t", &[0, 1])], time);
            }
            list(k, version, &[("~t", &[0, 9, -1]), ("~none", &[0]), ("bad name", &[0])], -1);
            list(k, version, &[("~t", &[0, 0, 1])], -1);
            list(k, version, &[], -1);
            if version >= 4 {
                for epoch in [0, 1, -2] {
                    let row = fields! { partition_index: 0, current_leader_epoch: epoch, timestamp: -1_i64 };
                    k.call(
                        "ListOffsets",
                        version,
                        fields! { topics: vec![fields! { name: "~t", partitions: vec![row] }] },
                    );
                }
            }
            if version >= 2 {
                let row = fields! { partition_index: 0, timestamp: -1_i64 };
                let topics = vec![fields! { name: "~t", partitions: vec![row] }];
                k.call("ListOffsets", version, fields! { isolation_level: 1_i8, topics: topics.clone() });
                k.call("ListOffsets", version, fields! { isolation_level: 7_i8, topics: topics });
            }
        });
    }
    theme.case("ListOffsets of an empty log", |k| {
        k.topic("~t", &[]);
        for time in [-1, -2, -3, -4, -5, 0] {
            list(k, 9, &[("~t", &[0])], time);
        }
    });
    theme.case("ListOffsets of compressed and of equal times", |k| {
        k.topic("~t", &[]);
        k.one(9, 1, "~t", batch([record("a").at(5), record("b").at(9), record("c").at(9)]).codec(1));
        k.one(9, 1, "~t", batch([record("a").at(9), record("b").at(9)]).codec(4));
        k.one(9, 1, "~t", batch([record("a").at(-1), record("b").at(-1)]));
        for time in [-3, 0, 5, 6, 9, 10] {
            list(k, 9, &[("~t", &[0])], time);
        }
    });
    theme.case("ListOffsets on a topic of append times", |k| {
        k.topic("~t", &[("message.timestamp.type", "LogAppendTime")]);
        k.one(9, 1, "~t", batch([record("a").at(5), record("b").at(9), record("c").at(9)]));
        let now = k.now();
        for time in [-3, 0, 5, now - 600_000, now + 6_000_000] {
            list(k, 9, &[("~t", &[0])], time);
        }
    });
}

fn list(k: &mut Session<'_>, version: i16, topics: &[(&str, &[i32])], time: i64) {
    let topics = topics.iter().map(|(name, partitions)| {
        let rows = partitions.iter().map(|index| fields! { partition_index: *index, timestamp: time });
        fields! { name: *name, partitions: rows.collect::<Vec<_>>() }
    });
    k.call("ListOffsets", version, fields! { topics: topics.collect::<Vec<_>>() });
}

pub(super) fn coordinator(theme: &mut Theme) {
    for version in 0..=6 {
        theme.case(format!("the coordinator of a transaction, version {version}"), move |k| {
            if version >= 1 {
                let ask = |kind: i8| {
                    if version >= 4 {
                        fields! { key_type: kind, coordinator_keys: vec!["~tx", "~ty"] }
                    } else {
                        fields! { key_type: kind, key: "~tx" }
                    }
                };
                k.coordinator("~tx");
                k.call("FindCoordinator", version, ask(1));
                k.call("FindCoordinator", version, ask(9));
            }
            if version >= 4 {
                k.call(
                    "FindCoordinator",
                    version,
                    fields! { key_type: 1_i8, coordinator_keys: Vec::<Value>::new() },
                );
                k.call("FindCoordinator", version, fields! { key_type: 1_i8, coordinator_keys: vec![""] });
            }
        });
    }
    theme.case("a record beside many reads", |k| {
        k.topic("~t", &[]);
        k.produce(9, 1, "~t", vec![(0, ok()), (1, ok())]);
        k.log("~t");
    });
}
