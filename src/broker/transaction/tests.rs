//! Tests of the coordinator by itself: the state machine, the epochs, and what requests that come once more are told.

use std::cell::Cell;

use proptest::prelude::*;

use super::coordinator::{Coordinator, Init, Producer, Progress, Protocol};
use super::end::End;
use super::place::Place;
use crate::kafka::ErrorCode;
use crate::kafka::batch::Marker;

/// A coordinator with a clock and producer ids from 1,000.
struct Bench {
    coordinator: Coordinator,
    now: i64,
    ids: Cell<i64>,
}

type Answer<T> = Result<T, ErrorCode>;

const ABORT: Marker = Marker::Abort;
const COMMIT: Marker = Marker::Commit;

fn producer(id: i64, epoch: i16) -> Producer {
    Producer { id, epoch }
}

fn place(partition: i32) -> Place {
    Place::new("orders", partition)
}

impl Bench {
    fn new() -> Self {
        Self { coordinator: Coordinator::new(Protocol::Bumping), now: 0, ids: Cell::new(1_000) }
    }

    fn init(&mut self, expected: Option<Producer>) -> Answer<Producer> {
        let ids = &self.ids;
        let fresh = &|| ids.replace(ids.get() + 1);
        let init = Init { id: "id", timeout_ms: 1_000, expected, now: self.now, fresh };
        self.coordinator.init(init)
    }

    fn add(&mut self, producer: Producer, partition: i32) -> Answer<()> {
        self.coordinator.add(("id", producer), &[place(partition)], true, self.now)
    }

    fn end(&mut self, producer: Producer, marker: Marker, bumps: bool) -> Answer<Option<Producer>> {
        let ids = &self.ids;
        let fresh = &|| ids.replace(ids.get() + 1);
        self.coordinator.end(End { id: "id", producer, marker, bumps, now: self.now, fresh })
    }

    /// Writes all markers and says what they were: producer id, epoch, kind.
    fn write(&mut self) -> Vec<(i64, i16, Marker)> {
        let orders = self.coordinator.orders();
        for order in &orders {
            for (place, _) in &order.places {
                self.coordinator.progress(&order.id, place, Progress::Done, self.now);
            }
        }
        orders
            .iter()
            .map(|order| (order.ending.producer_id, order.ending.epoch, order.ending.marker))
            .collect()
    }

    /// Begins a transaction with one partition and ends it.
    fn transact(&mut self, producer: Producer, marker: Marker) -> Producer {
        self.add(producer, 0).unwrap();
        let next = self.end(producer, marker, true).unwrap().unwrap();
        self.write();
        next
    }

    fn expire(&mut self) {
        let ids = &self.ids;
        self.coordinator.expire(self.now, &|| ids.replace(ids.get() + 1));
    }

    /// Raises the epoch until it is that one.
    fn raise_to(&mut self, epoch: i16) -> Producer {
        loop {
            let at = self.init(None).unwrap();
            if at.epoch == epoch {
                return at;
            }
        }
    }
}

#[test]
fn each_new_producer_fences_the_one_before() {
    let mut bench = Bench::new();
    let first = bench.init(None).unwrap();
    assert_eq!(first, producer(1_000, 0));
    let second = bench.init(None).unwrap();
    assert_eq!(second, producer(1_000, 1));
    assert_eq!(bench.add(first, 0), Err(ErrorCode::PRODUCER_FENCED));
    assert_eq!(bench.end(first, ABORT, true), Err(ErrorCode::PRODUCER_FENCED));
    assert_eq!(bench.add(second, 0), Ok(()));
}

