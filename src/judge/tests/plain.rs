//! Expectations against plain runs, and anomalies that depend on what messages are made of.

use crate::id::{Offset, Partition};
use crate::judge::fixture::{
    acknowledged, code_of, err, first, ok, plan, records, scenario, second, sends, set, set_of, trace,
};
use crate::judge::{Detail, Findings, Outcome, SplitKey, judge};
use crate::plan::{AnomalyKind, Plan};
use crate::trace::{Callback, Code, Ending, Event, LogRecord, Persistence, StepEnd, Trace};

/// Each failure: the text of the scenario that asked for it, the message, the details.
fn failures(plan: &Plan, trace: &Trace) -> Vec<String> {
    let shown = |failure: &crate::judge::Failure| {
        let asked = plan.source.slice(failure.span).trim();
        let details: Vec<_> = failure.details.iter().map(|line| ["\n  ", line].concat()).collect();
        format!("{asked} | {}{}", failure.message, details.concat())
    };
    judge(plan, trace).failures.iter().map(shown).collect()
}

#[track_caller]
fn fails(expect: &str, trace: &Trace, expected: &[&str]) {
    let plan = scenario(&format!("topic: t\ncount: 6\n{expect}"));
    let failures = failures(&plan, trace);
    assert!(failures == expected, "\n{}\n--- expected\n{}\n", failures.join("\n"), expected.join("\n"));
}

/// Six sends: 0 and 1 delivered, 2 failed, 3 unknown and written, 4 unknown and not, 5 refused.
fn mixed() -> Trace {
    let mut events = sends(0..5);
    events.extend([Event::Send(first(5)), Event::SendFailed(first(5), code_of("queue_full"))]);
    events.extend([ok(0, 0), ok(1, 1), err(2, "expired", Persistence::NotPersisted)]);
    events.push(err(3, "expired", Persistence::PossiblyPersisted));
    events.push(err(4, "REQUEST_TIMED_OUT", Persistence::PossiblyPersisted));
    trace(events, &[&records([0, 1, 3])])
}

const COVERED: &str = "
  failed: { expired: [2], queue_full: [5] }
  unknown: { expired: [3], REQUEST_TIMED_OUT: [4], written: [3] }
  anomalies: [gap]
";

#[test]
fn what_is_covered_passes() {
    fails(&format!("expect:{COVERED}"), &mixed(), &[]);
    fails(&format!("expect:{COVERED}  delivered: [0..1]\n"), &mixed(), &[]);
    fails("expect:\n  delivered: { log: 3 }\n  anomalies: { may: [gap, lost] }\n", &mixed(), &[]);
}

