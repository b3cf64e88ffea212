//! Whether a plan's topics can be created, asked before anything runs.

use crate::broker::{self, ConfigError, check_setting, setting_names};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::plan::{Emulate, Origin, Setting, Settings, Topic};

/// Every setting of the topics that Apache Kafka does not know, or whose value it refuses.
pub fn check(settings: &Settings) -> Vec<Diagnostic> {
    let made =
        settings.topics.iter().flat_map(|topic| topic.config.iter().map(move |setting| (topic, setting)));
    made.filter_map(|(topic, setting)| check_one(settings, topic, setting)).collect()
}

/// The release that a scenario names.
pub(super) fn release(emulate: Emulate) -> broker::Emulate {
    match emulate {
        Emulate::V3_9 => broker::Emulate::V3_9,
        Emulate::V4_3 => broker::Emulate::V4_3,
    }
}

fn check_one(settings: &Settings, topic: &Topic, setting: &Setting) -> Option<Diagnostic> {
    let (key, value) = match setting.origin {
        Origin::Scenario { key, value } => (key, value),
        Origin::Preset(span) => (span, span),
        Origin::CommandLine => (topic.span, topic.span),
    };
    let release = release(settings.emulate);
    match check_setting(release, &setting.key, &setting.value).err()? {
        ConfigError::Unknown(name) => {
            let message = format!("a topic has no setting '{name}'");
            let unknown = Diagnostic::new(Code::UnknownSetting, &settings.source, key, message);
            Some(match nearest(&name, setting_names(release)) {
                Some(known) => unknown.help(format!("did you mean '{known}'?")),
                None => unknown,
            })
        }
        ConfigError::Value { name, value: written, reason } => {
            let message = format!("a topic's '{name}' cannot be '{written}'");
            Some(Diagnostic::new(Code::SettingValue, &settings.source, value, message).note(reason))
        }
        error => {
            let message = format!("a topic's '{}' cannot be '{}'", setting.key, setting.value);
            Some(
                Diagnostic::new(Code::SettingValue, &settings.source, value, message).note(error.to_string()),
            )
        }
    }
}
