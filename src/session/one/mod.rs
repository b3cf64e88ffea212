//! One scenario, from its plan to its verdict.

mod sections;
mod show;

use std::sync::Arc;
use std::time::Instant;

use tokio::task::{JoinError, spawn_blocking};
use tokio_util::sync::CancellationToken;

use crate::diagnostic::{Code, Diagnostic};
use crate::disk::DiskError;
use crate::judge::{Failure, Findings, Odd, Warning, judge};
use crate::plan::{Plan, RenderError};
use crate::run::{self, RunError};
use crate::snapshot::{Comparison, Kept, Policy, Snapshot, keep};
use crate::source::Span;
use crate::trace::Trace;
use crate::view;

use super::repeat::{Run, Runs};
use super::{Candidate, Options, Outcome, Reviewed, Verdict};

use sections::Sections;
pub use show::{Showing, show};

/// Runs a scenario, as often as is wanted, judges it, compares its text with what was reviewed, and keeps it.
pub(super) async fn one(candidate: Candidate, options: Options, interrupt: CancellationToken) -> Outcome {
    let (name, path) = (candidate.name.clone(), candidate.path.clone());
    let start = Instant::now();
    let done = steps(candidate, &options, interrupt).await;
    let outcome = done.unwrap_or_else(|Ended { verdict, trouble, ends_all }| Outcome {
        trouble,
        ends_all,
        ..Outcome::without_run(name, path, verdict)
    });
    Outcome { duration: start.elapsed(), ..outcome }
}

/// What ended a scenario before its end.
struct Ended {
    verdict: Verdict,
    trouble: Option<String>,
    ends_all: bool,
}

async fn steps(
    mut candidate: Candidate,
    options: &Options,
    interrupt: CancellationToken,
) -> Result<Outcome, Ended> {
    let (mut candidate, reviewed) = aside(move || {
        let reviewed = candidate.check()?;
        Ok((candidate, reviewed))
    })
    .await?;
    if !candidate.is_right() {
        return Ok(candidate.refused());
    }
    let mut done = Sections::default();
    let mut unsuited = None;
    for plan in std::mem::take(&mut candidate.plans) {
        match repeated(&plan, options, &interrupt).await? {
            Ok(runs) => done.add(&plan, runs),
            Err(RunError::Message(error)) => return Ok(candidate.without_message(&plan, &error)),
            // The others may still show what is wrong.
            Err(error @ RunError::Unsuited(_)) => unsuited = unsuited.or(Some(Ended::of(&plan, error))),
            Err(error) => return Err(Ended::of(&plan, error)),
        }
    }
    match unsuited {
        Some(ended) if done.are_good() => Err(ended),
        Some(_) => Ok(candidate.without_text(done)),
        None => {
            let policy = options.policy;
            aside(move || candidate.concluded(done, reviewed.as_ref(), policy)).await
        }
    }
}

/// Runs one combination as often as is wanted.
async fn repeated(
    plan: &Arc<Plan>,
    options: &Options,
    interrupt: &CancellationToken,
) -> Result<Result<Runs, RunError>, Ended> {
    let mut runs = Runs::default();
    for _ in 0..options.repeat.get() {
        let trace = match run::execute(plan, &options.target, interrupt).await {
            Ok(trace) => trace,
            Err(error) => return Ok(Err(error)),
        };
        let judged = Arc::clone(plan);
        runs.add(aside(move || Ok(ran(&judged, &trace, &judge(&judged, &trace)))).await?);
    }
    Ok(Ok(runs))
}

/// What a run came to.
fn ran(plan: &Plan, trace: &Trace, findings: &Findings) -> Run {
    let view = view::of(plan, trace, findings);
    Run {
        text: view.text(),
        view,
        failures: findings.failures.iter().map(|failure| shown(Code::Expectation, plan, failure)).collect(),
        warnings: findings.warnings.iter().map(|warning| odd(plan, warning)).collect(),
        counts: findings.counts,
        client: trace.client.clone(),
    }
}

/// Work that takes a processor or the disk for a while goes where it keeps no broker from answering.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, DiskError> + Send + 'static,
) -> Result<T, Ended> {
    Ok(spawn_blocking(work).await??)
}

impl Candidate {
    /// The outcome of a scenario whose file is wrong.
    pub(super) fn refused(self) -> Outcome {
        let outcome = Outcome::without_run(self.name, self.path, Verdict::Mistake);
        Outcome { diagnostics: self.diagnostics, ..outcome }
    }

