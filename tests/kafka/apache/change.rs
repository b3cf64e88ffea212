//! What befalls the brokers of a cluster: by signals to their processes, and by what an operator asks of it.

use std::thread::sleep;
use std::time::{Duration, Instant};

use super::node::Node;
use crate::fields;
use crate::session::Change;
use crate::wire::Value;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(20);
const PREFERRED: i8 = 0;
/// The election found the preferred leader leading.
const ELECTION_NOT_NEEDED: i16 = 84;

pub(super) fn make(nodes: &mut [Node], change: &Change<'_>) {
    match change {
        // It gives its leadership away at once, and ends when all other brokers have heard of it.
        Change::Stop(broker) => nodes[broker - 1].end("TERM"),
        Change::Kill(broker) => nodes[broker - 1].end("KILL"),
        Change::Start(broker) => nodes[broker - 1].again().expect("it starts again"),
        // A process that stands still fetches nothing; it is taken for dead after broker.session.timeout.ms only.
        Change::Freeze { broker, .. } => nodes[broker - 1].signal("STOP"),
        Change::Thaw => nodes.iter_mut().filter_map(running).for_each(|node| node.signal("CONT")),
        Change::Lead { topic, partition, to } => lead(nodes, topic, *partition, *to),
        // `transaction.state.log.num.partitions` is 1.
        Change::Coordinate { to, .. } => lead(nodes, "__transaction_state", 0, *to),
    }
}

/// Lets all brokers run again.
pub(super) fn undo(nodes: &mut [Node]) {
    make(nodes, &Change::Thaw);
    for node in nodes.iter_mut() {
        if node.is_ending() {
            node.again().expect("it starts again");
        }
    }
    let all = nodes.len();
    until("all brokers are there", || {
        let there = |node: &Node| {
            let answer = node.ask("Metadata", 12, fields! { topics: Vec::<Value>::new() });
            answer.is_some_and(|answer| answer.get("brokers").items().len() == all)
        };
        nodes.iter().all(there)
    });
}

fn running(node: &mut Node) -> Option<&mut Node> {
    node.runs().then_some(node)
}

/// Makes a replica in sync the leader: it becomes the preferred one, is elected, and the order of the replicas is put
/// back.
fn lead(nodes: &[Node], topic: &str, partition: i32, to: usize) {
    let replicas = || -> Option<Vec<i64>> {
        let request = fields! { topics: vec![fields! { name: topic }], allow_auto_topic_creation: false };
        let answer = nodes[0].ask("Metadata", 12, request)?;
        let rows = answer.get("topics").items().first()?.get("partitions").items().to_vec();
        let row = rows.iter().find(|row| row.get("partition_index").int() == i64::from(partition))?;
        Some(row.get("replica_nodes").items().iter().map(Value::int).collect())
    };
    let assign = |order: &[i64]| {
        let brokers: Vec<_> = order.iter().map(|broker| *broker as i32).collect();
        let row = fields! { partition_index: partition, replicas: brokers };
        let request = fields! { topics: vec![fields! { name: topic, partitions: vec![row] }] };
        let answer = nodes[0].ask("AlterPartitionReassignments", 0, request).expect("an answer");
        assert_eq!(*answer.get("error_code"), Value::Error(0), "{}", answer.line());
        until("the replicas are in order", || replicas().is_some_and(|now| now == order));
    };
    let before = replicas().expect("the topic is there");
    let mut order = before.clone();
    order.sort_by_key(|broker| *broker != to as i64);
    assign(&order);
    let row = fields! { topic: topic, partitions: vec![partition] };
    let request = fields! { election_type: PREFERRED, topic_partitions: vec![row] };
    until("the leader is elected", || {
        let Some(answer) = nodes[0].ask("ElectLeaders", 2, request.clone()) else { return false };
        let rows = answer.get("replica_election_results").items();
        let code = |row: &Value| row.get("partition_result").items()[0].get("error_code").clone();
        rows.iter().all(|row| [Value::Error(0), Value::Error(ELECTION_NOT_NEEDED)].contains(&code(row)))
    });
    assign(&before);
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        sleep(PAUSE);
    }
}