#[test]
fn an_unknown_id_has_no_producer() {
    let mut bench = Bench::new();
    let unknown = ErrorCode::INVALID_PRODUCER_ID_MAPPING;
    assert_eq!(bench.add(producer(1_000, 0), 0), Err(unknown));
    assert_eq!(bench.end(producer(1_000, 0), COMMIT, true), Err(unknown));
    assert_eq!(bench.coordinator.verify(("id", producer(1_000, 0)), &[place(0)]), Err(unknown));
    bench.init(None).unwrap();
    assert_eq!(bench.add(producer(999, 0), 0), Err(unknown));
    assert_eq!(bench.end(producer(999, 0), COMMIT, false), Err(unknown));
}

#[test]
fn a_new_producer_aborts_what_is_open_and_has_to_ask_again() {
    let mut bench = Bench::new();
    let old = bench.init(None).unwrap();
    bench.add(old, 0).unwrap();
    assert_eq!(bench.init(None), Err(ErrorCode::CONCURRENT_TRANSACTIONS));
    assert_eq!(bench.init(None), Err(ErrorCode::CONCURRENT_TRANSACTIONS), "until the markers are written");
    assert_eq!(bench.write(), [(1_000, 1, ABORT)], "the marker's epoch is above the old producer's");
    assert_eq!(bench.init(None), Ok(producer(1_000, 2)));
    assert_eq!(bench.end(old, COMMIT, true), Err(ErrorCode::PRODUCER_FENCED));
}

#[test]
fn kip_360_a_producer_that_says_who_it_was_goes_on_and_may_say_it_twice() {
    let mut bench = Bench::new();
    let first = bench.init(None).unwrap();
    let second = bench.init(Some(first)).unwrap();
    assert_eq!(second, producer(1_000, 1));
    assert_eq!(bench.init(Some(first)), Ok(second), "the answer was lost");
    assert_eq!(bench.init(Some(second)), Ok(producer(1_000, 2)));
    assert_eq!(bench.init(Some(first)), Err(ErrorCode::PRODUCER_FENCED));
    assert_eq!(bench.init(Some(producer(7, 2))), Err(ErrorCode::PRODUCER_FENCED), "another id");
    assert_eq!(bench.init(None), Ok(producer(1_000, 3)));
    assert_eq!(bench.init(Some(second)), Err(ErrorCode::PRODUCER_FENCED), "somebody else came between");
}

#[test]
fn the_last_epochs_lead_to_another_producer_id() {
    let mut bench = Bench::new();
    let last = bench.raise_to(i16::MAX - 1);
    assert_eq!(bench.init(Some(producer(last.id, 3))), Err(ErrorCode::UNKNOWN_SERVER_ERROR));
    let next = bench.init(Some(last)).unwrap();
    assert_eq!(next, producer(1_001, 0));
    assert_eq!(bench.init(Some(last)), Ok(next), "the answer was lost");
    let last = bench.raise_to(i16::MAX - 1);
    assert_eq!(bench.init(None), Ok(producer(1_002, 0)));
    assert_eq!(bench.init(Some(last)), Err(ErrorCode::PRODUCER_FENCED), "it was not for that producer");
}

#[test]
fn kip_890_each_end_raises_the_epoch_and_the_last_one_gives_another_id() {
    let mut bench = Bench::new();
    let first = bench.init(None).unwrap();
    let second = bench.transact(first, COMMIT);
    assert_eq!(second, producer(1_000, 1));
    assert_eq!(bench.transact(second, ABORT), producer(1_000, 2));
    let last = bench.raise_to(i16::MAX - 1);
    bench.add(last, 0).unwrap();
    assert_eq!(bench.end(last, COMMIT, true), Ok(Some(producer(1_001, 0))));
    assert_eq!(bench.write(), [(1_000, i16::MAX, COMMIT)]);
    assert_eq!(bench.end(last, COMMIT, true), Ok(Some(producer(1_001, 0))), "once more");
    assert_eq!(bench.transact(producer(1_001, 0), COMMIT), producer(1_001, 1));
}

