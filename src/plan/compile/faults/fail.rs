//! A code in place of the broker's answer: which can be, and when.

use kafka_protocol::messages::ApiKey;

use crate::diagnostic::{Code, nearest};
use crate::fault::codes::{self, Phases};
use crate::fault::{Action, ApiFilter, Fail, LeaderHint, MetadataChange, MetadataContent, Phase};
use crate::id::{BrokerId, Partition};
use crate::kafka::ErrorCode;
use crate::plan::compile::Compiler;
use crate::scenario::Field;
use crate::scenario::model::{self, Form, LeaderOf, Number, Reason};
use crate::source::{Span, Spanned};

use super::{Making, number, word};

impl Compiler<'_> {
    pub(super) fn fail(
        &mut self,
        field: &Field<Form<Reason, model::Fail>>,
        making: Making<'_>,
    ) -> Option<Action> {
        let Spanned { value: form, span } = field.get()?;
        let written = match form {
            Form::Short(reason) => {
                let error = Field::Given(Spanned::new(reason.clone(), *span));
                &model::Fail { error, ..model::Fail::default() }
            }
            Form::Long(written) => written,
        };
        if written.error.is_absent() {
            let mistake = self.mistake(Code::Missing, *span, "this does not say which error");
            self.report(mistake.help("write 'fail: {error: CORRUPT_MESSAGE}'"));
        }
        let reason = written.error.get()?;
        let error = self.error(&reason.value.0, reason.span)?;
        let ApiFilter::Api(api) = making.on.api else {
            let message = format!("'{}' has no answer with a code", word(making.on));
            let mistake = self.mistake(Code::Impossible, *span, message);
            self.report(mistake.help("name the kind of request: 'on: produce'"));
            return None;
        };
        let phase = self.phase(api, written, &Spanned::new(error, reason.span))?;
        if let Some(why) = codes::refusal(api, error, phase, &self.known(making.on)) {
            self.impossible(&why, reason.span);
        }
        let records = self.blamed(api, error, written);
        let leader_hint = self.leader_hint(error, &written.leader_hint);
        Some(Action::Fail(Fail { error, phase, records, leader_hint }))
    }

    /// A code of the protocol by its name.
    fn error(&mut self, name: &str, span: Span) -> Option<ErrorCode> {
        let found = ErrorCode::from_name(name).filter(|code| *code != ErrorCode::NONE);
        if found.is_none() {
            let help = match nearest(name, ErrorCode::names()) {
                Some(near) => format!("did you mean '{near}'?"),
                None => "it is a name of Kafka's protocol, such as CORRUPT_MESSAGE".to_owned(),
            };
            let message = format!("there is no code '{name}' that a broker could answer");
            self.report(self.mistake(Code::UnknownExpectation, span, message).help(help));
        }
        found
    }

    /// Whether the request has had its effect, from the code or as it is said.
    fn phase(&mut self, api: ApiKey, written: &model::Fail, error: &Spanned<ErrorCode>) -> Option<Phase> {
        let (own, other) = match api {
            ApiKey::Produce => ((&written.append, "append"), (&written.applied, "applied")),
            _ => ((&written.applied, "applied"), (&written.append, "append")),
        };
        if let Some(span) = other.0.span() {
            let mistake =
                self.mistake(Code::Conflict, span, format!("'{}' is said of other requests", other.1));
            self.report(mistake.help(format!("here it is '{}'", own.1)));
        }
        let said = own.0.value().map(|after| if *after { Phase::After } else { Phase::Before });
        match (codes::phases(api, error.value), said) {
            (Err(why), said) => {
                self.impossible(&why, error.span);
                Some(said.unwrap_or(Phase::Before))
            }
            (Ok(_), Some(said)) => Some(said),
            (Ok(Phases::Only(phase)), None) => Some(phase),
            (Ok(Phases::Either), None) => {
                let message =
                    format!("a broker answers {} before and after it does what is asked", error.value);
                let mistake = self.mistake(Code::Missing, error.span, message);
                let help = format!("say which: 'fail: {{error: {}, {}: false}}'", error.value, own.1);
                self.report(mistake.help(help));
                None
            }
        }
    }

    /// Refused, unless the scenario wants the impossible.
    pub(super) fn impossible(&mut self, why: &str, span: Span) {
        if !self.allows_impossible() {
            let mistake = self.mistake(Code::Impossible, span, why.to_owned());
            self.report(mistake.help("'allow_impossible: true' at the top shows it all the same"));
        }
    }

    pub(in crate::plan::compile) fn allows_impossible(&self) -> bool {
        self.scenario.allow_impossible.value().copied().unwrap_or_default()
    }

    /// The records that the answer names.
    fn blamed(&mut self, api: ApiKey, error: ErrorCode, written: &model::Fail) -> Vec<u32> {
        let Some(records) = written.records.get() else { return Vec::new() };
        let names = matches!(error, ErrorCode::INVALID_RECORD | ErrorCode::INVALID_TIMESTAMP);
        if api != ApiKey::Produce || !names {
            self.impossible(&format!("an answer {error} names no records"), records.span);
        }
        let one = |field: &Field<Number<0, 1_000_000>>| field.value().map(|record| number(record.0));
        records.value.items().iter().filter_map(one).collect()
    }

    fn leader_hint(&mut self, error: ErrorCode, field: &Field<LeaderOf>) -> LeaderHint {
        let Some(hint) = field.get() else { return LeaderHint::Announced };
        if error != ErrorCode::NOT_LEADER_OR_FOLLOWER {
            self.impossible(&format!("an answer {error} names no leader"), hint.span);
        }
        match self.leader(hint) {
            Some(Some(broker)) => LeaderHint::Broker(broker),
            _ => LeaderHint::None,
        }
    }

    /// A broker that there is, or none; none of both where it is wrong.
    #[expect(clippy::option_option, reason = "reported, no leader, or a broker")]
    fn leader(&mut self, written: &Spanned<LeaderOf>) -> Option<Option<BrokerId>> {
        match written.value {
            LeaderOf::None => Some(None),
            LeaderOf::Broker(broker) => {
                self.broker(&Spanned::new(Number(u64::from(broker)), written.span)).map(Some)
            }
        }
    }

    /// What a Metadata answer says otherwise.
    pub(super) fn metadata(&mut self, field: &Field<model::Metadata>) -> Option<Action> {
        let Spanned { value: written, span } = field.get()?;
        let topic = match &written.topic {
            Field::Absent => None,
            named => Some(self.topic_of(named, *span)?),
        };
        let given = [written.error.span(), written.partitions.span(), written.leader.span()];
        if given.iter().flatten().count() != 1 {
            let message = "'metadata' takes exactly one of error, partitions, leader";
            let mistake = self.mistake(Code::Conflict, *span, message);
            self.report(mistake.help("write 'metadata: {leader: none}' or the like"));
        }
        let content = if let Some(error) = written.error.get() {
            let code = self.error(&error.value.0, error.span)?;
            if let Err(why) = codes::phases(ApiKey::Metadata, code) {
                self.impossible(&why, error.span);
            }
            MetadataContent::Error(code)
        } else if let Some(partitions) = written.partitions.value() {
            MetadataContent::Partitions(number(partitions.0))
        } else {
            self.leaders_said(written)?
        };
        Some(Action::Metadata(MetadataChange { topic, content }))
    }

    fn leaders_said(&mut self, written: &model::Metadata) -> Option<MetadataContent> {
        let Spanned { value: form, span } = written.leader.get()?;
        let map = match form {
            Form::Short(LeaderOf::None) => return Some(MetadataContent::NoLeader),
            Form::Short(LeaderOf::Broker(_)) => {
                let mistake =
                    self.mistake(Code::WrongType, *span, "'leader' says which partition a broker leads");
                self.report(mistake.help("write 'leader: {0: 2}' or 'leader: none'"));
                return None;
            }
            Form::Long(map) => map,
        };
        let mut leaders = std::collections::BTreeMap::new();
        for (partition, leader) in &map.0 {
            let (Some(key), Some(leader)) = (partition.get(), leader.get()) else { continue };
            let Ok(partition) = key.value.0.parse::<i32>() else {
                let message = format!("'{}' is no number of a partition", key.value.0);
                self.report(self.mistake(Code::WrongType, key.span, message));
                continue;
            };
            if let Some(leader) = self.leader(leader) {
                leaders.insert(Partition(partition), leader);
            }
        }
        Some(MetadataContent::Leaders(leaders))
    }
}
