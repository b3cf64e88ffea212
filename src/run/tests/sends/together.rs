//! Sends from several threads. What happens between the threads is up to the machine: each is looked at by itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::*;
use crate::plan::Action;
use crate::run::application::Halt;
use crate::run::tests::embedded::traced;
use crate::run::tests::fixture::scenario;
use crate::run::tests::scripted::{run, run_until};
use crate::run::{RunError, Target, execute};
use crate::trace::{Ending, Event, Trace};

/// A plan whose first batch so many threads send.
fn in_threads(threads: u32, actions: &[Action], counts: &[u32]) -> Plan {
    let mut plan = plan(actions, counts);
    plan.batches[0].threads = threads;
    plan
}

/// What happened to the messages that a thread sends, and what names none of them, a line each.
fn of_thread(happened: &str, thread: u32, threads: u32) -> String {
    let number = |line: &str| line.split(' ').find_map(|word| word.parse::<u32>().ok());
    let own = |line: &&str| number(line).is_some_and(|number| number % threads == thread);
    happened.lines().filter(own).collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn each_thread(plan: &Plan, script: &Script, expected: &[&str]) {
    let (happened, ending) = run(plan, script);
    assert_eq!(ending.unwrap(), Ending::Complete);
    let threads = u32::try_from(expected.len()).unwrap();
    for (thread, expected) in (0..).zip(expected) {
        assert_eq!(of_thread(&happened, thread, threads), *expected, "thread {thread} of\n{happened}");
    }
}

#[test]
fn each_waits_for_its_own_messages() {
    let script = Script::answering(Answer::AtOnce);
    for mode in [Mode::Sync, Mode::Async, Mode::Window(1)] {
        let plan = in_threads(2, &[send(0, mode)], &[5]);
        each_thread(
            &plan,
            &script,
            &["send 0\nok 0\nsend 2\nok 2\nsend 4\nok 4", "send 1\nok 1\nsend 3\nok 3"],
        );
    }
}

#[test]
fn the_next_step_comes_when_all_have_ended() {
    let script = Script::answering(Answer::AtOnce);
    for mode in [Mode::Sync, Mode::Async, Mode::Window(2)] {
        let plan = in_threads(3, &[send(0, mode), send(1, mode)], &[9, 1]);
        let (happened, _) = run(&plan, &script);
        assert!(happened.ends_with("send 9\nok 9\n"), "{happened}");
    }
}

#[test]
fn a_time_out_stops_its_own_thread_and_the_steps_behind() {
    let plan = in_threads(2, &[send(0, Mode::Sync), send(1, Mode::Sync)], &[6, 2]);
    let plan = Plan { ack_wait: TINY, ..plan };
    let script = Script { answers: vec![(2, Answer::OnFlush)], ..Script::answering(Answer::AtOnce) };
    let first =
        "send 0\nok 0\nsend 2\ntimeout 2\nnot sent 4 and 0 more, step 2\nnot sent 6 and 1 more\nlate 2";
    each_thread(&plan, &script, &[first, "send 1\nok 1\nsend 3\nok 3\nsend 5\nok 5"]);
}

#[test]
fn with_continue_only_the_one_message_is_given_up() {
    let plan = in_threads(2, &[send(0, Mode::Sync)], &[6]);
    let plan = Plan { ack_wait: TINY, on_timeout: OnTimeout::Continue, ..plan };
    let script = Script { answers: vec![(2, Answer::OnFlush)], ..Script::answering(Answer::AtOnce) };
    let first = "send 0\nok 0\nsend 2\ntimeout 2\nsend 4\nok 4\nlate 2";
    each_thread(&plan, &script, &[first, "send 1\nok 1\nsend 3\nok 3\nsend 5\nok 5"]);
}

#[test]
fn a_window_is_that_of_a_thread() {
    let plan = in_threads(2, &[send(0, Mode::Window(2))], &[8]);
    let plan = Plan { ack_wait: TINY, ..plan };
    let answers = (1..8).step_by(2).map(|message| (message, Answer::AtOnce)).collect();
    let script = Script { answers, ..Script::answering(Answer::OnFlush) };
    let first = "send 0\nsend 2\ntimeout 0\nnot sent 4 and 1 more, step 2\nlate 0\nok 2";
    each_thread(&plan, &script, &[first, "send 1\nok 1\nsend 3\nok 3\nsend 5\nok 5\nsend 7\nok 7"]);
}

#[test]
fn one_time_out_names_all_that_are_outstanding_of_all_threads() {
    let plan = Plan { ack_wait: TINY, ..in_threads(2, &[send(0, Mode::Async)], &[4]) };
    let (happened, _) = run(&plan, &Script::answering(Answer::OnFlush));
    assert!(happened.contains("\ntimeout 0..3\n"), "{happened}");
}

#[test]
fn each_waits_for_room_and_all_get_it() {
    let flush = Action::Flush { producer: None, within: Duration::from_mins(1) };
    let plan = in_threads(3, &[send(0, Mode::Async), flush], &[9]);
    let script = Script { room: 1, ..Script::answering(Answer::OnFlush) };
    let (happened, ending) = run(&plan, &script);
    assert_eq!(ending.unwrap(), Ending::Complete);
    assert_eq!((happened.matches("send ").count(), happened.matches("ok ").count()), (9, 9), "{happened}");
}

#[test]
fn a_buffer_that_stays_full_stops_each_thread() {
    let plan = Plan { ack_wait: TINY, ..in_threads(2, &[send(0, Mode::Async)], &[4]) };
    let script = Script { room: 0, ..Script::answering(Answer::OnFlush) };
    let of = |first: u32| {
        format!("send {first}\nsend_failed {first} queue_full\nnot sent {} and 0 more, step 2", first + 2)
    };
    each_thread(&plan, &script, &[&of(0), &of(1)]);
}

#[test]
fn callbacks_are_served_while_one_waits_in_an_application_that_serves_them_only_then() {
    let script = Script::answering(Answer::AtOnce);
    for mode in [Mode::Sync, Mode::Window(1)] {
        let plan = Plan { callbacks: Callbacks::OnWait, ..in_threads(2, &[send(0, mode)], &[6]) };
        for _ in 0..20 {
            let (happened, ending) = run(&plan, &script);
            assert_eq!(ending.unwrap(), Ending::Complete);
            assert_eq!(happened.matches("ok").count(), 6, "{happened}");
        }
    }
}

#[test]
fn what_ends_one_ends_all_and_is_not_lost() {
    let mut broken = scenario(
        "topic: a\nsteps: [{send: {count: 40, concurrent: 2, mode: sync, key: \"{{ 1 / (i - 20) }}\"}}]\n",
    );
    broken.ack_wait = Duration::from_mins(1);
    let script = Script { answers: vec![(1, Answer::Never)], ..Script::answering(Answer::AtOnce) };
    let began = Instant::now();
    let (happened, ending) = run(&broken, &script);
    assert!(matches!(ending, Err(Halt::Message(_))), "{ending:?}\n{happened}");
    assert!(began.elapsed() < Duration::from_secs(30));
}

#[test]
fn the_deadline_and_an_interruption_end_all() {
    let never = Script::answering(Answer::Never);
    let plan = in_threads(3, &[send(0, Mode::Sync)], &[6]);
    let (_, ending) = run(&Plan { deadline: TINY, ..plan.clone() }, &never);
    let Ok(Ending::Deadline { step: Some(0), waited_for, .. }) = ending else { panic!("{ending:?}") };
    assert!(
        waited_for.starts_with("the callback of ") || waited_for.starts_with("the send of "),
        "{waited_for}"
    );
    let interrupt = CancellationToken::new();
    interrupt.cancel();
    assert!(matches!(run_until(&plan, &never, &interrupt).1, Err(Halt::Interrupted)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interruption_ends_a_run_in_which_all_wait() {
    let text = "topic: a\nsteps: [{send: {count: 4, concurrent: 2, mode: sync}}]\n\
                producer: { config: { linger.ms: 60000 } }\n";
    let (plan, interrupt) = (Arc::new(scenario(text)), CancellationToken::new());
    let (result, ()) = tokio::join!(execute(&plan, &Target::Embedded, &interrupt), async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        interrupt.cancel();
    });
    assert!(matches!(result, Err(RunError::Interrupted)), "{result:?}");
}

/// Messages in the order of the log, by the thread that sent them.
fn logged(trace: &Trace, threads: u32) -> Vec<Vec<u32>> {
    let messages = || trace.logs[0].records.iter().filter_map(|record| Some(record.identity?.message.0));
    (0..threads).map(|thread| messages().filter(|message| message % threads == thread).collect()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_gets_all_of_many_threads_in_each_ones_order() {
    for mode in ["sync", "async", "{window: 3}"] {
        let text = format!(
            "topic: a\nsteps: [{{send: {{count: 640, concurrent: 64, mode: {mode}}}}}]\n\
             producer: {{ config: {{ linger.ms: 0, queue.buffering.max.messages: 100 }} }}\n"
        );
        let trace = traced(&text).await;
        assert_eq!(trace.ending, Ending::Complete);
        let expected: Vec<Vec<_>> = (0..64).map(|thread| (thread..640).step_by(64).collect()).collect();
        assert_eq!(logged(&trace, 64), expected);
        let calls = trace.events.iter().filter(|event| matches!(event, Event::Sent(_))).count();
        assert_eq!(calls, 640);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadlock_names_what_each_waits_for() {
    let faults = "faults: [{ name: it, on: produce, do: { hold_response: { until: { sent: 3 } } } }]\n";
    let steps = "steps: [{send: {count: 6, concurrent: 2, mode: sync}}]\n";
    let trace = traced(&format!("topic: a\n{faults}{steps}")).await;
    let Ending::Deadlock { step: Some(0), circle } = &trace.ending else { panic!("{:?}", trace.ending) };
    assert_eq!(circle[0], "the application waits for the callback of 0 and the callback of 1");
    // With one more thread nobody has to wait for ever.
    let steps = steps.replace("concurrent: 2", "concurrent: 3");
    assert_eq!(traced(&format!("topic: a\n{faults}{steps}")).await.ending, Ending::Complete);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_can_go_on_is_waited_for() {
    // The second thread gives its first message up and sends another, which lets the answer of the first go.
    let text = "topic: a\nack_wait: 100ms\non_timeout: continue\n\
                faults: [{ name: it, on: produce, do: { hold_response: { until: { sent: 3 } } } }]\n\
                steps: [{send: {count: 6, concurrent: 2, mode: sync}}]\n";
    assert_eq!(traced(text).await.ending, Ending::Complete);
}
