//! A bare client: rdkafka and nothing around it.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::KafkaError;
use rdkafka::producer::{
    BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer,
};
use rdkafka::types::RDKafkaErrorCode;

/// Where everything is sent to.
pub(crate) const TOPIC: &str = "bench";

/// What is sent.
#[derive(Clone, Copy)]
pub(crate) struct Messages<'a> {
    /// How many.
    pub(crate) count: u32,
    /// What stands in the value before the number.
    pub(crate) text: &'a str,
}

/// Counts acknowledgements, which is as empty as a callback can be.
#[derive(Clone, Default)]
pub(crate) struct Counting {
    acknowledged: Arc<AtomicU32>,
    /// The messages in the order of their callbacks, where they are recorded.
    order: Option<Arc<Mutex<Vec<usize>>>>,
}

impl Counting {
    /// Keeps their order, too.
    pub(crate) fn recording() -> Self {
        Self { order: Some(Arc::default()), ..Self::default() }
    }
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

/// A client of a broker.
pub(crate) fn config(broker: &str, linger: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker).set("linger.ms", linger);
    config
}

/// A client of librdkafka's own mock cluster, which lives inside of it.
pub(crate) fn on_mock(linger: &str) -> ClientConfig {
    let mut config = config("", linger);
    config.set("test.mock.num.brokers", "1");
    config
}

/// Sends at once, with a thread of rdkafka's own that polls. How long that took from the client's start to the last
/// acknowledgement, without the client's end, which rdkafka rounds up to a tenth of a second.
pub(crate) fn send_at_once(config: &ClientConfig, counting: Counting, messages: Messages<'_>) -> Duration {
    let acknowledged = Arc::clone(&counting.acknowledged);
    let began = Instant::now();
    let producer: ThreadedProducer<Counting> = config.create_with_context(counting).unwrap();
    let mut value = String::new();
    for i in 0..messages.count {
        value.clear();
        write!(value, "{}{i}", messages.text).unwrap();
        let mut record = BaseRecord::<(), str, usize>::with_opaque_to(TOPIC, i as usize).payload(&value);
        while let Err((error, refused)) = producer.send(record) {
            assert_eq!(error.rdkafka_error_code(), Some(RDKafkaErrorCode::QueueFull));
            thread::park_timeout(Duration::from_micros(200));
            record = refused;
        }
    }
    while acknowledged.load(Ordering::Acquire) < messages.count {
        thread::park_timeout(Duration::from_micros(200));
    }
    began.elapsed()
}

/// Sends one at a time as most programs do: rdkafka's own thread polls, and the caller sleeps until the answer is there.
/// How long that took, without the client's start and end.
pub(crate) fn send_and_await(config: &ClientConfig, messages: Messages<'_>) -> Duration {
    let (heard, answers) = mpsc::channel();
    let producer: ThreadedProducer<Telling> = config.create_with_context(Telling(heard)).unwrap();
    producer.client().fetch_metadata(Some(TOPIC), Duration::from_secs(5)).unwrap();
    let began = Instant::now();
    for i in 0..messages.count {
        let value = format!("{}{i}", messages.text);
        producer
            .send(BaseRecord::<(), str, ()>::to(TOPIC).payload(&value))
            .map_err(|(error, _)| error)
            .unwrap();
        answers.recv().unwrap();
    }
    began.elapsed()
}

/// Tells whoever waits.
struct Telling(mpsc::Sender<()>);

impl ClientContext for Telling {
    fn log(&self, _: RDKafkaLogLevel, _: &str, _: &str) {}
}

impl ProducerContext for Telling {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        assert!(result.is_ok());
        self.0.send(()).unwrap();
    }
}

/// Sends and polls in the same thread, without a pause: the fastest that a client can be. Waits for each
/// acknowledgement, or for all at the end. How long that took, without the client's start and end.
pub(crate) fn send_and_poll(config: &ClientConfig, messages: Messages<'_>, waiting: bool) -> Duration {
    let acknowledged = Counting::default();
    let producer: BaseProducer<Counting> = config.create_with_context(acknowledged.clone()).unwrap();
    producer.client().fetch_metadata(Some(TOPIC), Duration::from_secs(5)).unwrap();
    let began = Instant::now();
    let wait_for = |count| {
        while acknowledged.acknowledged.load(Ordering::Acquire) < count {
            producer.poll(Duration::ZERO);
            thread::yield_now();
        }
    };
    for i in 0..messages.count {
        let value = format!("{}{i}", messages.text);
        let record = BaseRecord::<(), str, usize>::with_opaque_to(TOPIC, i as usize).payload(&value);
        producer.send(record).map_err(|(error, _)| error).unwrap();
        if waiting {
            wait_for(i + 1);
        }
    }
    wait_for(messages.count);
    began.elapsed()
}
