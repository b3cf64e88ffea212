//! Tests of what transactions, restarts and time do to the state of a producer.

use super::*;
use crate::kafka::ErrorCode;
use crate::kafka::batch::BatchBuilder;

fn batch(producer_id: i64, epoch: i16, sequence: i32) -> Attempt {
    Attempt { producer_id, epoch, first_sequence: sequence, last_sequence: sequence, transactional: true }
}

fn written(offset: i64) -> Written {
    Written { base_offset: offset, last_offset: offset, max_timestamp: offset }
}

fn ending(producer_id: i64, epoch: i16, marker: Marker, bumped: bool) -> Ending {
    Ending { producer_id, epoch, marker, coordinator_epoch: 0, bumped }
}

/// Verifies, as a client of Produce 12 does by the batch itself, and writes at that offset.
fn write(states: &mut ProducerStates, batch: Attempt, offset: i64) {
    let guard = states.start_verification(batch, true, 0).unwrap();
    assert_eq!(states.check(batch, guard), Ok(Admission::New), "{batch:?}");
    states.record(batch, written(offset));
}

fn end(states: &mut ProducerStates, ending: Ending, offset: i64, high_watermark: i64) {
    states.check_marker(ending).unwrap();
    states.record_marker(ending, offset, offset, high_watermark);
}

fn code(refused: Result<Admission, Refusal>) -> ErrorCode {
    refused.unwrap_err().code()
}

#[test]
fn g1_the_first_batch_of_a_transaction_needs_a_verification_and_the_later_ones_do_not() {
    let mut states = ProducerStates::default();
    assert_eq!(code(states.check(batch(1, 0, 0), None)), ErrorCode::INVALID_TXN_STATE);
    write(&mut states, batch(1, 0, 0), 0);
    assert_eq!(states.start_verification(batch(1, 0, 1), true, 0), Ok(None), "open already");
    assert_eq!(states.check(batch(1, 0, 1), None), Ok(Admission::New));
}

#[test]
fn g1_a_guard_is_void_when_a_marker_came_between() {
    let mut states = ProducerStates::default();
    let guard = states.start_verification(batch(1, 0, 0), false, 0).unwrap();
    end(&mut states, ending(1, 0, Marker::Abort, false), 0, 1);
    assert_eq!(states.aborted(0, 1), [], "nothing was written");
    assert_eq!(code(states.check(batch(1, 0, 0), guard)), ErrorCode::INVALID_TXN_STATE);
    let again = states.start_verification(batch(1, 0, 0), false, 0).unwrap();
    assert_ne!(again, guard);
    assert_eq!(code(states.check(batch(1, 0, 0), guard)), ErrorCode::INVALID_TXN_STATE, "the old guard");
    assert_eq!(states.check(batch(1, 0, 0), again), Ok(Admission::New));
}

#[test]
fn g1_a_marker_leaves_the_verification_of_the_next_transaction_alone() {
    let mut states = ProducerStates::default();
    write(&mut states, batch(1, 0, 0), 0);
    let next = states.start_verification(batch(1, 1, 0), true, 0).unwrap();
    end(&mut states, ending(1, 1, Marker::Commit, true), 1, 2);
    assert_eq!(states.check(batch(1, 1, 0), next), Ok(Admission::New));
}

#[test]
fn g2_a_stale_epoch_is_told_before_a_missing_verification() {
    let mut states = ProducerStates::default();
    write(&mut states, batch(1, 3, 0), 0);
    assert_eq!(code(states.check(batch(1, 2, 0), None)), ErrorCode::INVALID_PRODUCER_EPOCH);
    let refused = states.start_verification(batch(1, 2, 0), true, 0).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::INVALID_PRODUCER_EPOCH);
}

#[test]
fn g3_nothing_above_the_lowest_sequence_that_has_come_begins_a_transaction() {
    let mut states = ProducerStates::default();
    states.start_verification(batch(1, 0, 2), false, 0).unwrap();
    let guard = states.start_verification(batch(1, 0, 5), false, 0).unwrap();
    let out_of_order = ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER;
    assert_eq!(code(states.check(batch(1, 0, 5), guard)), out_of_order);
    assert_eq!(states.check(batch(1, 0, 2), guard), Ok(Admission::New), "any first one without state (D5)");
    states.start_verification(batch(1, 1, 7), false, 0).unwrap();
    assert_eq!(states.check(batch(1, 1, 7), guard), Ok(Admission::New), "a new epoch counts anew");
}

