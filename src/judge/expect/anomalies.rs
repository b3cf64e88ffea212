//! Anomalies against `anomalies`: those that must occur, those that may, and no others.

use std::collections::BTreeMap;

use crate::plan::AnomalyKind;
use crate::submissions::Submissions;

use super::fail;
use crate::judge::facts::Facts;
use crate::judge::finding::{Anomaly, Failure, Lane, Which};

pub(super) fn check(facts: &Facts<'_>, anomalies: &[Anomaly], failures: &mut Vec<Failure>) {
    let expect = &facts.plan.expect;
    for kind in &expect.must {
        if !anomalies.iter().any(|anomaly| anomaly.kind == kind.value) {
            let message = format!("the anomaly {} should have occurred, it did not", kind.value.word());
            failures.push(fail(message, kind.span, Vec::new()));
        }
    }
    let mut unasked = BTreeMap::<AnomalyKind, Vec<String>>::new();
    for anomaly in anomalies {
        let mut declared = expect.must.iter().chain(&expect.may);
        if !declared.any(|kind| kind.value == anomaly.kind) {
            unasked.entry(anomaly.kind).or_default().push(line(facts, anomaly));
        }
    }
    for (kind, details) in unasked {
        let message = format!("the anomaly {} occurred, and nothing expects it", kind.word());
        failures.push(fail(message, expect.span, details));
    }
}

/// Where, and which submissions.
fn line(facts: &Facts<'_>, anomaly: &Anomaly) -> String {
    let mut struck = Submissions::new();
    for instance in &anomaly.instances {
        struck.insert_run(instance.first.message, instance.count, instance.first.again);
    }
    format!("{}: {struck:.20}", name(facts, anomaly.lane))
}

fn name(facts: &Facts<'_>, lane: Lane) -> String {
    let topic = facts.plan.topics.get(lane.topic.index()).map_or("", |topic| topic.name.as_ref());
    let partition = match lane.partition {
        Which::All => "*".to_owned(),
        Which::One(partition) => partition.to_string(),
        Which::Unknown => "?".to_owned(),
    };
    let producer = lane.producer.filter(|_| facts.plan.producers.len() > 1);
    match producer.and_then(|producer| facts.plan.producers.get(producer.index())) {
        Some(producer) => format!("{} {topic}[{partition}]", producer.name),
        None => format!("{topic}[{partition}]"),
    }
}
