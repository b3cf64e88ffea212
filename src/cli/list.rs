//! `inflight list`.

use clap::Args;

use crate::snapshot::Pending;

use super::exit::{self, Failure};
use super::output::Output;
use super::select::{Overrides, Scenarios};

#[derive(Args, Debug)]
pub(super) struct List {
    #[command(flatten)]
    scenarios: Scenarios,

    /// Only those whose snapshot waits for review
    #[arg(long)]
    pending: bool,
}

impl List {
    /// A line for each: name, file, tags. A file that is wrong is listed by the name that follows from its path.
    pub(super) fn execute(self, output: &mut Output) -> Result<u8, Failure> {
        let mut selection = self.scenarios.select(Overrides { settings: Vec::new() })?;
        if self.pending {
            selection.candidates.retain(|candidate| Pending::of(&candidate.mirror.snapshot).is_some());
        }
        let names = selection.candidates.iter().map(|candidate| candidate.name.chars().count());
        let width = names.max().unwrap_or_default();
        for candidate in &selection.candidates {
            let tags: Vec<_> = candidate.tags().iter().map(|tag| format!("  [{tag}]")).collect();
            let wrong = if candidate.is_right() { "" } else { "  (wrong, see inflight check)" };
            let path = candidate.path.display();
            output.line(&format!("{:width$}  {path}{}{wrong}", candidate.name, tags.concat()))?;
        }
        Ok(exit::PASSED)
    }
}
