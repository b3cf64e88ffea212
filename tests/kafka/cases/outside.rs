//! What somebody tries who has read Apache Kafka's documentation, but not this project.

use super::Theme;
use super::order::good;
use crate::fields;
use crate::session::Session;
use crate::wire::{Value, batch, record};

const PAUSE: std::time::Duration = std::time::Duration::from_millis(10);

fn topic(name: &str, setting: &str, value: &str) -> Value {
    fields! { name: name, configs: vec![fields! { name: setting, value: value }] }
}

fn check(k: &mut Session<'_>, version: i16, topic: Value) {
    k.call("CreateTopics", version, fields! { topics: vec![topic], validate_only: true });
}

fn described(name: &str, keys: &[&str]) -> Value {
    let keys: Vec<_> = keys.iter().map(|key| Value::from(*key)).collect();
    fields! { resource_type: 2_i8, resource_name: name, configuration_keys: keys }
}

pub(super) fn settings(theme: &mut Theme) {
    theme.case("values that are out of bounds, as they are read", |k| {
        for (name, value) in [
            ("retention.ms", " -2 "),
            ("retention.ms", "-0002"),
            ("min.insync.replicas", "000"),
            ("segment.bytes", " 13"),
            ("compression.gzip.level", " 0"),
            ("compression.lz4.level", " 19"),
            ("local.retention.bytes", "-3"),
            ("min.cleanable.dirty.ratio", "2"),
            ("min.cleanable.dirty.ratio", "-1e-5"),
            ("min.cleanable.dirty.ratio", "1234567"),
            ("min.cleanable.dirty.ratio", "12345678.5"),
            ("min.cleanable.dirty.ratio", "1e10"),
            ("min.cleanable.dirty.ratio", "Infinity"),
            ("min.cleanable.dirty.ratio", "-Infinity"),
            ("compression.type", " zip "),
            ("preallocate", " yes "),
        ] {
            check(k, 4, topic("~c", name, value));
        }
    });
    theme.case("replicas that cannot be, in the order of their numbers", |k| {
        let row =
            |index: i32, brokers: &[i32]| fields! { partition_index: index, broker_ids: brokers.to_vec() };
        let mut of = |rows: Vec<Value>| {
            check(
                k,
                4,
                fields! { name: "~c", num_partitions: -1, replication_factor: -1_i16, assignments: rows },
            );
        };
        for brokers in [&[2, 2][..], &[1, 1, 2], &[3, 2], &[1, -5, 1], &[2, 1, 1], &[0], &[1, 1], &[]] {
            of(vec![row(0, brokers)]);
            of(vec![row(0, &[1]), row(1, brokers)]);
            of(vec![row(0, &[1]), row(0, brokers)]);
        }
    });
    theme.case("more partitions than are created at once", |k| {
        let of = |name: &str, partitions: i32| fields! { name: name, num_partitions: partitions };
        let set = |partitions: i32| {
            let configs = ["retention.ms", "segment.ms"].map(|name| fields! { name: name, value: "5" });
            fields! { name: "~c", num_partitions: partitions, configs: configs.to_vec() }
        };
        let assigned = fields! {
            name: "~c", num_partitions: 20_000, assignments: vec![fields! { partition_index: 0, broker_ids: vec![1] }],
        };
        for topics in [
            vec![of("~a", 9_999)],
            vec![of("~a", 10_000)],
            vec![of("~a", 10_001)],
            vec![set(9_997)],
            vec![set(9_998)],
            vec![of("~a", 9_996), of("~b", 2)],
            vec![of("~a", 9_997), of("~b", 2)],
            vec![of("~a", 9_997), of("a b", 2)],
            vec![of("~a", 9_997), of("~b", 0)],
            vec![of("~a", 10_000), of("~b", -2)],
            vec![of("~a", 10_000), of("~b", -1)],
            vec![assigned],
            // What is named twice is not counted, but answered as often where all is refused.
            vec![of("~a", 1), of("~a", 10_001)],
            vec![of("~a", 1), of("~a", 10_001), of("~b", 1)],
            vec![of("~a", 1), of("~a", 1), of("~b", 10_001)],
        ] {
            k.call("CreateTopics", 4, fields! { topics: topics, validate_only: true });
        }
    });
    theme.case("the size of segments that is meant for tests", |k| {
        const NAME: &str = "internal.segment.bytes";
        for value in ["0", "-1", "13", "x", "", "2147483648", " 200 "] {
            check(k, 5, topic("~c", NAME, value));
        }
        let answer = k.call("CreateTopics", 5, fields! { topics: vec![topic("~t", NAME, "200")] });
        if *answer.get("topics").items()[0].get("error_code") != Value::Error(0) {
            // A release that does not have it.
            return;
        }
        k.led_by_now("~t", 1);
        for keys in [&[NAME, "segment.bytes"][..], &[NAME]] {
            for more in [false, true] {
                let resources = vec![described("~t", keys)];
                k.call(
                    "DescribeConfigs",
                    4,
                    fields! { resources: resources, include_synonyms: more, include_documentation: more },
                );
            }
        }
        for _ in 0..5 {
            k.one(9, 1, "~t", good());
        }
        k.one(9, 1, "~t", batch([record(&"x".repeat(300))]));
        for offset in 0..6_i64 {
            let rows = vec![fields! { partition: 0, fetch_offset: offset }];
            k.call("Fetch", 12, fields! { topics: vec![fields! { topic: "~t", partitions: rows }] });
        }
    });
}

