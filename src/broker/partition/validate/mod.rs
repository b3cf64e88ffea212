//! What a leader checks in a batch before it looks at the producer's state, in the order of Apache Kafka
//! (`UnifiedLog.analyzeAndValidateRecords`, then `LogValidator`), and what it rewrites.

mod rebuild;
mod rejection;

use crate::broker::partition::log::MAX_PAYLOAD;
use crate::broker::topic::config::TopicConfig;
use crate::kafka::ErrorCode;
use crate::kafka::batch::{
    Batch, Compression, DecompressError, Entry, NO_TIMESTAMP, Record, RecordError, Records, TimestampType,
};

use rebuild::rebuilt;
pub(in crate::broker) use rejection::{BadRecord, Rejection};

/// What a batch is held against.
#[derive(Clone, Copy, Debug)]
pub(in crate::broker) struct Rules<'a> {
    /// The topic's settings.
    pub config: &'a TopicConfig,
    /// The clock, in milliseconds since 1970.
    pub now: i64,
    /// The topic, for messages.
    pub topic: &'a str,
    /// The partition of it, for messages.
    pub partition: i32,
}

/// Checks an entry, and gives back the batch as it goes into the log but for its offset.
pub(super) fn validate(entry: Entry, rules: Rules<'_>) -> Result<Batch, Rejection> {
    let batch = intact(entry, rules.config)?;
    let source = batch.compression().map_err(|_| Rejection::of(ErrorCode::UNKNOWN_SERVER_ERROR))?;
    check_claims(&batch)?;
    let target = rules.config.compression.unwrap_or(source);
    let kept = target == source;
    let payload = batch.payload(MAX_PAYLOAD).map_err(|error| broken_off(&batch, error, kept))?;
    let max_timestamp = check_records(&batch, (records(&batch, &payload, kept), kept), rules)?;
    let batch = if kept {
        with_timestamps(batch, max_timestamp, rules)
    } else {
        let config = rules.config;
        let target = (target, config.level(target));
        let rebuilt = rebuilt(&batch, &payload, target, (config.timestamp_type, rules.now))?;
        // Once more: it may have become larger.
        check_size(rebuilt.size(), config)?;
        rebuilt
    };
    if batch.size() > rules.config.rolling.segment_bytes {
        return Err(Rejection::of(ErrorCode::RECORD_LIST_TOO_LARGE));
    }
    Ok(batch)
}

/// The records as the leader reads them.
fn records<'a>(batch: &Batch, payload: &'a [u8], kept: bool) -> Records<'a> {
    if kept && is_compressed(batch) { batch.skimmed(payload) } else { batch.records(payload) }
}

/// A stream that breaks off is read as far as it goes: what is wrong with a record of it is found first.
fn broken_off(batch: &Batch, error: DecompressError, kept: bool) -> Rejection {
    let unexpected = Rejection::of(ErrorCode::UNKNOWN_SERVER_ERROR);
    let DecompressError::Broken { before, .. } = error else { return unexpected };
    match records(batch, &before, kept).find_map(Result::err) {
        None | Some(RecordError::Short { .. }) => unexpected,
        Some(error) => unreadable(error),
    }
}

/// Base offset, then size, then checksum.
fn intact(entry: Entry, config: &TopicConfig) -> Result<Batch, Rejection> {
    if entry.base_offset() != 0 {
        return Err(Rejection::of(ErrorCode::INVALID_RECORD));
    }
    check_size(entry.size(), config)?;
    let batch = Batch::try_from(entry).map_err(|_| Rejection::of(ErrorCode::CORRUPT_MESSAGE))?;
    batch.check_crc().map_err(|_| Rejection::of(ErrorCode::CORRUPT_MESSAGE))?;
    Ok(batch)
}

fn check_size(size: usize, config: &TopicConfig) -> Result<(), Rejection> {
    if size > config.max_message_bytes { Err(Rejection::of(ErrorCode::MESSAGE_TOO_LARGE)) } else { Ok(()) }
}

/// What the header says of itself (`LogValidator.validateBatch`).
fn check_claims(batch: &Batch) -> Result<(), Rejection> {
    let sequence_missing = batch.has_producer_id() && batch.base_sequence() < 0;
    if batch.check_count().is_err() || batch.is_control() || sequence_missing {
        return Err(Rejection::of(ErrorCode::INVALID_RECORD));
    }
    Ok(())
}

