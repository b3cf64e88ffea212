//! Blocks of lanes, and the names that stand in them.

mod told;

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::id::{FaultIndex, ProducerIndex, TopicIndex};
use crate::judge::Which;
use crate::plan::Plan;

use crate::view::folded::Folded;
use crate::view::line::Track;

/// A part of a view.
#[derive(Clone, Debug)]
pub(in crate::view) struct Block {
    pub(in crate::view) name: &'static str,
    /// At least one.
    pub(in crate::view) lanes: Vec<Lane>,
}

/// Entries in their order, under a name; without one where its block has only one lane.
#[derive(Clone, Debug)]
pub(in crate::view) struct Lane {
    pub(in crate::view) label: String,
    pub(in crate::view) style: Style,
    pub(in crate::view) folded: Folded,
}

/// How entries are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::view) enum Style {
    /// One below the other.
    Lines,
    /// One beside the other.
    List,
}

/// The names of topics and producers, and steps in words of their own, ready to be shown.
#[derive(Clone, Debug)]
pub(in crate::view) struct Names {
    topics: Vec<String>,
    producers: Vec<String>,
    faults: Vec<String>,
    /// Each once.
    told: Vec<String>,
    /// By the place of a step in the plan, that of its words.
    told_by: HashMap<usize, u32>,
}

impl Names {
    pub(in crate::view) fn of(plan: &Plan) -> Self {
        let topics = plan.topics.iter().map(|topic| shown(&topic.name)).collect();
        let producers = plan.producers.iter().map(|producer| shown(&producer.name)).collect();
        let faults = plan.faults.iter().map(|rule| fault(&rule.name)).collect();
        let mut names = Self { topics, producers, faults, told: Vec::new(), told_by: HashMap::new() };
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

    /// The place of a step's words; none for one that needs none of its own.
    pub(in crate::view) fn told_by(&self, step: usize) -> Option<u32> {
        self.told_by.get(&step).copied()
    }

    /// A step's words.
    pub(in crate::view) fn told(&self, place: u32) -> &str {
        self.told.get(place as usize).map_or("?", String::as_str)
    }

    /// Whether producers have to be told apart.
    pub(in crate::view) fn several_producers(&self) -> bool {
        self.producers.len() > 1
    }

    pub(in crate::view) fn producer(&self, producer: ProducerIndex) -> &str {
        self.producers.get(producer.index()).map_or("?", String::as_str)
    }

    /// The name of a fault; nothing stands behind it on its line.
    pub(in crate::view) fn fault(&self, fault: FaultIndex) -> &str {
        self.faults.get(fault.index()).map_or("?", String::as_str)
    }

    /// Appends `topic[partition]`.
    pub(in crate::view) fn partition(&self, out: &mut String, topic: TopicIndex, which: Which) {
        out.push_str(self.topics.get(topic.index()).map_or("?", String::as_str));
        let _infallible = match which {
            Which::All => out.write_str("[*]"),
            Which::Unknown => out.write_str("[?]"),
            Which::One(partition) => write!(out, "[{partition}]"),
        };
    }

    /// Appends the track, its producer in front, its thread behind.
    pub(in crate::view) fn track(&self, out: &mut String, track: Track) {
        if let Some(producer) = track.producer {
            out.push_str(self.producer(producer));
        }
        if !track.whole {
            if track.producer.is_some() {
                out.push(' ');
            }
            self.partition(out, track.topic, track.partition);
        }
        if let Some(thread) = track.thread {
            let _infallible = write!(out, " thread {thread}");
        }
    }

    /// The track as the name of a lane.
    pub(in crate::view) fn label(&self, track: Track) -> String {
        let mut label = String::new();
        self.track(&mut label, track);
        label
    }
}

/// Words that can stand where a name can.
const RESERVED: &[&str] =
    &["in_flight", "ok", "queue", "refused", "skipped", "step", "timed_out", "unfinished", "unknown"];

/// A name as it is, where it cannot be read as anything else, or in quotes.
fn shown(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-');
    let starts = name.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    let is_name = starts && name.chars().all(plain) && !RESERVED.contains(&name);
    if is_name { name.to_owned() } else { quoted(name) }
}

/// A fault's name as it is, where everything of it can be seen, or in quotes.
fn fault(name: &str) -> String {
    let seen = |c: char| c.is_alphanumeric() || matches!(c, ' '..='~') && !matches!(c, '"' | '\\');
    let plain = name.chars().all(seen) && name.trim() == name && !name.contains("  ") && !name.is_empty();
    if plain { name.to_owned() } else { quoted(name) }
}

/// In quotes, with everything escaped but letters and digits of any script and what is visible of ASCII.
pub(in crate::view) fn quoted(name: &str) -> String {
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
