//! The records field of one partition in a Produce request, as far as the request itself is checked.

use bytes::Bytes;

use crate::broker::partition::Rejection;
use crate::broker::partition::producers::Attempt;
use crate::kafka::ErrorCode;
use crate::kafka::batch::{Batch, Compression, Entry, EntryError, entries, field};

/// The first version that may carry zstd.
const WITH_ZSTD: i16 = 7;
/// The version of the format that a client must write.
const MAGIC: i8 = 2;

/// What a records field holds.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// The first entry, which should be the only one.
    pub first: Option<Entry>,
    /// Whether there are others.
    more: bool,
    /// Whether a batch belongs to a transaction.
    pub transactional: bool,
    /// Why the whole request fails, because Kafka's parser stumbles over this field.
    pub broken: Option<Rejection>,
}

impl Records {
    /// Cuts a field. An entry that is not complete is as good as not there.
    pub(super) fn cut(field: Option<Bytes>, version: i16) -> Self {
        let mut records = Self::default();
        let mut entries = entries(field.unwrap_or_default());
        for entry in &mut entries {
            match entry {
                Ok(entry) => records.add(entry, version),
                Err(error) => records.broken = Some(unparsable(error)),
            }
        }
        if claims_too_much(entries.rest()) {
            records.broken = Some(Rejection::of(ErrorCode::UNKNOWN_SERVER_ERROR));
        }
        records
    }

    fn add(&mut self, entry: Entry, version: i16) {
        let unreadable = match Batch::try_from(entry.clone()) {
            Ok(batch) => {
                self.transactional |= batch.is_transactional();
                version < WITH_ZSTD && batch.compression().is_err()
            }
            // The request is searched for producers before a batch is checked.
            Err(_) => entry.magic() == MAGIC && entry.size() < field::PRODUCER_EPOCH,
        };
        if unreadable {
            self.broken = Some(Rejection::of(ErrorCode::UNKNOWN_SERVER_ERROR));
        }
        self.more |= self.first.is_some();
        self.first.get_or_insert(entry);
    }

    /// What the batch says, if a producer with an id wrote it within a transaction.
    pub(super) fn transaction(&self) -> Option<Attempt> {
        let first = self.first.clone().filter(|_| self.transactional);
        let batch = Batch::try_from(first?).ok()?;
        Attempt::of(&batch).filter(|attempt| attempt.transactional)
    }

    /// Exactly one batch, of a magic and a codec that the version allows (`ProduceRequest.validateRecords`).
    pub(super) fn check(&self, version: i16) -> Result<(), Rejection> {
        let first = self.first.as_ref().filter(|entry| entry.magic() == MAGIC);
        let first = first.ok_or_else(|| Rejection::of(ErrorCode::INVALID_RECORD))?;
        let codec = Batch::try_from(first.clone()).ok().and_then(|batch| batch.compression().ok());
        if version < WITH_ZSTD && codec == Some(Compression::Zstd) {
            return Err(Rejection::of(ErrorCode::UNSUPPORTED_COMPRESSION_TYPE));
        }
        if self.more { Err(Rejection::of(ErrorCode::INVALID_RECORD)) } else { Ok(()) }
    }
}

/// In Java's words.
fn unparsable(error: EntryError) -> Rejection {
    let message = match error {
        EntryError::Length(length) => {
            format!("Record size {length} is less than the minimum record overhead (14)")
        }
        EntryError::Magic(magic) => format!("Invalid magic found in record: {magic}"),
    };
    Rejection { message: Some(message), ..Rejection::of(ErrorCode::CORRUPT_MESSAGE) }
}

/// Whether what is left claims a size that, with the 12 bytes in front of it, is no 32-bit number: Java's overflows.
fn claims_too_much(rest: &[u8]) -> bool {
    let length = rest.get(field::BATCH_LENGTH..).and_then(<[u8]>::first_chunk);
    rest.len() > field::MAGIC
        && length.is_some_and(|length| i32::from_be_bytes(*length).checked_add(12).is_none())
}
