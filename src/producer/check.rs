//! Whether the client takes a plan's settings, asked before anything runs.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::producer::{BaseProducer, Producer as _};
use rdkafka::types::RDKafkaConfRes;

use crate::diagnostic::{Code, Diagnostic, Label};
use crate::id::ProducerIndex;
use crate::plan::{Origin, Producer, Setting, Settings};
use crate::source::{Source, Span};

use super::context::Context;
use super::native::Topic;
use super::settings::{self, canonical};

/// How many lists of settings are remembered as accepted.
const REMEMBERED: usize = 256;

/// Lists of settings that librdkafka has accepted: many scenarios share one, and asking takes a client.
static ACCEPTED: LazyLock<Mutex<HashSet<Pairs>>> = LazyLock::new(Mutex::default);

/// Keys and values.
type Pairs = Vec<(String, String)>;

/// Every mistake in the settings of the producers: keys that librdkafka does not know, values that it refuses,
/// settings that it does not take together. It is asked with a client that is thrown away and connects to nothing.
pub fn check(settings: &Settings) -> Vec<Diagnostic> {
    settings.producers.iter().flat_map(|producer| check_producer(&settings.source, producer)).collect()
}

fn check_producer(source: &Arc<Source>, producer: &Producer) -> Vec<Diagnostic> {
    let mut found = given_twice(source, producer);
    let effective = settings::effective(producer);
    let pairs = settings::pairs(&effective);
    if remembered(|accepted| accepted.contains(&pairs)) {
        return found;
    }
    let Err(refusal) = create(producer) else {
        remembered(|accepted| accepted.len() < REMEMBERED && accepted.insert(pairs));
        return found;
    };
    // librdkafka stops at the first mistake, so the settings are tried one by one; where each is fine by itself, what
    // it said is about several of them together.
    let single: Vec<_> = effective.iter().filter_map(|setting| check_setting(source, setting)).collect();
    if single.is_empty() {
        found.push(conflict(source, producer, &effective, &refusal));
    }
    found.extend(single);
    found
}

fn remembered<T>(with: impl FnOnce(&mut HashSet<Pairs>) -> T) -> T {
    with(&mut ACCEPTED.lock().unwrap_or_else(PoisonError::into_inner))
}

fn create(producer: &Producer) -> KafkaResult<()> {
    let config = settings::asked_for(producer);
    let client: BaseProducer<Context> = config.create_with_context(Context::new(ProducerIndex(0)))?;
    // What is wrong about time-outs is found when the first topic is looked up, and then only logged
    // (`rd_kafka_topic_conf_finalize`).
    match Topic::of(client.client(), "topic") {
        Some(_) => Ok(()),
        None => Err(KafkaError::ClientCreation(TIMEOUTS.to_owned())),
    }
}

/// Why librdkafka refuses a topic of a client that it takes.
const TIMEOUTS: &str = "`message.timeout.ms` must be greater than `linger.ms`, and in transactions it is at most \
    `transaction.timeout.ms`";

/// A setting that the scenario gives under two names.
fn given_twice(source: &Arc<Source>, producer: &Producer) -> Vec<Diagnostic> {
    let written = |setting: &&Setting| matches!(setting.origin, Origin::Scenario { .. });
    let written: Vec<_> = producer.config.iter().filter(written).collect();
    let mut found = Vec::new();
    for (at, setting) in written.iter().enumerate() {
        let same = |earlier: &&&Setting| canonical(&earlier.key) == canonical(&setting.key);
        if let Some(earlier) = written[..at].iter().find(same) {
            let message = format!("'{}' and '{}' are two names of one setting", earlier.key, setting.key);
            let mut twice = diagnostic(source, Code::SettingsConflict, message, setting, Part::Key);
            twice.labels.extend(label(earlier, Part::Key, "first given here"));
            found.push(twice.help("give it under one name"));
        }
    }
    found
}

