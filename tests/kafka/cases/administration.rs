//! Settings that are shown, topics that are deleted, clusters that are described.

use super::Theme;
use crate::fields;
use crate::session::Session;
use crate::wire::Value;

fn resource(kind: i8, name: &str, keys: Option<&[&str]>) -> Value {
    let keys = keys.map(|keys| keys.iter().map(|key| Value::from(*key)).collect::<Vec<_>>());
    fields! { resource_type: kind, resource_name: name, configuration_keys: keys }
}

fn describe(k: &mut Session<'_>, version: i16, resources: Vec<Value>, more: bool) {
    k.call(
        "DescribeConfigs",
        version,
        fields! { resources: resources, include_synonyms: more, include_documentation: more },
    );
}

pub(super) fn configs(theme: &mut Theme) {
    for version in 1..=4 {
        theme.case(format!("DescribeConfigs of version {version}"), move |k| {
            k.topic(
                "~t",
                &[
                    ("retention.ms", "1000"),
                    ("cleanup.policy", "compact, delete"),
                    ("min.insync.replicas", "1"),
                ],
            );
            describe(k, version, vec![resource(2, "~t", None)], false);
            describe(k, version, vec![resource(2, "~t", None)], true);
            describe(
                k,
                version,
                vec![resource(2, "~t", Some(&["retention.ms", "no.such", "segment.bytes", "retention.ms"]))],
                true,
            );
            describe(k, version, vec![resource(2, "~t", Some(&[]))], true);
            describe(
                k,
                version,
                vec![resource(2, "~none", None), resource(2, "bad name", None), resource(2, "", None)],
                true,
            );
            for (kind, name) in
                [(0, "~t"), (1, "~t"), (3, ""), (5, "~t"), (7, "~t"), (9, "x"), (-1, "x"), (127, "x")]
            {
                describe(k, version, vec![resource(kind, name, Some(&["x"]))], true);
            }
            describe(
                k,
                version,
                vec![resource(2, "~t", Some(&["segment.ms"])), resource(2, "~t", Some(&["retention.ms"]))],
                true,
            );
            describe(k, version, vec![], true);
        });
    }
    theme.case("the settings of a broker", |k| {
        for name in ["1", "", "2", "x", "-1", "01", " 1", "99999999999"] {
            describe(k, 4, vec![resource(4, name, Some(&["message.max.bytes", "no.such"]))], true);
        }
        describe(k, 4, vec![resource(8, "", None)], true);
        describe(k, 4, vec![resource(8, "2", None)], true);
        describe(k, 4, vec![resource(16, "c", None)], true);
        describe(k, 4, vec![resource(16, "", None)], true);
        describe(k, 4, vec![resource(32, "g", Some(&["consumer.session.timeout.ms"]))], true);
        describe(k, 4, vec![resource(32, "", None)], true);
    });
    theme.case("all settings of a cluster", |k| {
        describe(k, 4, vec![resource(4, "", None)], true);
        describe(k, 4, vec![resource(32, "g", None)], true);
    });
    theme.case("all settings of a broker", |k| {
        // What a node is given when it starts depends on where it runs.
        const GIVEN: [&str; 12] = [
            "listeners",
            "advertised.listeners",
            "log.dirs",
            "controller.quorum.voters",
            "num.network.threads",
            "num.io.threads",
            "log.cleaner.dedupe.buffer.size",
            "listener.security.protocol.map",
            "inter.broker.listener.name",
            "offsets.topic.replication.factor",
            "transaction.state.log.min.isr",
            "group.initial.rebalance.delay.ms",
        ];
        const MORE: [&str; 4] = [
            "offsets.topic.num.partitions",
            "transaction.state.log.replication.factor",
            "transaction.state.log.num.partitions",
            "log.initial.task.delay.ms",
        ];
        let request = fields! {
            resources: vec![resource(4, "1", None)],
            include_synonyms: true,
            include_documentation: true,
        };
        let answer = k.ask("DescribeConfigs", 4, &request);
        for config in answer.get("results").items()[0].get("configs").items() {
            let name = config.get("name").text();
            if !GIVEN.contains(&name) && !MORE.contains(&name) {
                k.say(&config.line());
            }
        }
    });
}

