//! From a file to a plan, with everything that is wrong with it.

use std::path::Path;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, MAX_SHOWN, Severity};
use crate::scenario;
use crate::source::Source;

use super::compile::{Options, compile};
use super::plan::{Plan, Settings};

/// What became of a file.
#[derive(Debug)]
pub struct Loaded {
    /// The plan; none exactly where a mistake is among the diagnostics.
    pub plan: Option<Plan>,
    /// What broker and client are to be asked about; none where the file could not be read.
    pub settings: Option<Settings>,
    /// Mistakes, or warnings where there are none, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a scenario file and makes a plan of it.
pub fn load(path: &Path, options: Options<'_>) -> Loaded {
    match scenario::load(path) {
        Ok(source) => of(&source, options),
        Err(mistake) => Loaded { plan: None, settings: None, diagnostics: vec![*mistake] },
    }
}

/// Makes a plan of a scenario's text.
pub fn of(source: &Arc<Source>, options: Options<'_>) -> Loaded {
    let (scenario, mut diagnostics) = scenario::read(source);
    let (mut plan, mut settings) = (None, None);
    if let Some(scenario) = scenario {
        let mut compiled = compile(source, &scenario, options);
        plan = compiled.plan;
        settings = Some(compiled.settings);
        diagnostics.append(&mut compiled.diagnostics);
    }
    if diagnostics.iter().any(|found| found.code.severity() == Severity::Error) {
        plan = None;
        diagnostics.retain(|found| found.code.severity() == Severity::Error);
    }
    diagnostics.sort_by_key(|found| found.labels.first().map(|label| label.span));
    shorten(&mut diagnostics);
    Loaded { plan, settings, diagnostics }
}

/// Leaves the first mistakes of a file that has very many.
fn shorten(diagnostics: &mut Vec<Diagnostic>) {
    let more = diagnostics.len().saturating_sub(MAX_SHOWN);
    diagnostics.truncate(MAX_SHOWN);
    if let Some(last) = diagnostics.last_mut().filter(|_| more > 0) {
        last.note = Some(format!("this file has {more} more, which are not shown"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Code, Style, render};
    use crate::id::MessageId;
    use crate::plan::{Action, Message, Mode, Order};

    fn loaded(text: &str) -> Loaded {
        of(&Arc::new(Source::new("a.yaml", text)), Options { name: "a", settings: &[] })
    }

    fn plan(text: &str) -> Plan {
        let loaded = loaded(text);
        let shown: String = loaded.diagnostics.iter().map(|found| render(found, Style::Plain)).collect();
        loaded.plan.unwrap_or_else(|| panic!("{shown}"))
    }

    fn codes(text: &str) -> Vec<Code> {
        loaded(text).diagnostics.iter().map(|found| found.code).collect()
    }

    #[test]
    fn the_short_form_becomes_steps() {
        let plan = plan(
            "topic: test2\ncount: 10\nkey: \"{{ i }}\"\nvalue: \"我是你爹{{ i }}\"\nmode: sync\nack_wait: 5s\n",
        );
        assert_eq!(plan.name, "a");
        assert_eq!(plan.messages(), 10);
        assert_eq!(plan.steps[0].action, Action::Send { batch: 0, mode: Mode::Sync });
        assert!(!plan.steps[0].explicit);
        assert_eq!(plan.snapshot.order, Order::Total);
        let mut message = Message::default();
        plan.batches[0].render(MessageId(7), &mut message).unwrap();
        assert_eq!(message.key.unwrap(), b"7");
        assert_eq!(message.value.unwrap(), "我是你爹7".as_bytes());
    }

    #[test]
    fn message_numbers_run_on_over_all_sends() {
        let plan = plan(
            "topic: a\nsteps:\n  - send: 3\n  - flush\n  - send: {count: 2, mode: {window: 2}, key: null}\n  - close\n",
        );
        assert_eq!(plan.messages(), 5);
        assert_eq!(plan.batches[1].first, MessageId(3));
        assert_eq!(plan.steps[2].action, Action::Send { batch: 1, mode: Mode::Window(2) });
    }

    #[test]
    fn what_needs_more_than_one_field_is_seen() {
        assert_eq!(codes("count: 1\n"), [Code::Missing]);
        assert_eq!(codes("topic: a\n"), [Code::Missing]);
        assert_eq!(codes("topic: a\ncount: 1\nsteps: [send: 1]\n"), [Code::Conflict]);
        assert_eq!(codes("topic: a\nsteps: [send: 1, close, flush]\n"), [Code::AfterClose]);
        assert_eq!(codes("topic: a\ncount: 3\npartition: 1\n"), [Code::Partition]);
        assert_eq!(codes("topic: a\ncount: 3\npartition: \"{{ i }}\"\n"), [Code::Partition]);
        assert_eq!(codes("topic: a\nsteps: [send: 99999999, send: 2]\n"), [Code::Limit]);
        assert_eq!(
            codes(
                "topic: a\ncount: 3\nvalue: \"{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}\"\n"
            ),
            [Code::TemplateFails]
        );
        assert_eq!(codes("topic: a\ncount: 3\nexpect: {delivered: [0..3]}\n"), [Code::NotInPlan]);
    }
}
