//! The records field of one partition in a Produce request, as far as the request itself is checked.

use bytes::Bytes;

use crate::broker::partition::Rejection;
use crate::kafka::ErrorCode;
use crate::kafka::batch::{Batch, Compression, Entry, EntryError, entries};

/// The first version that may carry zstd.
const WITH_ZSTD: i16 = 7;

/// What a records field holds.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// The first entry, which should be the only one.
    pub first: Option<Entry>,
    /// Whether there are others.
    more: bool,
    /// Whether a batch belongs to a transaction.
    pub transactional: bool,
    /// Why the field cannot be cut into entries at all.
    pub broken: Option<EntryError>,
}

impl Records {
    /// Cuts a field. An entry that is not complete is as good as not there.
    pub(super) fn cut(field: Option<Bytes>) -> Self {
        let mut records = Self::default();
        for entry in entries(field.unwrap_or_default()) {
            match entry {
                Err(error) => records.broken = Some(error),
                Ok(entry) => {
                    let batch = Batch::try_from(entry.clone());
                    records.transactional |= batch.is_ok_and(|batch| batch.is_transactional());
                    records.more |= records.first.is_some();
                    records.first.get_or_insert(entry);
                }
            }
        }
        records
    }

    /// Exactly one batch, of a magic and a codec that the version allows (`ProduceRequest.validateRecords`).
    pub(super) fn check(&self, version: i16) -> Result<(), Rejection> {
        let first = self.first.as_ref().filter(|entry| entry.magic() == 2);
        let first = first.ok_or_else(|| Rejection::of(ErrorCode::INVALID_RECORD))?;
        let codec = Batch::try_from(first.clone()).ok().and_then(|batch| batch.compression().ok());
        if version < WITH_ZSTD && codec == Some(Compression::Zstd) {
            return Err(Rejection::of(ErrorCode::UNSUPPORTED_COMPRESSION_TYPE));
        }
        if self.more { Err(Rejection::of(ErrorCode::INVALID_RECORD)) } else { Ok(()) }
    }
}