pub(super) fn deletion(theme: &mut Theme) {
    for version in 1..=6 {
        theme.case(format!("DeleteTopics of version {version}"), move |k| {
            k.topic("~a", &[]);
            k.topic("~b", &[]);
            let by_name = |names: &[&str]| {
                if version >= 6 {
                    fields! { topics: names.iter().map(|name| fields! { name: *name }).collect::<Vec<_>>() }
                } else {
                    fields! { topic_names: names.iter().map(|name| Value::from(*name)).collect::<Vec<_>>() }
                }
            };
            k.call("DeleteTopics", version, by_name(&[]));
            k.call("DeleteTopics", version, by_name(&["~none", "bad name", "", "."]));
            k.call("DeleteTopics", version, by_name(&["~a", "~a"]));
            k.call("DeleteTopics", version, by_name(&["~a", "~none"]));
            k.call("DeleteTopics", version, by_name(&["~a"]));
            if version >= 6 {
                let row = |topics: Vec<Value>| fields! { topics: topics };
                k.call("DeleteTopics", version, row(vec![fields! { name: "~b", topic_id: "~b" }]));
                k.call("DeleteTopics", version, row(vec![fields! { name: Value::Null, topic_id: Value::Uuid(uuid::Uuid::nil()) }]));
                k.call("DeleteTopics", version, row(vec![fields! { topic_id: Value::Uuid(uuid::Uuid::from_u128(9)) }]));
                k.call("DeleteTopics", version, row(vec![fields! { topic_id: "~b" }, fields! { name: "~b" }]));
                k.call("DeleteTopics", version, row(vec![fields! { topic_id: "~b" }, fields! { topic_id: "~b" }]));
                k.call("DeleteTopics", version, row(vec![fields! { topic_id: "~b" }]));
                k.call("DeleteTopics", version, fields! { timeout_ms: 0, topics: vec![fields! { topic_id: "~b" }, fields! { name: "~c" }] });
            }
        });
    }
    theme.case("a time-out of nothing", |k| {
        for timeout in [0, -1] {
            k.topic("~a", &[]);
            k.call("DeleteTopics", 5, fields! { topic_names: vec!["~a", "~none"], timeout_ms: timeout });
            k.call("DeleteTopics", 5, fields! { topic_names: vec!["~a"] });
        }
    });
    for version in 0..=2 {
        theme.case(format!("DescribeCluster of version {version}"), move |k| {
            k.call("DescribeCluster", version, fields! {});
            k.call("DescribeCluster", version, fields! { include_cluster_authorized_operations: true });
            if version >= 1 {
                for kind in [0_i8, 1, 2, 3, -1] {
                    k.call("DescribeCluster", version, fields! { endpoint_type: kind });
                }
            }
            if version >= 2 {
                k.call("DescribeCluster", version, fields! { include_fenced_brokers: true });
            }
        });
    }
}

fn settings(pairs: &[(&str, Option<&str>)]) -> Value {
    Value::List(pairs.iter().map(|(name, value)| fields! { name: *name, value: *value }).collect())
}