pub(super) fn connections(theme: &mut Theme) {
    theme.case("SASL where there is none", |k| {
        for version in 0..=1 {
            for mechanism in ["PLAIN", "", "SCRAM-SHA-256"] {
                k.call("SaslHandshake", version, fields! { mechanism: mechanism });
            }
        }
        for version in 0..=2 {
            for bytes in [&b""[..], b"\0user\0secret"] {
                k.call(
                    "SaslAuthenticate",
                    version,
                    fields! { auth_bytes: Value::Named("bytes".to_owned(), bytes.to_vec()) },
                );
            }
        }
        // Nothing is given, and what is there may not be null.
        for (version, rest) in [(0_i16, &[0xFF, 0xFF][..]), (1, &[0xFF, 0xFF]), (1, &[])] {
            let frame =
                [&17_i16.to_be_bytes()[..], &version.to_be_bytes(), &[0, 0, 0, 5, 0xFF, 0xFF], rest].concat();
            k.raw("SaslHandshake", &frame, ("SaslHandshake", version));
        }
        for (version, rest) in [(0_i16, &[0xFF; 4][..]), (1, &[0xFF; 4]), (2, &[0, 0, 0]), (2, &[0, 1])] {
            let frame =
                [&36_i16.to_be_bytes()[..], &version.to_be_bytes(), &[0, 0, 0, 5, 0xFF, 0xFF], rest].concat();
            k.raw("SaslAuthenticate", &frame, ("SaslAuthenticate", version));
        }
        for (key, version) in [(17_i16, 2_i16), (17, -1), (36, 3), (36, -1)] {
            let frame =
                [&key.to_be_bytes()[..], &version.to_be_bytes(), &[0, 0, 0, 5, 0xFF, 0xFF, 0, 0]].concat();
            k.raw("a version that there is not", &frame, ("SaslHandshake", 0));
        }
    });
    for version in 15..=18 {
        theme.case(format!("what a replica is told of leaders, version {version}"), move |k| {
            k.topic("~t", &[]);
            k.one(9, 1, "~t", good());
            for (id, epoch) in [(-1, -1_i64), (-2, -1), (-3, -1), (0, -1), (1, -1), (1, 0), (5, -1), (1, 5)] {
                let rows = vec![fields! { partition: 0, fetch_offset: 0_i64 }];
                let topics = vec![fields! { topic_id: "~t", partitions: rows }];
                let state = fields! { replica_id: id, replica_epoch: epoch };
                k.call("Fetch", version, fields! { topics: topics, replica_state: state });
            }
        });
    }
}

/// Waits until the topics of the coordinators are there.
fn coordinated(k: &mut Session<'_>) {
    k.coordinator("~tx");
    let request = fields! { key_type: 0_i8, key: "~g" };
    while *k.ask("FindCoordinator", 3, &request).get("error_code") != Value::Error(0) {
        std::thread::sleep(PAUSE);
    }
}

/// Waits until the coordinator of the group has read its log.
fn read(k: &mut Session<'_>) {
    let row = fields! { partition_index: 0, committed_offset: 1_i64 };
    let topics = vec![fields! { name: "~t", partitions: vec![row] }];
    let request = fields! { transactional_id: "~tx", group_id: "~g", producer_id: 7_000_000_i64, producer_epoch: 0_i16, topics: topics };
    let busy = [14, 15, 16].map(Value::Error);
    loop {
        let answer = k.ask("TxnOffsetCommit", 3, &request);
        let row = &answer.get("topics").items()[0].get("partitions").items()[0];
        if !busy.contains(row.get("error_code")) {
            return;
        }
        std::thread::sleep(PAUSE);
    }
}

