//! Transactions: what belongs to one, how it ends, what readers see, who is fenced.

use super::Theme;
use super::order::good;
use crate::fields;
use crate::session::Session;
use crate::wire::{Batch, Value, batch, record};

/// A producer within transactions.
#[derive(Clone, Copy)]
struct Producer {
    id: i64,
    epoch: i16,
    sequence: i32,
    /// The time of its records: older than the markers by days, they would stand in a log segment of their own, and a
    /// Fetch reads one at a time.
    time: i64,
}

impl Producer {
    fn open(k: &mut Session<'_>, version: i16) -> Self {
        k.coordinator("~tx");
        let answer = k.patiently("InitProducerId", version, &fields! { transactional_id: "~tx" });
        Self::of(k, &answer)
    }

    fn of(k: &Session<'_>, answer: &Value) -> Self {
        let epoch = i16::try_from(answer.get("producer_epoch").int()).unwrap_or(-1);
        Self { id: answer.get("producer_id").int(), epoch, sequence: 0, time: k.now() }
    }

    fn batch(&self, sequence: i32) -> Batch {
        batch([record(&sequence.to_string()).at(self.time)])
            .producer(self.id, self.epoch, sequence)
            .transactional()
    }

    fn add(&self, k: &mut Session<'_>, version: i16, partitions: &[i32]) {
        let topics = vec![fields! { name: "~t", partitions: partitions.to_vec() }];
        let body = if version < 4 {
            fields! { transactional_id: "~tx", producer_id: self.id, producer_epoch: self.epoch, topics: topics }
        } else {
            let one = fields! { transactional_id: "~tx", producer_id: self.id, producer_epoch: self.epoch, topics: topics };
            fields! { transactions: vec![one] }
        };
        k.patiently("AddPartitionsToTxn", version, &body);
    }

    fn send(&mut self, k: &mut Session<'_>, version: i16, partition: i32) {
        transact(k, version, "~tx", vec![(partition, self.batch(self.sequence))]);
        self.sequence += 1;
    }

    /// Whether it was answered.
    fn end(&mut self, k: &mut Session<'_>, version: i16, committed: bool) -> bool {
        let body = fields! { transactional_id: "~tx", producer_id: self.id, producer_epoch: self.epoch, committed: committed };
        let answer = k.patiently("EndTxn", version, &body);
        if version >= 5 && *answer.get("error_code") == Value::Error(0) {
            *self = Self::of(k, &answer);
        }
        answer != Value::Null
    }
}

fn transact(k: &mut Session<'_>, version: i16, id: &str, rows: Vec<(i32, Batch)>) {
    let rows: Vec<_> = rows
        .into_iter()
        .map(|(index, batch)| fields! { index: index, records: Value::from(batch) })
        .collect();
    let topics = vec![if version >= 13 {
        fields! { topic_id: "~t", partitions: rows }
    } else {
        fields! { name: "~t", partitions: rows }
    }];
    k.call("Produce", version, fields! { transactional_id: id, acks: -1, topics: topics });
}

/// What each kind of reader sees.
fn readers(k: &mut Session<'_>) {
    for isolation in [0_i8, 1] {
        let rows = vec![fields! { partition: 0, fetch_offset: 0 }, fields! { partition: 1, fetch_offset: 0 }];
        let topics = vec![fields! { topic: "~t", partitions: rows }];
        k.call("Fetch", 12, fields! { isolation_level: isolation, topics: topics });
        let rows = vec![fields! { partition_index: 0, timestamp: -1_i64 }];
        let topics = vec![fields! { name: "~t", partitions: rows }];
        k.call("ListOffsets", 6, fields! { isolation_level: isolation, topics: topics });
    }
}

