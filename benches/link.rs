//! What the link costs where no fault fires: passing requests on as they are, and looking into each of them.

use std::sync::Arc;

use tokio::runtime::Runtime;

use inflight::plan::Plan;

use crate::bare::TOPIC;
use crate::runner::{SHORT, parsed, run};
use crate::versus::Versus;

pub(crate) fn measure(runtime: &Runtime) {
    let sides = ["no link", "link"];
    // Nothing asks about Produce: its requests pass as they are.
    let untouched = "{ on: end_txn, do: disconnect_before, times: { max: 1 } }";
    // Something does: each record is recognised.
    let looked = "{ on: { produce: { attempt: 9 } }, do: disconnect_before, times: { max: 1 } }";
    for (what, fault) in [("passes on", untouched), ("looks into", looked)] {
        let (bare, linked) = (plan(1_000_000, "async", "5", ""), plan(1_000_000, "async", "5", fault));
        let name = format!("a million asynchronous messages through a link that {what} them");
        Versus { name: &name, sides, rounds: 5 }.measure(|| run(runtime, &bare), || run(runtime, &linked));
        let (bare, linked) = (plan(2_000, "sync", "0", ""), plan(2_000, "sync", "0", fault));
        let name = format!("two thousand round trips through a link that {what} them");
        Versus { name: &name, sides, rounds: 10 }.measure(|| run(runtime, &bare), || run(runtime, &linked));
    }
}

fn plan(count: u32, mode: &str, linger: &str, fault: &str) -> Arc<Plan> {
    parsed(&format!(
        "topic: {TOPIC}\ncount: {count}\nvalue: \"{SHORT}{{{{ i }}}}\"\nmode: {mode}\n\
         producer: {{ config: {{ linger.ms: {linger} }} }}\nfaults: [{fault}]\n"
    ))
}