#[test]
fn all_is_delivered_where_nothing_else_is_said() {
    let mut events = sends(0..6);
    events.extend((0..6).map(|m| ok(m, i64::from(m))));
    fails("", &trace(events, &[&records(0..6)]), &[]);
    fails(
        "expect:\n  anomalies: { may: [gap] }\n",
        &mixed(),
        &["anomalies: { may: [gap] } | 4 messages not delivered
  failed with expired: 2
  failed with queue_full: 5
  unknown with REQUEST_TIMED_OUT: 4
  unknown with expired: 3"],
    );
}

#[test]
fn what_no_key_covers_fails() {
    fails(
        "expect:\n  delivered: [0, 3]\n  failed: { expired: [2] }\n  anomalies: [gap]\n",
        &mixed(),
        &[
            "[0, 3] | 1 message not delivered\n  unknown with expired: 3",
            "[0, 3] | 1 message delivered, and should not be\n  delivered: 1",
            "delivered: [0, 3]\n  failed: { expired: [2] }\n  anomalies: [gap] | \
             2 messages came out in a way that no key expects
  failed with queue_full: 5
  unknown with REQUEST_TIMED_OUT: 4",
        ],
    );
}

#[test]
fn what_a_key_names_must_come_out_so() {
    fails(
        "expect:
  failed: { queue_full: [2, 5] }
  unknown: { expired: [3, 4], written: [4] }
  anomalies: [gap]
",
        &mixed(),
        &[
            "queue_full | 1 message should be failed with queue_full\n  failed with expired: 2",
            "expired | 1 message should be unknown with expired\n  unknown with REQUEST_TIMED_OUT: 4",
            "[4] | other unknown messages stand in the log than expected
  not written, or not unknown: 4
  written: 3",
        ],
    );
}

#[test]
fn nothing_and_a_number_of_records_can_be_expected() {
    fails(
        "expect:\n  delivered: none\n  anomalies: { may: [gap] }\n",
        &mixed(),
        &[
            "none | 2 messages delivered, and should not be\n  delivered: 0..1",
            "delivered: none\n  anomalies: { may: [gap] } | 4 messages came out in a way that no key expects
  failed with expired: 2
  failed with queue_full: 5
  unknown with REQUEST_TIMED_OUT: 4
  unknown with expired: 3",
        ],
    );
    fails(
        "expect:\n  delivered: { log: 4 }\n  anomalies: { may: [gap] }\n",
        &mixed(),
        &["{ log: 4 } | 4 records should stand in the logs, 3 do\n  t[0]: 3"],
    );
}

#[test]
fn anomalies_occur_exactly_as_declared() {
    let mut events = sends(0..6);
    events.extend((0..6).map(|m| ok(m, i64::from(m))));
    fails(
        "expect:\n  anomalies: { must: [duplicated], may: [replayed] }\n",
        &trace(events, &[&records([1, 0, 2, 3, 4, 5])]),
        &[
            "duplicated | the anomaly duplicated should have occurred, it did not",
            "anomalies: { must: [duplicated], may: [replayed] } | \
             the anomaly reordered occurred, and nothing expects it\n  t[0]: 0",
            "anomalies: { must: [duplicated], may: [replayed] } | \
             the anomaly wrong_offset occurred, and nothing expects it\n  t[0]: 0..1",
        ],
    );
}

#[test]
fn a_producer_gives_up_only_where_that_is_expected() {
    let mut events = sends(0..6);
    events.extend((0..6).map(|m| ok(m, i64::from(m))));
    let quiet = trace(events.clone(), &[&records(0..6)]);
    events.push(Event::Fatal(crate::id::ProducerIndex(0), code_of("OUT_OF_ORDER_SEQUENCE_NUMBER")));
    let loud = trace(events, &[&records(0..6)]);
    fails("expect:\n  fatal: OUT_OF_ORDER_SEQUENCE_NUMBER\n", &loud, &[]);
    fails(
        "expect:\n  delivered: all\n",
        &loud,
        &["delivered: all | the client gave up for good: OUT_OF_ORDER_SEQUENCE_NUMBER\n  producer: producer"],
    );
    fails(
        "expect:\n  fatal: fenced\n",
        &quiet,
        &["fenced | the client should have given up for good with fenced, it did not"],
    );
}

#[test]
fn a_run_that_its_deadline_ended_fails_with_what_it_waited_for() {
    let mut events = sends(0..4);
    events.extend([ok(0, 0), err(1, "expired", Persistence::NotPersisted)]);
    let mut trace = trace(events, &[&records([0])]);
    trace.ending =
        Ending::Deadline { step: None, waited_for: "the callbacks of 2..3".to_owned(), held: Vec::new() };
    fails(
        "deadline: 1500ms\n",
        &trace,
        &[
            "6 | the scenario's deadline of 1.5s passed before everything was answered
  waited for: the callbacks of 2..3
  without a callback: 2..3
  never sent: 4..5",
            "topic: t | 1 message not delivered\n  failed with expired: 1",
        ],
    );
}

#[test]
fn a_wait_that_ran_out_fails_and_a_flush_does_not() {
    let plan = scenario(
        "topic: t\nsteps:\n  - send: 2\n  - wait: callbacks\n  - flush\nack_wait: 20ms\nexpect:\n  delivered: all\n",
    );
    let mut events = sends(0..2);
    let late = |m: u32| Event::Callback(Callback { late: true, ..acknowledged(m, 0, Some(i64::from(m))) });
    events.extend([Event::StepBegan(1), ok(0, 0), Event::StepEnded(1, StepEnd::TimedOut(1))]);
    events.extend([Event::StepBegan(2), Event::StepEnded(2, StepEnd::TimedOut(1)), late(1)]);
    let failures = failures(&plan, &trace(events, &[&records(0..2)]));
    assert_eq!(
        failures,
        ["wait: callbacks | waited 20ms for all callbacks, 1 did not come\n  without a callback by then: 1"]
    );
}

#[test]
fn a_timeout_by_itself_fails_nothing() {
    let mut events = sends(0..6);
    events.push(Event::Timeout(set_of(0..6)));
    events.extend(
        (0..6).map(|m| Event::Callback(Callback { late: true, ..acknowledged(m, 0, Some(i64::from(m))) })),
    );
    let trace = trace(events, &[&records(0..6)]);
    fails("", &trace, &[]);
    assert_eq!(judge(&plan(6), &trace).counts.timeouts, 6);
}

#[test]
fn what_a_close_left_behind_is_covered_by_its_anomaly() {
    let text = |expect: &str| {
        format!(
            "topic: t\nsteps:\n  - send: 2\n  - close\nexpect:\n  delivered: [0]\n  anomalies: {expect}\n"
        )
    };
    let mut events = sends(0..2);
    events.extend([Event::StepBegan(1), ok(0, 0), Event::StepEnded(1, StepEnd::TimedOut(1))]);
    let trace = trace(events, &[&records([0])]);
    assert_eq!(failures(&scenario(&text("[unanswered]")), &trace), Vec::<String>::new());
    assert_eq!(failures(&scenario(&text("{ may: [lost] }")), &trace).len(), 2);
}

#[test]
fn a_long_list_of_messages_is_cut() {
    let mut events = sends(0..100);
    events.extend((0..100).step_by(2).map(|m| ok(m, i64::from(m / 2))));
    let trace = trace(events, &[&records((0..100).step_by(2))]);
    let failures = failures(&scenario("topic: t\ncount: 100\n"), &trace);
    assert!(failures[0].ends_with("37, 39 and 30 more"), "{failures:?}");
}

#[test]
fn what_may_still_come_has_not_vanished() {
    let mut plan = plan(1);
    set(&mut plan, "acks", "0");
    let sent = || sends([0]).into_iter().chain([Event::Callback(acknowledged(0, 0, None))]);
    assert_eq!(kinds(&judge(&plan, &trace(sent(), &[&[]]))), ["vanished"]);
    assert_eq!(kinds(&judge(&plan, &Trace { settled: false, ..trace(sent(), &[&[]]) })), [""; 0]);
}

#[test]
fn acks_are_known_by_each_of_their_names() {
    let vanished = |key: &str, value: &str| {
        let mut plan = plan(1);
        set(&mut plan, "acks", "all");
        set(&mut plan, key, value);
        let trace = trace(sends([0]).into_iter().chain([Event::Callback(acknowledged(0, 0, None))]), &[&[]]);
        judge(&plan, &trace).anomalies.iter().any(|anomaly| anomaly.kind == AnomalyKind::Vanished)
    };
    for (key, value) in [("acks", "0"), ("request.required.acks", "0"), ("acks", " 0"), ("acks", "0x0")] {
        assert!(vanished(key, value), "{key}={value}");
    }
    for (key, value) in [("acks", "1"), ("acks", "-1"), ("request.required.acks", "all"), ("linger.ms", "0")]
    {
        assert!(!vanished(key, value), "{key}={value}");
    }
}

fn kinds(findings: &Findings) -> Vec<&'static str> {
    findings.anomalies.iter().map(|anomaly| anomaly.kind.word()).collect()
}

