//! Whether a plan's topics can be created, asked before anything runs.

use crate::broker::{ConfigError, check_setting, setting_names};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::plan::{Origin, Plan, Setting, Topic};

/// Every setting of the plan's topics that Apache Kafka does not know, or whose value it refuses.
pub fn check(plan: &Plan) -> Vec<Diagnostic> {
    let settings =
        plan.topics.iter().flat_map(|topic| topic.config.iter().map(move |setting| (topic, setting)));
    settings.filter_map(|(topic, setting)| check_one(plan, topic, setting)).collect()
}

fn check_one(plan: &Plan, topic: &Topic, setting: &Setting) -> Option<Diagnostic> {
    let (key, value) = match setting.origin {
        Origin::Scenario { key, value } => (key, value),
        Origin::Preset(span) => (span, span),
        Origin::CommandLine => (topic.span, topic.span),
    };
    match check_setting(&setting.key, &setting.value).err()? {
        ConfigError::Unknown(name) => {
            let message = format!("a topic has no setting '{name}'");
            let unknown = Diagnostic::new(Code::UnknownSetting, &plan.source, key, message);
            Some(match nearest(&name, setting_names()) {
                Some(known) => unknown.help(format!("did you mean '{known}'?")),
                None => unknown,
            })
        }
        ConfigError::Value { name, value: written, reason } => {
            let message = format!("a topic's '{name}' cannot be '{written}'");
            Some(Diagnostic::new(Code::SettingValue, &plan.source, value, message).note(reason))
        }
    }
}
