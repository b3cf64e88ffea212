//! `CreateTopics` (`ReplicationControlManager.createTopics`).

use std::collections::{BTreeMap, HashSet};

use indexmap::IndexMap;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::create_topics_response::{CreatableTopicConfigs, CreatableTopicResult};
use kafka_protocol::messages::{CreateTopicsRequest, CreateTopicsResponse, TopicName};
use kafka_protocol::protocol::StrBytes;

use crate::broker::node::emulate::Emulate;
use crate::broker::node::{ClusterState, Node};
use crate::broker::topic::config::TopicConfig;
use crate::broker::topic::describe::{Setting, settable};
use crate::broker::topic::{MAX_PARTITIONS, MAX_RECORDS, NewTopic, TopicError, Topics};
use crate::id::BrokerId;
use crate::kafka::ErrorCode;

/// Stands for the broker's default of partitions and of replicas, which is 1 each.
const DEFAULT: i32 = -1;

pub(super) fn handle(node: &Node, request: &CreateTopicsRequest) -> CreateTopicsResponse {
    let mut names = HashSet::new();
    let twice: HashSet<TopicName> = request
        .topics
        .iter()
        .filter(|topic| !names.insert(&topic.name))
        .map(|topic| topic.name.clone())
        .collect();
    if let Some(error) = as_a_whole(request, &twice) {
        return refused_all(request, &error);
    }
    let mut topics = node.cluster.topics_mut();
    let check = |topic: &CreatableTopic| {
        if twice.contains(&topic.name) {
            return Err(TopicError::new(ErrorCode::INVALID_REQUEST, "Duplicate topic name."));
        }
        new_topic(&node.cluster, &topics, topic)
    };
    let unique: Vec<_> = request.topics.iter().filter(|topic| names.remove(&topic.name)).collect();
    let checked: Vec<_> = unique.iter().map(|topic| check(topic)).collect();
    let records = checked.iter().flatten().map(|(new, _)| records(new)).sum::<usize>();
    if records > MAX_RECORDS {
        let message = "Unable to perform excessively large batch operation.";
        return refused_all(request, &TopicError::new(ErrorCode::POLICY_VIOLATION, message));
    }
    let mut create = |(new, config): (NewTopic, TopicConfig)| {
        let row = row(node.cluster.emulate, &new);
        let runs = |broker| node.cluster.is_running(broker);
        let id = if request.validate_only { topics.new_id() } else { topics.add(new, config, runs).id };
        row.with_topic_id(id)
    };
    let results = unique.iter().zip(checked).map(|(topic, checked)| match checked {
        Ok(checked) => create(checked).with_name(topic.name.clone()),
        Err(error) => refused(topic, &error),
    });
    CreateTopicsResponse::default().with_topics(results.collect())
}

/// Why the controller does nothing at all. What is named twice never reaches it (`ControllerApis.createTopics`).
fn as_a_whole(request: &CreateTopicsRequest, twice: &HashSet<TopicName>) -> Option<TopicError> {
    let mut counts = request.topics.iter().filter(|topic| !twice.contains(&topic.name)).map(partition_count);
    if request.timeout_ms <= 0 && counts.clone().next().is_some() {
        // The time is over before it looks at it (`KafkaEventQueue`). This error has no words.
        return Some(TopicError::new(ErrorCode::REQUEST_TIMED_OUT, ""));
    }
    // Java's sum (`ReplicationControlManager.validateTotalNumberOfPartitions`).
    if counts.clone().fold(0, i32::wrapping_add) > MAX_PARTITIONS {
        let message = "Excessively large number of partitions per request.";
        return Some(TopicError::new(ErrorCode::POLICY_VIOLATION, message));
    }
    // Nobody has the memory for them.
    counts.any(|count| count > MAX_PARTITIONS).then(|| TopicError::new(ErrorCode::UNKNOWN_SERVER_ERROR, ""))
}

fn refused_all(request: &CreateTopicsRequest, error: &TopicError) -> CreateTopicsResponse {
    let rows = request.topics.iter().map(|topic| refused(topic, error));
    CreateTopicsResponse::default().with_topics(rows.collect())
}

fn partition_count(topic: &CreatableTopic) -> i32 {
    match topic.num_partitions {
        _ if !topic.assignments.is_empty() => i32::try_from(topic.assignments.len()).unwrap_or(i32::MAX),
        DEFAULT => 1,
        count => count.max(0),
    }
}

/// How many records the controller writes for a topic: itself, its settings, its partitions.
fn records(new: &NewTopic) -> usize {
    1 + new.settings.len() + new.replicas.len()
}

