//! Topics: creating them, and finding out who leads their partitions.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kafka_protocol::messages;
use kafka_protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_protocol::messages::{
    CreateTopicsRequest, CreateTopicsResponse, MetadataRequest, MetadataResponse, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until};

use crate::cluster::connection::{Address, CallError, Connection, Dial, Pending};
use crate::cluster::{Cluster, ClusterError, Topic};
use crate::id::{BrokerId, Partition};
use crate::kafka::ErrorCode;

/// Between two questions about what is not there yet.
pub(super) const PAUSE: Duration = Duration::from_millis(10);

/// A topic to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTopic {
    /// Its name.
    pub name: Arc<str>,
    /// How many partitions, at least 1.
    pub partitions: i32,
    /// How many replicas of each, at least 1.
    pub replication_factor: i16,
    /// The brokers that have each partition, its first leader in front; none where the cluster chooses.
    pub replicas: Vec<Vec<BrokerId>>,
    /// Its settings, as text.
    pub config: Vec<(String, String)>,
}

/// The cluster did not create a topic.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("topic '{topic}' was not created: {code}{}", message.as_ref().map(|text| format!(" ({text})")).unwrap_or_default())]
pub struct TopicRefused {
    /// Its name.
    pub topic: Arc<str>,
    /// Why, as the protocol says it; `TOPIC_ALREADY_EXISTS` among others.
    pub code: ErrorCode,
    /// Why, as the broker says it.
    pub message: Option<String>,
}

impl<D: Dial> Cluster<D> {
    /// Creates topics, and waits until each partition of those created has a leader. One result for each topic, in
    /// their order.
    pub async fn create_topics(
        &mut self,
        topics: &[NewTopic],
        deadline: Instant,
    ) -> Result<Vec<Result<(), TopicRefused>>, ClusterError> {
        let home = self.home(deadline).await?;
        let home_address = home.address().clone();
        let mut created = self.create_at(home, topics, deadline).await?;
        let controller = self.brokers.get(&self.controller).filter(|address| **address != home_address);
        if let (Some(controller), true) = (controller.cloned(), only_controller(&created)) {
            // Before KRaft only the controller created topics.
            let controller = self.to(&controller, deadline).await?;
            created = self.create_at(controller, topics, deadline).await?;
        }
        let results: Vec<_> = topics.iter().map(|topic| outcome(topic, &created)).collect();
        let new = topics.iter().zip(&results).filter(|(_, result)| result.is_ok()).map(|(topic, _)| topic);
        self.await_leaders(&new.collect::<Vec<_>>(), deadline).await?;
        Ok(results)
    }

    /// The brokers that the cluster has now.
    pub async fn brokers(&mut self, deadline: Instant) -> Result<Vec<BrokerId>, ClusterError> {
        self.locate(&[], deadline).await?;
        Ok(self.brokers.keys().copied().collect())
    }

    /// What the cluster says now of a topic, or the code for what it does not know. Creates nothing.
    pub async fn topic(
        &mut self,
        name: &Arc<str>,
        deadline: Instant,
    ) -> Result<Result<Topic, ErrorCode>, ClusterError> {
        let codes = self.locate(std::slice::from_ref(name), deadline).await?;
        let code = codes.first().copied().unwrap_or(ErrorCode::NONE);
        Ok(self.topics.get(name).cloned().filter(|_| code == ErrorCode::NONE).ok_or(code))
    }

    /// Asks who leads the partitions of these topics, and remembers it. One code for each topic, in their order.
    pub(super) async fn locate(
        &mut self,
        names: &[Arc<str>],
        deadline: Instant,
    ) -> Result<Vec<ErrorCode>, ClusterError> {
        // A connection that was kept may have been closed in the meantime.
        let mut kept = self.open.len();
        let answer = loop {
            match self.find(names, deadline).await {
                Err(ClusterError::Call(error)) if error.is_gone() && kept > 0 => kept -= 1,
                found => break found?,
            }
        };
        Ok(self.learn(names, &answer))
    }

