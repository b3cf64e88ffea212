//! What is seldom asked for: edges, duplicates, nothing at all, in each version.

use super::Theme;
use super::order::{good, ok};
use crate::fields;
use crate::session::Session;
use crate::wire::schema::apis;
use crate::wire::{Value, batch, bytes, record};

fn nothing() -> Value {
    Value::List(vec![])
}

fn topic(version: i16, name: &str, rows: Value) -> Value {
    if version >= 13 {
        fields! { topic_id: name, partitions: rows }
    } else {
        fields! { name: name, partitions: rows }
    }
}

fn row(index: i32, records: Value) -> Value {
    fields! { index: index, records: records }
}

pub(super) fn produce(theme: &mut Theme) {
    for version in [3, 7, 8, 9, 11, 12, 13] {
        theme.case(format!("odd requests to produce of version {version}"), move |k| {
            k.topic("~t", &[]);
            k.topic("~u", &[]);
            let call = |k: &mut Session<'_>, topics: Vec<Value>| {
                k.call("Produce", version, fields! { acks: 1_i16, topics: topics });
            };
            call(k, vec![]);
            call(k, vec![topic(version, "~t", nothing())]);
            call(k, vec![topic(version, "~t", vec![row(0, bytes(b""))].into())]);
            call(k, vec![topic(version, "~t", vec![row(-1, ok()), row(i32::MAX, ok()), row(2, ok())].into())]);
            call(k, vec![topic(version, "~t", vec![row(0, ok())].into()), topic(version, "~u", vec![row(1, ok())].into())]);
            call(k, vec![topic(version, "~t", vec![row(0, bytes(b"")), row(1, ok())].into())]);
            call(k, vec![topic(version, "~t", vec![row(0, bytes(&[0; 11])), row(1, ok())].into())]);
            call(k, vec![topic(version, "~t", vec![row(0, bytes(&[0; 70])), row(1, ok())].into())]);
            for acks in [-2_i16, 2, i16::MAX, i16::MIN] {
                k.call("Produce", version, fields! { acks: acks, topics: vec![topic(version, "~t", vec![row(0, ok()), row(9, ok())].into())] });
                k.call("Produce", version, fields! { acks: acks, topics: nothing() });
            }
            for timeout in [0, -1, i32::MIN] {
                for acks in [1_i16, -1] {
                    k.call("Produce", version, fields! { acks: acks, timeout_ms: timeout, topics: vec![topic(version, "~t", vec![row(0, ok())].into())] });
                }
            }
            for id in ["", "~x", "a b"] {
                k.call("Produce", version, fields! { transactional_id: id, acks: 1_i16, topics: vec![topic(version, "~t", vec![row(0, ok())].into())] });
            }
            k.log("~t");
        });
    }
    theme.case("a partition named twice", |k| {
        k.topic("~t", &[]);
        for version in [3, 9, 12, 13] {
            let one = |name: &str| Value::from(batch([record(name)]));
            let rows: Value = vec![row(0, one("first")), row(0, one("second")), row(1, one("other"))].into();
            k.call("Produce", version, fields! { acks: 1_i16, topics: vec![topic(version, "~t", rows)] });
            let single = |name: &str| topic(version, "~t", vec![row(0, one(name))].into());
            k.call(
                "Produce",
                version,
                fields! { acks: 1_i16, topics: vec![single("third"), single("fourth")] },
            );
        }
        k.log("~t");
    });
    theme.case("acks of 0 and each error", |k| {
        k.topic("~t", &[]);
        for (number, records) in [
            ok(),
            bytes(b""),
            bytes(&[0; 70]),
            batch([record("v")]).with("crc", 1).into(),
            batch([record("v")]).with("magic", 1).into(),
            batch([record("v")]).codec(5).into(),
            batch([record("v")]).control().into(),
        ]
        .into_iter()
        .enumerate()
        {
            k.connection(number as u32 + 10);
            k.produce(9, 0, "~t", vec![(1, good().into()), (0, records)]);
            k.produce(9, 0, "~t", vec![(0, good().into())]);
        }
        for (number, (topic, partition)) in
            [("~none", 0), ("~t", 7), ("~t", -1), ("__consumer_offsets", 0)].into_iter().enumerate()
        {
            k.connection(number as u32 + 30);
            k.produce(9, 0, topic, vec![(partition, good().into())]);
        }
        k.log("~t");
    });
    theme.case("sets in sets", |k| {
        k.topic("~t", &[]);
        let inner = batch([record("v")]);
        for codec in [0, 1, 2, 3, 4] {
            k.one(
                9,
                1,
                "~t",
                batch([])
                    .codec(codec)
                    .with("count", 1)
                    .with("last_offset_delta", 0)
                    .payload("a batch", crate::wire::compression::compress(codec, &inner.bytes())),
            );
            k.one(9, 1, "~t", batch([]).codec(codec));
            k.one(9, 1, "~t", batch([record("a"), record("b")]).codec(codec).with("count", 1));
            k.one(9, 1, "~t", batch([record("a"), record("b")]).codec(codec).with("last_offset_delta", 5));
            k.one(
                9,
                1,
                "~t",
                batch([record("a").offset_delta(3), record("b").offset_delta(-1)]).codec(codec),
            );
            k.one(9, 1, "~t", batch([record("a").length(3), record("b")]).codec(codec));
            k.one(9, 1, "~t", batch([record("a").body(&[])]).codec(codec));
        }
        k.log_of("~t", &[0]);
    });
    theme.case("magic of every kind", |k| {
        k.topic("~t", &[]);
        for magic in [-128, -1, 0, 1, 3, 4, 127] {
            for version in [3, 9] {
                k.one(version, 1, "~t", batch([record("v")]).with("magic", magic));
                k.produce(
                    version,
                    1,
                    "~t",
                    vec![(0, batch([record("v")]).with("magic", magic).into()), (1, ok())],
                );
            }
        }
        for length in [-1, 0, 13, 14, 48, 49, 60, 10_000, i64::from(i32::MAX)] {
            k.produce(9, 1, "~t", vec![(0, batch([record("v")]).with("length", length).into()), (1, ok())]);
        }
        k.log("~t");
    });
}