/// What is to be created, if it can be.
fn new_topic(
    cluster: &ClusterState,
    topics: &Topics,
    topic: &CreatableTopic,
) -> Result<(NewTopic, TopicConfig), TopicError> {
    // What is wrong with the name comes before what is wrong with the settings.
    topics.check(&topic.name, &[])?;
    let settings = settings(topic)?;
    let config = topics.check(&topic.name, &settings)?;
    let replicas =
        if topic.assignments.is_empty() { spread(cluster, topic)? } else { assigned(cluster, topic)? };
    Ok((NewTopic { name: topic.name.to_string(), replicas, settings }, config))
}

/// What a topic would be, with every setting that it has.
fn row(emulate: Emulate, new: &NewTopic) -> CreatableTopicResult {
    let shown = |setting: Setting| {
        let written = new.settings.iter().find(|(name, _)| name == setting.name);
        let written = written.map(|(_, value)| value.as_str());
        let (value, source) = setting.is_shown(written).then(|| setting.value(written, emulate))?;
        let row = CreatableTopicConfigs::default()
            .with_name(StrBytes::from_static_str(setting.name))
            .with_value(Some(StrBytes::from_string(value)))
            .with_config_source(source as i8);
        Some(row)
    };
    let mut configs: Vec<_> = settable(emulate).filter_map(shown).collect();
    configs.sort_by(|a, b| a.name.cmp(&b.name));
    let factor = new.replicas.first().map_or(0, Vec::len);
    CreatableTopicResult::default()
        .with_error_message(None)
        .with_num_partitions(i32::try_from(new.replicas.len()).unwrap_or(i32::MAX))
        .with_replication_factor(i16::try_from(factor).unwrap_or(i16::MAX))
        .with_configs(Some(configs))
}

/// The brokers choose.
fn spread(cluster: &ClusterState, topic: &CreatableTopic) -> Result<Vec<Vec<BrokerId>>, TopicError> {
    let brokers = cluster.endpoints.len();
    let partitions = if topic.num_partitions == DEFAULT { 1 } else { topic.num_partitions };
    let factor = if i32::from(topic.replication_factor) == DEFAULT { 1 } else { topic.replication_factor };
    let Some(factor) = usize::try_from(factor).ok().filter(|factor| *factor > 0) else {
        let message = "Replication factor must be larger than 0, or -1 to use the default value.";
        return Err(TopicError::new(ErrorCode::INVALID_REPLICATION_FACTOR, message));
    };
    let Some(partitions) = usize::try_from(partitions).ok().filter(|partitions| *partitions > 0) else {
        let message = "Number of partitions was set to an invalid non-positive value.";
        return Err(TopicError::new(ErrorCode::INVALID_PARTITIONS, message));
    };
    if factor > brokers {
        // KIP-1066.
        let modern = cluster.emulate >= Emulate::V4_3;
        let cordoned = if modern { " or some brokers have all their log directories cordoned" } else { "" };
        let message = format!(
            "Unable to replicate the partition {factor} time(s): The target replication factor of {factor} cannot be \
             reached because only {brokers} broker(s) are registered{cordoned}."
        );
        return Err(TopicError::new(ErrorCode::INVALID_REPLICATION_FACTOR, message));
    }
    Ok(cluster.assign(partitions, factor))
}

/// The request chooses.
fn assigned(cluster: &ClusterState, topic: &CreatableTopic) -> Result<Vec<Vec<BrokerId>>, TopicError> {
    let unset = |what: &str| {
        let message = format!("A manual partition assignment was specified, but {what} was not set to -1.");
        TopicError::new(ErrorCode::INVALID_REQUEST, message)
    };
    if i32::from(topic.replication_factor) != DEFAULT {
        return Err(unset("replication factor"));
    }
    if topic.num_partitions != DEFAULT {
        return Err(unset("numPartitions"));
    }
    let mut replicas = BTreeMap::new();
    for assignment in &topic.assignments {
        let index = assignment.partition_index;
        if replicas.contains_key(&index) {
            return Err(misplaced(format!(
                "Found multiple manual partition assignments for partition {index}"
            )));
        }
        let brokers: Vec<_> = assignment.broker_ids.iter().map(|broker| BrokerId(broker.0)).collect();
        let factor = replicas.first_key_value().map(|(_, first): (_, &Vec<_>)| first.len());
        check_brokers(cluster, &brokers, factor)?;
        if !brokers.iter().any(|broker| cluster.is_running(*broker)) {
            return Err(misplaced(format!(
                "All brokers specified in the manual partition assignment for partition {index} are fenced or in \
                 controlled shutdown."
            )));
        }
        replicas.insert(index, brokers);
    }
    if !replicas.keys().copied().eq((0..).take(replicas.len())) {
        return Err(misplaced("partitions should be a consecutive 0-based integer sequence"));
    }
    Ok(replicas.into_values().collect())
}