    async fn find(
        &mut self,
        names: &[Arc<str>],
        deadline: Instant,
    ) -> Result<MetadataResponse, ClusterError> {
        let mut home = self.home(deadline).await?;
        let asked = ask(&mut home, names.iter(), deadline).await?;
        let answer = home.receive(asked, deadline).await?;
        self.keep(home);
        Ok(answer)
    }

    /// Sends both questions at once: most often the leaders are known as soon as the topic is.
    async fn create_at(
        &mut self,
        mut broker: Connection<D::Stream>,
        topics: &[NewTopic],
        deadline: Instant,
    ) -> Result<CreateTopicsResponse, CallError> {
        let version = broker.version::<CreateTopicsRequest>()?;
        let creating = broker.send(&request(topics, deadline), version, deadline).await?;
        let names: Vec<_> = topics.iter().map(|topic| topic.name.clone()).collect();
        let looking = ask(&mut broker, names.iter(), deadline).await?;
        let created = broker.receive(creating, deadline).await?;
        let found = broker.receive(looking, deadline).await?;
        self.keep(broker);
        self.learn(&names, &found);
        Ok(created)
    }

    async fn await_leaders(&mut self, topics: &[&NewTopic], deadline: Instant) -> Result<(), ClusterError> {
        loop {
            let without: Vec<_> = topics.iter().filter(|topic| !self.is_led(topic)).collect();
            let Some(first) = without.first() else { return Ok(()) };
            if Instant::now() + PAUSE >= deadline {
                let waited_for = format!("a leader of every partition of topic '{}'", first.name);
                return Err(ClusterError::Deadline { waited_for });
            }
            let names: Vec<_> = without.iter().map(|topic| topic.name.clone()).collect();
            sleep_until(Instant::now() + PAUSE).await;
            self.locate(&names, deadline).await?;
        }
    }

    fn is_led(&self, topic: &NewTopic) -> bool {
        let leaders = self.topics.get(&topic.name).map(|known| &known.leaders);
        leaders.is_some_and(|leaders| {
            i32::try_from(leaders.len()).is_ok_and(|found| found >= topic.partitions)
                && leaders.values().all(Option::is_some)
        })
    }

    /// Remembers an answer; what it does not say of the topics that were asked for is forgotten.
    fn learn(&mut self, names: &[Arc<str>], answer: &MetadataResponse) -> Vec<ErrorCode> {
        self.controller = BrokerId(answer.controller_id.0);
        self.brokers = answer
            .brokers
            .iter()
            .filter_map(|broker| {
                let port = u16::try_from(broker.port).ok()?;
                Some((BrokerId(broker.node_id.0), Address { host: broker.host.to_string(), port }))
            })
            .collect();
        let rows: BTreeMap<_, _> =
            answer.topics.iter().filter_map(|row| Some((row.name.as_deref()?, row))).collect();
        let learn = |name: &Arc<str>| {
            let code = match rows.get(&StrBytes::from_string(name.to_string())) {
                Some(row) if row.error_code == ErrorCode::NONE.0 => {
                    self.topics.insert(name.clone(), topic(row));
                    return ErrorCode::NONE;
                }
                Some(row) => ErrorCode(row.error_code),
                None => ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
            };
            self.topics.remove(name);
            code
        };
        names.iter().map(learn).collect()
    }
}

async fn ask<S: AsyncRead + AsyncWrite + Unpin>(
    broker: &mut Connection<S>,
    names: impl Iterator<Item = &Arc<str>>,
    deadline: Instant,
) -> Result<Pending<MetadataRequest>, CallError> {
    let version = broker.version::<MetadataRequest>()?;
    let topics =
        names.map(|name| MetadataRequestTopic::default().with_name(Some(topic_name(name)))).collect();
    // Before version 4 the question itself creates topics, and cannot say that it must not.
    let request =
        MetadataRequest::default().with_topics(Some(topics)).with_allow_auto_topic_creation(version < 4);
    broker.send(&request, version, deadline).await
}

