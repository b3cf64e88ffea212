//! Sizes, compaction and compression.

use super::Theme;
use super::order::{good, ok};
use crate::session::Session;
use crate::wire::compression::{NAMES, compress};
use crate::wire::{Batch, Value, batch, record};

fn large() -> Batch {
    batch([record(&"long ".repeat(500)).header("a", Some("x")).header("a", None), record("v")])
}

pub(super) fn add(theme: &mut Theme) {
    theme.case("the limit of a message is inclusive", |k| {
        let size = good().bytes().len();
        k.topic("~t", &[("max.message.bytes", &size.to_string())]);
        k.topic("~s", &[("max.message.bytes", &(size - 1).to_string())]);
        for version in [3, 9] {
            k.produce_all(version, 1, vec![("~t", vec![(0, ok())]), ("~s", vec![(0, ok())])]);
        }
        k.one(9, 0, "~s", good());
        k.one(9, 2, "~s", good());
        k.log("~s");
    });
    theme.case("the limit of every broker", |k| {
        k.topic("~t", &[]);
        let of = |value: usize| batch([record(&"x".repeat(value))]);
        let rest = of(1_048_000).bytes().len() - 1_048_000;
        k.one(9, 1, "~t", of(1_048_588 - rest));
        k.one(9, 1, "~t", of(1_048_588 - rest + 1));
    });
    theme.case("the size counts before and after a compression", |k| {
        k.topic("~u", &[("compression.type", "uncompressed"), ("max.message.bytes", "1000")]);
        k.topic("~g", &[("compression.type", "gzip"), ("max.message.bytes", "1000")]);
        k.topic("~p", &[("max.message.bytes", "1000")]);
        for topic in ["~u", "~g", "~p"] {
            k.produce(9, 1, topic, vec![(0, large().into()), (1, large().codec(4).into())]);
            k.log(topic);
        }
    });
    theme.case("the size of what is written anew, to the byte", |k| {
        let many = |count: usize| {
            let keyed = |i: usize| record(&format!("value-{i}")).key(Some(&format!("key-{i}")));
            batch((0..count).map(keyed)).codec(4)
        };
        let same = |size: usize| batch([record(&"x".repeat(size))]).codec(4);
        let one = || batch([record("v0")]);
        for (target, sent, size) in [
            ("gzip", many(20), 232),
            ("gzip", many(100), 709),
            ("snappy", many(20), 344),
            ("snappy", many(100), 1187),
            ("snappy", same(500), 120),
            ("lz4", many(20), 336),
            ("lz4", many(100), 1236),
            ("lz4", same(500), 97),
            ("lz4", one(), 86),
            ("zstd", one(), 83),
        ] {
            for limit in [size - 1, size] {
                let name = format!("~{target}-{limit}");
                k.topic(&name, &[("compression.type", target), ("max.message.bytes", &limit.to_string())]);
                k.one(9, 1, &name, &sent);
            }
        }
    });
    theme.case("the level of a codec", |k| {
        let many = |count: usize| {
            let keyed = |i: usize| record(&format!("value-{i}")).key(Some(&format!("key-{i}")));
            batch((0..count).map(keyed))
        };
        for (target, level, sent, size) in [
            ("gzip", 1, many(100).codec(4), 711),
            ("gzip", 2, many(100).codec(4), 710),
            ("gzip", -1, many(100).codec(4), 709),
            ("gzip", 9, many(100).codec(4), 709),
            ("zstd", -5, many(100).codec(1), 1101),
            ("zstd", 1, many(20).codec(1), 267),
        ] {
            let (key, level) = (format!("compression.{target}.level"), level.to_string());
            for limit in [size - 1, size] {
                let (name, limit) = (format!("~{target}-{level}-{limit}"), limit.to_string());
                let settings = [("compression.type", target), (&key, &level), ("max.message.bytes", &limit)];
                k.topic(&name, &settings);
                k.one(9, 1, &name, &sent);
            }
        }
    });
    theme.case("a batch larger than a segment", |k| {
        k.topic("~t", &[("segment.bytes", "1048576"), ("max.message.bytes", "2000000")]);
        k.produce(9, 1, "~t", vec![(0, batch([record(&"x".repeat(1 << 20))]).into()), (1, ok())]);
        k.produce(9, 1, "~t", vec![(0, batch([record(&"x".repeat(1 << 20))]).codec(1).into()), (1, ok())]);
        k.log("~t");
    });
    for codec in 1..=4_i16 {
        theme.case(format!("{} by version", NAMES[codec as usize]), move |k| {
            k.topic("~t", &[]);
            for version in 3..=12 {
                k.produce(version, 1, "~t", vec![(0, good().codec(codec).into()), (1, ok())]);
            }
            k.produce(6, 0, "~t", vec![(0, good().codec(codec).into()), (1, ok())]);
            k.log("~t");
        });
    }
    for topic in ["uncompressed", "gzip", "snappy", "lz4", "zstd", "producer"] {
        theme.case(format!("a topic that is {topic}"), move |k| {
            k.topic("~t", &[("compression.type", topic)]);
            for codec in 0..=4 {
                k.one(9, 1, "~t", large().codec(codec));
                k.one(9, 1, "~t", large().producer(4_000, 2, i32::from(codec) * 2).codec(codec));
            }
            k.log("~t");
        });
    }
    for codec in 5..=7 {
        theme.case(format!("codec {codec}"), move |k| {
            k.topic("~t", &[]);
            let of = || -> Value { good().codec(codec).payload("zeros", vec![0; 9]).into() };
            k.produce(6, 1, "~t", vec![(0, of()), (1, ok())]);
            k.produce(9, 1, "~t", vec![(0, of()), (1, ok())]);
            k.produce(9, 2, "~t", vec![(0, of()), (1, ok())]);
            k.produce(9, 0, "~t", vec![(0, of()), (1, ok())]);
            k.log("~t");
        });
    }
    for codec in 1..=4_i16 {
        theme.case(format!("{} that cannot be read", NAMES[codec as usize]), move |k| broken(k, codec));
        theme.case(format!("{} broken at its end", NAMES[codec as usize]), move |k| ends(k, codec));
        theme.case(format!("{} of nothing", NAMES[codec as usize]), move |k| {
            k.topic("~t", &[]);
            k.produce(9, 1, "~t", vec![(0, good().codec(codec).payload("empty", vec![]).into()), (1, ok())]);
            k.log("~t");
        });
    }
    theme.case("a compacted topic and keys", |k| {
        k.topic("~t", &[("cleanup.policy", "compact")]);
        for codec in 0..=4 {
            k.one(9, 1, "~t", batch([record("x").key(None)]).codec(codec));
            k.one(9, 1, "~t", batch([record("x").null()]).codec(codec));
        }
        k.log("~t");
    });
}

