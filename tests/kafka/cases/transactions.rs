//! Transactions: commit, abort, fencing, verification, markers in the log, readers of committed records.

use std::thread::sleep;
use std::time::Duration;

use super::Theme;
use crate::fields;
use crate::normal::now;
use crate::session::{Session, produce};
use crate::wire::{Batch, Value, batch, record};

const MAX: i16 = i16::MAX;
const PAUSE: Duration = Duration::from_millis(10);
/// A producer id that was never given out.
const STRANGER: i64 = 7_000_000;
const CONCURRENT: Value = Value::Error(51);

/// A producer id and an epoch.
type Producer = (i64, i16);

fn producer_of(answer: &Value) -> Producer {
    let Value::ProducerId(id) = answer.get("producer_id") else { return (-1, -1) };
    (*id, answer.get("producer_epoch").int() as i16)
}

fn init_of(k: &mut Session<'_>, version: i16, expected: Producer) -> Producer {
    let request = fields! {
        transactional_id: "~tx", transaction_timeout_ms: 60_000, producer_id: expected.0, producer_epoch: expected.1,
    };
    producer_of(&k.call("InitProducerId", version, request))
}

fn init(k: &mut Session<'_>) -> Producer {
    init_of(k, 5, (-1, -1))
}

/// A topic, and a producer of a transactional id.
fn begin(k: &mut Session<'_>) -> Producer {
    k.topic("~t", &[]);
    k.coordinator("~tx");
    init(k)
}

fn of((id, epoch): Producer, sequence: i32) -> Batch {
    // With older times markers would open a new segment, and a fetch ends with its segment.
    batch([record(&format!("{epoch}.{sequence}")).at(now())]).producer(id, epoch, sequence).transactional()
}

/// The first batch of an epoch, of that time.
fn timed((id, epoch): Producer, time: i64) -> Batch {
    batch([record(&format!("{epoch}.0")).at(time)]).producer(id, epoch, 0).transactional()
}

/// Produces to partition 0 with `acks=-1` and a transactional id.
fn send(k: &mut Session<'_>, version: i16, batch: Batch) {
    send_to(k, version, vec![(0, batch.into())]);
}

fn send_to(k: &mut Session<'_>, version: i16, rows: Vec<(i32, Value)>) {
    let Value::Struct(mut body) = produce(version, -1, vec![("~t", rows)]) else { return };
    body.push(("transactional_id".to_owned(), Value::from("~tx")));
    k.call("Produce", version, Value::Struct(body));
}

fn adding(version: i16, (id, epoch): Producer, topics: Vec<(&str, Vec<i32>)>, verify_only: bool) -> Value {
    let topic = |(name, partitions): (&str, Vec<i32>)| {
        let partitions: Vec<_> = partitions.into_iter().map(Value::from).collect();
        fields! { name: name, partitions: partitions }
    };
    let topics: Vec<_> = topics.into_iter().map(topic).collect();
    if version >= 4 {
        let transaction = fields! {
            transactional_id: "~tx", producer_id: id, producer_epoch: epoch, verify_only: verify_only, topics: topics,
        };
        return fields! { transactions: vec![transaction] };
    }
    fields! { transactional_id: "~tx", producer_id: id, producer_epoch: epoch, topics: topics }
}

fn add(k: &mut Session<'_>, version: i16, producer: Producer) {
    k.call("AddPartitionsToTxn", version, adding(version, producer, vec![("~t", vec![0])], false));
}

fn verify(k: &mut Session<'_>, version: i16, producer: Producer) {
    k.call("AddPartitionsToTxn", version, adding(version, producer, vec![("~t", vec![0, 1])], true));
}

/// Waits until the markers are written. Apache Kafka answers before that. A request that changes nothing tells: while
/// they are written it is told to come again, whatever it asks for.
fn settled(k: &mut Session<'_>) {
    let request = fields! {
        transactional_id: "~tx", transaction_timeout_ms: 60_000, producer_id: 987_654_321_i64, producer_epoch: 0_i16,
    };
    while *k.ask("InitProducerId", 5, &request).get("error_code") == CONCURRENT {
        sleep(PAUSE);
    }
}

