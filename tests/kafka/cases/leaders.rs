//! Leaders on three brokers: who leads, who led, and what clients are told about it.

use super::Theme;
use super::order::{good, ok};
use crate::fields;
use crate::session::Session;
use crate::wire::{Value, batch, record};

/// One partition led by each broker, with replicas on all.
const SPREAD: [&[i32]; 3] = [&[1, 2, 3], &[2, 3, 1], &[3, 1, 2]];

fn metadata(k: &mut Session<'_>, version: i16) {
    let topics = Value::List(vec![fields! { name: "~t" }]);
    k.call("Metadata", version, fields! { topics: topics, allow_auto_topic_creation: false });
}

/// `ListOffsets` of the end, and Fetch, with an epoch of the leader.
fn read(k: &mut Session<'_>, epoch: i32) {
    let row = fields! { partition_index: 0, current_leader_epoch: epoch, timestamp: -1_i64 };
    k.call("ListOffsets", 5, fields! { topics: vec![fields! { name: "~t", partitions: vec![row] }] });
    let row = fields! { partition: 0, current_leader_epoch: epoch, fetch_offset: 0 };
    k.call("Fetch", 12, fields! { topics: vec![fields! { topic: "~t", partitions: vec![row] }] });
}

pub(super) fn add(theme: &mut Theme) {
    for version in [0, 1, 4, 5, 7, 8, 10, 12, 13] {
        theme.case(format!("metadata of three brokers, version {version}"), move |k| {
            k.placed("~t", &SPREAD, &[]);
            for broker in 1..=3 {
                k.broker(broker);
                metadata(k, version);
            }
        });
    }
    for version in [3, 5, 7, 8, 9, 10, 11, 12, 13] {
        theme.case(format!("produce of version {version} to a broker that does not lead"), move |k| {
            k.placed("~t", &SPREAD, &[]);
            for broker in 1..=3 {
                k.broker(broker);
                k.produce(version, -1, "~t", vec![(0, ok()), (1, ok())]);
            }
            k.broker(1);
            k.log_of("~t", &[0]);
            k.broker(2);
            k.log_of("~t", &[1]);
        });
    }
    theme.case("acks 0 to a broker that does not lead", |k| {
        k.placed("~t", &SPREAD, &[]);
        k.broker(2);
        k.produce(9, 0, "~t", vec![(0, ok()), (1, ok())]);
        k.produce(9, 0, "~t", vec![(1, ok())]);
        k.reaches("~t", 1, 2);
        k.log_of("~t", &[1]);
    });
    theme.case("a broker without a replica", |k| {
        k.placed("~t", &[&[2, 3]], &[]);
        k.broker(1);
        for version in [9, 10, 13] {
            k.one(version, -1, "~t", good());
        }
        read(k, -1);
        read(k, 0);
    });
    theme.case("what is wrong with a batch is not looked at where it does not belong", |k| {
        k.placed("~t", &[&[2, 3]], &[]);
        k.broker(3);
        k.one(9, -1, "~t", good().with("crc", 7));
        k.one(9, -1, "~t", good().with("magic", 1));
        k.one(9, 2, "~t", good());
        k.produce(9, 1, "~t", vec![(0, ok()), (7, ok())]);
    });
    for version in [9, 12, 13] {
        theme.case(format!("produce of version {version} to a leader that was"), move |k| {
            k.placed("~t", &[&[1, 2, 3]], &[]);
            k.broker(1);
            k.one(version, -1, "~t", good());
            k.lead("~t", 0, 2, &[1, 2, 3]);
            k.one(version, -1, "~t", good());
            k.one(version, 0, "~t", good());
            k.broker(2);
            k.one(version, -1, "~t", good());
            k.log_of("~t", &[0]);
            k.lead("~t", 0, 1, &[1, 2, 3]);
            k.one(version, -1, "~t", good());
            k.broker(1);
            k.one(version, -1, "~t", good());
            k.log_of("~t", &[0]);
        });
    }
    theme.case("epochs of leaders", |k| {
        k.placed("~t", &[&[1, 2, 3]], &[]);
        k.broker(1);
        k.one(9, -1, "~t", good());
        for to in [2, 3] {
            k.lead("~t", 0, to, &[1, 2, 3]);
            k.broker(to);
            k.one(9, -1, "~t", good());
        }
        k.replicated("~t", 0, 1, 3);
        for broker in [3, 1] {
            k.broker(broker);
            metadata(k, 9);
            for epoch in [0, 1, 2, 3] {
                read(k, epoch);
            }
        }
    });
    theme.case("offsets are asked of the leader", |k| {
        k.placed("~t", &[&[1, 2]], &[]);
        k.broker(1);
        k.one(9, -1, "~t", batch([record("a").at(5), record("b").at(9)]));
        for (broker, version) in [(2, 1), (2, 4), (2, 7), (2, 9), (3, 4), (1, 4)] {
            k.broker(broker);
            for time in [-1_i64, -2, 6] {
                let row = fields! { partition_index: 0, timestamp: time };
                let topics = vec![fields! { name: "~t", partitions: vec![row] }];
                k.call("ListOffsets", version, fields! { topics: topics });
            }
        }
    });
    theme.case("readers of a follower", |k| {
        k.placed("~t", &[&[1, 2]], &[]);
        k.broker(1);
        k.one(9, -1, "~t", good());
        k.one(9, -1, "~t", good());
        k.replicated("~t", 0, 2, 2);
        for broker in [2, 3] {
            k.broker(broker);
            for version in [4, 10, 11, 12, 13, 16, 17] {
                let row = fields! { partition: 0, fetch_offset: 1 };
                let topic = if version >= 13 {
                    fields! { topic_id: "~t", partitions: vec![row] }
                } else {
                    fields! { topic: "~t", partitions: vec![row] }
                };
                k.call("Fetch", version, fields! { topics: vec![topic] });
            }
        }
    });
    theme.case("the next leader knows the last batches of a producer", |k| {
        k.placed("~t", &[&[1, 2, 3]], &[]);
        let batch = |epoch, sequence| good().producer(4_000, epoch, sequence);
        k.broker(1);
        for sequence in 0..6 {
            k.one(9, -1, "~t", batch(0, sequence));
        }
        k.lead("~t", 0, 2, &[1, 2, 3]);
        k.broker(2);
        for sequence in [5, 1, 0, 7, 6, 6] {
            k.one(9, -1, "~t", batch(0, sequence));
        }
        k.one(9, -1, "~t", batch(1, 0));
        k.lead("~t", 0, 3, &[1, 2, 3]);
        k.broker(3);
        for (epoch, sequence) in [(1, 0), (0, 6), (0, 7), (1, 1), (2, 1), (2, 0)] {
            k.one(9, -1, "~t", batch(epoch, sequence));
        }
        k.log_of("~t", &[0]);
    });
    // What is older than producer.id.expiration.ms is forgotten by a broker that starts.
    theme.case("a leader that is stopped and starts, with old records", |k| stopped(k, 0));
    theme.case("a leader that is stopped and starts", |k| {
        let now = k.now();
        stopped(k, now);
    });
    theme.case("a leader that is killed", |k| {
        k.placed("~t", &[&[2, 3, 1]], &[]);
        k.broker(2);
        k.one(9, -1, "~t", good());
        k.kill(2);
        k.stands("~t", 0, 3, &[1, 3]);
        k.broker(3);
        metadata(k, 9);
        k.one(9, -1, "~t", good());
        k.log_of("~t", &[0]);
    });
    theme.case("nobody leads while the only replica is away", |k| {
        k.placed("~t", &[&[2], &[3]], &[]);
        k.broker(2);
        k.one(9, -1, "~t", good().producer(4_000, 0, 0));
        k.one(9, -1, "~t", good().producer(4_000, 0, 1));
        k.stop(2);
        k.stands("~t", 0, -1, &[]);
        k.broker(1);
        for version in [1, 4, 9, 12] {
            metadata(k, version);
        }
        for version in [9, 10, 13] {
            k.produce(version, -1, "~t", vec![(0, ok()), (1, ok())]);
        }
        read(k, -1);
        k.start(2);
        k.stands("~t", 0, 2, &[2]);
        metadata(k, 9);
        k.broker(2);
        for sequence in [1, 0, 2] {
            k.one(9, -1, "~t", good().producer(4_000, 0, sequence));
        }
        k.log_of("~t", &[0]);
    });
}

/// A leader leaves and comes back, while a producer goes on with records of that time.
fn stopped(k: &mut Session<'_>, time: i64) {
    let records = move |sequence| batch([record("v").at(time)]).producer(4_000, 0, sequence);
    k.placed("~t", &[&[2, 3, 1]], &[]);
    k.broker(2);
    for sequence in 0..3 {
        k.one(9, -1, "~t", records(sequence));
    }
    k.stop(2);
    k.stands("~t", 0, 3, &[1, 3]);
    k.broker(3);
    metadata(k, 9);
    for sequence in [2, 1, 0, 3] {
        k.one(9, -1, "~t", records(sequence));
    }
    k.start(2);
    k.stands("~t", 0, 3, &[1, 2, 3]);
    metadata(k, 9);
    k.lead("~t", 0, 2, &[1, 2, 3]);
    k.broker(2);
    metadata(k, 9);
    for sequence in [3, 2, 4] {
        k.one(9, -1, "~t", records(sequence));
    }
    k.log_of("~t", &[0]);
}