/// The table of `TransactionCoordinator.endTransaction`.
#[test]
fn kip_890_what_an_end_is_told_that_comes_again_or_out_of_place() {
    let fenced = Err(ErrorCode::PRODUCER_FENCED);
    let wrong = Err(ErrorCode::INVALID_TXN_STATE);
    let bump = |epoch: i16| Ok(Some(producer(1_000, epoch + 1)));
    let same = |epoch| Ok(Some(producer(1_000, epoch)));
    for (state, abort_again, abort, commit_again, commit) in [
        (None, fenced, bump(5), fenced, wrong),
        (Some(ABORT), same(5), bump(5), wrong, wrong),
        (Some(COMMIT), wrong, bump(5), same(5), wrong),
    ] {
        for (again, marker, expected) in [
            (true, ABORT, abort_again),
            (false, ABORT, abort),
            (true, COMMIT, commit_again),
            (false, COMMIT, commit),
        ] {
            let mut bench = Bench::new();
            let at = match state {
                None => bench.raise_to(5),
                Some(marker) => {
                    let before = bench.raise_to(4);
                    bench.transact(before, marker)
                }
            };
            assert_eq!(at.epoch, 5);
            let epoch = if again { 4 } else { 5 };
            let answer = bench.end(producer(1_000, epoch), marker, true);
            assert_eq!(answer, expected, "{state:?}, then {marker:?} with epoch {epoch}");
            assert!(bench.coordinator.is_settled(), "without partitions there is nothing to write");
        }
    }
}

#[test]
fn before_kip_890_the_epoch_stays_and_the_state_tells_what_comes_again() {
    let mut bench = Bench::new();
    let only = bench.init(None).unwrap();
    assert_eq!(bench.end(only, ABORT, false), Err(ErrorCode::INVALID_TXN_STATE), "nothing has begun");
    for (marker, other) in [(COMMIT, ABORT), (ABORT, COMMIT)] {
        bench.add(only, 0).unwrap();
        assert_eq!(bench.end(only, marker, false), Ok(None));
        assert_eq!(bench.end(only, marker, false), Err(ErrorCode::CONCURRENT_TRANSACTIONS));
        assert_eq!(bench.add(only, 1), Err(ErrorCode::CONCURRENT_TRANSACTIONS));
        assert_eq!(bench.write(), [(1_000, 0, marker)]);
        assert_eq!(bench.end(only, marker, false), Ok(None), "once more");
        assert_eq!(bench.end(only, other, false), Err(ErrorCode::INVALID_TXN_STATE));
    }
    assert_eq!(bench.end(producer(1_000, 1), ABORT, false), Err(ErrorCode::PRODUCER_FENCED));
}

#[test]
fn a_classic_cluster_fences_with_a_raised_epoch_too() {
    let mut bench = Bench { coordinator: Coordinator::new(Protocol::Classic), ..Bench::new() };
    let old = bench.init(None).unwrap();
    bench.add(old, 0).unwrap();
    assert_eq!(bench.init(None), Err(ErrorCode::CONCURRENT_TRANSACTIONS));
    let orders = bench.coordinator.orders();
    assert_eq!((orders[0].ending.epoch, orders[0].ending.bumped), (1, false));
    bench.write();
    assert_eq!(bench.init(None), Ok(producer(1_000, 2)));
}

#[test]
fn a_partition_is_verified_if_it_was_added() {
    let mut bench = Bench::new();
    let at = bench.init(None).unwrap();
    let verify = |bench: &Bench, producer| bench.coordinator.verify(("id", producer), &[place(0), place(1)]);
    let missing = ErrorCode::TRANSACTION_ABORTABLE;
    assert_eq!(verify(&bench, at), Ok(vec![missing, missing]));
    bench.add(at, 1).unwrap();
    assert_eq!(verify(&bench, at), Ok(vec![missing, ErrorCode::NONE]));
    assert_eq!(verify(&bench, producer(1_000, 9)), Err(ErrorCode::PRODUCER_FENCED));
    bench.end(at, COMMIT, false).unwrap();
    assert_eq!(verify(&bench, at), Err(ErrorCode::CONCURRENT_TRANSACTIONS));
    bench.write();
    assert_eq!(verify(&bench, at), Ok(vec![missing, missing]));
}

