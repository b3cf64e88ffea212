//! Faults that cannot stand among the scenarios, since a run with them fails: what a person is told then.

use std::time::{Duration, Instant};

use super::project::Project;

/// What the project's first asynchronous scenario becomes if it is made synchronous.
const SEED: &str = r#"topic: test2
count: 10
key: "{{ i }}"
value: "我是你爹{{ i }}"
mode: sync
ack_wait: 50s
faults:
  - name: the broker answers only when all ten are sent
    on: produce
    do: { hold_response: { until: { sent: 10 } } }
"#;

#[test]
fn a_hold_that_nobody_can_release_is_a_deadlock_at_once() {
    let project = Project::new().scenario("seed", SEED);
    let began = Instant::now();
    let ran = project.call(&["run"]).exits(1);
    // The time-out of the acknowledgement, and not how fast this machine is.
    assert!(began.elapsed() < Duration::from_secs(40), "it waited for a time-out");
    ran.says("error[F001]: a deadlock")
        .says("scenarios/seed.yaml:2:8")
        .says("the application waits for the callback of 0")
        .says(
            "'the broker answers only when all ten are sent' keeps 0 until 10 sends have returned (so far 1)",
        )
        .says("never sent: 1..9");
}

#[test]
fn a_fault_that_does_not_fire_fails_with_what_came_nearest() {
    let text = "topic: orders\ncount: 3\nproducer: { one_per_request: true }\nfaults:\n\
                \u{20} - name: the fourth attempt\n    on: { produce: { message: 1, attempt: 4 } }\n    do: disconnect_after\n";
    let ran = Project::new().scenario("never", text).call(&["run"]).exits(1);
    ran.says("fault 'the fourth attempt' did not fire, and must once")
        .says("scenarios/never.yaml:5:5")
        .says("the nearest: produce orders[0] 1 → ok: attempt 1 instead of 4")
        .says("passed: produce orders[0] 2 → ok")
        .says("the fourth attempt: fired 0");
}

#[test]
fn a_fault_that_fires_less_often_than_it_must_says_how_often_it_could() {
    let text = "topic: orders\ncount: 3\nproducer: { one_per_request: true }\nfaults:\n\
                \u{20} - name: five of three\n    on: produce\n    times: 5\n    do: pass\n";
    let ran = Project::new().scenario("seldom", text).call(&["run"]).exits(1);
    ran.says("fault 'five of three' fired 3 of 5 times").says("requests that it asks for: 3");
}

#[test]
fn a_code_that_the_request_is_too_old_for_is_refused_on_the_wire() {
    let text = "topic: orders\ncount: 1\nfaults:\n\
                \u{20} - name: too new a code\n    on: produce\n    do: { fail: UNKNOWN_TOPIC_ID }\n";
    let ran = Project::new().scenario("impossible", text).call(&["run"]).exits(1);
    ran.says("fault 'too new a code' would show what no broker answers")
        .says("UNKNOWN_TOPIC_ID exists from version 13 of the API on")
        .says("'allow_impossible: true' shows it all the same");
}
