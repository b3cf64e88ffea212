//! `Fetch`: reading batches back (`ReplicaManager.fetchMessages`, `DelayedFetch`). Sessions are never granted, so every
//! request names all that it wants.

use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::{FetchRequest, FetchResponse};
use tokio::time::Instant;

use crate::broker::node::Node;
use crate::kafka::ErrorCode;

/// `fetch.max.bytes` of a broker.
const MAX_BYTES: usize = 57_671_680;
/// `FetchMetadata.INITIAL_EPOCH` and `FINAL_EPOCH`: a full request, not the continuation of a session.
const FULL_EPOCHS: [i32; 2] = [0, -1];
const READ_COMMITTED: i8 = 1;

pub(super) async fn handle(node: &Node, version: i16, request: &FetchRequest) -> FetchResponse {
    if !FULL_EPOCHS.contains(&request.session_epoch) {
        return FetchResponse::default().with_error_code(ErrorCode::FETCH_SESSION_ID_NOT_FOUND.0);
    }
    let patience = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0));
    let deadline = Instant::now() + patience;
    let mut progress = node.cluster.progress();
    loop {
        progress.mark_unchanged();
        let read = Read::all(node, version, request);
        if patience.is_zero() || read.is_enough(request) {
            return read.into_response();
        }
        tokio::select! {
            _ = progress.changed() => {}
            () = tokio::time::sleep_until(deadline) => return Read::all(node, version, request).into_response(),
        }
    }
}

/// What a request reads at one moment.
struct Read {
    topics: Vec<FetchableTopicResponse>,
    bytes: usize,
    /// Bytes that the answer may still take.
    room: usize,
    failed: bool,
}

impl Read {
    fn all(node: &Node, version: i16, request: &FetchRequest) -> Self {
        let room = usize::try_from(request.max_bytes).unwrap_or(0).min(MAX_BYTES);
        let mut read = Self { topics: vec![], bytes: 0, room, failed: false };
        for topic in &request.topics {
            let rows = topic.partitions.iter().map(|row| {
                let data = read.partition(node, version, (topic, row));
                if request.isolation_level == READ_COMMITTED {
                    data.with_aborted_transactions(Some(vec![]))
                } else {
                    data
                }
            });
            let rows = rows.collect();
            read.topics.push(
                FetchableTopicResponse::default()
                    .with_topic(topic.topic.clone())
                    .with_topic_id(topic.topic_id)
                    .with_partitions(rows),
            );
        }
        read
    }

    fn partition(
        &mut self,
        node: &Node,
        version: i16,
        (topic, row): (&FetchTopic, &FetchPartition),
    ) -> PartitionData {
        match self.records(node, version, (topic, row)) {
            Ok(data) => data,
            Err(code) => {
                self.failed = true;
                PartitionData::default()
                    .with_partition_index(row.partition)
                    .with_error_code(code.0)
                    .with_high_watermark(-1)
                    .with_last_stable_offset(-1)
                    .with_log_start_offset(-1)
                    .with_aborted_transactions(None)
                    .with_records(Some(Bytes::new()))
            }
        }
    }

    /// Without transactions everything below the high watermark is stable, so both isolation levels see the same. The
    /// first batch of an answer is given whatever its size, so that a reader gets ahead.
    fn records(
        &mut self,
        node: &Node,
        version: i16,
        (topic, row): (&FetchTopic, &FetchPartition),
    ) -> Result<PartitionData, ErrorCode> {
        let topics = node.cluster.topics();
        let topic = if version >= 13 {
            topics.with_id(topic.topic_id).ok_or(ErrorCode::UNKNOWN_TOPIC_ID)?
        } else {
            topics.named(&topic.topic).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?
        };
        drop(topics);
        let partition = topic.partition(row.partition).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
        partition.check_leader(node.id, row.current_leader_epoch)?;
        let (log, high_watermark) = (&partition.log, partition.high_watermark);
        if !(log.start()..=log.end()).contains(&row.fetch_offset) {
            return Err(ErrorCode::OFFSET_OUT_OF_RANGE);
        }
        let most = usize::try_from(row.partition_max_bytes).unwrap_or(0).min(self.room);
        let records = log.read(row.fetch_offset, high_watermark, most, self.bytes == 0);
        self.bytes += records.len();
        self.room = self.room.saturating_sub(records.len());
        Ok(PartitionData::default()
            .with_partition_index(row.partition)
            .with_high_watermark(high_watermark)
            .with_last_stable_offset(high_watermark)
            .with_log_start_offset(log.start())
            .with_aborted_transactions(None)
            .with_records(Some(records)))
    }

    /// An error is answered at once, and so is a request for nothing.
    fn is_enough(&self, request: &FetchRequest) -> bool {
        let min_bytes = usize::try_from(request.min_bytes).unwrap_or(0);
        self.failed || self.bytes >= min_bytes || self.topics.iter().all(|topic| topic.partitions.is_empty())
    }

    fn into_response(self) -> FetchResponse {
        FetchResponse::default().with_responses(self.topics)
    }
}
