//! What a partition remembers of its idempotent and transactional producers, and what follows for the next batch: is it
//! new, has it been written before, or must it be refused? No socket, no clock.
//!
//! The rules are those of Apache Kafka (`UnifiedLog.analyzeAndValidateProducerState`, `ProducerAppendInfo`,
//! `ProducerStateEntry`, `ProducerStateManager`, all in `storage/`). A caller asks [`ProducerStates::check`] after every
//! other check, appends, and reports the append with [`ProducerStates::record`]; a batch that is refused therefore
//! changes nothing. A marker that ends a transaction goes the same way by [`ProducerStates::check_marker`] and
//! [`ProducerStates::record_marker`].

mod attempt;
mod refusal;
mod stable;
mod state;
#[cfg(test)]
mod transactional;
mod verification;

use std::collections::HashMap;

use crate::broker::partition::producers::stable::Stability;
use crate::broker::partition::producers::state::ProducerState;
use crate::broker::partition::producers::verification::Verification;
use crate::kafka::batch::{Batch, Marker};

pub use attempt::{Admission, Attempt, EXPIRATION_MS, Ending, Written};
pub use refusal::Refusal;
pub use stable::Aborted;
pub use verification::Guard;

/// The producers of one partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProducerStates {
    by_id: HashMap<i64, ProducerState>,
    verification: Verification,
    stability: Stability,
}

impl ProducerStates {
    /// Decides on a batch, in Kafka's order: a duplicate, then the epoch, whether a transaction is open or verified, the
    /// sequence, and last a record without a transaction in the middle of one. Changes nothing.
    pub fn check(&self, batch: Attempt, guard: Option<Guard>) -> Result<Admission, Refusal> {
        let unknown = ProducerState::unknown();
        let known = self.by_id.get(&batch.producer_id).unwrap_or(&unknown);
        if let Some(written) = known.duplicate(batch) {
            return Ok(Admission::Duplicate(written));
        }
        known.check_epoch(batch)?;
        let open = !batch.transactional || known.has_open(batch.epoch);
        if !open && !self.verification.is_verified(batch.producer_id, guard) {
            return Err(Refusal::Unverified { producer_id: batch.producer_id });
        }
        self.verification.check_sequence(batch, known.is_empty())?;
        known.check_sequence(batch)?;
        if known.open_since().is_some() && !batch.transactional {
            return Err(Refusal::OutsideTransaction { producer_id: batch.producer_id });
        }
        Ok(Admission::New)
    }

    /// Begins to ask the coordinator whether the transaction of a batch has this partition; none if the transaction is
    /// open here already (`UnifiedLog.maybeStartTransactionVerification`). `bumps` says that the client's protocol lets
    /// the partition be added by the batch itself (Produce 12 and up); `now` is in milliseconds since 1970.
    pub fn start_verification(
        &mut self,
        batch: Attempt,
        bumps: bool,
        now: i64,
    ) -> Result<Option<Guard>, Refusal> {
        if let Some(known) = self.by_id.get(&batch.producer_id) {
            known.check_epoch(batch)?;
            if known.has_open(batch.epoch) {
                return Ok(None);
            }
        }
        Ok(Some(self.verification.start(batch, bumps, now)))
    }

    /// Remembers that a batch was written, which [`Self::check`] had found to be new. A new epoch forgets the batches
    /// of the old one; the first batch of a transaction opens it.
    pub fn record(&mut self, batch: Attempt, written: Written) {
        let state = self.by_id.entry(batch.producer_id).or_insert_with(ProducerState::unknown);
        state.record(batch, written);
        if batch.transactional {
            if state.open(written.base_offset) {
                self.stability.open(written.base_offset, batch.producer_id);
            }
            self.verification.clear(batch.producer_id);
        }
    }

    /// Whether a marker may be written (`ProducerAppendInfo.appendEndTxnMarker`).
    pub fn check_marker(&self, ending: Ending) -> Result<(), Refusal> {
        self.by_id.get(&ending.producer_id).map_or(Ok(()), |known| known.check_marker(ending))
    }

    /// Remembers that a marker was written at `offset` and `timestamp` (milliseconds since 1970), while the high
    /// watermark stood at `high_watermark`.
    pub fn record_marker(&mut self, ending: Ending, offset: i64, timestamp: i64, high_watermark: i64) {
        let state = self.by_id.entry(ending.producer_id).or_insert_with(ProducerState::unknown);
        let first_offset = state.end(ending, timestamp);
        self.verification.ended(ending);
        if let Some(first_offset) = first_offset {
            let ended = (ending.producer_id, ending.marker);
            self.stability.complete(ended, (first_offset, offset), high_watermark);
        }
    }

