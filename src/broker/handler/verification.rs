//! What a leader asks of a transaction's coordinator before it writes to a partition for the first time
//! (`AddPartitionsToTxnManager`, KIP-890).

use crate::broker::node::Node;
use crate::broker::transaction::{Place, Producer};
use crate::kafka::ErrorCode;

/// What the version of the client's request allows (`TransactionSupportedOperation`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// The partition must be there; the client knows no `TRANSACTION_ABORTABLE`.
    Classic,
    /// The partition must be there.
    Abortable,
    /// The partition is added.
    Adding,
}

impl Way {
    /// That of a Produce request.
    pub(super) fn of_produce(version: i16) -> Self {
        match version {
            12.. => Self::Adding,
            11 => Self::Abortable,
            _ => Self::Classic,
        }
    }

    /// That of a `TxnOffsetCommit` request.
    pub(super) fn of_offsets(version: i16) -> Self {
        match version {
            5.. => Self::Adding,
            4 => Self::Abortable,
            _ => Self::Classic,
        }
    }

    /// A code for each partition, as the client is told it, or one for all of them.
    pub(super) fn ask(
        self,
        node: &Node,
        of: (&str, Producer),
        places: &[Place],
        now: i64,
    ) -> Result<Vec<ErrorCode>, ErrorCode> {
        if node.cluster.coordinator_of(of.0).is_none() {
            return Err(ErrorCode::COORDINATOR_NOT_AVAILABLE);
        }
        if of.0.is_empty() {
            return Err(ErrorCode::INVALID_REQUEST);
        }
        let codes = node.cluster.transactions.with(|coordinator| match self {
            Self::Adding => {
                coordinator.add(of, places, true, now).map(|()| vec![ErrorCode::NONE; places.len()])
            }
            Self::Classic | Self::Abortable => coordinator.verify(of, places),
        });
        codes
            .map(|codes| codes.into_iter().map(|code| self.told(code)).collect())
            .map_err(|code| self.told(code))
    }

    fn told(self, code: ErrorCode) -> ErrorCode {
        match code {
            ErrorCode::PRODUCER_FENCED => ErrorCode::INVALID_PRODUCER_EPOCH,
            ErrorCode::TRANSACTION_ABORTABLE if self == Self::Classic => ErrorCode::INVALID_TXN_STATE,
            code => code,
        }
    }
}