fn ending((id, epoch): Producer, committed: bool) -> Value {
    fields! { transactional_id: "~tx", producer_id: id, producer_epoch: epoch, committed: committed }
}

fn end(k: &mut Session<'_>, version: i16, producer: Producer, committed: bool) -> Producer {
    let answer = k.call("EndTxn", version, ending(producer, committed));
    settled(k);
    producer_of(&answer)
}

/// What a reader of committed records gets.
fn committed(k: &mut Session<'_>, from: i64) {
    let row = fields! { partition: 0, fetch_offset: from, partition_max_bytes: 1 << 24 };
    let topics = vec![fields! { topic: "~t", partitions: vec![row] }];
    k.call("Fetch", 12, fields! { isolation_level: 1_i8, topics: topics });
}

fn offsets(k: &mut Session<'_>, isolation: i8) {
    for timestamp in [-1_i64, -2, -3, 0] {
        let row = fields! { partition_index: 0, timestamp: timestamp };
        let topics = vec![fields! { name: "~t", partitions: vec![row] }];
        k.call("ListOffsets", 7, fields! { isolation_level: isolation, topics: topics });
    }
}

pub(super) fn add_life(theme: &mut Theme) {
    theme.case("commit and abort with epochs that rise", |k| {
        let mut at = begin(k);
        for committed in [true, false, true] {
            send(k, 12, of(at, 0));
            send(k, 12, of(at, 1));
            at = end(k, 5, at, committed);
        }
        k.log_of("~t", &[0]);
    });
    for version in 0..=4 {
        theme.case(format!("commit and abort with EndTxn of version {version}"), move |k| {
            let at = begin(k);
            for (sequence, committed) in [(0, true), (1, false), (2, true)] {
                add(k, version.min(3), at);
                send(k, 11, of(at, sequence));
                end(k, version, at, committed);
            }
            k.log_of("~t", &[0]);
        });
    }
    for version in 0..=5 {
        theme.case(format!("AddPartitionsToTxn of version {version}"), move |k| {
            let at = begin(k);
            add(k, version, at);
            add(k, version, at);
            let all = vec![("~t", vec![1, 0]), ("~none", vec![0])];
            k.call("AddPartitionsToTxn", version, adding(version, at, all, false));
            let beyond = vec![("~t", vec![0, 9])];
            k.call("AddPartitionsToTxn", version, adding(version, at, beyond, false));
            k.call("AddPartitionsToTxn", version, adding(version, at, vec![("~t", vec![1])], false));
            add(k, version, (at.0, at.1 + 1));
            add(k, version, (STRANGER, at.1));
            verify(k, version.max(4), at);
        });
    }
    theme.case("verification asks and changes nothing", |k| {
        let at = begin(k);
        verify(k, 4, at);
        add(k, 3, at);
        verify(k, 5, at);
        verify(k, 5, (at.0, at.1 + 1));
        verify(k, 5, (STRANGER, at.1));
        let next = end(k, 5, at, true);
        verify(k, 5, at);
        verify(k, 5, next);
    });
    for committed in [true, false] {
        let name = if committed { "commit" } else { "abort" };
        theme.case(format!("{name} twice, and the other after it, with epochs that rise"), move |k| {
            let at = begin(k);
            send(k, 12, of(at, 0));
            let next = end(k, 5, at, committed);
            end(k, 5, at, committed);
            end(k, 5, at, !committed);
            end(k, 5, next, true);
            let next = end(k, 5, next, false);
            end(k, 5, (next.0, next.1 + 1), false);
            k.log_of("~t", &[0]);
        });
        theme.case(format!("{name} twice, and the other after it, with one epoch"), move |k| {
            let at = begin(k);
            add(k, 3, at);
            send(k, 11, of(at, 0));
            end(k, 4, at, committed);
            end(k, 4, at, committed);
            end(k, 4, at, !committed);
            end(k, 4, (at.0, at.1 + 1), committed);
            end(k, 4, (STRANGER, at.1), committed);
            k.log_of("~t", &[0]);
        });
    }
    theme.case("the end of what has not begun", |k| {
        let at = begin(k);
        for version in 0..=5 {
            end(k, version, at, true);
        }
        for version in 0..=4 {
            end(k, version, at, false);
        }
        let next = end(k, 5, at, false);
        end(k, 5, next, true);
        k.log_of("~t", &[0]);
    });
    theme.case("a partition without records gets a marker", |k| {
        let at = begin(k);
        add(k, 3, at);
        end(k, 4, at, true);
        add(k, 3, at);
        let at = end(k, 5, at, false);
        add(k, 4, at);
        end(k, 5, at, true);
        k.log("~t");
        committed(k, 0);
    });
    theme.case("markers take their time from the broker", |k| {
        k.topic("~t", &[("message.timestamp.type", "LogAppendTime")]);
        k.coordinator("~tx");
        let at = init(k);
        send(k, 12, of(at, 0));
        end(k, 5, at, true);
        k.log_of("~t", &[0]);
    });
    theme.case("markers of a topic that is compressed", |k| {
        k.topic("~t", &[("compression.type", "gzip")]);
        k.coordinator("~tx");
        let at = init(k);
        add(k, 3, at);
        end(k, 5, at, true);
        k.log_of("~t", &[0]);
    });
}

