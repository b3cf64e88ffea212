//! Blocks of lanes, and the names that stand in them.

use std::fmt::Write as _;

use crate::id::{ProducerIndex, TopicIndex};
use crate::judge::Which;
use crate::plan::Plan;

use super::line::{Folded, Track};

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

/// The names of topics and producers, ready to be shown.
#[derive(Clone, Debug)]
pub(super) struct Names {
    topics: Vec<String>,
    producers: Vec<String>,
}

impl Names {
    pub(super) fn of(plan: &Plan) -> Self {
        let topics = plan.topics.iter().map(|topic| shown(&topic.name)).collect();
        let producers = plan.producers.iter().map(|producer| shown(&producer.name)).collect();
        Self { topics, producers }
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

/// Words that can stand where a name can.
const RESERVED: &[&str] = &["skipped", "step", "timed_out", "unfinished"];

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
