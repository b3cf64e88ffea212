//! Messages that are submitted more than once.

use crate::diagnostic::Code;
use crate::id::{MessageId, ProducerIndex, Submission};
use crate::plan::compile::{Compiler, Resends};
use crate::plan::plan::{Action, Batch, MAX_RESENT, Mode};
use crate::scenario::Field;
use crate::scenario::model::{Listed, Range, Send};
use crate::source::{Span, Spanned};

use super::course::Course;
use super::sending::Split;

/// How many submissions after the first ones a scenario may have.
const MAX_AGAIN: u64 = 100_000;

impl Compiler<'_> {
    /// The step that submits messages once more, if the send asks for it.
    pub(super) fn again(&mut self, send: &Send, split: &Split, span: Span, course: &mut Course) {
        let ranges = send.again.value().map(Listed::items).unwrap_or_default();
        let mut submissions = Vec::new();
        for Spanned { value: range, span: place } in ranges.iter().filter_map(Field::get) {
            if self.may_be_sent_again(range, *place, submissions.len()) {
                submissions.extend((range.first..=range.last).map(|message| self.next_submission(message)));
            }
        }
        let mode = match split {
            Split::Plainly(mode) => *mode,
            Split::Transactions(..) => {
                if let Some(place) = send.again.span() {
                    let message = "'again' and a mode of transactions exclude each other";
                    let mistake = self.mistake(Code::Conflict, place, message);
                    self.report(mistake.help("write 'begin', the sends, and 'commit' as steps"));
                }
                Mode::Async
            }
        };
        let mut senders: Vec<ProducerIndex> =
            submissions.iter().filter_map(|one| Some(self.batch_with(one.message)?.producer)).collect();
        senders.sort_unstable();
        senders.dedup();
        for producer in senders {
            self.may_send(producer, &Split::Plainly(mode), span, course);
        }
        if !submissions.is_empty() {
            self.add(Action::Again { submissions, mode }, span);
        }
    }

    fn may_be_sent_again(&mut self, range: &Range, place: Span, so_far: usize) -> bool {
        let known: u64 = self.again.values().map(|times| u64::from(*times)).sum();
        let more = u64::from(range.last - range.first) + 1;
        let mistake = if range.again > 0 {
            let mistake = self.mistake(Code::UnknownExpectation, place, "'again' takes numbers of messages");
            mistake.help("each time that a message stands here it is submitted once more")
        } else if range.last >= self.sent_so_far() {
            let message = format!("message {} is not sent by then", range.last);
            self.mistake(Code::NotInPlan, place, message)
        } else if known.saturating_add(more) > MAX_AGAIN || so_far as u64 > MAX_AGAIN {
            let message = format!("a scenario may submit at most {MAX_AGAIN} messages once more");
            self.mistake(Code::Limit, place, message)
        } else {
            return true;
        };
        self.report(mistake);
        false
    }

    fn next_submission(&mut self, message: u32) -> Submission {
        let again = self.again.entry(message).or_default();
        *again = again.saturating_add(1);
        Submission { message: MessageId(message), again: *again }
    }

    fn batch_with(&self, message: MessageId) -> Option<&Batch> {
        let after = self.batches.partition_point(|batch| batch.first <= message);
        self.batches.get(after.checked_sub(1)?)
    }

    /// Submissions of one message have the same bytes but for the runner's own header.
    pub(in crate::plan::compile) fn tag_what_is_sent_again(&mut self) {
        let mut batches = std::mem::take(&mut self.batches);
        for batch in &mut batches {
            batch.message.tagged |= self.is_sent_again(batch);
        }
        self.batches = batches;
    }

    pub(in crate::plan::compile) fn is_sent_again(&self, batch: &Batch) -> bool {
        let messages = batch.first.0..batch.first.0.saturating_add(batch.count);
        let last = messages.end.saturating_sub(1);
        let resent = |range: &Range| range.first <= last && messages.start <= range.last;
        let is_resent = |one: &Resends| one.ranges.as_ref().is_none_or(|all| all.iter().any(resent));
        self.again.range(messages.clone()).next().is_some() || self.resends.iter().any(is_resent)
    }

    /// The first message of a range of which neither steps nor reactions may make that submission.
    pub(in crate::plan::compile) fn first_not_submitted(&self, range: &Range) -> Option<u32> {
        if range.again == 0 {
            return None;
        }
        // Between these numbers reactions resend each message equally often.
        let named = self.resends.iter().filter_map(|one| one.ranges.as_ref()).flatten();
        let ends = named.flat_map(|one| [one.first, one.last.saturating_add(1)]);
        let mut starts: Vec<u32> =
            ends.chain([range.first]).filter(|start| (range.first..=range.last).contains(start)).collect();
        starts.sort_unstable();
        starts.dedup();
        let lasts = starts.iter().skip(1).map(|next| next - 1).chain([range.last]);
        starts.iter().zip(lasts).find_map(|(start, last)| {
            let missing = range.again.saturating_sub(self.resent(*start));
            let often = |message: &u32| self.again.get(message).is_some_and(|again| *again >= missing);
            (missing > 0).then(|| (*start..=last).find(|message| !often(message))).flatten()
        })
    }

    /// How often reactions may submit a message once more.
    fn resent(&self, message: u32) -> u16 {
        let often = |one: &Resends| {
            let names = |range: &&Range| (range.first..=range.last).contains(&message);
            let each = one
                .ranges
                .as_ref()
                .map_or(u64::from(MAX_RESENT), |ranges| ranges.iter().filter(names).count() as u64);
            each.min(one.times)
        };
        let all = self.resends.iter().map(often).fold(0u64, u64::saturating_add);
        u16::try_from(all).unwrap_or(MAX_RESENT).min(MAX_RESENT)
    }
}
