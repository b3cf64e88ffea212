//! What the trace means: outcomes, anomalies, and the scenario's own expectations.
//!
//! Everything here is a fold over the events and the logs, in near-linear time and a few bytes a message. A check that
//! fails is a result, not an error.

mod anomalies;
mod expect;
mod facts;
mod finding;
#[cfg(test)]
pub(crate) mod fixture;
mod outcome;
#[cfg(test)]
pub(crate) mod tests;

pub use finding::{
    Anomaly, Detail, Failure, Findings, Instance, Lane, Odd, Place, Resolved, SplitKey, Stands, Warning,
    Which,
};
pub use outcome::{By, Counts, Outcome, Outcomes};

use crate::plan::Plan;
use crate::trace::{Event, Trace};

use facts::Facts;

/// Judges a run.
pub fn judge(plan: &Plan, trace: &Trace) -> Findings {
    let facts = Facts::of(plan, trace);
    let anomalies = anomalies::find(&facts);
    let failures = expect::check(&facts, &anomalies);
    let warnings = expect::warnings(&facts);
    let named = trace.events.others().map(|event| match event {
        Event::Timeout(submissions) => submissions.len(),
        _ => 0,
    });
    let counts = Counts { timeouts: named.sum(), foreign: facts.standing.foreign, ..facts.outcomes.counts() };
    let resolved = facts.resolved();
    Findings { outcomes: facts.outcomes, resolved, anomalies, failures, warnings, counts }
}
