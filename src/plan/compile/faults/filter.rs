//! Which requests a fault takes.

use crate::diagnostic::Code;
use crate::fault::{ApiFilter, Filter};
use crate::plan::compile::Compiler;
use crate::plan::compile::producers::{acks, is_idempotent};
use crate::plan::plan::{Action, Producer};
use crate::scenario::Field;
use crate::scenario::model::{self, Listed, On, Range};
use crate::source::{Span, Spanned};
use crate::submissions::Submissions;

use super::{Making, number, word};

impl Compiler<'_> {
    pub(super) fn filter(&mut self, on: &Spanned<On>) -> Filter {
        let api = ApiFilter::named(on.value.word()).unwrap_or(ApiFilter::Any);
        let nothing = model::Filter::default();
        let written = on.value.filter().unwrap_or(&nothing);
        self.narrows(on.value.word(), written);
        let topic = match &written.topic {
            Field::Absent => None,
            named => self.topic_of(named, on.span),
        };
        let only = (self.topics.len() == 1).then_some(crate::id::TopicIndex(0));
        let partition = written.partition.get().and_then(|partition| match topic.or(only) {
            Some(topic) => self.partition_of(&written.partition, topic),
            None => i32::try_from(partition.value.0).ok().map(crate::id::Partition),
        });
        Filter {
            api,
            topic,
            partition,
            submissions: self.named_submissions(&written.message, &written.messages, "carried"),
            attempt: written.attempt.value().map(|attempt| number(attempt.0)),
            producer: match &written.producer {
                Field::Absent => None,
                named => self.producer_of(named, on.span),
            },
            broker: written.broker.get().and_then(|broker| self.broker(broker)),
            nth: written.nth.value().map(|nth| number(nth.0)),
        }
    }

    /// The submissions that `message` or `messages` narrow something to.
    pub(in crate::plan::compile) fn named_submissions(
        &mut self,
        message: &Field<Range>,
        messages: &Field<Listed<Range, Range>>,
        what: &str,
    ) -> Option<Submissions> {
        if let (Some(one), Some(several)) = (message.span(), messages.span()) {
            let mistake =
                self.mistake(Code::Conflict, several, "'messages' and 'message' exclude each other");
            self.report(mistake.and(one, "it is here"));
        }
        if let Some(range) = message.get().filter(|range| range.value.first != range.value.last) {
            let mistake = self.mistake(Code::Conflict, range.span, "'message' names one message");
            self.report(mistake.help("write 'messages: [0..3]' for several"));
        }
        let ranges = match (message.get(), messages.value()) {
            (Some(_), _) => std::slice::from_ref(message),
            (None, Some(ranges)) => ranges.items(),
            (None, None) => return None,
        };
        Some(self.submissions(ranges, what, &mut Vec::new()))
    }

    /// What a kind of request has nothing of cannot narrow it.
    fn narrows(&mut self, api: &str, written: &model::Filter) {
        let has = |names: &[&str]| names.contains(&api);
        let topics = ["produce", "metadata", "add_partitions_to_txn", "txn_offset_commit", "any"];
        let partitions = ["produce", "add_partitions_to_txn", "txn_offset_commit", "any"];
        let records = ["produce", "any"];
        let fields = [
            ("topic", written.topic.span(), has(&topics)),
            ("partition", written.partition.span(), has(&partitions)),
            ("message", written.message.span(), has(&records)),
            ("messages", written.messages.span(), has(&records)),
            ("attempt", written.attempt.span(), has(&records)),
        ];
        for (field, span, has) in fields {
            if let Some(span) = span.filter(|_| !has) {
                let message = format!("'{api}' has no {}", field.trim_end_matches('s'));
                let mistake = self.mistake(Code::Impossible, span, message);
                self.report(mistake.help("narrow it by 'producer', 'broker' or 'nth'"));
            }
        }
    }

    /// The producers whose requests a fault can take.
    pub(super) fn candidates(&self, on: &Filter) -> Vec<&Producer> {
        let is_one = |at: usize| on.producer.is_none_or(|producer| producer.index() == at);
        self.producers
            .iter()
            .enumerate()
            .filter(|(at, _)| is_one(*at))
            .map(|(_, producer)| producer)
            .collect()
    }

    /// Whether all requests that a fault can take are of producers that are so.
    pub(super) fn all_are(&self, on: &Filter, so: impl Fn(&Producer) -> bool) -> bool {
        self.candidates(on).into_iter().all(so)
    }

    /// What is known of every request that a fault can take.
    pub(super) fn known(&self, on: &Filter) -> crate::fault::codes::Facts {
        let candidates = self.candidates(on);
        let first = candidates.first().and_then(|producer| acks(producer));
        let topics = self.topics.iter().enumerate();
        let topics = topics.filter(|(at, _)| on.topic.is_none_or(|topic| topic.index() == *at));
        crate::fault::codes::Facts {
            version: None,
            acks: first.filter(|acks| candidates.iter().all(|other| self::acks(other) == Some(*acks))),
            replicas: topics.map(|(_, topic)| topic.replication_factor).max(),
            producer_id: self.all_are(on, |producer| !is_idempotent(producer)).then_some(false),
            transactional: self.all_are(on, |producer| !producer.transactional).then_some(false),
            whole: None,
        }
    }

    /// With a warm start some of what a fault may ask for has happened before the first step, and nothing of the
    /// scenario makes it happen again.
    pub(super) fn has_happened(&mut self, making: &Making<'_>) {
        let once = matches!(word(making.on), "init_producer_id" | "api_versions" | "connect");
        let cold = self.scenario.start.value() == Some(&model::Start::Cold);
        let alone = self.fault_names.len() == 1;
        let still = !self
            .steps
            .iter()
            .any(|step| matches!(step.action, Action::Cluster(_) | Action::Link(_) | Action::Open { .. }));
        let plain = self.all_are(making.on, |producer| !producer.transactional);
        if once && !cold && alone && still && plain {
            let place = self.place_of_on(making);
            let message =
                format!("'{}' has happened before the first step, and nothing repeats it", word(making.on));
            let mistake = self.mistake(Code::Impossible, place, message);
            self.report(mistake.help("write 'start: cold' at the top"));
        }
    }

    /// The place of a fault's `on`.
    pub(super) fn place_of_on(&self, making: &Making<'_>) -> Span {
        let faults = self.scenario.faults.value();
        let fault = faults.and_then(|faults| faults.get(making.index.index())?.value());
        fault.and_then(|fault| fault.on.span()).unwrap_or(making.span)
    }
}
