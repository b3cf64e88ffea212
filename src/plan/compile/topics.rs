//! The topics of a plan.

use std::sync::Arc;

use crate::diagnostic::{Code, nearest};
use crate::id::{BrokerId, TopicIndex};
use crate::scenario::Field;
use crate::scenario::model::{
    self, BrokerNumber, Form, MAX_PARTITIONS, Map, Name, Raw, Step, Text, TopicStep,
};
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
        self.grown();
        let all: u64 = self.topics.iter().map(|topic| u64::from(topic.partitions)).sum();
        if all > MAX_PARTITIONS {
            let span = scenario.topics.span().unwrap_or_default();
            self.report(self.mistake(
                Code::Limit,
                span,
                format!("{all} partitions in one scenario; it may have at most {MAX_PARTITIONS}"),
            ));
        }
    }

    fn topic(&mut self, field: &Field<Form<Name, model::Topic>>) {
        let Some(topic) = field.get() else { return };
        let written = match &topic.value {
            Form::Short(name) => {
                let name = Spanned::new(name.clone(), topic.span);
                return self.add_topic(&name, &model::Topic::default());
            }
            Form::Long(written) => written,
        };
        match &written.name {
            Field::Given(name) => self.add_topic(name, written),
            Field::Wrong(_) => {}
            Field::Absent => {
                let mistake = self.mistake(Code::Missing, topic.span, "this topic has no name");
                self.report(mistake.help("write 'name: NAME' among its fields"));
            }
        }
    }

    fn add_topic(&mut self, name: &Spanned<Name>, written: &model::Topic) {
        let text: Arc<str> = Arc::from(name.value.0.as_str());
        if let Some(first) = self.topics.iter().find(|topic| topic.name == text).map(|topic| topic.span) {
            let mistake = self.mistake(Code::NameTwice, name.span, format!("a second topic '{text}'"));
            return self.report(mistake.and(first, "the first is here"));
        }
        let partitions = written.partitions.value().map_or(1, |partitions| partitions.0);
        let partitions = u32::try_from(partitions).unwrap_or(u32::MAX);
        let replication_factor = self.replication_factor(&written.replication_factor);
        let leaders = self.leaders(&written.leaders, partitions);
        let config = settings(written.config.value());
        let span = name.span;
        let at_first = partitions;
        self.topics.push(Topic {
            name: text,
            partitions,
            at_first,
            replication_factor,
            leaders,
            config,
            span,
        });
    }

    /// What steps add to topics: the partitions of a topic are all that it has at any time.
    fn grown(&mut self) {
        let brokers = self.brokers();
        for step in self.scenario.steps.value().into_iter().flatten().filter_map(Field::value) {
            let Step::Topic(TopicStep::Grow(grow)) = step else { continue };
            let Some(grow) = grow.value() else { continue };
            let Some(wanted) = grow.partitions.value().and_then(|wanted| u32::try_from(wanted.0).ok()) else {
                continue;
            };
            let only = self.topics.len() == 1;
            let named = |topic: &&mut Topic| match &grow.topic {
                Field::Absent => only,
                field => field.value().is_some_and(|name| *topic.name == name.0),
            };
            for topic in self.topics.iter_mut().filter(named) {
                topic.leaders.extend((topic.partitions..wanted).map(|partition| usual(partition, brokers)));
                topic.partitions = topic.partitions.max(wanted);
            }
        }
    }

    /// How many brokers there are.
    pub(super) fn brokers(&self) -> u32 {
        self.scenario.brokers.value().map_or(1, |brokers| u32::try_from(brokers.0).unwrap_or(u32::MAX))
    }

    fn replication_factor(&mut self, field: &Field<BrokerNumber>) -> u32 {
        let Some(factor) = field.get() else { return 1 };
        let (factor, span) = (u32::try_from(factor.value.0).unwrap_or(u32::MAX), factor.span);
        let brokers = self.brokers();
        if factor > brokers && !matches!(self.scenario.brokers, Field::Wrong(_)) {
            let message = format!("{factor} replicas of each partition, and there {}", count(brokers));
            let mistake = self.mistake(Code::NoReplica, span, message);
            let mistake = match self.scenario.brokers.span() {
                Some(brokers) => mistake.and(brokers, "so many brokers are there"),
                None => mistake.help(format!("write 'brokers: {factor}' at the top")),
            };
            self.report(mistake);
        }
        factor
    }

    /// The leaders as they are written, or one broker after the other.
    fn leaders(&mut self, field: &Field<Vec<Field<BrokerNumber>>>, partitions: u32) -> Vec<BrokerId> {
        let brokers = self.brokers();
        let Some(written) = field.get() else {
            return (0..partitions).map(|partition| usual(partition, brokers)).collect();
        };
        if written.value.len() != partitions as usize {
            let message = format!("{} leaders for {partitions} partitions", written.value.len());
            let mistake = self.mistake(Code::Conflict, written.span, message);
            self.report(mistake.help("write one broker for each partition"));
        }
        let named = written.value.iter().filter_map(|leader| self.broker(leader.get()?));
        named.collect()
    }

    /// A broker that there is.
    pub(super) fn broker(&mut self, number: &Spanned<BrokerNumber>) -> Option<BrokerId> {
        let brokers = self.brokers();
        if number.value.0 > u64::from(brokers) && !matches!(self.scenario.brokers, Field::Wrong(_)) {
            let message = format!("there is no broker {}; there {}", number.value.0, count(brokers));
            let mistake = self.mistake(Code::OutOfRange, number.span, message);
            self.report(match self.scenario.brokers.span() {
                Some(brokers) => mistake.and(brokers, "so many brokers are there"),
                None => mistake.help(format!("write 'brokers: {}' at the top", number.value.0)),
            });
            return None;
        }
        i32::try_from(number.value.0).ok().map(BrokerId)
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
                    self.mistake(Code::Missing, send, "there are several topics; this step names none");
                let name = self.topics.first().map_or("NAME", |topic| &*topic.name);
                let help = format!("name it in a step: 'send: {{count: 10, topic: {name}}}'");
                self.report(mistake.help(help));
                None
            }
            Field::Absent => (!self.topics.is_empty()).then_some(TopicIndex(0)),
        }
    }
}

/// The broker that leads a partition at first, where nothing else is said.
fn usual(partition: u32, brokers: u32) -> BrokerId {
    BrokerId(i32::try_from(partition % brokers + 1).unwrap_or(i32::MAX))
}

fn count(brokers: u32) -> String {
    if brokers == 1 { "is one broker".to_owned() } else { format!("are the brokers 1..{brokers}") }
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
