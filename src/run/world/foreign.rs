//! Topics on a cluster that others may use, too: found or created when a run begins, and left as they should be.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::cluster::{self, Address, Bound, Cluster, ClusterError, NewTopic, Tcp};
use crate::id::{BrokerId, Partition};
use crate::kafka::ErrorCode;
use crate::plan::{Plan, Topic};
use crate::run::RunError;
use crate::run::broken::{Left, OtherShape};

use super::target::{ForeignCluster, Located, partitions};

/// The longest wait for a first answer.
const CONNECT: Duration = Duration::from_secs(5);
/// The longest wait until topics are created and led.
const CREATE: Duration = Duration::from_secs(20);
/// The longest wait until they are deleted.
const DELETE: Duration = Duration::from_secs(10);
/// How often the cluster is asked for a sign of life.
const PULSE: Duration = Duration::from_millis(500);
/// A broker that restarts, or that is held up for less, is not gone.
const GRACE: Duration = Duration::from_secs(6);
/// The longest name of a topic (`Topic.MAX_NAME_LENGTH`).
const LONGEST_NAME: usize = 249;

impl ForeignCluster {
    /// Asks for a sign of life, so that what is wrong with the address is said before anything runs.
    pub async fn reach(&self) -> Result<(), RunError> {
        self.connect().await.map(drop)
    }

    async fn connect(&self) -> Result<Cluster, RunError> {
        let connecting = Cluster::connect(Tcp, &self.bootstrap, Instant::now() + CONNECT);
        connecting.await.map_err(RunError::Unreachable)
    }
}

/// A run's topics on a cluster.
pub(super) struct Foreign {
    cluster: ForeignCluster,
    /// What the plan's topics are called there.
    names: Vec<Arc<str>>,
    partitions: Vec<Located>,
}

impl Foreign {
    /// Finds or creates the plan's topics, and looks where their logs end. After an error nothing is left of it.
    pub(super) async fn enter(
        plan: &Plan,
        cluster: &ForeignCluster,
        interrupt: &CancellationToken,
    ) -> Result<Self, RunError> {
        let mut client = tokio::select! {
            client = cluster.connect() => client?,
            () = interrupt.cancelled() => return Err(RunError::Interrupted),
        };
        let suffix = Uuid::new_v4().simple().to_string();
        let name = |topic: &Topic| {
            if cluster.fresh_topics { unique(&topic.name, &suffix[..12]) } else { Arc::clone(&topic.name) }
        };
        let names = plan.topics.iter().map(name).collect();
        let mut foreign = Self { cluster: cluster.clone(), names, partitions: Vec::new() };
        // Not to be given up half-way: what was asked for is created, whoever still waits for it.
        match foreign.prepare(plan, &mut client).await {
            Ok(()) => Ok(foreign),
            Err(error) => match foreign.leave().await {
                Ok(()) => Err(error),
                Err(left) => Err(left.after(error)),
            },
        }
    }

    async fn prepare(&mut self, plan: &Plan, client: &mut Cluster) -> Result<(), RunError> {
        let deadline = Instant::now() + CREATE;
        if plan.brokers > 1 {
            let found = client.brokers(deadline).await.map_err(RunError::Cluster)?;
            has_brokers(plan.brokers, &found)?;
        }
        let mut new = Vec::new();
        for (name, topic) in self.names.iter().zip(&plan.topics) {
            if self.cluster.fresh_topics || !is_there(client, name, topic, deadline).await? {
                new.push(new_topic(name, topic, plan.brokers));
            }
        }
        if !new.is_empty() {
            let created = client.create_topics(&new, deadline).await.map_err(RunError::Cluster)?;
            if let Some(refused) = created.into_iter().find_map(Result::err) {
                return Err(match refused.code {
                    ErrorCode::INVALID_REPLICATION_FACTOR => RunError::Unsuited(refused.to_string()),
                    _ => refused.into(),
                });
            }
        }
        self.locate(plan, client, deadline).await
    }

    /// Looks where the logs end.
    async fn locate(&mut self, plan: &Plan, client: &mut Cluster, deadline: Instant) -> Result<(), RunError> {
        let mut located: Vec<_> = partitions(&self.renamed(plan)).collect();
        let places: Vec<_> = located.iter().map(|located| located.place.clone()).collect();
        let ends =
            client.offsets(Bound::HighWatermark, &places, deadline).await.map_err(RunError::Cluster)?;
        for (located, end) in located.iter_mut().zip(ends) {
            located.start = end.map_err(|code| RunError::Log {
                topic: located.place.topic.to_string(),
                partition: located.place.partition,
                code,
            })?;
        }
        self.partitions = located;
        Ok(())
    }

    /// Where clients begin.
    pub(super) fn bootstrap(&self) -> &[Address] {
        &self.cluster.bootstrap
    }

    /// The partitions of the plan's topics, by topic and partition.
    pub(super) fn partitions(&self) -> &[Located] {
        &self.partitions
    }

    /// The plan with the names that its topics have on the cluster.
    pub(super) fn renamed(&self, plan: &Plan) -> Plan {
        let mut renamed = plan.clone();
        for (topic, name) in renamed.topics.iter_mut().zip(&self.names) {
            topic.name = Arc::clone(name);
        }
        renamed
    }