pub(super) fn internal(theme: &mut Theme) {
    const OWN: [&str; 3] = ["__consumer_offsets", "__transaction_state", "__cluster_metadata"];
    theme.case("the topics of the brokers themselves", |k| {
        coordinated(k);
        for name in OWN {
            check(k, 7, fields! { name: name });
            let rows = vec![fields! { partition_index: 0, timestamp: -2_i64 }];
            k.call("ListOffsets", 7, fields! { topics: vec![fields! { name: name, partitions: rows }] });
            let keys = [
                "cleanup.policy",
                "compression.type",
                "segment.bytes",
                "unclean.leader.election.enable",
            ];
            let resources = vec![described(name, &keys)];
            k.call("DescribeConfigs", 4, fields! { resources: resources, include_synonyms: true });
            k.one(9, 1, name, good());
            let rows = vec![fields! { name: name, partitions: vec![0] }];
            for version in [3, 4] {
                let request = if version < 4 {
                    fields! { transactional_id: "~tx", producer_id: 7_000_000_i64, producer_epoch: 0_i16, topics: rows.clone() }
                } else {
                    let one = fields! { transactional_id: "~tx", producer_id: 7_000_000_i64, producer_epoch: 0_i16, topics: rows.clone() };
                    fields! { transactions: vec![one] }
                };
                k.call("AddPartitionsToTxn", version, request);
            }
        }
    });
    for version in [0, 1, 4, 9, 12, 13] {
        theme.case(
            format!("metadata of topics of the brokers that are not there, version {version}"),
            move |k| {
                for (name, create) in [
                    ("__cluster_metadata", true),
                    ("__cluster_metadata", false),
                    ("__share_group_state", false),
                ] {
                    // Before version 4 whoever asks creates.
                    if create || version >= 4 {
                        let topics = vec![fields! { name: name }];
                        k.call(
                            "Metadata",
                            version,
                            fields! { topics: topics, allow_auto_topic_creation: create },
                        );
                    }
                }
            },
        );
    }
}

pub(super) fn groups(theme: &mut Theme) {
    for version in 0..=5 {
        theme.case(format!("how long what a commit says may be, version {version}"), move |k| {
            k.topic("~t", &[]);
            coordinated(k);
            let answer = k.patiently("InitProducerId", 4, &fields! { transactional_id: "~tx" });
            let id = answer.get("producer_id").int();
            let adding = fields! { transactional_id: "~tx", producer_id: id, producer_epoch: 0_i16, group_id: "~g" };
            k.patiently("AddOffsetsToTxn", 3, &adding);
            read(k);
            // Two bytes each; one, but two of Java's characters.
            for text in ["é".repeat(4_096), "é".repeat(4_097), "😀".repeat(2_048), "😀".repeat(2_049)] {
                let row = fields! { partition_index: 0, committed_offset: 1_i64, committed_metadata: &*text };
                let topics = vec![fields! { name: "~t", partitions: vec![row] }];
                let request = fields! { transactional_id: "~tx", group_id: "~g", producer_id: id, producer_epoch: 0_i16, topics: topics };
                k.patiently("TxnOffsetCommit", version, &request);
            }
        });
    }
}

pub(super) fn rows(theme: &mut Theme) {
    for acks in [1, 0] {
        theme.case(format!("rows without records beside others, acks {acks}"), move |k| {
            k.topic("~t", &[]);
            let none = || Value::Null;
            let open = good().producer(7_000_000, 0, 0).transactional();
            for rows in [
                [("~t", 0, none()), ("~t", 0, good().into())],
                [("~none", 0, none()), ("~t", 0, good().into())],
                [("~t", 7, none()), ("~t", 0, good().into())],
                // The one that is never answered: it takes a while to be sure of it.
                [("~none", 0, none()), ("~t", 0, open.into())],
            ] {
                let topics = rows.into_iter().map(|(name, index, records)| (name, vec![(index, records)]));
                k.produce_all(9, acks, topics.collect());
            }
            k.log("~t");
        });
    }
}

pub(super) fn deletions(theme: &mut Theme) {
    for version in 1..=6 {
        theme.case(format!("no time for a deletion, version {version}"), move |k| {
            let of = |names: &[&str]| {
                if version >= 6 {
                    let topics: Vec<_> = names.iter().map(|name| fields! { name: *name }).collect();
                    return fields! { topics: topics, timeout_ms: 0 };
                }
                let names: Vec<_> = names.iter().map(|name| Value::from(*name)).collect();
                fields! { topic_names: names, timeout_ms: 0 }
            };
            for names in [&[][..], &["~a", "~a"], &["~a", "~a", "~b"], &["~b"], &["~a", "~a", "~b", "~b"]] {
                k.call("DeleteTopics", version, of(names));
            }
            if version < 6 {
                return;
            }
            let id = || Value::Uuid(uuid::Uuid::from_u128(9));
            let both = || fields! { name: "~a", topic_id: id() };
            let neither = || fields! { name: Value::Null };
            let by_id = || fields! { topic_id: id() };
            for topics in [
                vec![both()],
                vec![neither()],
                vec![both(), neither()],
                vec![by_id(), by_id()],
                vec![by_id()],
                vec![both(), by_id()],
                vec![neither(), fields! { name: "~a" }],
                vec![fields! { name: "~a" }, fields! { name: "~a" }, by_id(), by_id()],
            ] {
                k.call("DeleteTopics", version, fields! { topics: topics, timeout_ms: -1 });
            }
        });
    }
}
