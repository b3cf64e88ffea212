//! Every file of `scenarios/` as a test of its own, by the same code path as `inflight run`, and never writing.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::num::NonZeroU32;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use inflight::report::{Detail, Paint, Terminal};
use inflight::run::Target;
use inflight::session::{self, Candidate, Options, Progress, Request, Verdict};
use inflight::snapshot::{Policy, Update};
use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let request = Request { paths: vec!["scenarios".into()], here: here.into(), ..Request::default() };
    let selection = session::select(&request).expect("the corpus can be read");
    let orphans = selection.orphans().expect("the snapshots can be read");
    let runtime = Arc::new(Runtime::new().expect("a runtime can be started"));
    let mut trials =
        vec![Trial::test("every snapshot belongs to a scenario", move || match orphans.as_slice() {
            [] => Ok(()),
            orphans => Err(format!("these belong to none: {orphans:?}").into()),
        })];
    trials.extend(selection.candidates.into_iter().map(|candidate| {
        let runtime = Arc::clone(&runtime);
        Trial::test(candidate.name.clone(), move || passes(&runtime, candidate))
    }));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn passes(runtime: &Runtime, candidate: Candidate) -> Result<(), Failed> {
    let policy = Policy { update: Update::No, ci: true };
    let options =
        Options { jobs: 1, repeat: NonZeroU32::MIN, fail_fast: false, policy, target: Target::Embedded };
    let mut text = Vec::new();
    let mut terminal = Terminal::new(&mut text, Paint::PLAIN, Detail::Verbose, false);
    let mut progress = |progress: Progress<'_>| terminal.progress(&progress);
    let interrupt = CancellationToken::new();
    let finished = runtime.block_on(session::run(vec![candidate], &options, &interrupt, &mut progress));
    if finished.outcomes.iter().all(|outcome| outcome.verdict == Verdict::Passed) {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&text).into_owned().into())
}
