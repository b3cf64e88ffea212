//! What the runner costs beside a bare client: the asynchronous throughput, the synchronous round trip and a whole
//! scenario of ten messages. The runner also records every fact, reads the log back and recognises each record.

use std::sync::Arc;

use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use inflight::plan::{self, Options, Plan};
use inflight::run;
use inflight::source::Source;
use inflight::trace::{Event, Trace};

use crate::bare::{Counting, Messages, TOPIC, config, on_mock, send_and_poll, send_at_once};
use crate::broker::with_broker;
use crate::versus::{Versus, timed};

/// With the number behind it most values have 40 bytes.
pub(crate) const SHORT: &str = "thirty-four bytes before a number ";

pub(crate) fn measure(runtime: &Runtime) {
    let million = Messages { count: 1_000_000, text: SHORT };
    let sides = ["bare client", "runner"];
    let run = |count: u32, mode: &str, linger: &str| {
        let plan = plan(count, mode, linger);
        move || timed(&mut || self::run(runtime, &plan))
    };
    let empty = |broker: &str| send_at_once(&config(broker, "5"), Counting::default(), million);
    let name = "a million asynchronous messages of 40 bytes";
    Versus { name, sides, rounds: 5 }
        .compare(|| with_broker(runtime, empty), run(million.count, "async", "5"));
    let mock = || send_at_once(&on_mock("5"), Counting::recording(), million);
    let name = "a million, the bare client on librdkafka's own mock with recorded callbacks";
    Versus { name, sides, rounds: 5 }.compare(mock, run(million.count, "async", "5"));
    let name = "two thousand synchronous round trips";
    let trips = Messages { count: 2_000, text: SHORT };
    let waiting = |broker: &str| send_and_poll(&config(broker, "0"), trips, true);
    Versus { name, sides, rounds: 10 }
        .compare(|| with_broker(runtime, waiting), run(trips.count, "sync", "0"));
    for mode in ["async", "sync"] {
        let ten = Messages { count: 10, text: SHORT };
        let bare = |broker: &str| {
            send_and_poll(&config(broker, "0"), ten, mode == "sync");
        };
        let name = format!("a scenario of ten messages, {mode}");
        let versus = Versus { name: &name, sides, rounds: 200 };
        versus.compare(|| timed(&mut || with_broker(runtime, bare)), run(ten.count, mode, "0"));
    }
}

/// Runs a scenario on a cluster of its own, in which every message is acknowledged.
pub(crate) fn run(runtime: &Runtime, plan: &Arc<Plan>) {
    let interrupt = CancellationToken::new();
    let trace = runtime.block_on(run::execute(plan, &run::Target::Embedded, &interrupt)).unwrap();
    assert_eq!(acknowledged(&trace), u64::from(plan.messages()));
}

fn plan(count: u32, mode: &str, linger: &str) -> Arc<Plan> {
    parsed(&format!(
        "topic: {TOPIC}\ncount: {count}\nvalue: \"{SHORT}{{{{ i }}}}\"\nmode: {mode}\n\
         producer: {{ config: {{ linger.ms: {linger} }} }}\n"
    ))
}

/// A scenario of steps, its producer configured so.
pub(crate) fn steps(config: &str, steps: &[&str]) -> Arc<Plan> {
    let steps = steps.join("\n  - ");
    let head = format!("topic: {TOPIC}\nvalue: \"{SHORT}{{{{ i }}}}\"\nproducer: {{ config: {config} }}\n");
    parsed(&format!("{head}steps:\n  - {steps}\n"))
}

pub(crate) fn parsed(text: &str) -> Arc<Plan> {
    let source = Arc::new(Source::new("bench.yaml", text));
    Arc::new(plan::of(&source, Options { name: "bench", settings: &[] }).plans.remove(0))
}

fn acknowledged(trace: &Trace) -> u64 {
    let ok = |event: &Event| matches!(event, Event::Callback(callback) if callback.result.is_ok());
    trace.events.iter().filter(ok).count() as u64
}