    /// Waits until no broker has given a sign of life for a while.
    pub(super) async fn watch(&self) -> RunError {
        let mut alive = Instant::now();
        let mut client = None;
        loop {
            sleep(PULSE).await;
            let deadline = Instant::now() + GRACE;
            match ask(&mut client, &self.cluster.bootstrap, deadline).await {
                Ok(()) => alive = Instant::now(),
                Err(error) if alive.elapsed() >= GRACE => return RunError::Gone(error),
                Err(_) => {}
            }
        }
    }

    /// Deletes what was created for this run alone.
    pub(super) async fn leave(self) -> Result<(), Left> {
        if !self.cluster.fresh_topics {
            return Ok(());
        }
        let left = |reason: String| Left { topics: self.names.clone(), reason };
        let deadline = Instant::now() + DELETE;
        let mut client = None;
        ask(&mut client, &self.cluster.bootstrap, deadline).await.map_err(|error| left(error.to_string()))?;
        let Some(mut client) = client else { return Ok(()) };
        let deleted = client.delete_topics(&self.names, deadline).await;
        let kept = deleted.map_err(|error| left(error.to_string()))?.into_iter().filter_map(Result::err);
        // Those that were never created are not there.
        let kept: Vec<_> = kept.filter(|kept| kept.code != ErrorCode::UNKNOWN_TOPIC_OR_PARTITION).collect();
        match kept.first() {
            None => Ok(()),
            Some(first) => {
                let reason = first.code.to_string();
                Err(Left { topics: kept.iter().map(|kept| Arc::clone(&kept.topic)).collect(), reason })
            }
        }
    }
}

/// Asks for a sign of life.
async fn ask(
    client: &mut Option<Cluster>,
    bootstrap: &[Address],
    deadline: Instant,
) -> Result<(), ClusterError> {
    match client {
        Some(client) => client.ping(deadline).await,
        none => {
            *none = Some(Cluster::connect(Tcp, bootstrap, deadline).await?);
            Ok(())
        }
    }
}

/// Whether the topic is there, in the shape that the plan wants.
async fn is_there(
    client: &mut Cluster,
    name: &Arc<str>,
    wanted: &Topic,
    deadline: Instant,
) -> Result<bool, RunError> {
    let found = match client.topic(name, deadline).await.map_err(RunError::Cluster)? {
        Ok(found) => found,
        Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION) => return Ok(false),
        Err(code) => return Err(RunError::Topic { topic: name.to_string(), code }),
    };
    let mut differences = other_numbers(&found, wanted);
    let keys = wanted.config.iter().map(|setting| setting.key.as_str());
    let settings = match client.topic_settings(name, keys, deadline).await.map_err(RunError::Cluster)? {
        Some(settings) => settings.map_err(|code| RunError::Topic { topic: name.to_string(), code })?,
        None => BTreeMap::new(),
    };
    for setting in &wanted.config {
        if let Some(value) = settings.get(&setting.key).filter(|value| *value.trim() != *setting.value.trim())
        {
            differences.push((setting.key.clone(), value.clone(), setting.value.clone()));
        }
    }
    if differences.is_empty() {
        Ok(true)
    } else {
        Err(OtherShape { topic: name.to_string(), differences }.into())
    }
}

/// Partitions and replicas that differ, as the topic and as the scenario has them.
fn other_numbers(found: &cluster::Topic, wanted: &Topic) -> Vec<(String, String, String)> {
    let partitions = ("partitions", found.leaders.len().to_string(), wanted.partitions.to_string());
    let wanted_replicas = wanted.replication_factor.to_string();
    let replicas = ("replication_factor", found.replication_factor.to_string(), wanted_replicas);
    // One replica is what a scenario has that names no number; it is content with more.
    let compared = if wanted.replication_factor > 1 { vec![partitions, replicas] } else { vec![partitions] };
    let differs = compared.into_iter().filter(|(_, found, wanted)| found != wanted);
    differs.map(|(name, found, wanted)| (name.to_owned(), found, wanted)).collect()
}

/// A scenario of several brokers numbers them from 1, and says which leads what.
fn has_brokers(wanted: u32, found: &[BrokerId]) -> Result<(), RunError> {
    let wanted = (1..=i32::try_from(wanted).unwrap_or(i32::MAX)).map(BrokerId);
    if wanted.clone().all(|broker| found.contains(&broker)) {
        return Ok(());
    }
    let list = |brokers: &mut dyn Iterator<Item = BrokerId>| {
        brokers.map(|broker| broker.to_string()).collect::<Vec<_>>().join(", ")
    };
    let (wanted, found) = (list(&mut wanted.into_iter()), list(&mut found.iter().copied()));
    Err(RunError::Unsuited(format!("it needs the brokers {wanted}, the cluster has {found}")))
}

/// A topic that is to be created. On one broker the cluster may say where it is; several are placed as the plan says.
fn new_topic(name: &Arc<str>, topic: &Topic, brokers: u32) -> NewTopic {
    let of = |partition| topic.replicas(Partition(partition), brokers).collect();
    let partitions = i32::try_from(topic.partitions).unwrap_or(i32::MAX);
    NewTopic {
        replicas: if brokers > 1 { (0..partitions).map(of).collect() } else { vec![] },
        name: Arc::clone(name),
        partitions,
        replication_factor: i16::try_from(topic.replication_factor).unwrap_or(i16::MAX),
        config: topic.config.iter().map(|setting| (setting.key.clone(), setting.value.clone())).collect(),
    }
}

/// A name that nobody has, and that says whose it is.
fn unique(name: &str, suffix: &str) -> Arc<str> {
    let end = name.floor_char_boundary(LONGEST_NAME - 1 - suffix.len());
    format!("{}-{suffix}", &name[..end]).into()
}
