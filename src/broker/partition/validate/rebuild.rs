//! A topic with a codec of its own writes anew what came in another (`LogValidator.buildRecordsAndAssignOffsets`).

use std::io;

use crate::kafka::ErrorCode;
use crate::kafka::batch::{
    Batch, BatchBuilder, Compression, NO_PRODUCER_ID, NO_TIMESTAMP, NewRecord, Record, TimestampType,
};

use super::rejection::Rejection;

/// The epoch of a producer that has none.
const NO_EPOCH: i16 = -1;

/// Writes a batch whose records are sound in another codec: offsets count up, times are told from the first record's,
/// and of the attributes only those are left that mean something. What a writer of batches refuses, Kafka did not expect
/// of a client (`MemoryRecordsBuilder.validateProducerState`, `appendWithOffset`). `now` is in milliseconds since 1970.
pub(super) fn rebuilt(
    batch: &Batch,
    payload: &[u8],
    (target, level): (Compression, Option<i32>),
    (timestamps, now): (TimestampType, i64),
) -> Result<Batch, Rejection> {
    let unexpected = || Rejection::of(ErrorCode::UNKNOWN_SERVER_ERROR);
    let producer = (batch.producer_id(), batch.producer_epoch(), batch.base_sequence());
    let owned = producer.0 != NO_PRODUCER_ID;
    if owned && (producer.1 == NO_EPOCH || producer.2 < 0) || batch.is_transactional() && !owned {
        return Err(unexpected());
    }
    let mut builder = BatchBuilder::new().compression(target).level(level);
    builder = builder.producer(producer.0, producer.1, producer.2);
    if batch.is_transactional() {
        builder = builder.transactional();
    }
    for record in batch.records(payload) {
        let record = record.map_err(|_| unexpected())?;
        let timestamp = record.timestamp(batch);
        if timestamp < 0 && timestamp != NO_TIMESTAMP {
            return Err(unexpected());
        }
        builder = with(builder, &record, timestamp);
    }
    let rebuilt = builder.build().map_err(|_: io::Error| unexpected())?;
    Ok(match timestamps {
        TimestampType::CreateTime => rebuilt,
        of @ TimestampType::LogAppendTime => rebuilt.edit().timestamps(of, now).finish(),
    })
}

/// Names of headers are text to Java.
fn with(builder: BatchBuilder, record: &Record<'_>, timestamp: i64) -> BatchBuilder {
    let names: Vec<_> = record.headers.iter().map(|header| String::from_utf8_lossy(header.key)).collect();
    let headers: Vec<_> =
        names.iter().zip(record.headers.iter()).map(|(name, header)| (&**name, header.value)).collect();
    builder.record(NewRecord { timestamp, key: record.key, value: record.value, headers: &headers })
}
