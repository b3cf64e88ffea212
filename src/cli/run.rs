//! `inflight run`.

use std::ffi::OsString;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::pin::pin;
use std::str::FromStr;
use std::thread;

use clap::{Args, ValueEnum};
use tokio::runtime::Builder;
use tokio_util::sync::CancellationToken;

use crate::report::{self, Detail, Terminal};
use crate::session::{self, Candidate, Finished, Options, Progress};
use crate::snapshot::{Policy, Update, is_ci};

use super::cluster::{Cluster, reach};
use super::exit::{self, Failure};
use super::output::{Output, forgive};
use super::select::{Overrides, Scenarios};
use super::signals::Signals;

/// Scenarios wait more than they work: so many of them for each processor end soonest, measured with the corpus and with
/// two hundred scenarios that wait for nothing.
const JOBS: usize = 4;

/// More threads than these, for all brokers together, only get in each other's way; the clients have their own.
const WORKERS: usize = 8;

/// Where snapshots are.
const PLACES: &str = "The snapshot of scenarios/a/b.yaml is snapshots/a/b.snap, beside the nearest folder that is \
                      named scenarios. A scenario elsewhere has its snapshot in snapshots/ beside it. Only a \
                      scenario that did what it should has its snapshot written.";

#[derive(Args, Debug)]
#[command(after_long_help = PLACES)]
pub(super) struct Run {
    #[command(flatten)]
    scenarios: Scenarios,

    #[command(flatten)]
    overrides: Overrides,

    #[command(flatten)]
    cluster: Cluster,

    /// How many scenarios run at once; four for each processor where it is not said
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,

    /// Run each scenario so often; one that does not do the same each time is flaky
    #[arg(long, value_name = "N", default_value = "1")]
    repeat: NonZeroU32,

    /// Write new and changed snapshots in place, without review
    #[arg(long)]
    accept: bool,

    /// What is written of new and changed snapshots, as for insta. `auto`: pending files beside them, nothing where CI
    /// is set; `always`, `force`: in place; `new`: pending files; `unseen`: new ones in place; `no`: nothing
    #[arg(long, value_name = "MODE", env = "INSTA_UPDATE", value_parser = Update::from_str, default_value = "auto")]
    update: Update,

    /// Start no other scenario once one has not passed
    #[arg(long)]
    fail_fast: bool,

    /// Write a report to a file besides: junit=PATH. May be given several times
    #[arg(long, value_name = "KIND=PATH", value_parser = Report::from_str)]
    report: Vec<Report>,

    /// What to do about snapshots that belong to no scenario, in the folders that were named
    #[arg(long, value_name = "MODE", value_enum, default_value_t)]
    unreferenced: Unreferenced,

    #[command(flatten)]
    verbosity: Verbosity,

    #[command(flatten)]
    environment: Environment,
}

#[derive(Args, Debug)]
struct Verbosity {
    /// Print only what did not pass
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,

    /// Print warnings and whole differences too
    #[arg(short, long)]
    verbose: bool,
}

/// What continuous integrations set.
#[derive(Args, Debug)]
struct Environment {
    #[arg(long, env = "CI", hide = true)]
    ci: Option<OsString>,
    #[arg(long, env = "TF_BUILD", hide = true)]
    tf_build: Option<OsString>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Unreferenced {
    /// Name them
    #[default]
    Warn,
    /// Name them and fail
    Reject,
    /// Say nothing
    Ignore,
}

/// A report to a file.
#[derive(Clone, Debug)]
struct Report {
    path: PathBuf,
}

impl FromStr for Report {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some(("junit", path)) if !path.is_empty() => Ok(Self { path: path.into() }),
            _ => Err("it has the form junit=PATH".into()),
        }
    }
}

impl Run {
    pub(super) fn execute(self, output: &mut Output) -> Result<u8, Failure> {
        let options = self.options();
        let detail = self.verbosity.detail();
        let selection = self.scenarios.select(self.overrides)?;
        let orphans = match self.unreferenced {
            Unreferenced::Ignore => Vec::new(),
            Unreferenced::Warn | Unreferenced::Reject => selection.orphans()?,
        };
        let mut terminal = Terminal::new(&mut output.stdout, output.paint, detail, output.bar);
        let finished = drive(selection.candidates, &options, &mut |progress| terminal.progress(&progress))?;
        let Some(finished) = finished else {
            return Err(Failure {
                code: exit::INTERRUPTED,
                message: "interrupted twice, gave up at once".into(),
            });
        };
        let finished = Finished { orphans, ..finished };
        forgive(terminal.finish(&finished))?;
        for report in &self.report {
            report::junit(&finished, &report.path)?;
        }
        let refused = self.unreferenced == Unreferenced::Reject && !finished.orphans.is_empty();
        Ok(exit::of(&finished.outcomes).max(if refused { exit::FAILED } else { exit::PASSED }))
    }

    fn options(&self) -> Options {
        let ci = self.environment.ci.as_ref().map(|ci| ci.to_string_lossy());
        Options {
            jobs: self.jobs.map_or(JOBS * processors(), NonZeroUsize::get),
            repeat: self.repeat,
            fail_fast: self.fail_fast,
            target: self.cluster.target(),
            policy: Policy {
                update: if self.accept { Update::Always } else { self.update },
                ci: is_ci(ci.as_deref(), self.environment.tf_build.is_some()),
            },
        }
    }
}

impl Verbosity {
    fn detail(&self) -> Detail {
        match (self.quiet, self.verbose) {
            (true, _) => Detail::Quiet,
            (_, true) => Detail::Verbose,
            _ => Detail::Normal,
        }
    }
}

/// Runs the scenarios until they end. The first interruption ends them in order; after a second one there is no
/// outcome.
fn drive(
    candidates: Vec<Candidate>,
    options: &Options,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Option<Finished>, Failure> {
    let cannot = |error| Failure::broken(format!("cannot start: {error}"));
    let workers = processors().clamp(2, WORKERS);
    let runtime = Builder::new_multi_thread().worker_threads(workers).enable_all().build().map_err(cannot)?;
    let finished = runtime.block_on(async {
        let interrupt = CancellationToken::new();
        let mut signals = Signals::new().map_err(cannot)?;
        reach(&options.target, &mut signals).await?;
        let mut running = pin!(session::run(candidates, options, &interrupt, progress));
        loop {
            tokio::select! {
                finished = &mut running => return Ok(Some(finished)),
                () = signals.next() => {
                    if interrupt.is_cancelled() {
                        return Ok(None);
                    }
                    interrupt.cancel();
                }
            }
        }
    });
    // What was given up may wait for a client; nobody waits for it.
    runtime.shutdown_background();
    finished
}

fn processors() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}
