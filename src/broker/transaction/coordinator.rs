//! The coordinator: one state machine for each transactional id, and the markers that are still to be written.

use std::collections::BTreeMap;

use crate::broker::partition::producers::Ending;
pub(in crate::broker) use crate::broker::transaction::metadata::Standing;
use crate::broker::transaction::metadata::{NO_EPOCH, State, Transaction, is_exhausted};
use crate::broker::transaction::place::Place;
use crate::kafka::ErrorCode;
use crate::kafka::batch::Marker;

/// The longest time-out that a transaction may have, in milliseconds (`transaction.max.timeout.ms`).
const MAX_TIMEOUT_MS: i32 = 900_000;
/// How long an id without a transaction is kept, in milliseconds (`transactional.id.expiration.ms`).
const ID_EXPIRATION_MS: i64 = 604_800_000;

/// A producer as the protocol names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::broker) struct Producer {
    /// The producer id.
    pub id: i64,
    /// The producer epoch.
    pub epoch: i16,
}

/// What a cluster has agreed upon (the feature `transaction.version`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::broker) enum Protocol {
    /// The epoch stays until a producer is fenced (0 and 1).
    Classic,
    /// The epoch rises with each transaction (2, KIP-890).
    #[default]
    Bumping,
}

/// Gives a producer id that nobody has had.
pub(in crate::broker) type Fresh<'a> = &'a dyn Fn() -> i64;

/// `InitProducerId` for a transactional id.
#[derive(Clone, Copy)]
pub(in crate::broker) struct Init<'a> {
    /// The transactional id, not empty.
    pub id: &'a str,
    /// Milliseconds, found right by [`check_timeout`].
    pub timeout_ms: i32,
    /// Who the client believes to be, if it goes on after an error (KIP-360).
    pub expected: Option<Producer>,
    /// The clock, in milliseconds since 1970.
    pub now: i64,
    /// Gives a producer id that nobody has had, should one be needed.
    pub fresh: Fresh<'a>,
}

/// Markers that have to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::broker) struct Order {
    /// Whose.
    pub id: String,
    /// What each marker says; its coordinator epoch is the writer's to fill in.
    pub ending: Ending,
    /// Where, and where it stands already but for its replicas.
    pub places: Vec<(Place, Option<Standing>)>,
}

/// What became of a marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::broker) enum Progress {
    /// It stands on all replicas, or the partition is no more.
    Done,
    /// It stands in the leader's log.
    Written(Standing),
    /// It cannot be written now.
    Blocked,
    /// It can never be written: the partition has seen a later epoch. The transaction hangs, as it does in Kafka
    /// (`TransactionMarkerRequestCompletionHandler`).
    Refused,
}

/// The transactional ids of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::broker) struct Coordinator {
    pub(super) by_id: BTreeMap<String, Transaction>,
    pub(super) protocol: Protocol,
}

/// `TransactionStateManager.validateTransactionTimeoutMs`.
pub(in crate::broker) fn check_timeout(timeout_ms: i32) -> Result<(), ErrorCode> {
    if (1..=MAX_TIMEOUT_MS).contains(&timeout_ms) {
        Ok(())
    } else {
        Err(ErrorCode::INVALID_TRANSACTION_TIMEOUT)
    }
}

impl Coordinator {
    /// One that speaks that protocol.
    pub(in crate::broker) fn new(protocol: Protocol) -> Self {
        Self { by_id: BTreeMap::new(), protocol }
    }

    /// Gives a producer its id and epoch, and fences the one that had them. An open transaction is aborted first; the
    /// client is told to ask again.
    pub(in crate::broker) fn init(&mut self, request: Init<'_>) -> Result<Producer, ErrorCode> {
        let Init { id, timeout_ms, expected, now, fresh } = request;
        let new = || Transaction::new(fresh(), timeout_ms, now);
        let transaction = self.by_id.entry(id.to_owned()).or_insert_with(new);
        if transaction.is_ending() {
            return Err(ErrorCode::CONCURRENT_TRANSACTIONS);
        }
        if expected.is_some_and(|expected| !may_be(transaction, expected)) {
            return Err(ErrorCode::PRODUCER_FENCED);
        }
        if transaction.state == State::Ongoing {
            self.fence(id, now, fresh);
            return Err(ErrorCode::CONCURRENT_TRANSACTIONS);
        }
        let same = expected.is_none_or(|expected| expected.epoch == transaction.epoch);
        if transaction.is_exhausted() && same {
            let last_epoch = if expected.is_some() { transaction.epoch } else { NO_EPOCH };
            transaction.rotate(fresh(), last_epoch);
        } else {
            let (epoch, last_epoch) = next_epoch(transaction, expected)?;
            transaction.begin_epoch(epoch, last_epoch);
        }
        (transaction.timeout_ms, transaction.changed_at) = (timeout_ms, now);
        Ok(Producer { id: transaction.producer_id, epoch: transaction.epoch })
    }