/// Known brokers, each once, as many as the other partitions have (`ReplicationControlManager`).
fn check_brokers(
    cluster: &ClusterState,
    brokers: &[BrokerId],
    factor: Option<usize>,
) -> Result<(), TopicError> {
    if brokers.is_empty() {
        return Err(misplaced("The manual partition assignment includes an empty replica list."));
    }
    // They are looked at in the order of their numbers.
    let mut sorted = brokers.to_vec();
    sorted.sort_unstable();
    let known = |broker| cluster.endpoints.iter().any(|endpoint| endpoint.id == broker);
    let mut before = None;
    for broker in sorted {
        if !known(broker) {
            return Err(misplaced(format!(
                "The manual partition assignment includes broker {broker}, but no such broker is registered."
            )));
        }
        if before.replace(broker) == Some(broker) {
            return Err(misplaced(format!(
                "The manual partition assignment includes the broker {broker} more than once."
            )));
        }
    }
    match factor {
        Some(factor) if factor != brokers.len() => Err(misplaced(format!(
            "The manual partition assignment includes a partition with {} replica(s), but this is not consistent with \
             previous partitions, which have {factor} replica(s).",
            brokers.len()
        ))),
        _ => Ok(()),
    }
}

fn misplaced(message: impl Into<String>) -> TopicError {
    TopicError::new(ErrorCode::INVALID_REPLICA_ASSIGNMENT, message)
}

/// Each setting once: the last value counts.
fn settings(topic: &CreatableTopic) -> Result<Vec<(String, String)>, TopicError> {
    let written: IndexMap<_, _> = topic.configs.iter().map(|config| (&config.name, &config.value)).collect();
    let setting =
        |(name, value): (&StrBytes, &Option<StrBytes>)| Some((name.to_string(), value.as_ref()?.to_string()));
    let without: Vec<_> =
        written.iter().filter(|(_, value)| value.is_none()).map(|(name, _)| name.as_str()).collect();
    if without.is_empty() {
        return Ok(written.into_iter().filter_map(setting).collect());
    }
    let message = format!("Null value not supported for topic configs: {}", without.join(","));
    Err(TopicError::new(ErrorCode::INVALID_CONFIG, message))
}