pub(super) fn names(theme: &mut Theme) {
    for version in 9..=13 {
        theme.case(format!("odd requests for metadata of version {version}"), move |k| {
            k.topic("~t", &[]);
            let call = |k: &mut Session<'_>, topics: Vec<Value>| {
                k.call("Metadata", version, fields! { topics: topics, allow_auto_topic_creation: false });
            };
            if version >= 10 {
                call(k, vec![fields! { topic_id: "~t", name: Value::Null }]);
                call(k, vec![fields! { topic_id: "~t", name: "~t" }]);
                call(k, vec![fields! { topic_id: "~t", name: "~none" }]);
                call(k, vec![fields! { topic_id: Value::Uuid(uuid::Uuid::from_u128(5)), name: Value::Null }]);
                call(k, vec![fields! { topic_id: Value::Uuid(uuid::Uuid::nil()), name: Value::Null }]);
                call(k, vec![fields! { topic_id: "~t", name: Value::Null }, fields! { name: "~t" }]);
                call(k, vec![fields! { topic_id: "~t", name: Value::Null }, fields! { topic_id: "~t", name: Value::Null }]);
                call(k, vec![fields! { topic_id: "~t", name: Value::Null }, fields! { name: "~none" }]);
            }
            call(k, vec![fields! { name: "" }, fields! { name: "~none" }, fields! { name: "~none" }]);
            k.call("Metadata", version, fields! { topics: vec![fields! { name: "~t" }, fields! { name: "~none" }], include_topic_authorized_operations: true, allow_auto_topic_creation: false });
            k.call("Metadata", version, fields! { topics: vec![fields! { name: "~a" }], allow_auto_topic_creation: true });
        });
    }
    for version in 0..=6 {
        theme.case(format!("odd coordinators, version {version}"), move |k| {
            k.coordinator("~tx");
            for kind in [0_i8, 1, 2, 3, -1] {
                for key in [
                    "~tx",
                    "",
                    "a:b",
                    "a b",
                    "~g:AAAAAAAAAAAAAAAAAAAAAQ:0",
                    "~g:x:0",
                    "~g:AAAAAAAAAAAAAAAAAAAAAQ:x",
                    "a:b:AAAAAAAAAAAAAAAAAAAAAQ:1",
                ] {
                    if kind == 0 && version >= 1 && key.is_empty() {
                        continue;
                    }
                    if version >= 4 {
                        k.call(
                            "FindCoordinator",
                            version,
                            fields! { key_type: kind, coordinator_keys: vec![key, key] },
                        );
                    } else if version >= 1 {
                        k.call("FindCoordinator", version, fields! { key_type: kind, key: key });
                    }
                }
            }
        });
    }
    for version in [1, 5, 8, 11] {
        theme.case(format!("odd requests for offsets of version {version}"), move |k| {
            k.topic("~t", &[]);
            k.one(9, 1, "~t", good());
            for replica in [-1, -2, -3, 0, 1, 2, i32::MAX] {
                let rows = vec![fields! { partition_index: 0, timestamp: -1_i64 }, fields! { partition_index: 1, timestamp: 0_i64 }];
                k.call("ListOffsets", version, fields! { replica_id: replica, topics: vec![fields! { name: "~t", partitions: rows }] });
            }
            k.call("ListOffsets", version, fields! { topics: vec![fields! { name: "~t", partitions: nothing() }] });
            let one = || fields! { name: "~t", partitions: vec![fields! { partition_index: 0, timestamp: -1_i64 }] };
            k.call("ListOffsets", version, fields! { topics: vec![one(), one()] });
            if version >= 10 {
                for timeout in [0, -1] {
                    k.call("ListOffsets", version, fields! { timeout_ms: timeout, topics: vec![one()] });
                }
            }
        });
    }
}