    /// Aborts an open transaction with a raised epoch, so that its producer finds itself fenced.
    fn fence(&mut self, id: &str, now: i64, fresh: Fresh<'_>) {
        let bumps = self.protocol == Protocol::Bumping;
        let Some(transaction) = self.by_id.get_mut(id) else { return };
        if bumps {
            transaction.next_producer_id = transaction.is_exhausted().then(fresh);
        } else {
            transaction.epoch = transaction.epoch.saturating_add(1);
            transaction.last_epoch = NO_EPOCH;
        }
        transaction.prepare(State::PrepareAbort, bumps, now);
        self.complete_if_written(id, now);
    }

    /// Adds partitions to the transaction of a producer; `bumps` says that they came by a broker for a client of
    /// transaction version 2 (`AddPartitionsToTxn` 4 and up).
    pub(in crate::broker) fn add(
        &mut self,
        (id, producer): (&str, Producer),
        places: &[Place],
        bumps: bool,
        now: i64,
    ) -> Result<(), ErrorCode> {
        let transaction = self.by_id.get_mut(id).ok_or(ErrorCode::INVALID_PRODUCER_ID_MAPPING)?;
        if transaction.is_ending() {
            return Err(ErrorCode::CONCURRENT_TRANSACTIONS);
        }
        check_producer(transaction, producer)?;
        let known = places.iter().all(|place| transaction.places.contains_key(place));
        if transaction.state != State::Ongoing || !known {
            transaction.add(places, now, bumps);
        }
        Ok(())
    }

    /// Whether each of these partitions is part of the producer's transaction.
    pub(in crate::broker) fn verify(
        &self,
        (id, producer): (&str, Producer),
        places: &[Place],
    ) -> Result<Vec<ErrorCode>, ErrorCode> {
        let transaction = self.by_id.get(id).ok_or(ErrorCode::INVALID_PRODUCER_ID_MAPPING)?;
        check_producer(transaction, producer)?;
        if transaction.is_ending() {
            return Err(ErrorCode::CONCURRENT_TRANSACTIONS);
        }
        let code = |place| {
            let there = transaction.places.contains_key(place);
            if there { ErrorCode::NONE } else { ErrorCode::TRANSACTION_ABORTABLE }
        };
        Ok(places.iter().map(code).collect())
    }

    /// Aborts the transactions that have taken longer than their time-out
    /// (`TransactionCoordinator.abortTimedOutTransactions`), and forgets the ids that have not been used for a week.
    pub(in crate::broker) fn expire(&mut self, now: i64, fresh: Fresh<'_>) {
        let over = |transaction: &Transaction| deadline(transaction).is_some_and(|deadline| deadline < now);
        let ids = self.by_id.iter().filter(|(_, transaction)| over(transaction));
        let ids: Vec<_> = ids.map(|(id, _)| id.clone()).collect();
        for id in ids {
            self.fence(&id, now, fresh);
        }
        let forgotten = |transaction: &Transaction| last_day(transaction).is_some_and(|last| last < now);
        self.by_id.retain(|_, transaction| !forgotten(transaction));
    }

    /// When [`Self::expire`] next has something to do: after that time, in milliseconds since 1970.
    pub(in crate::broker) fn next_deadline(&self) -> Option<i64> {
        self.by_id
            .values()
            .filter_map(|transaction| deadline(transaction).or_else(|| last_day(transaction)))
            .min()
    }

