//! What the runner costs beside a bare client: ratios of one run, on the same embedded broker.
//!
//! `cargo bench` prints, for the asynchronous throughput, the synchronous round trip and a whole scenario of ten
//! messages, the figures of a bare rdkafka producer and of [`inflight::run::execute`], and how they compare. They
//! are measured in turn, and the best of each counts: what a
//! shared machine adds is no property of either.

#![expect(clippy::print_stdout, reason = "a benchmark prints")]
#![expect(clippy::unwrap_used, reason = "a benchmark that fails may panic")]

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::KafkaError;
use rdkafka::producer::{
    BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer,
};
use rdkafka::types::RDKafkaErrorCode;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use inflight::broker::{Cluster, ClusterSpec, TopicSpec};
use inflight::plan::{self, Options, Plan};
use inflight::run;
use inflight::source::Source;
use inflight::trace::{Event, Trace};

const TOPIC: &str = "bench";
const MESSAGES: u32 = 1_000_000;
const ROUND_TRIPS: u32 = 2_000;
/// The part of a value that is the same in all messages; with the number behind it most have 40 bytes.
const TEXT: &str = "thirty-four bytes before a number ";

fn main() {
    let runtime = Runtime::new().unwrap();
    let scenario = |count: u32, mode: &str, linger: &str| {
        format!(
            "topic: {TOPIC}\ncount: {count}\nvalue: \"{TEXT}{{{{ i }}}}\"\nmode: {mode}\n\
             producer: {{ config: {{ linger.ms: {linger} }} }}\n"
        )
    };
    let text = scenario(MESSAGES, "async", "5");
    let empty = |broker: &str| send_at_once(&config(broker, "5"), Counting::default());
    compare(&runtime, "a million asynchronous messages of 40 bytes", &text, 5, empty);
    let mock = |_: &str| {
        let recorded = Counting { order: Some(Arc::default()), ..Counting::default() };
        send_at_once(config("", "5").set("test.mock.num.brokers", "1"), recorded);
    };
    let name = "a million, the bare client on librdkafka's own mock with recorded callbacks";
    compare(&runtime, name, &text, 5, mock);
    let text = scenario(ROUND_TRIPS, "sync", "0");
    let bare = |broker: &str| send_and_poll(broker, ROUND_TRIPS, true);
    compare(&runtime, "two thousand synchronous round trips", &text, 10, bare);
    for mode in ["async", "sync"] {
        let name = format!("a scenario of ten messages, {mode}");
        let bare = |broker: &str| send_and_poll(broker, 10, mode == "sync");
        compare(&runtime, &name, &scenario(10, mode, "0"), 200, bare);
    }
}

/// Measures both in turn, from the start of the broker to its end. The runner also records every fact, reads the log
/// back and recognises each record.
fn compare(runtime: &Runtime, name: &str, text: &str, rounds: usize, bare: impl Fn(&str)) {
    if !chosen(name) {
        return;
    }
    let plan = plan(text);
    let (mut client, mut runner) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        client.push(timed(|| on_broker(runtime, &bare)));
        runner.push(timed(|| {
            let trace = runtime
                .block_on(run::execute(&plan, &run::Target::Embedded, &CancellationToken::new()))
                .unwrap();
            assert_eq!(acknowledged(&trace), u64::from(plan.messages()));
        }));
    }
    let (client, runner) = (Figures::of(client), Figures::of(runner));
    println!("{name}");
    println!("  bare client   best {:>9.3} ms   median {:>9.3} ms", client.best, client.median);
    println!("  runner        best {:>9.3} ms   median {:>9.3} ms", runner.best, runner.median);
    println!(
        "  runner takes {:.2} times as long, {:.2} of the throughput (medians {:.2})",
        runner.best / client.best,
        client.best / runner.best,
        runner.median / client.median
    );
}

/// Whether the command line names no comparison, or this one by a part of its name (`cargo bench -- million`).
fn chosen(name: &str) -> bool {
    let mut wanted = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).peekable();
    wanted.peek().is_none() || wanted.any(|wanted| name.contains(&wanted))
}

