//! Blocks of lanes, and the names that stand in them.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::Duration;

use crate::id::{BrokerId, ProducerIndex, TopicIndex, TopicPartition};
use crate::judge::Which;
use crate::plan::{Action, ClusterStep, Plan, TransactionCall};

use super::folded::Folded;
use super::line::Track;

/// A part of a view.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) name: &'static str,
    /// At least one.
    pub(super) lanes: Vec<Lane>,
}

/// Entries in their order, under a name; without one where its block has only one lane.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    pub(super) label: String,
    pub(super) style: Style,
    pub(super) folded: Folded,
}

/// How entries are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// One below the other.
    Lines,
    /// One beside the other.
    List,
}

/// The names of topics and producers, and steps in words of their own, ready to be shown.
#[derive(Clone, Debug)]
pub(super) struct Names {
    topics: Vec<String>,
    producers: Vec<String>,
    /// Each once.
    told: Vec<String>,
    /// By the place of a step in the plan, that of its words.
    told_by: HashMap<usize, u32>,
}

impl Names {
    pub(super) fn of(plan: &Plan) -> Self {
        let topics = plan.topics.iter().map(|topic| shown(&topic.name)).collect();
        let producers = plan.producers.iter().map(|producer| shown(&producer.name)).collect();
        let mut names = Self { topics, producers, told: Vec::new(), told_by: HashMap::new() };
        names.tell(plan);
        names
    }

    /// Puts steps into words that have more than a producer in them.
    fn tell(&mut self, plan: &Plan) {
        let mut places = HashMap::new();
        for (at, step) in plan.steps.iter().enumerate() {
            let Some(words) = self.words(&step.action) else { continue };
            let next = u32::try_from(self.told.len()).unwrap_or(u32::MAX);
            let place = *places.entry(words.clone()).or_insert(next);
            if place == next {
                self.told.push(words);
            }
            self.told_by.insert(at, place);
        }
    }

    fn words(&self, action: &Action) -> Option<String> {
        let (producer, sent) = match action {
            Action::Transaction { producer, call: TransactionCall::SendOffsets(sent), .. } => {
                (producer, sent)
            }
            Action::Cluster(step) => return Some(self.cluster_words(step)),
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
            ClusterStep::MoveCoordinator { transactional_id, to } => {
                format!("coordinator {} {to}", shown(transactional_id))
            }
            ClusterStep::AdvanceClock(by) => format!("clock advance {}", humane(*by)),
        }
    }

    /// The place of a step's words; none for one that needs none of its own.
    pub(super) fn told_by(&self, step: usize) -> Option<u32> {
        self.told_by.get(&step).copied()
    }

    /// A step's words.
    pub(super) fn told(&self, place: u32) -> &str {
        self.told.get(place as usize).map_or("?", String::as_str)
    }

    /// Whether producers have to be told apart.
    pub(super) fn several_producers(&self) -> bool {
        self.producers.len() > 1
    }

    pub(super) fn producer(&self, producer: ProducerIndex) -> &str {
        self.producers.get(producer.index()).map_or("?", String::as_str)
    }

    /// Appends `topic[partition]`.
    pub(super) fn partition(&self, out: &mut String, topic: TopicIndex, which: Which) {
        out.push_str(self.topics.get(topic.index()).map_or("?", String::as_str));
        let _infallible = match which {
            Which::All => out.write_str("[*]"),
            Which::Unknown => out.write_str("[?]"),
            Which::One(partition) => write!(out, "[{partition}]"),
        };
    }

    /// Appends the track, its producer in front.
    pub(super) fn track(&self, out: &mut String, track: Track) {
        if let Some(producer) = track.producer {
            out.push_str(self.producer(producer));
        }
        if !track.whole {
            if track.producer.is_some() {
                out.push(' ');
            }
            self.partition(out, track.topic, track.partition);
        }
    }

    /// The track as the name of a lane.
    pub(super) fn label(&self, track: Track) -> String {
        let mut label = String::new();
        self.track(&mut label, track);
        label
    }
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

/// Words that can stand where a name can.
const RESERVED: &[&str] = &["ok", "refused", "skipped", "step", "timed_out", "unfinished", "unknown"];

/// A name as it is, where it cannot be read as anything else, or in quotes.
fn shown(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-');
    let starts = name.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    let is_name = starts && name.chars().all(plain) && !RESERVED.contains(&name);
    if is_name { name.to_owned() } else { quoted(name) }
}

/// In quotes, with everything escaped but letters and digits of any script and what is visible of ASCII.
pub(super) fn quoted(name: &str) -> String {
    let mut text = String::from("\"");
    for c in name.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            ' ' | '!'..='~' => text.push(c),
            _ if c.is_alphanumeric() => text.push(c),
            _ => text.extend(c.escape_unicode()),
        }
    }
    text.push('"');
    text
}
