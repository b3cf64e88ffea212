//! Many scenarios: found, read, run side by side, and what became of each, in the order of the files.

mod discover;
mod filter;
mod jobs;
mod load;
mod one;
mod outcome;
mod repeat;

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

pub use filter::Filter;
pub use jobs::run;
pub use load::{Candidate, Request, Selection, select};
pub use one::{Showing, show};
pub use outcome::{Outcome, Reviewed, Verdict};
pub use repeat::Flaky;

use crate::run::Target;
use crate::snapshot::Policy;

/// How scenarios are run.
#[derive(Clone, Debug)]
pub struct Options {
    /// So many at once, at least 1.
    pub jobs: usize,
    /// How often each is run.
    pub repeat: NonZeroU32,
    /// Start no other one once one has not passed.
    pub fail_fast: bool,
    /// What is written of their texts.
    pub policy: Policy,
    /// Which cluster they run on.
    pub target: Target,
}

/// What happens while scenarios run.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// So many are going to run.
    Planned {
        /// How many.
        scenarios: usize,
    },
    /// One has begun.
    Started {
        /// Its name.
        name: &'a str,
    },
    /// One has ended; its outcome may have to wait for those before it.
    Ended {
        /// Its name.
        name: &'a str,
    },
    /// What became of one; in the order of the files.
    Outcome(&'a Outcome),
}

/// What became of all.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Of each, in the order of the files.
    pub outcomes: Vec<Outcome>,
    /// Snapshots that belong to no scenario.
    pub orphans: Vec<PathBuf>,
    /// From the first to the last.
    pub elapsed: Duration,
}
