//! The answer to a Produce request, row by row.

use std::collections::BTreeSet;
use std::sync::Arc;

use indexmap::IndexMap;
use kafka_protocol::messages::produce_response::{
    BatchIndexAndErrorMessage, LeaderIdAndEpoch, NodeEndpoint, PartitionProduceResponse, TopicProduceResponse,
};
use kafka_protocol::messages::{ProduceResponse, TopicName};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use crate::broker::node::{ClusterState, Endpoint};
use crate::broker::partition::{Appended, BadRecord, Rejection, Wait};
use crate::broker::topic::Topic;
use crate::id::BrokerId;
use crate::kafka::ErrorCode;

/// What a row says where there is no offset and no time.
pub(super) const NONE: i64 = -1;

/// A topic as the request names it, and a partition of it.
pub(super) type Key = (TopicName, Uuid, i32);

/// What became of the records of one partition.
#[derive(Debug)]
pub(super) struct Row {
    /// The topic, if its leader could be asked.
    pub topic: Option<Arc<Topic>>,
    /// Whether they stand in the log.
    pub outcome: Result<Appended, Rejection>,
    /// The log start offset, where the answer tells it.
    pub log_start: i64,
    /// What the replicas in sync still have to confirm.
    pub wait: Option<Wait>,
    /// Why the answer is an error though the records stand in the log: not all replicas in sync had them in time, or
    /// the leader lost its place.
    pub unconfirmed: ErrorCode,
}

impl Row {
    /// A row of which the leader never heard.
    pub(super) fn refused(rejection: Rejection) -> Self {
        let (topic, outcome) = (None, Err(rejection));
        Self { topic, outcome, log_start: NONE, wait: None, unconfirmed: ErrorCode::NONE }
    }

    /// What the answer says.
    fn code(&self) -> ErrorCode {
        self.outcome.as_ref().map_or_else(|rejection| rejection.code, |_| self.unconfirmed)
    }
}

/// Puts the rows together by topic.
pub(super) fn response(cluster: &ClusterState, rows: &IndexMap<Key, Row>) -> ProduceResponse {
    let mut topics: IndexMap<(TopicName, Uuid), Vec<PartitionProduceResponse>> = IndexMap::new();
    for ((name, id, index), row) in rows {
        topics.entry((name.clone(), *id)).or_default().push(partition(*index, row));
    }
    let leaders: BTreeSet<_> =
        topics.values().flatten().map(|row| BrokerId(row.current_leader.leader_id.0)).collect();
    let endpoints =
        leaders.into_iter().filter_map(|leader| cluster.reachable(leader)).map(endpoint).collect();
    let topics = topics.into_iter().map(|((name, id), rows)| {
        TopicProduceResponse::default().with_name(name).with_topic_id(id).with_partition_responses(rows)
    });
    ProduceResponse::default().with_responses(topics.collect()).with_node_endpoints(endpoints)
}

fn partition(index: i32, row: &Row) -> PartitionProduceResponse {
    let answer = PartitionProduceResponse::default()
        .with_index(index)
        .with_error_code(row.code().0)
        .with_log_start_offset(row.log_start)
        .with_error_message(None)
        .with_log_append_time_ms(NONE);
    let answer = if row.code() == ErrorCode::NOT_LEADER_OR_FOLLOWER {
        answer.with_current_leader(leader(index, row))
    } else {
        answer
    };
    match &row.outcome {
        Ok(appended) => {
            answer.with_base_offset(appended.base_offset).with_log_append_time_ms(appended.log_append_time)
        }
        Err(rejection) => answer
            .with_base_offset(NONE)
            .with_error_message(rejection.message.clone().map(StrBytes::from_string))
            .with_record_errors(rejection.records.iter().map(record_error).collect()),
    }
}

fn record_error(record: &BadRecord) -> BatchIndexAndErrorMessage {
    BatchIndexAndErrorMessage::default()
        .with_batch_index(record.index)
        .with_batch_index_error_message(Some(StrBytes::from_string(record.message.clone())))
}

/// Who leads, for a client that asked another.
fn leader(index: i32, row: &Row) -> LeaderIdAndEpoch {
    let partition = row.topic.as_ref().and_then(|topic| topic.partition(index));
    partition.map_or_else(LeaderIdAndEpoch::default, |partition| {
        LeaderIdAndEpoch::default()
            .with_leader_id(partition.leader().map_or(-1, |leader| leader.0).into())
            .with_leader_epoch(partition.leader_epoch())
    })
}

fn endpoint(endpoint: &Endpoint) -> NodeEndpoint {
    NodeEndpoint::default()
        .with_node_id(endpoint.id.0.into())
        .with_host(StrBytes::from_string(endpoint.host.clone()))
        .with_port(endpoint.port.into())
}
