//! What the application does on outcomes: which reaction is due, and what its threads tell each other of it.
//!
//! ```text
//! client ─callbacks─▶ Reacting ─▶ Recorder, then, before the next callback is served:
//!                        ├─ in a callback: done at once, on the thread that serves it (inside.rs)
//!                        └─ of the sender: put in the queue of the application's thread
//! ```

mod inside;
pub(super) mod sink;
mod state;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::id::{ProducerIndex, Submission};
use crate::plan::{Heard, Plan, Reaction};
use crate::run::crew::Crew;
use crate::submissions::Submissions;
use crate::trace::{Callback, Code, Event, Reacts, Recorder, StepEnd};

use state::State;
pub(super) use state::{Due, Trouble};

/// How long a reaction may take to come to its end, when it has been told that it is over.
const ENDING: Duration = Duration::from_secs(1);

/// What all threads of an application share: its producers, and what it does on outcomes.
pub(super) struct Reactions {
    plan: Arc<Plan>,
    recorder: Arc<Recorder>,
    interrupt: CancellationToken,
    crew: Crew,
    /// Of the whole scenario.
    deadline: OnceLock<Instant>,
    /// Callbacks that are being reacted to: until that is done, nobody's wait ends by them.
    under_way: AtomicUsize,
    state: Mutex<State>,
}

impl Reactions {
    /// Those of a plan, with places for its producers.
    pub(super) fn new(plan: Arc<Plan>, recorder: Arc<Recorder>, interrupt: CancellationToken) -> Self {
        let (crew, state) = (Crew::new(plan.producers.len()), Mutex::new(State::of(&plan)));
        let (deadline, under_way) = (OnceLock::new(), AtomicUsize::new(0));
        Self { plan, recorder, interrupt, crew, deadline, under_way, state }
    }

    pub(super) fn plan(&self) -> &Plan {
        &self.plan
    }

    pub(super) fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    pub(super) fn interrupt(&self) -> &CancellationToken {
        &self.interrupt
    }

    pub(super) fn crew(&self) -> &Crew {
        &self.crew
    }

    /// From now on it is known until when everything must be over; only the first word counts.
    pub(super) fn end_at(&self, deadline: Instant) {
        let _ = self.deadline.set(deadline);
    }

    /// Whether the plan has none.
    pub(super) fn are_none(&self) -> bool {
        self.plan.reactions.is_empty()
    }

    /// Nothing is reacted to any more, and when this returns no reaction is under way.
    pub(super) fn end(&self) {
        if self.are_none() {
            return;
        }
        self.state().over = true;
        self.recorder.nudge();
        // Whatever reactions wait for ends by that.
        let limit = self.deadline.get().copied().unwrap_or_else(Instant::now) + ENDING;
        self.recorder.wait(limit, |_| !self.is_under_way());
    }

    /// Whether a reaction has stopped the application.
    pub(super) fn has_stopped(&self) -> bool {
        !self.are_none() && self.state().stopped
    }

    /// Whether a reaction has closed a producer.
    pub(super) fn has_closed(&self, producer: ProducerIndex) -> bool {
        !self.are_none() && self.state().closed.contains(&producer)
    }

    /// Whether a callback is being reacted to.
    pub(super) fn is_under_way(&self) -> bool {
        self.under_way.load(Ordering::Acquire) > 0
    }

    /// Whether something is to happen, or may, that no wait of the application's thread is needed for.
    pub(super) fn may_go_on(&self) -> bool {
        if self.are_none() {
            return false;
        }
        let state = self.state();
        !state.queue.is_empty() || self.under_way.load(Ordering::Acquire) > state.stuck.len()
    }

    /// What callbacks wait for that have no end before the deadline, in words.
    pub(super) fn stuck(&self) -> Vec<String> {
        self.state().stuck.clone()
    }

    /// The next one for the application's thread.
    pub(super) fn next_due(&self) -> Option<Due> {
        if self.are_none() { None } else { self.state().queue.pop_front() }
    }

