//! Transactions on three brokers: who coordinates them, and partitions with several leaders.

use super::Theme;
use crate::fields;
use crate::session::Session;
use crate::wire::{Batch, Value, batch, record};

/// One partition led by each broker, with replicas on all.
const SPREAD: [&[i32]; 3] = [&[1, 2, 3], &[2, 3, 1], &[3, 1, 2]];

/// Id and epoch.
type At = (i64, i16);

/// Opens a producer at the broker that coordinates it.
fn open(k: &mut Session<'_>, coordinator: usize) -> At {
    k.broker(coordinator);
    of(&k.patiently("InitProducerId", 4, &fields! { transactional_id: "~tx" }))
}

fn of(answer: &Value) -> At {
    (answer.get("producer_id").int(), i16::try_from(answer.get("producer_epoch").int()).unwrap_or(-1))
}

fn add_partitions(k: &mut Session<'_>, at: At, partitions: &[i32]) {
    let topics = vec![fields! { name: "~t", partitions: partitions.to_vec() }];
    let body = fields! { transactional_id: "~tx", producer_id: at.0, producer_epoch: at.1, topics: topics };
    k.patiently("AddPartitionsToTxn", 3, &body);
}

fn records(k: &Session<'_>, at: At, sequence: i32) -> Batch {
    batch([record(&sequence.to_string()).at(k.now())]).producer(at.0, at.1, sequence).transactional()
}

/// Writes to partition p at a broker.
fn write(k: &mut Session<'_>, version: i16, (broker, partition): (usize, i32), (at, sequence): (At, i32)) {
    k.broker(broker);
    let row = fields! { index: partition, records: Value::from(records(k, at, sequence)) };
    let topics = vec![fields! { name: "~t", partitions: vec![row] }];
    k.call("Produce", version, fields! { transactional_id: "~tx", acks: -1, topics: topics });
}

fn end(k: &mut Session<'_>, version: i16, at: At, committed: bool) -> Value {
    let body =
        fields! { transactional_id: "~tx", producer_id: at.0, producer_epoch: at.1, committed: committed };
    k.patiently("EndTxn", version, &body)
}

/// The logs at the leaders, when the transaction has ended in all of them.
fn logs(k: &mut Session<'_>, leaders: &[(usize, i32)]) {
    for (broker, partition) in leaders {
        k.broker(*broker);
        k.settled("~t", *partition);
        k.log_of("~t", &[*partition]);
    }
}

/// Every request of a transaction.
fn everything(k: &mut Session<'_>, at: At) {
    for version in [0, 3, 4, 5] {
        k.call("InitProducerId", version, fields! { transactional_id: "~tx" });
    }
    let topics = vec![fields! { name: "~t", partitions: vec![0, 1] }];
    let one = fields! { transactional_id: "~tx", producer_id: at.0, producer_epoch: at.1, topics: topics };
    for version in [0, 3] {
        k.call("AddPartitionsToTxn", version, one.clone());
    }
    k.call("AddPartitionsToTxn", 4, fields! { transactions: vec![one] });
    let body = fields! { transactional_id: "~tx", producer_id: at.0, producer_epoch: at.1, group_id: "~g" };
    for version in [0, 3, 4] {
        k.call("AddOffsetsToTxn", version, body.clone());
    }
    for version in [0, 3, 4, 5] {
        let body =
            fields! { transactional_id: "~tx", producer_id: at.0, producer_epoch: at.1, committed: true };
        k.call("EndTxn", version, body);
    }
}

