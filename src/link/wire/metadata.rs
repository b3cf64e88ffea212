//! Answers that say who is where: every address becomes the link's own, and a fault may say something else of topics.

use kafka_protocol::messages::metadata_response::{MetadataResponseBroker, MetadataResponseTopic};
use kafka_protocol::messages::{
    DescribeClusterResponse, FetchResponse, FindCoordinatorResponse, MetadataResponse, ProduceResponse,
};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use crate::fault::MetadataContent;
use crate::id::BrokerId;
use crate::kafka::ErrorCode;

/// Where a client finds what a broker announces.
pub(in crate::link) trait Addresses {
    /// The link's own host and port for a broker, given its own; none where it cannot have one.
    fn announced(&self, broker: BrokerId, host: &str, port: i32) -> Option<(String, u16)>;

    /// A topic has that id.
    fn learn(&self, topic: &str, id: Uuid);
}

/// A change of Metadata with the name that the topic has on the cluster.
#[derive(Clone, Debug)]
pub(in crate::link) struct Named {
    /// None: every topic.
    pub(in crate::link) topic: Option<String>,
    pub(in crate::link) content: MetadataContent,
}

/// Puts the link's address in the place of a broker's own.
fn move_to(to: &dyn Addresses, broker: i32, host: &mut StrBytes, port: &mut i32) {
    // What a broker says where there is none.
    if broker < 0 || host.is_empty() {
        return;
    }
    if let Some((own, at)) = to.announced(BrokerId(broker), host.as_str(), *port) {
        *host = StrBytes::from_string(own);
        *port = i32::from(at);
    }
}

pub(super) fn metadata(answer: &mut MetadataResponse, to: &dyn Addresses) {
    for MetadataResponseBroker { node_id, host, port, .. } in &mut answer.brokers {
        move_to(to, node_id.0, host, port);
    }
    for topic in &answer.topics {
        if let Some(name) = topic.name.as_ref().filter(|_| !topic.topic_id.is_nil()) {
            to.learn(name.0.as_str(), topic.topic_id);
        }
    }
}

pub(super) fn coordinator(answer: &mut FindCoordinatorResponse, to: &dyn Addresses) {
    move_to(to, answer.node_id.0, &mut answer.host, &mut answer.port);
    for coordinator in &mut answer.coordinators {
        move_to(to, coordinator.node_id.0, &mut coordinator.host, &mut coordinator.port);
    }
}

pub(super) fn cluster(answer: &mut DescribeClusterResponse, to: &dyn Addresses) {
    for broker in &mut answer.brokers {
        move_to(to, broker.broker_id.0, &mut broker.host, &mut broker.port);
    }
}

pub(super) fn produce(answer: &mut ProduceResponse, to: &dyn Addresses) {
    for node in &mut answer.node_endpoints {
        move_to(to, node.node_id.0, &mut node.host, &mut node.port);
    }
}

pub(super) fn fetch(answer: &mut FetchResponse, to: &dyn Addresses) {
    for node in &mut answer.node_endpoints {
        move_to(to, node.node_id.0, &mut node.host, &mut node.port);
    }
}

/// Says something else of topics.
pub(super) fn change(answer: &mut MetadataResponse, change: &Named) {
    for topic in named(answer, change.topic.as_deref()) {
        match &change.content {
            MetadataContent::Error(code) => {
                topic.error_code = code.0;
                topic.partitions.clear();
            }
            MetadataContent::Partitions(count) => {
                topic.partitions.retain(|row| u32::try_from(row.partition_index).is_ok_and(|at| at < *count));
            }
            MetadataContent::Leaders(leaders) => {
                for row in &mut topic.partitions {
                    if let Some(leader) = leaders.get(&crate::id::Partition(row.partition_index)) {
                        lead(row, *leader);
                    }
                }
            }
            MetadataContent::NoLeader => topic.partitions.iter_mut().for_each(|row| lead(row, None)),
        }
    }
}

fn lead(
    row: &mut kafka_protocol::messages::metadata_response::MetadataResponsePartition,
    leader: Option<BrokerId>,
) {
    row.leader_id = leader.map_or(-1, |leader| leader.0).into();
    let code = if leader.is_none() { ErrorCode::LEADER_NOT_AVAILABLE } else { ErrorCode::NONE };
    row.error_code = code.0;
}

fn named<'a>(
    answer: &'a mut MetadataResponse,
    topic: Option<&'a str>,
) -> impl Iterator<Item = &'a mut MetadataResponseTopic> {
    answer.topics.iter_mut().filter(move |found| {
        topic.is_none_or(|topic| found.name.as_ref().is_some_and(|name| name.0.as_str() == topic))
    })
}
