//! The topics of a plan.

use std::sync::Arc;

use crate::diagnostic::{Code, nearest};
use crate::id::TopicIndex;
use crate::scenario::Field;
use crate::scenario::model::{Form, MAX_PARTITIONS, Map, Name, Raw, Text};
use crate::source::{Span, Spanned};

use super::super::plan::{Origin, Setting, Topic};
use super::Compiler;

impl Compiler<'_> {
    pub(super) fn topics(&mut self) {
        let scenario = self.scenario;
        if let (Some(one), Some(several)) = (scenario.topic.span(), scenario.topics.span()) {
            let mistake = self.mistake(Code::Conflict, several, "'topics' and 'topic' exclude each other");
            self.report(mistake.and(one, "it is here"));
        }
        if scenario.topic.is_absent() && scenario.topics.is_absent() {
            let mistake = self.mistake(Code::Missing, self.top(), "this scenario names no topic");
            self.report(mistake.help("write 'topic: NAME'"));
        }
        self.topic(&scenario.topic);
        let several = scenario.topics.value().map(Vec::as_slice).unwrap_or_default();
        for topic in several {
            self.topic(topic);
        }
        if let (Some(span), true) =
            (scenario.topics.span(), several.is_empty() && scenario.topics.get().is_some())
        {
            self.report(self.mistake(Code::Missing, span, "'topics' is empty"));
        }
        let all: u64 = self.topics.iter().map(|topic| u64::from(topic.partitions)).sum();
        if all > MAX_PARTITIONS {
            let span = scenario.topics.span().unwrap_or_default();
            self.report(self.mistake(
                Code::Limit,
                span,
                format!("{all} partitions in one scenario; it may have at most {MAX_PARTITIONS}"),
            ));
        }
        self.brokers();
    }

    /// More than one broker or replica comes later.
    fn brokers(&mut self) {
        if let Some(brokers) = self.scenario.brokers.get().filter(|brokers| brokers.value.0 > 1) {
            let message = "more than one broker is part of the language, and not built yet";
            self.report(self.mistake(Code::NotYet, brokers.span, message));
        }
    }

    fn topic(&mut self, field: &Field<Form<Name, crate::scenario::model::Topic>>) {
        let Some(topic) = field.get() else { return };
        match &topic.value {
            Form::Short(name) => self.add_topic(&Spanned::new(name.clone(), topic.span), 1, Vec::new()),
            Form::Long(written) => {
                if let Some(factor) = written.replication_factor.get().filter(|factor| factor.value.0 > 1) {
                    let message = "more than one replica is part of the language, and not built yet";
                    self.report(self.mistake(Code::NotYet, factor.span, message));
                }
                let partitions = written.partitions.value().map_or(1, |partitions| partitions.0);
                let config = settings(written.config.value());
                match &written.name {
                    Field::Given(name) => self.add_topic(name, partitions, config),
                    Field::Wrong(_) => {}
                    Field::Absent => {
                        let mistake = self.mistake(Code::Missing, topic.span, "this topic has no name");
                        self.report(mistake.help("write 'name: NAME' among its fields"));
                    }
                }
            }
        }
    }

    fn add_topic(&mut self, name: &Spanned<Name>, partitions: u64, config: Vec<Setting>) {
        let text: Arc<str> = Arc::from(name.value.0.as_str());
        if let Some(first) = self.topics.iter().find(|topic| topic.name == text).map(|topic| topic.span) {
            let mistake = self.mistake(Code::NameTwice, name.span, format!("a second topic '{text}'"));
            return self.report(mistake.and(first, "the first is here"));
        }
        let partitions = u32::try_from(partitions).unwrap_or(u32::MAX);
        self.topics.push(Topic { name: text, partitions, config, span: name.span });
    }

    /// The topic that a send names, or the only one. None where it cannot be told, which has been reported.
    pub(super) fn topic_of(&mut self, named: &Field<Name>, send: Span) -> Option<TopicIndex> {
        let index = |at: usize| u16::try_from(at).ok().map(TopicIndex);
        match named {
            Field::Given(name) => {
                let found = self.topics.iter().position(|topic| *topic.name == name.value.0);
                if found.is_none() {
                    let known: Vec<&str> = self.topics.iter().map(|topic| &*topic.name).collect();
                    let mistake = self.mistake(
                        Code::UnknownName,
                        name.span,
                        format!("there is no topic '{}'", name.value.0),
                    );
                    let help = choice(&name.value.0, &known, "topic");
                    self.report(mistake.help(help));
                }
                found.and_then(index)
            }
            Field::Wrong(_) => None,
            Field::Absent if self.topics.len() > 1 => {
                let mistake =
                    self.mistake(Code::Missing, send, "there are several topics; this send names none");
                let name = self.topics.first().map_or("NAME", |topic| &*topic.name);
                let help = format!("name it in a step: 'send: {{count: 10, topic: {name}}}'");
                self.report(mistake.help(help));
                None
            }
            Field::Absent => (!self.topics.is_empty()).then_some(TopicIndex(0)),
        }
    }
}

/// What might have been meant.
pub(super) fn choice(name: &str, known: &[&str], what: &str) -> String {
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean '{near}'?"),
        None if known.is_empty() => format!("this scenario has no {what}s"),
        None => format!("the {what}s of this scenario are {}", known.join(", ")),
    }
}

/// The pairs of a mapping that are right.
fn settings(map: Option<&Map<Raw>>) -> Vec<Setting> {
    let entries = map.map(|map| map.0.as_slice()).unwrap_or_default();
    let setting = |(key, value): &(Field<Text>, Field<Raw>)| {
        let (key, value) = (key.get()?, value.get()?);
        let origin = Origin::Scenario { key: key.span, value: value.span };
        Some(Setting { key: key.value.0.clone(), value: value.value.0.clone(), origin })
    };
    entries.iter().filter_map(setting).collect()
}
