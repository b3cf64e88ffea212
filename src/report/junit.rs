//! The XML of `JUnit`, as Jenkins, `GitLab` and most others read it.

use std::io;
use std::path::Path;

use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

use crate::disk::{self, DiskError};
use crate::session::{Finished, Outcome, Verdict};

use super::details::Details;
use super::paint::{Paint, counts, printable};

/// Writes the report of a session to a file: one suite, a test case for each scenario, in the order of the files.
/// A scenario that failed, is flaky, or whose text is new or differs, is a failure; a mistake and a broken world are errors;
/// what did not run, or cannot on that cluster, is skipped.
pub fn junit(finished: &Finished, path: &Path) -> Result<(), DiskError> {
    let xml = xml(finished).map_err(|error| DiskError::new("write", path, io::Error::other(error)))?;
    disk::replace(path, &xml)
}

fn xml(finished: &Finished) -> Result<Vec<u8>, SerializeError> {
    let mut report = Report::new("inflight");
    report.set_time(finished.elapsed);
    let mut suite = TestSuite::new("scenarios");
    suite.set_time(finished.elapsed);
    suite.add_test_cases(finished.outcomes.iter().map(case));
    report.add_test_suite(suite);
    let mut xml = Vec::new();
    report.serialize(&mut xml)?;
    Ok(xml)
}

fn case(outcome: &Outcome) -> TestCase {
    let mut case = TestCase::new(printable(&outcome.name), status(outcome));
    let file = printable(&outcome.path.display().to_string()).into_owned();
    let folder = outcome.path.parent().map(|folder| folder.display().to_string()).unwrap_or_default();
    case.set_classname(printable(&folder)).set_time(outcome.duration);
    case.extra.insert("file".into(), file.into());
    if let Some(all) = &outcome.counts {
        case.set_system_out(counts(all));
    }
    case
}

fn status(outcome: &Outcome) -> TestCaseStatus {
    let kind = match outcome.verdict {
        Verdict::Passed => return TestCaseStatus::success(),
        Verdict::Ignored => return skipped(&message(outcome)),
        Verdict::NotRun | Verdict::Interrupted => {
            return skipped(outcome.verdict.word());
        }
        Verdict::Failed | Verdict::Flaky | Verdict::New | Verdict::Changed => NonSuccessKind::Failure,
        Verdict::Mistake | Verdict::Broken => NonSuccessKind::Error,
    };
    let details = Details { paint: Paint::PLAIN, lines: usize::MAX, warnings: false };
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(outcome.verdict.word());
    status.set_message(printable(&message(outcome)));
    status.set_description(details.of(outcome).join("\n"));
    status
}

fn skipped(why: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(printable(why));
    status
}

/// What a list of failed tests shows of it.
fn message(outcome: &Outcome) -> String {
    let first =
        outcome.diagnostics.iter().find(|it| it.code.severity() != crate::diagnostic::Severity::Warning);
    match (first, &outcome.trouble) {
        (Some(diagnostic), _) => diagnostic.message.clone(),
        (None, Some(trouble)) => trouble.clone(),
        (None, None) => match outcome.verdict {
            Verdict::New => "no snapshot has been accepted yet".into(),
            Verdict::Changed => "the snapshot differs".into(),
            Verdict::Flaky => "it does not do the same each time".into(),
            verdict => verdict.word().into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::judge::Counts;

    fn outcome(name: &str, verdict: Verdict) -> Outcome {
        Outcome {
            name: name.into(),
            path: format!("scenarios/{name}.yaml").into(),
            verdict,
            duration: Duration::from_millis(21),
            runs: 1,
            counts: Some(Counts { sent: 3, ok: 3, ..Counts::default() }),
            diagnostics: Vec::new(),
            said: vec!["librdkafka said of expired: Local: Message timed out".into()],
            snapshot: None,
            flaky: Vec::new(),
            trouble: None,
            ends_all: false,
        }
    }

    #[test]
    fn each_verdict_has_its_place() {
        let hostile = "cannot \u{1b}[31mlisten ]]> \u{ffff}\u{0} <&>";
        let outcomes = vec![
            outcome("a", Verdict::Passed),
            outcome("b/\u{1b}[2J\"", Verdict::Changed),
            Outcome { trouble: Some(hostile.into()), counts: None, ..outcome("c", Verdict::Broken) },
            Outcome { counts: None, ..outcome("d", Verdict::NotRun) },
            Outcome {
                trouble: Some("it needs 3 brokers".into()),
                counts: None,
                ..outcome("e", Verdict::Ignored)
            },
        ];
        let finished = Finished { outcomes, orphans: Vec::new(), elapsed: Duration::from_millis(50) };
        insta::assert_snapshot!(String::from_utf8(xml(&finished).unwrap()).unwrap(), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="inflight" tests="5" skipped="2" failures="1" errors="1" time="0.050">
            <testsuite name="scenarios" tests="5" skipped="2" errors="1" failures="1" time="0.050">
                <testcase name="a" classname="scenarios" time="0.021" file="scenarios/a.yaml">
                    <system-out>3 sent, 3 ok</system-out>
                </testcase>
                <testcase name="b/␛[2J&quot;" classname="scenarios/b" time="0.021" file="scenarios/b/␛[2J&quot;.yaml">
                    <failure message="the snapshot differs" type="changed">librdkafka said of expired: Local: Message timed out</failure>
                    <system-out>3 sent, 3 ok</system-out>
                </testcase>
                <testcase name="c" classname="scenarios" time="0.021" file="scenarios/c.yaml">
                    <error message="cannot ␛[31mlisten ]]&gt; �␀ &lt;&amp;&gt;" type="broken">error: cannot ␛[31mlisten ]]&gt; �␀ &lt;&amp;&gt;</error>
                </testcase>
                <testcase name="d" classname="scenarios" time="0.021" file="scenarios/d.yaml">
                    <skipped message="not run"/>
                </testcase>
                <testcase name="e" classname="scenarios" time="0.021" file="scenarios/e.yaml">
                    <skipped message="it needs 3 brokers"/>
                </testcase>
            </testsuite>
        </testsuites>
        "#);
    }
}
