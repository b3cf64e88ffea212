//! The records field of one partition in a Produce request, as far as the request itself is checked.

use bytes::Bytes;

use crate::broker::partition::Rejection;
use crate::broker::partition::producers::Attempt;
use crate::kafka::ErrorCode;
use crate::kafka::batch::{Batch, Compression, Entry, EntryError, entries, field};

/// The first version that may carry zstd.
const WITH_ZSTD: i16 = 7;
const MAGIC: i8 = 2;

/// What one partition is to get.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// There are none, not even an empty field.
    missing: bool,
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
#[derive(Debug, Default, PartialEq, Eq)]
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
                records.transactional =
                    Batch::try_from(entry.clone()).is_ok_and(|batch| batch.is_transactional());
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

    /// What the batch says, if a producer with an id wrote it within a transaction.
    pub(super) fn transaction(&self) -> Option<Attempt> {
        let first = self.first.clone().filter(|_| self.transactional);
        let batch = Batch::try_from(first?).ok()?;
        Attempt::of(&batch).filter(|attempt| attempt.transactional)
    }

    /// What the request's check says of them (`ProduceRequest.validateRecords`).
    pub(super) fn check(&self, version: i16) -> Result<(), Rejection> {
        if let Some(Rejection { code, .. }) = self.broken {
            return Err(Rejection::of(code));
        }
        let first = self.first.as_ref().filter(|entry| entry.magic() == MAGIC);
        let first = first.ok_or_else(|| Rejection::of(ErrorCode::INVALID_RECORD))?;
        if version < WITH_ZSTD && codec(first) == Some(Ok(Compression::Zstd)) {
            return Err(Rejection::of(ErrorCode::UNSUPPORTED_COMPRESSION_TYPE));
        }
        match self.behind {
            Behind::Corrupt => Err(Rejection::of(ErrorCode::CORRUPT_MESSAGE)),
            Behind::Entry => Err(Rejection::of(ErrorCode::INVALID_RECORD)),
            Behind::Nothing | Behind::Endless => Ok(()),
        }
    }

    /// How handling them ends that Apache Kafka did not expect, once the topic is known.
    pub(super) fn surprise(&self, version: i16) -> Option<Surprise> {
        if self.missing {
            return Some(Surprise::Unanswerable);
        }
        let first = self.first.as_ref().filter(|entry| entry.magic() == MAGIC)?;
        let unknown_codec = version < WITH_ZSTD && matches!(codec(first), Some(Err(_)));
        // The leader looks for the producer of what has passed the checks.
        let short = self.behind == Behind::Nothing && first.size() < field::PRODUCER_EPOCH;
        (unknown_codec || short || self.behind == Behind::Endless).then_some(Surprise::Failure)
    }
}

/// What becomes of a whole request because of one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Surprise {
    /// Every row answers `UNKNOWN_SERVER_ERROR`.
    Failure,
    /// Even the answer that says so cannot be made.
    Unanswerable,
}

fn codec(entry: &Entry) -> Option<Result<Compression, crate::kafka::batch::UnknownCodec>> {
    Batch::try_from(entry.clone()).ok().map(|batch| batch.compression())
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
