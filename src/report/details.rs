//! What is said of one scenario below its line: mistakes and failures on the user's own text, the difference of its
//! text, and the command that accepts it.

use crate::diagnostic::{self, Diagnostic, Severity};
use crate::session::{Flaky, Outcome, Reviewed, Verdict};
use crate::snapshot::{Comparison, Difference, Kept, Line};

use super::paint::{Paint, printable, quoted};

/// How many lines of a difference are shown.
pub(super) const LINES: usize = 60;

/// What is said of a scenario, line by line.
pub(super) struct Details {
    pub(super) paint: Paint,
    /// How many lines of a difference are shown.
    pub(super) lines: usize,
    /// Warnings about the file too.
    pub(super) warnings: bool,
}

impl Details {
    /// The lines; none where nothing is to be said.
    pub(super) fn of(&self, outcome: &Outcome) -> Vec<String> {
        let mut lines = Vec::new();
        let shown = |it: &&Diagnostic| {
            self.warnings || it.code.severity() != Severity::Warning || it.code.is_of_run()
        };
        let diagnostics: Vec<_> = outcome.diagnostics.iter().filter(shown).cloned().collect();
        let text = diagnostic::render_all(&diagnostics, self.paint.style);
        lines.extend(text.lines().map(String::from));
        if let Some(trouble) = &outcome.trouble {
            let lead = match outcome.verdict {
                Verdict::Ignored => self.paint.faint("why:"),
                _ => self.paint.bad("error:"),
            };
            lines.push(format!("{lead} {}", printable(trouble)));
        }
        for flaky in &outcome.flaky {
            self.flaky(flaky, &mut lines);
        }
        if let Some(snapshot) = &outcome.snapshot {
            self.compared(snapshot, outcome.verdict, &mut lines);
        }
        if self.warnings || matches!(outcome.verdict, Verdict::Failed | Verdict::Flaky | Verdict::Changed) {
            lines.extend(outcome.said.iter().map(|said| self.paint.faint(printable(said))));
        }
        if let Some(snapshot) = outcome.snapshot.as_ref().filter(|_| outcome.verdict != Verdict::Failed) {
            self.kept(snapshot, &mut lines);
        }
        lines
    }

    fn compared(&self, snapshot: &Reviewed, verdict: Verdict, lines: &mut Vec<String>) {
        let path = path(snapshot);
        match &snapshot.comparison {
            Comparison::Same => {}
            Comparison::New { .. } if snapshot.kept == Kept::Snapshot => {}
            Comparison::New { text } if verdict == Verdict::Failed => {
                lines.push("what happened:".into());
                self.changes(text.lines().map(|line| Line::Kept(line.into())).collect(), lines);
            }
            Comparison::New { text } => {
                lines.push(self.paint.open(format!("there is no {path} yet; it would be:")));
                self.changes(text.lines().map(|line| Line::Added(line.into())).collect(), lines);
            }
            Comparison::Different(difference) => {
                lines.push(self.paint.open(format!("it differs from {path}:")));
                self.changes(difference.lines.clone(), lines);
                self.made_with(difference, lines);
            }
        }
    }

    fn flaky(&self, flaky: &Flaky, lines: &mut Vec<String>) {
        let counts: Vec<_> = flaky.counts.iter().map(u32::to_string).collect();
        let (different, counts) = (flaky.counts.len(), counts.join(", "));
        let with = match &flaky.combination {
            all if all.is_empty() => String::new(),
            combination => format!("with {combination}: "),
        };
        let runs = flaky.runs;
        lines.push(format!("{with}{different} different outcomes in {runs} runs, so often each: {counts}"));
        for (count, message) in &flaky.failures {
            lines.push(self.paint.bad(format!("in {count} of them: {}", printable(message))));
        }
        if !flaky.lines.is_empty() {
            lines.push(self.paint.open("the two that are nearest to each other differ in:"));
            self.changes(flaky.lines.clone(), lines);
        }
        lines.extend(flaky.pins.iter().map(|pin| format!("{} {pin}", self.paint.faint("pin it:"))));
    }

    fn kept(&self, snapshot: &Reviewed, lines: &mut Vec<String>) {
        match (snapshot.kept, &snapshot.comparison) {
            (Kept::Nothing, Comparison::Same) => {}
            (Kept::Nothing, _) => {
                lines
                    .push("nothing was written here; run it where snapshots are written to accept it".into());
            }
            (Kept::Pending, _) => {
                let command = format!("inflight accept {}", quoted(&snapshot.word));
                lines.push(format!("{} {}", self.paint.faint("accept it:"), printable(&command)));
            }
            (Kept::Snapshot, _) => lines.push(self.paint.good(format!("wrote {}", path(snapshot)))),
        }
    }

    fn changes(&self, changes: Vec<Line>, lines: &mut Vec<String>) {
        let left_out = changes.len().saturating_sub(self.lines);
        for change in changes.into_iter().take(self.lines) {
            lines.push(match change {
                Line::Kept(text) => format!("    {}", printable(&text)),
                Line::Removed(text) => self.paint.bad(format!("  - {}", printable(&text))),
                Line::Added(text) => self.paint.good(format!("  + {}", printable(&text))),
                Line::Skipped(count) => self.paint.faint(format!("    … {count} the same")),
            });
        }
        if left_out > 0 {
            lines.push(self.paint.faint(format!("    … {left_out} more, with --verbose")));
        }
    }

    fn made_with(&self, difference: &Difference, lines: &mut Vec<String>) {
        if let Some((old, new)) = difference.views {
            let version =
                |view: Option<u32>| view.map_or("no version".into(), |view| format!("version {view}"));
            lines.push(format!(
                "it was made by {} of the view, this is {}: their texts cannot be compared",
                version(old),
                version(new),
            ));
        }
        for (name, old, new) in &difference.made_with {
            let value =
                |value: &str| if value.is_empty() { "not set".into() } else { printable(value).into_owned() };
            let note = format!("{}: {}, was {}", printable(name), value(new), value(old));
            lines.push(self.paint.faint(note));
        }
    }
}

fn path(snapshot: &Reviewed) -> String {
    printable(&snapshot.path.display().to_string()).into_owned()
}
