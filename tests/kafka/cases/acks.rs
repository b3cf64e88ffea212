//! acks=0, connections that are closed and those that stay, requests one after the other.

use super::Theme;
use super::order::{good, ok};
use crate::fields;
use crate::session::produce;
use crate::wire::batch::batches;
use crate::wire::{Value, batch, bytes, record};

/// Makes the records of a row.
type Make = fn() -> Value;

pub(super) fn add(theme: &mut Theme) {
    theme.case("acks 0 stays silent while all is well", |k| {
        k.topic("~t", &[]);
        for version in 3..=12 {
            k.produce(version, 0, "~t", vec![(0, ok()), (1, ok())]);
        }
        k.log("~t");
    });
    let bad: [(&str, Make); 8] = [
        ("a wrong checksum", || good().with("crc", 7).into()),
        ("a base offset", || good().with("base_offset", 7).into()),
        ("two batches", || batches([&good(), &good()])),
        ("no batch", || bytes(b"")),
        ("an unknown codec", || good().codec(5).payload("zeros", vec![0; 9]).into()),
        ("a gap", || good().producer(4_000, 0, 9).into()),
        ("a control batch", || good().control().into()),
        ("a count that is wrong", || good().with("count", 3).into()),
    ];
    for (what, records) in bad {
        theme.case(format!("acks 0 with {what} beside good rows"), move |k| {
            k.topic("~t", &[]);
            k.one(9, 1, "~t", good().producer(4_000, 0, 0));
            k.produce(9, 0, "~t", vec![(0, records()), (1, ok())]);
            k.produce_all(9, 0, vec![("~none", vec![(0, ok())]), ("~t", vec![(1, ok())])]);
            k.produce(9, 0, "~t", vec![(1, ok()), (7, ok())]);
            k.produce(12, 0, "~t", vec![(1, ok()), (0, records())]);
            k.log("~t");
        });
    }
    theme.case("acks 0 with a duplicate is no failure", |k| {
        k.topic("~t", &[]);
        for _ in 0..3 {
            k.one(9, 0, "~t", good().producer(4_000, 0, 0));
        }
        k.one(9, 0, "~t", good().producer(4_000, 0, 2));
        k.one(9, 0, "~t", good().producer(4_000, 0, 1));
        k.log("~t");
    });
    theme.case("acks 0 below the minimum in sync", |k| {
        k.topic("~t", &[("min.insync.replicas", "2")]);
        k.produce(9, 0, "~t", vec![(0, ok())]);
        k.produce(9, 1, "~t", vec![(0, ok())]);
        k.produce(9, -1, "~t", vec![(0, ok())]);
        k.log("~t");
    });
    theme.case("requests behind each other are answered in their order", |k| {
        k.topic("~t", &[]);
        let mut ids = vec![];
        for index in 0..5 {
            let batch = batch([record(&format!("{index}"))]);
            ids.push(k.send("Produce", 9, produce(9, 1, vec![("~t", vec![(0, batch.into())])])));
        }
        for id in ids {
            k.receive("Produce", 9, id);
        }
        k.log("~t");
    });
    theme.case("what stands behind a request that closes the connection is lost", |k| {
        k.topic("~t", &[]);
        let first = k.send("Produce", 9, produce(9, 1, vec![("~t", vec![(0, ok())])]));
        k.send("Produce", 9, produce(9, 0, vec![("~none", vec![(0, ok())])]));
        k.send("Produce", 9, produce(9, 0, vec![("~t", vec![(1, ok())])]));
        k.receive("Produce", 9, first);
        k.receive("Produce", 9, 0);
        k.connection(2);
        k.call("Metadata", 4, fields! {});
        k.log("~t");
    });
    theme.case("versions and apis on one connection", |k| {
        k.topic("~t", &[]);
        k.call("Metadata", 9, fields! {});
        k.one(3, 1, "~t", good());
        k.call("Metadata", 1, fields! { topics: vec![fields! { name: "~t" }] });
        k.one(12, 1, "~t", good());
        k.one(9, 0, "~t", good());
        k.call("InitProducerId", 4, fields! {});
        k.log("~t");
    });
}