#[test]
fn a_marker_that_cannot_be_written_holds_the_next_transaction_up() {
    let mut bench = Bench::new();
    let at = bench.init(None).unwrap();
    bench.add(at, 0).unwrap();
    bench.add(at, 1).unwrap();
    let next = bench.end(at, COMMIT, true).unwrap().unwrap();
    bench.coordinator.progress("id", &place(0), Progress::Done, 0);
    bench.coordinator.progress("id", &place(1), Progress::Blocked, 0);
    assert_eq!(bench.coordinator.orders()[0].places, [(place(1), None)]);
    assert_eq!(bench.add(next, 0), Err(ErrorCode::CONCURRENT_TRANSACTIONS));
    assert_eq!(bench.init(None), Err(ErrorCode::CONCURRENT_TRANSACTIONS));
    bench.write();
    assert_eq!(bench.add(next, 0), Ok(()));
}

#[test]
fn a_marker_that_is_refused_for_ever_lets_the_transaction_hang() {
    let mut bench = Bench::new();
    let at = bench.init(None).unwrap();
    bench.add(at, 0).unwrap();
    bench.end(at, COMMIT, true).unwrap();
    bench.coordinator.progress("id", &place(0), Progress::Refused, 0);
    assert!(bench.coordinator.is_settled());
    assert_eq!(bench.init(None), Err(ErrorCode::CONCURRENT_TRANSACTIONS));
}

#[test]
fn a_transaction_over_its_time_is_aborted_and_its_producer_fenced() {
    let mut bench = Bench::new();
    let at = bench.init(None).unwrap();
    bench.now = 5_000;
    bench.add(at, 0).unwrap();
    bench.now = 5_500;
    bench.add(at, 1).unwrap();
    assert_eq!(bench.coordinator.next_deadline(), Some(6_000), "it counts from the first partition");
    bench.now = 6_000;
    bench.expire();
    assert!(bench.coordinator.is_settled(), "not yet");
    bench.now = 6_001;
    bench.expire();
    assert_eq!(bench.write(), [(1_000, 1, ABORT)]);
    assert_eq!(bench.end(at, COMMIT, false), Err(ErrorCode::PRODUCER_FENCED));
    // For KIP-890 the old epoch is that of a request that comes once more.
    assert_eq!(bench.end(at, COMMIT, true), Err(ErrorCode::INVALID_TXN_STATE));
    assert_eq!(bench.end(at, ABORT, true), Ok(Some(producer(1_000, 1))));
    assert_eq!(bench.add(at, 0), Err(ErrorCode::PRODUCER_FENCED));
}

#[test]
fn an_id_that_nobody_uses_for_a_week_is_forgotten() {
    let mut bench = Bench::new();
    let at = bench.init(None).unwrap();
    bench.now = 604_800_000 - 1;
    bench.expire();
    assert_eq!(bench.add(at, 0), Ok(()), "not yet");
    bench.end(at, COMMIT, false).unwrap();
    bench.write();
    bench.now *= 2;
    bench.expire();
    assert_eq!(bench.add(at, 0), Ok(()));
    bench.end(at, COMMIT, false).unwrap();
    bench.write();
    bench.now += 604_800_000;
    bench.expire();
    assert_eq!(bench.add(at, 0), Err(ErrorCode::INVALID_PRODUCER_ID_MAPPING));
}

/// What producers may do, in a world where markers are written at once.
#[derive(Clone, Copy, Debug)]
enum Act {
    Init,
    Add(usize, i32),
    Verify(usize, i32),
    End(usize, bool),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        1 => Just(Act::Init),
        4 => (0..4_usize, 0..3_i32).prop_map(|(who, partition)| Act::Add(who, partition)),
        2 => (0..4_usize, 0..3_i32).prop_map(|(who, partition)| Act::Verify(who, partition)),
        3 => (0..4_usize, any::<bool>()).prop_map(|(who, commit)| Act::End(who, commit)),
    ];
    prop::collection::vec(act, 0..100)
}

