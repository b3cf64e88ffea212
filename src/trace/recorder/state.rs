//! What has been recorded so far.

use crate::id::Submission;
use crate::submissions::Submissions;
use crate::trace::event::{Callback, Counts, Event};
use crate::trace::marks::Marks;
use crate::trace::{Events, Said};

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) events: Events,
    /// How many there are.
    pub(super) facts: u64,
    pub(super) counts: Counts,
    pub(super) accepted: Marks,
    pub(super) answered: Marks,
    pub(super) timed_out: Submissions,
    /// Accepted, and never to be answered: their producer was let go.
    pub(super) abandoned: Submissions,
    pub(super) said: Vec<Said>,
    /// Nothing is recorded any more.
    pub(super) closed: bool,
    /// No callback is recorded any more, nor what else a client says.
    pub(super) silent: bool,
    pub(super) waiters: usize,
}

/// What a waiting condition can ask.
#[derive(Debug)]
pub struct Progress<'a> {
    pub(super) state: &'a State,
}

impl Progress<'_> {
    /// How much has happened so far.
    pub fn counts(&self) -> Counts {
        self.state.counts
    }

    /// How many facts have been recorded so far.
    pub fn facts(&self) -> u64 {
        self.state.facts
    }

    /// Whether a submission has had a callback, or will never have one.
    pub fn answered(&self, submission: Submission) -> bool {
        self.state.is_over(submission)
    }
}

impl State {
    pub(super) fn push(&mut self, event: Event) {
        if !(self.closed || self.silent && matches!(event, Event::Fatal(..))) {
            self.fact(event);
        }
    }

    fn fact(&mut self, event: Event) {
        self.facts += 1;
        self.events.push(event);
    }

    pub(super) fn is_over(&self, submission: Submission) -> bool {
        self.answered.contains(submission) || self.abandoned.contains(submission)
    }

    pub(super) fn sent(&mut self, submission: Submission) {
        if !self.closed {
            self.accepted.insert(submission);
            self.counts.sent += 1;
            self.counts.accepted += 1;
            self.fact(Event::Sent(submission));
        }
    }

    pub(super) fn callback(&mut self, mut callback: Callback) {
        if self.closed || self.silent {
            return;
        }
        callback.late = self.timed_out.contains(callback.submission);
        self.counts.answered += u64::from(self.answered.insert(callback.submission));
        self.counts.callbacks += 1;
        self.fact(Event::Callback(callback));
    }
}
