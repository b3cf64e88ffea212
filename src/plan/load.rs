//! From a file to a plan, with everything that is wrong with it.

use std::path::Path;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, MAX_SHOWN, Severity};
use crate::scenario::{self, Merged, Reading};
use crate::source::Source;

use super::compile::{Options, compile};
use super::plan::{Plan, Settings};

/// What became of a file.
#[derive(Debug, Default)]
pub struct Loaded {
    /// A plan for each combination of the file's matrix, one where it has none; no plan exactly where a mistake is among
    /// the diagnostics.
    pub plans: Vec<Plan>,
    /// What broker and client are to be asked about; none where the file could not be read.
    pub settings: Vec<Settings>,
    /// Mistakes, or warnings where there are none, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a scenario file and makes plans of it.
pub fn load(path: &Path, options: Options<'_>) -> Loaded {
    match scenario::load(path) {
        Ok(source) => of(&source, options),
        Err(mistake) => Loaded { diagnostics: vec![*mistake], ..Loaded::default() },
    }
}

/// Makes plans of a scenario's text.
pub fn of(source: &Arc<Source>, options: Options<'_>) -> Loaded {
    let written = scenario::read(source);
    let mut loaded = Loaded::default();
    let mut merged = Merged::default();
    for Reading { combination, scenario, mut diagnostics } in written.readings() {
        if let Some(scenario) = scenario {
            let mut compiled = compile(source, &scenario, options);
            loaded.plans.extend(compiled.plan);
            loaded.settings.push(compiled.settings);
            diagnostics.append(&mut compiled.diagnostics);
        }
        let full = written.diagnostics.len() + diagnostics.len() >= MAX_SHOWN;
        merged.add(&combination, diagnostics);
        if full {
            // Those of other combinations would not be shown.
            break;
        }
    }
    let mut diagnostics = written.diagnostics;
    diagnostics.append(&mut merged.finish());
    if diagnostics.iter().any(|found| found.code.severity() == Severity::Error) {
        loaded.plans.clear();
        diagnostics.retain(|found| found.code.severity() == Severity::Error);
    }
    diagnostics.sort_by_key(|found| found.labels.first().map(|label| label.span));
    shorten(&mut diagnostics);
    Loaded { diagnostics, ..loaded }
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
        loaded.plans.into_iter().next().unwrap_or_else(|| panic!("{shown}"))
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

    fn message(plan: &Plan, number: u32) -> Message {
        let mut message = Message::default();
        plan.batch_of(MessageId(number)).unwrap().render(MessageId(number), &mut message).unwrap();
        message
    }

    #[test]
    fn settings_are_handed_on_as_they_are_written() {
        let plan = plan(
            "topic: a\ncount: 1\nproducer:\n  preset: java_like\n  one_per_request: true\n  config: {a: 1.0, b: 0x10, c: null, d: true, e: , f: \"1_000\", linger.ms: 007}\n",
        );
        let config = &plan.producers[0].config;
        let value = |key: &str| {
            let found: Vec<_> = config.iter().filter(|setting| setting.key == key).collect();
            assert_eq!(found.len(), 1, "{key}");
            found[0].value.as_str()
        };
        assert_eq!(
            ["a", "b", "c", "d", "e", "f", "linger.ms"].map(value),
            ["1.0", "0x10", "null", "true", "", "1_000", "007"]
        );
        assert_eq!(value("partitioner"), "murmur2_random");
        assert_eq!(value("batch.num.messages"), "1");
    }

    #[test]
    fn the_command_line_wins() {
        let source =
            Arc::new(Source::new("a.yaml", "topic: a\ncount: 1\nproducer: {config: {linger.ms: 5}}\n"));
        let settings = [("linger.ms".to_owned(), "0".to_owned())];
        let plan = of(&source, Options { name: "a", settings: &settings }).plans.remove(0);
        assert_eq!(plan.producers[0].config.len(), 1);
        assert_eq!(plan.producers[0].config[0].value, "0");
        let refused = [("plugin.library.paths".to_owned(), "x".to_owned())];
        let loaded = of(&source, Options { name: "a", settings: &refused });
        assert_eq!(loaded.diagnostics[0].code, Code::RefusedSetting);
        assert_eq!(loaded.settings[0].producers[0].config.len(), 1);
    }

    #[test]
    fn null_is_no_key_a_tombstone_and_a_header_without_a_value() {
        let plan = plan(
            "topic: {name: a, partitions: 4}\ncount: 9\nkey: null\nvalue: ~\nheaders: [{h: \"{{ i }}\", g: null}, {h: 2}]\npartition: \"{{ i % 4 }}\"\ntimestamp: 17\n",
        );
        let expected = Message {
            key: None,
            value: None,
            headers: vec![
                ("h".to_owned(), Some(b"6".to_vec())),
                ("g".to_owned(), None),
                ("h".to_owned(), Some(b"2".to_vec())),
                ("inflight".to_owned(), Some(b"6".to_vec())),
            ],
            partition: Some(2),
            timestamp: Some(17),
        };
        assert_eq!(message(&plan, 6), expected);
    }

    #[test]
    fn a_message_is_the_same_whatever_was_made_before() {
        let text = "topic: a\ncount: 50\nseed: 4\nkey: \"{{ uuid() }}\"\nvalue: \"{{ uuid() }}{{ random(1, 99) }}{% if true %}{{ uuid() }}{% endif %}\"\n";
        let plan = plan(text);
        let forward: Vec<_> = (0..50).map(|number| message(&plan, number)).collect();
        let backward: Vec<_> = (0..50).rev().map(|number| message(&plan, number)).collect();
        assert!(forward.iter().eq(backward.iter().rev()));
        assert_ne!(forward[0].key, forward[1].key);
        let value = String::from_utf8(forward[0].value.clone().unwrap()).unwrap();
        assert_ne!(value[..36], value[value.len() - 36..], "each use of uuid() in a message is another");
        let other = self::plan(&text.replace("seed: 4", "seed: 5"));
        assert_ne!(message(&other, 0), forward[0]);
    }

    #[test]
    fn places_are_right_after_line_breaks_of_every_kind() {
        let loaded = loaded("topic: a\r\n# 我是\r\ncuont: 3\r\n");
        let found = &loaded.diagnostics[0];
        let place = found.source.place(found.labels[0].span);
        assert_eq!((place.line, place.column), (3, 1));
        assert!(render(found, Style::Plain).contains("3 | cuont: 3\n"));
    }

    #[test]
    fn anchors_stand_for_whole_values() {
        let plan = plan("topic: a\ncount: 2\nkey: &text \"k{{ i }}\"\nvalue: *text\n");
        assert_eq!(message(&plan, 1).value.unwrap(), b"k1");
    }

    #[test]
    fn what_needs_more_than_one_field_is_seen() {
        assert_eq!(codes("count: 1\n"), [Code::Missing]);
        assert_eq!(codes("topic: a\n"), [Code::Missing]);
        assert_eq!(codes("topic: a\nsteps: []\n"), [Code::Missing]);
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

    #[test]
    fn a_matrix_gives_a_plan_for_each_combination() {
        let loaded = loaded(
            "topic: a\ncount: 1\nmatrix: {error: [CORRUPT_MESSAGE, INVALID_RECORD]}\nfaults:\n  - on: produce\n    \
             do: {fail: \"${error}\"}\nproducer: {one_per_request: true}\nexpect:\n  - where: {error: INVALID_RECORD}\n    \
             failed: {\"${error}\": 0}\n",
        );
        assert_eq!(loaded.diagnostics, []);
        let names: Vec<_> = loaded.plans.iter().map(|plan| plan.faults[0].name.to_string()).collect();
        assert_eq!(names, ["produce: fail: \"CORRUPT_MESSAGE\"", "produce: fail: \"INVALID_RECORD\""]);
        let failed: Vec<_> = loaded.plans.iter().map(|plan| plan.expect.failed.len()).collect();
        assert_eq!(failed, [0, 1]);
        assert_eq!(loaded.settings.len(), 2);
    }

    #[test]
    fn a_mistake_in_some_combinations_says_in_which() {
        let messages = |text: &str| -> Vec<String> {
            loaded(text).diagnostics.into_iter().map(|found| found.message).collect()
        };
        assert_eq!(
            messages("topic: a\ncount: 1\nmatrix: {p: [0, 1, x]}\npartition: ${p}\n"),
            [
                "there is no partition 1; the topic has 0..0 (with p: 1)",
                "the partition 'x' is no whole number from 0 (with p: x)"
            ]
        );
        assert_eq!(messages("topic: a\nmatrix: {p: [0, 1]}\nvalue: ${p}\n").len(), 1);
        let shown = loaded("topic: a\ncount: 1\nmatrix: {x: [aaa, b]}\nvalue: \"${x} {{ y }}\"\n");
        let place = shown.diagnostics[0].labels[0].span;
        assert_eq!(shown.diagnostics[0].source.slice(place), "\"${x} {{ y }}\"", "no place inside is sure");
    }

    #[test]
    fn very_many_mistakes_of_very_many_combinations_are_cut() {
        let values: Vec<_> = (0..100).map(|value| value.to_string()).collect();
        let fields: Vec<_> = (0..500).map(|field| format!("field_{field}_${{v}}: 1\n")).collect();
        let text = format!("topic: a\nmatrix: {{v: [{}]}}\n{}", values.join(", "), fields.concat());
        assert_eq!(loaded(&text).diagnostics.len(), MAX_SHOWN);
    }
}
