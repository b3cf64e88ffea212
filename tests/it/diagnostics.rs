//! Every file of `tests/invalid/` shows what its golden says, `docs/mistakes.md` keeps what it promises, and no input
//! makes the reader panic, hang or fill the memory.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use inflight::diagnostic::{Code, Diagnostic, Severity, Style, render_all};
use inflight::plan::{self, Options};
use inflight::producer;
use inflight::run;
use inflight::source::Source;
use proptest::prelude::*;

/// Everything that is wrong with a file, or doubtful.
fn diagnostics(loaded: plan::Loaded) -> Vec<Diagnostic> {
    let mut found = loaded.diagnostics;
    for settings in loaded.settings {
        found.extend(run::check(&settings));
        found.extend(producer::check(&settings));
    }
    found.sort_by_key(|found| found.labels.first().map(|label| label.span));
    found
}

fn of_text(text: &str) -> Vec<Diagnostic> {
    diagnostics(plan::of(&Arc::new(Source::new("a.yaml", text)), Options::default()))
}

fn of_file(path: &Path) -> Vec<Diagnostic> {
    diagnostics(plan::load(path, Options::default()))
}

fn codes(text: &str) -> Vec<Code> {
    of_text(text).iter().map(|found| found.code).collect()
}

#[test]
fn every_invalid_file_shows_what_its_golden_says() {
    let mut wrong = String::new();
    let mut paths: Vec<PathBuf> =
        fs::read_dir("tests/invalid").unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|ending| ending == "yaml")) {
        let shown = render_all(&of_file(path), Style::Plain);
        let golden = path.with_extension("stderr");
        let new = path.with_extension("stderr.new");
        if fs::read_to_string(&golden).is_ok_and(|known| known == shown) {
            // A pending file of an earlier run is out of date.
            drop(fs::remove_file(&new));
            continue;
        }
        fs::write(&new, &shown).unwrap();
        writeln!(
            wrong,
            "{} differs; accept it: mv {} {}\n{shown}",
            golden.display(),
            new.display(),
            golden.display()
        )
        .unwrap();
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn the_files_with_eight_mistakes_show_eight() {
    for name in ["eight-everywhere", "eight-fields", "eight-more", "eight-templates"] {
        let found = of_file(Path::new(&format!("tests/invalid/{name}.yaml")));
        assert_eq!(found.len(), 8, "{name}");
    }
}

/// The YAML examples of a part of the page.
fn examples(part: &str) -> impl Iterator<Item = &str> {
    part.split("```yaml\n").skip(1).filter_map(|block| block.split("```").next())
}

#[test]
fn the_page_of_mistakes_explains_every_code_with_examples_that_are_true() {
    for code in Code::ALL.iter().copied() {
        let section = code.explanation();
        let title = format!("{} · {}\n", code.number(), code.word());
        assert!(section.starts_with(&title), "docs/mistakes.md has no section {title}");
        let (wrong, right) = section.split_once("\nRight:").unwrap_or((section, ""));
        for example in examples(wrong) {
            let found = codes(example);
            assert!(
                !found.is_empty() && found.iter().all(|found| *found == code),
                "{code}: {found:?}\n{example}"
            );
        }
        for example in examples(right) {
            assert_eq!(codes(example), [], "{code}\n{example}");
        }
    }
}

#[test]
fn the_page_of_mistakes_has_no_other_sections() {
    let page = fs::read_to_string("docs/mistakes.md").unwrap();
    let sections: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let codes: Vec<String> =
        Code::ALL.iter().map(|code| format!("{} · {}", code.number(), code.word())).collect();
    assert_eq!(sections, codes);
}

#[test]
fn a_code_is_found_as_people_write_it() {
    for text in ["E012", "e012", "e12", " E12 "] {
        assert_eq!(Code::from_text(text), Some(Code::UnknownField));
    }
    for text in ["", "E", "E999", "我1", "12", "E-1"] {
        assert_eq!(Code::from_text(text), None);
    }
}

/// Codes of a file that is made for the purpose; what is shown of it is never long.
fn made(text: &str) -> Vec<Code> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.yaml");
    fs::write(&path, text).unwrap();
    let found = of_file(&path);
    let shown = render_all(&found, Style::Colour);
    assert!(shown.len() < 100_000, "{} bytes are shown", shown.len());
    found.iter().map(|found| found.code).collect()
}

#[test]
fn a_hundred_megabytes_are_refused_by_their_size() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.yaml");
    fs::File::create(&path).unwrap().set_len(100 << 20).unwrap();
    let found = of_file(&path);
    assert_eq!(found.iter().map(|found| found.code).collect::<Vec<_>>(), [Code::TooLarge]);
}

#[test]
fn an_anchor_bomb_is_refused() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..20 {
        let alias = format!("*a{}", level - 1);
        writeln!(bomb, "a{level}: &a{level} [{}]", [alias.as_str(); 10].join(", ")).unwrap();
    }
    assert_eq!(made(&bomb), [Code::Budget]);
    let many = format!("a: &a x\nb: [{}]\n", vec!["*a"; 101].join(", "));
    assert_eq!(made(&many), [Code::Budget]);
}