/// The rules in the large: the newest producer alone may act, with what it has added since its last end.
#[derive(Default)]
struct Model {
    /// Every producer that there was, the newest last.
    producers: Vec<Producer>,
    open: Vec<i32>,
    ended: Option<Marker>,
}

proptest! {
    /// Clients of KIP-890 against a model of a few lines: who is fenced, what is open, which markers are written.
    #[test]
    fn the_newest_producer_alone_acts_and_every_end_writes_exactly_what_was_added(acts in acts()) {
        let mut bench = Bench::new();
        let mut model = Model::default();
        model.producers.push(bench.init(None).unwrap());
        for act in acts {
            let newest = *model.producers.last().unwrap();
            let back = |who: usize| model.producers[model.producers.len().saturating_sub(1 + who / 2)];
            match act {
                Act::Init if model.open.is_empty() => {
                    let next = bench.init(None);
                    prop_assert_eq!(next, Ok(producer(newest.id, newest.epoch + 1)));
                    model.producers.push(next.unwrap());
                    model.ended = None;
                }
                Act::Init => {
                    prop_assert_eq!(bench.init(None), Err(ErrorCode::CONCURRENT_TRANSACTIONS));
                    let places: Vec<_> = bench.coordinator.orders()[0].places.iter().map(|(place, _)| place.partition).collect();
                    model.open.sort_unstable();
                    prop_assert_eq!(places, std::mem::take(&mut model.open));
                    prop_assert_eq!(bench.write(), [(newest.id, newest.epoch + 1, ABORT)]);
                    model.producers.push(producer(newest.id, newest.epoch + 1));
                    model.ended = Some(ABORT);
                }
                Act::Add(who, partition) => {
                    let expected = if back(who) == newest { Ok(()) } else { Err(ErrorCode::PRODUCER_FENCED) };
                    prop_assert_eq!(bench.add(back(who), partition), expected);
                    if expected.is_ok() && !model.open.contains(&partition) {
                        model.open.push(partition);
                    }
                }
                Act::Verify(who, partition) => {
                    let there = if model.open.contains(&partition) { ErrorCode::NONE } else { ErrorCode::TRANSACTION_ABORTABLE };
                    let expected = if back(who) == newest { Ok(vec![there]) } else { Err(ErrorCode::PRODUCER_FENCED) };
                    prop_assert_eq!(bench.coordinator.verify(("id", back(who)), &[place(partition)]), expected);
                }
                Act::End(who, commit) => {
                    let marker = if commit { COMMIT } else { ABORT };
                    let from = back(who);
                    let answer = bench.end(from, marker, true);
                    let again = from.epoch + 1 == newest.epoch && model.open.is_empty() && model.ended.is_some();
                    if from == newest && (!model.open.is_empty() || !commit) {
                        let next = producer(newest.id, newest.epoch + 1);
                        prop_assert_eq!(answer, Ok(Some(next)));
                        let written = bench.write();
                        prop_assert_eq!(written.is_empty(), model.open.is_empty());
                        prop_assert!(written.iter().all(|it| *it == (newest.id, next.epoch, marker)));
                        model.producers.push(next);
                        model.open.clear();
                        model.ended = Some(marker);
                    } else if again {
                        let expected = if model.ended == Some(marker) { Ok(Some(newest)) } else { Err(ErrorCode::INVALID_TXN_STATE) };
                        prop_assert_eq!(answer, expected);
                    } else {
                        let expected = if from == newest { ErrorCode::INVALID_TXN_STATE } else { ErrorCode::PRODUCER_FENCED };
                        prop_assert_eq!(answer, Err(expected));
                    }
                }
            }
            prop_assert!(bench.coordinator.is_settled());
        }
    }
}
