//! Gives every fact its place in one total order.
//!
//! The application's thread and the clients' threads record into it; each fact takes a short critical section, and
//! what the lock decides is the order. Nothing after it orders anything again.

mod state;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use crate::id::{ProducerIndex, Submission};
use crate::spin;
use crate::submissions::Submissions;

use super::event::{Callback, Counts, Event};
use super::{Code, Events, Said};

pub use state::Progress;
use state::State;

/// Where facts are recorded while a plan is executed.
#[derive(Debug, Default)]
pub struct Recorder {
    state: Mutex<State>,
    changed: Condvar,
    /// How often it has changed, for those that look without the lock.
    changes: AtomicU64,
    observer: OnceLock<Observer>,
}

/// Who is told how much has happened.
struct Observer(Box<dyn Fn(Counts) + Send + Sync>);

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

impl Recorder {
    /// A recorder with room for about so many messages.
    pub fn with_capacity(messages: usize) -> Self {
        let state = State { events: Events::with_capacity(messages), ..State::default() };
        Self { state: Mutex::new(state), ..Self::default() }
    }

    /// From now on somebody is told after each send and callback how much has happened; only the first who asks for it.
    /// Told outside of the lock, so that two threads may tell out of order.
    pub fn observe(&self, observer: impl Fn(Counts) + Send + Sync + 'static) {
        // Who comes second is told nothing.
        let _ = self.observer.set(Observer(Box::new(observer)));
    }

    fn tell(&self, state: MutexGuard<'_, State>) {
        let counts = state.counts;
        drop(state);
        self.tell_counts(counts);
    }

    fn tell_counts(&self, counts: Counts) {
        if let Some(observer) = self.observer.get() {
            (observer.0)(counts);
        }
    }

    /// The application is about to call `send`.
    pub fn send(&self, submission: Submission) {
        self.lock().push(Event::Send(submission));
    }

    /// The call has returned, the client took the message. May be recorded after its callback: a client answers from
    /// its own thread.
    pub fn sent(&self, submission: Submission) {
        let mut state = self.lock();
        state.sent(submission);
        self.tell(state);
        // Waiters wait for callbacks.
    }

    /// The call for one message has returned, and the next one is about to be made: one critical section for both.
    pub fn sent_then_send(&self, sent: Submission, next: Submission) {
        let mut state = self.lock();
        state.sent(sent);
        state.push(Event::Send(next));
        self.tell(state);
    }

    /// The call has returned, the client refused the message.
    pub fn send_failed(&self, submission: Submission, code: Code) {
        let mut state = self.lock();
        state.counts.sent += u64::from(!state.closed);
        state.push(Event::SendFailed(submission, code));
        self.tell(state);
    }

    /// A callback was served. Whether it is late is found out here.
    pub fn callback(&self, callback: Callback) {
        let mut state = self.lock();
        state.callback(callback);
        let counts = state.counts;
        self.wake(state);
        self.tell_counts(counts);
    }

    /// Callbacks that one call of the client served, in their order: one critical section for all.
    pub fn callbacks(&self, callbacks: impl IntoIterator<Item = Callback>) {
        let mut state = self.lock();
        callbacks.into_iter().for_each(|callback| state.callback(callback));
        let counts = state.counts;
        self.wake(state);
        self.tell_counts(counts);
    }

    /// What a client said of an error in its own words; kept if it is the first of that producer and code.
    pub fn said(&self, producer: ProducerIndex, code: Code, words: &str) {
        let mut state = self.lock();
        let known = state.said.iter().any(|said| said.producer == producer && said.code == code);
        if !known && !state.closed && !state.silent {
            state.said.push(Said { producer, code, words: words.to_owned() });
        }
    }

    /// Any other fact.
    pub fn record(&self, event: Event) {
        let mut state = self.lock();
        state.push(event);
        self.wake(state);
    }

    /// Records that the application's wait for these has passed its limit. Those that have been answered meanwhile are
    /// left out; the rest is recorded, unless nothing is left, and returned. Their callbacks will be late.
    pub fn timeout(&self, waited_for: &Submissions) -> Submissions {
        let mut state = self.lock();
        let missing: Submissions =
            waited_for.iter().filter(|submission| !state.is_over(*submission)).collect();
        if !missing.is_empty() {
            state.timed_out.extend(missing.iter());
            state.push(Event::Timeout(missing.clone()));
        }
        missing
    }

