//! What a partition remembers of its idempotent producers, and what follows for the next batch: is it new, has it been
//! written before, or must it be refused? No socket, no clock.
//!
//! The rules are those of Apache Kafka (`UnifiedLog.analyzeAndValidateProducerState`, `ProducerAppendInfo`,
//! `ProducerStateEntry`, all in `storage/`). A caller asks [`ProducerStates::check`] after every other check, appends,
//! and reports the append with [`ProducerStates::record`]; a batch that is refused therefore changes nothing.

use std::collections::{HashMap, VecDeque};

use crate::kafka::ErrorCode;
use crate::kafka::batch::{Batch, next_sequence};

/// Batches of a producer that are remembered (`ProducerStateEntry.NUM_BATCHES_TO_RETAIN`).
const WINDOW: usize = 5;
/// The epoch of a producer of which nothing is known (`RecordBatch.NO_PRODUCER_EPOCH`).
const NO_EPOCH: i16 = -1;

/// What a batch says of its producer and its place in the producer's sequence. The content plays no part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The producer id, 0 or higher.
    pub producer_id: i64,
    /// The producer epoch.
    pub epoch: i16,
    /// The sequence of the first record, 0 to 2^31−1.
    pub first_sequence: i32,
    /// The sequence of the last record, below the first one's if the batch stands across the wrap.
    pub last_sequence: i32,
}

impl Attempt {
    /// What a batch says; none if no idempotent producer wrote it.
    pub fn of(batch: &Batch) -> Option<Self> {
        batch.has_producer_id().then(|| Self {
            producer_id: batch.producer_id(),
            epoch: batch.producer_epoch(),
            first_sequence: batch.base_sequence(),
            last_sequence: batch.last_sequence(),
        })
    }
}

/// Where and when a batch was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// The offset of its first record.
    pub base_offset: i64,
    /// The offset of its last record.
    pub last_offset: i64,
    /// The max timestamp that stands in the log (milliseconds since 1970): what the answer to a duplicate carries as
    /// its `log_append_time`, whatever the timestamp type of the topic.
    pub max_timestamp: i64,
}

/// What to do with a batch that is not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Append it, and report that to [`ProducerStates::record`].
    New,
    /// It has been written before, there and then: append nothing and answer without an error.
    Duplicate(Written),
}

/// Why a batch is refused.
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
        /// The only first sequence that would do.
        expected: i32,
    },
}

impl Refusal {
    /// What a Produce response says.
    pub fn code(self) -> ErrorCode {
        match self {
            Self::StaleEpoch { .. } => ErrorCode::INVALID_PRODUCER_EPOCH,
            Self::OutOfOrder { .. } => ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER,
        }
    }
}

/// The idempotent producers of one partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProducerStates {
    by_id: HashMap<i64, ProducerState>,
}

/// What is remembered of one producer id: its epoch, and the last batches of that epoch, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ProducerState {
    epoch: i16,
    window: VecDeque<Remembered>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Remembered {
    first_sequence: i32,
    last_sequence: i32,
    written: Written,
}

impl ProducerStates {
    /// Decides on a batch, in Kafka's order: a duplicate, then the epoch, then the sequence. Changes nothing.
    pub fn check(&self, batch: Attempt) -> Result<Admission, Refusal> {
        match self.by_id.get(&batch.producer_id) {
            Some(known) => known.check(batch),
            None => ProducerState::unknown().check(batch),
        }
    }

    /// Remembers that a batch was written, which [`Self::check`] had found to be new. A new epoch forgets the batches
    /// of the old one.
    pub fn record(&mut self, batch: Attempt, written: Written) {
        let state = self.by_id.entry(batch.producer_id).or_insert_with(ProducerState::unknown);
        if state.epoch != batch.epoch {
            state.epoch = batch.epoch;
            state.window.clear();
        }
        if state.window.len() == WINDOW {
            state.window.pop_front();
        }
        let Attempt { first_sequence, last_sequence, .. } = batch;
        state.window.push_back(Remembered { first_sequence, last_sequence, written });
    }
}

impl ProducerState {
    fn unknown() -> Self {
        Self { epoch: NO_EPOCH, window: VecDeque::new() }
    }

    fn check(&self, batch: Attempt) -> Result<Admission, Refusal> {
        if let Some(written) = self.duplicate(batch) {
            return Ok(Admission::Duplicate(written));
        }
        let Attempt { producer_id, epoch, first_sequence: sequence, .. } = batch;
        if epoch < self.epoch {
            return Err(Refusal::StaleEpoch { producer_id, epoch, known: self.epoch });
        }
        match self.expected(epoch) {
            Some(expected) if sequence != expected => {
                Err(Refusal::OutOfOrder { producer_id, sequence, expected })
            }
            _ => Ok(Admission::New),
        }
    }

    /// The batch that was written with exactly these sequences, if it is one of the last five of this epoch.
    fn duplicate(&self, batch: Attempt) -> Option<Written> {
        let same = |known: &&Remembered| {
            (known.first_sequence, known.last_sequence) == (batch.first_sequence, batch.last_sequence)
        };
        if batch.epoch != self.epoch {
            return None;
        }
        self.window.iter().find(same).map(|known| known.written)
    }