/// Checks each record and returns the highest timestamp. One bad record rejects the batch; all of them are named.
///
/// Offsets inside a batch are believed, unless it is compressed: Kafka's leader then begins to write it anew, and fails
/// where it has skipped keys and values because it was to be kept.
fn check_records(
    batch: &Batch,
    (records, kept): (Records<'_>, bool),
    rules: Rules<'_>,
) -> Result<i64, Rejection> {
    let mut max_timestamp = NO_TIMESTAMP;
    let mut bad = Vec::new();
    let mut code = ErrorCode::INVALID_RECORD;
    let mut misplaced = false;
    for (index, record) in (0..).zip(records) {
        let record = record.map_err(unreadable)?;
        let timestamp = record.timestamp(batch);
        misplaced |= kept && record.offset_delta != index && is_compressed(batch);
        match check_record(batch, &record, (rules, kept)) {
            None => max_timestamp = max_timestamp.max(timestamp),
            Some((reason, message)) => {
                if reason == ErrorCode::INVALID_TIMESTAMP {
                    code = reason;
                }
                bad.push(BadRecord { index, message });
            }
        }
    }
    match bad.is_empty() {
        false => Err(Rejection::of_records(code, bad)),
        true if misplaced => Err(Rejection::of(ErrorCode::UNKNOWN_SERVER_ERROR)),
        true => Ok(max_timestamp),
    }
}

fn unreadable(error: RecordError) -> Rejection {
    Rejection::of(match error {
        RecordError::Length { .. } | RecordError::Huge { .. } => ErrorCode::UNKNOWN_SERVER_ERROR,
        _ => ErrorCode::INVALID_RECORD,
    })
}

/// A record has one error: the missing key comes before the timestamp.
fn check_record(
    batch: &Batch,
    record: &Record<'_>,
    (rules, kept): (Rules<'_>, bool),
) -> Option<(ErrorCode, String)> {
    let Rules { config, topic, partition, .. } = rules;
    if config.compacted && record.key.is_none() {
        let message = format!(
            "Compacted topic cannot accept message without key in topic partition {topic}-{partition}"
        );
        return Some((ErrorCode::INVALID_RECORD, message));
    }
    let timestamp = record.timestamp(batch);
    if config.timestamp_type == TimestampType::CreateTime && timestamp != NO_TIMESTAMP {
        return check_timestamp(timestamp, i64::from(record.offset_delta), rules);
    }
    if batch.timestamp_type() == TimestampType::LogAppendTime {
        let message = format!(
            "Invalid timestamp type in message {}. Producer should not set timestamp type to LogAppendTime.",
            described(batch, record, kept)
        );
        return Some((ErrorCode::INVALID_TIMESTAMP, message));
    }
    None
}

/// A record as Java prints it. Those of a compressed batch that is kept are read without key and value.
fn described(batch: &Batch, record: &Record<'_>, kept: bool) -> String {
    let (class, nothing) =
        if kept && is_compressed(batch) { ("PartialDefaultRecord", -1) } else { ("DefaultRecord", 0) };
    let size =
        |bytes: Option<&[u8]>| bytes.map_or(nothing, |bytes| i32::try_from(bytes.len()).unwrap_or(i32::MAX));
    format!(
        "{class}(offset={}, timestamp={}, key={} bytes, value={} bytes)",
        record.offset_delta,
        record.timestamp(batch),
        size(record.key),
        size(record.value)
    )
}

fn is_compressed(batch: &Batch) -> bool {
    batch.compression() != Ok(Compression::None)
}

/// Differences wrap as Java's do, so that a timestamp far in the past of a topic without bounds is no error.
fn check_timestamp(timestamp: i64, offset: i64, rules: Rules<'_>) -> Option<(ErrorCode, String)> {
    let Rules {
        config: TopicConfig { timestamp_before_max_ms: before, timestamp_after_max_ms: after, .. },
        now,
        ..
    } = rules;
    let age = now.wrapping_sub(timestamp);
    if age <= *before && age.wrapping_neg() <= *after {
        return None;
    }
    let message = format!(
        "Timestamp {timestamp} of message with offset {offset} is out of range. The timestamp should be within [{}, {}]",
        now.wrapping_sub(*before),
        now.wrapping_add(*after)
    );
    Some((ErrorCode::INVALID_TIMESTAMP, message))
}

/// Writes the topic's timestamp type and the max timestamp where they differ: a client may have claimed another.
fn with_timestamps(batch: Batch, max_timestamp: i64, rules: Rules<'_>) -> Batch {
    let of = rules.config.timestamp_type;
    let max = match of {
        TimestampType::CreateTime => max_timestamp,
        TimestampType::LogAppendTime => rules.now,
    };
    if batch.timestamp_type() == of && batch.max_timestamp() == max {
        return batch;
    }
    batch.edit().timestamps(of, max).finish()
}
