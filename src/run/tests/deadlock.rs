//! Deadlocks: found at once, and never where a time-out would have resolved them.

use std::time::{Duration, Instant};

use super::embedded::traced;
use crate::trace::{Ending, Event, Trace};

/// `scenarios/seed/async.yaml`.
const SEED: &str = include_str!("../../../scenarios/seed/async.yaml");
/// A fault whose hold nobody releases once the application waits for the first message.
const HELD: &str = "faults: [{ name: it, on: produce, do: { hold_response: { until: { sent: 3 } } } }]\n";

async fn held(rest: &str) -> (Trace, Duration) {
    let began = Instant::now();
    let trace = traced(&format!("topic: a\ncount: 3\n{HELD}{rest}")).await;
    (trace, began.elapsed())
}

fn circle(trace: &Trace) -> (Option<usize>, Vec<&str>) {
    let Ending::Deadlock { step, circle } = &trace.ending else { panic!("{:?}", trace.ending) };
    (*step, circle.iter().map(String::as_str).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_seed_cannot_be_synchronous() {
    let began = Instant::now();
    let trace = traced(&SEED.replace("mode: async", "mode: sync")).await;
    // Without it: five seconds until the wait runs out, a minute until the deadline.
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    let fault = "the broker answers only when all ten are sent";
    let keeps = format!("the fault '{fault}' keeps 0 until 10 sends have returned (so far 1)");
    assert_eq!(circle(&trace), (Some(0), vec!["the application waits for the callback of 0", &keeps]));
    // It happened all the same: the answer was held, not the request.
    assert_eq!(trace.logs[0].records.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_whose_requests_in_flight_are_full_sends_no_more() {
    let text = "topic: a\ncount: 10\nproducer: { one_per_request: true, config: { max.in.flight: 5 } }\n\
                faults: [{ name: it, on: produce, do: { hold_response: { until: { requests: 6 } } } }]\n";
    let trace = traced(text).await;
    let expected = [
        "the application waits for the callbacks of 0..9",
        "the client sends no more before something that it has sent is answered; it has not sent 5..9",
        "the fault 'it' keeps 0 until 6 produce requests have come (so far 5)",
    ];
    assert_eq!(circle(&trace), (None, expected.to_vec()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_wait_of_a_scenario_and_its_flush_are_part_of_one() {
    for last in ["wait: callbacks", "flush"] {
        let steps = format!("steps:\n- send: 2\n- {last}\n");
        let trace = traced(&format!("topic: a\n{HELD}{steps}")).await;
        assert_eq!(circle(&trace).0, Some(1), "{last}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_that_goes_on_after_its_wait_is_in_none() {
    let (trace, _) = held("mode: sync\nack_wait: 50ms\non_timeout: continue\n").await;
    assert_eq!(trace.ending, Ending::Complete);
    let late = trace.events.iter().filter(|event| matches!(event, Event::Callback(one) if one.late)).count();
    assert!(late >= 2, "{late}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_gives_up_a_message_is_in_none() {
    let producer = "producer: { config: { message.timeout.ms: 1000, linger.ms: 0 } }\n";
    let (trace, _) = held(&format!("mode: sync\n{producer}")).await;
    assert_eq!(trace.ending, Ending::Complete);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn time_that_releases_a_hold_is_waited_for() {
    let text = "topic: a\ncount: 2\nmode: sync\n\
                faults: [{ on: produce, do: { hold_response: { until: { for: 200ms } } } }]\n";
    let began = Instant::now();
    assert_eq!(traced(text).await.ending, Ending::Complete);
    assert!(began.elapsed() >= Duration::from_millis(200));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_deadline_says_what_was_held_where_it_is_in_doubt() {
    // Its metadata are asked for again after a second: in doubt, nothing is a deadlock.
    let (trace, elapsed) = held(
        "mode: sync\ndeadline: 1500ms\nproducer: { config: { topic.metadata.refresh.interval.ms: 1000 } }\n",
    )
    .await;
    assert!(elapsed >= Duration::from_millis(1500));
    let Ending::Deadline { held, .. } = trace.ending else { panic!("{:?}", trace.ending) };
    assert_eq!(held, ["the fault 'it' keeps 0 until 3 sends have returned (so far 1)"]);
}