/// What is wrong with a setting by itself, in one sentence; nothing where librdkafka takes it.
pub fn setting_mistake(key: &str, value: &str) -> Option<String> {
    let mistake = Mistake::of(key, value)?;
    let more = mistake.help.or(mistake.note).map_or(String::new(), |more| format!("; {more}"));
    Some(format!("{}{more}", mistake.message))
}

fn check_setting(source: &Arc<Source>, setting: &Setting) -> Option<Diagnostic> {
    let Mistake { code, part, message, help, note } = Mistake::of(&setting.key, &setting.value)?;
    Some(Diagnostic { help, note, ..diagnostic(source, code, message, setting, part) })
}

/// What librdkafka has against one setting.
struct Mistake {
    code: Code,
    part: Part,
    message: String,
    help: Option<String>,
    note: Option<String>,
}

impl Mistake {
    fn of(key: &str, value: &str) -> Option<Self> {
        let refusal = ClientConfig::new().set(key, value).create_native_config().err()?;
        if let KafkaError::ClientConfig(RDKafkaConfRes::RD_KAFKA_CONF_UNKNOWN, ..) = refusal {
            return Some(Self {
                code: Code::UnknownSetting,
                part: Part::Key,
                message: format!("librdkafka has no setting '{key}'"),
                help: nearest(key).map(|name| format!("did you mean '{name}'?")),
                note: None,
            });
        }
        Some(Self {
            code: Code::SettingValue,
            part: Part::Value,
            message: format!("librdkafka refuses '{value}' for '{key}'"),
            help: None,
            note: Some(words(&refusal)),
        })
    }
}

fn conflict(
    source: &Arc<Source>,
    producer: &Producer,
    effective: &[&Setting],
    refusal: &KafkaError,
) -> Diagnostic {
    let words = words(refusal);
    let named: Vec<_> = effective.iter().filter(|setting| names(&words, &setting.key)).collect();
    let message = format!("librdkafka does not take these settings of producer '{}' together", producer.name);
    let mut labels: Vec<_> = named.iter().filter_map(|setting| label(setting, Part::Value, "")).collect();
    labels.sort_by_key(|label| label.span);
    labels.dedup_by_key(|label| label.span);
    if labels.is_empty() {
        labels.push(Label { span: producer.span, text: String::new() });
    }
    Diagnostic { labels, ..Diagnostic::new(Code::SettingsConflict, source, producer.span, message) }
        .note(words)
}

/// Whether librdkafka's words are about a setting, under this name or its own.
fn names(words: &str, key: &str) -> bool {
    let is_word = |name: &str| {
        let part_of_name = |c: char| c.is_alphanumeric() || c == '.' || c == '_';
        words.split(|c| !part_of_name(c)).any(|word| word.trim_end_matches('.') == name)
    };
    is_word(key) || is_word(canonical(key)) || settings::aliases_of(key).any(is_word)
}

/// librdkafka's own words, without rust-rdkafka's around them.
fn words(error: &KafkaError) -> String {
    match error {
        KafkaError::ClientConfig(_, words, ..) | KafkaError::ClientCreation(words) => words.clone(),
        other => other.to_string(),
    }
}

fn nearest(key: &str) -> Option<&'static str> {
    let distance = |name: &&String| strsim::damerau_levenshtein(key, name);
    let nearest = settings::known().iter().min_by_key(distance)?;
    (distance(&nearest) <= key.len() / 3).then_some(nearest)
}

/// Which part of a setting.
#[derive(Clone, Copy)]
enum Part {
    Key,
    Value,
}

fn diagnostic(
    source: &Arc<Source>,
    code: Code,
    message: String,
    setting: &Setting,
    part: Part,
) -> Diagnostic {
    let message = match setting.origin {
        Origin::CommandLine => format!("{message} (given with -X)"),
        Origin::Scenario { .. } | Origin::Preset(_) => message,
    };
    let labels = label(setting, part, "").into_iter().collect();
    Diagnostic { labels, ..Diagnostic::new(code, source, Span::default(), message) }
}

