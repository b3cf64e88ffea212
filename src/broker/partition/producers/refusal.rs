//! Why a partition refuses a batch or a marker of a producer.

use crate::kafka::ErrorCode;

/// Why a batch or a marker is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A producer with this id and a higher epoch has written since (`ProducerAppendInfo.checkProducerEpoch`).
    #[error("producer {producer_id} comes with epoch {epoch}, the partition knows epoch {known}")]
    StaleEpoch {
        /// The producer id.
        producer_id: i64,
        /// The batch's epoch.
        epoch: i16,
        /// The partition's.
        known: i16,
    },
    /// The batch does not follow the last one (`ProducerAppendInfo.checkSequence`).
    #[error("producer {producer_id} comes with sequence {sequence}, the partition expects {expected}")]
    OutOfOrder {
        /// The producer id.
        producer_id: i64,
        /// The batch's first sequence.
        sequence: i32,
        /// The only first sequence that would do, or the highest one.
        expected: i32,
    },
    /// A batch of a transaction of which the coordinator has not said that it has this partition
    /// (`UnifiedLog.batchMissingRequiredVerification`).
    #[error("no transaction of producer {producer_id} is known to have this partition")]
    Unverified {
        /// The producer id.
        producer_id: i64,
    },
    /// A batch without a transaction while one of its producer is open here (`ProducerAppendInfo.appendDataBatch`).
    #[error("producer {producer_id} writes outside of the transaction that it has open here")]
    OutsideTransaction {
        /// The producer id.
        producer_id: i64,
    },
    /// A marker of a coordinator that has been followed by another (`ProducerAppendInfo.checkCoordinatorEpoch`).
    #[error("a marker of coordinator epoch {epoch}, the partition knows {known}")]
    StaleCoordinator {
        /// The marker's epoch.
        epoch: i32,
        /// The partition's.
        known: i32,
    },
}

impl Refusal {
    /// What a response says.
    pub fn code(self) -> ErrorCode {
        match self {
            Self::StaleEpoch { .. } => ErrorCode::INVALID_PRODUCER_EPOCH,
            Self::OutOfOrder { .. } => ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER,
            Self::Unverified { .. } | Self::OutsideTransaction { .. } => ErrorCode::INVALID_TXN_STATE,
            Self::StaleCoordinator { .. } => ErrorCode::TRANSACTION_COORDINATOR_FENCED,
        }
    }
}