fn answered(places: &[(u32, i32, i64)]) -> Vec<Event> {
    let mut events = sends(places.iter().map(|(message, ..)| *message));
    let answer = |(m, p, o): &(u32, i32, i64)| Event::Callback(acknowledged(*m, *p, Some(*o)));
    events.extend(places.iter().map(answer));
    events
}

#[test]
fn a_key_in_two_partitions_is_split() {
    let plan = scenario("topic: { name: t, partitions: 3 }\ncount: 4\nkey: \"k{{ i % 2 }}\"\n");
    let events = answered(&[(0, 0, 0), (1, 1, 0), (2, 0, 1), (3, 2, 0)]);
    let findings = judge(&plan, &trace(events, &[&records([0, 2]), &records([1]), &records([3])]));
    assert_eq!(kinds(&findings), ["split_key"]);
    let instance = &findings.anomalies[0].instances[0];
    assert_eq!(instance.first, first(1));
    let split = SplitKey { key: b"k1".to_vec(), partitions: vec![Partition(1), Partition(2)] };
    assert_eq!(instance.detail, Detail::Key(Box::new(split)));
    let events = answered(&[(0, 0, 0), (1, 1, 0), (2, 0, 1), (3, 1, 1)]);
    let findings = judge(&plan, &trace(events, &[&records([0, 2]), &records([1, 3]), &[]]));
    assert_eq!(kinds(&findings), [""; 0]);
}