    /// The only first sequence that a batch of this epoch may have; none where any will do, since nothing is known of
    /// the producer (retention, a topic created anew).
    fn expected(&self, epoch: i16) -> Option<i32> {
        match self.window.back() {
            _ if self.epoch == NO_EPOCH => None,
            Some(last) if epoch == self.epoch => Some(next_sequence(last.last_sequence)),
            _ => Some(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kafka::batch::{BatchBuilder, last_sequence};

    const MAX: i32 = i32::MAX;

    /// A batch of producer 1 with these sequences.
    fn batch(epoch: i16, first_sequence: i32, last_sequence: i32) -> Attempt {
        Attempt { producer_id: 1, epoch, first_sequence, last_sequence }
    }

    fn written(base_offset: i64) -> Written {
        Written { base_offset, last_offset: base_offset + 9, max_timestamp: base_offset * 10 }
    }

    /// A partition to which these batches were written, the n-th at offset 10 n.
    fn after(batches: &[Attempt]) -> ProducerStates {
        let mut states = ProducerStates::default();
        for (n, batch) in (0..).zip(batches) {
            assert_eq!(states.check(*batch), Ok(Admission::New), "{batch:?}");
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
            assert_eq!(after(&[]).check(batch(epoch, sequence, sequence)), Ok(Admission::New));
        }
        assert_eq!(after(&[]).check(batch(-2, 0, 0)), stale(-2, -1));
    }

    #[test]
    fn the_same_epoch_must_go_on_where_it_stopped() {
        let states = after(&[batch(0, 0, 3)]);
        assert_eq!(states.check(batch(0, 4, 4)), Ok(Admission::New));
        for sequence in [5, 6, MAX] {
            assert_eq!(states.check(batch(0, sequence, sequence)), out_of_order(sequence, 4));
        }
    }

    #[test]
    fn each_of_the_last_five_batches_is_a_duplicate_with_its_place_and_time() {
        let batches = [0, 1, 2, 3, 4, 5].map(|n| batch(0, 10 * n, 10 * n + 9));
        let states = after(&batches);
        assert_eq!(states.check(batches[0]), out_of_order(0, 60));
        for (n, batch) in (0..).zip(batches).skip(1) {
            assert_eq!(states.check(batch), Ok(Admission::Duplicate(written(10 * n))));
        }
    }

    #[test]
    fn a_partial_overlap_is_no_duplicate() {
        let states = after(&[batch(0, 0, 9), batch(0, 10, 19)]);
        for (first, last) in [(0, 8), (1, 9), (0, 19), (10, 18), (11, 19), (10, 20), (19, 20)] {
            assert_eq!(states.check(batch(0, first, last)), out_of_order(first, 20));
        }
    }

    #[test]
    fn a_lower_epoch_is_stale_even_if_its_batch_was_written() {
        let states = after(&[batch(0, 0, 0), batch(1, 0, 0)]);
        assert_eq!(states.check(batch(0, 0, 0)), stale(0, 1));
        assert_eq!(states.check(batch(0, 1, 1)), stale(0, 1));
        assert_eq!(states.check(batch(1, 0, 0)), Ok(Admission::Duplicate(written(10))));
    }

    #[test]
    fn a_new_epoch_must_begin_at_zero_and_forgets_the_old_window() {
        let states = after(&[batch(0, 0, 0), batch(0, 1, 1)]);
        assert_eq!(states.check(batch(1, 2, 2)), out_of_order(2, 0));
        assert_eq!(states.check(batch(7, 0, 0)), Ok(Admission::New));
        let states = after(&[batch(0, 0, 0), batch(0, 1, 1), batch(7, 0, 0)]);
        assert_eq!(states.check(batch(7, 1, 1)), Ok(Admission::New));
        assert_eq!(states.check(batch(7, 2, 2)), out_of_order(2, 1));
    }

    #[test]
    fn a_first_sequence_of_a_known_producer_after_a_new_epoch_is_not_free() {
        assert_eq!(after(&[batch(0, 90, 99)]).check(batch(1, 100, 100)), out_of_order(100, 0));
    }

    #[test]
    fn sequences_wrap_between_batches_and_inside_one() {
        assert_eq!(after(&[batch(0, MAX, MAX)]).check(batch(0, 0, 4)), Ok(Admission::New));
        let straddling = batch(0, MAX - 1, 2);
        let states = after(&[batch(0, 5, MAX - 2), straddling]);
        assert_eq!(states.check(straddling), Ok(Admission::Duplicate(written(10))));
        assert_eq!(states.check(batch(0, 3, 3)), Ok(Admission::New));
        assert_eq!(states.check(batch(0, 0, 2)), out_of_order(0, 3));
    }

    #[test]
    fn a_refused_batch_changes_nothing_and_the_next_four_fail_until_it_comes() {
        let mut states = after(&[batch(0, 0, 0)]);
        let before = states.clone();
        for sequence in 2..6 {
            assert_eq!(states.check(batch(0, sequence, sequence)), out_of_order(sequence, 1));
        }
        assert_eq!(states, before);
        for sequence in 1..6 {
            assert_eq!(states.check(batch(0, sequence, sequence)), Ok(Admission::New));
            states.record(batch(0, sequence, sequence), written(sequence.into()));
        }
    }

    #[test]
    fn producers_do_not_know_each_other() {
        let states = after(&[batch(3, 0, 5)]);
        let other = Attempt { producer_id: 2, ..batch(0, 40, 40) };
        assert_eq!(states.check(other), Ok(Admission::New));
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
                let decided = states.check(batch);
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
