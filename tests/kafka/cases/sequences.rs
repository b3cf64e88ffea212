//! Idempotence: duplicates, gaps, epochs, the wrap-around of sequences, state per partition.

use super::Theme;
use super::order::good;
use crate::session::Session;
use crate::wire::{Batch, batch, record};

const MAX: i32 = i32::MAX;

/// A batch of `n` records of producer 4000.
fn of(epoch: i16, sequence: i32, n: usize) -> Batch {
    batch((0..n).map(|i| record(&i.to_string()))).producer(4_000, epoch, sequence)
}

fn send(k: &mut Session<'_>, batches: &[(i16, i32, usize)]) {
    for (epoch, sequence, n) in batches {
        k.one(9, 1, "~t", of(*epoch, *sequence, *n));
    }
}

fn case(theme: &mut Theme, name: &str, batches: &'static [(i16, i32, usize)]) {
    theme.case(name, move |k| {
        k.topic("~t", &[]);
        send(k, batches);
        k.log_of("~t", &[0]);
    });
}

pub(super) fn add(theme: &mut Theme) {
    case(
        theme,
        "the last five batches are recognised, the sixth is not",
        &[
            (0, 0, 2),
            (0, 2, 1),
            (0, 3, 1),
            (0, 4, 3),
            (0, 7, 1),
            (0, 8, 1),
            (0, 8, 1),
            (0, 7, 1),
            (0, 4, 3),
            (0, 3, 1),
            (0, 2, 1),
            (0, 0, 2),
            (0, 9, 1),
            (0, 2, 1),
            (0, 3, 1),
        ],
    );
    case(
        theme,
        "a duplicate must have both ends",
        &[(0, 0, 3), (0, 0, 2), (0, 1, 2), (0, 0, 4), (0, 1, 1), (0, 2, 1), (0, 0, 3), (0, 3, 1)],
    );
    case(
        theme,
        "a gap is refused, and what stands behind it",
        &[(0, 0, 1), (0, 2, 1), (0, 3, 1), (0, 1, 1), (0, 2, 1), (0, 3, 1), (0, 2, 1)],
    );
    case(theme, "a first sequence may be any", &[(0, 77, 1), (0, 77, 1), (0, 78, 1), (0, 0, 1), (0, 76, 1)]);
    case(
        theme,
        "a new epoch begins at 0",
        &[
            (0, 0, 1),
            (1, 1, 1),
            (1, 5, 1),
            (1, 0, 1),
            (0, 1, 1),
            (0, 0, 1),
            (1, 1, 1),
            (1, 0, 1),
            (3, 0, 2),
            (2, 0, 1),
            (1, 1, 1),
            (3, 0, 2),
            (3, 2, 1),
        ],
    );
    case(theme, "a first epoch may be any", &[(7, 0, 1), (6, 0, 1), (7, 1, 1), (8, 2, 1), (8, 0, 1)]);
    case(theme, "the highest epoch", &[(i16::MAX, 0, 1), (i16::MAX, 1, 1), (0, 0, 1), (i16::MAX, 1, 1)]);
    case(
        theme,
        "sequences wrap around between batches",
        &[(0, MAX - 1, 2), (0, 0, 1), (0, 1, 1), (0, MAX - 1, 2), (0, 0, 1), (0, MAX, 1)],
    );
    case(
        theme,
        "sequences wrap around inside a batch",
        &[(0, MAX - 1, 4), (0, 2, 1), (0, MAX - 1, 4), (0, 0, 1), (0, 3, 1)],
    );
    case(
        theme,
        "a new epoch behind a wrap-around",
        &[(0, MAX, 1), (0, 0, 1), (1, 0, 1), (1, 1, 1), (1, MAX, 1)],
    );
    case(theme, "after a wrap-around zero alone goes on", &[(0, MAX, 1), (0, 1, 1), (0, MAX, 2), (0, 0, 1)]);
    case(
        theme,
        "a refused batch changes nothing",
        &[(0, 0, 1), (0, 5, 1), (1, 3, 1), (0, 1, 1), (0, 0, 1), (0, 1, 1)],
    );
    theme.case("state belongs to a partition", |k| {
        k.topic("~t", &[]);
        k.produce(9, 1, "~t", vec![(0, of(0, 0, 1).into()), (1, of(4, 9, 1).into())]);
        k.produce(9, 1, "~t", vec![(0, of(0, 1, 1).into()), (1, of(4, 10, 1).into())]);
        k.produce(9, 1, "~t", vec![(0, of(0, 1, 1).into()), (1, of(0, 11, 1).into())]);
        k.produce(9, 1, "~t", vec![(0, of(4, 9, 1).into()), (1, of(4, 9, 1).into())]);
        k.log("~t");
    });
    theme.case("state belongs to a producer", |k| {
        k.topic("~t", &[]);
        for id in [4_000, 4_001, 4_000, 4_002, 4_001] {
            k.one(9, 1, "~t", good().producer(id, 0, 0));
        }
        k.one(9, 1, "~t", good().producer(4_001, 0, 1));
        k.one(9, 1, "~t", good());
        k.one(9, 1, "~t", good().producer(4_000, 0, 1));
        k.log_of("~t", &[0]);
    });
    for version in [3, 7, 8, 12] {
        theme.case(format!("a duplicate tells the greatest timestamp, version {version}"), move |k| {
            k.topic("~t", &[]);
            let batch =
                batch([record("1").at(30), record("2").at(70), record("3").at(50)]).producer(4_000, 0, 0);
            k.one(version, 1, "~t", &batch);
            k.one(version, -1, "~t", &batch);
            k.one(version, 1, "~t", of(0, 0, 3));
            k.one(version, 0, "~t", of(0, 0, 3));
            k.log_of("~t", &[0]);
        });
    }
    theme.case("a duplicate on a topic of append times", |k| {
        k.topic("~t", &[("message.timestamp.type", "LogAppendTime")]);
        send(k, &[(0, 0, 2), (0, 0, 2), (0, 2, 1), (0, 0, 2), (0, 2, 1)]);
        k.log_of("~t", &[0]);
    });
    theme.case("a duplicate of a compressed batch", |k| {
        k.topic("~t", &[("compression.type", "gzip")]);
        k.one(9, 1, "~t", of(0, 0, 2).codec(4));
        k.one(9, 1, "~t", of(0, 0, 2).codec(2));
        k.one(9, 1, "~t", of(0, 2, 2));
        k.one(9, 1, "~t", of(0, 2, 2));
        k.log_of("~t", &[0]);
    });
    theme.case("a negative sequence of a producer", |k| {
        k.topic("~t", &[]);
        send(k, &[(0, 0, 1), (0, -1, 1), (0, -5, 1), (1, -1, 1), (0, 1, 1)]);
        k.log_of("~t", &[0]);
    });
    theme.case("an epoch below zero", |k| {
        k.topic("~t", &[]);
        send(k, &[(-1, 0, 1), (-1, 1, 1), (0, 5, 1), (0, 0, 1), (-1, 2, 1), (-2, 0, 1)]);
        k.log_of("~t", &[0]);
    });
    theme.case("many producers at once", |k| {
        k.topic("~t", &[]);
        for sequence in 0..7 {
            for id in 4_000..4_004 {
                k.one(9, -1, "~t", good().producer(id, 0, sequence));
            }
        }
        for id in 4_000..4_004 {
            k.one(9, -1, "~t", good().producer(id, 0, 1));
            k.one(9, -1, "~t", good().producer(id, 0, 2));
        }
    });
    theme.case("producer ids that were given out", |k| {
        k.topic("~t", &[]);
        let first = k.call("InitProducerId", 4, crate::fields! {}).get("producer_id").int();
        let second = k.call("InitProducerId", 4, crate::fields! {}).get("producer_id").int();
        for (id, sequence) in [(first, 0), (second, 0), (first, 1), (first, 0), (second, 2)] {
            k.one(9, -1, "~t", good().producer(id, 0, sequence));
        }
        k.log_of("~t", &[0]);
    });
    theme.case("two connections with one producer", |k| {
        k.topic("~t", &[]);
        for (number, sequence) in [(1, 0), (2, 1), (1, 2), (2, 2), (1, 4), (2, 3), (1, 4)] {
            k.connection(number);
            send(k, &[(0, sequence, 1)]);
        }
        k.log_of("~t", &[0]);
    });
}