    /// Waits until something holds, or until the deadline; whether it holds. The condition is asked under the lock,
    /// at once and after each callback or other fact.
    pub fn wait(&self, deadline: Instant, mut holds: impl FnMut(&Progress<'_>) -> bool) -> bool {
        let mut state = self.lock();
        loop {
            if holds(&Progress { state: &state }) {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let seen = self.changes.load(Ordering::Acquire);
            drop(state);
            let soon = spin::until(|| self.changes.load(Ordering::Acquire) != seen);
            state = self.lock();
            if !soon && self.changes.load(Ordering::Acquire) == seen {
                state.waiters += 1;
                let woken = self.changed.wait_timeout(state, left);
                state = woken.unwrap_or_else(PoisonError::into_inner).0;
                state.waiters -= 1;
            }
        }
    }

    /// Wakes whoever waits, so that a condition that looks at more than the recorder is asked again.
    pub fn nudge(&self) {
        self.wake(self.lock());
    }

    /// How much has happened so far.
    pub fn counts(&self) -> Counts {
        self.lock().counts
    }

    /// How many facts have been recorded so far: the place of the next one in the total order.
    pub fn facts(&self) -> u64 {
        self.lock().facts
    }

    /// The accepted submissions that have no callback yet, and for which one can still come.
    pub fn outstanding(&self) -> Submissions {
        let state = self.lock();
        state.accepted.without(&state.answered).difference(&state.abandoned)
    }

    /// No callback will come for these: whoever waits for one waits no longer.
    pub fn abandon(&self, submissions: &Submissions) {
        let mut state = self.lock();
        let new = submissions.iter().filter(|one| !state.is_over(*one)).collect::<Submissions>();
        state.counts.abandoned += new.len();
        state.abandoned.extend(new.iter());
        self.wake(state);
    }

    /// From now on nothing is recorded that clients say: the process whose callbacks they are is no more.
    pub fn silence(&self) {
        self.lock().silent = true;
    }

    /// From now on nothing is recorded: callbacks of a clean-up that the scenario did not ask for are no events.
    pub fn close(&self) {
        self.lock().closed = true;
    }

    /// The facts; the recorder is empty of them and closed afterwards.
    pub fn take(&self) -> Events {
        let mut state = self.lock();
        state.closed = true;
        std::mem::take(&mut state.events)
    }

    /// What clients said of errors in their own words; they are forgotten afterwards.
    pub fn take_said(&self) -> Vec<Said> {
        std::mem::take(&mut self.lock().said)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is only facts: what a panicking thread recorded is still true.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waking costs a system call even if nobody waits, and there is a callback for each message.
    fn wake(&self, state: MutexGuard<'_, State>) {
        let waiters = state.waiters;
        // Under the lock, so that nobody goes to sleep over it.
        self.changes.fetch_add(1, Ordering::Release);
        drop(state);
        if waiters > 0 {
            self.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::time::Duration;

    use super::*;
    use proptest::prelude::*;

    use crate::id::{MessageId, Offset, Partition};

    fn message(number: u32) -> Submission {
        Submission::first(MessageId(number))
    }

    fn ok(number: u32) -> Callback {
        Callback {
            submission: message(number),
            producer: ProducerIndex(0),
            partition: Some(Partition(0)),
            offset: Some(Offset(0)),
            result: Ok(()),
            late: false,
        }
    }

    #[test]
    fn a_callback_may_overtake_the_return_of_its_call() {
        let recorder = Recorder::default();
        recorder.send(message(0));
        recorder.callback(ok(0));
        recorder.sent(message(0));
        assert_eq!(recorder.counts().outstanding(), 0);
        assert!(recorder.outstanding().is_empty());
        let order: Vec<_> = recorder.take().iter().collect();
        assert_eq!(order, [Event::Send(message(0)), Event::Callback(ok(0)), Event::Sent(message(0))]);
    }

    #[test]
    fn a_callback_after_the_time_out_that_named_it_is_late() {
        let recorder = Recorder::default();
        for number in 0..2 {
            recorder.send(message(number));
            recorder.sent(message(number));
        }
        recorder.callback(ok(0));
        let missing = recorder.timeout(&Submissions::run(MessageId(0), 2));
        assert_eq!(missing, Submissions::run(MessageId(1), 1));
        recorder.callback(ok(1));
        let last = recorder.take().iter().last();
        assert_eq!(last, Some(Event::Callback(Callback { late: true, ..ok(1) })));
    }

    proptest! {
        #[test]
        fn outstanding_is_what_was_sent_and_has_no_callback(sent in marks(), answered in marks()) {
            let recorder = Recorder::default();
            for submission in &sent {
                recorder.sent(*submission);
            }
            for submission in &answered {
                recorder.callback(Callback { submission: *submission, ..ok(0) });
            }
            let expected: Submissions = sent.difference(&answered).copied().collect();
            prop_assert_eq!(recorder.outstanding(), expected);
        }
    }

    fn marks() -> impl Strategy<Value = HashSet<Submission>> {
        let run = (0u32..200, 1u32..150, 0u16..2);
        prop::collection::vec(run, 0..6).prop_map(|runs| {
            let members = |(first, count, again)| {
                (first..first + count).map(move |number| Submission { message: MessageId(number), again })
            };
            runs.into_iter().flat_map(members).collect()
        })
    }

    #[test]
    fn a_waiter_is_woken_by_a_callback_of_another_thread() {
        let recorder = Recorder::default();
        recorder.send(message(0));
        recorder.sent(message(0));
        std::thread::scope(|scope| {
            scope.spawn(|| recorder.callback(ok(0)));
            let deadline = Instant::now() + Duration::from_mins(1);
            assert!(recorder.wait(deadline, |progress| progress.answered(message(0))));
        });
    }

    #[test]
    fn a_wait_ends_at_its_deadline() {
        assert!(!Recorder::default().wait(Instant::now(), |_| false));
    }

    #[test]
    fn nothing_is_recorded_after_the_close() {
        let recorder = Recorder::default();
        recorder.close();
        recorder.callback(ok(0));
        assert_eq!(recorder.take().iter().count(), 0);
        assert_eq!(recorder.counts(), Counts::default());
    }
}
