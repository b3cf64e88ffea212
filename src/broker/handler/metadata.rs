//! `Metadata`: brokers, topics, leaders (`KafkaApis.handleTopicMetadataRequest`).

use indexmap::IndexSet;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{BrokerId as WireBroker, MetadataRequest, MetadataResponse, TopicName};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use crate::broker::node::{CLUSTER_ID, ClusterState, Endpoint, Node};
use crate::broker::partition::Partition;
use crate::broker::topic::internal::is_internal;
use crate::broker::topic::{MAX_RECORDS, Topic, check_name};
use crate::id::BrokerId;
use crate::kafka::ErrorCode;

/// What everybody may do with a topic, where nobody is forbidden anything (`AclEntry.supportedOperations`).
const TOPIC_OPERATIONS: i32 = 0b1101_1111_1000;
/// The same of the cluster.
pub(super) const CLUSTER_OPERATIONS: i32 = 0b1_1111_1010_0000;
/// The first version in which a topic may have no name.
const NAMELESS: i16 = 10;
/// The first version with an error of the answer as a whole.
const WITH_ERROR: i16 = 13;
/// Stands for operations that were not asked for.
pub(super) const NOT_ASKED: i32 = i32::MIN;
/// The first version that names replicas that are offline.
const WITH_OFFLINE: i16 = 5;
/// Stands for no leader (`MetadataResponse.NO_LEADER_ID`).
const NOBODY: i32 = -1;
/// The first version that asks by topic id.
const BY_ID: i16 = 12;

/// Whether null stands where it may not yet: all topics can be asked for from version 1 on, a topic without its name
/// from version 10 on.
pub(super) fn is_malformed(version: i16, request: &MetadataRequest) -> bool {
    match &request.topics {
        None => version == 0,
        Some(topics) => version < NAMELESS && topics.iter().any(|topic| topic.name.is_none()),
    }
}

pub(super) fn handle(node: &Node, version: i16, request: &MetadataRequest) -> MetadataResponse {
    let cluster = &node.cluster;
    let operations = if request.include_topic_authorized_operations { TOPIC_OPERATIONS } else { NOT_ASKED };
    let topics = match request.topics.as_deref() {
        None => every_topic(node, version),
        // In version 0 nothing stands for everything.
        Some([]) if version == 0 => every_topic(node, version),
        Some(asked) if version < BY_ID && asked.iter().any(|topic| topic.name.is_none() || has_id(topic)) => {
            return refusal(version, ErrorCode::INVALID_REQUEST, asked);
        }
        Some(asked) if asked.iter().any(has_id) => by_id(node, asked, version),
        Some(asked) if asked.iter().any(|topic| topic.name.is_none()) => {
            return refusal(version, ErrorCode::UNKNOWN_SERVER_ERROR, asked);
        }
        Some(asked) => {
            let create = request.allow_auto_topic_creation && cluster.auto_create_topics;
            by_name(node, asked, (version, create))
        }
    };
    // Of an id that is unknown nobody can say what may be done with it.
    let allowed = |topic: &MetadataResponseTopic| if topic.name.is_some() { operations } else { NOT_ASKED };
    let topics = topics.into_iter().map(|topic| {
        let allowed = allowed(&topic);
        topic.with_topic_authorized_operations(allowed)
    });
    let topics = topics.collect();
    MetadataResponse::default()
        .with_brokers(cluster.running().into_iter().map(broker).collect())
        .with_cluster_id(Some(StrBytes::from_static_str(CLUSTER_ID)))
        .with_controller_id(cluster.controller().0.into())
        .with_topics(topics)
        .with_cluster_authorized_operations(if request.include_cluster_authorized_operations {
            CLUSTER_OPERATIONS
        } else {
            NOT_ASKED
        })
}

/// The request as a whole is wrong.
fn refusal(version: i16, code: ErrorCode, asked: &[MetadataRequestTopic]) -> MetadataResponse {
    let topics =
        asked.iter().map(|topic| failed(code, Some(topic.name.clone().unwrap_or_default()), topic.topic_id));
    let response = MetadataResponse::default().with_controller_id((-1).into()).with_topics(topics.collect());
    if version >= WITH_ERROR { response.with_error_code(code.0) } else { response }
}

fn has_id(topic: &MetadataRequestTopic) -> bool {
    !topic.topic_id.is_nil()
}

fn every_topic(node: &Node, version: i16) -> Vec<MetadataResponseTopic> {
    node.cluster.topics().all().iter().map(|topic| described(node, topic, version)).collect()
}

/// Where ids are asked for, names play no part.
fn by_id(node: &Node, asked: &[MetadataRequestTopic], version: i16) -> Vec<MetadataResponseTopic> {
    let ids: IndexSet<Uuid> =
        asked.iter().filter(|topic| has_id(topic)).map(|topic| topic.topic_id).collect();
    let topics = node.cluster.topics();
    let describe = |id| match topics.with_id(id) {
        Some(topic) => described(node, &topic, version),
        None => failed(ErrorCode::UNKNOWN_TOPIC_ID, None, id),
    };
    ids.into_iter().map(describe).collect()
}

