//! The exit codes. Scripts rely on them: they never change their meaning.

use crate::disk::DiskError;
use crate::session::{Outcome, Verdict};

/// All scenarios passed, or the command did what it should.
pub const PASSED: u8 = 0;

/// A scenario failed, or does not do the same each time, or its text is not what was reviewed, or a snapshot without a scenario was refused.
pub const FAILED: u8 = 1;

/// A scenario's file, a snapshot, or the command line is wrong.
pub const MISTAKE: u8 = 2;

/// The world failed: no broker, no disk, no permission.
pub const BROKEN: u8 = 3;

/// The user interrupted (128 and the number of SIGINT, as shells count).
pub const INTERRUPTED: u8 = 130;

/// What ends a command early, with its exit code.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) code: u8,
    pub(super) message: String,
}

impl Failure {
    pub(super) fn mistake(message: impl Into<String>) -> Self {
        Self { code: MISTAKE, message: message.into() }
    }

    pub(super) fn broken(message: impl Into<String>) -> Self {
        Self { code: BROKEN, message: message.into() }
    }
}

impl From<DiskError> for Failure {
    fn from(error: DiskError) -> Self {
        Self::broken(error.to_string())
    }
}

/// Of many scenarios the worst wins: 3 over 2 over 1.
pub fn of(outcomes: &[Outcome]) -> u8 {
    outcomes.iter().map(|outcome| of_verdict(outcome.verdict)).max().unwrap_or(PASSED)
}

fn of_verdict(verdict: Verdict) -> u8 {
    match verdict {
        // What was not started because another one failed changes nothing: that one counts. What a cluster cannot have is
        // said, and is nobody's fault.
        Verdict::Passed | Verdict::Ignored | Verdict::NotRun => PASSED,
        Verdict::Failed | Verdict::Flaky | Verdict::New | Verdict::Changed => FAILED,
        Verdict::Mistake => MISTAKE,
        Verdict::Broken => BROKEN,
        Verdict::Interrupted => INTERRUPTED,
    }
}
