//! What the scenario asked for, against what came out. What none of its keys covers fails.

mod anomalies;
mod ending;
mod link;
mod order;
mod outcomes;

use crate::source::Span;

use super::facts::Facts;
use super::finding::{Anomaly, Failure};

/// Everything that the scenario asked for and did not get: first how the run ended, then outcomes, anomalies and the order of events.
pub(super) fn check(facts: &Facts<'_>, anomalies: &[Anomaly]) -> Vec<Failure> {
    let mut failures = Vec::new();
    ending::check(facts, &mut failures);
    outcomes::check(facts, &mut failures);
    anomalies::check(facts, anomalies, &mut failures);
    order::check(facts, &mut failures);
    link::check(facts, &mut failures);
    failures
}

/// What is odd, and fails nothing.
pub(super) fn warnings(facts: &Facts<'_>) -> Vec<Failure> {
    link::left(facts).collect()
}

fn fail(message: impl Into<String>, span: Span, details: Vec<String>) -> Failure {
    Failure { message: message.into(), span, details }
}
