//! What happened in callbacks, and other reactions that send nothing.

use crate::id::{Submission, TopicIndex};
use crate::judge::{By, Outcome, Which};
use crate::plan::Deed;
use crate::trace::{Event, Reacts, StepEnd};

use super::Heard;
use crate::view::line::{End, Step, Track, What};
use crate::view::select::Scene;

impl Scene<'_> {
    /// What happened in a callback, in the lane of that callback; none for what did not.
    pub(super) fn inside(&self, event: &Event) -> Option<Heard> {
        if !self.plan.snapshot.sends {
            return None;
        }
        match event {
            Event::Send(submission) => {
                let track = self.track_of(self.reactions.inside.get(submission)?)?;
                let at = [i64::from(submission.message.0), 0, 0];
                Some(Heard { track, what: self.sent(*submission), again: submission.again, at })
            }
            Event::Reacts(number, reacts) => {
                let (track, (what, at)) = (self.track_of(reacts)?, self.deed(*number, reacts)?);
                Some(Heard { track, what, again: 0, at })
            }
            _ => None,
        }
    }

    /// A call, as it turned out.
    pub(super) fn sent(&self, submission: Submission) -> What {
        match self.findings.outcomes.get(submission) {
            Some(Outcome::Failed { code, by: By::Call }) => What::SendFailed(code),
            _ => What::Send,
        }
    }

    /// A reaction that is no send, and its number; none for one that is.
    pub(super) fn deed(&self, number: u32, reacts: &Reacts) -> Option<(What, [i64; 3])> {
        let whose = self.plan.batch_of(reacts.cause.message).map(|batch| batch.producer);
        let whose = whose.filter(|_| self.names.several_producers() && reacts.inside.is_none());
        let step = match self.plan.reactions.get(reacts.rule)?.deed {
            Deed::Resend | Deed::Send { .. } => return None,
            Deed::Stop => Step::Stop,
            Deed::Close => Step::Close(whose),
            Deed::Flush => Step::Flush(None),
        };
        let (end, outstanding) = match self.reactions.ends.get(&number) {
            Some(StepEnd::TimedOut(outstanding)) => (End::TimedOut, *outstanding),
            Some(_) => (End::Done, 0),
            None => (End::Unfinished, 0),
        };
        Some((What::Step(step, end), [i64::from(outstanding), 0, 0]))
    }

    fn track_of(&self, reacts: &Reacts) -> Option<Track> {
        let (producer, partition) = reacts.inside?;
        let topic: TopicIndex = self.plan.batch_of(reacts.cause.message)?.topic;
        Some(self.track(Some(producer), topic, Which::from(partition)))
    }
}
