//! What random odd requests have found: several rows of one partition, batches too short for a header, attributes that
//! mean nothing, streams that break off, records that stand in the log and cannot be read.

use super::Theme;
use super::order::{good, ok};
use crate::fields;
use crate::session::{Session, produce};
use crate::wire::compression::compress;
use crate::wire::{Batch, Value, batch, bytes, record};

/// The first record with a time and the last, each by itself.
fn by_time(k: &mut Session<'_>, times: &[i64]) {
    by_time_of(k, "~t", times);
}

fn by_time_of(k: &mut Session<'_>, topic: &str, times: &[i64]) {
    for time in times {
        let row = fields! { partition_index: 0, timestamp: *time };
        let topics = vec![fields! { name: topic, partitions: vec![row] }];
        k.call("ListOffsets", 7, fields! { topics: topics });
    }
}

/// A gzip file whose trailer is wrong.
fn broken_trailer(batch: &Batch) -> Vec<u8> {
    let mut packed = compress(1, &batch.plain());
    let at = packed.len() - 6;
    packed[at] ^= 1;
    packed
}

/// Nothing that any codec knows, beginnings of a zstd frame, of one that is skipped, of an lz4 frame and of a gzip file.
const BEHIND: [&[u8]; 21] = [
    &[0],
    &[1],
    &[0, 0],
    &[0; 3],
    &[0; 4],
    &[0; 5],
    &[0; 8],
    &[0; 20],
    &[7; 9],
    &[0x28],
    &[0x28, 0xB5, 0x2F],
    &[0x28, 0xB5, 0x2F, 0xFD],
    &[0x28, 0xB5, 0x2F, 0xFD, 0],
    &[0x28, 0xB5, 0x2F, 0xFD, 0, 0x58],
    &[0x50, 0x2A, 0x4D],
    &[0x50, 0x2A, 0x4D, 0x18, 1],
    &[0x50, 0x2A, 0x4D, 0x18, 1, 0, 0, 0, 9],
    &[0x04, 0x22, 0x4D],
    &[0x04, 0x22, 0x4D, 0x18],
    &[0x1F, 0x8B],
    &[0x1F, 0x8B, 8, 0, 0, 0],
];

