//! What a case does to a cluster of several brokers, and the events that it waits for.

use std::collections::BTreeSet;
use std::thread::sleep;

use super::{PAUSE, Session};
use crate::fields;
use crate::wire::Value;

/// What befalls a cluster. Brokers count from 1.
#[derive(Debug)]
pub(crate) enum Change<'a> {
    /// A broker is stopped by its operator.
    Stop(usize),
    /// A broker's process is killed.
    Kill(usize),
    /// A broker that was stopped or killed starts.
    Start(usize),
    /// A broker gets no more records of these partitions, and stays in sync.
    Freeze { broker: usize, partitions: &'a [(String, i32)] },
    /// All brokers get records again.
    Thaw,
    /// A replica in sync becomes the leader.
    Lead { topic: &'a str, partition: i32, to: usize },
    /// A broker becomes the coordinator of a transactional id.
    Coordinate { id: &'a str, to: usize },
}

/// Longer than a broker is taken for alive that is not.
const ASKS: u32 = 3_000;
const UNKNOWN_TOPIC_OR_PARTITION: Value = Value::Error(3);
const NOT_LEADER_OR_FOLLOWER: Value = Value::Error(6);
const NOT_COORDINATOR: Value = Value::Error(16);
const OFFSET_NOT_AVAILABLE: Value = Value::Error(78);
const INVALID_PRODUCER_ID_MAPPING: Value = Value::Error(49);

impl Session<'_> {
    /// Goes on at another broker, on the first connection to it.
    pub(crate) fn broker(&mut self, id: usize) {
        self.current = (id, 1);
        self.say(&format!("broker {id}"));
    }

    /// Goes on with another connection to a broker.
    pub(crate) fn broker_by(&mut self, id: usize, connection: u32) {
        self.current = (id, connection);
        self.say(&format!("broker {id}, connection {connection}"));
    }

    /// Does something at another broker that is not written down.
    fn at<T>(&mut self, broker: usize, act: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.current, (broker, 0));
        let done = act(self);
        self.current = before;
        done
    }

    /// The brokers that run.
    fn running(&self) -> Vec<usize> {
        (1..=self.world.addresses().len()).filter(|broker| !self.absent.contains(broker)).collect()
    }

    /// Creates a topic on these brokers, the leaders first, and waits until all know it.
    pub(crate) fn placed(&mut self, name: &str, replicas: &[&[i32]], settings: &[(&str, &str)]) {
        let text: Vec<_> = settings.iter().map(|(key, value)| format!(" {key}={value}")).collect();
        self.say(&format!("topic {name} on {replicas:?}{}", text.concat()));
        let rows = replicas.iter().zip(0..).map(|(brokers, index)| {
            fields! { partition_index: index, broker_ids: brokers.to_vec() }
        });
        let configs: Vec<_> =
            settings.iter().map(|(key, value)| fields! { name: *key, value: *value }).collect();
        let topic = fields! {
            name: name, num_partitions: -1, replication_factor: -1_i16,
            assignments: rows.collect::<Vec<_>>(), configs: configs,
        };
        let answer = self.at(1, |k| k.ask("CreateTopics", 7, &fields! { topics: vec![topic] }));
        let row = &answer.get("topics").items()[0];
        assert_eq!(*row.get("error_code"), Value::Error(0), "{}", answer.line());
        for (brokers, index) in replicas.iter().zip(0..) {
            self.partitions.push((name.to_owned(), index));
            self.stands(name, index, brokers[0], brokers);
        }
    }

    /// Waits until every broker that runs knows that the partition is led by that broker, and that these are in sync, and
    /// behaves so. Where nobody leads (-1), who counts as in sync is a matter of the release.
    pub(crate) fn stands(&mut self, topic: &str, partition: i32, leader: i32, in_sync: &[i32]) {
        let expected: BTreeSet<_> = in_sync.iter().copied().map(i64::from).collect();
        let mut seen = String::new();
        for _ in 0..ASKS {
            let mut all = true;
            for broker in self.running() {
                let row = self.at(broker, |k| k.partition(topic, partition));
                seen = row.line();
                let in_sync: BTreeSet<_> = row.get("isr_nodes").items().iter().map(Value::int).collect();
                all &= row != Value::Null
                    && row.get("leader_id").int() == i64::from(leader)
                    && (leader < 0 || in_sync == expected && self.leads(broker, (topic, partition), &row));
            }
            if all {
                return;
            }
            sleep(PAUSE);
        }
        panic!("{topic}[{partition}] is not led by {leader} with {in_sync:?} in sync: {seen}");
    }

    /// A row of Metadata; null while a broker is listed that is to end: who is stopped gives its leadership away first. It
    /// stays until all other brokers have heard of that, which one that stands still does not.
    fn partition(&mut self, topic: &str, partition: i32) -> Value {
        let request = fields! { topics: vec![fields! { name: topic }], allow_auto_topic_creation: false };
        let answer = self.ask("Metadata", 12, &request);
        let ended = |broker: &Value| self.absent.contains(&(broker.get("node_id").int() as usize));
        if self.frozen.is_empty() && answer.get("brokers").items().iter().any(ended) {
            return Value::Null;
        }
        let rows = answer.get("topics").items()[0].get("partitions").items().to_vec();
        let own = |row: &Value| row.get("partition_index").int() == i64::from(partition);
        rows.into_iter().find(own).unwrap_or(Value::Null)
    }

    /// Whether a broker knows of itself that it leads in that epoch, or that it does not.
    fn leads(&mut self, broker: usize, (topic, partition): (&str, i32), row: &Value) -> bool {
        let epoch = row.get("leader_epoch").int() as i32;
        let asked = fields! { partition_index: partition, current_leader_epoch: epoch, timestamp: -1_i64 };
        let request = fields! { topics: vec![fields! { name: topic, partitions: vec![asked] }] };
        let answer = self.at(broker, |k| k.ask("ListOffsets", 5, &request));
        let code = answer.get("topics").items()[0].get("partitions").items()[0].get("error_code").clone();
        if row.get("leader_id").int() == broker as i64 {
            // A new leader may know of no high watermark yet.
            [Value::Error(0), OFFSET_NOT_AVAILABLE].contains(&code)
        } else {
            [UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER_OR_FOLLOWER].contains(&code)
        }
    }

    /// Waits until the high watermark of a partition is there, at its leader.
    pub(crate) fn reaches(&mut self, topic: &str, partition: i32, offset: i64) {
        self.ends(topic, partition, offset, -1);
    }

    /// Waits until the log of a partition ends there at its leader, whether it is replicated or not.
    pub(crate) fn appended(&mut self, topic: &str, partition: i32, offset: i64) {
        const DEBUGGING: i32 = -2;
        self.ends(topic, partition, offset, DEBUGGING);
    }

    fn ends(&mut self, topic: &str, partition: i32, offset: i64, replica: i32) {
        let broker = self.at(1, |k| k.partition(topic, partition)).get("leader_id").int() as usize;
        let row = fields! { partition_index: partition, timestamp: -1_i64 };
        let request =
            fields! { replica_id: replica, topics: vec![fields! { name: topic, partitions: vec![row] }] };
        let mut seen = Value::Null;
        for _ in 0..ASKS {
            let answer = self.at(broker, |k| k.ask("ListOffsets", 5, &request));
            seen = answer.get("topics").items()[0].get("partitions").items()[0].clone();
            if (seen.get("error_code"), seen.get("offset").int()) == (&Value::Error(0), offset) {
                return;
            }
            sleep(PAUSE);
        }
        panic!("{topic}[{partition}] does not reach {offset}: {}", seen.line());
    }

    /// Waits until a follower knows that high watermark.
    pub(crate) fn replicated(&mut self, topic: &str, partition: i32, broker: usize, offset: i64) {
        let row = fields! { partition: partition, fetch_offset: 0 };
        let request = fields! { topics: vec![fields! { topic: topic, partitions: vec![row] }] };
        for _ in 0..ASKS {
            let answer = self.at(broker, |k| k.ask("Fetch", 12, &request));
            let row = answer.get("topics").items()[0].get("partitions").items()[0].clone();
            if row.get("high_watermark").int() == offset {
                return;
            }
            sleep(PAUSE);
        }
        panic!("broker {broker} does not know that {topic}[{partition}] is replicated up to {offset}");
    }

    /// Waits until no broker that runs knows the topic.
    pub(crate) fn forgotten(&mut self, topic: &str) {
        for _ in 0..ASKS {
            let request = fields! { topics: vec![fields! { name: topic }], allow_auto_topic_creation: false };
            let code = |k: &mut Self| {
                k.ask("Metadata", 12, &request).get("topics").items()[0].get("error_code").clone()
            };
            if self.running().into_iter().all(|id| self.at(id, code) == UNKNOWN_TOPIC_OR_PARTITION) {
                return;
            }
            sleep(PAUSE);
        }
        panic!("{topic} is still known");
    }

    fn change(&mut self, line: &str, change: &Change<'_>) {
        self.say(line);
        self.world.change(change);
    }

    /// Stops a broker as its operator would.
    pub(crate) fn stop(&mut self, id: usize) {
        self.leave(id);
        self.change(&format!("broker {id} is stopped"), &Change::Stop(id));
    }

    /// Kills a broker.
    pub(crate) fn kill(&mut self, id: usize) {
        self.leave(id);
        self.change(&format!("broker {id} is killed"), &Change::Kill(id));
    }

    fn leave(&mut self, id: usize) {
        self.absent.insert(id);
        self.connections.retain(|(broker, _), _| *broker != id);
    }

    /// Starts a broker that was stopped or killed.
    pub(crate) fn start(&mut self, id: usize) {
        self.change(&format!("broker {id} starts"), &Change::Start(id));
        self.absent.remove(&id);
    }

    /// Keeps further records from a broker. What follows must be over before it is taken for dead.
    pub(crate) fn freeze(&mut self, broker: usize) {
        let full = |(name, index): &(String, i32)| (self.normal.full(name), *index);
        let partitions: Vec<_> = self.partitions.iter().map(full).collect();
        self.change(
            &format!("broker {broker} stands still"),
            &Change::Freeze { broker, partitions: &partitions },
        );
        self.absent.insert(broker);
        self.frozen.insert(broker);
    }

    /// Lets every broker have records again.
    pub(crate) fn thaw(&mut self) {
        self.change("all brokers go on", &Change::Thaw);
        for broker in std::mem::take(&mut self.frozen) {
            self.absent.remove(&broker);
        }
    }

    /// Makes a broker the leader, and waits until all brokers know it.
    pub(crate) fn lead(&mut self, topic: &str, partition: i32, to: usize, in_sync: &[i32]) {
        let full = self.normal.full(topic);
        self.change(
            &format!("{topic}[{partition}] moves to {to}"),
            &Change::Lead { topic: &full, partition, to },
        );
        self.stands(topic, partition, to as i32, in_sync);
    }

    /// Makes a broker the coordinator of a transactional id, and waits until all brokers know it and it can be asked.
    pub(crate) fn coordinate(&mut self, id: &str, to: usize) {
        self.at(1, |k| k.coordinator(id));
        let full = self.normal.full(id);
        self.change(&format!("{to} coordinates {id}"), &Change::Coordinate { id: &full, to });
        // Of nobody's transaction: it changes nothing.
        let nobody =
            fields! { transactional_id: id, producer_id: 888_888_i64, producer_epoch: 0_i16, group_id: "~" };
        let find = fields! { key_type: 1_i8, key: id };
        for _ in 0..ASKS {
            let all = self.running().into_iter().all(|broker| {
                self.at(broker, |k| {
                    let known = k.ask("FindCoordinator", 3, &find).get("node_id").int() == to as i64;
                    let answer = k.ask("AddOffsetsToTxn", 3, &nobody);
                    let own = if broker == to { INVALID_PRODUCER_ID_MAPPING } else { NOT_COORDINATOR };
                    known && *answer.get("error_code") == own
                })
            });
            if all {
                return;
            }
            sleep(PAUSE);
        }
        panic!("{to} does not coordinate {id}");
    }
}