    /// Whether markers are still to be written.
    pub(in crate::broker) fn is_settled(&self) -> bool {
        !self.by_id.values().any(|transaction| transaction.is_ending() && !transaction.hangs)
    }

    /// The markers that are still to be written.
    pub(in crate::broker) fn orders(&self) -> Vec<Order> {
        let ending = self.by_id.iter().filter(|(_, it)| it.is_ending() && !it.hangs);
        ending.map(|(id, transaction)| order(id, transaction)).collect()
    }

    /// What became of a marker. With the last one the transaction is complete.
    pub(in crate::broker) fn progress(&mut self, id: &str, place: &Place, progress: Progress, now: i64) {
        let Some(transaction) = self.by_id.get_mut(id) else { return };
        match progress {
            Progress::Done => drop(transaction.places.remove(place)),
            Progress::Written(standing) => {
                transaction.places.entry(place.clone()).and_modify(|at| *at = Some(standing));
            }
            Progress::Blocked => {}
            Progress::Refused => transaction.hangs = true,
        }
        self.complete_if_written(id, now);
    }

    pub(super) fn complete_if_written(&mut self, id: &str, now: i64) {
        let transaction = self.by_id.get_mut(id);
        if let Some(transaction) = transaction.filter(|it| it.is_ending() && it.places.is_empty()) {
            transaction.complete(now);
        }
    }
}

fn order(id: &str, transaction: &Transaction) -> Order {
    let marker = if transaction.state == State::PrepareCommit { Marker::Commit } else { Marker::Abort };
    let ending = Ending {
        producer_id: transaction.producer_id,
        epoch: transaction.epoch,
        marker,
        coordinator_epoch: 0,
        bumped: transaction.bumps,
    };
    let places = transaction.places.iter().map(|(place, at)| (place.clone(), *at));
    Order { id: id.to_owned(), ending, places: places.collect() }
}

/// The last millisecond in which a transaction is not over yet.
fn deadline(transaction: &Transaction) -> Option<i64> {
    let open = transaction.state == State::Ongoing;
    open.then(|| transaction.started_at.saturating_add(transaction.timeout_ms.into()))
}

/// The last millisecond in which an id without a transaction is not forgotten yet.
fn last_day(transaction: &Transaction) -> Option<i64> {
    let idle = transaction.state != State::Ongoing && !transaction.is_ending();
    idle.then(|| transaction.changed_at.saturating_add(ID_EXPIRATION_MS - 1))
}

fn check_producer(transaction: &Transaction, producer: Producer) -> Result<(), ErrorCode> {
    if transaction.producer_id != producer.id {
        return Err(ErrorCode::INVALID_PRODUCER_ID_MAPPING);
    }
    if transaction.epoch == producer.epoch { Ok(()) } else { Err(ErrorCode::PRODUCER_FENCED) }
}

/// Whether a client that says who it was may still be the producer of that id: the epoch is looked at later, unless it
/// was exhausted, and the answer with another id lost.
fn may_be(transaction: &Transaction, expected: Producer) -> bool {
    transaction.epoch == NO_EPOCH
        || expected.id == transaction.producer_id
        || (expected.id == transaction.previous_producer_id && is_exhausted(expected.epoch))
}

/// Epoch and last epoch of a producer that begins (`TransactionMetadata.prepareIncrementProducerEpoch`).
fn next_epoch(transaction: &Transaction, expected: Option<Producer>) -> Result<(i16, i16), ErrorCode> {
    // A client that names an epoch of the past, when there is no epoch left, runs into a failure of Kafka.
    let bumped = || match transaction.epoch {
        epoch if is_exhausted(epoch) => Err(ErrorCode::UNKNOWN_SERVER_ERROR),
        epoch => Ok(epoch + 1),
    };
    let bumped = bumped()?;
    match expected {
        None => Ok((bumped, NO_EPOCH)),
        Some(Producer { epoch, .. }) if transaction.epoch == NO_EPOCH || epoch == transaction.epoch => {
            Ok((bumped, transaction.epoch))
        }
        Some(Producer { epoch, .. }) if epoch == transaction.last_epoch => {
            Ok((transaction.epoch, transaction.last_epoch))
        }
        Some(_) => Err(ErrorCode::PRODUCER_FENCED),
    }
}
