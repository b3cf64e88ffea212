//! What has become of reactions so far.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Instant;

use crate::id::{MessageId, ProducerIndex, Submission};
use crate::plan::{Deed, Heard, MAX_RESENT, Plan, Reaction, RenderError};
use crate::submissions::Submissions;

/// A reaction that is to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::run) struct Due {
    /// Its place in the plan's list.
    pub(in crate::run) rule: usize,
    /// The submission whose outcome it is.
    pub(in crate::run) cause: Submission,
    /// Whose outcome.
    pub(in crate::run) producer: ProducerIndex,
}

/// What keeps an application from going on.
#[derive(Clone, Debug)]
pub(in crate::run) enum Trouble {
    /// A reaction that has made too many submissions of a message.
    Endless(usize, Submission),
    /// A message could not be made.
    Message(RenderError),
}

#[derive(Default)]
pub(super) struct State {
    /// Nothing is reacted to any more.
    pub(super) over: bool,
    pub(super) stopped: bool,
    /// Producers of which nothing is reacted to any more.
    pub(super) left: HashSet<ProducerIndex>,
    /// Those that reactions have closed.
    pub(super) closed: HashSet<ProducerIndex>,
    /// For the application's thread.
    pub(super) queue: VecDeque<Due>,
    /// What callbacks have sent, and when the last of it.
    pub(super) made: Submissions,
    pub(super) made_at: Option<Instant>,
    pub(super) trouble: Option<Trouble>,
    /// What callbacks wait for that have no end before the deadline.
    pub(super) stuck: Vec<String>,
    /// How often each has happened or is to.
    fired: Vec<u64>,
    /// How many have begun.
    begun: u32,
    /// The last submission that the plan's steps make of a message, for those that they submit more than once.
    planned: HashMap<MessageId, u16>,
    /// How many more reactions have made.
    resent: HashMap<MessageId, u16>,
    /// How many messages of the batches that no step sends have been sent.
    sent: HashMap<usize, u32>,
}

impl State {
    pub(super) fn of(plan: &Plan) -> Self {
        let mut planned = HashMap::new();
        if !plan.reactions.is_empty() {
            for submission in plan.again() {
                let last = planned.entry(submission.message).or_default();
                *last = submission.again.max(*last);
            }
        }
        Self { fired: vec![0; plan.reactions.len()], planned, ..Self::default() }
    }

    /// The first reaction that what was heard is a reason for, and that may still happen. It is counted.
    pub(super) fn due(
        &mut self,
        plan: &Plan,
        heard: Heard,
        cause: Submission,
        producer: ProducerIndex,
    ) -> Option<Due> {
        if self.over || self.stopped || self.left.contains(&producer) {
            return None;
        }
        let is_new = cause.message.0 >= plan.planned();
        for (rule, (reaction, fired)) in plan.reactions.iter().zip(&mut self.fired).enumerate() {
            let sends_new = matches!(reaction.deed, Deed::Send { .. });
            let may = reaction.times.is_none_or(|times| *fired < times) && !(is_new && sends_new);
            if may && reaction.on.matches(heard, cause, producer) {
                *fired += 1;
                return Some(Due { rule, cause, producer });
            }
        }
        None
    }

    /// Numbers a reaction and what it makes; none where it does nothing any more.
    pub(super) fn begin(
        &mut self,
        plan: &Plan,
        due: Due,
        reaction: &Reaction,
    ) -> Option<(u32, Vec<Submission>)> {
        if self.over || self.stopped || self.trouble.is_some() || self.left.contains(&due.producer) {
            return None;
        }
        let made = match reaction.deed {
            Deed::Resend => self.next_of(due.cause.message).map(|next| vec![next]),
            Deed::Send { batch, count } => self.new_messages(plan, batch, count),
            Deed::Stop | Deed::Close | Deed::Flush => Some(Vec::new()),
        };
        let Some(made) = made else {
            self.trouble = Some(Trouble::Endless(due.rule, due.cause));
            return None;
        };
        let number = self.begun;
        self.begun = self.begun.saturating_add(1);
        Some((number, made))
    }

    /// The next submission of a message; none where there were too many.
    fn next_of(&mut self, message: MessageId) -> Option<Submission> {
        let resent = self.resent.entry(message).or_default();
        if *resent >= MAX_RESENT {
            return None;
        }
        *resent += 1;
        let planned = self.planned.get(&message).copied().unwrap_or_default();
        Some(Submission { message, again: planned.checked_add(*resent)? })
    }

    fn new_messages(&mut self, plan: &Plan, batch: usize, count: u32) -> Option<Vec<Submission>> {
        let room = plan.batches.get(batch)?;
        let sent = self.sent.entry(batch).or_default();
        let end = sent.checked_add(count).filter(|end| *end <= room.count)?;
        let made = (*sent..end).map(|at| Submission::first(room.first.plus(at))).collect();
        *sent = end;
        Some(made)
    }
}
