//! Steps in words of their own.

use std::fmt::Write as _;
use std::time::Duration;

use crate::fault::{AfterClose, Condition, Count, Requests};
use crate::id::{BrokerId, FaultIndex, ProducerIndex, TopicIndex, TopicPartition};
use crate::judge::Which;
use crate::plan::{Action, ClusterStep, LinkStep, Purge, TransactionCall};

use super::{Names, quoted, shown};

impl Names {
    pub(super) fn words(&self, action: &Action) -> Option<String> {
        let (producer, sent) = match action {
            Action::Transaction { producer, call: TransactionCall::SendOffsets(sent), .. } => {
                (producer, sent)
            }
            Action::Purge { producer, what } => return Some(self.purged(*producer, *what)),
            Action::Cluster(step) => return Some(self.cluster_words(step)),
            Action::Link(step) => return Some(self.link_words(step)),
            Action::Wait { condition, .. } => return Some(format!("wait {}", self.condition(condition))),
            _ => return None,
        };
        let mut words = "send_offsets ".to_owned();
        if self.several_producers() {
            words.extend([self.producer(*producer), " "]);
        }
        words.extend([&shown(&sent.group), " "]);
        self.partition(&mut words, sent.topic, Which::One(sent.partition));
        let _infallible = write!(words, "@{}", sent.offset);
        Some(words)
    }

    fn purged(&self, producer: ProducerIndex, what: Purge) -> String {
        let mut words = "purge".to_owned();
        if self.several_producers() {
            words.extend([" ", self.producer(producer)]);
        }
        words.push_str(if what.queue { " queue" } else { "" });
        words.push_str(if what.in_flight { " in_flight" } else { "" });
        words
    }

    fn cluster_words(&self, step: &ClusterStep) -> String {
        let at = |partition: &TopicPartition| {
            let mut text = String::new();
            self.partition(&mut text, partition.topic, Which::One(partition.partition));
            text
        };
        let named = |topic: &TopicIndex| self.topics.get(topic.index()).map_or("?", String::as_str);
        match step {
            ClusterStep::Stop(broker) => format!("broker stop {broker}"),
            ClusterStep::Start(broker) => format!("broker start {broker}"),
            ClusterStep::Restart(broker) => format!("broker restart {broker}"),
            ClusterStep::Kill(broker) => format!("broker kill {broker}"),
            ClusterStep::Lead { partition, to, unclean: false } => format!("leader {} {to}", at(partition)),
            ClusterStep::Lead { partition, to, unclean: true } => {
                format!("leader {} {to} unclean", at(partition))
            }
            ClusterStep::InSync { partition, replicas } => {
                let listed: Vec<_> = replicas.iter().map(BrokerId::to_string).collect();
                format!("isr {} {}", at(partition), listed.join(" "))
            }
            ClusterStep::Hold { partition, replica } => {
                format!("replication hold {} {replica}", at(partition))
            }
            ClusterStep::Resume => "replication resume".to_owned(),
            ClusterStep::DeleteTopic(topic) => format!("topic delete {}", named(topic)),
            ClusterStep::RecreateTopic(topic) => format!("topic recreate {}", named(topic)),
            ClusterStep::GrowTopic { topic, partitions } => {
                format!("topic grow {} {partitions}", named(topic))
            }
            ClusterStep::MoveCoordinator { transactional_id, to } => {
                format!("coordinator {} {to}", shown(transactional_id))
            }
            ClusterStep::AdvanceClock(by) => format!("clock advance {}", humane(*by)),
        }
    }

    fn link_words(&self, step: &LinkStep) -> String {
        match step {
            LinkStep::Arm(fault) => format!("arm {}", self.named(*fault)),
            LinkStep::Release(fault) => format!("release {}", self.named(*fault)),
            LinkStep::Heal => "network heal".to_owned(),
            LinkStep::Cut { to_broker, to_client, broker, after_heal } => {
                let mut words = "network cut".to_owned();
                words.push_str(if *to_broker { " to_broker" } else { "" });
                words.push_str(if *to_client { " to_client" } else { "" });
                words.push_str(&of_broker(*broker));
                words.push_str(if *after_heal == AfterClose::Lose { " lose" } else { "" });
                words
            }
            LinkStep::Disconnect { producer, broker } => {
                let mut words = "disconnect".to_owned();
                if let Some(producer) = producer {
                    words.extend([" ", self.producer(*producer)]);
                }
                words.push_str(&of_broker(*broker));
                words
            }
        }
    }

    fn condition(&self, condition: &Condition) -> String {
        let joined = |conditions: &[Condition], with: &str| {
            let each: Vec<_> = conditions.iter().map(|one| self.condition(one)).collect();
            format!("({})", each.join(with))
        };
        match condition {
            Condition::Sent(count) => format!("sent {count}"),
            Condition::Callbacks(count) => format!("callbacks {count}"),
            Condition::Requests(requests) => self.requests(requests),
            Condition::Matched(fault) => format!("matched {}", self.named(*fault)),
            Condition::Fired(fault) => format!("fired {}", self.named(*fault)),
            Condition::Released(fault) => format!("released {}", self.named(*fault)),
            Condition::Quiet(time) => format!("quiet {}", humane(*time)),
            Condition::For(time) | Condition::At(time) => format!("for {}", humane(*time)),
            Condition::All(conditions) => joined(conditions, " and "),
            Condition::Any(conditions) => joined(conditions, " or "),
        }
    }

    fn requests(&self, requests: &Requests) -> String {
        let mut words = format!("requests {}", requests.api.name().unwrap_or("any"));
        if let Some(producer) = requests.producer {
            words.extend([" ", self.producer(producer)]);
        }
        words.push_str(&of_broker(requests.broker));
        let _infallible = match requests.count {
            Count::Total(count) => write!(words, " {count}"),
            Count::More(more) => write!(words, " more {more}"),
        };
        words
    }

    /// A fault by its name where more may follow.
    fn named(&self, fault: FaultIndex) -> String {
        let name = self.fault(fault);
        if name.starts_with('"') { name.to_owned() } else { quoted(name) }
    }
}

fn of_broker(broker: Option<BrokerId>) -> String {
    broker.map_or(String::new(), |broker| format!(" broker {broker}"))
}

/// As people write durations, in hours, minutes and so on: `25h`, `1m30s`.
fn humane(by: Duration) -> String {
    let (seconds, milliseconds) = (by.as_secs(), u64::from(by.subsec_millis()));
    let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s"), (milliseconds, "ms")];
    let mut text = String::new();
    for (number, unit) in parts.iter().filter(|(number, _)| *number > 0) {
        let _infallible = write!(text, "{number}{unit}");
    }
    text
}