/// A topic that is created by this request is still unknown in its answer; the client asks again.
fn by_name(
    node: &Node,
    asked: &[MetadataRequestTopic],
    (version, create): (i16, bool),
) -> Vec<MetadataResponseTopic> {
    let names: IndexSet<&TopicName> = asked.iter().filter_map(|topic| topic.name.as_ref()).collect();
    let describe = |name: &TopicName| {
        let unknown =
            || check_name(name).map_or_else(|error| error.code, |()| ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
        let topic = node.cluster.topics().named(name);
        topic.map_or_else(
            || failed(unknown(), Some(name.clone()), Uuid::nil()).with_is_internal(is_internal(name)),
            |topic| described(node, &topic, version),
        )
    };
    let topics: Vec<_> = names.iter().map(|name| describe(name)).collect();
    let unknown = topics.iter().filter(|topic| topic.error_code == ErrorCode::UNKNOWN_TOPIC_OR_PARTITION.0);
    let unknown: Vec<_> = unknown.filter_map(|topic| topic.name.as_ref()).collect();
    // All of them would be created by one request, which takes two records for each: topic and partition.
    let create = create && 2 * unknown.len() <= MAX_RECORDS;
    for name in unknown.into_iter().filter(|_| create) {
        node.cluster.create_on_demand(name);
    }
    topics
}

fn broker(endpoint: &Endpoint) -> MetadataResponseBroker {
    MetadataResponseBroker::default()
        .with_node_id(endpoint.id.0.into())
        .with_host(StrBytes::from_string(endpoint.host.clone()))
        .with_port(endpoint.port.into())
}

fn described(node: &Node, topic: &Topic, version: i16) -> MetadataResponseTopic {
    let partitions = (0..).zip(topic.partitions());
    let partitions = partitions.map(|(index, partition)| row(&node.cluster, &partition, version, index));
    MetadataResponseTopic::default()
        .with_name(Some(TopicName(StrBytes::from_string(topic.name.clone()))))
        .with_topic_id(topic.id)
        .with_is_internal(topic.is_internal())
        .with_partitions(partitions.collect())
}

/// A partition (`KRaftMetadataCache.partitionMetadata`). Where nobody leads, or who does cannot be reached, that is its
/// error. Version 0 knows of no offline replicas: they are left out, and that is an error too.
fn row(cluster: &ClusterState, partition: &Partition, version: i16, index: i32) -> MetadataResponsePartition {
    let (replicas, in_sync) = (partition.replicas(), partition.in_sync());
    let offline: Vec<_> = replicas.iter().copied().filter(|broker| !cluster.is_running(*broker)).collect();
    let shown = |brokers: &[BrokerId]| {
        let shown = brokers.iter().filter(|broker| version > 0 || !offline.contains(broker));
        shown.map(|broker| broker.0.into()).collect::<Vec<WireBroker>>()
    };
    let leader = partition.leader().filter(|leader| cluster.is_running(*leader));
    let code = match leader {
        None => ErrorCode::LEADER_NOT_AVAILABLE,
        Some(_) if version == 0 && !offline.is_empty() => ErrorCode::REPLICA_NOT_AVAILABLE,
        Some(_) => ErrorCode::NONE,
    };
    MetadataResponsePartition::default()
        .with_error_code(code.0)
        .with_partition_index(index)
        .with_leader_id(leader.map_or(NOBODY, |leader| leader.0).into())
        .with_leader_epoch(partition.leader_epoch())
        .with_replica_nodes(shown(&replicas))
        .with_isr_nodes(shown(in_sync))
        .with_offline_replicas(if version >= WITH_OFFLINE { wire(&offline) } else { vec![] })
}

fn wire(brokers: &[BrokerId]) -> Vec<WireBroker> {
    brokers.iter().map(|broker| broker.0.into()).collect()
}

fn failed(code: ErrorCode, name: Option<TopicName>, id: Uuid) -> MetadataResponseTopic {
    MetadataResponseTopic::default().with_error_code(code.0).with_name(name).with_topic_id(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::connection::wire::{Bench, metadata, name};

    fn codes(response: &MetadataResponse) -> Vec<ErrorCode> {
        response.topics.iter().map(|topic| ErrorCode(topic.error_code)).collect()
    }

    fn by_ids(ids: &[Uuid]) -> MetadataRequest {
        let topics = ids.iter().map(|id| MetadataRequestTopic::default().with_topic_id(*id).with_name(None));
        MetadataRequest::default().with_topics(Some(topics.collect()))
    }

    #[tokio::test]
    async fn every_version_tells_brokers_topics_and_leaders() {
        let mut bench = Bench::new("orders", &[]);
        let id = bench.node.cluster.topics().named("orders").unwrap().id;
        let mut client = bench.connect();
        for version in 0..=13 {
            let response = client.call(version, &metadata(&["orders"])).await;
            let broker = &response.brokers[0];
            assert_eq!((broker.node_id.0, broker.host.as_str(), broker.port), (1, "localhost", 9092));
            let topic = &response.topics[0];
            assert_eq!((topic.error_code, topic.name.as_ref()), (0, Some(&name("orders"))), "v{version}");
            assert_eq!(topic.topic_id, if version >= 10 { id } else { Uuid::nil() });
            let partitions: Vec<_> =
                topic.partitions.iter().map(|row| (row.partition_index, row.leader_id.0)).collect();
            assert_eq!(partitions, [(0, 1), (1, 1)]);
            assert_eq!(topic.partitions[0].isr_nodes, [WireBroker(1)]);
            assert_eq!(topic.partitions[0].leader_epoch, if version >= 7 { 0 } else { -1 });
            if version >= 2 {
                assert_eq!(response.cluster_id.unwrap().len(), 22);
            }
        }
    }

    #[tokio::test]
    async fn nothing_asked_for_is_everything_in_version_0_and_nothing_later() {
        let mut bench = Bench::new("orders", &[]);
        bench.create("others", &[]);
        let mut client = bench.connect();
        let none = MetadataRequest::default().with_topics(Some(vec![]));
        assert_eq!(client.call(0, &none).await.topics.len(), 2);
        for version in 1..=13 {
            assert_eq!(client.call(version, &none).await.topics.len(), 0);
            let all = client.call(version, &MetadataRequest::default().with_topics(None)).await;
            assert_eq!(all.topics.len(), 2);
        }
    }

    #[tokio::test]
    async fn a_topic_is_created_when_asked_for_and_found_the_next_time() {
        let mut bench = Bench::new("orders", &[]);
        let mut client = bench.connect();
        for version in 0..=13 {
            let topic = format!("new-{version}");
            let first = client.call(version, &metadata(&[&topic])).await;
            assert_eq!(codes(&first), [ErrorCode::UNKNOWN_TOPIC_OR_PARTITION], "v{version}");
            let second = client.call(version, &metadata(&[&topic])).await;
            assert_eq!((codes(&second), second.topics[0].partitions.len()), (vec![ErrorCode::NONE], 1));
        }
    }

    #[tokio::test]
    async fn a_topic_is_not_created_for_a_client_that_does_not_want_it() {
        let mut bench = Bench::new("orders", &[]);
        let mut client = bench.connect();
        for _ in 0..2 {
            let request = metadata(&["new"]).with_allow_auto_topic_creation(false);
            assert_eq!(codes(&client.call(9, &request).await), [ErrorCode::UNKNOWN_TOPIC_OR_PARTITION]);
            assert_eq!(
                codes(&client.call(9, &metadata(&["n w"])).await),
                [ErrorCode::INVALID_TOPIC_EXCEPTION]
            );
        }
    }

    #[tokio::test]
    async fn too_many_topics_are_not_created_at_once() {
        let mut bench = Bench::new("orders", &[]);
        let names: Vec<_> = (0..=MAX_RECORDS / 2).map(|i| format!("new_{i}")).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let mut client = bench.connect();
        client.call(9, &metadata(&names)).await;
        assert_eq!(bench.node.cluster.topics().all().len(), 1);
        client.call(9, &metadata(&names[1..])).await;
        assert_eq!(bench.node.cluster.topics().all().len(), 1 + MAX_RECORDS / 2);
    }

    #[tokio::test]
    async fn topics_are_found_by_id_from_version_12_on() {
        let mut bench = Bench::new("orders", &[]);
        let id = bench.node.cluster.topics().named("orders").unwrap().id;
        let mut client = bench.connect();
        let response = client.call(12, &by_ids(&[id, Uuid::from_u128(1), id])).await;
        assert_eq!(codes(&response), [ErrorCode::NONE, ErrorCode::UNKNOWN_TOPIC_ID]);
        assert_eq!(response.topics[0].name, Some(name("orders")));
        assert_eq!((&response.topics[1].name, response.topics[1].topic_id), (&None, Uuid::from_u128(1)));
        let named = MetadataRequestTopic::default().with_topic_id(id).with_name(Some(name("orders")));
        let response = client.call(11, &MetadataRequest::default().with_topics(Some(vec![named]))).await;
        assert_eq!((codes(&response), response.brokers.len()), (vec![ErrorCode::INVALID_REQUEST], 0));
        let response = client.call(12, &by_ids(&[Uuid::nil()])).await;
        assert_eq!(codes(&response), [ErrorCode::UNKNOWN_SERVER_ERROR]);
    }

    #[tokio::test]
    async fn operations_are_told_to_who_asks() {
        let mut bench = Bench::new("orders", &[]);
        let mut client = bench.connect();
        let request = metadata(&["orders"]);
        let response = client.call(8, &request).await;
        assert_eq!(response.topics[0].topic_authorized_operations, NOT_ASKED);
        let request = request.with_include_topic_authorized_operations(true);
        assert_eq!(client.call(11, &request).await.topics[0].topic_authorized_operations, 3576);
        let request = request.with_include_cluster_authorized_operations(true);
        assert_eq!(client.call(8, &request).await.cluster_authorized_operations, 8096);
    }
}
