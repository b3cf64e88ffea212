//! Topics by their ids.

use super::Theme;
use super::order::{good, ok};
use crate::fields;
use crate::wire::batch::batches;

const UNKNOWN: &str = "00000000-0000-0040-0000-000000000007";
const NIL: &str = "";

pub(super) fn add(theme: &mut Theme) {
    theme.case("produce by id", |k| {
        k.topic("~t", &[]);
        k.produce(13, 1, "~t", vec![(0, ok()), (1, ok()), (7, ok())]);
        k.produce_all(13, 1, vec![(UNKNOWN, vec![(0, ok())]), ("~t", vec![(0, ok())])]);
        k.produce_all(13, 1, vec![(NIL, vec![(0, ok())]), ("~t", vec![(0, ok())])]);
        k.produce_all(13, 0, vec![(UNKNOWN, vec![(0, ok())]), ("~t", vec![(0, ok())])]);
        k.produce_all(13, 7, vec![(UNKNOWN, vec![(0, ok())]), ("~t", vec![(0, ok())])]);
        k.produce_all(13, 1, vec![(UNKNOWN, vec![(0, batches([&good(), &good()]))])]);
        k.produce_all(
            13,
            1,
            vec![(UNKNOWN, vec![(0, good().with("magic", 3).into())]), ("~t", vec![(0, ok())])],
        );
        k.log("~t");
    });
    theme.case("metadata by id", |k| {
        k.topic("~t", &[]);
        for version in [12, 13] {
            let by = |id: &str| fields! { topic_id: id, name: crate::wire::Value::Null };
            k.call("Metadata", version, fields! { topics: vec![by("~t")] });
            k.call("Metadata", version, fields! { topics: vec![by(UNKNOWN)] });
            k.call("Metadata", version, fields! { topics: vec![by("~t"), by(UNKNOWN), by("~t")] });
            k.call("Metadata", version, fields! { topics: vec![by(NIL)] });
            k.call("Metadata", version, fields! { topics: vec![by("~t"), by(NIL)] });
            let named = fields! { topic_id: UNKNOWN, name: "~t" };
            k.call("Metadata", version, fields! { topics: vec![named.clone()] });
            k.call("Metadata", version, fields! { topics: vec![named, fields! { name: "~t" }] });
        }
        for version in [10, 11] {
            k.call("Metadata", version, fields! { topics: vec![fields! { topic_id: "~t", name: "~t" }] });
            let nameless = fields! { topic_id: "~t", name: crate::wire::Value::Null };
            k.call("Metadata", version, fields! { topics: vec![nameless] });
            let nothing = fields! { name: crate::wire::Value::Null };
            k.call("Metadata", version, fields! { topics: vec![nothing] });
        }
    });
    theme.case("fetch by id", |k| {
        k.topic("~t", &[]);
        k.one(13, 1, "~t", good());
        for version in 13..=18 {
            for id in ["~t", UNKNOWN, NIL] {
                let row = fields! { partition: 0, fetch_offset: 0 };
                k.call(
                    "Fetch",
                    version,
                    fields! { topics: vec![fields! { topic_id: id, partitions: vec![row] }] },
                );
            }
            let row = |partition: i32| fields! { partition: partition, fetch_offset: 0 };
            let topics = vec![
                fields! { topic_id: UNKNOWN, partitions: vec![row(0)] },
                fields! { topic_id: "~t", partitions: vec![row(0), row(9)] },
            ];
            k.call("Fetch", version, fields! { topics: topics });
        }
    });
}
