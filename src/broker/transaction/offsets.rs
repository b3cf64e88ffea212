//! The offsets that transactions commit for groups, as the partitions of `__consumer_offsets` would have them. They
//! count when the transaction is committed (`OffsetMetadataManager`).

use std::collections::{BTreeMap, HashMap};

use crate::broker::node::emulate::Emulate;
use crate::broker::partition::producers::Ending;
use crate::broker::transaction::coordinator::Producer;
use crate::broker::transaction::place::{Place, offsets_partition};
use crate::kafka::ErrorCode;
use crate::kafka::batch::Marker;

/// Offsets of a group by partition, from 0; negative ones are a client's own business.
pub(in crate::broker) type Offsets = BTreeMap<Place, i64>;

/// `TxnOffsetCommit` of a group.
#[derive(Clone, Debug)]
pub(in crate::broker) struct Commit<'a> {
    /// The group, not empty.
    pub group: &'a str,
    /// Whose transaction.
    pub producer: Producer,
    /// What it has read.
    pub offsets: Offsets,
}

/// By partition of `__consumer_offsets`.
#[derive(Clone, Debug, Default)]
pub(in crate::broker) struct GroupOffsets {
    partitions: HashMap<Place, OffsetsPartition>,
}

#[derive(Clone, Debug, Default)]
struct OffsetsPartition {
    committed: BTreeMap<String, Offsets>,
    producers: HashMap<i64, Pending>,
}

/// What a producer has written since its last marker, by group. The epoch is that of its last record or marker.
#[derive(Clone, Debug, Default)]
struct Pending {
    epoch: i16,
    offsets: Option<BTreeMap<String, Offsets>>,
}

impl GroupOffsets {
    /// Whether a producer of that epoch may write, and whether its transaction is open here already: then it need not be
    /// verified. Apache Kafka 3.9 does not look at epochs before it writes (`UnifiedLog.hasOngoingTransaction`).
    pub(in crate::broker) fn is_open(
        &self,
        group: &str,
        producer: Producer,
        emulate: Emulate,
    ) -> Result<bool, ErrorCode> {
        let partition = self.partitions.get(&offsets_partition(group));
        match partition.and_then(|partition| partition.producers.get(&producer.id)) {
            Some(known) if emulate < Emulate::V4_3 => Ok(known.offsets.is_some()),
            Some(known) if producer.epoch < known.epoch => Err(ErrorCode::INVALID_PRODUCER_EPOCH),
            Some(known) => Ok(known.offsets.is_some() && known.epoch == producer.epoch),
            None => Ok(false),
        }
    }

    /// Whether anything was ever committed for that group, or is about to be.
    pub(in crate::broker) fn knows(&self, group: &str) -> bool {
        let Some(partition) = self.partitions.get(&offsets_partition(group)) else { return false };
        let pending = |pending: &Pending| pending.offsets.as_ref().is_some_and(|it| it.contains_key(group));
        partition.committed.contains_key(group) || partition.producers.values().any(pending)
    }

    /// Writes offsets of a transaction that has been verified, unless a newer epoch has written.
    pub(in crate::broker) fn write(&mut self, commit: Commit<'_>) -> Result<(), ErrorCode> {
        let partition = self.partitions.entry(offsets_partition(commit.group)).or_default();
        let pending = partition.producers.entry(commit.producer.id).or_default();
        if commit.producer.epoch < pending.epoch {
            return Err(ErrorCode::INVALID_PRODUCER_EPOCH);
        }
        pending.epoch = commit.producer.epoch;
        let groups = pending.offsets.get_or_insert_default();
        groups.entry(commit.group.to_owned()).or_default().extend(commit.offsets);
        Ok(())
    }

    /// Writes a marker: what is committed counts from now on, what is aborted is forgotten.
    pub(in crate::broker) fn end(&mut self, place: &Place, ending: Ending) -> Result<(), ErrorCode> {
        let partition = self.partitions.entry(place.clone()).or_default();
        let pending = partition.producers.entry(ending.producer_id).or_default();
        let late = ending.bumped && ending.epoch == pending.epoch && pending.offsets.is_some();
        if ending.epoch < pending.epoch || late {
            return Err(ErrorCode::INVALID_PRODUCER_EPOCH);
        }
        pending.epoch = ending.epoch;
        let written = pending.offsets.take().unwrap_or_default();
        if ending.marker == Marker::Commit {
            for (group, offsets) in written {
                partition.committed.entry(group).or_default().extend(offsets);
            }
        }
        Ok(())
    }

    /// What is committed for a group.
    #[cfg(test)]
    pub(in crate::broker) fn committed(&self, group: &str) -> Offsets {
        let partition = self.partitions.get(&offsets_partition(group));
        partition.and_then(|partition| partition.committed.get(group)).cloned().unwrap_or_default()
    }
}
