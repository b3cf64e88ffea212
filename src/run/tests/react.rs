//! Reactions, on librdkafka and the embedded cluster, and what of them two threads must agree on.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::embedded::traced;
use super::fixture::scenario;
use crate::id::{MessageId, Offset, Partition, ProducerIndex, Submission};
use crate::plan::{Message, Purge};
use crate::producer::{Producer, Refusal, Request, Serving, Sink, Unsuccessful};
use crate::run::react::Reactions;
use crate::run::react::sink::Reacting;
use crate::trace::{
    Callback, ClientError, Code, Ending, Event, Failure, Persistence, Recorder, StepEnd, Trace,
};

/// What was called, heard and done, in one line each.
fn lines(trace: &Trace) -> Vec<String> {
    let line = |event| match event {
        Event::Send(one) => Some(format!("send {one}")),
        Event::SendFailed(one, code) => Some(format!("send_failed {one} {code}")),
        Event::Callback(Callback { submission, result: Ok(()), .. }) => Some(format!("ok {submission}")),
        Event::Callback(Callback { submission, .. }) => Some(format!("err {submission}")),
        Event::NotSent { first, count, .. } => Some(format!("not sent {count} from {first}")),
        Event::Timeout(missing) => Some(format!("timeout {missing}")),
        Event::Reacted(_, StepEnd::TimedOut(missing)) => Some(format!("timed out, {missing} missing")),
        Event::Reacted(..) => Some("done".to_owned()),
        _ => None,
    };
    trace.events.iter().filter_map(line).collect()
}

