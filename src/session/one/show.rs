//! One scenario, run to be looked at: nothing is compared, nothing is written.

use std::sync::Arc;
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use crate::judge::judge;
use crate::plan::{Combination, Plan};
use crate::run::{self, RunError, Target};
use crate::session::{Candidate, Outcome};
use crate::view::{self, Timeline};

use super::sections::Sections;
use super::{Ended, aside, ran};

/// A run to be looked at, or one for each combination.
#[derive(Clone, Debug)]
pub struct Showing {
    /// What became of it; without a snapshot.
    pub outcome: Outcome,
    /// What happened in each combination, as far as it ran to its end.
    pub timelines: Vec<(Combination, Timeline)>,
}

/// Runs a scenario once. What passes between its clients and the brokers is looked at, whether it asks for that or not.
pub async fn show(candidate: Candidate, target: &Target, interrupt: &CancellationToken) -> Showing {
    let (name, path) = (candidate.name.clone(), candidate.path.clone());
    let start = Instant::now();
    let mut timelines = Vec::new();
    let shown = steps(candidate, target, interrupt, &mut timelines).await;
    let outcome = shown.unwrap_or_else(|Ended { verdict, trouble, ends_all }| Outcome {
        trouble,
        ends_all,
        ..Outcome::without_run(name, path, verdict)
    });
    Showing { outcome: Outcome { duration: start.elapsed(), ..outcome }, timelines }
}

async fn steps(
    mut candidate: Candidate,
    target: &Target,
    interrupt: &CancellationToken,
    timelines: &mut Vec<(Combination, Timeline)>,
) -> Result<Outcome, Ended> {
    let mut candidate = aside(move || {
        candidate.check_settings();
        Ok(candidate)
    })
    .await?;
    if !candidate.is_right() {
        return Ok(candidate.refused());
    }
    let mut done = Sections::default();
    for plan in std::mem::take(&mut candidate.plans) {
        let mut looked_at = Plan::clone(&plan);
        looked_at.snapshot.requests = true;
        let plan = Arc::new(looked_at);
        let trace = match run::execute(&plan, target, interrupt).await {
            Err(RunError::Message(error)) => return Ok(candidate.without_message(&plan, &error)),
            Err(error) => return Err(Ended::of(&plan, error)),
            Ok(trace) => trace,
        };
        let judged = Arc::clone(&plan);
        let (run, timeline) = aside(move || {
            let findings = judge(&judged, &trace);
            Ok((ran(&judged, &trace, &findings), view::timeline(&judged, &trace, &findings)))
        })
        .await?;
        timelines.push((plan.combination.clone(), timeline));
        done.add_run(&plan, run);
    }
    Ok(candidate.without_text(done))
}