pub(super) fn add(theme: &mut Theme) {
    for committed in [true, false] {
        let ends = if committed { "commits" } else { "aborts" };
        for (add, produce, end) in
            [(Some(0), 3, 0), (Some(3), 9, 3), (Some(3), 11, 4), (None, 12, 5), (None, 13, 5)]
        {
            theme.case(format!("a transaction that {ends}, Produce {produce}, EndTxn {end}"), move |k| {
                k.topic("~t", &[]);
                let mut producer = Producer::open(k, if end < 3 { 0 } else { 4 });
                for _ in 0..2 {
                    if let Some(version) = add {
                        producer.add(k, version, &[0]);
                    }
                    producer.send(k, produce, 0);
                    producer.send(k, produce, 0);
                    readers(k);
                    producer.end(k, end, committed);
                    k.settled("~t", 0);
                    readers(k);
                }
            });
        }
    }
    for version in 0..=5 {
        theme.case(format!("EndTxn of version {version}, again and without a transaction"), move |k| {
            k.topic("~t", &[]);
            let mut producer = Producer::open(k, 4);
            producer.end(k, version, true);
            producer.end(k, version, false);
            producer.add(k, 3, &[0]);
            producer.send(k, 9, 0);
            // A release that has not this version closes the connection, and the transaction stays open.
            if producer.end(k, version, true) {
                k.settled("~t", 0);
            }
            let Producer { id, epoch, .. } = producer;
            for (id, epoch) in [(id, epoch + 1), (777_000, epoch), (id, -1)] {
                let body = fields! { transactional_id: "~tx", producer_id: id, producer_epoch: epoch, committed: true };
                k.patiently("EndTxn", version, &body);
            }
            let nobody = fields! { transactional_id: "~nobody", producer_id: id, producer_epoch: epoch, committed: true };
            k.call("EndTxn", version, nobody);
        });
    }
    for version in [3, 9, 10, 11, 12, 13] {
        theme.case(format!("a partition that was not added, Produce {version}"), move |k| {
            k.topic("~t", &[]);
            let producer = Producer::open(k, 4);
            transact(k, version, "~tx", vec![(0, producer.batch(0)), (1, producer.batch(5))]);
            transact(k, version, "~other", vec![(0, producer.batch(0))]);
            let stale = Producer { epoch: producer.epoch - 1, ..producer };
            transact(k, version, "~tx", vec![(0, stale.batch(0))]);
            let future = Producer { epoch: producer.epoch + 1, ..producer };
            transact(k, version, "~tx", vec![(0, future.batch(0))]);
            k.one(version, 1, "~t", good());
        });
    }
    theme.case("a second producer fences the first", |k| {
        k.topic("~t", &[]);
        let mut first = Producer::open(k, 4);
        first.add(k, 3, &[0]);
        first.send(k, 9, 0);
        let mut second = Producer::open(k, 4);
        k.settled("~t", 0);
        first.send(k, 9, 0);
        first.add(k, 3, &[0]);
        first.add(k, 0, &[0]);
        first.end(k, 3, true);
        first.end(k, 1, true);
        second.add(k, 3, &[0, 1]);
        second.send(k, 11, 0);
        second.end(k, 4, true);
        k.settled("~t", 0);
        readers(k);
    });
    theme.case("a batch without a transaction while one is open", |k| {
        k.topic("~t", &[]);
        let mut producer = Producer::open(k, 4);
        producer.add(k, 3, &[0]);
        producer.send(k, 9, 0);
        k.one(9, 1, "~t", good().producer(producer.id, producer.epoch, 1));
        k.one(9, 1, "~t", good());
        readers(k);
        producer.end(k, 3, true);
        k.settled("~t", 0);
        readers(k);
    });
    theme.case("sequences inside a transaction", |k| {
        k.topic("~t", &[]);
        let producer = Producer::open(k, 4);
        producer.add(k, 3, &[0]);
        for sequence in [0, 0, 2, 1, 1, 0] {
            transact(k, 11, "~tx", vec![(0, producer.batch(sequence))]);
        }
        readers(k);
    });
    theme.case("two producers in one request", |k| {
        k.topic("~t", &[]);
        let producer = Producer::open(k, 4);
        producer.add(k, 3, &[0, 1]);
        let other = Producer { id: 777_000, ..producer };
        transact(k, 9, "~tx", vec![(0, producer.batch(0)), (1, other.batch(0))]);
        transact(k, 12, "~tx", vec![(0, producer.batch(0)), (1, other.batch(0))]);
    });
    for version in 0..=5 {
        theme.case(format!("AddPartitionsToTxn of version {version}"), move |k| {
            k.topic("~t", &[]);
            let producer = Producer::open(k, 4);
            if version < 4 {
                producer.add(k, version, &[0, 1]);
                producer.add(k, version, &[0, 7]);
                Producer { epoch: producer.epoch - 1, ..producer }.add(k, version, &[0]);
                Producer { epoch: producer.epoch + 1, ..producer }.add(k, version, &[0]);
                Producer { id: 777_000, ..producer }.add(k, version, &[0]);
            } else {
                producer.add(k, version, &[0]);
            }
        });
    }
    for version in 0..=4 {
        theme.case(format!("AddOffsetsToTxn of version {version}"), move |k| {
            let producer = Producer::open(k, 4);
            for (id, epoch) in [(producer.id, producer.epoch), (producer.id, producer.epoch + 1), (777_000, 0)] {
                let body = fields! { transactional_id: "~tx", producer_id: id, producer_epoch: epoch, group_id: "~g" };
                k.patiently("AddOffsetsToTxn", version, &body);
            }
            let empty = fields! { transactional_id: "~tx", producer_id: producer.id, producer_epoch: producer.epoch, group_id: "" };
            k.call("AddOffsetsToTxn", version, empty);
        });
    }
    for version in 0..=5 {
        theme.case(format!("InitProducerId of version {version} within transactions"), move |k| {
            k.coordinator("~tx");
            let body = |timeout: i32| fields! { transactional_id: "~tx", transaction_timeout_ms: timeout };
            for timeout in [60_000, 0, -1, 900_000, 900_001, i32::MAX] {
                k.patiently("InitProducerId", version, &body(timeout));
            }
            if version >= 3 {
                let Producer { id, epoch, .. } = Producer::open(k, version);
                for (id, epoch) in
                    [(id, epoch), (id, epoch), (id, epoch + 7), (777_000, epoch), (id, -1), (-1, epoch)]
                {
                    let body = fields! { transactional_id: "~tx", producer_id: id, producer_epoch: epoch };
                    k.patiently("InitProducerId", version, &body);
                }
            }
        });
    }
}