pub(super) fn add(theme: &mut Theme) {
    for version in [3, 8, 9, 12, 13] {
        theme.case(format!("good and bad rows of one partition, version {version}"), move |k| {
            k.topic("~t", &[]);
            let corrupt = || Value::from(good().with("crc", 7));
            let empty = || bytes(b"");
            let named = |name: &str| Value::from(batch([record(name)]));
            for rows in [
                vec![(0, named("first")), (0, empty())],
                vec![(0, empty()), (0, named("second"))],
                vec![(0, corrupt()), (0, empty())],
                vec![(0, empty()), (0, corrupt())],
                vec![(0, named("third")), (0, corrupt())],
                vec![(0, corrupt()), (0, named("fourth"))],
                vec![(0, named("fifth")), (0, empty()), (1, ok()), (0, named("sixth"))],
                vec![(9, empty()), (9, ok()), (9, corrupt())],
            ] {
                k.produce(version, 1, "~t", rows.clone());
                k.produce(version, 0, "~t", rows);
            }
            k.log("~t");
        });
    }
    theme.case("what the parser says of one row of several", |k| {
        k.topic("~t", &[]);
        let magic = || Value::from(good().with("magic", 3));
        let length = || Value::from(good().with("length", 5));
        let transactional = || Value::from(good().producer(4_000, 0, 0).transactional());
        for rows in [
            vec![(0, magic()), (0, length())],
            vec![(0, length()), (0, magic())],
            vec![(0, magic()), (0, ok())],
            vec![(0, ok()), (0, magic())],
            vec![(0, transactional()), (0, magic())],
            vec![(0, magic()), (0, transactional())],
            vec![(0, transactional()), (0, ok())],
            vec![(0, ok()), (0, transactional()), (1, magic())],
        ] {
            k.produce(9, 1, "~t", rows);
        }
        k.produce_all(9, 1, vec![("~none", vec![(0, ok())]), ("~t", vec![(0, magic()), (0, ok())])]);
        k.log("~t");
    });
    theme.case("rows of the same topic that stand apart", |k| {
        k.topic("~t", &[]);
        k.topic("~u", &[]);
        for (first, second) in [(ok(), bytes(b"")), (bytes(b""), ok()), (ok(), ok())] {
            k.produce_all(
                9,
                1,
                vec![("~t", vec![(0, first)]), ("~u", vec![(0, ok())]), ("~t", vec![(0, second)])],
            );
        }
        k.log("~t");
        k.log("~u");
    });
    theme.case("a batch of a transaction that is shorter than a header", |k| {
        k.topic("~t", &[]);
        let short = |length: i64| good().producer(4_000, 0, 0).transactional().with("length", length);
        for length in [14, 35, 38, 39, 40, 41, 44, 45, 46, 48] {
            k.one(9, 1, "~t", short(length).cut(70 - 12 - length as usize));
            let Value::Struct(mut body) = produce(12, 1, vec![("~t", vec![(0, short(length).into())])])
            else {
                panic!("a request");
            };
            body.push(("transactional_id".to_owned(), "~nobody".into()));
            k.produce_body(12, 1, Value::Struct(body));
        }
        for length in [14, 38, 39, 48] {
            let zstd = || good().codec(4).with("length", length);
            k.one(3, 1, "~t", zstd());
            k.one(9, 1, "~t", zstd());
            k.one(3, 1, "~t", good().codec(6).with("length", length));
        }
        k.log("~t");
    });
    theme.case("attributes that mean nothing", |k| {
        k.topic("~t", &[]);
        k.topic("~u", &[("message.timestamp.type", "LogAppendTime")]);
        k.topic("~v", &[("compression.type", "uncompressed")]);
        for attributes in [64, 128, 256, 0x4000, -32_768, 0x7FC0, 64 | 8, 0x7FC0 | 8] {
            let odd = || batch([record("v").at(5)]).with("attributes", attributes);
            for topic in ["~t", "~u", "~v"] {
                k.one(9, 1, topic, odd());
                k.one(9, 1, topic, odd().with("max_timestamp", 9));
            }
        }
        for topic in ["~t", "~u", "~v"] {
            k.log_of(topic, &[0]);
        }
    });
    theme.case("producer ids below zero", |k| {
        k.topic("~t", &[]);
        k.topic("~u", &[("compression.type", "gzip")]);
        for (id, epoch, sequence) in
            [(-2_i64, 0_i64, 0_i64), (-2, -1, -1), (i64::MIN, 0, -1), (-1, 0, 0), (-1, 5, -1), (-1, -1, 3)]
        {
            let odd =
                good().with("producer_id", id).with("producer_epoch", epoch).with("base_sequence", sequence);
            k.one(9, 1, "~t", &odd);
            k.one(9, 1, "~t", &odd);
            k.one(9, 1, "~u", &odd);
        }
        k.log_of("~t", &[0]);
        k.log_of("~u", &[0]);
    });
    theme.case("records that stand in the log and cannot be read", |k| {
        k.topic("~t", &[]);
        for codec in 1..5 {
            k.one(9, 1, "~t", batch([record("a").at(3).length(3), record("b").at(7)]).codec(codec));
            by_time(k, &[-3, 0, 3, 5, 8]);
        }
        k.one(9, 1, "~t", batch([record("c").at(9)]).codec(1));
        by_time(k, &[-3, 8, 9]);
    });
    theme.case("offsets that are none, looked for by time", |k| {
        k.topic("~t", &[]);
        k.one(
            9,
            1,
            "~t",
            batch([record("a").at(3).offset_delta(-1), record("b").at(4).offset_delta(i32::MIN)]),
        );
        by_time(k, &[-3, 0, 3, 4]);
        k.one(9, 1, "~t", batch([record("c").at(5).offset_delta(-3), record("d").at(6).offset_delta(9)]));
        by_time(k, &[-3, 0, 3, 4, 5, 6]);
    });
    theme.case("a stream that breaks off behind a bad record", |k| {
        k.topic("~t", &[]);
        for settings in [("~u", "producer"), ("~v", "lz4")] {
            k.topic(settings.0, &[("compression.type", settings.1)]);
            let sound = batch([record("a"), record("b")]).codec(1);
            k.one(9, 1, settings.0, sound.clone().payload("broken trailer", broken_trailer(&sound)));
            k.one(
                9,
                1,
                settings.0,
                sound
                    .clone()
                    .with("count", 1)
                    .with("last_offset_delta", 0)
                    .payload("broken trailer", broken_trailer(&sound)),
            );
            let endless = [0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];
            let bad = batch([record("a").body(&endless)]).codec(1);
            k.one(9, 1, settings.0, bad.clone().payload("broken trailer", broken_trailer(&bad)));
            let short = batch([record("a").body(&[0, 0, 0, 10])]).codec(1);
            k.one(9, 1, settings.0, short.clone().payload("broken trailer", broken_trailer(&short)));
            k.log_of(settings.0, &[0]);
        }
    });
    for codec in 1..5_i16 {
        theme.case(format!("bytes behind what is compressed, codec {codec}"), move |k| {
            k.topic("~t", &[]);
            k.topic("~u", &[("compression.type", "uncompressed")]);
            let plain = batch([record("a"), record("b")]).plain();
            let payload = |whole: bool, behind: &[u8]| {
                let payload = compress(codec, if whole { &plain } else { &plain[..plain.len() - 1] });
                [payload, behind.to_vec()].concat()
            };
            for behind in BEHIND {
                for topic in ["~t", "~u"] {
                    for (name, whole) in [("whole", true), ("one byte short", false)] {
                        let name = format!("{name}, then {behind:02x?}");
                        let sent = batch([record("a"), record("b")]).codec(codec);
                        k.one(9, 1, topic, sent.payload(&name, payload(whole, behind)));
                    }
                }
            }
            k.log_of("~t", &[0]);
            k.log_of("~u", &[0]);
        });
    }
    theme.case("a refused batch that ends a segment", |k| {
        for (topic, settings) in [("~t", &[][..]), ("~u", &[("segment.bytes", "1048576")][..])] {
            k.topic(topic, settings);
            let at = |time: i64| batch([record("v").at(time)]);
            k.one(9, 1, topic, at(0).producer(4_001, 0, 2));
            // A gap, a duplicate and an old epoch, each more than a week later.
            for (time, epoch, sequence) in [(1 << 40, 0, 5), (1 << 40, 0, 2), (1 << 41, -1, 3)] {
                k.one(9, 1, topic, at(time).producer(4_001, epoch, sequence));
            }
            k.one(9, 1, topic, at(0));
            k.one(9, 1, topic, at(5));
            k.log_of(topic, &[0]);
            by_time_of(k, topic, &[-3, 0, 3, 5, 6]);
        }
    });
    theme.case("gzip files with everything in their header", |k| {
        k.topic("~t", &[]);
        let plain = batch([record("v")]);
        let packed = compress(1, &plain.plain());
        let body = &packed[10..];
        let of =
            |flags: u8, rest: &[u8]| [&[0x1F, 0x8B, 8, flags, 1, 2, 3, 4, 5, 6][..], rest, body].concat();
        for (name, payload) in [
            ("a name", of(8, b"name\0")),
            ("a comment", of(16, b"comment\0")),
            ("more", of(4, &[2, 0, 9, 9])),
            ("all of it", of(4 | 8 | 16, b"\x02\x00\x09\x09name\0comment\0")),
            ("text", of(1, b"")),
            ("unknown flags", of(0xE0, b"")),
            ("a wrong checksum", of(2, &[0, 0])),
            ("no end", of(8, b"")),
            ("another method", [&[0x1F, 0x8B, 7, 0, 1, 2, 3, 4, 5, 6][..], body].concat()),
            ("no magic", [&[0x1F, 0x8C, 8, 0, 1, 2, 3, 4, 5, 6][..], body].concat()),
        ] {
            k.one(9, 1, "~t", batch([record("v")]).codec(1).payload(name, payload));
        }
        k.log_of("~t", &[0]);
    });
}

