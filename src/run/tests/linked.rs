//! Whole runs with the link between librdkafka and the embedded cluster.

use super::embedded::traced;
use crate::id::FaultIndex;
use crate::kafka::ErrorCode;
use crate::trace::{Answer, ClientError, Code, Ending, Event, StepEnd, Trace};

const QUICK: &str = "linger.ms: 0, retry.backoff.ms: 10, reconnect.backoff.ms: 10";

/// The scenario with one record in each request and what passed shown.
async fn run(count: u32, config: &str, rest: &str) -> Trace {
    let shown = "snapshot: { include: [sends, callbacks, log, requests] }";
    let producer = format!("producer: {{ one_per_request: true, config: {{ {QUICK}{config} }} }}");
    let count = if rest.contains("steps:") { String::new() } else { format!("count: {count}\n") };
    let trace = traced(&format!("topic: a\n{count}{producer}\n{shown}\n{rest}\n")).await;
    assert_eq!(trace.ending, Ending::Complete);
    trace
}

/// Produce requests: connection, messages, attempt, answer.
fn produced(trace: &Trace) -> Vec<String> {
    let mut connections = Vec::new();
    let mut lines = Vec::new();
    for passed in &trace.link.passed {
        for row in passed.rows.iter().filter(|row| !row.submissions.is_empty()) {
            if !connections.contains(&passed.connection) {
                connections.push(passed.connection);
            }
            let connection = connections.iter().position(|one| *one == passed.connection).unwrap() + 1;
            let answer = match row.answer {
                Answer::Code(ErrorCode::NONE) => "ok".to_owned(),
                Answer::Code(code) => code.to_string(),
                other => format!("{other:?}").to_lowercase(),
            };
            lines.push(format!("{connection}: {} attempt {} {answer}", row.submissions, row.attempt));
        }
    }
    lines
}

fn logged(trace: &Trace) -> Vec<u32> {
    trace.logs[0].records.iter().filter_map(|record| Some(record.identity?.message.0)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_on_a_connection_that_closes_counts_for_nothing() {
    // Whether the client sends the others before it notices is up to it.
    let actions =
        ["disconnect_before", "disconnect_after", "{ truncate_request: 20 }", "{ truncate_response: 5 }"];
    for action in actions {
        let faults = format!("faults: [{{ on: {{ produce: {{ message: 0 }} }}, do: {action} }}]");
        let trace = run(3, ", enable.idempotence: true", &faults).await;
        let expected =
            ["1: 0 attempt 1 closed", "2: 0 attempt 2 ok", "2: 1 attempt 1 ok", "2: 2 attempt 1 ok"];
        assert_eq!(produced(&trace), expected, "{action}");
        assert_eq!(logged(&trace), [0, 1, 2]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_held_before_a_close_lets_the_others_count() {
    let fault = "on: { produce: { message: 0 } }, hold: { until: { requests: 3 } }";
    let first = ["1: 0 attempt 1 closed", "1: 1 attempt 1 closed", "1: 2 attempt 1 closed"];
    let second = ["2: 0 attempt 2 ok", "2: 1 attempt 2 ok", "2: 2 attempt 2 ok"];
    for (action, log) in [
        ("disconnect_before", &[0, 1, 2][..]),
        ("disconnect_after", &[0, 0, 1, 2]),
        ("{ disconnect_after: { behind: appended } }", &[0, 1, 2, 0, 1, 2]),
    ] {
        let expect = "expect: { anomalies: { may: [duplicated, replayed] } }";
        let faults = format!("faults: [{{ {fault}, do: {action} }}]\n{expect}");
        let trace = run(3, "", &faults).await;
        assert_eq!(produced(&trace), [&first[..], &second].concat(), "{action}");
        assert_eq!(logged(&trace), log, "{action}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_acks_the_other_partitions_are_appended_and_the_connection_closes() {
    let text = "topic: { name: a, partitions: 2 }\ncount: 2\npartition: \"{{ i }}\"\n\
                producer: { config: { acks: 0, linger.ms: 50, max.in.flight: 1 } }\n\
                faults: [{ on: { produce: { partition: 0 } }, do: { fail: { error: CORRUPT_MESSAGE } } }]\n";
    let trace = traced(text).await;
    assert_eq!(trace.ending, Ending::Complete);
    assert_eq!(trace.logs[0].records.len(), 0);
    assert_eq!(trace.link.taken[0].fired, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_were_under_way_when_the_network_broke_are_lost() {
    let steps = "steps: [{ send: { count: 1, mode: sync } }, { network: { cut: [to_client], after_heal: lose } }, \
                 { send: 2 }, { wait: { requests: 3 } }, { network: heal }, { wait: callbacks }]";
    let trace = run(3, "", steps).await;
    let expected = [
        "1: 0 attempt 1 ok",
        "1: 1 attempt 1 closed",
        "1: 2 attempt 1 closed",
        "2: 1 attempt 2 ok",
        "2: 2 attempt 2 ok",
    ];
    assert_eq!(produced(&trace), expected);
    assert_eq!(logged(&trace), [0, 1, 2, 1, 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_behind_the_append_does_not_lead_past_the_link() {
    let fail = "{ fail: { error: NOT_LEADER_OR_FOLLOWER, append: true } }";
    let faults = format!("faults: [{{ on: {{ produce: {{ message: 0 }} }}, do: {fail} }}]");
    let trace = run(2, ", enable.idempotence: true", &format!("mode: sync\n{faults}")).await;
    let expected = ["1: 0 attempt 1 NOT_LEADER_OR_FOLLOWER", "1: 0 attempt 2 ok", "1: 1 attempt 1 ok"];
    assert_eq!(produced(&trace), expected);
    assert_eq!(logged(&trace), [0, 1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_that_nobody_waits_for_lasts_until_the_logs_are_read_and_is_named() {
    let faults =
        "faults: [{ on: { produce: { message: 1 } }, do: { hold_request: { until: { sent: 9 } } } }]";
    let close = "steps: [{ send: { count: 1, mode: sync } }, { send: 1 }, { wait: { requests: 2 } }, \
                 { close: { flush: none } }]";
    let trace = run(2, "", &format!("{faults}\n{close}")).await;
    assert_eq!(trace.link.left, [FaultIndex(0)]);
    // It was on its way, and so it arrives.
    assert_eq!(logged(&trace), [0, 1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_begin_goes_on_with_an_initialisation_that_took_too_long() {
    let fault = "{ name: held, on: init_producer_id, do: hold_request, hold: { until: released } }";
    let steps = "[open, { release: held }, begin, { send: { count: 1, mode: sync } }, commit]";
    let producer = "{ config: { transactional.id: t } }";
    let text = format!("topic: a\nproducer: {producer}\nack_wait: 2s\nfaults: [{fault}]\nsteps: {steps}\n");
    let trace = traced(&text).await;
    let ends: Vec<_> = trace
        .events
        .iter()
        .filter_map(|event| match event {
            Event::StepEnded(_, end) => Some(end),
            _ => None,
        })
        .collect();
    let late = StepEnd::Failed(Code::Client(ClientError::RequestTimedOut));
    assert_eq!(ends, [late, StepEnd::Done, StepEnd::Done, StepEnd::Done]);
    assert_eq!(trace.logs[0].records.len(), 1);
}
