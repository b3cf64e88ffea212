//! Cuts a records field into its entries, as `ByteBufferLogInputStream.nextBatch` of Apache Kafka does: an entry that
//! is not complete ends the field silently, a length or magic that cannot be is an error of the whole field.

use bytes::{Buf, Bytes};

use crate::kafka::batch::compression::{Compression, UnknownCodec};
use crate::kafka::batch::header::{Batch, HEADER_LEN, attribute, field};

/// Bytes before those that the length field counts.
const OVERHEAD: usize = 12;
/// The shortest message of any magic, in bytes behind the length (`LegacyRecord.RECORD_OVERHEAD_V0`).
const MIN_LENGTH: i32 = 14;
/// The magic of record batches; 0 and 1 are message sets.
const MAGIC: i8 = 2;

/// Why a records field cannot be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// The length field is below the size of the shortest message.
    #[error("the length {0} is less than the minimum of {MIN_LENGTH}")]
    Length(i32),
    /// No version of the format has this magic.
    #[error("the magic {0} is unknown")]
    Magic(i8),
}

/// Why an entry is no [`Batch`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotABatch {
    /// A message of magic 0 or 1.
    #[error("the magic is {0}, not {MAGIC}")]
    Magic(i8),
    /// Magic 2, but shorter than the header.
    #[error("{0} bytes are less than the header of a batch")]
    Size(usize),
}

/// One entry of a records field: as long as its length says, of a magic that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    bytes: Bytes,
}

impl Entry {
    /// The version of the format: 0, 1 or 2.
    pub fn magic(&self) -> i8 {
        (&self.bytes[field::MAGIC..]).get_i8()
    }

    /// Bytes of the whole entry.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// The offset that the entry claims: present in every magic, even in an entry too short to be a batch.
    pub fn base_offset(&self) -> i64 {
        (&self.bytes[field::BASE_OFFSET..]).get_i64()
    }

    /// The attributes, which an entry of magic 2 has even if it is too short to be a batch.
    fn attributes(&self) -> Option<i16> {
        (self.magic() == MAGIC).then(|| (&self.bytes[field::ATTRIBUTES..]).get_i16())
    }

    /// Does it belong to a transaction?
    pub fn is_transactional(&self) -> bool {
        self.attributes().is_some_and(|attributes| attributes & attribute::TRANSACTIONAL != 0)
    }

    /// The producer id, if the entry is long enough to hold one.
    pub fn producer_id(&self) -> Option<i64> {
        self.bytes.get(field::PRODUCER_ID..)?.first_chunk().copied().map(i64::from_be_bytes)
    }

    /// The producer epoch, if the entry is long enough to hold one.
    pub fn producer_epoch(&self) -> Option<i16> {
        self.bytes.get(field::PRODUCER_EPOCH..)?.first_chunk().copied().map(i16::from_be_bytes)
    }

    /// The sequence of the first record, if the entry is long enough to hold one.
    pub fn base_sequence(&self) -> Option<i32> {
        self.bytes.get(field::BASE_SEQUENCE..)?.first_chunk().copied().map(i32::from_be_bytes)
    }

    /// The codec of its records; none for a message set.
    pub fn compression(&self) -> Option<Result<Compression, UnknownCodec>> {
        Some(Compression::try_from(self.attributes()? & attribute::CODEC))
    }
}

impl TryFrom<Entry> for Batch {
    type Error = NotABatch;

    fn try_from(entry: Entry) -> Result<Self, NotABatch> {
        match entry.magic() {
            MAGIC if entry.size() >= HEADER_LEN => Ok(Self::from_checked(entry.bytes)),
            MAGIC => Err(NotABatch::Size(entry.size())),
            magic => Err(NotABatch::Magic(magic)),
        }
    }
}

/// The entries of a records field, see [`entries`].
#[derive(Clone, Debug)]
pub struct Entries {
    rest: Bytes,
}

/// Cuts a records field (of a Produce request or a Fetch response) into its entries. Nothing is copied. After an
/// error nothing follows.
pub fn entries(records: Bytes) -> Entries {
    Entries { rest: records }
}

impl Entries {
    /// The bytes that have not been cut yet; at the end, those of the entry that was not complete.
    pub fn rest(&self) -> &Bytes {
        &self.rest
    }

