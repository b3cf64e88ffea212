//! The recorded answers of Apache Kafka: one folder a version, one file a theme, one paragraph a case.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

/// What stands in front of the name of a case.
const CASE: &str = "## ";

fn file(version: &str, theme: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/kafka/recorded")
        .join(version)
        .join(format!("{theme}.txt"))
}

/// The lines of each case.
pub(crate) fn read(version: &str, theme: &str) -> BTreeMap<String, Vec<String>> {
    let text = fs::read_to_string(file(version, theme)).unwrap_or_default();
    let mut cases = BTreeMap::new();
    let mut lines: Option<&mut Vec<String>> = None;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix(CASE) {
            lines = Some(cases.entry(name.to_owned()).or_default());
        } else if let (Some(lines), false) = (&mut lines, line.is_empty()) {
            lines.push(line.to_owned());
        }
    }
    cases
}

/// Writes the cases in the order of `names`; those that are not among them are forgotten.
pub(crate) fn write(version: &str, theme: &str, names: &[String], cases: &BTreeMap<String, Vec<String>>) {
    let mut text = format!(
        "What Apache Kafka {version} answered, as `INFLIGHT_RECORD=1 cargo test --test kafka -- --ignored` wrote it down.\n"
    );
    for name in names {
        if let Some(lines) = cases.get(name) {
            let _ = write!(text, "\n{CASE}{name}\n{}\n", lines.join("\n"));
        }
    }
    let file = file(version, theme);
    fs::create_dir_all(file.parent().expect("a folder")).expect("the folder can be made");
    fs::write(file, text).expect("the file can be written");
}