    /// Whether the application's thread has something to do before it waits on.
    pub(super) fn wants_sender(&self) -> bool {
        if self.are_none() {
            return false;
        }
        let state = self.state();
        state.trouble.is_some() || !state.queue.is_empty() || !state.made.is_empty()
    }

    /// Whether something keeps the application from going on.
    pub(super) fn has_trouble(&self) -> bool {
        !self.are_none() && self.state().trouble.is_some()
    }

    /// What keeps the application from going on.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        if self.are_none() { None } else { self.state().trouble.clone() }
    }

    /// What callbacks have sent since the last question, and when the last of it.
    pub(super) fn take_made(&self) -> Option<(Submissions, Instant)> {
        if self.are_none() {
            return None;
        }
        let mut state = self.state();
        let last = state.made_at.take()?;
        Some((std::mem::take(&mut state.made), last))
    }

    /// A reaction has sent something that is waited for at the end.
    pub(super) fn made(&self, submission: Submission) {
        let mut state = self.state();
        state.made.insert(submission);
        state.made_at = Some(Instant::now());
    }

    /// A call of the application's thread or of a callback has refused a submission.
    pub(super) fn refused(&self, producer: ProducerIndex, submission: Submission, code: Code) {
        if self.are_none() {
            return;
        }
        let mut state = self.state();
        if let Some(due) = state.due(&self.plan, Heard::Err(Some(code)), submission, producer) {
            // There is no callback in which it could happen.
            state.queue.push_back(due);
        }
    }

    /// The reaction to a callback, if there is one; it is counted.
    fn due_to(&self, callback: &Callback) -> Option<Due> {
        let heard = match callback.result {
            Ok(()) => Heard::Ok,
            Err(failure) => Heard::Err(Some(failure.code)),
        };
        self.state().due(&self.plan, heard, callback.submission, callback.producer)
    }

    /// What a reaction is, and the submissions that it makes, which have their numbers from then on. None where it
    /// does nothing any more.
    pub(super) fn begin(
        &self,
        due: Due,
        inside: Option<&Callback>,
    ) -> Option<(u32, &Reaction, Vec<Submission>)> {
        let reaction = self.plan.reactions.get(due.rule)?;
        let (number, made) = self.state().begin(&self.plan, due, reaction)?;
        let inside = inside.map(|callback| (callback.producer, callback.partition));
        let reacts =
            Reacts { rule: due.rule, cause: due.cause, inside, made: made.iter().copied().collect() };
        self.recorder.record(Event::Reacts(number, reacts));
        Some((number, reaction, made))
    }

    /// A reaction that is no send has ended so.
    pub(super) fn ended(&self, number: u32, end: StepEnd) {
        self.recorder.record(Event::Reacted(number, end));
    }

    /// The application is to leave out what it has not sent.
    pub(super) fn stop(&self) {
        let mut state = self.state();
        state.stopped = true;
        state.queue.clear();
    }

    /// A producer is about to be closed: nothing of it is reacted to any more.
    pub(super) fn leave(&self, producer: ProducerIndex) {
        self.state().left.insert(producer);
    }

    /// A reaction closes a producer: nothing that it says is heard any more.
    pub(super) fn close(&self, producer: ProducerIndex) {
        let mut state = self.state();
        state.left.insert(producer);
        state.closed.insert(producer);
    }

    /// Of what is outstanding, that of one producer.
    pub(super) fn outstanding_of(&self, producer: ProducerIndex) -> Submissions {
        self.of(producer, &self.recorder.outstanding())
    }

    /// Those of one producer.
    pub(super) fn of(&self, producer: ProducerIndex, submissions: &Submissions) -> Submissions {
        if self.plan.producers.len() == 1 {
            return submissions.clone();
        }
        let own = |message| self.plan.batch_of(message).is_some_and(|batch| batch.producer == producer);
        submissions.iter().filter(|submission| own(submission.message)).collect()
    }

    /// Whether nothing is reacted to any more, or not for long.
    fn is_over(&self) -> bool {
        self.interrupt.is_cancelled() || self.state().over
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // It is whole at any time: a thread that panicked has left a valid one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
