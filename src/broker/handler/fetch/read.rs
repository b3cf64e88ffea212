//! What a request reads at one moment, and when it need not wait any longer.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use kafka_protocol::messages::fetch_response::{
    AbortedTransaction, EpochEndOffset, LeaderIdAndEpoch, PartitionData,
};

use crate::broker::node::Node;
use crate::broker::node::reader::{Answered, Key, Wanted};
use crate::broker::partition::producers::Aborted;
use crate::broker::partition::read::{Found, Range, Reader};
use crate::broker::partition::{Partition, Place};
use crate::broker::topic::Topic;
use crate::id::BrokerId;
use crate::kafka::ErrorCode;

/// The first version that says where the leader is (KIP-951).
const WITH_LEADER: i16 = 16;

/// What a request reads.
pub(super) struct Read {
    rows: Vec<Answered>,
    /// Where each row reads; none for those that cannot.
    places: Vec<Option<Place>>,
    bytes: usize,
    /// A row cannot be read, or its reader has what the log has not.
    decided: bool,
    /// The leaders that are named because another was asked.
    leaders: BTreeSet<BrokerId>,
}

impl Read {
    /// Reads all rows, with so many bytes for all of them. The first batch of an answer is given whatever its size, so
    /// that a reader gets ahead.
    pub(super) fn all(
        node: &Node,
        (version, reader): (i16, Reader),
        (rows, max_bytes): (&[&Wanted], i32),
    ) -> Self {
        let (places, leaders) = (vec![], BTreeSet::new());
        let mut read = Self { rows: vec![], places, bytes: 0, decided: false, leaders };
        let mut room = max_bytes;
        for row in rows {
            let range =
                Range { max_bytes: row.max_bytes.min(room), at_least_one: read.bytes == 0, ..range(row) };
            let found = topic(node, row).and_then(|topic| {
                let partition = partition(&topic, row)?;
                partition.read(reader, range)
            });
            let (data, place) = match found {
                Ok(found) => {
                    read.bytes += found.records.len();
                    room = i32::try_from(found.records.len()).map_or(0, |size| room.saturating_sub(size));
                    read.decided |= found.diverging.is_some();
                    let place = found.place;
                    (answer(found), Some(place))
                }
                Err(code) => {
                    read.decided = true;
                    (read.refuse(node, version, (row, code)), None)
                }
            };
            room = room.max(0);
            read.rows.push((row.key.clone(), data.with_partition_index(row.key.partition)));
            read.places.push(place);
        }
        read
    }

    fn refuse(&mut self, node: &Node, version: i16, (row, code): (&Wanted, ErrorCode)) -> PartitionData {
        let current = self.current_leader(node, version, (row, code));
        refused(&row.key, code).with_aborted_transactions(None).with_current_leader(current)
    }

    /// Who leads, for a client that asked another or knew an older leader.
    fn current_leader(
        &mut self,
        node: &Node,
        version: i16,
        (row, code): (&Wanted, ErrorCode),
    ) -> LeaderIdAndEpoch {
        let told = [ErrorCode::NOT_LEADER_OR_FOLLOWER, ErrorCode::FENCED_LEADER_EPOCH].contains(&code);
        let topic = topic(node, row).ok().filter(|_| told && version >= WITH_LEADER);
        let Some(partition) = topic.as_ref().and_then(|topic| topic.partition(row.key.partition)) else {
            return LeaderIdAndEpoch::default();
        };
        self.leaders.extend(partition.leader());
        LeaderIdAndEpoch::default()
            .with_leader_id(partition.leader().map_or(-1, |leader| leader.0).into())
            .with_leader_epoch(partition.leader_epoch())
    }

    /// An error is answered at once.
    pub(super) fn is_enough(&self, min_bytes: i32) -> bool {
        self.decided || i64::try_from(self.bytes).unwrap_or(i64::MAX) >= min_bytes.into()
    }