fn refused(topic: &CreatableTopic, error: &TopicError) -> CreatableTopicResult {
    let message = Some(error.message.clone()).filter(|message| !message.is_empty());
    CreatableTopicResult::default()
        .with_name(topic.name.clone())
        .with_error_code(error.code.0)
        .with_error_message(message.map(StrBytes::from_string))
        .with_num_partitions(-1)
        .with_replication_factor(-1)
        .with_configs(Some(vec![]))
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::create_topics_request::{CreatableReplicaAssignment, CreatableTopicConfig};
    use uuid::Uuid;

    use super::*;
    use crate::broker::connection::wire::{Bench, name};

    fn topic(of: &str) -> CreatableTopic {
        CreatableTopic::default().with_name(name(of)).with_num_partitions(3).with_replication_factor(1)
    }

    fn request(topics: Vec<CreatableTopic>) -> CreateTopicsRequest {
        CreateTopicsRequest::default().with_topics(topics).with_timeout_ms(1_000)
    }

    fn config(of: CreatableTopic, setting: &'static str, value: Option<&'static str>) -> CreatableTopic {
        let config = CreatableTopicConfig::default()
            .with_name(StrBytes::from_static_str(setting))
            .with_value(value.map(StrBytes::from_static_str));
        of.with_configs(vec![config])
    }

    fn assigned_to(of: &str, rows: &[(i32, &[i32])]) -> CreatableTopic {
        let rows = rows.iter().map(|(index, brokers)| {
            let brokers = brokers.iter().map(|broker| (*broker).into()).collect();
            CreatableReplicaAssignment::default().with_partition_index(*index).with_broker_ids(brokers)
        });
        topic(of).with_num_partitions(-1).with_replication_factor(-1).with_assignments(rows.collect())
    }

    #[tokio::test]
    async fn every_version_creates() {
        let mut bench = Bench::new("orders", &[]);
        let mut client = bench.connect();
        for version in 2..=7 {
            let of = format!("new-{version}");
            let wanted = config(topic(&of), "min.insync.replicas", Some("2"));
            let result = client.call(version, &request(vec![wanted])).await.topics.remove(0);
            assert_eq!((result.error_code, &result.error_message), (0, &None), "v{version}");
            let created = bench.node.cluster.topics().named(&of).unwrap();
            assert_eq!((created.partition_count(), created.config.min_insync_replicas), (3, 2));
            if version >= 5 {
                assert_eq!((result.num_partitions, result.replication_factor), (3, 1));
                let configs = result.configs.unwrap();
                let source = |name| {
                    let config = configs.iter().find(|config| config.name.as_str() == name).unwrap();
                    (config.value.as_ref().unwrap().as_str(), config.config_source)
                };
                assert_eq!(configs.len(), 33);
                assert_eq!(
                    (source("min.insync.replicas"), source("segment.ms")),
                    (("2", 1), ("604800000", 5))
                );
            }
            assert_eq!(result.topic_id, if version >= 7 { created.id } else { Uuid::nil() });
        }
    }

    #[tokio::test]
    async fn who_only_wants_to_know_creates_nothing() {
        let mut bench = Bench::new("orders", &[]);
        let mut client = bench.connect();
        let mut wanted = request(vec![topic("new"), topic("orders")]);
        wanted.validate_only = true;
        let results = client.call(5, &wanted).await.topics;
        assert_eq!(results.iter().map(|row| row.error_code).collect::<Vec<_>>(), [0, 36]);
        assert!(bench.node.cluster.topics().named("new").is_none());
    }

    #[tokio::test]
    async fn who_gives_no_time_gets_nothing() {
        let mut bench = Bench::new("orders", &[]);
        let mut client = bench.connect();
        for timeout in [0, -1] {
            let wanted = request(vec![topic("new")]).with_timeout_ms(timeout);
            let result = client.call(7, &wanted).await.topics.remove(0);
            assert_eq!(ErrorCode(result.error_code), ErrorCode::REQUEST_TIMED_OUT);
            assert!(result.error_message.is_none() && bench.node.cluster.topics().named("new").is_none());
        }
    }

    #[tokio::test]
    async fn what_apache_kafka_refuses_is_refused() {
        let mut bench = Bench::new("orders", &[]);
        let mut client = bench.connect();
        for (wanted, code) in [
            (topic("orders"), ErrorCode::TOPIC_ALREADY_EXISTS),
            (topic("a b"), ErrorCode::INVALID_TOPIC_EXCEPTION),
            (topic("new").with_num_partitions(0), ErrorCode::INVALID_PARTITIONS),
            (topic("new").with_num_partitions(-2), ErrorCode::INVALID_PARTITIONS),
            (topic("new").with_num_partitions(i32::MAX), ErrorCode::POLICY_VIOLATION),
            (topic("new").with_replication_factor(0), ErrorCode::INVALID_REPLICATION_FACTOR),
            (topic("new").with_replication_factor(2), ErrorCode::INVALID_REPLICATION_FACTOR),
            (config(topic("new"), "no.such", Some("1")), ErrorCode::INVALID_CONFIG),
            (config(topic("new"), "retention.ms", Some("abc")), ErrorCode::INVALID_CONFIG),
            (config(topic("new"), "cleanup.policy", Some("burn")), ErrorCode::INVALID_CONFIG),
            (config(topic("new"), "cleanup.policy", None), ErrorCode::INVALID_CONFIG),
            (assigned_to("new", &[(0, &[1])]).with_num_partitions(1), ErrorCode::INVALID_REQUEST),
            (assigned_to("new", &[(0, &[1]), (0, &[1])]), ErrorCode::INVALID_REPLICA_ASSIGNMENT),
            (assigned_to("new", &[(1, &[1])]), ErrorCode::INVALID_REPLICA_ASSIGNMENT),
            (assigned_to("new", &[(0, &[])]), ErrorCode::INVALID_REPLICA_ASSIGNMENT),
            (assigned_to("new", &[(0, &[2])]), ErrorCode::INVALID_REPLICA_ASSIGNMENT),
            (assigned_to("new", &[(0, &[1, 1])]), ErrorCode::INVALID_REPLICA_ASSIGNMENT),
        ] {
            let result = client.call(5, &request(vec![wanted])).await.topics.remove(0);
            assert_eq!(ErrorCode(result.error_code), code);
            assert!(result.error_message.is_some(), "{code}");
            assert!(bench.node.cluster.topics().named("new").is_none());
        }
        let results = client.call(5, &request(vec![topic("new"), topic("new"), topic("other")])).await.topics;
        let codes: Vec<_> =
            results.iter().map(|row| (row.name.to_string(), ErrorCode(row.error_code))).collect();
        assert_eq!(
            codes,
            [("new".to_owned(), ErrorCode::INVALID_REQUEST), ("other".to_owned(), ErrorCode::NONE)]
        );
    }

    #[tokio::test]
    async fn defaults_and_own_assignments_are_taken() {
        let mut bench = Bench::new("orders", &[]);
        let mut client = bench.connect();
        let default = topic("default").with_num_partitions(-1).with_replication_factor(-1);
        let own = assigned_to("own", &[(1, &[1]), (0, &[1])]);
        let results = client.call(5, &request(vec![default, own])).await.topics;
        let rows: Vec<_> = results.iter().map(|row| (row.error_code, row.num_partitions)).collect();
        assert_eq!(rows, [(0, 1), (0, 2)]);
    }
}
