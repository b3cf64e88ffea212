//! What a start costs: of a cluster by itself, and of a producer that needs an id before its first record.

use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use inflight::broker::{Cluster, ClusterSpec};

use crate::runner::{run, steps};
use crate::versus::Versus;

pub(crate) fn measure(runtime: &Runtime) {
    let start = |brokers| {
        let cluster = ClusterSpec { brokers, ..ClusterSpec::default() };
        move || started(runtime, cluster.clone())
    };
    let sides = ["of one broker", "of three brokers"];
    Versus { name: "the start of a cluster", sides, rounds: 200 }.compare(start(1), start(3));
    let plain = steps("{ linger.ms: 0 }", &["send: 3"]);
    let idempotent = steps("{ linger.ms: 0, enable.idempotence: true }", &["send: 3"]);
    let transactional = steps("{ linger.ms: 0, transactional.id: bench }", &["begin", "send: 3", "commit"]);
    let sides = ["plain", "idempotent"];
    let versus = Versus { name: "a whole scenario of three messages, idempotent", sides, rounds: 200 };
    versus.measure(|| run(runtime, &plain), || run(runtime, &idempotent));
    let sides = ["plain", "transactional"];
    let versus = Versus { name: "a whole scenario of three messages, transactional", sides, rounds: 200 };
    versus.measure(|| run(runtime, &plain), || run(runtime, &transactional));
}

/// How long a cluster takes until clients can connect.
fn started(runtime: &Runtime, spec: ClusterSpec) -> Duration {
    let began = Instant::now();
    let cluster = runtime.block_on(Cluster::start(spec)).unwrap();
    let took = began.elapsed();
    runtime.block_on(cluster.shutdown());
    took
}
