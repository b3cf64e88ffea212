//! What befalls the cluster, as far as it can be known before it runs.

use std::collections::HashMap;

use crate::diagnostic::Code;
use crate::id::{BrokerId, TopicIndex, TopicPartition};
use crate::plan::compile::Compiler;
use crate::plan::plan::{Action, ClusterStep};
use crate::scenario::Field;
use crate::scenario::model::{
    self, BrokerNumber, BrokerStep, Name, PartitionNumber, ReplicationStep, TopicStep,
};
use crate::source::{Span, Spanned};

/// What is known of the cluster at a step.
#[derive(Default)]
pub(super) struct Cluster {
    /// Brokers that do not run, and the steps that ended them.
    stopped: HashMap<BrokerId, Span>,
    /// Topics that are deleted, and the steps that did it.
    deleted: HashMap<TopicIndex, Span>,
    /// How many partitions topics have that have grown, and the steps that did it.
    grown: HashMap<TopicIndex, (u32, Span)>,
}

impl Compiler<'_> {
    pub(super) fn cluster_step(&mut self, step: &model::Step, span: Span, cluster: &mut Cluster) {
        let made = match step {
            model::Step::Broker(broker) => self.broker_step(broker, span, cluster),
            model::Step::Leader(leader) => self.leader_step(leader, span, cluster),
            model::Step::Isr(isr) => self.isr_step(isr, span, cluster),
            model::Step::Replication(ReplicationStep::Resume) => Some(ClusterStep::Resume),
            model::Step::Replication(ReplicationStep::Hold(held)) => {
                held.get().and_then(|held| self.hold_step(&held.value, span, cluster))
            }
            model::Step::Topic(topic) => self.topic_step(topic, span, cluster),
            model::Step::Coordinator(coordinator) => self.coordinator_step(coordinator, span, cluster),
            model::Step::Clock(model::ClockStep::Advance(by)) => {
                by.value().map(|by| ClusterStep::AdvanceClock(by.0))
            }
            _ => None,
        };
        if let Some(step) = made {
            self.add(Action::Cluster(step), span);
        }
    }

    fn broker_step(&mut self, step: &BrokerStep, span: Span, cluster: &mut Cluster) -> Option<ClusterStep> {
        let (BrokerStep::Stop(field)
        | BrokerStep::Start(field)
        | BrokerStep::Restart(field)
        | BrokerStep::Kill(field)) = step;
        let broker = self.broker(field.get()?)?;
        let stopped = cluster.stopped.get(&broker).copied();
        match (step, stopped) {
            (BrokerStep::Start(_), None) => {
                let mistake = self.mistake(Code::AlreadySo, span, format!("broker {broker} runs by then"));
                self.report(mistake.help("brokers run from the start; 'stop' or 'kill' ends one"));
            }
            (BrokerStep::Stop(_) | BrokerStep::Restart(_) | BrokerStep::Kill(_), Some(stopped)) => {
                self.does_not_run(broker, stopped, span);
            }
            _ => {}
        }
        Some(match step {
            BrokerStep::Start(_) => {
                cluster.stopped.remove(&broker);
                ClusterStep::Start(broker)
            }
            BrokerStep::Restart(_) => ClusterStep::Restart(broker),
            BrokerStep::Stop(_) => {
                cluster.stopped.insert(broker, span);
                ClusterStep::Stop(broker)
            }
            BrokerStep::Kill(_) => {
                cluster.stopped.insert(broker, span);
                ClusterStep::Kill(broker)
            }
        })
    }

    fn does_not_run(&mut self, broker: BrokerId, stopped: Span, span: Span) {
        let mistake = self.mistake(Code::AlreadySo, span, format!("broker {broker} does not run by then"));
        self.report(mistake.and(stopped, "it is ended here"));
    }

    fn leader_step(
        &mut self,
        step: &model::LeaderStep,
        span: Span,
        cluster: &Cluster,
    ) -> Option<ClusterStep> {
        self.needs(step.to.is_absent(), "to", span, "leader: {partition: 0, to: 2}");
        let partition = self.partition_there(&step.topic, &step.partition, span, cluster)?;
        let to = self.replica(step.to.get()?, partition)?;
        if let Some(stopped) = cluster.stopped.get(&to) {
            self.does_not_run(to, *stopped, span);
        }
        let unclean = step.unclean.value().copied().unwrap_or_default();
        Some(ClusterStep::Lead { partition, to, unclean })
    }

    fn isr_step(&mut self, step: &model::IsrStep, span: Span, cluster: &Cluster) -> Option<ClusterStep> {
        self.needs(step.replicas.is_absent(), "replicas", span, "isr: {partition: 0, replicas: [1]}");
        let partition = self.partition_there(&step.topic, &step.partition, span, cluster)?;
        let written = step.replicas.get()?;
        if written.value.is_empty() {
            let mistake = self.mistake(Code::NoReplica, written.span, "no replica is in sync");
            self.report(mistake.help("the leader always is; name it"));
        }
        let replicas: Vec<_> =
            written.value.iter().filter_map(|one| self.replica(one.get()?, partition)).collect();
        Some(ClusterStep::InSync { partition, replicas })
    }

    fn hold_step(&mut self, held: &model::HeldReplica, span: Span, cluster: &Cluster) -> Option<ClusterStep> {
        self.needs(
            held.replica.is_absent(),
            "replica",
            span,
            "replication: {hold: {partition: 0, replica: 2}}",
        );
        let partition = self.partition_there(&held.topic, &held.partition, span, cluster)?;
        let replica = self.replica(held.replica.get()?, partition)?;
        Some(ClusterStep::Hold { partition, replica })
    }

    fn topic_step(&mut self, step: &TopicStep, span: Span, cluster: &mut Cluster) -> Option<ClusterStep> {
        match step {
            TopicStep::Grow(grow) => self.grow_step(&grow.get()?.value, span, cluster),
            TopicStep::Recreate(name) => {
                let topic = self.topic_named(name, span)?;
                cluster.deleted.remove(&topic);
                Some(ClusterStep::RecreateTopic(topic))
            }
            TopicStep::Delete(name) => {
                let topic = self.topic_named(name, span)?;
                if let Some(deleted) = cluster.deleted.insert(topic, span) {
                    self.is_deleted(deleted, span);
                }
                Some(ClusterStep::DeleteTopic(topic))
            }
        }
    }

    /// The topic that a step must name, be it the only one.
    fn topic_named(&mut self, name: &Field<model::Name>, span: Span) -> Option<TopicIndex> {
        if name.is_absent() { None } else { self.topic_of(name, span) }
    }

    /// A topic never has fewer partitions than before.
    fn grow_step(&mut self, grow: &model::Grow, span: Span, cluster: &mut Cluster) -> Option<ClusterStep> {
        self.needs(grow.partitions.is_absent(), "partitions", span, "topic: {grow: {partitions: 4}}");
        let topic = self.topic_of(&grow.topic, span)?;
        if let Some(deleted) = cluster.deleted.get(&topic) {
            self.is_deleted(*deleted, span);
        }
        let partitions = grow.partitions.get()?;
        let (wanted, place) = (u32::try_from(partitions.value.0).unwrap_or(u32::MAX), partitions.span);
        let at_first = self.topics.get(topic.index()).map(|topic| (topic.at_first, topic.span))?;
        let (has, since) = cluster.grown.get(&topic).copied().unwrap_or(at_first);
        if wanted <= has {
            let message = format!("the topic has {has} partition{} by then", if has == 1 { "" } else { "s" });
            let mistake = self.mistake(Code::AlreadySo, place, message).and(since, "it has them from here");
            self.report(mistake.help(format!("write {} or more: partitions are only added", has + 1)));
            return None;
        }
        cluster.grown.insert(topic, (wanted, span));
        Some(ClusterStep::GrowTopic { topic, partitions: wanted })
    }

    fn coordinator_step(
        &mut self,
        step: &model::CoordinatorStep,
        span: Span,
        cluster: &Cluster,
    ) -> Option<ClusterStep> {
        self.needs(step.to.is_absent(), "move", span, "coordinator: {move: 2}");
        let producer = self.producer_of(&step.producer, span)?;
        self.needs_transactional(producer, span);
        let to = self.broker(step.to.get()?)?;
        if let Some(stopped) = cluster.stopped.get(&to) {
            self.does_not_run(to, *stopped, span);
        }
        let transactional_id = self.transactional_id(producer)?;
        Some(ClusterStep::MoveCoordinator { transactional_id, to })
    }

    fn is_deleted(&mut self, deleted: Span, span: Span) {
        let mistake = self.mistake(Code::AlreadySo, span, "the topic is deleted by then");
        self.report(
            mistake.and(deleted, "it is deleted here").help("'topic: {recreate: NAME}' creates it anew"),
        );
    }

    /// A partition of a topic that is there.
    fn partition_there(
        &mut self,
        topic: &Field<Name>,
        partition: &Field<PartitionNumber>,
        span: Span,
        cluster: &Cluster,
    ) -> Option<TopicPartition> {
        let topic = self.topic_of(topic, span)?;
        if let Some(deleted) = cluster.deleted.get(&topic) {
            self.is_deleted(*deleted, span);
        }
        let partition = self.partition_of(partition, topic)?;
        Some(TopicPartition { topic, partition })
    }

    /// A broker that has a partition.
    fn replica(&mut self, number: &Spanned<BrokerNumber>, partition: TopicPartition) -> Option<BrokerId> {
        let broker = self.broker(number)?;
        let brokers = self.brokers();
        let topic = self.topics.get(partition.topic.index())?;
        let replicas: Vec<_> = topic.replicas(partition.partition, brokers).collect();
        if replicas.is_empty() || replicas.contains(&broker) {
            return Some(broker);
        }
        let shown: Vec<_> = replicas.iter().map(BrokerId::to_string).collect();
        let message = format!("broker {broker} has no replica of {}[{}]", topic.name, partition.partition);
        let mistake = self.mistake(Code::NoReplica, number.span, message);
        let (verb, one) = if shown.len() == 1 { ("has", "broker") } else { ("have", "brokers") };
        self.report(
            mistake.help(format!("{one} {} {verb} one; 'replication_factor' makes more", shown.join(", "))),
        );
        None
    }

    fn needs(&mut self, missing: bool, name: &str, span: Span, example: &str) {
        if missing {
            let mistake = self.mistake(Code::Missing, span, format!("'{name}' is missing"));
            self.report(mistake.help(format!("write '{example}'")));
        }
    }
}
