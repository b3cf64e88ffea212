//! What the embedded broker costs beside the mock cluster inside librdkafka, which checks no batch: the same bare client
//! on both.

use tokio::runtime::Runtime;

use inflight::broker::{Cluster, ClusterSpec, TopicSpec};

use crate::bare::{Counting, Messages, TOPIC, config, on_mock, send_and_await, send_and_poll, send_at_once};
use crate::runner::SHORT;
use crate::versus::Versus;

pub(crate) fn measure(runtime: &Runtime) {
    let sides = ["librdkafka's mock", "embedded broker"];
    let kilobyte = "x".repeat(1_000);
    let loads = [
        ("a million messages of 40 bytes on a broker", Messages { count: 1_000_000, text: SHORT }),
        ("200,000 messages of 1 kB on a broker", Messages { count: 200_000, text: &kilobyte }),
    ];
    for (name, messages) in loads {
        let mock = || send_at_once(&on_mock("5"), Counting::default(), messages);
        let own = |broker: &str| send_at_once(&config(broker, "5"), Counting::default(), messages);
        Versus { name, sides, rounds: 7 }.compare(mock, || with_broker(runtime, own));
    }
    let trips = Messages { count: 2_000, text: SHORT };
    let mock = || send_and_poll(&on_mock("0"), trips, true);
    let own = |broker: &str| send_and_poll(&config(broker, "0"), trips, true);
    let name = "two thousand synchronous round trips on a broker";
    let awaiting = |broker: &str| send_and_await(&config(broker, "0"), trips);
    Versus { name, sides, rounds: 10 }
        .compare(|| send_and_await(&on_mock("0"), trips), || with_broker(runtime, awaiting));
    let name = "two thousand synchronous round trips on a broker, client never asleep";
    Versus { name, sides, rounds: 10 }.compare(mock, || with_broker(runtime, own));
}

/// A broker from its start to its end, around what is measured.
pub(crate) fn with_broker<T>(runtime: &Runtime, what: impl FnOnce(&str) -> T) -> T {
    let topic = TopicSpec { name: TOPIC.to_owned(), ..TopicSpec::default() };
    let spec = ClusterSpec { topics: vec![topic], ..ClusterSpec::default() };
    let cluster = runtime.block_on(Cluster::start(spec)).unwrap();
    let measured = what(&cluster.bootstrap());
    runtime.block_on(cluster.shutdown());
    measured
}
