//! What things cost, as ratios of one run.
//!
//! `cargo bench` compares the runner with a bare client on the same embedded broker, the embedded broker with the
//! mock cluster inside librdkafka under the same client, one start with another, and runs with and without a link. Both
//! sides are measured in turn, and the best of each counts: what a shared machine adds is no property of either.
//! `cargo bench -- million` measures what has that word in its name.

#![expect(clippy::print_stdout, reason = "a benchmark prints")]
#![expect(clippy::unwrap_used, reason = "a benchmark that fails may panic")]

mod bare;
mod broker;
mod link;
mod runner;
mod start;
mod versus;

use tokio::runtime::Runtime;

fn main() {
    let runtime = Runtime::new().unwrap();
    runner::measure(&runtime);
    broker::measure(&runtime);
    start::measure(&runtime);
    link::measure(&runtime);
}