    /// Takes over a batch that a leader has written, without a check, as a follower and a log that is read anew do
    /// (`UnifiedLog.loadProducersFromRecords`). Batches come in the order of their offsets.
    pub fn replay(&mut self, batch: &Batch, base_offset: i64, high_watermark: i64) {
        let last_offset = base_offset + i64::from(batch.last_offset_delta());
        if batch.is_control() {
            if let Some((ending, timestamp)) = read_marker(batch) {
                self.record_marker(ending, last_offset, timestamp, high_watermark);
            }
        } else if let Some(attempt) = Attempt::of(batch) {
            let max_timestamp = batch.max_timestamp();
            self.record(attempt, Written { base_offset, last_offset, max_timestamp });
        }
    }

    /// The aborted transactions that a reader of the offsets from `from` to below `below` must know, by the offsets of
    /// their markers.
    pub fn aborted(&self, from: i64, below: i64) -> Vec<Aborted> {
        self.stability.aborted(from, below)
    }

    /// The offset below which every transaction is decided, and the decision replicated: never above the high
    /// watermark (`UnifiedLog.lastStableOffset`).
    pub fn last_stable_offset(&self, high_watermark: i64) -> i64 {
        self.stability.first(high_watermark).map_or(high_watermark, |first| first.min(high_watermark))
    }

    /// What a broker still knows when it has been started again: of each producer only the last batch
    /// (`ProducerStateManager.writeSnapshot`), of those idle for too long by then nothing (`loadFromSnapshot`), and of no
    /// verification that was under way. `started_at` is in milliseconds since 1970, none if the time does not matter.
    #[must_use]
    pub fn restarted(mut self, started_at: Option<i64>) -> Self {
        if let Some(now) = started_at {
            self.expire(now);
        }
        self.by_id.values_mut().for_each(ProducerState::keep_last_batch);
        self.verification = Verification::default();
        self
    }

    /// Forgets producers that have been idle for [`EXPIRATION_MS`] by the timestamps of their records, and
    /// verifications that old; an open transaction keeps its producer (`ProducerStateManager.removeExpiredProducers`).
    /// `now` is in milliseconds since 1970.
    pub fn expire(&mut self, now: i64) {
        self.by_id.retain(|_, state| !state.is_expired(now));
        self.verification.expire(now);
    }
}