pub(super) fn creation(theme: &mut Theme) {
    theme.case("every setting and values at its edges", |k| {
        for (name, values) in EDGES {
            for value in *values {
                let topic = fields! { name: "~t", configs: settings(&[(name, Some(value))]) };
                k.call("CreateTopics", 6, fields! { validate_only: true, topics: vec![topic] });
            }
        }
    });
    theme.case("settings that belong together", |k| {
        for pairs in [
            &[("min.compaction.lag.ms", Some("10")), ("max.compaction.lag.ms", Some("5"))][..],
            &[("min.compaction.lag.ms", Some("5")), ("max.compaction.lag.ms", Some("5"))],
            &[("max.compaction.lag.ms", Some("0"))],
            &[("remote.storage.enable", Some("true"))],
            &[("remote.storage.enable", Some("false"))],
            &[("remote.storage.enable", Some("true")), ("cleanup.policy", Some("compact"))],
            &[("remote.log.copy.disable", Some("true"))],
            &[("remote.log.delete.on.disable", Some("true"))],
            &[("local.retention.ms", Some("100")), ("retention.ms", Some("50"))],
            &[("local.retention.bytes", Some("100")), ("retention.bytes", Some("50"))],
            &[("cleanup.policy", Some("delete,delete"))],
            &[("cleanup.policy", Some("compact,compact,delete"))],
            &[("cleanup.policy", Some("delete,"))],
            &[("cleanup.policy", Some(","))],
            &[("cleanup.policy", Some("DELETE"))],
            &[("cleanup.policy", Some(" delete "))],
            &[("max.message.bytes", Some("x")), ("segment.bytes", Some("y"))],
            &[("segment.bytes", Some("y")), ("max.message.bytes", Some("x"))],
            &[("no.such", Some("1")), ("also.not", Some("2"))],
            &[("max.message.bytes", Some("x")), ("no.such", Some("1"))],
            &[("max.message.bytes", None), ("segment.bytes", Some("x"))],
            &[("max.message.bytes", None), ("segment.bytes", None)],
            &[("", Some("1"))],
            &[("", None)],
            &[("retention.ms", Some("1")), ("retention.ms", Some("x"))],
            &[("retention.ms", Some("x")), ("retention.ms", Some("1"))],
            &[("leader.replication.throttled.replicas", Some("*"))],
            &[("leader.replication.throttled.replicas", Some("0:1,x"))],
            &[("follower.replication.throttled.replicas", Some("0:1,0:1"))],
            &[("compression.type", Some("gzip")), ("compression.gzip.level", Some("10"))],
            &[
                ("message.timestamp.before.max.ms", Some("9223372036854775807")),
                ("message.timestamp.after.max.ms", Some("0")),
            ],
            &[("segment.ms", Some("0"))],
            &[("segment.jitter.ms", Some("-1"))],
            &[("flush.ms", Some("-1"))],
            &[("file.delete.delay.ms", Some("-1"))],
            &[("delete.retention.ms", Some("-1"))],
            &[("unclean.leader.election.enable", Some(""))],
            &[("min.cleanable.dirty.ratio", Some("NaN"))],
            &[("min.cleanable.dirty.ratio", Some("0x1p0"))],
            &[("min.cleanable.dirty.ratio", Some("1e-1"))],
            &[("min.cleanable.dirty.ratio", Some(" .5 "))],
            &[("min.cleanable.dirty.ratio", Some("1d"))],
            &[("max.message.bytes", Some("+5"))],
            &[("max.message.bytes", Some("٣"))],
            &[("max.message.bytes", Some("\u{a0}5"))],
            &[("min.insync.replicas", Some("7"))],
        ] {
            let topic = fields! { name: "~t", configs: settings(pairs) };
            k.call("CreateTopics", 6, fields! { validate_only: true, topics: vec![topic] });
        }
    });
    theme.case("what a topic with settings looks like", |k| {
        let pairs = [
            ("min.cleanable.dirty.ratio", Some("1e-1")),
            ("max.message.bytes", Some(" 100 ")),
            ("cleanup.policy", Some(" compact , delete ")),
            ("preallocate", Some("TRUE")),
            ("compression.type", Some(" gzip ")),
        ];
        let topic = fields! { name: "~t", configs: settings(&pairs) };
        k.call("CreateTopics", 7, fields! { topics: vec![topic] });
        k.led_by_now("~t", 1);
        let keys: Vec<_> = pairs.iter().map(|(name, _)| *name).collect();
        describe(k, 4, vec![resource(2, "~t", Some(&keys))], true);
    });
    theme.case("several topics at once", |k| {
        let a = || fields! { name: "~a" };
        for topics in [
            vec![
                a(),
                fields! { name: "~b", num_partitions: 0 },
                fields! { name: "~a_b" },
                fields! { name: "~a.b" },
            ],
            vec![a(), a(), a()],
            vec![
                fields! { name: "~c", configs: settings(&[("no.such", Some("1"))]) },
                fields! { name: "~d", replication_factor: 3_i16 },
            ],
            vec![fields! { name: "" }, fields! { name: "" }],
            vec![fields! { name: "__cluster_metadata" }],
        ] {
            k.call("CreateTopics", 5, fields! { validate_only: true, topics: topics.clone() });
            k.call("CreateTopics", 2, fields! { validate_only: true, topics: topics });
        }
    });
}

/// Values below, at and above what is allowed.
const EDGES: &[(&str, &[&str])] = &[
    ("compression.gzip.level", &["-2", "-1", "0", "1", "9", "10"]),
    ("compression.lz4.level", &["0", "1", "17", "18"]),
    ("compression.zstd.level", &["-131073", "-131072", "0", "22", "23"]),
    ("compression.type", &["", "producer", "zstd", "Zstd"]),
    ("delete.retention.ms", &["-1", "0", "9223372036854775808"]),
    ("file.delete.delay.ms", &["-1", "0"]),
    ("flush.messages", &["0", "1"]),
    ("flush.ms", &["-1", "0"]),
    ("index.interval.bytes", &["-1", "0", "2147483648"]),
    ("local.retention.bytes", &["-3", "-2", "-1", "0"]),
    ("local.retention.ms", &["-3", "-2", "-1", "0"]),
    ("max.compaction.lag.ms", &["0", "1"]),
    ("max.message.bytes", &["-1", "0", "2147483647", "2147483648", "1.0"]),
    ("message.timestamp.after.max.ms", &["-1", "0"]),
    ("message.timestamp.before.max.ms", &["-1", "0"]),
    ("min.cleanable.dirty.ratio", &["-0.1", "0", "1", "1.1", ""]),
    ("min.compaction.lag.ms", &["-1", "0"]),
    ("min.insync.replicas", &["0", "1"]),
    ("preallocate", &["", "true", "no"]),
    ("remote.log.copy.disable", &["false", "x"]),
    ("remote.log.delete.on.disable", &["false", "x"]),
    ("remote.storage.enable", &["x"]),
    ("retention.bytes", &["-2", "-1", "0"]),
    ("retention.ms", &["-2", "-1", "0"]),
    ("segment.bytes", &["1048575", "1048576", "2147483647", "2147483648"]),
    ("segment.index.bytes", &["3", "4"]),
    ("segment.jitter.ms", &["-1", "0"]),
    ("segment.ms", &["0", "1"]),
    ("errors.deadletterqueue.group.enable", &["true", "x"]),
];
