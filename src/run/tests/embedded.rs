//! Whole runs: librdkafka on the embedded cluster.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::fixture::scenario;
use crate::run::{RunError, Target, execute};
use crate::trace::{Ending, Event, Trace};

pub(super) async fn traced(text: &str) -> Trace {
    execute(&Arc::new(scenario(text)), &Target::Embedded, &CancellationToken::new()).await.unwrap()
}

fn callbacks(trace: &Trace) -> Vec<(u32, Option<i64>)> {
    let callback = |event| {
        let Event::Callback(callback) = event else { return None };
        assert_eq!(callback.result, Ok(()));
        Some((callback.submission.message.0, callback.offset.map(|offset| offset.0)))
    };
    trace.events.iter().filter_map(callback).collect()
}

fn records(trace: &Trace, log: usize) -> Vec<Option<u32>> {
    trace.logs[log].records.iter().map(|record| Some(record.identity?.message.0)).collect()
}

const SEED: &str = "topic: test2\ncount: 10\nack_wait: 5s\nproducer: { config: { linger.ms: 0 } }\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_messages_are_acknowledged_in_the_order_of_the_log() {
    for mode in ["async", "sync", "{ window: 3 }"] {
        let trace = traced(&format!("{SEED}mode: {mode}\n")).await;
        assert_eq!(trace.ending, Ending::Complete);
        assert_eq!(callbacks(&trace), (0..10).map(|n| (n, Some(i64::from(n)))).collect::<Vec<_>>());
        assert_eq!(records(&trace, 0), (0..10).map(Some).collect::<Vec<_>>());
        assert_eq!(trace.logs[0].high_watermark.0, 10);
        assert_eq!(trace.client.name, "librdkafka");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_acks_the_log_is_whole_when_it_is_read() {
    let text = "topic: a\ncount: 200\nproducer: { config: { acks: 0, linger.ms: 0 } }\n";
    let trace = traced(text).await;
    assert_eq!(callbacks(&trace), (0..200).map(|n| (n, None)).collect::<Vec<_>>());
    assert_eq!(records(&trace, 0), (0..200).map(Some).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idempotent_producer_does_not_wait_for_its_id() {
    let mut shortest = Duration::MAX;
    for _ in 0..5 {
        let began = Instant::now();
        let trace = traced("topic: a\ncount: 10\nmode: sync\nproducer: { preset: java_like }\n").await;
        assert_eq!(callbacks(&trace).len(), 10);
        shortest = shortest.min(began.elapsed());
    }
    // Cold, each would wait 500 ms for a timer of its own; a busy machine makes some slow.
    assert!(shortest < Duration::from_millis(450), "{shortest:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cold_start_is_the_clients_own() {
    let trace = traced(&format!("{SEED}start: cold\n")).await;
    assert_eq!(records(&trace, 0), (0..10).map(Some).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_behind_a_time_out_are_late_and_come_at_the_end() {
    let slow = "topic: slow\ncount: 3\nack_wait: 5ms\nproducer: { config: { linger.ms: 60000 } }\n";
    let late = |trace: &Trace| {
        let late = |event| if let Event::Callback(callback) = event { Some(callback.late) } else { None };
        trace.events.iter().filter_map(late).collect::<Vec<_>>()
    };
    let stopped = traced(&format!("{slow}mode: sync\n")).await;
    assert_eq!(late(&stopped), [true]);
    let going = traced(&format!("{slow}mode: sync\non_timeout: continue\n")).await;
    assert_eq!(late(&going), [true, true, true]);
    let window = traced(&format!("{slow}mode: {{ window: 2 }}\non_timeout: continue\n")).await;
    assert_eq!(late(&window), [true, false, false]);
    let asynchronous = traced(&format!("{slow}mode: async\n")).await;
    assert_eq!(late(&asynchronous), [true, true, true]);
    assert!(asynchronous.events.iter().any(|event| matches!(event, Event::Timeout(all) if all.len() == 3)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callbacks_on_wait_are_served_by_waits_and_flushes_alone() {
    let text = "topic: a\ncallbacks: on_wait\nsteps: [send: 3, wait: callbacks, send: 3, flush]\n";
    let trace = traced(text).await;
    let kinds: Vec<_> = trace
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Send(submission) => Some(format!("send {submission}")),
            Event::Callback(callback) => Some(format!("ok {}", callback.submission)),
            Event::StepBegan(step) => Some(format!("step {step}")),
            _ => None,
        })
        .collect();
    let expected = "send 0,send 1,send 2,step 1,ok 0,ok 1,ok 2,send 3,send 4,send 5,step 3,ok 3,ok 4,ok 5";
    assert_eq!(kinds.join(","), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_buffer_makes_the_sends_wait() {
    let text =
        "topic: a\ncount: 300\nproducer: { config: { queue.buffering.max.messages: 5, linger.ms: 0 } }\n";
    let trace = traced(text).await;
    assert_eq!(records(&trace, 0), (0..300).map(Some).collect::<Vec<_>>());
    assert!(!trace.events.iter().any(|event| matches!(event, Event::SendFailed(..))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_knows_the_topic_refuses_a_partition_that_it_lacks() {
    let text = "topic: { name: a, partitions: 3 }\nsteps:\n  - send: { count: 3, partition: \"{{ i }}\" }\n";
    let mut plan = scenario(text);
    plan.topics[0].partitions = 2;
    plan.topics[0].at_first = 2;
    plan.topics[0].leaders.truncate(2);
    let trace = execute(&Arc::new(plan), &Target::Embedded, &CancellationToken::new()).await.unwrap();
    let failed =
        |event| if let Event::SendFailed(failed, code) = event { Some((failed, code)) } else { None };
    let failed: Vec<_> = trace.events.iter().filter_map(failed).collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].1.to_string(), "unknown_partition");
    assert!(trace.client.said[0].words.contains("nknown partition"), "{:?}", trace.client.said);
    assert_eq!((records(&trace, 0), records(&trace, 1)), (vec![Some(0)], vec![Some(1)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partitions_that_no_step_came_to_add_have_no_log() {
    for (word, logs) in [("stop", 1), ("resend", 3)] {
        let fault = "{ on: { produce: { message: 0 } }, do: { fail: INVALID_RECORD } }";
        let react = format!("{{ on: {{ err: any }}, do: {word}, in: sender }}");
        let steps = "[{ send: { count: 1, mode: sync } }, { topic: { grow: { partitions: 3 } } }]";
        let trace = traced(&format!("topic: a\nfaults: [{fault}]\nreact: [{react}]\nsteps: {steps}\n")).await;
        assert_eq!(trace.logs.len(), logs, "{word}");
        assert!(trace.logs.iter().all(|log| !log.unreadable));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scenario_that_cannot_end_ends_at_its_deadline() {
    let text = "topic: a\ncount: 2\nmode: sync\ndeadline: 50ms\nproducer: { config: { linger.ms: 60000 } }\n";
    let trace = traced(text).await;
    let expected =
        Ending::Deadline { step: Some(0), waited_for: "the callback of 0".to_owned(), held: Vec::new() };
    assert_eq!(trace.ending, expected);
    assert_eq!(callbacks(&trace), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_cannot_connect_says_so_at_the_deadline() {
    let text = "topic: a\ncount: 2\ndeadline: 100ms\nproducer: { config: { security.protocol: sasl_plaintext, \
        sasl.mechanism: PLAIN, sasl.username: u, sasl.password: p } }\n";
    let trace = traced(text).await;
    let Ending::Deadline { step: None, waited_for, .. } = trace.ending else { panic!("{:?}", trace.ending) };
    assert!(waited_for.starts_with("producer 'producer' to get connected"), "{waited_for}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interruption_ends_a_run_at_once() {
    for mode in ["sync", "async", "{ window: 1 }"] {
        let text =
            format!("topic: a\ncount: 2\nmode: {mode}\nproducer: {{ config: {{ linger.ms: 60000 }} }}\n");
        let interrupt = CancellationToken::new();
        let plan = Arc::new(scenario(&text));
        let began = Instant::now();
        let (result, ()) = tokio::join!(execute(&plan, &Target::Embedded, &interrupt), async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            interrupt.cancel();
        });
        assert!(matches!(result, Err(RunError::Interrupted)), "{result:?}");
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_close_lets_go_of_one_producer_and_the_other_goes_on() {
    let text = "topic: a\nproducers: { short: { config: { linger.ms: 60000 } }, other: {} }\nsteps:\n  \
        - send: { count: 3, producer: short }\n  - close: short\n  - send: { count: 2, producer: other }\n";
    let trace = traced(text).await;
    assert_eq!(trace.ending, Ending::Complete);
    assert_eq!(records(&trace, 0), (0..5).map(Some).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_run_is_read_ahead_and_nothing_of_it_twice() {
    let trace = traced("topic: a\ncount: 150000\nproducer: { config: { linger.ms: 1 } }\n").await;
    assert_eq!(callbacks(&trace).len(), 150_000);
    assert!(records(&trace, 0).into_iter().eq((0..150_000).map(Some)));
    assert!(trace.events.bytes() + 16 * 150_000 < 64 * 150_000, "{} bytes", trace.events.bytes());
}