pub(super) fn transactions(theme: &mut Theme) {
    for version in 0..=5 {
        theme.case(format!("odd producers, version {version}"), move |k| {
            k.coordinator("~x");
            for timeout in [0, -1, 900_000, 900_001, i32::MAX, 1] {
                k.patiently(
                    "InitProducerId",
                    version,
                    &fields! { transactional_id: "~x", transaction_timeout_ms: timeout },
                );
            }
            if version >= 3 {
                for (id, epoch) in [
                    (-1_i64, -1_i16),
                    (-1, 0),
                    (7_000_000, -1),
                    (7_000_000, 0),
                    (-5, -5),
                    (i64::MAX, i16::MAX),
                ] {
                    k.patiently(
                        "InitProducerId",
                        version,
                        &fields! { transactional_id: "~x", producer_id: id, producer_epoch: epoch },
                    );
                    k.patiently(
                        "InitProducerId",
                        version,
                        &fields! { transactional_id: "~new", producer_id: id, producer_epoch: epoch },
                    );
                }
            }
        });
        theme.case(format!("odd partitions of transactions, version {version}"), move |k| {
            k.topic("~t", &[]);
            k.coordinator("~x");
            let answer = k.call("InitProducerId", 4, fields! { transactional_id: "~x" });
            let id = answer.get("producer_id").int();
            let add = |k: &mut Session<'_>, (name, id, epoch): (&str, i64, i16), verify: bool, topics: Vec<Value>| {
                if version >= 4 {
                    let one = fields! { transactional_id: name, producer_id: id, producer_epoch: epoch, verify_only: verify, topics: topics };
                    k.call("AddPartitionsToTxn", version, fields! { transactions: vec![one] });
                } else {
                    k.call("AddPartitionsToTxn", version, fields! { transactional_id: name, producer_id: id, producer_epoch: epoch, topics: topics });
                }
            };
            let of = |name: &str, partitions: &[i32]| fields! { name: name, partitions: partitions.to_vec() };
            let own = ("~x", id, 0_i16);
            add(k, own, true, vec![of("~t", &[0])]);
            add(k, own, false, vec![]);
            add(k, own, false, vec![of("~t", &[])]);
            add(k, own, false, vec![of("~t", &[0, 9]), of("~none", &[0])]);
            add(k, own, true, vec![of("~t", &[0])]);
            add(k, own, false, vec![of("~t", &[0, 0]), of("~t", &[1])]);
            add(k, own, true, vec![of("~t", &[0, 1])]);
            for other in [("", id, 0), ("~none", id, 0), ("~x", 7_000_000, 0), ("~x", id, 1), ("~x", id, -1), ("~x", -1, -1)] {
                add(k, other, false, vec![of("~t", &[0])]);
                add(k, other, true, vec![of("~t", &[0])]);
            }
            if version >= 4 {
                k.call("AddPartitionsToTxn", version, fields! { transactions: nothing() });
                let one = |name: &str| fields! { transactional_id: name, producer_id: id, producer_epoch: 0_i16, topics: vec![of("~t", &[0])] };
                k.call("AddPartitionsToTxn", version, fields! { transactions: vec![one("~x"), one("~none")] });
                k.call("AddPartitionsToTxn", version, fields! { transactions: vec![one("~x"), one("~x")] });
            }
        });
        theme.case(format!("odd ends of transactions, version {version}"), move |k| {
            k.topic("~t", &[]);
            k.coordinator("~x");
            let answer = k.call("InitProducerId", 4, fields! { transactional_id: "~x" });
            let id = answer.get("producer_id").int();
            for (name, id, epoch) in [("", id, 0_i16), ("~none", id, 0), ("~x", 7_000_000, 0), ("~x", id, 1), ("~x", id, -1), ("~x", -1, 0), ("~x", id, 0)] {
                for committed in [true, false] {
                    k.call("EndTxn", version, fields! { transactional_id: name, producer_id: id, producer_epoch: epoch, committed: committed });
                }
                if version <= 4 {
                    for group in ["", "~g"] {
                        k.call("AddOffsetsToTxn", version, fields! { transactional_id: name, producer_id: id, producer_epoch: epoch, group_id: group });
                    }
                }
            }
        });
    }
}

