//! `inflight check`.

use clap::Args;

use crate::diagnostic::{self, Severity};

use super::exit::{self, Failure};
use super::output::Output;
use super::select::{Overrides, Scenarios};

#[derive(Args, Debug)]
pub(super) struct Check {
    #[command(flatten)]
    scenarios: Scenarios,

    #[command(flatten)]
    overrides: Overrides,
}

impl Check {
    /// Mistakes and warnings go to the standard error, as a compiler's do.
    pub(super) fn execute(self, output: &mut Output) -> Result<u8, Failure> {
        let selection = self.scenarios.select(self.overrides)?;
        let all = selection.candidates.len();
        let (mut wrong, mut warnings) = (0, 0);
        for mut candidate in selection.candidates {
            candidate.check()?;
            if !candidate.diagnostics.is_empty() {
                let text = diagnostic::render_all(&candidate.diagnostics, output.error_paint.style);
                Output::complain(&format!("{text}\n"));
            }
            let all = candidate.diagnostics.iter();
            warnings += all.filter(|it| it.code.severity() == Severity::Warning).count();
            wrong += usize::from(!candidate.is_right());
        }
        let right = match (wrong, all) {
            (0, 1) => "the scenario is right".to_owned(),
            (0, all) => format!("all {all} scenarios are right"),
            (wrong, 1) => format!("{wrong} scenario is wrong"),
            (wrong, all) => format!("{wrong} of {all} scenarios are wrong"),
        };
        let noted = match warnings {
            0 => String::new(),
            1 => ", 1 warning".to_owned(),
            warnings => format!(", {warnings} warnings"),
        };
        output.line(&format!("{right}{noted}"))?;
        Ok(if wrong > 0 { exit::MISTAKE } else { exit::PASSED })
    }
}
