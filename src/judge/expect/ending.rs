//! How the run ended: by its deadline, by a wait that ran out, with a producer that gave up.

use std::time::Duration;

use crate::id::{MessageId, ProducerIndex, Submission};
use crate::plan::{Action, Deed, MAX_RESENT};
use crate::submissions::Submissions;
use crate::trace::{Code, Ending, Event, StepEnd};

use super::fail;
use crate::judge::facts::Facts;
use crate::judge::finding::Failure;
use crate::judge::outcome::Outcome;

pub(super) fn check(facts: &Facts<'_>, failures: &mut Vec<Failure>) {
    if let Ending::Refused { step, why } = &facts.trace.ending {
        let span = facts.plan.steps.get(*step).map_or(facts.plan.expect.span, |step| step.span);
        failures.push(fail(format!("the cluster cannot do this: {why}"), span, Vec::new()));
    }
    if let Ending::Deadline { step, waited_for, held } = &facts.trace.ending {
        failures.push(deadline(facts, *step, waited_for, held));
    }
    if let Ending::Deadlock { step, circle } = &facts.trace.ending {
        failures.push(deadlock(facts, *step, circle));
    }
    if let Ending::Endless { reaction, cause } = &facts.trace.ending {
        failures.push(endless(facts, *reaction, *cause));
    }
    waits(facts, failures);
    fatal(facts, failures);
}

/// A reaction made one submission after the other.
fn endless(facts: &Facts<'_>, reaction: usize, cause: Submission) -> Failure {
    let reaction = facts.plan.reactions.get(reaction);
    let span = reaction.map_or(facts.plan.expect.span, |reaction| reaction.span);
    let message = match reaction.map(|reaction| reaction.deed) {
        Some(Deed::Send { .. }) => "this reaction sends more messages than there can be outcomes".to_owned(),
        _ => {
            format!("message {} was submitted {MAX_RESENT} times more, and no end is in sight", cause.message)
        }
    };
    let outcome = match facts.outcomes.get(cause) {
        Some(Outcome::Ok) => "acknowledged".to_owned(),
        Some(Outcome::Failed { code, .. } | Outcome::Unknown(Some(code))) => code.to_string(),
        _ => "unknown".to_owned(),
    };
    let details =
        vec![format!("what came of the last time: {outcome}"), "write 'times: 3' to bound it".to_owned()];
    fail(message, span, details)
}

/// Nobody can go on, and no time-out would have changed that before the deadline.
fn deadlock(facts: &Facts<'_>, step: Option<usize>, circle: &[String]) -> Failure {
    let under_way = step.and_then(|step| facts.plan.steps.get(step));
    let span = under_way.or(facts.plan.steps.last()).map_or(facts.plan.expect.span, |step| step.span);
    let mut details = circle.to_vec();
    let unsent = unsent(facts);
    if !unsent.is_empty() {
        details.push(format!("never sent: {unsent:.20}"));
    }
    fail("a deadlock: each of these waits for the next, and the last for the first".to_owned(), span, details)
}

fn deadline(facts: &Facts<'_>, step: Option<usize>, waited_for: &str, held: &[String]) -> Failure {
    let under_way = step.and_then(|step| facts.plan.steps.get(step));
    let span = under_way.or(facts.plan.steps.last()).map_or(facts.plan.expect.span, |step| step.span);
    let mut details = vec![format!("waited for: {waited_for}")];
    details.extend_from_slice(held);
    let silent = facts.outcomes.which(|outcome| outcome == Outcome::Unknown(None));
    if !silent.is_empty() {
        details.push(format!("without a callback: {silent:.20}"));
    }
    let unsent = unsent(facts);
    if !unsent.is_empty() {
        details.push(format!("never sent: {unsent:.20}"));
    }
    let limit = humane(facts.plan.deadline);
    let message = match under_way {
        Some(_) => format!("the scenario's deadline of {limit} passed during this step"),
        None => format!("the scenario's deadline of {limit} passed before everything was answered"),
    };
    fail(message, span, details)
}