fn broken(k: &mut Session<'_>, codec: i16) {
    k.topic("~t", &[]);
    let zeros = || good().codec(codec).payload("zeros", vec![0; 30]);
    let plain = || good().codec(codec).payload("plain", good().plain());
    k.produce(9, 1, "~t", vec![(0, zeros().into()), (1, ok())]);
    k.produce(9, 1, "~t", vec![(0, plain().into()), (1, ok())]);
    k.produce(9, 0, "~t", vec![(0, zeros().into()), (1, ok())]);
    let other = compress(codec % 4 + 1, &good().plain());
    k.produce(
        9,
        1,
        "~t",
        vec![(0, good().codec(codec).payload("of another codec", other).into()), (1, ok())],
    );
    k.log("~t");
}

fn ends(k: &mut Session<'_>, codec: i16) {
    k.topic("~t", &[]);
    let payload = compress(codec, &good().plain());
    for cut in [1, 3, payload.len() / 2] {
        let short = payload[..payload.len() - cut].to_vec();
        k.one(9, 1, "~t", good().codec(codec).payload(&format!("without its last {cut} bytes"), short));
    }
    for tail in [&[1_u8, 2, 3][..], &[0, 0, 0, 0]] {
        let long = [&payload[..], tail].concat();
        k.one(9, 1, "~t", good().codec(codec).payload("with bytes behind", long));
    }
    k.one(9, 1, "~t", good().codec(codec).payload("twice", payload.repeat(2)));
    k.log("~t");
}