#[test]
fn g3_without_state_a_client_that_adds_partitions_by_its_batches_begins_at_zero() {
    let mut states = ProducerStates::default();
    let guard = states.start_verification(batch(1, 0, 4), true, 0).unwrap();
    assert_eq!(code(states.check(batch(1, 0, 4), guard)), ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER);
    assert_eq!(states.check(batch(1, 0, 0), guard), Ok(Admission::New));
}

#[test]
fn g5_a_record_without_a_transaction_in_the_middle_of_one_is_refused() {
    let mut states = ProducerStates::default();
    write(&mut states, batch(1, 0, 0), 0);
    for epoch in [0, 1] {
        let outside = Attempt { transactional: false, ..batch(1, epoch, 1 - i32::from(epoch)) };
        assert_eq!(code(states.check(outside, None)), ErrorCode::INVALID_TXN_STATE);
    }
    let gap = Attempt { transactional: false, ..batch(1, 0, 9) };
    assert_eq!(code(states.check(gap, None)), ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER, "told before");
    end(&mut states, ending(1, 0, Marker::Commit, false), 1, 2);
    let outside = Attempt { transactional: false, ..batch(1, 0, 1) };
    assert_eq!(states.check(outside, None), Ok(Admission::New));
}

#[test]
fn g6_a_marker_with_the_same_epoch_goes_on_with_the_sequence_and_a_higher_one_begins_anew() {
    for (bumped, epoch, next) in [(false, 0, 1), (true, 1, 0)] {
        let mut states = ProducerStates::default();
        write(&mut states, batch(1, 0, 0), 0);
        end(&mut states, ending(1, epoch, Marker::Commit, bumped), 1, 2);
        write(&mut states, batch(1, epoch, next), 2);
        assert_eq!(states.last_stable_offset(3), 2);
    }
    let mut states = ProducerStates::default();
    write(&mut states, batch(1, 0, 0), 0);
    end(&mut states, ending(1, 1, Marker::Commit, true), 1, 2);
    let guard = states.start_verification(batch(1, 1, 1), false, 0).unwrap();
    assert_eq!(code(states.check(batch(1, 1, 1), guard)), ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER, "D4");
}

#[test]
fn g6_markers_of_the_past_are_refused() {
    let mut states = ProducerStates::default();
    write(&mut states, batch(1, 3, 0), 0);
    let refused = |states: &ProducerStates, ending| states.check_marker(ending).unwrap_err().code();
    let stale = ErrorCode::INVALID_PRODUCER_EPOCH;
    assert_eq!(refused(&states, ending(1, 2, Marker::Abort, false)), stale);
    assert_eq!(refused(&states, ending(1, 3, Marker::Abort, true)), stale, "it must have been raised");
    assert_eq!(states.check_marker(ending(1, 3, Marker::Abort, false)), Ok(()));
    let second = Ending { coordinator_epoch: 1, ..ending(1, 4, Marker::Abort, true) };
    end(&mut states, second, 1, 2);
    assert_eq!(states.check_marker(second), Ok(()), "written once more");
    assert_eq!(
        refused(&states, ending(1, 4, Marker::Abort, true)),
        ErrorCode::TRANSACTION_COORDINATOR_FENCED
    );
}

#[test]
fn the_last_stable_offset_is_the_first_open_one_and_never_above_the_high_watermark() {
    let mut states = ProducerStates::default();
    assert_eq!(states.last_stable_offset(5), 5);
    write(&mut states, batch(1, 0, 0), 3);
    write(&mut states, batch(2, 0, 0), 4);
    assert_eq!((states.last_stable_offset(2), states.last_stable_offset(5)), (2, 3));
    end(&mut states, ending(1, 1, Marker::Abort, true), 5, 6);
    assert_eq!(states.last_stable_offset(6), 4);
    end(&mut states, ending(2, 1, Marker::Commit, true), 6, 6);
    assert_eq!(states.last_stable_offset(6), 4, "decided, but the decision is not replicated");
    assert_eq!(states.last_stable_offset(7), 7);
}

