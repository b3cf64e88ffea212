//! The records field of one partition in a Produce request, as far as the request itself is checked.

use bytes::Bytes;

use crate::broker::partition::Rejection;
use crate::broker::partition::producers::Attempt;
use crate::kafka::ErrorCode;
use crate::kafka::batch::{Compression, Entry, EntryError, NO_PRODUCER_ID, entries, field};

/// The first version that may carry zstd.
const WITH_ZSTD: i16 = 7;
const MAGIC: i8 = 2;

/// What one partition is to get.
#[derive(Clone, Debug, Default)]
pub(super) struct Records {
    /// There are none, not even an empty field.
    pub missing: bool,
    /// The first entry, if there is one.
    pub first: Option<Entry>,
    /// Why there is no first entry, if it can be told.
    pub broken: Option<Rejection>,
    /// What stands behind the first entry.
    behind: Behind,
    /// The first entry belongs to a transaction.
    pub transactional: bool,
}

/// What stands behind the first entry; what is not complete is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Behind {
    #[default]
    Nothing,
    /// Another entry.
    Entry,
    /// Something whose length or magic cannot be.
    Corrupt,
    /// A length so great that it cannot be added to.
    Endless,
}

impl Records {
    /// Looks at the first two entries of a field, as Apache Kafka does before it asks the leader.
    pub(super) fn cut(field: Option<Bytes>) -> Self {
        let mut records = Self { missing: field.is_none(), ..Self::default() };
        let mut entries = entries(field.unwrap_or_default());
        match entries.next() {
            Some(Ok(entry)) => {
                records.transactional = entry.is_transactional();
                records.first = Some(entry);
            }
            Some(Err(error)) => records.broken = Some(unparsable(error)),
            None if claims_too_much(entries.rest()) => {
                records.broken = Some(Rejection::of(ErrorCode::UNKNOWN_SERVER_ERROR));
            }
            None => {}
        }
        records.behind = match entries.next() {
            _ if records.first.is_none() => Behind::Nothing,
            Some(Ok(_)) => Behind::Entry,
            Some(Err(_)) => Behind::Corrupt,
            None if claims_too_much(entries.rest()) => Behind::Endless,
            None => Behind::Nothing,
        };
        records
    }

    /// What the batch says, if a producer with an id wrote it within a transaction. It may be too short to be one; the
    /// coordinator is asked first, for the first record alone.
    pub(super) fn transaction(&self) -> Option<Attempt> {
        let first = self.first.as_ref().filter(|_| self.transactional)?;
        let producer_id = first.producer_id().filter(|id| *id > NO_PRODUCER_ID)?;
        let (epoch, first_sequence) = (first.producer_epoch()?, first.base_sequence()?);
        let last_sequence = first_sequence;
        Some(Attempt { producer_id, epoch, first_sequence, last_sequence, transactional: true })
    }

    /// What the request's check says of them (`ProduceRequest.validateRecords`).
    pub(super) fn check(&self, version: i16) -> Result<(), Unfit> {
        let refused = |code| Err(Unfit::Refused(Rejection::of(code)));
        match &self.broken {
            Some(rejection) if rejection.code == ErrorCode::UNKNOWN_SERVER_ERROR => {
                return Err(Unfit::Unexpected);
            }
            Some(rejection) => return refused(rejection.code),
            // What is not there is not looked at.
            None if self.missing => return Ok(()),
            None => {}
        }
        let Some(first) = self.first.as_ref().filter(|entry| entry.magic() == MAGIC) else {
            return refused(ErrorCode::INVALID_RECORD);
        };
        match first.compression() {
            Some(Err(_)) if version < WITH_ZSTD => return Err(Unfit::Unexpected),
            Some(Ok(Compression::Zstd)) if version < WITH_ZSTD => {
                return refused(ErrorCode::UNSUPPORTED_COMPRESSION_TYPE);
            }
            _ => {}
        }
        match self.behind {
            Behind::Corrupt => refused(ErrorCode::CORRUPT_MESSAGE),
            Behind::Entry => refused(ErrorCode::INVALID_RECORD),
            Behind::Endless => Err(Unfit::Unexpected),
            Behind::Nothing => Ok(()),
        }
    }

    /// Whether the leader finds the batch too short: it looks for the producer of what has passed the checks, and for
    /// its epoch and sequence where it writes within a transaction (`ReplicaManager.handleProduceAppend`).
    pub(super) fn is_short(&self) -> bool {
        let Some(first) = &self.first else { return false };
        let of_producer = self.transactional && first.producer_id().is_some_and(|id| id > NO_PRODUCER_ID);
        first.size() < if of_producer { field::RECORD_COUNT } else { field::PRODUCER_EPOCH }
    }
}

/// Why a row is not handed to the leader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// The row has an error of its own.
    Refused(Rejection),
    /// Apache Kafka did not expect it, and the whole request fails.
    Unexpected,
}

/// What becomes of a whole request because of one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Surprise {
    /// Every row answers `UNKNOWN_SERVER_ERROR`.
    Failure,
    /// Even the answer that says so cannot be made.
    Unanswerable,
}

/// Errors of the parser are told in words, as Apache Kafka does.
fn unparsable(error: EntryError) -> Rejection {
    let message = match error {
        EntryError::Length(length) => {
            format!("Record size {length} is less than the minimum record overhead (14)")
        }
        EntryError::Magic(magic) => format!("Invalid magic found in record: {magic}"),
    };
    Rejection { message: Some(message), ..Rejection::of(ErrorCode::CORRUPT_MESSAGE) }
}

/// Apache Kafka adds to the length before it compares it with what is there.
fn claims_too_much(rest: &[u8]) -> bool {
    let length = rest.get(field::BATCH_LENGTH..).and_then(<[u8]>::first_chunk);
    rest.len() > field::MAGIC
        && length.is_some_and(|length| i32::from_be_bytes(*length).checked_add(12).is_none())
}
