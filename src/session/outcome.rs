//! What became of a scenario: the one model that every report prints.

use std::path::PathBuf;
use std::time::Duration;

use crate::diagnostic::Diagnostic;
use crate::judge::Counts;
use crate::snapshot::{Comparison, Kept};

use super::Flaky;

/// What became of one scenario.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its name.
    pub name: String,
    /// Its file, as the user gave it or as it was found.
    pub path: PathBuf,
    /// The verdict.
    pub verdict: Verdict,
    /// From the start of its world to the end of its judgement; zero where it did not run.
    pub duration: Duration,
    /// How often it ran to its end.
    pub runs: u32,
    /// How many messages met which fate; none where it did not run to its end.
    pub counts: Option<Counts>,
    /// Mistakes, failures and warnings, each with its place in the file.
    pub diagnostics: Vec<Diagnostic>,
    /// What the client said of errors in its own words, a line for each.
    pub said: Vec<String>,
    /// What became of its text; none where there was none.
    pub snapshot: Option<Reviewed>,
    /// In what its runs differ, for each combination of its matrix in which they do.
    pub flaky: Vec<Flaky>,
    /// Why the world failed, or why it was ignored, in words.
    pub trouble: Option<String>,
    /// Its world has failed for all others, too.
    pub ends_all: bool,
}

/// What became of a scenario's text.
#[derive(Clone, Debug)]
pub struct Reviewed {
    /// The snapshot's file.
    pub path: PathBuf,
    /// The word that `inflight accept` and `inflight reject` know it by.
    pub word: String,
    /// How the text compares with what was reviewed.
    pub comparison: Comparison,
    /// What was written of it.
    pub kept: Kept,
}

/// What is said of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It did what it should, and its text is what was reviewed.
    Passed,
    /// It did not do what the file expects.
    Failed,
    /// The cluster of the user cannot have what it needs, so nothing is known of it.
    Ignored,
    /// It did, and its text was never reviewed.
    New,
    /// It did, and its text differs from what was reviewed.
    Changed,
    /// It did not do the same each time it was run.
    Flaky,
    /// Its file, its snapshot, or the settings of the command line are wrong.
    Mistake,
    /// The world failed: no broker, no disk, no permission.
    Broken,
    /// It was under way when the user interrupted.
    Interrupted,
    /// It was not started: the user interrupted, or another one failed and `--fail-fast` was given.
    NotRun,
}

impl Verdict {
    /// All of them, the best first.
    pub const ALL: &[Self] = &[
        Self::Passed,
        Self::Ignored,
        Self::New,
        Self::Changed,
        Self::Failed,
        Self::Flaky,
        Self::Mistake,
        Self::Broken,
        Self::Interrupted,
        Self::NotRun,
    ];

    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Ignored => "ignored",
            Self::Failed => "failed",
            Self::Flaky => "flaky",
            Self::New => "new",
            Self::Changed => "changed",
            Self::Mistake => "mistake",
            Self::Broken => "broken",
            Self::Interrupted => "interrupted",
            Self::NotRun => "not run",
        }
    }

    /// Whether nothing is left to do.
    pub fn is_good(self) -> bool {
        matches!(self, Self::Passed | Self::Ignored)
    }
}

impl Outcome {
    /// An outcome of a scenario that has not run.
    pub(super) fn without_run(name: String, path: PathBuf, verdict: Verdict) -> Self {
        Self {
            name,
            path,
            verdict,
            duration: Duration::ZERO,
            runs: 0,
            counts: None,
            diagnostics: Vec::new(),
            said: Vec::new(),
            snapshot: None,
            flaky: Vec::new(),
            trouble: None,
            ends_all: false,
        }
    }
}