/// The place of a setting, if it has one in the file.
fn label(setting: &Setting, part: Part, text: &str) -> Option<Label> {
    let span = match (setting.origin, part) {
        (Origin::Scenario { key, .. }, Part::Key) => key,
        (Origin::Scenario { value, .. }, Part::Value) => value,
        (Origin::Preset(span), _) => span,
        (Origin::CommandLine, _) => return None,
    };
    Some(Label { span, text: text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A plan of which only the settings matter, each on a line of its own.
    fn checked(text: &str) -> Vec<String> {
        let source = Arc::new(Source::new("a.yaml", text));
        let mut config = Vec::new();
        let mut at = 0;
        for line in text.lines() {
            let (key, value) = line.split_once(": ").unwrap();
            let start = at + key.len() + 2;
            let origin = Origin::Scenario {
                key: source.span_of_bytes(at..at + key.len()),
                value: source.span_of_bytes(start..start + value.len()),
            };
            config.push(Setting { key: key.to_owned(), value: value.to_owned(), origin });
            at += line.len() + 1;
        }
        let producer = Producer {
            name: "p".into(),
            config,
            one_per_request: false,
            transactional: false,
            opened_by_step: false,
            span: Span::default(),
        };
        let shown = |diagnostic: Diagnostic| {
            let marks: Vec<_> =
                diagnostic.labels.iter().map(|label| source.slice(label.span).to_owned()).collect();
            let help = diagnostic.help.map_or(String::new(), |help| format!(" ({help})"));
            format!("{}: {}{help}", marks.join(", "), diagnostic.message)
        };
        check_producer(&source, &producer).into_iter().map(shown).collect()
    }

    #[test]
    fn good_settings_are_taken() {
        assert_eq!(checked("linger.ms: 0\nacks: all\nenable.idempotence: true"), Vec::<String>::new());
        assert_eq!(checked("transactional.id: t\nclient.rack: r"), Vec::<String>::new());
    }

    #[test]
    fn every_mistake_is_found_at_its_place() {
        let found = checked("lingr.ms: 0\nacks: some\nbatch.size: 1\nbatch.num.messages: -1\nxyzzy: 1");
        let expected = [
            "lingr.ms: librdkafka has no setting 'lingr.ms' (did you mean 'linger.ms'?)",
            "some: librdkafka refuses 'some' for 'acks'",
            "-1: librdkafka refuses '-1' for 'batch.num.messages'",
            "xyzzy: librdkafka has no setting 'xyzzy'",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn settings_that_exclude_each_other_are_all_marked() {
        let found = checked("linger.ms: 0\nacks: 0\nenable.idempotence: true");
        let together = "librdkafka does not take these settings of producer 'p' together";
        assert_eq!(found, [format!("0, true: {together}")]);
        let found = checked("max.in.flight: 6\nenable.idempotence: true");
        assert_eq!(found, [format!("6, true: {together}")]);
    }

    #[test]
    fn time_outs_that_do_not_fit_are_found_before_they_are_used() {
        let together = "librdkafka does not take these settings of producer 'p' together";
        let found = checked("linger.ms: 60000\ntransactional.id: t");
        assert_eq!(found, [format!("60000: {together}")]);
        let found = checked("linger.ms: 5000\nmessage.timeout.ms: 4000");
        assert_eq!(found, [format!("5000, 4000: {together}")]);
    }

    #[test]
    fn one_setting_under_two_names_is_a_mistake() {
        let found = checked("linger.ms: 1\nqueue.buffering.max.ms: 2");
        let expected = "queue.buffering.max.ms, linger.ms: \
            'linger.ms' and 'queue.buffering.max.ms' are two names of one setting (give it under one name)";
        assert_eq!(found, [expected]);
    }

    #[test]
    fn a_value_with_a_zero_byte_is_refused() {
        assert_eq!(checked("client.id: a\0b"), ["a\0b: librdkafka refuses 'a\0b' for 'client.id'"]);
    }
}
