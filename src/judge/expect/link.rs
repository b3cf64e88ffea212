//! What passed between the producers and the brokers: faults that must fire, and requests that should have come.

use std::fmt::Write as _;

use kafka_protocol::messages::ApiKey;

use crate::fault::{ApiFilter, Firing, Rule, Times};
use crate::plan::{Plan, Wanted};
use crate::submissions::Submissions;
use crate::trace::{Answer, Ending, Linked, Passed, PassedRow, Taken};

use super::fail;
use crate::judge::facts::Facts;
use crate::judge::finding::Failure;

/// So many requests are shown of those that passed.
const SHOWN: usize = 20;

pub(super) fn check(facts: &Facts<'_>, failures: &mut Vec<Failure>) {
    let (plan, link) = (facts.plan, &facts.trace.link);
    if matches!(facts.trace.ending, Ending::Refused { .. }) {
        return;
    }
    for (fault, why) in &link.impossible {
        if let Some(rule) = plan.faults.get(fault.index()) {
            let message = format!("fault '{}' would show what no broker answers", rule.name);
            let hint = "'allow_impossible: true' shows it all the same".to_owned();
            failures.push(fail(message, rule.span, vec![why.clone(), hint]));
        }
    }
    for (rule, at) in plan.faults.iter().zip(0..) {
        let nothing = Taken::default();
        let taken: &Taken = link.taken.get::<usize>(at).unwrap_or(&nothing);
        let excused = link.impossible.iter().any(|(fault, _)| fault.index() == at);
        if !excused && !rule.times.content_with(taken.fired) {
            failures.push(not_fired(plan, link, rule, taken));
        }
    }
    for wanted in &plan.expect.requests {
        failures.extend(requests(plan, link, wanted));
    }
}

/// Faults that held something when the logs were to be read, in a run that came to its end.
pub(super) fn left(facts: &Facts<'_>) -> impl Iterator<Item = Failure> {
    let complete = facts.trace.ending == Ending::Complete;
    let left = facts.trace.link.left.iter().filter(move |_| complete);
    left.filter_map(|fault| facts.plan.faults.get(fault.index())).map(|rule| {
        let message = format!("fault '{}' held something to the end", rule.name);
        let words = |firing: &Firing| Some(firing.hold.as_ref()?.words(None, &facts.plan.faults));
        let until = rule.firings.iter().filter_map(words).map(|words| format!("until {words}"));
        fail(message, rule.span, until.collect())
    })
}

/// A test of a fault that did not happen proves nothing.
fn not_fired(plan: &Plan, link: &Linked, rule: &Rule, taken: &Taken) -> Failure {
    let must = match rule.times {
        Times::Exactly(1) => "once".to_owned(),
        Times::Exactly(times) => format!("{times} times"),
        Times::AtMost(_) | Times::Always => "at least once".to_owned(),
    };
    let message = match taken.fired {
        0 => format!("fault '{}' did not fire, and must {must}", rule.name),
        fired => format!("fault '{}' fired {fired} of {must}", rule.name),
    };
    let mut details = Vec::new();
    if taken.matched > 0 {
        details.push(format!("requests that it asks for: {}", taken.matched));
    }
    if let Some((nearest, passed)) =
        taken.nearest.as_ref().and_then(|near| Some((near, link.passed.get(near.passed)?)))
    {
        details.push(format!("the nearest: {}: {}", shown(plan, passed), nearest.differs));
    }
    details.extend(what_passed(plan, link.passed.iter().filter(|passed| rule.on.api.covers(passed.api))));
    fail(message, rule.span, details)
}

