//! The application's thread: opens the producers, takes the steps, lets go of the producers.

use std::sync::Arc;
use std::time::Instant;

use tokio::runtime::Handle;

use crate::id::ProducerIndex;
use crate::link::Control;
use crate::plan::{self, ClusterStep, Plan, Start};
use crate::producer::{LibrdkafkaProducer, Patience, Producer, Sink};
use crate::run::RunError;
use crate::run::application::{Application, Halt, Outside};
use crate::run::react::Reactions;
use crate::run::react::sink::Reacting;
use crate::trace::Ending;

use super::embedded::Hands;

/// What the thread is given.
pub(super) struct Task {
    /// Of the plan whose topics have the names that they have on the cluster.
    pub(super) reactions: Arc<Reactions>,
    /// Where the producers report to.
    pub(super) sink: Arc<dyn Sink>,
    /// Where they begin, in the order of the plan.
    pub(super) bootstrap: Vec<String>,
    /// What stands between them and the brokers, if anything does.
    pub(super) link: Option<Control>,
    /// For what happens on it.
    pub(super) runtime: Handle,
    /// For steps that change the cluster; none where it is not ours.
    pub(super) hands: Option<Hands>,
}

impl Task {
    /// From the opening of the producers to the end of the last of them.
    pub(super) fn run(&self) -> Result<Ending, RunError> {
        if let Some(link) = self.link.as_ref().filter(|_| self.plan().start == Start::Cold) {
            link.begin();
        }
        match Application::new(&self.reactions, self).and_then(Application::run) {
            Ok(ending) => Ok(ending),
            Err(Halt::Message(error)) => Err(error.into()),
            Err(Halt::Broken(error)) => Err(*error),
            Err(Halt::Interrupted) => Err(RunError::Interrupted),
            // Producers are opened before any step is taken.
            Err(Halt::Refused(why)) => Ok(Ending::Refused { step: 0, why }),
            Err(Halt::Deadline(waited_for)) => {
                Ok(Ending::Deadline { step: None, waited_for, held: Vec::new() })
            }
            Err(Halt::Endless { reaction, cause }) => Ok(Ending::Endless { reaction, cause }),
            Err(Halt::Deadlock(circle)) => Ok(Ending::Deadlock { step: None, circle }),
        }
    }

    fn plan(&self) -> &Plan {
        self.reactions.plan()
    }

    fn is_interrupted(&self) -> bool {
        self.reactions.interrupt().is_cancelled()
    }

    /// Lets a producer get ready for the topics that it sends to.
    fn warm(&self, index: ProducerIndex, producer: &LibrdkafkaProducer, limit: Instant) -> bool {
        let plan = self.plan();
        let own = plan.batches.iter().filter(|batch| batch.producer == index);
        let mut topics: Vec<_> = own.filter_map(|batch| plan.topics.get(batch.topic.index())).collect();
        topics.dedup_by_key(|topic| &topic.name);
        let names: Vec<_> = topics.iter().map(|topic| &*topic.name).collect();
        producer.warm(&names, limit, &|| self.is_interrupted()) && self.has_id(index, limit)
    }

    /// Whether a producer has its id, if it asks for one: otherwise the link would count that as part of the first step.
    fn has_id(&self, index: ProducerIndex, limit: Instant) -> bool {
        let asks = self.plan().producers.get(index.index()).is_some_and(|plan| Patience::of(plan).has_id);
        let Some(link) = self.link.as_ref().filter(|_| asks) else { return true };
        self.runtime.block_on(async {
            tokio::select! {
                () = link.id_of(index) => true,
                () = tokio::time::sleep_until(limit.into()) => false,
                () = self.reactions.interrupt().cancelled() => false,
            }
        })
    }

    /// What it means that a producer does not get ready.
    fn cold(&self, name: &str, producer: &LibrdkafkaProducer) -> Halt {
        if self.is_interrupted() {
            return Halt::Interrupted;
        }
        let trouble = producer.trouble().map_or(String::new(), |words| format!(" ({words})"));
        Halt::Deadline(format!("producer '{name}' to get connected{trouble}"))
    }
}

impl Outside for Task {
    fn open(
        &self,
        index: ProducerIndex,
        producer: &plan::Producer,
        limit: Instant,
    ) -> Result<Box<dyn Producer>, Halt> {
        let (start, mut sink) = (self.plan().start, Arc::clone(&self.sink));
        if !self.reactions.are_none() {
            sink = Arc::new(Reacting::new(sink, Arc::clone(&self.reactions)));
        }
        let bootstrap = self.bootstrap.get(index.index()).map_or("", String::as_str);
        let opened = LibrdkafkaProducer::open(producer, index, start, bootstrap, sink);
        let opened = opened.map_err(|source| {
            Halt::Broken(Box::new(RunError::Producer { name: producer.name.to_string(), source }))
        })?;
        if start == Start::Warm && !self.warm(index, &opened, limit) {
            return Err(self.cold(&producer.name, &opened));
        }
        Ok(Box::new(opened))
    }

    fn change(&self, step: &ClusterStep) -> Result<(), String> {
        let hands = self.hands.as_ref().ok_or("only an embedded cluster is changed")?;
        hands.change(self.plan(), step)
    }

    fn link(&self) -> Option<&Control> {
        self.link.as_ref()
    }
}