pub(super) fn topic_name(name: &str) -> TopicName {
    TopicName(StrBytes::from_string(name.to_owned()))
}

fn topic(row: &MetadataResponseTopic) -> Topic {
    let leader = |id: i32| (id >= 0).then_some(BrokerId(id));
    let leaders = row.partitions.iter().map(|row| (Partition(row.partition_index), leader(row.leader_id.0)));
    let replicas = row.partitions.iter().map(|row| row.replica_nodes.len());
    Topic {
        id: row.topic_id,
        leaders: leaders.collect(),
        replication_factor: replicas.max().unwrap_or_default(),
    }
}

fn request(topics: &[NewTopic], deadline: Instant) -> CreateTopicsRequest {
    let topic = |topic: &NewTopic| {
        let config = topic.config.iter().map(|(key, value)| {
            CreatableTopicConfig::default()
                .with_name(StrBytes::from_string(key.clone()))
                .with_value(Some(StrBytes::from_string(value.clone())))
        });
        let created =
            CreatableTopic::default().with_name(topic_name(&topic.name)).with_configs(config.collect());
        if topic.replicas.is_empty() {
            return created
                .with_num_partitions(topic.partitions)
                .with_replication_factor(topic.replication_factor);
        }
        // Who says where the replicas are must leave the numbers out (`ReplicationControlManager.createTopic`).
        let assignments = (0..).zip(&topic.replicas).map(|(partition, replicas)| {
            CreatableReplicaAssignment::default()
                .with_partition_index(partition)
                .with_broker_ids(replicas.iter().map(|id| messages::BrokerId(id.0)).collect())
        });
        created.with_num_partitions(-1).with_replication_factor(-1).with_assignments(assignments.collect())
    };
    let left = deadline.saturating_duration_since(Instant::now()).as_millis();
    CreateTopicsRequest::default()
        .with_topics(topics.iter().map(topic).collect())
        .with_timeout_ms(i32::try_from(left).unwrap_or(i32::MAX))
}

fn only_controller(created: &CreateTopicsResponse) -> bool {
    created.topics.iter().any(|row| row.error_code == ErrorCode::NOT_CONTROLLER.0)
}