/// Milliseconds.
struct Figures {
    best: f64,
    median: f64,
}

impl Figures {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort();
        let milliseconds = |time: &Duration| time.as_secs_f64() * 1000.0;
        Self { best: milliseconds(&times[0]), median: milliseconds(&times[times.len() / 2]) }
    }
}

fn timed(what: impl FnOnce()) -> Duration {
    let began = Instant::now();
    what();
    began.elapsed()
}

fn plan(text: &str) -> Arc<Plan> {
    let source = Arc::new(Source::new("bench.yaml", text));
    Arc::new(plan::of(&source, Options { name: "bench", settings: &[] }).plan.unwrap())
}

fn acknowledged(trace: &Trace) -> u64 {
    let ok = |event: &Event| matches!(event, Event::Callback(callback) if callback.result.is_ok());
    trace.events.iter().filter(ok).count() as u64
}

fn on_broker(runtime: &Runtime, what: impl FnOnce(&str)) {
    let topic = TopicSpec { name: TOPIC.to_owned(), ..TopicSpec::default() };
    let spec = ClusterSpec { topics: vec![topic], ..ClusterSpec::default() };
    let cluster = runtime.block_on(Cluster::start(spec)).unwrap();
    what(&cluster.bootstrap());
    runtime.block_on(cluster.shutdown());
}

/// Counts acknowledgements, which is as empty as a callback can be.
#[derive(Clone, Default)]
struct Counting {
    acknowledged: Arc<AtomicU32>,
    /// The messages in the order of their callbacks, where they are recorded.
    order: Option<Arc<Mutex<Vec<usize>>>>,
}

impl ClientContext for Counting {
    fn log(&self, _: RDKafkaLogLevel, _: &str, _: &str) {}

    fn error(&self, _: KafkaError, _: &str) {}
}

impl ProducerContext for Counting {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, message: usize) {
        if let Some(order) = &self.order {
            order.lock().unwrap().push(message);
        }
        self.acknowledged.fetch_add(u32::from(result.is_ok()), Ordering::Release);
    }
}

fn config(broker: &str, linger: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker).set("linger.ms", linger);
    config
}

/// Sends at once, with a thread of rdkafka's own that polls.
fn send_at_once(config: &ClientConfig, counting: Counting) {
    let acknowledged = Arc::clone(&counting.acknowledged);
    let producer: ThreadedProducer<Counting> = config.create_with_context(counting).unwrap();
    let mut value = String::new();
    for i in 0..MESSAGES {
        value.clear();
        write!(value, "{TEXT}{i}").unwrap();
        let mut record = BaseRecord::<(), str, usize>::with_opaque_to(TOPIC, i as usize).payload(&value);
        while let Err((error, refused)) = producer.send(record) {
            assert_eq!(error.rdkafka_error_code(), Some(RDKafkaErrorCode::QueueFull));
            thread::park_timeout(Duration::from_micros(200));
            record = refused;
        }
    }
    while acknowledged.load(Ordering::Acquire) < MESSAGES {
        thread::park_timeout(Duration::from_micros(200));
    }
}

/// Sends `count` messages and polls in the same thread, without a pause: the fastest that a client can be. Waits for
/// each acknowledgement, or for all at the end.
fn send_and_poll(broker: &str, count: u32, waiting: bool) {
    let acknowledged = Counting::default();
    let producer: BaseProducer<Counting> =
        config(broker, "0").create_with_context(acknowledged.clone()).unwrap();
    producer.client().fetch_metadata(Some(TOPIC), Duration::from_secs(5)).unwrap();
    let wait_for = |count| {
        while acknowledged.acknowledged.load(Ordering::Acquire) < count {
            producer.poll(Duration::ZERO);
            thread::yield_now();
        }
    };
    for i in 0..count {
        let value = format!("{TEXT}{i}");
        let record = BaseRecord::<(), str, usize>::with_opaque_to(TOPIC, i as usize).payload(&value);
        producer.send(record).map_err(|(error, _)| error).unwrap();
        if waiting {
            wait_for(i + 1);
        }
    }
    wait_for(count);
}
