//! A cluster of our own for one run, and what its scenario does to it.

use std::sync::Arc;

use tokio::runtime::Handle;

use crate::broker::{self, ClusterSpec, StepError, TopicSpec};
use crate::cluster::Address;
use crate::id::{Partition, TopicPartition};
use crate::plan::{ClusterStep, Plan, Topic};
use crate::run::RunError;
use crate::run::check::release;

/// A running cluster.
pub(super) struct Embedded {
    cluster: Arc<broker::Cluster>,
}

/// The hands of a thread that may block on a running cluster.
pub(super) struct Hands {
    cluster: Arc<broker::Cluster>,
    runtime: Handle,
}

impl Embedded {
    /// Starts one with the plan's topics.
    pub(super) async fn start(plan: &Plan) -> Result<Self, RunError> {
        let topic = |topic: &Topic| TopicSpec {
            name: topic.name.to_string(),
            partitions: topic.at_first,
            replication_factor: topic.replication_factor,
            leaders: topic.leaders.iter().take(topic.at_first as usize).copied().collect(),
            config: topic.config.iter().map(|setting| (setting.key.clone(), setting.value.clone())).collect(),
        };
        let spec = ClusterSpec {
            brokers: plan.brokers,
            emulate: release(plan.emulate),
            topics: plan.topics.iter().map(topic).collect(),
            ..ClusterSpec::default()
        };
        let started = broker::Cluster::start(spec).await.map_err(RunError::Broker)?;
        Ok(Self { cluster: Arc::new(started) })
    }

    /// Where clients begin.
    pub(super) fn bootstrap(&self) -> Result<Vec<Address>, RunError> {
        let all = self.cluster.bootstrap();
        all.split(',').map(|one| one.parse().map_err(|_| RunError::Address(one.to_owned()))).collect()
    }

    /// For the application's thread. To be called on a tokio runtime.
    pub(super) fn hands(&self) -> Hands {
        Hands { cluster: Arc::clone(&self.cluster), runtime: Handle::current() }
    }

    /// What was held is not held any more: the logs are about to be read, and requests that waited for it have nobody
    /// who waits for their answers.
    pub(super) async fn resume(&self) {
        // That nothing is held is no reason to fail.
        let _ = self.cluster.resume_replication().await;
    }

    /// Waits until whatever clients that are gone have sent has been handled.
    pub(super) async fn settle(&self) -> Result<(), RunError> {
        self.cluster.idle().await.map_err(RunError::Broker)
    }

    /// Ends it and waits for its tasks; the thread that had its hands on it has ended.
    pub(super) async fn stop(self) {
        if let Some(cluster) = Arc::into_inner(self.cluster) {
            cluster.shutdown().await;
        }
    }
}

impl Hands {
    /// Takes one step, or says why it cannot be.
    pub(super) fn change(&self, plan: &Plan, step: &ClusterStep) -> Result<(), String> {
        self.runtime.block_on(self.take(plan, step)).map_err(|error| error.to_string())
    }

    async fn take(&self, plan: &Plan, step: &ClusterStep) -> Result<(), StepError> {
        let cluster = &self.cluster;
        let named =
            |topic: crate::id::TopicIndex| plan.topics.get(topic.index()).map_or("", |topic| &*topic.name);
        match step {
            ClusterStep::Stop(broker) => cluster.stop_broker(*broker).await,
            ClusterStep::Start(broker) => cluster.start_broker(*broker).await,
            ClusterStep::Restart(broker) => cluster.restart_broker(*broker).await,
            ClusterStep::Kill(broker) => cluster.kill_broker(*broker).await,
            ClusterStep::Lead { partition: TopicPartition { topic, partition }, to, unclean } => {
                cluster.move_leader(named(*topic), *partition, *to, *unclean).await
            }
            ClusterStep::InSync { partition: TopicPartition { topic, partition }, replicas } => {
                cluster.set_isr(named(*topic), *partition, replicas).await
            }
            ClusterStep::Hold { partition: TopicPartition { topic, partition }, replica } => {
                cluster.hold_replication(named(*topic), *partition, *replica).await
            }
            ClusterStep::Resume => cluster.resume_replication().await,
            ClusterStep::DeleteTopic(topic) => cluster.delete_topic(named(*topic)).await,
            ClusterStep::RecreateTopic(topic) => cluster.recreate_topic(named(*topic)).await,
            ClusterStep::GrowTopic { topic, partitions } => {
                let replicas = |topic: &Topic| {
                    let numbers = (0..*partitions).filter_map(|number| i32::try_from(number).ok());
                    let replicas = numbers.map(|number| topic.replicas(Partition(number), plan.brokers));
                    replicas.map(Iterator::collect).collect::<Vec<_>>()
                };
                let replicas = plan.topics.get(topic.index()).map(replicas).unwrap_or_default();
                cluster.grow_topic(named(*topic), &replicas).await
            }
            ClusterStep::MoveCoordinator { transactional_id, to } => {
                cluster.move_coordinator(transactional_id, *to).await
            }
            ClusterStep::AdvanceClock(by) => cluster.advance_clock(*by).await,
        }
    }
}
