//! Record batches, magic 2, over `Bytes`: our own code, because a broker must be able to look at one header field
//! at a time, to keep the producer's bytes, and to trust no length that a client wrote.
//!
//! ```text
//! records field ─entries()─▶ Entry… ─Batch::try_from─▶ Batch ─payload(limit)─▶ Bytes ─records()─▶ Record…
//!                                                        ├─edit()─▶ BatchEdit ─finish()─▶ Batch
//! BatchBuilder ─────────────────────────────build()──────┘
//! ```
//!
//! Each step refuses with an error of its own, so that a broker can apply its checks in the order of Apache Kafka.
//! The format stands in `clients/…/common/record/DefaultRecordBatch.java` and `DefaultRecord.java`.

mod builder;
mod compression;
mod edit;
mod entries;
mod header;
mod record;
mod varint;

pub use builder::{BatchBuilder, Marker, NewRecord};
pub use compression::{Compression, DecompressError, UnknownCodec, compress, decompress};
pub use edit::BatchEdit;
pub use entries::{Entries, Entry, EntryError, NotABatch, entries};
pub use header::{
    Batch, CountError, CrcMismatch, HEADER_LEN, NO_PRODUCER_ID, NO_SEQUENCE, NO_TIMESTAMP, TimestampType,
    field, last_sequence, next_sequence,
};
pub use record::{Header, Headers, Record, RecordError, Records};
