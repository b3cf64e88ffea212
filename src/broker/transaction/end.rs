//! `EndTxn`: how a transaction is committed or aborted, and what a request that comes once more is told.

use crate::broker::transaction::coordinator::{Coordinator, Fresh, Producer};
use crate::broker::transaction::metadata::{State, Transaction};
use crate::kafka::ErrorCode;
use crate::kafka::batch::Marker;

/// The last epoch that a client can have: the next one belongs to another producer id.
const LAST_EPOCH: i16 = i16::MAX - 1;

/// A request to end a transaction.
#[derive(Clone, Copy)]
pub(in crate::broker) struct End<'a> {
    /// The transactional id, not empty.
    pub id: &'a str,
    /// Who asks.
    pub producer: Producer,
    /// How.
    pub marker: Marker,
    /// Whether the client's protocol raises the epoch with each transaction (`EndTxn` 5).
    pub bumps: bool,
    /// The clock, in milliseconds since 1970.
    pub now: i64,
    /// Gives a producer id that nobody has had, should one be needed.
    pub fresh: Fresh<'a>,
}

/// What follows for a transaction.
enum Verdict {
    /// It has been done before: the client is told once more.
    Again,
    /// It is prepared for its end.
    Prepare,
}

impl Coordinator {
    /// Ends a transaction. The answer does not wait for the markers; it is the producer of the next transaction, if the
    /// client's protocol raises epochs.
    pub(in crate::broker) fn end(&mut self, request: End<'_>) -> Result<Option<Producer>, ErrorCode> {
        let transaction = self.by_id.get_mut(request.id).ok_or(ErrorCode::INVALID_PRODUCER_ID_MAPPING)?;
        let verdict =
            if request.bumps { bumping(transaction, request)? } else { classic(transaction, request)? };
        let (id, epoch) = match verdict {
            Verdict::Again => (transaction.producer_id, transaction.epoch),
            Verdict::Prepare => {
                let state = match request.marker {
                    Marker::Commit => State::PrepareCommit,
                    Marker::Abort => State::PrepareAbort,
                };
                let exhausted = request.bumps && transaction.is_exhausted();
                transaction.next_producer_id = exhausted.then(request.fresh);
                transaction.prepare(state, request.bumps, request.now);
                transaction.successor()
            }
        };
        self.complete_if_written(request.id, request.now);
        Ok(request.bumps.then_some(Producer { id, epoch }))
    }
}

/// Before transaction version 2 the state alone says whether a request comes once more
/// (`TransactionCoordinator.endTransactionWithTV1`).
fn classic(transaction: &Transaction, End { producer, marker, .. }: End<'_>) -> Result<Verdict, ErrorCode> {
    if transaction.producer_id != producer.id {
        return Err(ErrorCode::INVALID_PRODUCER_ID_MAPPING);
    }
    if transaction.epoch != producer.epoch {
        return Err(ErrorCode::PRODUCER_FENCED);
    }
    match (transaction.state, marker) {
        (State::PrepareCommit | State::PrepareAbort, _) => Err(ErrorCode::CONCURRENT_TRANSACTIONS),
        (State::Ongoing, _) => Ok(Verdict::Prepare),
        (State::CompleteCommit, Marker::Commit) | (State::CompleteAbort, Marker::Abort) => Ok(Verdict::Again),
        _ => Err(ErrorCode::INVALID_TXN_STATE),
    }
}

/// From transaction version 2 on a request comes once more if its epoch is the one before the current; the current one
/// means the next transaction, which may be aborted before it has begun (`TransactionCoordinator.endTransaction`).
fn bumping(transaction: &Transaction, End { producer, marker, .. }: End<'_>) -> Result<Verdict, ErrorCode> {
    if transaction.is_ending() {
        return Err(ErrorCode::CONCURRENT_TRANSACTIONS);
    }
    let overflowed = transaction.previous_producer_id == producer.id
        && producer.epoch == LAST_EPOCH
        && transaction.epoch == 0;
    if transaction.producer_id != producer.id && !overflowed {
        return Err(ErrorCode::INVALID_PRODUCER_ID_MAPPING);
    }
    let before = producer.epoch.checked_add(1) == Some(transaction.epoch);
    let again = before || overflowed;
    let complete = matches!(transaction.state, State::CompleteCommit | State::CompleteAbort);
    if producer.epoch != transaction.epoch && !(complete && again) {
        return Err(ErrorCode::PRODUCER_FENCED);
    }
    match (transaction.state, marker) {
        (State::CompleteCommit, Marker::Commit) | (State::CompleteAbort, Marker::Abort) if again => {
            Ok(Verdict::Again)
        }
        (State::Ongoing, _) | (State::Empty, Marker::Abort) => Ok(Verdict::Prepare),
        (_, Marker::Abort) if !again => Ok(Verdict::Prepare),
        _ => Err(ErrorCode::INVALID_TXN_STATE),
    }
}