/// What a marker says, and its timestamp; none if it is no marker.
fn read_marker(batch: &Batch) -> Option<(Ending, i64)> {
    let payload = batch.payload(batch.size()).ok()?;
    let record = batch.records(&payload).next()?.ok()?;
    let ending = Ending {
        producer_id: batch.producer_id(),
        epoch: batch.producer_epoch(),
        marker: Marker::of(&record)?,
        coordinator_epoch: Marker::coordinator_epoch(&record)?,
        bumped: false,
    };
    Some((ending, record.timestamp(batch)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kafka::ErrorCode;
    use crate::kafka::batch::{BatchBuilder, last_sequence, next_sequence};

    const MAX: i32 = i32::MAX;

    /// A batch of producer 1 with these sequences.
    fn batch(epoch: i16, first_sequence: i32, last_sequence: i32) -> Attempt {
        Attempt { producer_id: 1, epoch, first_sequence, last_sequence, transactional: false }
    }

    fn written(base_offset: i64) -> Written {
        Written { base_offset, last_offset: base_offset + 9, max_timestamp: base_offset * 10 }
    }

    /// A partition to which these batches were written, the n-th at offset 10 n.
    fn after(batches: &[Attempt]) -> ProducerStates {
        let mut states = ProducerStates::default();
        for (n, batch) in (0..).zip(batches) {
            assert_eq!(states.check(*batch, None), Ok(Admission::New), "{batch:?}");
            states.record(*batch, written(10 * n));
        }
        states
    }

    fn out_of_order(sequence: i32, expected: i32) -> Result<Admission, Refusal> {
        Err(Refusal::OutOfOrder { producer_id: 1, sequence, expected })
    }

    fn stale(epoch: i16, known: i16) -> Result<Admission, Refusal> {
        Err(Refusal::StaleEpoch { producer_id: 1, epoch, known })
    }

    #[test]
    fn without_state_any_first_sequence_and_epoch_is_accepted() {
        for (epoch, sequence) in [(0, 0), (0, 17), (3, 5), (i16::MAX, MAX)] {
            assert_eq!(after(&[]).check(batch(epoch, sequence, sequence), None), Ok(Admission::New));
        }
        assert_eq!(after(&[]).check(batch(-2, 0, 0), None), stale(-2, -1));
    }

    #[test]
    fn the_same_epoch_must_go_on_where_it_stopped() {
        let states = after(&[batch(0, 0, 3)]);
        assert_eq!(states.check(batch(0, 4, 4), None), Ok(Admission::New));
        for sequence in [5, 6, MAX] {
            assert_eq!(states.check(batch(0, sequence, sequence), None), out_of_order(sequence, 4));
        }
    }

    #[test]
    fn each_of_the_last_five_batches_is_a_duplicate_with_its_place_and_time() {
        let batches = [0, 1, 2, 3, 4, 5].map(|n| batch(0, 10 * n, 10 * n + 9));
        let states = after(&batches);
        assert_eq!(states.check(batches[0], None), out_of_order(0, 60));
        for (n, batch) in (0..).zip(batches).skip(1) {
            assert_eq!(states.check(batch, None), Ok(Admission::Duplicate(written(10 * n))));
        }
    }

    #[test]
    fn a_partial_overlap_is_no_duplicate() {
        let states = after(&[batch(0, 0, 9), batch(0, 10, 19)]);
        for (first, last) in [(0, 8), (1, 9), (0, 19), (10, 18), (11, 19), (10, 20), (19, 20)] {
            assert_eq!(states.check(batch(0, first, last), None), out_of_order(first, 20));
        }
    }

    #[test]
    fn a_lower_epoch_is_stale_even_if_its_batch_was_written() {
        let states = after(&[batch(0, 0, 0), batch(1, 0, 0)]);
        assert_eq!(states.check(batch(0, 0, 0), None), stale(0, 1));
        assert_eq!(states.check(batch(0, 1, 1), None), stale(0, 1));
        assert_eq!(states.check(batch(1, 0, 0), None), Ok(Admission::Duplicate(written(10))));
    }

    #[test]
    fn a_new_epoch_must_begin_at_zero_and_forgets_the_old_window() {
        let states = after(&[batch(0, 0, 0), batch(0, 1, 1)]);
        assert_eq!(states.check(batch(1, 2, 2), None), out_of_order(2, 0));
        assert_eq!(states.check(batch(7, 0, 0), None), Ok(Admission::New));
        let states = after(&[batch(0, 0, 0), batch(0, 1, 1), batch(7, 0, 0)]);
        assert_eq!(states.check(batch(7, 1, 1), None), Ok(Admission::New));
        assert_eq!(states.check(batch(7, 2, 2), None), out_of_order(2, 1));
    }

    #[test]
    fn a_first_sequence_of_a_known_producer_after_a_new_epoch_is_not_free() {
        assert_eq!(after(&[batch(0, 90, 99)]).check(batch(1, 100, 100), None), out_of_order(100, 0));
    }

    #[test]
    fn sequences_wrap_between_batches_and_inside_one() {
        assert_eq!(after(&[batch(0, MAX, MAX)]).check(batch(0, 0, 4), None), Ok(Admission::New));
        let straddling = batch(0, MAX - 1, 2);
        let states = after(&[batch(0, 5, MAX - 2), straddling]);
        assert_eq!(states.check(straddling, None), Ok(Admission::Duplicate(written(10))));
        assert_eq!(states.check(batch(0, 3, 3), None), Ok(Admission::New));
        assert_eq!(states.check(batch(0, 0, 2), None), out_of_order(0, 3));
    }

    #[test]
    fn a_refused_batch_changes_nothing_and_the_next_four_fail_until_it_comes() {
        let mut states = after(&[batch(0, 0, 0)]);
        let before = states.clone();
        for sequence in 2..6 {
            assert_eq!(states.check(batch(0, sequence, sequence), None), out_of_order(sequence, 1));
        }
        assert_eq!(states, before);
        for sequence in 1..6 {
            assert_eq!(states.check(batch(0, sequence, sequence), None), Ok(Admission::New));
            states.record(batch(0, sequence, sequence), written(sequence.into()));
        }
    }

    #[test]
    fn producers_do_not_know_each_other() {
        let states = after(&[batch(3, 0, 5)]);
        let other = Attempt { producer_id: 2, ..batch(0, 40, 40) };
        assert_eq!(states.check(other, None), Ok(Admission::New));
    }

    #[test]
    fn refusals_have_the_codes_of_the_broker() {
        let code = |refused: Result<Admission, Refusal>| refused.unwrap_err().code();
        assert_eq!(code(stale(0, 1)), ErrorCode(47));
        assert_eq!(code(out_of_order(0, 1)), ErrorCode(45));
    }

    #[test]
    fn a_batch_says_who_wrote_it() {
        let built = BatchBuilder::new().value(b"a").value(b"b");
        assert_eq!(Attempt::of(&built.build().unwrap()), None);
        let built = built.producer(1, 4, MAX).build().unwrap();
        assert_eq!(Attempt::of(&built), Some(batch(4, MAX, 0)));
    }

    /// The rules by looking back over everything that was ever accepted, sequences written out one by one.
    #[derive(Default)]
    struct Model {
        accepted: Vec<(Attempt, Written)>,
    }

    fn sequences(batch: Attempt) -> Vec<i64> {
        let first = i64::from(batch.first_sequence);
        let last = (first..first + 100).find(|n| n % (1 << 31) == i64::from(batch.last_sequence)).unwrap();
        (first..=last).map(|n| n % (1 << 31)).collect()
    }

    impl Model {
        fn check(&self, batch: Attempt) -> Result<Option<Written>, i16> {
            let own: Vec<_> =
                self.accepted.iter().filter(|(known, _)| known.producer_id == batch.producer_id).collect();
            let Some((last, _)) = own.last() else { return Ok(None) };
            let five = own.iter().rev().take(5).filter(|(known, _)| known.epoch == last.epoch);
            for (known, written) in five {
                if known.epoch == batch.epoch && sequences(*known) == sequences(batch) {
                    return Ok(Some(*written));
                }
            }
            let follows = match batch.epoch.cmp(&last.epoch) {
                std::cmp::Ordering::Less => return Err(47),
                std::cmp::Ordering::Equal => (sequences(*last).pop().unwrap() + 1) % (1 << 31),
                std::cmp::Ordering::Greater => 0,
            };
            if sequences(batch)[0] == follows { Ok(None) } else { Err(45) }
        }
    }

    /// Attempts of two producers around the wrap or around 0, most of them near each other.
    fn attempts() -> impl Strategy<Value = Vec<Attempt>> {
        let attempt =
            (0..2_i64, 0..3_i16, -8..8_i32, 0..3_i32).prop_map(|(producer_id, epoch, around, more)| {
                let first_sequence = around & MAX;
                Attempt {
                    producer_id,
                    epoch,
                    first_sequence,
                    last_sequence: last_sequence(first_sequence, more),
                    transactional: false,
                }
            });
        prop::collection::vec(attempt, 0..200)
    }

    proptest! {
        #[test]
        fn every_decision_is_the_one_that_the_whole_history_gives(
            attempts in attempts(), follow in prop::collection::vec(0..4_u8, 200), back in prop::collection::vec(0..8_usize, 200),
        ) {
            let (mut states, mut model) = (ProducerStates::default(), Model::default());
            for (n, (mut batch, (follow, back))) in (0..).zip(attempts.into_iter().zip(follow.into_iter().zip(back))) {
                let known = model.accepted.iter().rev().filter(|(known, _)| known.producer_id == batch.producer_id);
                match (follow, known.clone().nth(back), known.clone().next()) {
                    (0, Some((again, _)), _) => batch = *again,
                    (1 | 2, _, Some((last, _))) => {
                        let count = last_sequence(batch.last_sequence, -batch.first_sequence);
                        batch.epoch = last.epoch;
                        batch.first_sequence = next_sequence(last.last_sequence);
                        batch.last_sequence = last_sequence(batch.first_sequence, count);
                    }
                    _ => {}
                }
                let decided = states.check(batch, None);
                let as_model = match decided {
                    Ok(Admission::New) => Ok(None),
                    Ok(Admission::Duplicate(written)) => Ok(Some(written)),
                    Err(refused) => Err(refused.code().0),
                };
                prop_assert_eq!(as_model, model.check(batch));
                if decided == Ok(Admission::New) {
                    states.record(batch, written(n));
                    model.accepted.push((batch, written(n)));
                }
            }
        }
    }
}