    /// The outcome of a scenario one of whose messages cannot be made.
    fn without_message(mut self, plan: &Plan, error: &RenderError) -> Outcome {
        let asked = plan.batch_of(error.message).map_or_else(Span::default, |batch| batch.span);
        let mistake = Diagnostic::new(Code::TemplateFails, &plan.source, asked, error.to_string());
        self.diagnostics.push(plan.combination.names(mistake));
        self.refused()
    }

    /// The outcome of a scenario whose text is not to be compared.
    fn without_text(mut self, done: Sections) -> Outcome {
        let verdict = if done.are_good() {
            Verdict::Passed
        } else if done.flaky.is_empty() {
            Verdict::Failed
        } else {
            Verdict::Flaky
        };
        self.diagnostics.extend(done.failures.finish());
        self.diagnostics.extend(done.warnings.finish());
        let outcome = Outcome::without_run(self.name, self.path, verdict);
        let (counts, diagnostics) = (Some(done.counts), self.diagnostics);
        Outcome { runs: done.runs, counts, diagnostics, said: done.said, flaky: done.flaky, ..outcome }
    }

    fn concluded(
        mut self,
        done: Sections,
        reviewed: Option<&Snapshot>,
        policy: Policy,
    ) -> Result<Outcome, DiskError> {
        if !done.flaky.is_empty() {
            return Ok(self.without_text(done));
        }
        let new = Snapshot::new(done.header(&self.mirror), &done.text());
        let comparison = Comparison::of(reviewed, &new);
        let passed = done.are_good();
        // The text of a run that went wrong is nobody's to accept.
        let kept =
            if passed { keep(&self.mirror.snapshot, &new, &comparison, policy)? } else { Kept::Nothing };
        self.diagnostics.extend(done.failures.finish());
        self.diagnostics.extend(done.warnings.finish());
        let verdict = match &comparison {
            _ if !passed => Verdict::Failed,
            Comparison::Same => Verdict::Passed,
            _ if kept == Kept::Snapshot => Verdict::Passed,
            Comparison::New { .. } => Verdict::New,
            Comparison::Different(_) => Verdict::Changed,
        };
        let word = self.mirror.word(&self.path);
        let snapshot = Some(Reviewed { path: self.mirror.snapshot, word, comparison, kept });
        let outcome = Outcome::without_run(self.name, self.path, verdict);
        let (counts, said, diagnostics) = (Some(done.counts), done.said, self.diagnostics);
        Ok(Outcome { runs: done.runs, counts, diagnostics, said, snapshot, ..outcome })
    }
}

/// A warning on the user's own text.
fn odd(plan: &Plan, warning: &Warning) -> Diagnostic {
    let code = match warning.kind {
        Odd::HeldToTheEnd => Code::HeldToTheEnd,
        Odd::NotThereYet => Code::NotThereYet,
    };
    shown(code, plan, &warning.what)
}

/// A failure on the user's own text.
fn shown(code: Code, plan: &Plan, failure: &Failure) -> Diagnostic {
    let shown = Diagnostic::new(code, &plan.source, failure.span, &failure.message);
    if failure.details.is_empty() { shown } else { shown.note(failure.details.join("\n")) }
}

impl Ended {
    /// What ended a combination.
    fn of(plan: &Plan, error: RunError) -> Self {
        let ended = Self::from(error);
        let named = |trouble| match &plan.combination {
            all if all.is_empty() => trouble,
            combination => format!("with {combination}: {trouble}"),
        };
        Self { trouble: ended.trouble.map(named), ..ended }
    }
}

impl From<DiskError> for Ended {
    fn from(error: DiskError) -> Self {
        Self { verdict: Verdict::Broken, trouble: Some(error.to_string()), ends_all: false }
    }
}

impl From<RunError> for Ended {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Interrupted => Self { verdict: Verdict::Interrupted, trouble: None, ends_all: false },
            RunError::Unsuited(why) => {
                Self { verdict: Verdict::Ignored, trouble: Some(why), ends_all: false }
            }
            error => Self {
                verdict: Verdict::Broken,
                trouble: Some(error.in_full()),
                ends_all: error.is_for_all(),
            },
        }
    }
}

impl From<JoinError> for Ended {
    fn from(error: JoinError) -> Self {
        Self { verdict: Verdict::Broken, trouble: Some(error.to_string()), ends_all: false }
    }
}