pub(super) fn headers(theme: &mut Theme) {
    theme.case("headers of every kind", |k| {
        let frame = |key: i16, version: i16, rest: &[u8]| {
            [&key.to_be_bytes()[..], &version.to_be_bytes(), &[0, 0, 0, 5], rest].concat()
        };
        for (what, rest) in [
            ("no client", &[0xFF, 0xFF, 0, 1, 1, 0, 0, 0, 0][..]),
            ("an empty client", &[0, 0, 0, 1, 1, 0, 0, 0]),
            ("a client of a thousand", &[0x03, 0xE8]),
            ("a tag of nothing", &[0xFF, 0xFF, 1, 0, 0, 1, 1, 0, 0]),
            ("a large tag", &[0xFF, 0xFF, 1, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0, 1, 1, 0, 0]),
            ("more tags than bytes", &[0xFF, 0xFF, 0x7F, 1, 1, 0, 0]),
            ("tags below zero", &[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 1, 1, 0, 0]),
        ] {
            k.raw(what, &frame(3, 12, rest), ("Metadata", 12));
            k.raw(what, &frame(3, 4, rest), ("Metadata", 4));
            k.raw(what, &frame(18, 3, rest), ("ApiVersions", 3));
        }
        for flag in [0_u8, 1, 2, 0x80, 0xFF] {
            k.raw("a flag", &frame(3, 4, &[0xFF, 0xFF, 0, 0, 0, 0, flag]), ("Metadata", 4));
            k.raw("a flag", &frame(60, 0, &[0xFF, 0xFF, 0, flag, 0]), ("DescribeCluster", 0));
        }
        for (what, tags) in [
            ("no tag", &[0][..]),
            ("a cluster", &[1, 0, 2, 2, b'a']),
            ("a cluster that is null", &[1, 0, 1, 0]),
            ("a cluster of another size", &[1, 0, 9, 2, b'a']),
            ("a cluster twice", &[2, 0, 2, 2, b'a', 0, 2, 2, b'b']),
            ("a cluster behind another tag", &[2, 9, 0, 0, 2, 2, b'a']),
        ] {
            let body = [
                &[
                    0xFF, 0xFF, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0,
                    0xFF, 0xFF, 0xFF, 0xFF, 1, 1, 1,
                ][..],
                tags,
            ]
            .concat();
            k.raw(what, &frame(1, 12, &body), ("Fetch", 12));
        }
    });
    theme.case("empty bodies of every version", |k| {
        for api in apis()
            .iter()
            .filter(|api| [0, 1, 2, 3, 10, 18, 19, 20, 22, 24, 25, 26, 28, 32, 60].contains(&api.key))
        {
            for version in 3..=13 {
                let frame =
                    [&api.key.to_be_bytes()[..], &i16::to_be_bytes(version), &[0, 0, 0, 5, 0xFF, 0xFF]]
                        .concat();
                k.raw(&format!("{} v{version}", api.name), &frame, ("ApiVersions", 0));
            }
        }
    });
}
