//! The broker against Apache Kafka: named cases of raw requests, whose answers are compared line by line.
//!
//! Apache Kafka's own answers are recorded in `recorded/`. `cargo test --test kafka` plays every case against the
//! embedded broker and compares with the record, anywhere. `cargo test --test kafka -- --ignored` starts Apache Kafka
//! from its jars and proves that the record still holds; `INFLIGHT_RECORD=1` writes it anew.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![expect(clippy::too_many_lines, reason = "a theme is a list of cases")]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "the bits of the wire, and names by small numbers"
)]
#![expect(clippy::needless_pass_by_value, reason = "requests are written where they are sent")]
#![expect(
    clippy::disallowed_methods,
    reason = "Apache Kafka tells nobody when it is ready: it is asked again"
)]

mod apache;
mod cases;
mod compose;
mod corpus;
mod embedded;
mod normal;
mod random;
mod recorded;
mod session;
mod trial;
mod version;
mod wire;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::Arguments;

use crate::trial::Suite;

/// How many cases of the embedded broker are played at once where nothing else is said.
const WAITING: usize = 8;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    if !arguments.ignored && !arguments.include_ignored {
        // The embedded brokers have nothing in common, and many cases wait for a time-out.
        arguments.test_threads.get_or_insert(WAITING);
    }
    let suite = Arc::new(Suite::new(std::env::var_os("INFLIGHT_RECORD").is_some()));
    let mut trials = suite.trials();
    trials.extend(compose::trials());
    trials.extend(corpus::trials(&suite));
    trials.extend(random::trials(&suite));
    let conclusion = libtest_mimic::run(&arguments, trials);
    suite.finish();
    conclusion.exit_code()
}
