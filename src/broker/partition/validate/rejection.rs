//! Why a batch is not appended, as the answer says it.

use std::fmt;

use crate::kafka::ErrorCode;

/// A record for which its batch is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::broker) struct BadRecord {
    /// Its place in the batch, from 0.
    pub index: i32,
    /// What is wrong with it.
    pub message: String,
}

/// Why a batch is not appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::broker) struct Rejection {
    /// What the answer says.
    pub code: ErrorCode,
    /// Its message, which most errors do not have.
    pub message: Option<String>,
    /// The records at fault, where it is about records.
    pub records: Vec<BadRecord>,
}

impl Rejection {
    /// One that says nothing but its code.
    pub(in crate::broker) fn of(code: ErrorCode) -> Self {
        Self { code, message: None, records: vec![] }
    }

    /// Whether the answer leaves out the log start offset, as it does for the errors that Kafka's leader expects
    /// (`ReplicaManager.appendToLocalLog`).
    pub(in crate::broker) fn hides_log_start(&self) -> bool {
        [
            ErrorCode::CORRUPT_MESSAGE,
            ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
            ErrorCode::NOT_LEADER_OR_FOLLOWER,
            ErrorCode::MESSAGE_TOO_LARGE,
            ErrorCode::RECORD_LIST_TOO_LARGE,
            ErrorCode::KAFKA_STORAGE_ERROR,
        ]
        .contains(&self.code)
    }

    /// One that names records.
    pub(super) fn of_records(code: ErrorCode, records: Vec<BadRecord>) -> Self {
        let message = if code == ErrorCode::INVALID_TIMESTAMP {
            "One or more records have been rejected due to invalid timestamp".to_owned()
        } else {
            let shown: Vec<_> = records.iter().take(3).map(BadRecord::to_string).collect();
            format!(
                "One or more records have been rejected due to {} record errors in total, and only showing the first \
                 three errors at most: [{}]",
                records.len(),
                shown.join(", ")
            )
        };
        Self { code, message: Some(message), records }
    }
}

impl fmt::Display for BadRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordError(batchIndex={}, message='{}')", self.index, self.message)
    }
}