pub(super) fn add_fencing(theme: &mut Theme) {
    for version in 0..=5 {
        theme.case(format!("InitProducerId of version {version}"), move |k| {
            k.coordinator("~tx");
            let request =
                |id: &str, timeout: i32| fields! { transactional_id: id, transaction_timeout_ms: timeout };
            for (id, timeout) in [
                ("~tx", 60_000),
                ("~tx", 900_000),
                ("~tx", 900_001),
                ("~tx", 0),
                ("~tx", -1),
                ("", 60_000),
                ("", 0),
            ] {
                k.call("InitProducerId", version, request(id, timeout));
            }
        });
    }
    for version in 3..=5 {
        theme.case(format!("who says who it was, version {version}"), move |k| {
            k.coordinator("~tx");
            let first = init_of(k, version, (-1, -1));
            let second = init_of(k, version, first);
            init_of(k, version, first);
            init_of(k, version, (STRANGER, second.1));
            init_of(k, version, (second.0, 17));
            init_of(k, version, (second.0, -1));
            init_of(k, version, (-1, 3));
            init_of(k, version, second);
            init_of(k, version, first);
            init_of(k, version, (-1, -1));
        });
    }
    theme.case("who says who it was of an id that is new", |k| {
        k.coordinator("~tx");
        init_of(k, 5, (123_456_789, 7));
        init_of(k, 5, (123_456_789, MAX - 1));
    });
    theme.case("a second producer aborts what is open, and fences", |k| {
        let first = begin(k);
        send(k, 12, of(first, 0));
        init(k);
        settled(k);
        let second = init(k);
        send(k, 12, of(first, 1));
        for version in 0..=5 {
            end(k, version, first, true);
            add(k, version, first);
        }
        send(k, 12, of(second, 0));
        committed(k, 0);
        end(k, 5, second, true);
        committed(k, 0);
        k.log_of("~t", &[0]);
    });
    theme.case("a producer that goes on with its own epoch aborts what is open", |k| {
        let first = begin(k);
        send(k, 12, of(first, 0));
        init_of(k, 5, first);
        settled(k);
        init_of(k, 5, first);
        init_of(k, 5, (first.0, first.1 + 1));
        k.log_of("~t", &[0]);
    });
    theme.case("an id that nobody has initialised", |k| {
        k.topic("~t", &[]);
        k.coordinator("~tx");
        for version in [9, 10, 11, 12] {
            send(k, version, of((4_000, 0), 0));
        }
        for version in 0..=5 {
            add(k, version, (4_000, 0));
            k.call("EndTxn", version, ending((4_000, 0), true));
        }
        verify(k, 5, (4_000, 0));
        k.log_of("~t", &[0]);
    });
}

