//! Each kind of line, as a reader sees it.

use crate::id::{MessageId, Offset, Partition, ProducerIndex, TopicIndex};
use crate::judge::fixture::{
    acknowledged, add_batch, add_producer, add_step, add_topic, code_of, err, first, log, ok, plan, records,
    second, sends, set, set_of, trace,
};
use crate::judge::judge;
use crate::plan::{Action, Callbacks, Mode, Order, Plan, Purge};
use crate::trace::{Callback, Content, Event, Fate, LogRecord, Persistence, StepEnd, Trace};
use crate::view::of;

use std::time::Duration;

fn text(plan: &Plan, trace: &Trace) -> String {
    of(plan, trace, &judge(plan, trace)).text()
}

/// Without the break behind the opening quote, and without the source's indentation.
fn page(text: &str) -> String {
    let lines: Vec<_> = text.trim_matches('\n').trim_end().lines().collect();
    let indent = lines.first().map_or(0, |line| line.len() - line.trim_start().len());
    lines.iter().map(|line| line.get(indent..).unwrap_or("")).collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn shows(plan: &Plan, trace: &Trace, expected: &str) {
    let (shown, expected) = (text(plan, trace), page(expected));
    assert!(shown == expected, "\n{shown}\n--- expected\n{expected}\n");
}

fn in_total(mut plan: Plan) -> Plan {
    plan.snapshot.order = Order::Total;
    plan
}

fn named(mut plan: Plan, topic: &str) -> Plan {
    plan.topics[0].name = topic.into();
    plan
}

/// `send`, `sent` and an ok callback for each, at the offset of its number.
fn in_turn(messages: std::ops::Range<u32>) -> Vec<Event> {
    messages.flat_map(|m| sends([m]).into_iter().chain([ok(m, i64::from(m))])).collect()
}

#[test]
fn a_reordering_in_lanes() {
    let plan = named(plan(6), "orders");
    let mut events = sends(0..6);
    events.extend([ok(1, 0), ok(0, 1), ok(2, 2), ok(3, 3), ok(4, 4), ok(5, 5)]);
    shows(
        &plan,
        &trace(events, &[&records([1, 0, 2, 3, 4, 5])]),
        "
        application  send 0..5
        callbacks  orders[0]  ok 1 @0
                              ok 0 @1
                              ok 2..5 @2..5
        log  orders[0]  1 0 2..5
        anomalies  orders[0]  reordered: 0 after 1
        ",
    );
}

#[test]
fn a_timeline_of_acknowledged_sends() {
    shows(
        &in_total(plan(2)),
        &trace(in_turn(0..2), &[&records(0..2)]),
        "
        timeline  send 0
                  ok 0 test2[0]@0
                  send 1
                  ok 1 test2[0]@1
        log  test2[0]  0..1
        ",
    );
}

#[test]
fn neighbours_fold_in_a_timeline() {
    let mut events = sends(0..10);
    events.extend((0..10).map(|m| ok(m, i64::from(m))));
    shows(
        &in_total(plan(10)),
        &trace(events, &[&records(0..10)]),
        "
        timeline  send 0..9
                  ok 0..9 test2[0]@0..9
        log  test2[0]  0..9
        ",
    );
}

#[test]
fn a_cycle_folds_to_one_line() {
    shows(
        &in_total(plan(1000)),
        &trace(in_turn(0..1000), &[&records(0..1000)]),
        "
        timeline  send i, ok i test2[0]@i · for i in 0..999
        log  test2[0]  0..999
        ",
    );
}

#[test]
fn numbers_of_a_cycle_rise_at_their_own_pace() {
    let mut plan = in_total(plan(40));
    plan.topics[0].partitions = 2;
    let answer = |m: u32| {
        let partition = i32::try_from(m % 2).unwrap();
        Event::Callback(acknowledged(m, partition, Some(i64::from(m / 2 + m % 2 * 3))))
    };
    let events: Vec<_> = (0..40).flat_map(|m| sends([m]).into_iter().chain([answer(m)])).collect();
    let mut odd = records((1..40).step_by(2));
    for record in &mut odd {
        record.offset.0 += 3;
    }
    shows(
        &plan,
        &trace(events, &[&records((0..40).step_by(2)), &odd]),
        "
        timeline  send i, ok i test2[0]@j, send i+1, ok i+1 test2[1]@j+3 · for i in 0..38 step 2, j in 0..19
        log  test2[0]  0..38 step 2
             test2[1]  @3 1..39 step 2
        ",
    );
}

#[test]
fn keys_to_partitions_fold_with_a_step() {
    let mut plan = named(plan(8), "orders");
    plan.topics[0].partitions = 2;
    let mut events = sends(0..8);
    events.extend((0..8).map(|m| {
        let partition = i32::try_from(m % 2).unwrap();
        Event::Callback(acknowledged(m, partition, Some(i64::from(m / 2))))
    }));
    shows(
        &plan,
        &trace(events, &[&records([0, 2, 4, 6]), &records([1, 3, 5, 7])]),
        "
        application  send 0..7
        callbacks  orders[0]  ok 0..6 step 2 @0..3
                   orders[1]  ok 1..7 step 2 @0..3
        log  orders[0]  0..6 step 2
             orders[1]  1..7 step 2
        ",
    );
}

#[test]
fn without_acks_no_offset_is_named() {
    let mut plan = plan(3);
    set(&mut plan, "acks", "0");
    let mut events = sends(0..3);
    events.extend((0..3).map(|m| Event::Callback(acknowledged(m, 0, None))));
    shows(
        &plan,
        &trace(events, &[&records([0, 1])]),
        "
        application  send 0..2
        callbacks  test2[0]  ok 0..2 @?
        log  test2[0]  0..1
        anomalies  test2[0]  vanished: 2
        ",
    );
}

#[test]
fn a_timeout_its_late_answer_and_what_was_left_out() {
    let mut events = sends(0..4);
    events.pop();
    events.push(Event::SendFailed(first(3), code_of("queue_full")));
    events.push(Event::Timeout(set_of([0, 1, 2])));
    events.push(Event::NotSent { first: MessageId(4), count: 6, step: 1 });
    let late = |callback| Event::Callback(Callback { late: true, ..callback });
    events.push(late(acknowledged(0, 0, Some(0))));
    let Event::Callback(failed) = err(1, "expired", Persistence::NotPersisted) else { unreachable!() };
    events.push(late(failed));
    events.push(late(Callback { partition: None, submission: first(2), ..failed }));
    shows(
        &plan(10),
        &trace(events, &[&records([0])]),
        "
        application  send 0..2
                     send_failed 3 queue_full
                     timeout 0..2
                     not sent 4..9
        callbacks  test2[0]  late ok 0 @0
                             late err 1 expired
                   test2[?]  late err 2 expired
        log  test2[0]  0
        ",
    );
}

#[test]
fn unknown_outcomes_are_resolved() {
    let mut events = sends(0..7);
    events.push(err(0, "expired", Persistence::PossiblyPersisted));
    events.push(err(1, "expired", Persistence::PossiblyPersisted));
    events.push(err(2, "NOT_ENOUGH_REPLICAS_AFTER_APPEND", Persistence::PossiblyPersisted));
    events.push(err(3, "expired", Persistence::NotPersisted));
    let nowhere = Callback { partition: None, ..acknowledged(4, 0, None) };
    let Event::Callback(failed) = err(4, "disconnected", Persistence::PossiblyPersisted) else {
        unreachable!()
    };
    events.push(Event::Callback(Callback { result: failed.result, ..nowhere }));
    shows(
        &plan(7),
        &trace(events, &[&records([0, 1, 5, 1, 5, 5])]),
        "
        application  send 0..6
        callbacks  test2[0]  err 0..1 expired
                             err 2 NOT_ENOUGH_REPLICAS_AFTER_APPEND
                             err 3 expired
                   test2[?]  err 4 disconnected
        outcomes  test2[0]  unknown 0 expired → written @0
                            unknown 1 expired → written @1 @3
                            unknown 2 NOT_ENOUGH_REPLICAS_AFTER_APPEND → not written
                            unknown 5 unanswered → written @2 @4 @5
                  test2[?]  unknown 4 disconnected → not written
                            unknown 6 unanswered → not written
        log  test2[0]  0..1 5 1 5 5
        anomalies  test2[0]  replayed: 1 @3 after 5
                             duplicated: 1 @1 @3
                             duplicated: 5 @2 @4 @5
                             gap: 3
        ",
    );
}

#[test]
fn steps_show_how_they_ended() {
    let mut plan = plan(1);
    let within = Duration::from_secs(1);
    let steps = [
        (Action::Flush { producer: None, within }, Some(StepEnd::Done)),
        (Action::Flush { producer: None, within }, Some(StepEnd::TimedOut(3))),
        (Action::WaitCallbacks { within }, Some(StepEnd::Done)),
        (Action::WaitCallbacks { within }, Some(StepEnd::Skipped)),
        (
            Action::Close { producer: ProducerIndex(0), within: Some(within), purge: Purge::default() },
            Some(StepEnd::TimedOut(1)),
        ),
        (Action::Close { producer: ProducerIndex(0), within: Some(within), purge: Purge::default() }, None),
    ];
    let mut events = Vec::new();
    for (action, end) in steps {
        let step = add_step(&mut plan, action);
        events.push(Event::StepBegan(step));
        events.extend(end.map(|end| Event::StepEnded(step, end)));
    }
    let implied = add_step(&mut plan, Action::WaitCallbacks { within });
    plan.steps[implied].explicit = false;
    events.extend([Event::StepBegan(implied), Event::StepEnded(implied, StepEnd::Done)]);
    shows(
        &plan,
        &trace(events, &[&[]]),
        "
        application  flush
                     flush timed_out 3
                     wait callbacks
                     wait callbacks skipped
                     close timed_out 1
                     close unfinished
        ",
    );
}

#[test]
fn a_log_whose_begin_was_removed_says_where_it_begins() {
    let events: Vec<_> = sends(0..4).into_iter().chain((0..4).map(|i| ok(i, i64::from(i)))).collect();
    let mut held = trace(events, &[&records(0..4)[2..]]);
    held.logs[0].start = Offset(2);
    let shown = |log: &str| {
        format!(
            "
        application  send 0..3
        callbacks  test2[0]  ok 0..3 @0..3
        log  test2[0]  {log}
        "
        )
    };
    shows(&plan(4), &held, &shown("@2 2..3"));
    held.logs[0].records.clear();
    held.logs[0].start = Offset(4);
    shows(&plan(4), &held, &shown("@4"));
}

#[test]
fn a_producer_that_gives_up_has_a_lane_of_its_own() {
    let fatal = Event::Fatal(ProducerIndex(0), code_of("OUT_OF_ORDER_SEQUENCE_NUMBER"));
    let events: Vec<_> = sends([0]).into_iter().chain([ok(0, 0), fatal]).collect();
    let held = trace(events, &[&records([0])]);
    shows(
        &plan(1),
        &held,
        "
        application  send 0
        callbacks  test2[0]  ok 0 @0
                   producer  fatal OUT_OF_ORDER_SEQUENCE_NUMBER
        log  test2[0]  0
        ",
    );
    shows(
        &in_total(plan(1)),
        &held,
        "
        timeline  send 0
                  ok 0 test2[0]@0
                  fatal OUT_OF_ORDER_SEQUENCE_NUMBER
        log  test2[0]  0
        ",
    );
}

fn two_producers(between: Option<Action>) -> (Plan, Trace) {
    let mut plan = named(plan(2), "orders");
    plan.producers[0].name = "a".into();
    add_producer(&mut plan, "b");
    let mut events = sends(0..2);
    let by = |m, producer, offset| {
        Event::Callback(Callback { producer: ProducerIndex(producer), ..acknowledged(m, 0, Some(offset)) })
    };
    events.extend([by(0, 0, 0), by(1, 0, 1)]);
    if let Some(action) = between {
        let step = add_step(&mut plan, action);
        events.extend([Event::StepBegan(step), Event::StepEnded(step, StepEnd::Done)]);
    }
    add_batch(&mut plan, 2, 1, Mode::Async);
    events.extend(sends(2..4));
    events.extend([by(2, 1, 2), by(3, 1, 3)]);
    (plan, trace(events, &[&records(0..4)]))
}

#[test]
fn producers_that_no_wait_orders_have_a_log_line_each_and_no_offsets() {
    let (plan, trace) = two_producers(None);
    shows(
        &plan,
        &trace,
        "
        application  send 0..3
        callbacks  a orders[0]  ok 0..1
                   b orders[0]  ok 2..3
        log  a orders[0]  0..1
             b orders[0]  2..3
        ",
    );
    shows(
        &in_total(plan),
        &trace,
        "
        timeline  send 0..1
                  ok 0..1 a orders[0]
                  send 2..3
                  ok 2..3 b orders[0]
        log  a orders[0]  0..1
             b orders[0]  2..3
        ",
    );
}

#[test]
fn producers_that_a_wait_orders_share_a_log_line() {
    let (plan, trace) = two_producers(Some(Action::Flush { producer: None, within: Duration::from_secs(1) }));
    shows(
        &plan,
        &trace,
        "
        application  send 0..1
                     flush
                     send 2..3
        callbacks  a orders[0]  ok 0..1 @0..1
                   b orders[0]  ok 2..3 @2..3
        log  orders[0]  0..3
        ",
    );
}

#[test]
fn with_any_partition_there_are_sets() {
    let mut plan = named(plan(8), "orders");
    plan.topics[0].partitions = 2;
    plan.snapshot.any_partition = true;
    let mut events = sends(0..8);
    let answers = [(3, 1, 0), (0, 0, 0), (1, 0, 1), (5, 1, 1), (2, 0, 2), (7, 1, 2)];
    events.extend(answers.map(|(m, p, o)| Event::Callback(acknowledged(m, p, Some(o)))));
    events.push(err(6, "expired", Persistence::NotPersisted));
    events.push(err(4, "expired", Persistence::PossiblyPersisted));
    shows(
        &plan,
        &trace(events, &[&records([0, 1, 4, 2]), &records([3, 5])]),
        "
        application  send 0..7
        callbacks  orders[*]  ok 0..3 5 7
                              err 4 6 expired
        outcomes  orders[*]  unknown 4 expired → written orders[*]
        log  orders[*]  0..5
        anomalies  orders[*]  reordered: 2 after 4
                              lost: 7
                              wrong_offset: 2
                              wrong_offset: 7
        ",
    );
}

#[test]
fn a_wait_that_serves_callbacks_groups_them() {
    let mut plan = in_total(named(plan(4), "orders"));
    plan.topics[0].partitions = 2;
    plan.callbacks = Callbacks::OnWait;
    let step = add_step(&mut plan, Action::Flush { producer: None, within: Duration::from_secs(1) });
    let mut events = sends(0..4);
    events.push(Event::StepBegan(step));
    let answers = [(1, 1, 0), (0, 0, 0), (3, 1, 1), (2, 0, 1)];
    events.extend(answers.map(|(m, p, o)| Event::Callback(acknowledged(m, p, Some(o)))));
    events.push(Event::StepEnded(step, StepEnd::Done));
    shows(
        &plan,
        &trace(events, &[&records([0, 2]), &records([1, 3])]),
        "
        timeline  send 0..3
                  flush
                  ok 0 orders[0]@0
                  ok 2 orders[0]@1
                  ok 1 orders[1]@0
                  ok 3 orders[1]@1
        log  orders[0]  0 2
             orders[1]  1 3
        ",
    );
}

#[test]
fn records_of_others_and_holes_stand_in_the_log() {
    let foreign = |offset| LogRecord {
        offset: Offset(offset),
        identity: None,
        content: Content::Intact,
        fate: Fate::Readable,
    };
    let own = |message, offset| LogRecord { identity: Some(first(message)), ..foreign(offset) };
    let held = [own(0, 0), foreign(1), own(1, 2), foreign(3), foreign(4), own(2, 9)];
    let mut events = sends(0..3);
    events.extend([ok(0, 0), ok(1, 2), ok(2, 9)]);
    shows(
        &plan(3),
        &trace(events, &[&held]),
        "
        application  send 0..2
        callbacks  test2[0]  ok 0 @0
                             ok 1 @2
                             ok 2 @9
        log  test2[0]  0 ? 1 ?×2 @9 2
        ",
    );
}

#[test]
fn a_second_submission_has_a_prime() {
    let mut events = sends(0..3);
    for m in 0..2 {
        events.extend([Event::Send(second(m)), Event::Sent(second(m))]);
    }
    let again = |m, offset| Callback { submission: second(m), ..acknowledged(m, 0, Some(offset)) };
    events.extend([ok(0, 0), ok(1, 1), ok(2, 2)]);
    events.extend([Event::Callback(again(0, 3)), Event::Callback(again(1, 4))]);
    let mut held = records([0, 1, 2, 0, 1]);
    held[3].identity = Some(second(0));
    held[4].identity = Some(second(1));
    shows(
        &plan(3),
        &trace(events, &[&held]),
        "
        application  send 0..2
                     send 0'..1'
        callbacks  test2[0]  ok 0..2 @0..2
                             ok 0'..1' @3..4
        log  test2[0]  0..2 0'..1'
        anomalies  test2[0]  resent_duplicate: 0..1 and 0'..1'
        ",
    );
}

#[test]
fn each_anomaly_has_a_line() {
    let mut plan = named(plan(12), "orders");
    plan.topics[0].partitions = 2;
    add_topic(&mut plan, "other", 1);
    let close =
        Action::Close { producer: ProducerIndex(0), within: Some(Duration::ZERO), purge: Purge::default() };
    let step = add_step(&mut plan, close);
    let mut events = sends(0..11);
    events.extend([ok(0, 0), ok(0, 0), ok(2, 1), ok(1, 0), ok(3, 9)]);
    events.push(Event::Callback(acknowledged(4, 0, None)));
    events.push(Event::Callback(acknowledged(5, 1, Some(0))));
    events.push(err(6, "expired", Persistence::NotPersisted));
    events.push(err(7, "expired", Persistence::NotPersisted));
    events.push(Event::Callback(acknowledged(8, 0, Some(7))));
    events.push(Event::Callback(acknowledged(9, 0, Some(8))));
    events.extend([Event::StepBegan(step), Event::StepEnded(step, StepEnd::TimedOut(1))]);
    let mut held = records([0, 2, 4, 5, 6, 0, 8, 3, 3]);
    held[2].content = Content::Differs;
    held[7].identity = None;
    let mut trace = trace(events, &[&held, &[]]);
    trace.logs.push(log(1, 0, &records([9])));
    shows(
        &plan,
        &trace,
        "
        application  send 0..10
                     close timed_out 1
        callbacks  orders[0]  ok 0 @0
                              ok 0 @0
                              ok 2 @1
                              ok 1 @0
                              ok 3 @9
                              ok 4 @?
                              err 6..7 expired
                              ok 8..9 @7..8
                   orders[1]  ok 5 @0
        outcomes  orders[?]  unknown 10 unanswered → not written
        log  orders[0]  0 2 4..6 0 8 ? 3
             other[0]   9
        anomalies  orders[0]  reordered: 3 after 8
                              replayed: 0 @5 after 6
                              duplicated: 0 @0 @5
                              lost: 1
                              gap: 7
                              failed_but_written: 6 @4
                              wrong_offset: 1 @0 holds 0
                              wrong_offset: 3 @9 holds nothing
                              wrong_offset: 8 @7 holds ?
                              wrong_offset: 9 @8 holds 3
                              no_offset: 4
                              corrupted: 4 @2
                              misplaced: 5 @3 sent to orders[1]
                              callbacks_reordered: 1 after 2
                              callbacks_reordered: 8..9 after 3
                              answered_twice: 0
                   orders[1]  wrong_offset: 5 @0 holds nothing
                   orders[?]  unanswered: 10
                   other[0]   misplaced: 9 @0 sent to orders[0]
        ",
    );
}

#[test]
fn a_hostile_name_cannot_be_read_as_anything_else() {
    let plan = named(plan(1), "a[0]@1\n · \"我\" →\\");
    let events: Vec<_> = sends([0]).into_iter().chain([ok(0, 0)]).collect();
    shows(
        &in_total(plan),
        &trace(events, &[&records([0])]),
        r#"
        timeline  send 0
                  ok 0 "a[0]@1\u{a} \u{b7} \"我\" \u{2192}\\"[0]@0
        log  "a[0]@1\u{a} \u{b7} \"我\" \u{2192}\\"[0]  0
        "#,
    );
}

#[test]
fn a_long_view_is_cut() {
    let mut plan = in_total(plan(100));
    plan.snapshot.max_lines = 3;
    // What falls never folds.
    let events: Vec<_> = (0..100u32).rev().flat_map(|m| in_turn(m..m + 1)).collect();
    let shown = text(&plan, &trace(events.clone(), &[&records(0..100)]));
    let lines: Vec<_> = shown.lines().collect();
    assert_eq!(lines[..3], ["timeline  send 99", "          ok 99 test2[0]@99", "          send 98"]);
    assert!(lines[3].starts_with("… 200 more lines, SHA-256 of all: "), "{shown}");
    plan.snapshot.max_lines = 203;
    let whole = text(&plan, &trace(events, &[&records(0..100)]));
    assert_eq!(whole.lines().count(), 203);
    assert_eq!(lines[3].rsplit(' ').next().unwrap(), sha256(&whole));
}

fn sha256(text: &str) -> String {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(text);
    digest.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

#[test]
fn long_lists_go_on_in_further_lines() {
    let squares = || (0..20u32).map(|n| n * n);
    let mut events = sends(0..400);
    events.push(Event::Timeout(set_of(squares())));
    let shown = text(&plan(400), &trace(events, &[&records(squares())]));
    let lines: Vec<_> = shown.lines().filter(|line| !line.contains("unknown")).collect();
    assert_eq!(
        lines,
        [
            "application  send 0..399",
            "             timeout 0..1 4 9 16 25 36 49 64 81 100 121 144 169 196 225 256",
            "               289 324 361",
            "log  test2[0]  0..1 4 9 16 25 36 49 64 81 100 121 144 169 196 225 256",
            "               289 324 361",
        ]
    );
}

#[test]
fn what_is_not_asked_for_is_left_out() {
    let mut plan = plan(2);
    plan.snapshot.sends = false;
    plan.snapshot.log = false;
    plan.snapshot.content = true;
    let mut held = trace(in_turn(0..2), &[&records(0..2)]);
    held.logs[0].digest = Some("ab12".to_owned());
    shows(
        &plan,
        &held,
        "
        callbacks  test2[0]  ok 0..1 @0..1
        content  test2[0]  SHA-256 ab12
        ",
    );
    plan.snapshot.callbacks = false;
    shows(&plan, &held, "content  test2[0]  SHA-256 ab12");
}

#[test]
fn an_empty_run_has_an_empty_view() {
    assert_eq!(text(&plan(0), &trace([], &[&[]])), "");
}

#[test]
fn the_lane_of_a_callback_is_that_of_its_topic() {
    let mut plan = named(plan(1), "orders");
    add_topic(&mut plan, "payments-eu", 1);
    add_batch(&mut plan, 1, 0, Mode::Async);
    let mut events = sends(0..2);
    events.extend([ok(1, 0), ok(0, 0)]);
    let mut trace = trace(events, &[&records([0])]);
    trace.logs.push(log(1, 0, &records([1])));
    assert_eq!(trace.logs[1].partition.topic, TopicIndex(1));
    assert_eq!(trace.logs[1].partition.partition, Partition(0));
    shows(
        &plan,
        &trace,
        "
        application  send 0..1
        callbacks  orders[0]       ok 0 @0
                   payments-eu[0]  ok 1 @0
        log  orders[0]       0
             payments-eu[0]  1
        ",
    );
}

/// Twelve messages, of which three threads send those from the third to the eleventh.
fn by_threads() -> Plan {
    let mut plan = plan(2);
    add_batch(&mut plan, 9, 0, Mode::Async);
    add_batch(&mut plan, 1, 0, Mode::Async);
    plan.batches[1].threads = 3;
    plan
}

fn answered_in(order: &[u32]) -> Vec<Event> {
    let mut events = sends(order.iter().copied());
    events.extend(order.iter().zip(0..).map(|(message, offset)| ok(*message, offset)));
    events
}

#[test]
fn threads_that_send_together_have_lines_of_their_own() {
    let orders = [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], [0, 1, 4, 7, 3, 2, 10, 6, 5, 9, 8, 11]];
    for order in orders {
        shows(
            &by_threads(),
            &trace(answered_in(&order), &[&records(order)]),
            "
            application  main      send 0..1
                                   send 2..10 in 3 threads
                                   send 11
                         thread 0  send 2
                                   send 5
                                   send 8
                         thread 1  send 3
                                   send 6
                                   send 9
                         thread 2  send 4
                                   send 7
                                   send 10
            callbacks  test2[0]           ok 0..1
                                          ok 11
                       test2[0] thread 0  ok 2
                                          ok 5
                                          ok 8
                       test2[0] thread 1  ok 3
                                          ok 6
                                          ok 9
                       test2[0] thread 2  ok 4
                                          ok 7
                                          ok 10
            log  test2[0]           0..1 11
                 test2[0] thread 0  2 5 8
                 test2[0] thread 1  3 6 9
                 test2[0] thread 2  4 7 10
            ",
        );
    }
}

#[test]
fn a_thread_that_stops_says_so_in_its_own_line() {
    let mut plan = plan(12);
    plan.batches[0].threads = 2;
    plan.steps[0].action = Action::Send { batch: 0, mode: Mode::Sync };
    let mut events = sends([0, 1, 2, 3]);
    events.extend([ok(0, 0), ok(1, 1), ok(2, 2), Event::Timeout(set_of([3]))]);
    events.push(Event::NotSent { first: MessageId(5), count: 4, step: 2 });
    events.push(Event::Timeout(set_of([0, 3])));
    shows(
        &plan,
        &trace(events, &[&records(0..3)]),
        "
        application  main      send 0..11 in 2 threads
                               timeout 0 3
                     thread 0  send 0
                               send 2
                     thread 1  send 1
                               send 3
                               timeout 3
                               not sent 5..11 step 2
        callbacks  test2[0] thread 0  ok 0
                                      ok 2
                   test2[0] thread 1  ok 1
        outcomes  test2[?]  unknown 3 unanswered → not written
        log  test2[0] thread 0  0 2
             test2[0] thread 1  1
        ",
    );
}

#[test]
fn threads_that_write_apart_need_no_lines_of_their_own() {
    let mut plan = plan(4);
    plan.topics[0].partitions = 2;
    plan.batches[0].threads = 2;
    let mut events = sends([1, 0, 3, 2]);
    events.extend(
        [(0, 0, 0), (2, 0, 1), (1, 1, 0), (3, 1, 1)].map(|(message, partition, offset)| {
            Event::Callback(acknowledged(message, partition, Some(offset)))
        }),
    );
    shows(
        &plan,
        &trace(events, &[&records([0, 2]), &records([1, 3])]),
        "
        application  main      send 0..3 in 2 threads
                     thread 0  send 0
                               send 2
                     thread 1  send 1
                               send 3
        callbacks  test2[0]  ok 0 @0
                             ok 2 @1
                   test2[1]  ok 1 @0
                             ok 3 @1
        log  test2[0]  0 2
             test2[1]  1 3
        ",
    );
}

#[test]
fn threads_of_several_producers_have_both_in_their_names() {
    let mut plan = plan(2);
    add_producer(&mut plan, "other");
    add_batch(&mut plan, 4, 1, Mode::Sync);
    plan.batches[1].threads = 2;
    for order in [[0, 1, 2, 3, 4, 5], [3, 2, 0, 5, 1, 4]] {
        let mut events = sends([0, 1]);
        events.extend(sends(order.into_iter().filter(|message| *message > 1)));
        let whose = |message: u32| ProducerIndex(u16::from(message > 1));
        events.extend(order.iter().zip(0..).map(|(message, offset)| {
            let acknowledged = acknowledged(*message, 0, Some(offset));
            Event::Callback(Callback { producer: whose(*message), ..acknowledged })
        }));
        shows(
            &plan,
            &trace(events, &[&records(order)]),
            "
            application  main      send 0..1
                                   send 2..5 in 2 threads
                         thread 0  send 2
                                   send 4
                         thread 1  send 3
                                   send 5
            callbacks  producer test2[0]        ok 0..1
                       other test2[0] thread 0  ok 2
                                                ok 4
                       other test2[0] thread 1  ok 3
                                                ok 5
            log  producer test2[0]        0..1
                 other test2[0] thread 0  2 4
                 other test2[0] thread 1  3 5
            ",
        );
    }
}
