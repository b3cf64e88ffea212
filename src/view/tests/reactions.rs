//! What the application does on outcomes, as a reader sees it.

use crate::id::{Partition, ProducerIndex, Submission};
use crate::judge::fixture::{err, first, ok, plan, records, second, sends, set_of, trace};
use crate::judge::judge;
use crate::plan::{Deed, Heard, Order, Plan, Reaction, Trigger};
use crate::source::Span;
use crate::submissions::Submissions;
use crate::trace::{Event, Persistence, Reacts, StepEnd, Trace};
use crate::view::{of, timeline};

fn reaction(deed: Deed, in_callback: bool) -> Reaction {
    let on = Trigger { heard: Heard::Err(None), submissions: None, producer: None };
    Reaction { on, deed, in_callback, times: None, span: Span::default() }
}

fn reacting(deeds: &[(Deed, bool)]) -> Plan {
    let reactions = deeds.iter().map(|(deed, inside)| reaction(*deed, *inside)).collect();
    Plan { reactions, ..plan(3) }
}

fn reacts(number: u32, cause: u32, inside: bool, made: impl IntoIterator<Item = Submission>) -> Event {
    let inside = inside.then_some((ProducerIndex(0), Some(Partition(0))));
    let made: Submissions = made.into_iter().collect();
    Event::Reacts(number, Reacts { rule: number as usize, cause: first(cause), inside, made })
}

fn sent(submission: Submission) -> [Event; 2] {
    [Event::Send(submission), Event::Sent(submission)]
}

/// The second message fails and is sent again in its callback, or behind all of them.
fn resent(inside: bool) -> Trace {
    let mut events = sends(0..3);
    events.extend([ok(0, 0), err(1, "expired", Persistence::NotPersisted)]);
    let again = [reacts(0, 1, inside, [second(1)])].into_iter().chain(sent(second(1)));
    if inside {
        events.extend(again);
        events.push(ok(2, 1));
    } else {
        events.push(ok(2, 1));
        events.extend(again);
    }
    trace(events, &[&records([0, 2])])
}

fn text(plan: &Plan, trace: &Trace) -> Vec<String> {
    let text = of(plan, trace, &judge(plan, trace)).text();
    let shown = |line: &&str| !line.starts_with("outcomes") && !line.starts_with("anomalies");
    text.lines().filter(shown).map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn a_send_in_a_callback_stands_behind_it_in_its_lane() {
    let plan = reacting(&[(Deed::Resend, true)]);
    let lanes = text(&plan, &resent(true));
    let expected =
        ["application send 0..2", "callbacks test2[0] ok 0 @0", "err 1 expired", "send 1'", "ok 2 @1"];
    assert_eq!(lanes[..5], expected);
}

#[test]
fn one_of_the_sender_stands_among_its_calls() {
    let plan = reacting(&[(Deed::Resend, false)]);
    let lanes = text(&plan, &resent(false));
    assert_eq!(lanes[..3], ["application send 0..2", "send 1'", "callbacks test2[0] ok 0 @0"]);
}

#[test]
fn a_timeline_has_all_in_one_order() {
    let mut plan = reacting(&[(Deed::Resend, true)]);
    plan.snapshot.order = Order::Total;
    let lines = text(&plan, &resent(true));
    let expected = ["timeline send 0..2", "ok 0 test2[0]@0", "err 1 expired", "send 1'", "ok 2 test2[0]@1"];
    assert_eq!(lines[..5], expected);
}

/// A flush in the callback of the first message, and a stop of the sender.
fn flushed() -> (Plan, Trace) {
    let mut events = sends(0..2);
    events.extend([ok(0, 0), reacts(0, 0, true, []), Event::Timeout(set_of([1]))]);
    events.extend([Event::Reacted(0, StepEnd::TimedOut(2)), reacts(1, 0, false, [])]);
    events.extend([
        Event::Reacted(1, StepEnd::Done),
        Event::NotSent { first: first(2).message, count: 1, step: 1 },
    ]);
    (reacting(&[(Deed::Flush, true), (Deed::Stop, false)]), trace(events, &[&records([0])]))
}

#[test]
fn what_sends_nothing_stands_where_it_happened() {
    let (plan, trace) = flushed();
    let expected = [
        "application send 0..1",
        "timeout 1",
        "stop",
        "not sent 2",
        "callbacks test2[0] ok 0 @0",
        "flush timed_out 2",
    ];
    assert_eq!(text(&plan, &trace)[..6], expected);
}

#[test]
fn a_run_that_is_shown_says_what_each_followed() {
    let rows = |plan: &Plan, trace: &Trace| -> Vec<String> {
        let table = timeline(plan, trace, &judge(plan, trace));
        table.rows.iter().flat_map(|row| &row.cells).map(|(_, cell)| cell.text.clone()).collect()
    };
    let shown = rows(&reacting(&[(Deed::Resend, true)]), &resent(true));
    assert!(shown.iter().any(|text| text.contains("send 1' in the callback of 1")), "{shown:?}");
    let shown = rows(&reacting(&[(Deed::Resend, false)]), &resent(false));
    assert!(shown.iter().any(|text| text.contains("send 1' because of 1")), "{shown:?}");
    let (plan, trace) = flushed();
    let shown = rows(&plan, &trace);
    assert!(shown.contains(&"flush in the callback of 0 (reaction 0)".to_owned()), "{shown:?}");
    assert!(shown.contains(&"└ reaction 0 timed out, 2 outstanding".to_owned()), "{shown:?}");
}