#[test]
fn deep_nesting_and_many_nodes_are_refused() {
    for deep in ["[", "{a: ", "- ", "a:\n "] {
        let codes = made(&deep.repeat(200_000));
        assert_eq!(codes.len(), 1, "{deep}");
        assert!([Code::Budget, Code::Yaml].contains(&codes[0]), "{deep}: {codes:?}");
    }
    let wide = format!("tags: [{}]\n", "a, ".repeat(300_000));
    assert_eq!(made(&wide), [Code::Budget]);
}

#[test]
fn very_many_mistakes_are_cut() {
    let mut text = String::new();
    for field in 0..9_000 {
        writeln!(text, "unknown_field_number_{field}: 1").unwrap();
    }
    assert_eq!(made(&text).len(), 100);
    let one_long_line = format!("topic: {}\ncount: {}\n", "x".repeat(400_000), "9".repeat(400_000));
    assert_eq!(made(&one_long_line), [Code::Name, Code::OutOfRange]);
}

#[test]
fn what_is_no_file_is_refused() {
    assert_eq!(
        of_file(Path::new("tests")).iter().map(|found| found.code).collect::<Vec<_>>(),
        [Code::Unreadable]
    );
    assert_eq!(of_file(Path::new("tests/none.yaml"))[0].code, Code::Unreadable);
}

#[cfg(unix)]
#[test]
fn an_unreadable_file_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.yaml");
    fs::write(&path, "topic: a\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    // The superuser may read it all the same.
    if fs::File::open(&path).is_err() {
        assert_eq!(of_file(&path)[0].code, Code::Unreadable);
    }
}

/// Pieces of scenarios, in any order: mostly wrong, and of every kind of wrong.
fn scraps() -> impl Strategy<Value = String> {
    let scrap = prop_oneof![
        prop::sample::select(vec![
            "topic: a\n",
            "topic:\n",
            "count: 3\n",
            "count: -1\n",
            "steps:\n",
            "  - send: 3\n",
            "  - flush\n",
            "  - close\n",
            "  - wait: callbacks\n",
            "mode: {window: ",
            "sync\n",
            "}\n",
            "key: \"{{ i }}\"\n",
            "key: {{ i }}\n",
            "value: {{ i }} x\n",
            "[",
            "]",
            "{",
            "- ",
            "&a ",
            "*a",
            "!!str ",
            "<<: ",
            "? ",
            "|\n",
            "'",
            "\"",
            "#",
            "\t",
            "\r\n",
            "---\n",
            "...\n",
            "%YAML 1.2\n",
            "expect: {delivered: [0..3]}\n",
            "{% if i %}",
            "matrix: {a: [1, x], b: [true]}\n",
            "matrix: {a: []}\n",
            "${a}",
            "\"${b} ${c} $${\"",
            "expect:\n",
            "  - where: {a: 1}\n",
            "partition: 9\n",
            "producer: {config: {a: 1.0}}\n",
            "ack_wait: 5\n",
            "我",
            "\u{feff}",
            "\u{85}",
            ": ",
            ", ",
        ])
        .prop_map(str::to_owned),
        "[ -~\n]{0,12}",
    ];
    prop::collection::vec(scrap, 0..24).prop_map(|scraps| scraps.concat())
}

/// Diagnostics can be shown, and their places lie in the text.
fn are_in_range(found: &[Diagnostic]) {
    for diagnostic in found {
        assert!(!diagnostic.message.is_empty());
        for label in &diagnostic.labels {
            assert!(diagnostic.source.text().get(label.span.range()).is_some());
        }
    }
    assert_eq!(found.is_empty(), render_all(found, Style::Plain).is_empty());
}

proptest! {
    #[test]
    fn any_text_is_a_plan_or_has_mistakes(text in scraps()) {
        let loaded = plan::of(&Arc::new(Source::new("a.yaml", text)), Options::default());
        are_in_range(&loaded.diagnostics);
        let wrong = loaded.diagnostics.iter().any(|found| found.code.severity() == Severity::Error);
        prop_assert_eq!(loaded.plans.is_empty(), wrong);
    }

    #[test]
    fn any_bytes_are_a_plan_or_have_mistakes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        fs::write(&path, &bytes).unwrap();
        let loaded = plan::load(&path, Options::default());
        are_in_range(&loaded.diagnostics);
        prop_assert!(!loaded.plans.is_empty() || !loaded.diagnostics.is_empty());
    }

    #[test]
    fn any_text_as_a_template_is_one_or_has_mistakes(template in "[ -~\n]{0,40}|(\\{\\{|\\{%|\\}\\}|%\\}|[ a-z(),.|0-9'~+*/-]){0,30}") {
        let text = format!("topic: a\ncount: 3\nvalue: {}\n", serde_json::to_string(&template).unwrap());
        let loaded = plan::of(&Arc::new(Source::new("a.yaml", text)), Options::default());
        are_in_range(&loaded.diagnostics);
        for plan in loaded.plans {
            plan.batches[0].render(inflight::id::MessageId(0), &mut plan::Message::default()).unwrap();
        }
    }
}

#[test]
fn the_reference_page_is_that_of_the_model() {
    let page = inflight::scenario::reference();
    if fs::read_to_string("docs/reference.md").is_ok_and(|known| known == page) {
        return;
    }
    panic!("docs/reference.md is out of date: inflight schema --reference > docs/reference.md");
}
