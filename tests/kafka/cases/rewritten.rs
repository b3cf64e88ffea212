//! Batches that a topic with a codec of its own writes anew.

use super::Theme;
use crate::wire::{Batch, batch, record};

/// Two records of that codec.
fn two(time: i64, codec: i16) -> Batch {
    batch([record("a").at(time), record("b").at(time + 1)]).codec(codec)
}

pub(super) fn add(theme: &mut Theme) {
    for (target, codecs) in [("gzip", [0, 2]), ("uncompressed", [1, 4])] {
        theme.case(format!("what is odd in a batch, and written anew in {target}"), move |k| {
            k.topic("~t", &[("compression.type", target)]);
            let time = k.now() - 60_000;
            for codec in codecs {
                let odd = |value: &str| record(value).at(time);
                k.one(9, -1, "~t", batch([odd("attributes").attributes(0xf8), odd("b")]).codec(codec));
                k.one(
                    9,
                    -1,
                    "~t",
                    batch([odd("delta").offset_delta(7), odd("b").offset_delta(3)]).codec(codec),
                );
                k.one(
                    9,
                    -1,
                    "~t",
                    batch([odd("header").header("h", None).header("h", Some("x"))]).codec(codec),
                );
                k.one(9, -1, "~t", two(time, codec).with("base_timestamp", time - 5));
                k.one(9, -1, "~t", two(time, codec).with("max_timestamp", 77));
                k.one(9, -1, "~t", two(-1, codec));
                k.one(9, -1, "~t", two(-5, codec));
                k.one(9, -1, "~t", batch([odd("a"), odd("b").at(-5)]).codec(codec));
                k.one(9, -1, "~t", two(time, codec).producer(4_000, -1, 0));
                k.one(9, -1, "~t", two(time, codec).producer(4_000, -2, 0));
                k.one(9, -1, "~t", two(time, codec).producer(4_000, 0, -1));
                k.one(9, -1, "~t", two(time, codec).with("producer_epoch", 5).with("base_sequence", 6));
                k.one(9, -1, "~t", two(time, codec).log_append_time());
                k.one(9, -1, "~t", two(time, codec).with("attributes", i64::from(codec) | 0x40));
                k.one(9, -1, "~t", two(time, codec).with("attributes", i64::from(codec) | 0x4080));
                k.one(9, -1, "~t", two(time, codec).producer(4_000, 0, 0));
                k.one(9, -1, "~t", two(time, codec).producer(4_000, 0, 0));
            }
            k.log_of("~t", &[0]);
        });
    }
    theme.case("a topic of append times writes anew", |k| {
        k.topic("~t", &[("compression.type", "lz4"), ("message.timestamp.type", "LogAppendTime")]);
        let time = k.now() - 60_000;
        for codec in [0, 1, 3] {
            k.one(9, -1, "~t", two(time, codec));
            k.one(9, -1, "~t", two(-5, codec));
            k.one(9, -1, "~t", two(time, codec).log_append_time());
            k.one(9, -1, "~t", batch([record("").key(None).null().at(time)]).codec(codec).log_append_time());
        }
        k.log_of("~t", &[0]);
    });
    theme.case("a record without key and value that claims the time of the broker", |k| {
        k.topic("~t", &[("message.timestamp.type", "LogAppendTime")]);
        let time = k.now() - 60_000;
        for codec in 0..5 {
            k.one(9, -1, "~t", batch([record("").key(None).null().at(time)]).codec(codec).log_append_time());
            k.one(9, -1, "~t", batch([record("").key(Some("")).at(time)]).codec(codec).log_append_time());
        }
    });
}