fn requests(plan: &Plan, link: &Linked, wanted: &Wanted) -> Option<Failure> {
    let came: Vec<&Passed> = link.passed.iter().filter(|passed| is_wanted(wanted, passed)).collect();
    let name = wanted.api.name().unwrap_or("any");
    if let Some(count) = wanted.count.filter(|count| *count != came.len() as u64) {
        let message = format!("{} requests '{name}' came, and {count} should have", came.len());
        return Some(fail(message, wanted.span, what_passed(plan, came.into_iter())));
    }
    let carries = wanted.carries.as_ref()?;
    let found: Vec<Submissions> = came.iter().map(|passed| carried(wanted, passed)).collect();
    if found == *carries {
        return None;
    }
    let listed =
        |all: &[Submissions]| all.iter().map(|one| format!("[{one}]")).collect::<Vec<_>>().join(", ");
    let message = "the requests carry other messages than they should";
    let details = vec![format!("expected: {}", listed(carries)), format!("came:     {}", listed(&found))];
    Some(fail(message, wanted.span, details))
}

fn is_wanted(wanted: &Wanted, passed: &Passed) -> bool {
    let narrowed = wanted.topic.is_some() || wanted.partition.is_some();
    wanted.api.covers(passed.api)
        && wanted.producer.is_none_or(|producer| producer == passed.producer)
        && wanted.broker.is_none_or(|broker| broker == passed.broker)
        && (!narrowed || passed.rows.iter().any(|row| is_of(wanted, row)))
}

fn is_of(wanted: &Wanted, row: &PassedRow) -> bool {
    wanted.topic.is_none_or(|topic| row.topic == Some(topic))
        && wanted.partition.is_none_or(|partition| row.partition == Some(partition))
}

fn carried(wanted: &Wanted, passed: &Passed) -> Submissions {
    let mut all = Submissions::new();
    for row in passed.rows.iter().filter(|row| is_of(wanted, row)) {
        all.extend(row.submissions.iter());
    }
    all
}

fn what_passed<'a>(plan: &Plan, passed: impl Iterator<Item = &'a Passed>) -> Vec<String> {
    let all: Vec<&Passed> = passed.collect();
    if all.is_empty() {
        return vec!["nothing of the kind passed".to_owned()];
    }
    let mut lines: Vec<String> =
        all.iter().take(SHOWN).map(|passed| format!("passed: {}", shown(plan, passed))).collect();
    if all.len() > SHOWN {
        lines.push(format!("and {} more", all.len() - SHOWN));
    }
    lines
}

/// A request in a few words: `produce orders[0] 0..2 → ok`.
fn shown(plan: &Plan, passed: &Passed) -> String {
    let mut text = match passed.api {
        None => "connect".to_owned(),
        Some(api) => match ApiFilter::Api(api).name() {
            Some(name) => name.to_owned(),
            None => format!("{api:?}"),
        },
    };
    if plan.producers.len() > 1
        && let Some(producer) = plan.producers.get(passed.producer.index())
    {
        let _infallible = write!(text, " of {}", producer.name);
    }
    for row in &passed.rows {
        if let Some(topic) = row.topic.and_then(|topic| plan.topics.get(topic.index())) {
            let _infallible = write!(text, " {}", topic.name);
        }
        if let Some(partition) = row.partition {
            let _infallible = write!(text, "[{partition}]");
        }
        if passed.api == Some(ApiKey::Produce) {
            let _infallible = write!(text, " {:.5}", row.submissions);
        }
        text.push_str(" → ");
        text.push_str(&answer(row.answer));
    }
    text
}