/// The messages of the plan that were never submitted.
pub(super) fn unsent(facts: &Facts<'_>) -> Submissions {
    let mut unsent = Submissions::new();
    let mut next = 0;
    let (planned, later) = (facts.plan.planned(), facts.calls.numbers.later());
    for number in facts.calls.numbers.made().take_while(|number| *number < planned && !later.contains(number))
    {
        unsent.insert_run(MessageId(next), number - next, 0);
        next = number + 1;
    }
    unsent.insert_run(MessageId(next), planned.saturating_sub(next), 0);
    unsent.extend(facts.plan.again().filter(|one| facts.calls.numbers.of(*one).is_none()));
    unsent
}

/// A wait that the scenario asked for and that ran out. A time-out by itself fails nothing, nor does a flush.
fn waits(facts: &Facts<'_>, failures: &mut Vec<Failure>) {
    for event in facts.trace.events.others() {
        let Event::StepEnded(number, StepEnd::TimedOut(outstanding)) = event else { continue };
        let Some(step) = facts.plan.steps.get(*number).filter(|step| step.explicit) else { continue };
        let (message, mut details) = match &step.action {
            Action::WaitCallbacks { within } => (
                format!("waited {} for all callbacks, {outstanding} did not come", humane(*within)),
                Vec::new(),
            ),
            Action::Wait { condition, within } => {
                let words = condition.words(None, &facts.plan.faults);
                let message = format!("waited {} in vain for a condition", humane(*within));
                (message, vec![format!("waited for: {words}")])
            }
            _ => continue,
        };
        let missing = outstanding_at_end(facts, *number);
        if !missing.is_empty() {
            details.push(format!("without a callback by then: {missing:.20}"));
        }
        failures.push(fail(message, step.span, details));
    }
}

/// The submissions that had been accepted and not answered when a step ended.
fn outstanding_at_end(facts: &Facts<'_>, step: usize) -> Submissions {
    let numbers = &facts.calls.numbers;
    let mut waiting = vec![false; numbers.end()];
    let mut answered = vec![false; numbers.end()];
    let before = |event: &Event| !matches!(event, Event::StepEnded(ended, _) if *ended == step);
    for event in facts.trace.events.iter().take_while(before) {
        let (column, submission) = match event {
            Event::Sent(submission) => (&mut waiting, submission),
            Event::Callback(callback) => (&mut answered, callback.submission),
            _ => continue,
        };
        if let Some(number) = numbers.of(submission) {
            column[number as usize] = true;
        }
    }
    let outstanding =
        numbers.made().filter(|number| waiting[*number as usize] && !answered[*number as usize]);
    outstanding.map(|number| numbers.submission(number)).collect()
}

fn fatal(facts: &Facts<'_>, failures: &mut Vec<Failure>) {
    let expected = facts.plan.expect.fatal;
    let mut seen: Vec<(ProducerIndex, Code)> = Vec::new();
    for event in facts.trace.events.others() {
        if let Event::Fatal(producer, code) = event
            && !seen.contains(&(*producer, *code))
        {
            seen.push((*producer, *code));
        }
    }
    for (producer, code) in &seen {
        if expected.is_some_and(|expected| expected.value == *code) {
            continue;
        }
        let producer = facts.plan.producers.get(producer.index());
        let name = producer.map_or("", |producer| producer.name.as_ref());
        let span = expected.map_or_else(|| facts.plan.expect.span, |expected| expected.span);
        let message = format!("the client gave up for good: {code}");
        failures.push(fail(message, span, vec![format!("producer: {name}")]));
    }
    if let Some(expected) = expected.filter(|expected| !seen.iter().any(|(_, code)| *code == expected.value))
    {
        let message = format!("the client should have given up for good with {}, it did not", expected.value);
        failures.push(fail(message, expected.span, Vec::new()));
    }
}

/// As people write durations: `5s`, `250ms`, `1.5s`.
fn humane(limit: Duration) -> String {
    if limit.subsec_nanos() == 0 && limit.as_secs() > 0 {
        return format!("{}s", limit.as_secs());
    }
    if limit.as_secs() > 0 {
        format!("{}s", limit.as_secs_f64())
    } else {
        format!("{}ms", limit.as_secs_f64() * 1e3)
    }
}