/// Message 1 is refused as often as that.
fn refused(times: u32) -> String {
    let submissions: Vec<_> =
        (0..times).map(|again| format!("\"1{}\"", "'".repeat(again as usize))).collect();
    format!(
        "faults: [{{ on: {{ produce: {{ messages: [{}] }} }}, do: {{ fail: INVALID_RECORD }}, times: {times} }}]\n",
        submissions.join(", ")
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_synchronous_sender_resends_until_it_is_acknowledged() {
    let react = "react: [{ on: { err: any }, do: resend, in: sender }]\n";
    let trace = traced(&format!("topic: a\ncount: 3\nmode: sync\n{react}{}", refused(2))).await;
    let expected =
        ["send 0", "ok 0", "send 1", "err 1", "send 1'", "err 1'", "send 1''", "ok 1''", "send 2", "ok 2"];
    assert_eq!(lines(&trace), expected);
    assert_eq!(trace.ending, Ending::Complete);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_message_is_reacted_to_as_well() {
    let react = "react: [{ on: { err: any }, do: resend, in: sender }]\n";
    let trace = traced(&format!("topic: a\ncount: 2\nmode: sync\n{react}{}", refused(1))).await;
    assert_eq!(lines(&trace), ["send 0", "ok 0", "send 1", "err 1", "send 1'", "ok 1'"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobodys_wait_ends_before_the_reaction_is_done() {
    for word in ["stop", "close"] {
        let react = format!("react: [{{ on: {{ err: any }}, do: {word} }}]\n");
        let trace = traced(&format!("topic: a\ncount: 4\nmode: sync\n{react}{}", refused(1))).await;
        assert_eq!(
            lines(&trace),
            ["send 0", "ok 0", "send 1", "err 1", "done", "not sent 2 from 2"],
            "{word}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_waits_for_what_callbacks_have_sent() {
    let react = "react: [{ on: { ok: any }, do: { send: 2 }, times: 2 }, { on: { ok: any }, do: resend, times: 3 }]\n";
    let trace = traced(&format!("topic: a\ncount: 1\nmode: sync\n{react}")).await;
    assert_eq!(trace.ending, Ending::Complete);
    let sends = trace.events.iter().filter(|event| matches!(event, Event::Send(_))).count();
    let callbacks = trace.events.callbacks().count();
    // One, two by its acknowledgement, three resends, and two more by that of the second submission of the first.
    assert!(sends == 6 || sends == 8, "{:?}", lines(&trace));
    assert_eq!(sends, callbacks);
    assert_eq!(trace.logs[0].records.len(), sends);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_never_ends_is_a_failure_and_no_hang() {
    for place in ["sender", "callback"] {
        let react = format!("react: [{{ on: {{ err: any }}, do: resend, in: {place} }}]\n");
        let large = "value: \"{{ repeat('x', 2000) }}\"\nproducer: { config: { message.max.bytes: 1000 } }\n";
        let trace = traced(&format!("topic: a\ncount: 1\nmode: sync\n{large}{react}")).await;
        let Ending::Endless { reaction: 0, cause } = trace.ending else { panic!("{:?}", trace.ending) };
        assert_eq!((cause.message, cause.again), (MessageId(0), 1000));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flush_in_a_callback_ends_by_its_limit() {
    let began = Instant::now();
    let text = "topic: a\ncount: 1\nmode: sync\nack_wait: 100ms\nreact: [{ on: { ok: any }, do: flush }]\n";
    let trace = traced(text).await;
    assert_eq!(lines(&trace), ["send 0", "ok 0", "timed out, 1 missing"]);
    assert!(began.elapsed() >= Duration::from_millis(100));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flush_in_a_callback_that_outlasts_the_scenario_ends_with_it() {
    let text = "topic: a\ncount: 1\nmode: sync\nack_wait: 1h\ndeadline: 300ms\n\
                react: [{ on: { ok: any }, do: flush }]\n";
    let trace = traced(text).await;
    assert!(matches!(trace.ending, Ending::Deadline { .. }), "{:?}", trace.ending);
    assert_eq!(lines(&trace), ["send 0", "ok 0"]);
}

/// An outcome may come before the step that waits for it begins, or while it lasts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_that_only_waits_belongs_to_the_sends_before_it() {
    for (word, place) in [("stop", "callback"), ("stop", "sender"), ("close", "sender"), ("resend", "sender")]
    {
        let react = format!("react: [{{ on: {{ err: any }}, do: {word}, in: {place} }}]\n");
        // The second wait begins when all outcomes are known.
        let steps = "steps: [{ send: 3 }, { wait: { callbacks: 3 } }, { wait: callbacks }, { send: 1 }]\n";
        let trace = traced(&format!("topic: a\n{react}{}{steps}", refused(1))).await;
        let waited = trace.events.iter().position(|event| event == Event::StepEnded(2, StepEnd::Done));
        let next = trace.events.iter().position(|event| match event {
            Event::Reacts(_, reacts) => reacts.inside.is_none(),
            Event::NotSent { .. } => true,
            _ => false,
        });
        assert!(waited.is_some() && waited < next, "{word} in {place}: {:?}", trace.events);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_reacted_to_behind_the_exit() {
    let text = "topic: a\nproducer: { config: { linger.ms: 60000 } }\nreact: [{ on: { err: any }, do: resend }]\n\
                steps: [{ send: 3 }, exit]\n";
    let trace = traced(text).await;
    assert_eq!(lines(&trace), ["send 0", "send 1", "send 2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_callback_waits_for_room_that_nobody_can_make_up_to_ack_wait() {
    let text = "topic: a\nack_wait: 100ms\non_timeout: continue\n\
                producer: { one_per_request: true, config: { queue.buffering.max.messages: 2 } }\n\
                faults: [{ on: produce, do: hold_response, hold: { until: { sent: 2 } } }]\n\
                react: [{ on: { ok: any, message: 0 }, do: { send: 2 } }]\n\
                steps: [{ send: 2 }, { wait: { callbacks: 3, within: 10s } }]\n";
    let expected =
        ["send 0", "send 1", "ok 0", "send 2", "send 3", "send_failed 3 queue_full", "ok 1", "ok 2"];
    assert_eq!(lines(&traced(text).await), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_sender_resends_may_release_what_holds_the_rest() {
    let text = "topic: a\nproducer: { one_per_request: true }\n\
                faults:\n\
                - { on: { produce: { message: 0 } }, do: { fail: INVALID_RECORD }, hold: { until: { sent: 2 } } }\n\
                - { on: { produce: { message: 1 } }, do: hold_response, hold: { until: { sent: 3 } } }\n\
                react: [{ on: { err: any }, do: resend, in: sender }]\n\
                steps: [{ send: 2 }]\n";
    let trace = traced(text).await;
    assert_eq!(trace.ending, Ending::Complete);
    assert_eq!(lines(&trace), ["send 0", "send 1", "err 0", "send 0'", "ok 1", "ok 0'"]);
}

/// A producer that takes everything and says nothing.
struct Silent(Mutex<Vec<Submission>>);

impl Producer for Silent {
    fn submit(&self, submission: Submission, _: &str, _: &Message) -> Result<(), Refusal> {
        self.0.lock().unwrap().push(submission);
        Ok(())
    }

    fn serve(&self, _: Serving) {}

    fn flush(&self, _: Instant, _: &dyn Fn() -> bool) -> bool {
        true
    }

    fn transact(&self, _: &Request<'_>, _: Instant, _: &dyn Fn() -> bool) -> Result<(), Unsuccessful> {
        Ok(())
    }

    fn purge(&self, _: Purge, _: Instant) {}

    fn close(self: Box<Self>) {}
}

fn callback(message: u32, result: Result<(), Failure>) -> Callback {
    Callback {
        submission: Submission::first(MessageId(message)),
        producer: ProducerIndex(0),
        partition: Some(Partition(0)),
        offset: result.is_ok().then_some(Offset(0)),
        result,
        late: false,
    }
}

/// What is recorded when these callbacks come in one piece.
fn heard(react: &str, callbacks: &[Callback]) -> Vec<Event> {
    let plan = Arc::new(scenario(&format!("topic: a\ncount: 3\n{react}")));
    let recorder = Arc::new(Recorder::default());
    let reactions = Arc::new(Reactions::new(plan, Arc::clone(&recorder), CancellationToken::new()));
    reactions.crew().put(ProducerIndex(0), Box::new(Silent(Mutex::default())));
    let sink = Reacting::new(Arc::<Recorder>::clone(&recorder), Arc::clone(&reactions));
    sink.callbacks(callbacks);
    assert!(!reactions.is_under_way());
    let events = recorder.take();
    events.iter().filter(|event| !matches!(event, Event::Reacts(..))).collect()
}

#[test]
fn a_reaction_stands_right_behind_its_cause_though_callbacks_come_together() {
    let failure =
        Failure { code: Code::Client(ClientError::Expired), persistence: Persistence::NotPersisted };
    let all = [callback(0, Ok(())), callback(1, Err(failure)), callback(2, Ok(()))];
    let second = Submission { message: MessageId(1), again: 1 };
    let resent = [Event::Send(second), Event::Sent(second)];
    let events = heard("react: [{ on: { err: expired }, do: resend }]\n", &all);
    let expected: Vec<_> = [Event::Callback(all[0]), Event::Callback(all[1])]
        .into_iter()
        .chain(resent)
        .chain([Event::Callback(all[2])])
        .collect();
    assert_eq!(events, expected);
}

#[test]
fn what_a_closed_producer_says_is_not_heard() {
    let all = [callback(0, Ok(())), callback(1, Ok(()))];
    let events = heard("react: [{ on: { ok: any }, do: close }]\n", &all);
    assert_eq!(events, [Event::Callback(all[0]), Event::Reacted(0, StepEnd::Done)]);
}

#[test]
fn the_first_that_may_still_happen_reacts() {
    let all = [callback(0, Ok(())), callback(1, Ok(())), callback(2, Ok(()))];
    let react = "react: [{ on: { ok: any }, do: resend, times: 1 }, { on: { ok: any }, do: stop }]\n";
    let events = heard(react, &all);
    let sends = events.iter().filter(|event| matches!(event, Event::Send(_))).count();
    assert_eq!((sends, events.last()), (1, Some(&Event::Callback(all[2]))));
    assert!(events.contains(&Event::Reacted(1, StepEnd::Done)));
}
