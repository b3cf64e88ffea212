//! `Metadata`: brokers, topics, leaders (`KafkaApis.handleTopicMetadataRequest`).

use std::sync::Arc;

use indexmap::IndexSet;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{BrokerId as WireBroker, MetadataRequest, MetadataResponse, TopicName};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use crate::broker::node::{Endpoint, Node};
use crate::broker::topic::{NewTopic, Topic, check_name};
use crate::id::BrokerId;
use crate::kafka::ErrorCode;

/// What everybody may do with a topic, where nobody is forbidden anything (`AclEntry.supportedOperations`).
const TOPIC_OPERATIONS: i32 = 0b1101_1111_1000;
/// The same of the cluster.
const CLUSTER_OPERATIONS: i32 = 0b1_1111_1010_0000;
/// Stands for operations that were not asked for.
const NOT_ASKED: i32 = i32::MIN;
/// The first version that asks by topic id.
const BY_ID: i16 = 12;

pub(super) fn handle(node: &Node, version: i16, request: &MetadataRequest) -> MetadataResponse {
    let cluster = &node.cluster;
    let operations = if request.include_topic_authorized_operations { TOPIC_OPERATIONS } else { NOT_ASKED };
    let topics = match request.topics.as_deref() {
        None => every_topic(node),
        // In version 0 nothing stands for everything.
        Some([]) if version == 0 => every_topic(node),
        Some(asked) if version < BY_ID && asked.iter().any(|topic| topic.name.is_none() || has_id(topic)) => {
            asked
                .iter()
                .map(|topic| failed(ErrorCode::INVALID_REQUEST, topic.name.clone(), Uuid::nil()))
                .collect()
        }
        Some(asked) if asked.iter().any(has_id) => by_id(node, asked),
        Some(asked) => by_name(node, asked, request.allow_auto_topic_creation && cluster.auto_create_topics),
    };
    let topics = topics.into_iter().map(|topic| topic.with_topic_authorized_operations(operations)).collect();
    MetadataResponse::default()
        .with_brokers(cluster.endpoints.iter().map(broker).collect())
        .with_cluster_id(Some(StrBytes::from_static_str(cluster.id())))
        .with_controller_id(cluster.controller().0.into())
        .with_topics(topics)
        .with_cluster_authorized_operations(if request.include_cluster_authorized_operations {
            CLUSTER_OPERATIONS
        } else {
            NOT_ASKED
        })
}

fn has_id(topic: &MetadataRequestTopic) -> bool {
    !topic.topic_id.is_nil()
}

fn every_topic(node: &Node) -> Vec<MetadataResponseTopic> {
    node.cluster.topics().all().iter().map(described).collect()
}

/// Where ids are asked for, names play no part.
fn by_id(node: &Node, asked: &[MetadataRequestTopic]) -> Vec<MetadataResponseTopic> {
    let ids: IndexSet<Uuid> =
        asked.iter().filter(|topic| has_id(topic)).map(|topic| topic.topic_id).collect();
    let topics = node.cluster.topics();
    let describe = |id| match topics.with_id(id) {
        Some(topic) => described(&topic),
        None => failed(ErrorCode::UNKNOWN_TOPIC_ID, None, id),
    };
    ids.into_iter().map(describe).collect()
}

/// A topic that is created by this request is still unknown in its answer; the client asks again.
fn by_name(node: &Node, asked: &[MetadataRequestTopic], create: bool) -> Vec<MetadataResponseTopic> {
    let names: IndexSet<&TopicName> = asked.iter().filter_map(|topic| topic.name.as_ref()).collect();
    let describe = |name: &TopicName| match node.cluster.topics().named(name) {
        Some(topic) => described(&topic),
        None => {
            let code = match check_name(name) {
                Ok(()) => ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
                Err(error) => error.code,
            };
            failed(code, Some(name.clone()), Uuid::nil())
        }
    };
    let topics: Vec<_> = names.iter().map(|name| describe(name)).collect();
    let unknown = topics.iter().filter(|topic| topic.error_code == ErrorCode::UNKNOWN_TOPIC_OR_PARTITION.0);
    for name in unknown.filter(|_| create).filter_map(|topic| topic.name.as_ref()) {
        let new = NewTopic { name: name.to_string(), replicas: node.cluster.assign(1, 1), settings: vec![] };
        // What stands in the way is found by the next request too.
        let _ = node.cluster.topics_mut().create(new);
    }
    topics
}

fn broker(endpoint: &Endpoint) -> MetadataResponseBroker {
    MetadataResponseBroker::default()
        .with_node_id(endpoint.id.0.into())
        .with_host(StrBytes::from_string(endpoint.host.clone()))
        .with_port(endpoint.port.into())
}

fn described(topic: &Arc<Topic>) -> MetadataResponseTopic {
    MetadataResponseTopic::default()
        .with_name(Some(TopicName(StrBytes::from_string(topic.name.clone()))))
        .with_topic_id(topic.id)
        .with_is_internal(topic.is_internal())
        .with_partitions((0..).map_while(|index| partition(topic, index)).collect())
}

fn partition(topic: &Topic, index: i32) -> Option<MetadataResponsePartition> {
    let partition = topic.partition(index)?;
    Some(
        MetadataResponsePartition::default()
            .with_partition_index(index)
            .with_leader_id(partition.leader.0.into())
            .with_leader_epoch(partition.leader_epoch)
            .with_replica_nodes(wire(&partition.replicas))
            .with_isr_nodes(wire(&partition.in_sync)),
    )
}

fn wire(brokers: &[BrokerId]) -> Vec<WireBroker> {
    brokers.iter().map(|broker| broker.0.into()).collect()
}

fn failed(code: ErrorCode, name: Option<TopicName>, id: Uuid) -> MetadataResponseTopic {
    MetadataResponseTopic::default().with_error_code(code.0).with_name(name).with_topic_id(id)
}
