//! One scenario, run to be looked at: nothing is compared, nothing is written.

use std::sync::Arc;
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use crate::diagnostic::Code;
use crate::judge::judge;
use crate::plan::Plan;
use crate::run::{self, RunError, Target};
use crate::session::{Candidate, Outcome, Verdict};
use crate::view::{self, Timeline};

use super::{Ended, aside, said, shown};

/// A run to be looked at.
#[derive(Clone, Debug)]
pub struct Showing {
    /// What became of it; without a snapshot.
    pub outcome: Outcome,
    /// What happened; none where it did not run to its end.
    pub timeline: Option<Timeline>,
}

/// Runs a scenario once. What passes between its clients and the brokers is looked at, whether it asks for that or not.
pub async fn show(candidate: Candidate, target: &Target, interrupt: &CancellationToken) -> Showing {
    let (name, path) = (candidate.name.clone(), candidate.path.clone());
    let start = Instant::now();
    let shown = steps(candidate, target, interrupt).await;
    let shown = shown.unwrap_or_else(|Ended { verdict, trouble, ends_all }| Showing {
        outcome: Outcome { trouble, ends_all, ..Outcome::without_run(name, path, verdict) },
        timeline: None,
    });
    Showing { outcome: Outcome { duration: start.elapsed(), ..shown.outcome }, ..shown }
}

async fn steps(
    mut candidate: Candidate,
    target: &Target,
    interrupt: &CancellationToken,
) -> Result<Showing, Ended> {
    let mut candidate = aside(move || {
        candidate.check_settings();
        Ok(candidate)
    })
    .await?;
    let plan = if candidate.is_right() { candidate.plan.take() } else { None };
    let Some(plan) = plan else { return Ok(Showing { outcome: candidate.refused(), timeline: None }) };
    let mut looked_at = Plan::clone(&plan);
    looked_at.snapshot.requests = true;
    let plan = Arc::new(looked_at);
    let trace = match run::execute(&plan, target, interrupt).await {
        Err(RunError::Message(error)) => {
            return Ok(Showing { outcome: candidate.without_message(&plan, &error), timeline: None });
        }
        trace => trace?,
    };
    aside(move || {
        let findings = judge(&plan, &trace);
        let timeline = Some(view::timeline(&plan, &trace, &findings));
        let failures = findings.failures.iter().map(|failure| shown(Code::Expectation, &plan, failure));
        let warnings = findings.warnings.iter().map(|warning| shown(Code::HeldToTheEnd, &plan, warning));
        candidate.diagnostics.extend(failures.chain(warnings));
        let verdict = if findings.failures.is_empty() { Verdict::Passed } else { Verdict::Failed };
        let outcome = Outcome::without_run(candidate.name, candidate.path, verdict);
        let (counts, said) = (Some(findings.counts), said(&plan, &trace.client));
        let outcome = Outcome { runs: 1, counts, diagnostics: candidate.diagnostics, said, ..outcome };
        Ok(Showing { outcome, timeline })
    })
    .await
}