pub(super) fn add(theme: &mut Theme) {
    for version in [1, 3, 4, 6] {
        theme.case(format!("every broker knows the coordinator, version {version}"), move |k| {
            let ask = |version: i16| match version {
                1..=3 => fields! { key_type: 1_i8, key: "~tx" },
                _ => fields! { key_type: 1_i8, coordinator_keys: vec!["~tx"] },
            };
            for to in [2, 3] {
                k.coordinate("~tx", to);
                for broker in 1..=3 {
                    k.broker(broker);
                    k.call("FindCoordinator", version, ask(version));
                }
            }
        });
    }
    theme.case("requests to a broker that does not coordinate", |k| {
        k.placed("~t", &SPREAD, &[]);
        k.coordinate("~tx", 2);
        let at = open(k, 2);
        for broker in [1, 3] {
            k.broker(broker);
            everything(k, at);
        }
        k.broker(2);
        add_partitions(k, at, &[0]);
        write(k, 9, (1, 0), (at, 0));
        k.broker(2);
        end(k, 4, at, true);
        logs(k, &[(1, 0)]);
    });
    for committed in [true, false] {
        let how = if committed { "committed" } else { "aborted" };
        theme.case(format!("a transaction over three leaders is {how}"), move |k| {
            k.placed("~t", &SPREAD, &[]);
            k.coordinate("~tx", 3);
            let at = open(k, 3);
            add_partitions(k, at, &[0, 1, 2]);
            for (broker, partition) in [(1, 0), (2, 1), (3, 2)] {
                write(k, 9, (broker, partition), (at, 0));
                write(k, 9, (broker, partition), (at, 1));
            }
            k.broker(3);
            end(k, 4, at, committed);
            logs(k, &[(1, 0), (2, 1), (3, 2)]);
        });
        theme.case(format!("a transaction of version 2 over three leaders is {how}"), move |k| {
            k.placed("~t", &SPREAD, &[]);
            k.coordinate("~tx", 2);
            let at = open(k, 2);
            for (broker, partition) in [(1, 0), (2, 1), (3, 2)] {
                write(k, 12, (broker, partition), (at, 0));
                write(k, 12, (broker, partition), (at, 1));
            }
            k.broker(2);
            let next = of(&end(k, 5, at, committed));
            write(k, 12, (1, 0), (next, 0));
            write(k, 12, (3, 2), (at, 2));
            k.broker(2);
            end(k, 5, next, committed);
            logs(k, &[(1, 0), (2, 1), (3, 2)]);
        });
    }
    for version in [9, 11, 12] {
        theme.of_produce(
            version,
            format!("a transaction is written to a broker that does not lead, Produce {version}"),
            move |k| {
                k.placed("~t", &SPREAD, &[]);
                k.coordinate("~tx", 1);
                let at = open(k, 1);
                add_partitions(k, at, &[0, 1]);
                for broker in [3, 2, 1] {
                    write(k, version, (broker, 0), (at, 0));
                }
                k.broker(1);
                end(k, 4, at, true);
                logs(k, &[(1, 0)]);
            },
        );
    }
    theme.case("the coordinator moves within a transaction", |k| {
        k.placed("~t", &SPREAD, &[]);
        k.coordinate("~tx", 2);
        let at = open(k, 2);
        add_partitions(k, at, &[0, 1]);
        write(k, 9, (1, 0), (at, 0));
        k.coordinate("~tx", 3);
        k.broker(2);
        everything(k, at);
        write(k, 9, (1, 0), (at, 1));
        write(k, 9, (2, 1), (at, 0));
        k.broker(3);
        end(k, 4, at, true);
        logs(k, &[(1, 0), (2, 1)]);
        let next = open(k, 3);
        add_partitions(k, next, &[0]);
        write(k, 9, (1, 0), (at, 2));
        write(k, 9, (1, 0), (next, 0));
        k.broker(3);
        end(k, 4, next, false);
        logs(k, &[(1, 0)]);
    });
    theme.case("a leader moves within a transaction", |k| {
        k.placed("~t", &SPREAD, &[]);
        k.coordinate("~tx", 1);
        let at = open(k, 1);
        add_partitions(k, at, &[0, 1]);
        write(k, 9, (1, 0), (at, 0));
        write(k, 9, (2, 1), (at, 0));
        k.lead("~t", 0, 3, &[1, 2, 3]);
        write(k, 9, (1, 0), (at, 1));
        write(k, 9, (3, 0), (at, 0));
        write(k, 9, (3, 0), (at, 1));
        k.broker(1);
        end(k, 4, at, true);
        logs(k, &[(3, 0), (2, 1)]);
    });
    theme.case("a leader is stopped within a transaction", |k| {
        k.placed("~t", &[&[2, 3], &[3, 1]], &[]);
        k.coordinate("~tx", 1);
        let at = open(k, 1);
        add_partitions(k, at, &[0, 1]);
        write(k, 9, (2, 0), (at, 0));
        write(k, 9, (3, 1), (at, 0));
        k.stop(2);
        k.stands("~t", 0, 3, &[3]);
        write(k, 9, (3, 0), (at, 1));
        k.broker(1);
        end(k, 4, at, false);
        logs(k, &[(3, 0), (3, 1)]);
    });
    theme.case("a second producer fences the first at every leader", |k| {
        k.placed("~t", &SPREAD, &[]);
        k.coordinate("~tx", 3);
        let old = open(k, 3);
        add_partitions(k, old, &[0, 1]);
        write(k, 9, (1, 0), (old, 0));
        write(k, 9, (2, 1), (old, 0));
        let new = open(k, 3);
        logs(k, &[(1, 0), (2, 1)]);
        write(k, 9, (1, 0), (old, 1));
        write(k, 12, (2, 1), (old, 1));
        k.broker(3);
        end(k, 4, old, true);
        add_partitions(k, new, &[1]);
        write(k, 9, (2, 1), (new, 0));
        k.broker(3);
        end(k, 4, new, true);
        logs(k, &[(2, 1)]);
    });
}