#[test]
fn a_reader_of_committed_records_is_told_which_transactions_were_aborted() {
    let mut states = ProducerStates::default();
    write(&mut states, batch(1, 0, 0), 3);
    write(&mut states, batch(2, 0, 0), 4);
    end(&mut states, ending(1, 1, Marker::Abort, true), 5, 6);
    end(&mut states, ending(2, 1, Marker::Abort, true), 6, 7);
    write(&mut states, batch(1, 1, 0), 7);
    end(&mut states, ending(1, 2, Marker::Commit, true), 8, 9);
    let first = Aborted { producer_id: 1, first_offset: 3, last_offset: 5, last_stable_offset: 4 };
    let second = Aborted { producer_id: 2, first_offset: 4, last_offset: 6, last_stable_offset: 7 };
    assert_eq!(states.aborted(0, 9), [first, second]);
    assert_eq!(states.aborted(5, 9), [first, second], "the marker still has to be told apart");
    assert_eq!(states.aborted(6, 9), [second]);
    assert_eq!(states.aborted(7, 9), []);
    assert_eq!(states.aborted(0, 4), [first], "the other begins above");
}

#[test]
fn d8_a_restart_keeps_the_last_batch_and_an_open_transaction() {
    let mut states = ProducerStates::default();
    for sequence in 0..3 {
        write(&mut states, batch(1, 0, sequence), i64::from(sequence));
    }
    let guard = states.start_verification(batch(2, 0, 0), true, 0).unwrap();
    let states = states.restarted(None);
    assert_eq!(states.check(batch(1, 0, 2), None), Ok(Admission::Duplicate(written(2))));
    assert_eq!(code(states.check(batch(1, 0, 1), None)), ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER);
    assert_eq!(states.check(batch(1, 0, 3), None), Ok(Admission::New));
    assert_eq!(code(states.check(batch(2, 0, 0), guard)), ErrorCode::INVALID_TXN_STATE);
    assert_eq!(states.last_stable_offset(3), 0);
}

#[test]
fn d9_idle_producers_expire_by_the_time_of_their_records_and_open_transactions_never() {
    let plain = |producer_id| Attempt { transactional: false, ..batch(producer_id, 0, 0) };
    let mut states = ProducerStates::default();
    states.record(plain(1), Written { max_timestamp: 1_000, ..written(0) });
    states.record(plain(2), Written { max_timestamp: 2_000, ..written(1) });
    write(&mut states, batch(3, 0, 0), 2);
    states.expire(EXPIRATION_MS + 1_999);
    let anything = |producer_id| Attempt { transactional: false, ..batch(producer_id, 0, 70) };
    assert_eq!(states.check(anything(1), None), Ok(Admission::New), "forgotten (D5)");
    assert_eq!(code(states.check(anything(2), None)), ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER);
    states.expire(i64::MAX);
    assert_eq!(states.check(anything(2), None), Ok(Admission::New));
    assert_eq!(states.check(batch(3, 0, 1), None), Ok(Admission::New));
    assert_eq!(states.last_stable_offset(9), 2);
}

#[test]
fn d8_a_follower_has_the_state_of_its_leader_by_reading_the_log() {
    let data = |id, sequence| BatchBuilder::new().producer(id, 0, sequence).transactional().value(b"a");
    let batches = [
        data(1, 0).build().unwrap(),
        data(2, 0).build().unwrap(),
        BatchBuilder::marker(Marker::Abort, (1, 1), 7, 9).build().unwrap(),
        BatchBuilder::new().value(b"plain").build().unwrap(),
    ];
    let mut leader = ProducerStates::default();
    write(&mut leader, Attempt::of(&batches[0]).unwrap(), 0);
    write(&mut leader, Attempt::of(&batches[1]).unwrap(), 1);
    let ended = Ending { coordinator_epoch: 7, ..ending(1, 1, Marker::Abort, true) };
    leader.record_marker(ended, 2, 9, 4);
    let mut follower = ProducerStates::default();
    (0..).zip(&batches).for_each(|(offset, batch)| follower.replay(batch, offset, 4));
    assert_eq!(follower.aborted(0, 4), leader.aborted(0, 4));
    assert_eq!(follower.aborted(0, 4).len(), 1);
    let next = batch(2, 0, 1);
    assert_eq!(follower.check(next, None), leader.check(next, None));
    assert_eq!(follower.last_stable_offset(4), 1);
    assert_eq!(follower.check_marker(ending(1, 1, Marker::Abort, true)).unwrap_err().code().0, 52);
}
