//! The producers of a plan and their settings.

mod settings;

use std::sync::Arc;

use crate::diagnostic::{Code, Diagnostic};
use crate::id::ProducerIndex;
use crate::scenario::Field;
use crate::scenario::model::{self, ILLEGAL_NAME, Map, Name, Preset, Raw};
use crate::source::{Span, Spanned};

use super::super::plan::{Origin, Producer, Setting};
use super::{Compiler, topics};

pub use settings::refusal;
pub(super) use settings::{TRANSACTIONAL, acks, is_idempotent};

/// The name of the producer of a scenario that names none.
const PRODUCER: &str = "producer";
/// How many producers a scenario may have; each has threads of its own.
const MAX_PRODUCERS: usize = 100;

impl Compiler<'_> {
    pub(super) fn producers(&mut self) {
        let scenario = self.scenario;
        if let (Some(one), Some(several)) = (scenario.producer.span(), scenario.producers.span()) {
            let mistake =
                self.mistake(Code::Conflict, several, "'producers' and 'producer' exclude each other");
            self.report(mistake.and(one, "it is here"));
        }
        self.command_line();
        if scenario.producers.is_absent() {
            let span = scenario.producer.span().unwrap_or_else(|| self.top());
            return self.producer(Arc::from(PRODUCER), span, scenario.producer.value());
        }
        let Some(several) = scenario.producers.get() else { return };
        if several.value.0.is_empty() {
            self.report(self.mistake(Code::Missing, several.span, "'producers' is empty"));
        }
        if several.value.0.len() > MAX_PRODUCERS {
            let message = format!("a scenario has at most {MAX_PRODUCERS} producers");
            return self.report(self.mistake(Code::Limit, several.span, message));
        }
        for (name, producer) in &several.value.0 {
            let Some(name) = name.get() else { continue };
            if !Name::is_legal(&name.value.0) {
                let (wrong, help) = ILLEGAL_NAME;
                let mistake = self.mistake(Code::Name, name.span, format!("'{}' {wrong}", name.value.0));
                self.report(mistake.help(help));
            }
            self.producer(Arc::from(name.value.0.as_str()), name.span, producer.value());
        }
    }

    /// The settings of the command line, which has no place in the file.
    fn command_line(&mut self) {
        for (key, _) in self.options.settings {
            if let Some(why) = settings::refused(key) {
                let mistake =
                    Diagnostic::of_file(Code::RefusedSetting, self.source, settings::message(key, why));
                self.report(mistake.note("it is set on the command line"));
            }
        }
    }

    fn producer(&mut self, name: Arc<str>, span: Span, written: Option<&model::Producer>) {
        let mut config = Config::default();
        let preset = written.and_then(|producer| producer.preset.get());
        if let Some(Spanned { value: Preset::JavaLike, span }) = preset {
            for (key, value) in settings::JAVA_LIKE {
                config.set(key, value, Origin::Preset(*span));
            }
        }
        let one_per_request =
            written.and_then(|producer| producer.one_per_request.get()).filter(|on| on.value);
        if let Some(on) = one_per_request {
            let (key, value) = settings::ONE_PER_REQUEST;
            config.set(key, value, Origin::Preset(on.span));
        }
        self.written_settings(written.and_then(|producer| producer.config.value()), &mut config);
        let allowed = self.options.settings.iter().filter(|(key, _)| settings::refused(key).is_none());
        for (key, value) in allowed {
            config.set(key, value, Origin::CommandLine);
        }
        let one_per_request = one_per_request.is_some();
        let id = config.0.iter().find(|setting| setting.key == settings::TRANSACTIONAL);
        let transactional = id.is_some_and(|id| !id.value.is_empty());
        let config = config.0;
        // Which of them a step opens is known once the steps are.
        let opened_by_step = false;
        self.producers.push(Producer { name, config, one_per_request, transactional, opened_by_step, span });
    }

    fn written_settings(&mut self, written: Option<&Map<Raw>>, config: &mut Config) {
        for (key, value) in written.map(|map| map.0.as_slice()).unwrap_or_default() {
            let (Some(key), Some(value)) = (key.get(), value.get()) else { continue };
            if let Some(why) = settings::refused(&key.value.0) {
                self.report(self.mistake(
                    Code::RefusedSetting,
                    key.span,
                    settings::message(&key.value.0, why),
                ));
                continue;
            }
            let origin = Origin::Scenario { key: key.span, value: value.span };
            config.set(&key.value.0, &value.value.0, origin);
        }
    }

    /// The producer that a step names, or the only one. None where it cannot be told, which has been reported.
    pub(super) fn producer_of(&mut self, named: &Field<Name>, step: Span) -> Option<ProducerIndex> {
        let index = |at: usize| u16::try_from(at).ok().map(ProducerIndex);
        match named {
            Field::Given(name) => {
                let found = self.producers.iter().position(|producer| *producer.name == name.value.0);
                if found.is_none() {
                    let known: Vec<&str> = self.producers.iter().map(|producer| &*producer.name).collect();
                    let mistake = self.mistake(
                        Code::UnknownName,
                        name.span,
                        format!("there is no producer '{}'", name.value.0),
                    );
                    let help = topics::choice(&name.value.0, &known, "producer");
                    self.report(mistake.help(help));
                }
                found.and_then(index)
            }
            Field::Wrong(_) => None,
            Field::Absent if self.producers.len() > 1 => {
                let mistake =
                    self.mistake(Code::Missing, step, "there are several producers; this step names none");
                let named = self.producers.iter().find(|producer| Name::is_legal(&producer.name));
                let name = named.map_or("NAME", |producer| &*producer.name);
                let help =
                    format!("name it in the step: 'send: {{count: 10, producer: {name}}}', 'close: {name}'");
                self.report(mistake.help(help));
                None
            }
            Field::Absent => (!self.producers.is_empty()).then_some(ProducerIndex(0)),
        }
    }
}

/// Settings, each key once; the last wins.
#[derive(Default)]
struct Config(Vec<Setting>);

impl Config {
    fn set(&mut self, key: &str, value: &str, origin: Origin) {
        self.0.retain(|setting| setting.key != key);
        self.0.push(Setting { key: key.to_owned(), value: value.to_owned(), origin });
    }
}
