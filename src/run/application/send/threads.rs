//! Threads that send the messages of one batch together.

use std::panic::resume_unwind;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ScopedJoinHandle};

use crate::plan::{Batch, Mode};
use crate::run::RunError;
use crate::run::application::{Application, Halt};

use super::sender::{Sender, Sent};

/// Lets threads begin together.
#[derive(Default)]
struct Gate {
    state: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    here: usize,
    open: bool,
}

impl Application<'_> {
    /// Sends a batch from threads of its own and waits until each has ended; what each has sent. What ends one of them
    /// for good ends all.
    pub(super) fn send_together(&self, batch: &Batch, mode: Mode) -> Result<Vec<Sent>, Halt> {
        let (gate, first_halt) = (Gate::default(), Mutex::new(None));
        let end = |halt| {
            // The first word is the reason; the others were only told to end.
            first_halt.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(halt);
            self.team.give_up();
            self.recorder.nudge();
        };
        let shares: Vec<_> = batch.shares().collect();
        self.team.begin(shares.len());
        let sent = thread::scope(|scope| {
            let mut threads = Vec::new();
            for (number, share) in shares.into_iter().enumerate() {
                let (gate, end) = (&gate, &end);
                let work = move || {
                    gate.pass();
                    let sent = Sender::new(self).send(batch, share, mode);
                    let sent = sent.map_err(end).ok();
                    self.team.leave();
                    sent
                };
                match thread::Builder::new().name(format!("sender {number}")).spawn_scoped(scope, work) {
                    Ok(thread) => threads.push(thread),
                    Err(error) => {
                        end(Halt::Broken(Box::new(RunError::Threads(error))));
                        break;
                    }
                }
            }
            gate.open(threads.len());
            threads.into_iter().filter_map(joined).collect()
        });
        self.team.end();
        match first_halt.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(halt) => Err(halt),
            None => Ok(sent),
        }
    }
}

/// A panic of a thread is one of the application.
fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}

impl Gate {
    /// Waits until it is open.
    fn pass(&self) {
        let mut state = self.state();
        state.here += 1;
        self.changed.notify_all();
        while !state.open {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Opens it when so many wait.
    fn open(&self, threads: usize) {
        let mut state = self.state();
        while state.here < threads {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.open = true;
        self.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, Waiting> {
        // Two plain values are whole at any time.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
