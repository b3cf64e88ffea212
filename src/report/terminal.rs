//! The terminal: one line a scenario, what is wrong with it below, a summary at the end, a bar while it runs.

use std::collections::BTreeSet;
use std::io::{self, ErrorKind, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::session::{Finished, Outcome, Progress, Verdict};
use crate::snapshot::Kept;

use super::details::{Details, LINES};
use super::paint::{Paint, counts, duration, number, printable, quoted};

/// So many names fit into the command that accepts everything; of more it accepts all that is pending.
const NAMES: usize = 4;

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Only what did not pass.
    Quiet,
    /// A line for each scenario, and what is wrong below.
    Normal,
    /// Warnings and whole differences too.
    Verbose,
}

/// Prints the progress and the outcomes of a session.
pub struct Terminal<'a> {
    out: &'a mut dyn Write,
    paint: Paint,
    detail: Detail,
    bar: ProgressBar,
    running: BTreeSet<String>,
    /// What is printed next.
    block: String,
    /// Something was printed.
    begun: bool,
    /// The last thing printed has lines of its own below it.
    open: bool,
    refused: Option<io::Error>,
}

impl<'a> Terminal<'a> {
    /// A printer to a stream; the bar goes to the standard error.
    pub fn new(out: &'a mut dyn Write, paint: Paint, detail: Detail, bar: bool) -> Self {
        let target = if bar { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        Self {
            out,
            paint,
            detail,
            bar,
            running: BTreeSet::new(),
            block: String::new(),
            begun: false,
            open: false,
            refused: None,
        }
    }

    /// Something has happened.
    pub fn progress(&mut self, progress: &Progress<'_>) {
        match progress {
            Progress::Planned { scenarios } => self.begin(*scenarios),
            Progress::Started { name } => {
                self.running.insert(printable(name).into_owned());
                self.show_running();
            }
            Progress::Ended { name } => {
                self.running.remove(&*printable(name));
                self.bar.inc(1);
                self.show_running();
            }
            Progress::Outcome(outcome) => {
                self.outcome(outcome);
                self.print();
            }
        }
    }

    /// All is done: the summary. The error is what the stream refused, if it did; a reader that has gone away is none.
    pub fn finish(mut self, finished: &Finished) -> io::Result<()> {
        self.bar.finish_and_clear();
        self.orphans(finished);
        let good = finished.outcomes.iter().all(|outcome| outcome.verdict == Verdict::Passed);
        if self.detail != Detail::Quiet || !good {
            self.summary(finished);
        }
        self.print();
        match self.refused.take() {
            Some(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }

    fn begin(&mut self, scenarios: usize) {
        self.bar.set_length(scenarios as u64);
        if !self.bar.is_hidden() {
            let style = ProgressStyle::with_template("{bar:24} {pos}/{len}  {wide_msg}");
            self.bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            self.bar.enable_steady_tick(Duration::from_millis(100));
        }
    }

    fn show_running(&mut self) {
        if !self.bar.is_hidden() {
            let names: Vec<&str> = self.running.iter().map(String::as_str).collect();
            self.bar.set_message(names.join("  "));
        }
    }

    fn outcome(&mut self, outcome: &Outcome) {
        if self.detail == Detail::Quiet && outcome.verdict == Verdict::Passed {
            return;
        }
        let details = Details {
            paint: self.paint,
            lines: if self.detail == Detail::Verbose { usize::MAX } else { LINES },
            warnings: self.detail == Detail::Verbose,
        };
        let below = details.of(outcome);
        if self.open {
            self.gap();
        }
        let line = headline(self.paint, outcome);
        self.line(&line);
        for line in &below {
            self.line(&if line.is_empty() { String::new() } else { format!("    {line}") });
        }
        self.open = !below.is_empty();
    }

    fn orphans(&mut self, finished: &Finished) {
        if finished.orphans.is_empty() {
            return;
        }
        self.gap();
        let verb = if finished.orphans.len() == 1 { "belongs" } else { "belong" };
        let head = format!("{} {verb} to no scenario:", number(finished.orphans.len(), "snapshot"));
        self.line(&self.paint.open(head));
        for path in &finished.orphans {
            self.line(&format!("    {}", printable(&path.display().to_string())));
        }
    }

    fn summary(&mut self, finished: &Finished) {
        self.gap();
        let mut parts = Vec::new();
        for verdict in Verdict::ALL {
            let count = finished.outcomes.iter().filter(|outcome| outcome.verdict == *verdict).count();
            if count > 0 {
                let several = if *verdict == Verdict::Mistake && count > 1 { "s" } else { "" };
                let part = format!("{count} {}{several}", verdict.word());
                parts.push(match verdict {
                    Verdict::Passed => self.paint.good(part),
                    Verdict::Ignored => self.paint.faint(part),
                    _ => self.paint.bad(part),
                });
            }
        }
        let all = number(finished.outcomes.len(), "scenario");
        self.line(&format!("{all} in {}: {}", duration(finished.elapsed), parts.join(", ")));
        self.next_step(finished);
    }

    /// The command that accepts all that waits, where there is more than one.
    fn next_step(&mut self, finished: &Finished) {
        let snapshots = finished.outcomes.iter().filter_map(|outcome| outcome.snapshot.as_ref());
        let pending: Vec<_> = snapshots.filter(|snapshot| snapshot.kept == Kept::Pending).collect();
        if pending.len() < 2 {
            return;
        }
        let words: Vec<_> = pending.iter().map(|snapshot| quoted(&snapshot.word)).collect();
        let names = if words.len() > NAMES { String::new() } else { format!(" {}", words.join(" ")) };
        let accept = printable(&format!("inflight accept{names}")).into_owned();
        self.line(&format!("{} {accept}", self.paint.faint("accept what is new or changed:")));
    }

    /// An empty line, unless nothing is above.
    fn gap(&mut self) {
        if self.begun {
            self.line("");
        }
    }

    fn line(&mut self, line: &str) {
        self.begun = true;
        self.block.push_str(line);
        self.block.push('\n');
    }

    /// Prints what has gathered in one piece, while the bar stands aside.
    fn print(&mut self) {
        let block = std::mem::take(&mut self.block);
        if self.refused.is_none() && !block.is_empty() {
            let out = &mut *self.out;
            let printed = self.bar.suspend(|| out.write_all(block.as_bytes()).and_then(|()| out.flush()));
            self.refused = printed.err();
        }
    }
}

/// One line on a scenario.
pub(super) fn headline(paint: Paint, outcome: &Outcome) -> String {
    let verdict = format!("{:>11}", outcome.verdict.word());
    let verdict = match outcome.verdict {
        Verdict::Passed => paint.good(verdict),
        Verdict::New | Verdict::Changed | Verdict::Interrupted => paint.open(verdict),
        Verdict::Failed | Verdict::Flaky | Verdict::Mistake | Verdict::Broken => paint.bad(verdict),
        Verdict::NotRun | Verdict::Ignored => paint.faint(verdict),
    };
    let ran = outcome.duration > Duration::ZERO;
    let took = if ran { duration(outcome.duration) } else { String::new() };
    let fates = outcome.counts.map(|all| format!("  {}", counts(&all)));
    let runs = if outcome.runs > 1 { format!("  {} runs", outcome.runs) } else { String::new() };
    format!(
        "{verdict} {}  {}{}{}",
        paint.faint(format!("{took:>8}")),
        paint.strong(printable(&outcome.name)),
        paint.faint(fates.unwrap_or_default()),
        paint.faint(runs),
    )
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;

    use super::*;
    use crate::diagnostic::{Code, Diagnostic};
    use crate::judge::Counts;
    use crate::session::Reviewed;
    use crate::snapshot::{Comparison, Difference, Line};
    use crate::source::Source;

    fn outcome(name: &str, verdict: Verdict) -> Outcome {
        Outcome {
            name: name.into(),
            path: PathBuf::from(format!("scenarios/{name}.yaml")),
            verdict,
            duration: Duration::from_millis(21),
            runs: 1,
            counts: Some(Counts { sent: 3, ok: 2, failed: 1, ..Counts::default() }),
            diagnostics: Vec::new(),
            said: vec!["librdkafka said of expired: Local: Message timed out".into()],
            snapshot: None,
            flaky: Vec::new(),
            trouble: None,
            ends_all: false,
        }
    }

    fn failed() -> Outcome {
        let source = Arc::new(Source::new("scenarios/b.yaml", "topic: t\nexpect: { delivered: all }\n"));
        let failure =
            Diagnostic::new(Code::Expectation, &source, source.span_of_bytes(19..33), "1 was not delivered")
                .note("1 failed: expired");
        let warning = Diagnostic::new(Code::LooseOrder, &source, source.span_of_bytes(0..5), "loose");
        Outcome { diagnostics: vec![failure, warning], ..outcome("b", Verdict::Failed) }
    }

    fn waiting(name: &str, comparison: Comparison) -> Outcome {
        let verdict = match comparison {
            Comparison::New { .. } => Verdict::New,
            _ => Verdict::Changed,
        };
        let snapshot = Reviewed {
            path: PathBuf::from(format!("snapshots/{name}.snap")),
            word: name.into(),
            comparison,
            kept: Kept::Pending,
        };
        Outcome { snapshot: Some(snapshot), ..outcome(name, verdict) }
    }

    fn changed() -> Outcome {
        waiting(
            "it's c",
            Comparison::Different(Difference {
                lines: vec![
                    Line::Skipped(3),
                    Line::Kept("log  t[0]".into()),
                    Line::Removed("a".into()),
                    Line::Added("b".into()),
                ],
                views: Some((Some(1), Some(2))),
                made_with: vec![
                    ("version".into(), "2.11".into(), "2.12".into()),
                    ("acks".into(), "all".into(), String::new()),
                ],
            }),
        )
    }

    fn printed(outcomes: Vec<Outcome>, paint: Paint, detail: Detail) -> String {
        let mut out = Vec::new();
        let mut terminal = Terminal::new(&mut out, paint, detail, false);
        terminal.progress(&Progress::Planned { scenarios: outcomes.len() });
        for outcome in &outcomes {
            terminal.progress(&Progress::Started { name: &outcome.name });
            terminal.progress(&Progress::Ended { name: &outcome.name });
            terminal.progress(&Progress::Outcome(outcome));
        }
        let orphans = vec!["snapshots/gone.snap".into()];
        let elapsed = Duration::from_millis(1_500);
        terminal.finish(&Finished { outcomes, orphans, elapsed }).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn all() -> Vec<Outcome> {
        let text = "application  send 0..2\nlog  t[0]  0..2".into();
        let broken = Outcome {
            duration: Duration::ZERO,
            counts: None,
            trouble: Some("cannot listen: \u{1b}[31m".into()),
            ..outcome("e", Verdict::Broken)
        };
        vec![
            outcome("a", Verdict::Passed),
            failed(),
            changed(),
            waiting("d", Comparison::New { text }),
            broken,
            outcome("f", Verdict::Passed),
        ]
    }

    #[test]
    fn a_line_for_each_and_what_is_wrong_below() {
        insta::assert_snapshot!(printed(all(), Paint::PLAIN, Detail::Normal), @r"
             passed    21 ms  a  3 sent, 2 ok, 1 failed
             failed    21 ms  b  3 sent, 2 ok, 1 failed
            error[F001]: 1 was not delivered
             --> scenarios/b.yaml:2:11
              |
            2 | expect: { delivered: all }
              |           ^^^^^^^^^^^^^^
              |
              = note: 1 failed: expired
            librdkafka said of expired: Local: Message timed out

            changed    21 ms  it's c  3 sent, 2 ok, 1 failed
            it differs from snapshots/it's c.snap:
                … 3 the same
                log  t[0]
              - a
              + b
            it was made by version 1 of the view, this is version 2: their texts cannot be compared
            version: 2.12, was 2.11
            acks: not set, was all
            librdkafka said of expired: Local: Message timed out
            accept it: inflight accept 'it'\''s c'

                new    21 ms  d  3 sent, 2 ok, 1 failed
            there is no snapshots/d.snap yet; it would be:
              + application  send 0..2
              + log  t[0]  0..2
            accept it: inflight accept d

             broken           e
            error: cannot listen: ␛[31m

             passed    21 ms  f  3 sent, 2 ok, 1 failed

        1 snapshot belongs to no scenario:
            snapshots/gone.snap

        6 scenarios in 1.50 s: 2 passed, 1 new, 1 changed, 1 failed, 1 broken
        accept what is new or changed: inflight accept 'it'\''s c' d
        ");
    }

    #[test]
    fn quiet_leaves_out_what_passed() {
        let quiet = printed(all(), Paint::PLAIN, Detail::Quiet);
        assert!(!quiet.contains("passed    21 ms") && quiet.contains("failed    21 ms"), "{quiet}");
    }

    #[test]
    fn verbose_shows_warnings_and_everything_that_is_new() {
        let text = (0..100).map(|n| format!("line {n}")).collect::<Vec<_>>().join("\n");
        let new = || vec![waiting("d", Comparison::New { text: text.clone() })];
        let normal = printed(new(), Paint::PLAIN, Detail::Normal);
        assert!(normal.contains("line 59") && !normal.contains("line 60"), "{normal}");
        assert!(normal.contains("40 more, with --verbose"), "{normal}");
        assert!(printed(new(), Paint::PLAIN, Detail::Verbose).contains("line 99"));
        assert!(printed(vec![failed()], Paint::PLAIN, Detail::Verbose).contains("W002"));
    }

    #[test]
    fn colours_change_nothing_but_colours() {
        let coloured = printed(all(), Paint::COLOUR, Detail::Normal);
        assert!(coloured.contains("\u{1b}[32m"), "{coloured}");
        assert_eq!(
            anstream::adapter::strip_str(&coloured).to_string(),
            printed(all(), Paint::PLAIN, Detail::Normal)
        );
    }

    #[test]
    fn a_reader_that_has_gone_is_no_error_and_a_full_disk_is_one() {
        struct Refusing(ErrorKind);
        impl Write for Refusing {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(self.0.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        for (kind, is_error) in [(ErrorKind::BrokenPipe, false), (ErrorKind::StorageFull, true)] {
            let mut out = Refusing(kind);
            let mut terminal = Terminal::new(&mut out, Paint::PLAIN, Detail::Normal, false);
            terminal.progress(&Progress::Outcome(&outcome("a", Verdict::Passed)));
            let finished = Finished { outcomes: vec![], orphans: vec![], elapsed: Duration::ZERO };
            assert_eq!(terminal.finish(&finished).is_err(), is_error);
        }
    }
}
