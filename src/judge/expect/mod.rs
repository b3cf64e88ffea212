//! What the scenario asked for, against what came out. What none of its keys covers fails.

mod anomalies;
mod ending;
mod link;
mod missing;
mod order;
mod outcomes;

use crate::source::Span;

use super::facts::Facts;
use super::finding::{Anomaly, Failure, Odd, Warning};

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
pub(super) fn warnings(facts: &Facts<'_>) -> Vec<Warning> {
    let held = link::left(facts).map(|what| Warning { kind: Odd::HeldToTheEnd, what });
    let missing = missing::look(facts).map(|what| Warning { kind: Odd::NotThereYet, what });
    held.chain(missing).collect()
}

fn fail(message: impl Into<String>, span: Span, details: Vec<String>) -> Failure {
    Failure { message: message.into(), span, details }
}
