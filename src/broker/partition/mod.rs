//! A partition as its leader has it, and the append: no socket, no clock, no lock.

mod log;
mod rejection;
mod validate;

use crate::broker::partition::validate::validate;
use crate::broker::producer_state::{Admission, Attempt, ProducerStates, Written};
use crate::broker::topic::config::TopicConfig;
use crate::id::BrokerId;
use crate::kafka::ErrorCode;
use crate::kafka::batch::{Batch, Entry, TimestampType};

pub(super) use log::{Found, Log};
pub(super) use rejection::{BadRecord, Rejection};
pub(super) use validate::Rules;

/// How many replicas must have a batch before its producer gets an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Acks {
    /// `acks=0`: there is no answer.
    None,
    /// `acks=1`: the leader.
    Leader,
    /// `acks=-1`: all that are in sync, and at least `min.insync.replicas`.
    All,
}

impl Acks {
    /// What a Produce request may say.
    pub(super) fn of(acks: i16) -> Option<Self> {
        match acks {
            0 => Some(Self::None),
            1 => Some(Self::Leader),
            -1 => Some(Self::All),
            _ => None,
        }
    }
}

/// A batch that stands in the log, now or since an earlier attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Appended {
    /// The offset of its first record.
    pub base_offset: i64,
    /// The offset of its last record.
    pub last_offset: i64,
    /// What the answer says, in milliseconds since 1970: −1 for a new batch of a `CreateTime` topic. For a duplicate it
    /// is the batch's max timestamp on such topics too.
    pub log_append_time: i64,
}

/// A partition.
#[derive(Debug)]
pub(super) struct Partition {
    /// The broker that takes its records.
    pub leader: BrokerId,
    /// Rises with each leader.
    pub leader_epoch: i32,
    /// The brokers that should have its records, the preferred leader first.
    pub replicas: Vec<BrokerId>,
    /// Those of them that have all its records.
    pub in_sync: Vec<BrokerId>,
    /// Its records.
    pub log: Log,
    /// The offset below which consumers may read.
    pub high_watermark: i64,
    producers: ProducerStates,
}

impl Partition {
    /// An empty partition on these brokers, led by the first and all of them in sync.
    pub(super) fn new(leader: BrokerId, replicas: Vec<BrokerId>) -> Self {
        Self {
            leader,
            leader_epoch: 0,
            in_sync: replicas.clone(),
            replicas,
            log: Log::default(),
            high_watermark: 0,
            producers: ProducerStates::default(),
        }
    }

    /// Whether that broker is the one to ask, and the client knows of no other leader; −1 stands for a client that does
    /// not say which leader epoch it knows.
    pub(super) fn check_leader(&self, asked: BrokerId, known_epoch: i32) -> Result<(), ErrorCode> {
        match known_epoch {
            0.. if known_epoch < self.leader_epoch => Err(ErrorCode::FENCED_LEADER_EPOCH),
            0.. if known_epoch > self.leader_epoch => Err(ErrorCode::UNKNOWN_LEADER_EPOCH),
            _ if asked != self.leader => Err(ErrorCode::NOT_LEADER_OR_FOLLOWER),
            _ => Ok(()),
        }
    }

    /// Checks a batch in Kafka's order (`Partition.appendRecordsToLeader`, `UnifiedLog.append`) and appends it, unless
    /// it stands in the log already. A batch that is refused changes nothing.
    pub(super) fn append(
        &mut self,
        entry: Entry,
        acks: Acks,
        rules: Rules<'_>,
    ) -> Result<Appended, Rejection> {
        if acks == Acks::All && self.under_min_isr(rules.config) {
            return Err(Rejection::of(ErrorCode::NOT_ENOUGH_REPLICAS));
        }
        let batch = validate(entry, rules)?;
        let attempt = Attempt::of(&batch);
        let admission = attempt.map_or(Ok(Admission::New), |attempt| self.producers.check(attempt));
        match admission.map_err(|refusal| Rejection::of(refusal.code()))? {
            Admission::Duplicate(Written { base_offset, last_offset, max_timestamp }) => {
                Ok(Appended { base_offset, last_offset, log_append_time: max_timestamp })
            }
            Admission::New => Ok(self.write(batch, attempt, rules.config)),
        }
    }

    fn write(&mut self, batch: Batch, attempt: Option<Attempt>, config: &TopicConfig) -> Appended {
        let max_timestamp = batch.max_timestamp();
        let base_offset = self.log.append(batch, self.leader_epoch);
        let last_offset = self.log.end() - 1;
        if let Some(attempt) = attempt {
            self.producers.record(attempt, Written { base_offset, last_offset, max_timestamp });
        }
        self.advance(config);
        let log_append_time = match config.timestamp_type {
            TimestampType::CreateTime => -1,
            TimestampType::LogAppendTime => max_timestamp,
        };
        Appended { base_offset, last_offset, log_append_time }
    }

    /// A replica in sync has a record at once, so the high watermark follows the log end, unless too few are in sync
    /// (KIP-966).
    fn advance(&mut self, config: &TopicConfig) {
        if !self.under_min_isr(config) {
            self.high_watermark = self.log.end();
        }
    }

    /// `min.insync.replicas` above the replication factor asks for all replicas, not for the impossible.
    fn under_min_isr(&self, config: &TopicConfig) -> bool {
        self.in_sync.len() < config.min_insync_replicas.min(self.replicas.len())
    }
}
