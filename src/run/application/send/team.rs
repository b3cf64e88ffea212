//! The threads of a concurrent send, as far as they have to know of each other: whether they are to end, whether anyone of
//! them can still go on, and when callbacks are served.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::producer::Serving;

/// So many of those that wait are named.
const NAMED: usize = 4;

/// The threads of a concurrent send; outside of one, nobody.
#[derive(Debug, Default)]
pub(in crate::run::application) struct Team {
    state: Mutex<State>,
    /// One of them has ended for good, and with it the run.
    given_up: AtomicBool,
    /// How many wait with callbacks being served.
    served: Mutex<usize>,
}

#[derive(Debug, Default)]
struct State {
    /// How many have not ended.
    running: usize,
    /// Waits that nothing but an event ends, by a number of their own.
    waits: BTreeMap<u64, Wait>,
    next: u64,
}

/// What one of them waits for.
#[derive(Debug)]
struct Wait {
    what: String,
    /// How many facts had been recorded when it last looked in vain.
    looked: u64,
}

impl Team {
    /// So many threads begin.
    pub(in crate::run::application) fn begin(&self, threads: usize) {
        self.state().running = threads;
    }

    /// One has ended.
    pub(in crate::run::application) fn leave(&self) {
        let mut state = self.state();
        state.running = state.running.saturating_sub(1);
    }

    /// All have ended.
    pub(in crate::run::application) fn end(&self) {
        self.state().running = 0;
    }

    /// The run is to end, and all of them.
    pub(in crate::run::application) fn give_up(&self) {
        self.given_up.store(true, Ordering::Release);
    }

    pub(in crate::run::application) fn has_given_up(&self) -> bool {
        self.given_up.load(Ordering::Acquire)
    }

    /// Whether several threads send at this time.
    pub(in crate::run::application) fn is_there(&self) -> bool {
        self.state().running > 0
    }

    /// Notes that a wait has looked in vain when so many facts were recorded; under its number, which it gets the first
    /// time. Says what all wait for, if nobody has anything else to do and nothing has happened since they looked: what
    /// one of them waits for may have come, and it may not have had its turn since.
    pub(in crate::run::application) fn all_wait(
        &self,
        number: &mut Option<u64>,
        wait: (String, u64),
    ) -> Option<String> {
        let (what, looked) = wait;
        let mut state = self.state();
        let number = *number.get_or_insert(state.next);
        state.next = state.next.max(number + 1);
        state.waits.insert(number, Wait { what, looked });
        let all = state.waits.len() >= state.running.max(1);
        (all && state.waits.values().all(|wait| wait.looked == looked)).then(|| state.named())
    }

    /// A wait is over.
    pub(in crate::run::application) fn forget(&self, number: u64) {
        self.state().waits.remove(&number);
    }

    /// Waits with callbacks being served, from the first that waits so to the last.
    pub(in crate::run::application) fn served<T>(
        &self,
        serve: impl Fn(Serving),
        wait: impl FnOnce() -> T,
    ) -> T {
        let served = || self.served.lock().unwrap_or_else(PoisonError::into_inner);
        {
            let mut waiting = served();
            *waiting += 1;
            if *waiting == 1 {
                serve(Serving::Always);
            }
        }
        let over = wait();
        let mut waiting = served();
        *waiting -= 1;
        if *waiting == 0 {
            serve(Serving::Never);
        }
        over
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // It is whole between any two of its changes.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What is waited for, in words.
    fn named(&self) -> String {
        let mut all: Vec<_> = self.waits.values().map(|wait| wait.what.as_str()).collect();
        all.sort_unstable();
        let more = all.len().saturating_sub(NAMED);
        all.truncate(NAMED);
        let named = all.join(" and ");
        if more > 0 { format!("{named} and {more} more") } else { named }
    }
}