fn outcome(topic: &NewTopic, created: &CreateTopicsResponse) -> Result<(), TopicRefused> {
    let row = created.topics.iter().find(|row| *row.name.0 == *topic.name);
    let (code, message) = match row {
        Some(row) if row.error_code == ErrorCode::NONE.0 => return Ok(()),
        Some(row) => {
            let message = row.error_message.as_ref().filter(|message| !message.is_empty());
            (ErrorCode(row.error_code), message.map(ToString::to_string))
        }
        None => (ErrorCode::UNKNOWN_SERVER_ERROR, Some("the answer says nothing of it".to_owned())),
    };
    Err(TopicRefused { topic: topic.name.clone(), code, message })
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::ApiKey;
    use kafka_protocol::messages::create_topics_response::CreatableTopicResult;

    use super::*;
    use crate::cluster::scripted::{Fake, Reply, Scripted, address, place, soon};
    use crate::kafka::{Incoming, Request};

    fn new(name: &str, partitions: i32) -> NewTopic {
        NewTopic { name: name.into(), partitions, replication_factor: 1, replicas: vec![], config: vec![] }
    }

    /// An answer to `CreateTopics` with one code for every topic.
    fn all_refused(incoming: &Incoming, code: ErrorCode) -> Option<Reply> {
        let Request::CreateTopics(asked) = &incoming.request else { return None };
        let row = |name| CreatableTopicResult::default().with_name(name).with_error_code(code.0);
        let rows = asked.topics.iter().map(|topic| row(topic.name.clone()));
        Some(Reply::to(incoming, &CreateTopicsResponse::default().with_topics(rows.collect())))
    }

    async fn connect(dial: Scripted) -> Cluster<Scripted> {
        Cluster::connect(dial, &[address(1)], soon()).await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_topic_costs_one_round_trip_and_reading_it_needs_no_other_question() {
        let (dial, fake) = Fake::new(1).start();
        let mut cluster = connect(dial).await;
        let created = cluster.create_topics(&[new("a", 2), new("b", 1)], soon()).await.unwrap();
        assert_eq!(created, [Ok(()), Ok(())]);
        let read = cluster.read(&[(place("a", 1), crate::id::Offset(0))], |_, _| (), soon()).await.unwrap();
        assert!(read[0].is_ok());
        let seen: Vec<_> = fake.lock().unwrap().seen.iter().map(|(_, api, _)| *api).collect();
        assert_eq!(seen, [ApiKey::CreateTopics, ApiKey::Metadata, ApiKey::Fetch]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_topic_has_the_code_and_the_others_are_created() {
        let (dial, _fake) = Fake::new(1).topic("old", vec![(1, vec![])]).start();
        let mut cluster = connect(dial).await;
        let created = cluster.create_topics(&[new("old", 3), new("young", 3)], soon()).await.unwrap();
        assert_eq!(created[1], Ok(()));
        let refused = created[0].as_ref().unwrap_err();
        assert_eq!(refused.code, ErrorCode(36));
        assert_eq!(refused.to_string(), "topic 'old' was not created: TOPIC_ALREADY_EXISTS");
    }

    #[tokio::test(start_paused = true)]
    async fn where_only_the_controller_creates_topics_it_is_asked() {
        let hook = |at: &Address, incoming: &Incoming| match at.port {
            3 => None,
            _ => all_refused(incoming, ErrorCode::NOT_CONTROLLER),
        };
        let mut fake = Fake::new(3).hook(hook);
        fake.controller = 3;
        let (dial, fake) = fake.start();
        let mut cluster = connect(dial).await;
        assert_eq!(cluster.create_topics(&[new("a", 1)], soon()).await.unwrap(), [Ok(())]);
        let seen: Vec<_> = fake.lock().unwrap().seen.iter().map(|(at, ..)| *at).collect();
        assert_eq!(seen, [1, 1, 3, 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_created_topic_is_waited_for_until_every_partition_is_led() {
        let mut asked = 0;
        let (dial, fake) = Fake::new(1).start();
        let later = fake.clone();
        fake.lock().unwrap().hook = Box::new(move |_, incoming| {
            asked += u32::from(matches!(incoming.request, Request::Metadata(_)));
            let empty = kafka_protocol::messages::MetadataResponse::default();
            (matches!(incoming.request, Request::Metadata(_)) && asked < 3)
                .then(|| Reply::to(incoming, &empty.with_brokers(vec![])))
        });
        let mut cluster = connect(dial).await;
        assert_eq!(cluster.create_topics(&[new("a", 1)], soon()).await.unwrap(), [Ok(())]);
        assert_eq!(later.lock().unwrap().seen.len(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn a_leader_that_never_comes_is_named_when_time_runs_out() {
        let (dial, _fake) = Fake::new(1).hook(|_, incoming| all_refused(incoming, ErrorCode::NONE)).start();
        let mut cluster = connect(dial).await;
        let error = cluster.create_topics(&[new("never", 1)], soon()).await.unwrap_err();
        let words = "time ran out while waiting for a leader of every partition of topic 'never'";
        assert_eq!(error.to_string(), words);
    }

    #[tokio::test(start_paused = true)]
    async fn a_topic_is_known_with_its_leaders_or_not_at_all() {
        let (dial, _fake) = Fake::new(2).topic("t", vec![(2, vec![]), (-1, vec![])]).start();
        let mut cluster = connect(dial).await;
        let topic = cluster.topic(&"t".into(), soon()).await.unwrap().unwrap();
        let leaders: Vec<_> = topic.leaders.into_iter().collect();
        assert_eq!(leaders, [(Partition(0), Some(BrokerId(2))), (Partition(1), None)]);
        let unknown = cluster.topic(&"u".into(), soon()).await.unwrap();
        assert_eq!(unknown, Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION));
    }
}