pub(super) fn add_others(theme: &mut Theme) {
    let offsets = |name: &str, partitions: &[i32]| {
        let row = |index: &i32| fields! { partition_index: *index, timestamp: -1_i64 };
        fields! { name: name, partitions: partitions.iter().map(row).collect::<Vec<_>>() }
    };
    for version in [1, 4, 6, 7, 9] {
        theme.case(format!("offsets of topics that are named twice, version {version}"), move |k| {
            k.topic("~t", &[]);
            for isolation in [0_i8, 3, -1] {
                for topics in [
                    vec![offsets("~t", &[0]), offsets("~none", &[0]), offsets("~t", &[1])],
                    vec![offsets("~t", &[0, 0]), offsets("~t", &[1, 7])],
                    vec![offsets("~t", &[]), offsets("~t", &[1])],
                    vec![offsets("~t", &[])],
                    vec![],
                ] {
                    k.call("ListOffsets", version, fields! { isolation_level: isolation, topics: topics });
                }
            }
        });
    }
    for version in 8..=13 {
        theme.case(format!("what may be done with topics that are not there, version {version}"), move |k| {
            k.topic("~t", &[]);
            let call = |k: &mut Session<'_>, topics: Vec<Value>| {
                k.call("Metadata", version, fields! { topics: topics, include_topic_authorized_operations: true, allow_auto_topic_creation: false });
            };
            call(k, vec![fields! { name: "~t" }, fields! { name: "~none" }, fields! { name: "a b" }]);
            if version >= 10 {
                let unknown = || Value::Uuid(uuid::Uuid::from_u128(5));
                call(k, vec![fields! { topic_id: unknown(), name: Value::Null }]);
                call(k, vec![fields! { topic_id: unknown(), name: "~t" }, fields! { topic_id: "~t", name: Value::Null }]);
            }
        });
    }
    for version in 0..=5 {
        theme.case(format!("partitions of a transaction that are named twice, version {version}"), move |k| {
            k.topic("~t", &[]);
            k.coordinator("~x");
            let answer = k.call("InitProducerId", 4, fields! { transactional_id: "~x" });
            let id = answer.get("producer_id").int();
            let topic = |name: &str, partitions: &[i32]| fields! { name: name, partitions: partitions.to_vec() };
            let lists = [
                vec![topic("~t", &[0, 0]), topic("~t", &[1, 0])],
                vec![topic("~t", &[7]), topic("~none", &[0]), topic("~t", &[0, 7]), topic("~none", &[0, 1])],
                vec![topic("~t", &[]), topic("~none", &[])],
            ];
            for topics in &lists {
                if version < 4 {
                    k.call("AddPartitionsToTxn", version, fields! { transactional_id: "~x", producer_id: id, producer_epoch: 0_i16, topics: topics.clone() });
                    continue;
                }
                for verify in [true, false] {
                    let one = |name: &str, topics: &[Value]| fields! { transactional_id: name, producer_id: id, producer_epoch: 0_i16, verify_only: verify, topics: topics.to_vec() };
                    k.call("AddPartitionsToTxn", version, fields! { transactions: vec![one("~x", topics)] });
                    for (first, last) in [("~x", "~x"), ("~y", "~y"), ("~x", "~y")] {
                        k.call("AddPartitionsToTxn", version, fields! { transactions: vec![one(first, topics), one(last, &lists[0])] });
                        k.call("AddPartitionsToTxn", version, fields! { transactions: vec![one(first, &lists[0]), one(last, topics)] });
                    }
                }
            }
        });
        theme.case(format!("offsets of a transaction that are named twice, version {version}"), move |k| {
            k.topic("~t", &[]);
            k.topic("~u", &[]);
            k.coordinator("~x");
            let topic = |name: &str, partitions: &[i32]| {
                let row = |index: &i32| fields! { partition_index: *index, committed_offset: 1_i64, committed_metadata: "" };
                fields! { name: name, partitions: partitions.iter().map(row).collect::<Vec<_>>() }
            };
            for topics in [
                vec![topic("~t", &[])],
                vec![topic("~none", &[])],
                vec![topic("~t", &[0]), topic("~t", &[1, 0]), topic("~u", &[])],
                vec![topic("~t", &[0]), topic("~none", &[0]), topic("~t", &[1]), topic("~none", &[1])],
                vec![topic("~t", &[0, 7]), topic("~u", &[0]), topic("~u", &[1]), topic("~t", &[1])],
                vec![],
            ] {
                k.call("TxnOffsetCommit", version, fields! { transactional_id: "~x", group_id: "~g", producer_id: 7_000_000_i64, producer_epoch: 0_i16, topics: topics });
            }
        });
    }
}
