//! The world of a run: the embedded cluster, the producers, and the one thread of the application. What is started here
//! is stopped and joined here.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::broker::{Cluster, ClusterSpec, TopicSpec};
use crate::id::ProducerIndex;
use crate::plan::{Plan, Start, Topic};
use crate::producer::{LibrdkafkaProducer, Producer, Sink};
use crate::trace::{Ending, Recorder};

use super::RunError;
use super::application::{Application, Halt};

/// The most messages for which room is made before they are sent.
const ROOM: u32 = 4_000_000;

/// A running world.
pub(super) struct World {
    cluster: Cluster,
}

impl World {
    /// Starts the cluster with the plan's topics.
    pub(super) async fn start(plan: &Plan) -> Result<Self, RunError> {
        let topic = |topic: &Topic| TopicSpec {
            name: topic.name.to_string(),
            partitions: topic.partitions,
            config: topic.config.iter().map(|setting| (setting.key.clone(), setting.value.clone())).collect(),
        };
        let topics = plan.topics.iter().map(topic).collect();
        let started = Cluster::start(ClusterSpec { topics, ..ClusterSpec::default() }).await;
        Ok(Self { cluster: started.map_err(RunError::Broker)? })
    }

    /// Where clients begin, as `HOST:PORT`.
    pub(super) fn bootstrap(&self) -> String {
        self.cluster.bootstrap()
    }

    /// Runs the application to its end on a thread of its own; its producers are closed when this returns.
    pub(super) async fn perform(
        &self,
        plan: &Arc<Plan>,
        recorder: &Arc<Recorder>,
        interrupt: &CancellationToken,
    ) -> Result<Ending, RunError> {
        let mut thread = JoinSet::new();
        let (its_plan, its_recorder) = (Arc::clone(plan), Arc::clone(recorder));
        let (its_interrupt, bootstrap) = (interrupt.clone(), self.bootstrap());
        thread.spawn_blocking(move || application(&its_plan, &its_recorder, &bootstrap, &its_interrupt));
        let mut told = false;
        loop {
            tokio::select! {
                Some(ended) = thread.join_next() => return ended.map_err(RunError::Thread)?,
                () = interrupt.cancelled(), if !told => {
                    told = true;
                    recorder.nudge();
                }
            }
        }
    }

    /// Waits until whatever the producers sent before they were closed has been handled, also what needs no answer.
    pub(super) async fn settle(&self, limit: Duration) -> Result<(), RunError> {
        let idle = timeout(limit, self.cluster.idle()).await;
        idle.map_err(|_| RunError::NotIdle(limit))?.map_err(RunError::Broker)
    }

    /// Ends the cluster and waits for its tasks.
    pub(super) async fn stop(self) {
        self.cluster.shutdown().await;
    }
}

/// A recorder for the plan.
pub(super) fn recorder(plan: &Plan) -> Arc<Recorder> {
    Arc::new(Recorder::with_capacity(plan.messages().min(ROOM) as usize))
}

/// The application's thread, from the opening of its producers to the end of the last of them.
fn application(
    plan: &Plan,
    recorder: &Arc<Recorder>,
    bootstrap: &str,
    interrupt: &CancellationToken,
) -> Result<Ending, RunError> {
    let mut producers: Vec<Box<dyn Producer>> = Vec::new();
    for (index, producer) in (0u16..).map(ProducerIndex).zip(&plan.producers) {
        let sink: Arc<dyn Sink> = Arc::<Recorder>::clone(recorder);
        let opened = LibrdkafkaProducer::open(producer, index, plan.start, bootstrap, sink);
        let opened =
            opened.map_err(|source| RunError::Producer { name: producer.name.to_string(), source })?;
        if plan.start == Start::Warm && !warm(plan, index, &opened, interrupt) {
            return cold(&producer.name, &opened, interrupt);
        }
        producers.push(Box::new(opened));
    }
    match Application::new(plan, recorder, producers, interrupt).run() {
        Ok(ending) => Ok(ending),
        Err(Halt::Message(error)) => Err(error.into()),
        Err(Halt::Interrupted) => Err(RunError::Interrupted),
        Err(Halt::Deadline(waited_for)) => Ok(Ending::Deadline { step: None, waited_for }),
    }
}

/// Lets a producer get ready for the topics that it sends to.
fn warm(
    plan: &Plan,
    index: ProducerIndex,
    producer: &LibrdkafkaProducer,
    interrupt: &CancellationToken,
) -> bool {
    let own = plan.batches.iter().filter(|batch| batch.producer == index);
    let mut topics: Vec<_> = own.filter_map(|batch| plan.topics.get(batch.topic.index())).collect();
    topics.dedup_by_key(|topic| &topic.name);
    let names: Vec<_> = topics.iter().map(|topic| &*topic.name).collect();
    producer.warm(&names, Instant::now() + plan.deadline, &|| interrupt.is_cancelled())
}

/// What it means that a producer does not get ready.
fn cold(
    name: &str,
    producer: &LibrdkafkaProducer,
    interrupt: &CancellationToken,
) -> Result<Ending, RunError> {
    if interrupt.is_cancelled() {
        return Err(RunError::Interrupted);
    }
    let trouble = producer.trouble().map_or(String::new(), |words| format!(" ({words})"));
    let waited_for = format!("producer '{name}' to get connected{trouble}");
    Ok(Ending::Deadline { step: None, waited_for })
}