#[test]
fn no_key_is_no_key_to_split() {
    let plan = scenario("topic: { name: t, partitions: 2 }\ncount: 2\n");
    let findings = judge(&plan, &trace(answered(&[(0, 0, 0), (1, 1, 0)]), &[&records([0]), &records([1])]));
    assert_eq!(kinds(&findings), [""; 0]);
}

#[test]
fn a_key_of_its_own_is_split_by_a_copy() {
    let plan = scenario("topic: { name: t, partitions: 2 }\ncount: 2\nkey: \"{{ i }}\"\n");
    let events = answered(&[(0, 0, 0), (1, 1, 0)]);
    let findings = judge(&plan, &trace(events.clone(), &[&records([0]), &records([1])]));
    assert_eq!(kinds(&findings), [""; 0]);
    let findings = judge(&plan, &trace(events.clone(), &[&records([0]), &records([1, 0])]));
    assert_eq!(kinds(&findings), ["split_key", "duplicated", "reordered", "misplaced"]);
    let again = LogRecord { identity: Some(second(0)), offset: Offset(1), ..records([0])[0] };
    let mut twice = events;
    twice.extend([Event::Send(second(0)), Event::Sent(second(0))]);
    twice.push(Event::Callback(Callback { submission: second(0), ..acknowledged(0, 1, Some(1)) }));
    let findings = judge(&plan, &trace(twice, &[&records([0]), &[records([1])[0], again]]));
    assert_eq!(kinds(&findings), ["split_key", "resent_duplicate"]);
}

#[test]
fn a_named_partition_counts_whatever_a_callback_says() {
    let plan = scenario("topic: { name: t, partitions: 2 }\ncount: 3\npartition: 1\n");
    let events = answered(&[(0, 1, 0), (1, 0, 0), (2, 1, 1)]);
    let findings = judge(&plan, &trace(events, &[&records([1]), &records([0, 2])]));
    assert_eq!(kinds(&findings), ["misplaced"]);
    assert_eq!(findings.anomalies[0].instances[0].first, first(1));
}

#[test]
fn outcomes_can_be_asked_for() {
    let findings = judge(&plan(7), &mixed());
    let expired = code_of("expired");
    assert_eq!(findings.outcomes.get(first(0)), Some(Outcome::Ok));
    assert_eq!(findings.outcomes.get(first(3)), Some(Outcome::Unknown(Some(expired))));
    assert_eq!(findings.outcomes.get(first(6)), None);
    assert_eq!(findings.outcomes.iter().count(), 6);
    assert!(matches!(expired, Code::Client(_)));
    assert!(!findings.passed());
}

#[test]
fn what_an_exit_leaves_unanswered_is_cut_off_and_no_anomaly() {
    let text = "topic: t\nsteps: [send: 3, exit]\nexpect: {cut_off: [1..2], unknown: {written: [1]}}\n";
    let events: Vec<_> = sends(0..3).into_iter().chain([ok(0, 0), Event::StepBegan(1)]).collect();
    let findings = judge(&scenario(text), &trace(events.clone(), &[&records(0..2)]));
    assert_eq!(findings.failures, []);
    assert_eq!(findings.anomalies, []);
    assert_eq!((findings.counts.ok, findings.counts.unknown, findings.counts.cut_off), (1, 0, 2));
    let left: Vec<_> = findings.resolved.iter().map(|it| (it.first, it.cut_off, it.places.len())).collect();
    assert_eq!(left, [(first(1), true, 1), (first(2), true, 0)]);
    let silent = judge(&scenario("topic: t\nsteps: [send: 3, exit]\n"), &trace(events, &[&records(0..2)]));
    assert_eq!(silent.failures[0].message, "2 messages not delivered");
    assert_eq!(silent.failures[0].details, ["cut off: 1..2"]);
}

#[test]
fn what_a_close_without_a_flush_leaves_is_unanswered() {
    let text = "topic: t\nsteps: [send: 2, close: {flush: none}]\nexpect: {anomalies: unanswered}\n";
    let mut events = sends(0..2);
    events.extend([Event::StepBegan(1), Event::StepEnded(1, StepEnd::Done)]);
    let findings = judge(&scenario(text), &trace(events, &[&[]]));
    assert_eq!(findings.failures, []);
    assert_eq!(findings.anomalies[0].kind, AnomalyKind::Unanswered);
}
