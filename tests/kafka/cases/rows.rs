//! What each version of Produce says in a row, for success and for every kind of error.

use super::Theme;
use super::order::{good, ok};
use crate::wire::batch::batches;
use crate::wire::{Value, batch, record};

pub(super) fn add(theme: &mut Theme) {
    for version in 3..=13 {
        theme.case(format!("rows of version {version}"), move |k| {
            k.topic("~t", &[]);
            k.topic("~c", &[("cleanup.policy", "compact")]);
            k.produce(version, 1, "~t", vec![(0, ok()), (1, ok())]);
            k.produce(version, -1, "~t", vec![(0, ok()), (1, ok())]);
            k.produce(version, 0, "~t", vec![(0, ok()), (1, ok())]);
            k.produce(version, 1, "~t", vec![(0, good().with("crc", 7).into()), (5, ok())]);
            k.produce(version, 1, "~t", vec![(0, good().with("base_offset", 7).into()), (1, ok())]);
            k.produce(version, 1, "~t", vec![(0, batches([&good(), &good()])), (1, ok())]);
            k.produce(version, 3, "~t", vec![(0, ok()), (1, ok())]);
            let keyless = batch([record("1").key(None), record("2"), record("3").key(None)]);
            k.produce(version, 1, "~c", vec![(0, keyless.into()), (1, ok())]);
            let gap = |sequence| -> Value { good().producer(4_000, 3, sequence).into() };
            k.produce(version, 1, "~t", vec![(0, gap(0)), (1, gap(0))]);
            k.produce(version, 1, "~t", vec![(0, gap(0)), (1, gap(2))]);
            k.produce(version, 1, "~t", vec![(0, good().producer(4_000, 2, 0).into()), (1, gap(1))]);
            k.log("~t");
            k.log("~c");
        });
    }
    for version in [-1, 0, 1, 2, 14, i16::MAX] {
        theme.case(format!("produce of version {version} is not served"), move |k| {
            k.topic("~t", &[]);
            k.produce(version, 1, "~t", vec![(0, ok())]);
            k.produce(version, 0, "~t", vec![(0, ok())]);
            k.log("~t");
        });
    }
    theme.case("an internal topic", |k| {
        // Asking for the coordinator of a group creates it.
        k.produce(9, 1, "__consumer_offsets_~", vec![(0, ok())]);
        k.produce(9, 1, "__cluster_metadata", vec![(0, ok())]);
        k.produce(9, 1, "__cluster_metadata", vec![(0, good().with("crc", 7).into())]);
    });
}
