//! One scenario, from its plan to its verdict.

mod show;

use std::sync::Arc;
use std::time::Instant;

use tokio::task::{JoinError, spawn_blocking};
use tokio_util::sync::CancellationToken;

use crate::diagnostic::{Code, Diagnostic};
use crate::disk::DiskError;
use crate::judge::{Failure, judge};
use crate::plan::{Plan, RenderError};
use crate::run::{self, RunError};
use crate::snapshot::{Comparison, Header, Info, Kept, Mirror, Policy, Snapshot, keep};
use crate::source::Span;
use crate::trace::{Client, Said, Trace};
use crate::view;

use super::repeat::{Run, Runs};
use super::{Candidate, Options, Outcome, Reviewed, Verdict};

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
    let plan = if candidate.is_right() { candidate.plan.take() } else { None };
    let Some(plan) = plan else { return Ok(candidate.refused()) };
    let mut runs = Runs::default();
    for _ in 0..options.repeat.get() {
        let trace = match run::execute(&plan, &options.target, &interrupt).await {
            Err(RunError::Message(error)) => return Ok(candidate.without_message(&plan, &error)),
            trace => trace?,
        };
        let judged = Arc::clone(&plan);
        runs.add(aside(move || Ok(ran(&judged, trace))).await?);
    }
    let policy = options.policy;
    aside(move || candidate.concluded(&plan, runs, reviewed.as_ref(), policy)).await
}

/// Judges a run.
fn ran(plan: &Plan, trace: Trace) -> Run {
    let findings = judge(plan, &trace);
    let view = view::of(plan, &trace, &findings);
    Run {
        text: view.text(),
        view,
        failures: findings.failures.iter().map(|failure| shown(Code::Expectation, plan, failure)).collect(),
        warnings: findings.warnings.iter().map(|warning| shown(Code::HeldToTheEnd, plan, warning)).collect(),
        counts: findings.counts,
        client: trace.client,
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
        self.diagnostics.push(mistake);
        self.refused()
    }

    fn concluded(
        mut self,
        plan: &Plan,
        runs: Runs,
        reviewed: Option<&Snapshot>,
        policy: Policy,
    ) -> Result<Outcome, DiskError> {
        let times = runs.count();
        let Some((run, flaky)) = runs.conclude(plan) else { return Ok(self.refused()) };
        let said = said(plan, &run.client);
        if flaky.is_some() {
            let outcome = Outcome::without_run(self.name, self.path, Verdict::Flaky);
            let (counts, diagnostics) = (Some(run.counts), self.diagnostics);
            return Ok(Outcome { runs: times, counts, diagnostics, said, flaky, ..outcome });
        }
        let new = Snapshot::new(header(&self.mirror, plan, &run.client), &run.text);
        let comparison = Comparison::of(reviewed, &new);
        let passed = run.failures.is_empty();
        // The text of a run that went wrong is nobody's to accept.
        let kept =
            if passed { keep(&self.mirror.snapshot, &new, &comparison, policy)? } else { Kept::Nothing };
        self.diagnostics.extend(run.failures);
        self.diagnostics.extend(run.warnings);
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
        let counts = Some(run.counts);
        Ok(Outcome { runs: times, counts, diagnostics: self.diagnostics, said, snapshot, ..outcome })
    }
}

fn header(mirror: &Mirror, plan: &Plan, client: &Client) -> Header {
    let names = plan.producers.iter().map(|producer| producer.name.to_string());
    Header {
        source: Some(mirror.source.clone()),
        description: plan.description.clone(),
        expression: Some(format!("inflight run {}", mirror.source)),
        info: Info {
            view: Some(view::VERSION),
            client: client.name.clone(),
            version: client.version.clone(),
            settings: names.zip(client.settings.iter().cloned()).collect(),
        },
    }
}

/// The client's own words on each kind of error; the producer is named where there are several.
fn said(plan: &Plan, client: &Client) -> Vec<String> {
    let of = |said: &Said| match plan.producers.get(said.producer.index()) {
        Some(producer) if plan.producers.len() > 1 => format!("{}, {}", producer.name, said.code),
        _ => said.code.to_string(),
    };
    client.said.iter().map(|said| format!("{} said of {}: {}", client.name, of(said), said.words)).collect()
}

/// A failure on the user's own text.
fn shown(code: Code, plan: &Plan, failure: &Failure) -> Diagnostic {
    let shown = Diagnostic::new(code, &plan.source, failure.span, &failure.message);
    if failure.details.is_empty() { shown } else { shown.note(failure.details.join("\n")) }
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