    pub(super) fn into_rows(self) -> (Vec<Answered>, BTreeSet<BrokerId>) {
        (self.rows, self.leaders)
    }
}

/// What a request waits for that has not got enough (`DelayedFetch.tryComplete`).
pub(super) struct Wait<'a> {
    rows: Vec<(&'a Wanted, Place)>,
    min_bytes: i32,
}

impl<'a> Wait<'a> {
    pub(super) fn of(read: &Read, rows: &[&'a Wanted], min_bytes: i32) -> Self {
        let rows = rows.iter().zip(&read.places).filter_map(|(row, place)| Some((*row, (*place)?)));
        Self { rows: rows.collect(), min_bytes }
    }

    /// Whether there is enough to read, or something has happened that the reader must know.
    pub(super) fn is_over(&self, node: &Node, reader: Reader) -> bool {
        let mut bytes = 0;
        for (row, place) in &self.rows {
            let Ok(topic) = topic(node, row) else { return true };
            let Ok(partition) = partition(&topic, row) else { return true };
            if partition.check_reader(reader, row.leader_epoch).is_err() || partition.diverges(range(row)) {
                return true;
            }
            let end = partition.log.place(partition.below(reader));
            if place.offset > end.offset || (place.offset < end.offset && place.segment < end.segment) {
                return true;
            }
            let there = i64::try_from(end.position.saturating_sub(place.position)).unwrap_or(i64::MAX);
            bytes += if place.offset < end.offset { there.min(row.max_bytes.into()) } else { 0 };
        }
        bytes >= self.min_bytes.into()
    }
}

/// The topic that is named now as the row's was, if it still is the same.
fn topic(node: &Node, row: &Wanted) -> Result<Arc<Topic>, ErrorCode> {
    let name = row.name.as_ref().ok_or(ErrorCode::UNKNOWN_TOPIC_ID)?;
    let topic = node.cluster.topics().named(name).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    if row.key.id.is_nil() || row.key.id == topic.id {
        Ok(topic)
    } else {
        Err(ErrorCode::INCONSISTENT_TOPIC_ID)
    }
}

fn partition<'a>(
    topic: &'a Topic,
    row: &Wanted,
) -> Result<impl std::ops::Deref<Target = Partition> + 'a, ErrorCode> {
    topic.partition(row.key.partition).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)
}

fn range(row: &Wanted) -> Range {
    Range {
        from: row.offset,
        known_epoch: row.leader_epoch,
        last_epoch: row.last_epoch,
        max_bytes: row.max_bytes,
        at_least_one: false,
    }
}

fn answer(found: Found) -> PartitionData {
    let aborted = |aborted: &Aborted| {
        AbortedTransaction::default()
            .with_producer_id(aborted.producer_id.into())
            .with_first_offset(aborted.first_offset)
    };
    let aborted = found.aborted.map(|all| all.iter().map(aborted).collect());
    let diverging = |(epoch, end)| EpochEndOffset::default().with_epoch(epoch).with_end_offset(end);
    PartitionData::default()
        .with_high_watermark(found.high_watermark)
        .with_last_stable_offset(found.last_stable_offset)
        .with_log_start_offset(found.log_start)
        .with_diverging_epoch(found.diverging.map_or_else(EpochEndOffset::default, diverging))
        .with_aborted_transactions(aborted)
        .with_records(Some(if found.records.is_empty() { Bytes::new() } else { found.records }))
}

/// A partition of which nothing can be read (`FetchResponse.partitionResponse`).
pub(super) fn refused(key: &Key, code: ErrorCode) -> PartitionData {
    PartitionData::default()
        .with_partition_index(key.partition)
        .with_error_code(code.0)
        .with_high_watermark(-1)
        .with_last_stable_offset(-1)
        .with_log_start_offset(-1)
        .with_aborted_transactions(Some(vec![]))
        .with_records(Some(Bytes::new()))
}
