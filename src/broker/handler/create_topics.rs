//! `CreateTopics` (`ReplicationControlManager.createTopics`).

use std::collections::{BTreeMap, HashSet};

use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::create_topics_response::{CreatableTopicConfigs, CreatableTopicResult};
use kafka_protocol::messages::{CreateTopicsRequest, CreateTopicsResponse, TopicName};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use crate::broker::node::{ClusterState, Node};
use crate::broker::topic::{MAX_PARTITIONS, NewTopic, TopicError};
use crate::id::BrokerId;
use crate::kafka::ErrorCode;

/// Stands for the broker's default of partitions and of replicas, which is 1 each.
const DEFAULT: i32 = -1;
/// `ConfigSource.TOPIC_CONFIG`.
const SET_ON_TOPIC: i8 = 1;

pub(super) fn handle(node: &Node, request: &CreateTopicsRequest) -> CreateTopicsResponse {
    let mut names = HashSet::new();
    let twice: HashSet<TopicName> = request
        .topics
        .iter()
        .filter(|topic| !names.insert(&topic.name))
        .map(|topic| topic.name.clone())
        .collect();
    let partitions = request.topics.iter().map(partition_count).fold(0, usize::saturating_add);
    let create = |topic: &CreatableTopic| {
        if partitions > MAX_PARTITIONS {
            let message = "Excessively large number of partitions per request.";
            return Err(TopicError::new(ErrorCode::POLICY_VIOLATION, message));
        }
        if twice.contains(&topic.name) {
            return Err(TopicError::new(ErrorCode::INVALID_REQUEST, "Duplicate topic name."));
        }
        create(&node.cluster, topic, request.validate_only)
    };
    let unique = request.topics.iter().filter(|topic| names.remove(&topic.name));
    let results = unique.map(|topic| create(topic).unwrap_or_else(|error| refused(topic, &error)));
    CreateTopicsResponse::default().with_topics(results.collect())
}

fn partition_count(topic: &CreatableTopic) -> usize {
    topic.assignments.len().max(usize::try_from(topic.num_partitions).unwrap_or(1))
}

fn create(
    cluster: &ClusterState,
    topic: &CreatableTopic,
    validate_only: bool,
) -> Result<CreatableTopicResult, TopicError> {
    let replicas =
        if topic.assignments.is_empty() { spread(cluster, topic)? } else { assigned(cluster, topic)? };
    let settings = settings(topic)?;
    let (partitions, factor) = (replicas.len(), replicas.first().map_or(0, Vec::len));
    let new = NewTopic { name: topic.name.to_string(), replicas, settings: settings.clone() };
    let id = if validate_only {
        cluster.topics().check(&new).map(|_| Uuid::nil())?
    } else {
        cluster.create(new)?.id
    };
    Ok(CreatableTopicResult::default()
        .with_name(topic.name.clone())
        .with_topic_id(id)
        .with_error_message(None)
        .with_num_partitions(i32::try_from(partitions).unwrap_or(i32::MAX))
        .with_replication_factor(i16::try_from(factor).unwrap_or(i16::MAX))
        .with_configs(Some(settings.into_iter().map(config_row).collect())))
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
        let message = format!(
            "Unable to replicate the partition {factor} time(s): The target replication factor of {factor} cannot be \
             reached because only {brokers} broker(s) are registered or some brokers have all their log directories \
             cordoned."
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
        let brokers: Vec<_> = assignment.broker_ids.iter().map(|broker| BrokerId(broker.0)).collect();
        let factor = replicas.first_key_value().map(|(_, first): (_, &Vec<_>)| first.len());
        check_brokers(cluster, &brokers, factor)?;
        if replicas.insert(index, brokers).is_some() {
            return Err(misplaced(format!(
                "Found multiple manual partition assignments for partition {index}"
            )));
        }
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
    let mut seen = HashSet::new();
    if let Some(again) = brokers.iter().find(|broker| !seen.insert(**broker)) {
        return Err(misplaced(format!(
            "The manual partition assignment includes the broker {again} more than once."
        )));
    }
    let known = |broker: &&BrokerId| cluster.endpoints.iter().any(|endpoint| endpoint.id == **broker);
    if let Some(unknown) = brokers.iter().find(|broker| !known(broker)) {
        return Err(misplaced(format!(
            "The manual partition assignment includes broker {unknown}, but no such broker is registered."
        )));
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

fn settings(topic: &CreatableTopic) -> Result<Vec<(String, String)>, TopicError> {
    let setting = |config: &kafka_protocol::messages::create_topics_request::CreatableTopicConfig| {
        let value = config.value.as_ref().ok_or_else(|| {
            let message = format!("Null value not supported for topic configs: {}", config.name);
            TopicError::new(ErrorCode::INVALID_CONFIG, message)
        })?;
        Ok((config.name.to_string(), value.to_string()))
    };
    topic.configs.iter().map(setting).collect()
}

fn config_row((name, value): (String, String)) -> CreatableTopicConfigs {
    CreatableTopicConfigs::default()
        .with_name(StrBytes::from_string(name))
        .with_value(Some(StrBytes::from_string(value)))
        .with_config_source(SET_ON_TOPIC)
}

fn refused(topic: &CreatableTopic, error: &TopicError) -> CreatableTopicResult {
    CreatableTopicResult::default()
        .with_name(topic.name.clone())
        .with_error_code(error.code.0)
        .with_error_message(Some(StrBytes::from_string(error.message.clone())))
        .with_num_partitions(-1)
        .with_replication_factor(-1)
        .with_configs(Some(vec![]))
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::create_topics_request::{CreatableReplicaAssignment, CreatableTopicConfig};

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
                assert_eq!(result.configs.unwrap()[0].name.as_str(), "min.insync.replicas");
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