pub(super) fn add_records(theme: &mut Theme) {
    theme.case("records of a partition that was not added", |k| {
        let at = begin(k);
        for version in [3, 8, 9, 10, 11] {
            send(k, version, of(at, 0));
        }
        k.log_of("~t", &[0]);
    });
    theme.case("records of another epoch than the coordinator knows", |k| {
        let at = begin(k);
        for version in [10, 11, 12] {
            send(k, version, of((at.0, at.1 + 1), 0));
            send(k, version, of((STRANGER, at.1), 0));
        }
    });
    theme.case("records of an epoch that is over", |k| {
        let at = begin(k);
        send(k, 12, of(at, 0));
        let next = end(k, 5, at, true);
        for version in [9, 11, 12] {
            send(k, version, of(at, 0));
            send(k, version, of(at, 1));
        }
        send(k, 12, of(next, 0));
    });
    theme.case("sequences within a transaction, and of the next", |k| {
        let at = begin(k);
        for sequence in [3, 0, 2, 1, 1, 0] {
            send(k, 12, of(at, sequence));
        }
        let next = end(k, 5, at, true);
        for sequence in [2, 0, 1] {
            send(k, 12, of(next, sequence));
        }
        k.log_of("~t", &[0]);
    });
    theme.case("sequences of an old client", |k| {
        let at = begin(k);
        add(k, 3, at);
        for sequence in [5, 6, 5] {
            send(k, 11, of(at, sequence));
        }
        end(k, 4, at, false);
        add(k, 3, at);
        for sequence in [0, 9, 7, 6] {
            send(k, 11, of(at, sequence));
        }
        k.log_of("~t", &[0]);
    });
    theme.case("nothing above the lowest sequence that was refused", |k| {
        let at = begin(k);
        send(k, 11, of(at, 2));
        send(k, 11, of(at, 4));
        add(k, 3, at);
        for sequence in [4, 3, 2, 3] {
            send(k, 11, of(at, sequence));
        }
        k.log_of("~t", &[0]);
    });
    theme.case("records without a transaction in the middle of one", |k| {
        let at = begin(k);
        send(k, 12, of(at, 0));
        for (epoch, sequence) in [(at.1, 1), (at.1, 5), (at.1 + 1, 0), (at.1, 0)] {
            k.one(12, -1, "~t", batch([record("plain").at(now())]).producer(at.0, epoch, sequence));
        }
        end(k, 5, at, true);
        k.one(12, -1, "~t", batch([record("plain").at(now())]).producer(at.0, at.1 + 1, 0));
        k.log_of("~t", &[0]);
    });
    theme.case("two producers in one request", |k| {
        let at = begin(k);
        let other = (at.0, at.1 + 1);
        send_to(k, 12, vec![(0, of(at, 0).into()), (1, of(other, 0).into())]);
        send_to(
            k,
            11,
            vec![(0, of(at, 0).into()), (1, of((STRANGER, at.1), 0).into()), (9, of(at, 0).into())],
        );
        let plain = batch([record("plain").at(now())]);
        send_to(k, 12, vec![(0, of(at, 0).into()), (1, plain.into())]);
        end(k, 5, at, true);
        k.log("~t");
    });
    theme.case("rows that fail beside others of a transaction", |k| {
        let at = begin(k);
        let broken = of(at, 0).with("crc", 1);
        send_to(k, 12, vec![(0, of(at, 0).into()), (1, broken.into()), (9, of(at, 0).into())]);
        send_to(k, 11, vec![(0, of(at, 1).into()), (1, of(at, 0).into())]);
        end(k, 5, at, true);
        k.log("~t");
    });
    theme.case("a transaction with acks of one and of none", |k| {
        let at = begin(k);
        add(k, 3, at);
        for (acks, sequence) in [(1, 0), (2, 1), (0, 1)] {
            let Value::Struct(mut body) = produce(11, acks, vec![("~t", vec![(0, of(at, sequence).into())])])
            else {
                return;
            };
            body.push(("transactional_id".to_owned(), Value::from("~tx")));
            if acks == 0 {
                k.send("Produce", 11, Value::Struct(body));
            } else {
                k.call("Produce", 11, Value::Struct(body));
            }
        }
        end(k, 4, at, true);
        k.log_of("~t", &[0]);
    });
    theme.case("what a reader of committed records sees", |k| {
        let first = begin(k);
        // The highest time is asked for, so none of them is left to chance: the last record is newer than the marker.
        let start = k.now();
        committed(k, 0);
        send(k, 12, timed(first, start - 3_000));
        committed(k, 0);
        k.one(12, -1, "~t", batch([record("plain").at(start - 2_000)]));
        committed(k, 0);
        committed(k, 1);
        offsets(k, 0);
        offsets(k, 1);
        let second = end(k, 5, first, false);
        committed(k, 0);
        committed(k, 2);
        committed(k, 3);
        send(k, 12, timed(second, start + 20_000));
        committed(k, 0);
        offsets(k, 1);
        end(k, 5, second, false);
        committed(k, 0);
        committed(k, 4);
        k.log_of("~t", &[0]);
    });
}

