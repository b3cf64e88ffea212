//! What inflight is measured against: the seed's two programs with rdkafka and nothing else, on the same embedded
//! broker. Ten messages with a callback each, sent at once; then ten, each waiting for its callback. The order is
//! checked, as a person would check it by hand.

use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use inflight::broker::{Cluster, ClusterSpec, TopicSpec};
use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext};

const MESSAGES: usize = 10;
const PATIENCE: Duration = Duration::from_secs(5);

/// Which messages were acknowledged, in the order of their callbacks. One thread sends and polls.
#[derive(Clone, Default)]
struct Acknowledged(Arc<Mutex<Vec<usize>>>);

impl Acknowledged {
    fn list(&self) -> MutexGuard<'_, Vec<usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for Acknowledged {}

impl ProducerContext for Acknowledged {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, message: usize) {
        if result.is_ok() {
            self.list().push(message);
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    for waiting in [false, true] {
        let topic = TopicSpec { name: "test2".into(), ..TopicSpec::default() };
        let spec = ClusterSpec { topics: vec![topic], ..ClusterSpec::default() };
        let cluster = runtime.block_on(Cluster::start(spec))?;
        let order = program(&cluster.bootstrap(), waiting)?;
        runtime.block_on(cluster.shutdown());
        if order != (0..MESSAGES).collect::<Vec<_>>() {
            return Err(format!("acknowledged in the order {order:?}").into());
        }
    }
    Ok(())
}

fn program(bootstrap: &str, waiting: bool) -> Result<Vec<usize>, Box<dyn Error>> {
    let acknowledged = Acknowledged::default();
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap).set("linger.ms", "0");
    let producer: BaseProducer<Acknowledged> = config.create_with_context(acknowledged.clone())?;
    producer.client().fetch_metadata(Some("test2"), PATIENCE)?;
    for message in 0..MESSAGES {
        let (key, value) = (message.to_string(), format!("我是你爹{message}"));
        let record = BaseRecord::with_opaque_to("test2", message).key(&key).payload(&value);
        producer.send(record).map_err(|(error, _)| error)?;
        if waiting {
            wait_for(message + 1, &producer, &acknowledged)?;
        }
    }
    wait_for(MESSAGES, &producer, &acknowledged)?;
    Ok(std::mem::take(&mut acknowledged.list()))
}

/// Polls without a limit of its own: with one, rust-rdkafka's `poll` always takes all of it.
fn wait_for(
    count: usize,
    producer: &BaseProducer<Acknowledged>,
    acknowledged: &Acknowledged,
) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    while acknowledged.list().len() < count {
        if start.elapsed() > PATIENCE {
            return Err("no acknowledgement".into());
        }
        producer.poll(Duration::ZERO);
        std::thread::yield_now();
    }
    Ok(())
}