fn answer(answer: Answer) -> String {
    match answer {
        Answer::Code(code) if code == crate::kafka::ErrorCode::NONE => "ok".to_owned(),
        Answer::Code(code) => code.to_string(),
        Answer::Silent => "nothing".to_owned(),
        Answer::Unowed => "none due".to_owned(),
        Answer::Closed => "closed".to_owned(),
        Answer::Left => "client left".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{BrokerId, FaultIndex, Partition, ProducerIndex, TopicIndex};
    use crate::judge::fixture::{scenario, set_of, trace};
    use crate::judge::judge;
    use crate::kafka::ErrorCode;
    use crate::trace::{Moment, Nearest, Trace};

    const FAULT: &str = "topic: orders\ncount: 2\nproducer: {one_per_request: true}\nexpect: {delivered: none}\n\
                         faults:\n  - name: lost\n    on: {produce: {message: 1}}\n    do: drop_request\n";

    fn produce(message: u32) -> Passed {
        let row = PassedRow {
            topic: Some(TopicIndex(0)),
            partition: Some(Partition(0)),
            submissions: set_of([message]),
            records: 1,
            attempt: 1,
            answer: Answer::Code(ErrorCode::NONE),
            ..PassedRow::default()
        };
        let (producer, broker, api) = (ProducerIndex(0), BrokerId(1), Some(ApiKey::Produce));
        Passed {
            connection: 0,
            producer,
            broker,
            api,
            version: 9,
            rows: vec![row],
            touched: None,
            came: Moment::default(),
            answered: None,
        }
    }

    fn failures(text: &str, link: Linked) -> Vec<Failure> {
        let plan = scenario(text);
        judge(&plan, &Trace { link, ..trace([], &[]) }).failures
    }

    #[test]
    fn a_fault_that_did_not_fire_fails_the_scenario_at_its_place() {
        let nearest = Some(Nearest { passed: 0, differs: "it carries 0 and not 1".to_owned() });
        let taken = vec![Taken { matched: 0, fired: 0, nearest }];
        let failures = failures(FAULT, Linked { passed: vec![produce(0)], taken, ..Linked::default() });
        let [failure] = failures.as_slice() else { panic!("{failures:?}") };
        assert_eq!(failure.message, "fault 'lost' did not fire, and must once");
        let details = [
            "the nearest: produce orders[0] 0 → ok: it carries 0 and not 1",
            "passed: produce orders[0] 0 → ok",
        ];
        assert_eq!(failure.details, details);
        let plan = scenario(FAULT);
        assert!(plan.source.slice(failure.span).starts_with("name: lost"));
    }

    #[test]
    fn one_that_fired_as_often_as_it_must_does_not() {
        let taken = vec![Taken { matched: 1, fired: 1, nearest: None }];
        assert_eq!(failures(FAULT, Linked { taken, ..Linked::default() }), []);
    }

    #[test]
    fn what_was_held_to_the_end_of_a_run_that_came_to_it_is_odd() {
        let held = FAULT.replace("do: drop_request", "do: {hold_request: {until: {sent: 9}}}");
        let plan = scenario(&held);
        let taken = vec![Taken { matched: 1, fired: 1, nearest: None }];
        let link = Linked { taken, left: vec![FaultIndex(0)], ..Linked::default() };
        let mut trace = Trace { link, ..trace([], &[]) };
        let [warning] = &judge(&plan, &trace).warnings[..] else { panic!("one") };
        let warning = &warning.what;
        assert_eq!(warning.message, "fault 'lost' held something to the end");
        assert_eq!(warning.details, ["until 9 sends have returned"]);
        trace.ending = Ending::Deadlock { step: None, circle: Vec::new() };
        assert_eq!(judge(&plan, &trace).warnings, []);
    }

    #[test]
    fn an_answer_that_no_broker_gives_fails_the_scenario_once() {
        let impossible = vec![(FaultIndex(0), "it needs acks=all".to_owned())];
        let failures = failures(FAULT, Linked { impossible, ..Linked::default() });
        assert_eq!(failures.len(), 1, "{failures:?}");
        assert_eq!(failures[0].message, "fault 'lost' would show what no broker answers");
    }

    #[test]
    fn requests_are_counted_and_looked_into() {
        let link = || Linked { passed: vec![produce(0), produce(1)], ..Linked::default() };
        let expect = |what: &str| {
            format!(
                "topic: orders\ncount: 2\nexpect: {{delivered: none, requests: {{produce: {{{what}}}}}}}\n"
            )
        };
        for right in ["count: 2", "carries: [[0], [1]]", "count: 2, partition: 0, carries: [[0], [1]]"] {
            assert_eq!(failures(&expect(right), link()), [], "{right}");
        }
        let wrong = failures(&expect("count: 3"), link());
        assert_eq!(wrong[0].message, "2 requests 'produce' came, and 3 should have");
        let wrong = failures(&expect("carries: [[0, 1]]"), link());
        assert_eq!(wrong[0].details, ["expected: [0..1]", "came:     [0], [1]"]);
    }
}