    fn cut(&mut self) -> Result<Option<Entry>, EntryError> {
        if self.rest.len() < OVERHEAD {
            return Ok(None);
        }
        let length = (&self.rest[field::BATCH_LENGTH..]).get_i32();
        let size = match usize::try_from(length) {
            Ok(behind) if length >= MIN_LENGTH => behind.saturating_add(OVERHEAD),
            _ => return Err(EntryError::Length(length)),
        };
        if self.rest.len() <= field::MAGIC {
            return Ok(None);
        }
        let magic = (&self.rest[field::MAGIC..]).get_i8();
        if !(0..=MAGIC).contains(&magic) {
            return Err(EntryError::Magic(magic));
        }
        Ok((size <= self.rest.len()).then(|| Entry { bytes: self.rest.split_to(size) }))
    }
}

impl Iterator for Entries {
    type Item = Result<Entry, EntryError>;

    fn next(&mut self) -> Option<Self::Item> {
        let cut = self.cut();
        if cut.is_err() {
            self.rest = Bytes::new();
        }
        cut.transpose()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kafka::batch::BatchBuilder;

    fn batch(value: &[u8]) -> Bytes {
        BatchBuilder::new().value(value).build().unwrap().into_bytes()
    }

    /// An entry of that magic and length field, as long as the length says.
    fn entry(magic: u8, length: i32) -> Bytes {
        let mut bytes = vec![0; OVERHEAD + usize::try_from(length).unwrap_or(0).max(5)];
        bytes[field::BATCH_LENGTH..field::LEADER_EPOCH].copy_from_slice(&length.to_be_bytes());
        bytes[field::MAGIC] = magic;
        bytes.into()
    }

    fn cut(records: Bytes) -> Vec<Result<Entry, EntryError>> {
        entries(records).collect()
    }

    #[test]
    fn every_whole_batch_is_an_entry_that_shares_the_bytes() {
        let field = Bytes::from([batch(b"a"), batch(b"bc")].concat());
        let cut: Vec<_> =
            entries(field.clone()).map(|entry| Batch::try_from(entry.unwrap()).unwrap()).collect();
        assert_eq!(cut.len(), 2);
        assert_eq!(cut[0].bytes(), &batch(b"a"));
        assert_eq!(cut[1].bytes(), &batch(b"bc"));
        assert_eq!(cut[0].bytes().as_ptr(), field.as_ptr());
    }

    #[test]
    fn what_is_not_complete_ends_the_field_silently() {
        let whole = batch(b"a");
        for end in 0..whole.len() {
            assert_eq!(cut(whole.slice(..end)), [], "{end}");
        }
        let mut entries = entries(Bytes::from([whole.clone(), whole.slice(..30)].concat()));
        assert!(entries.next().unwrap().is_ok());
        assert!(entries.next().is_none());
        assert_eq!(entries.rest().len(), 30);
    }

    #[test]
    fn a_length_below_the_minimum_is_an_error_even_before_the_magic_is_there() {
        for length in [i32::MIN, -1, 0, 13] {
            assert_eq!(cut(entry(2, length)), [Err(EntryError::Length(length))]);
            assert_eq!(cut(entry(2, length).slice(..OVERHEAD)), [Err(EntryError::Length(length))]);
        }
        assert!(cut(entry(2, 14))[0].is_ok());
        assert_eq!(cut(Bytes::from([batch(b"a"), entry(2, 5)].concat())).len(), 2);
    }

    #[test]
    fn a_magic_that_does_not_exist_is_an_error_even_of_an_entry_that_is_not_complete() {
        for magic in [3, 127, 128, 255] {
            let known = entry(magic, 60);
            assert_eq!(cut(known.clone()), [Err(EntryError::Magic(magic.cast_signed()))]);
            assert_eq!(cut(known.slice(..17)), [Err(EntryError::Magic(magic.cast_signed()))]);
        }
    }

    #[test]
    fn old_magic_and_short_headers_are_entries_but_no_batches() {
        let as_batch = |bytes| Batch::try_from(cut(bytes).remove(0).unwrap());
        assert_eq!(as_batch(entry(0, 14)), Err(NotABatch::Magic(0)));
        assert_eq!(as_batch(entry(1, 80)), Err(NotABatch::Magic(1)));
        assert_eq!(as_batch(entry(2, 48)), Err(NotABatch::Size(60)));
        assert!(as_batch(entry(2, 49)).is_ok());
    }

    #[test]
    fn a_length_of_two_gigabytes_is_not_complete() {
        let mut bytes = batch(b"a").to_vec();
        bytes[field::BATCH_LENGTH..field::LEADER_EPOCH].copy_from_slice(&i32::MAX.to_be_bytes());
        assert_eq!(cut(bytes.into()), []);
    }

    proptest! {
        #[test]
        fn any_bytes_are_cut_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let total = bytes.len();
            let whole = cut(bytes.into()).into_iter().flatten().map(|entry| entry.size()).sum::<usize>();
            prop_assert!(whole <= total);
        }
    }
}