fn commit(version: i16, (id, epoch): Producer, group: &str, generation: Option<i32>) -> Value {
    let row = |partition: i32, metadata: &str| {
        fields! { partition_index: partition, committed_offset: 7_i64, committed_metadata: metadata }
    };
    let long = "x".repeat(4_097);
    let topics = vec![
        fields! { name: "~t", partitions: vec![row(0, ""), row(1, &long), row(9, "")] },
        fields! { name: "~none", partitions: vec![row(0, "")] },
    ];
    let body = fields! {
        transactional_id: "~tx", group_id: group, producer_id: id, producer_epoch: epoch, topics: topics,
    };
    let Value::Struct(mut body) = body else { return Value::Null };
    if version >= 3 {
        body.push(("generation_id".to_owned(), Value::from(generation.unwrap_or(-1))));
    }
    Value::Struct(body)
}

fn add_offsets(k: &mut Session<'_>, version: i16, (id, epoch): Producer) {
    let request = fields! { transactional_id: "~tx", producer_id: id, producer_epoch: epoch, group_id: "~g" };
    k.call("AddOffsetsToTxn", version, request);
}

/// Waits until the coordinator of groups can be asked.
fn group(k: &mut Session<'_>) {
    let request = fields! { key_type: 0_i8, key: "~g" };
    while *k.ask("FindCoordinator", 3, &request).get("error_code") != Value::Error(0) {
        sleep(PAUSE);
    }
    let at = (987_654_321, 0);
    loop {
        let answer = k.ask("TxnOffsetCommit", 3, &commit(3, at, "~g", None));
        let rows = answer.get("topics").items()[0].get("partitions").items().to_vec();
        // Not there yet, or still reading its log.
        let busy = [14, 15, 16].map(Value::Error);
        if !rows.iter().any(|row| busy.contains(row.get("error_code"))) {
            return;
        }
        sleep(PAUSE);
    }
}

pub(super) fn add_groups(theme: &mut Theme) {
    for version in 0..=5 {
        theme.case(format!("offsets of a group, version {version}"), move |k| {
            let at = begin(k);
            group(k);
            k.call("TxnOffsetCommit", version, commit(version, at, "~g", None));
            add_offsets(k, version.min(4), at);
            k.call("TxnOffsetCommit", version, commit(version, at, "~g", None));
            k.call("TxnOffsetCommit", version, commit(version, (at.0, at.1 + 1), "~g", None));
            k.call("TxnOffsetCommit", version, commit(version, (STRANGER, at.1), "~g", None));
            k.call("TxnOffsetCommit", version, commit(version, at, "", None));
            if version >= 3 {
                k.call("TxnOffsetCommit", version, commit(version, at, "~g", Some(3)));
            }
            add_offsets(k, version.min(4), (at.0, at.1 + 1));
            add_offsets(k, version.min(4), (STRANGER, at.1));
            let next = end(k, 5, at, true);
            k.call("TxnOffsetCommit", version, commit(version, at, "~g", None));
            k.call("TxnOffsetCommit", version, commit(version, next, "~g", None));
        });
    }
}
