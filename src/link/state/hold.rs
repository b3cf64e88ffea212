//! What is held, and until when. A hold is released by an event, in the critical section of that event; only what
//! names a time is released by the clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::fault::{Action, Condition, Progress, Rule, Verdict};
use crate::id::FaultIndex;

/// Everything that is held, and every wait.
#[derive(Debug, Default)]
pub(super) struct Holds {
    held: Vec<Hold>,
    /// How many there have been.
    made: u64,
    waits: Vec<Wait>,
    /// Nothing is held any more.
    settling: bool,
}

/// Which hold of a run, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HoldNumber(u64);

/// Something that is held until it is released.
#[derive(Debug)]
pub(in crate::link) struct Held {
    pub(super) number: HoldNumber,
    released: oneshot::Receiver<()>,
}

impl Held {
    /// Until it is released. To be dropped when it need not be held any more.
    pub(in crate::link) async fn released(self) {
        // Nobody who could release it is left: then nothing is held.
        let _ = self.released.await;
    }
}

/// What has been released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Released {
    /// The fault whose work is done by that, if it is.
    pub(super) done: Option<FaultIndex>,
    /// The connection that it closes.
    pub(super) seals: Option<u32>,
}

#[derive(Debug)]
struct Hold {
    number: HoldNumber,
    fault: FaultIndex,
    until: Condition,
    /// To hold is all that the fault does.
    alone: bool,
    /// What is released closes the connection of that number.
    seals: Option<u32>,
    release: oneshot::Sender<()>,
}

/// A wait of the application.
#[derive(Debug)]
struct Wait {
    until: Condition,
    over: Arc<AtomicBool>,
}

/// What the application asks while it waits.
#[derive(Clone, Debug)]
pub(in crate::link) struct Waiting(Arc<AtomicBool>);

impl Waiting {
    /// Whether what it waits for has happened.
    pub(in crate::link) fn is_over(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl Holds {
    /// Holds what a fault has taken, if it holds it.
    pub(super) fn hold(
        &mut self,
        verdict: &Verdict,
        seals: Option<u32>,
        progress: &Progress,
    ) -> Option<Held> {
        let alone = verdict.action.is_hold();
        let until = match &verdict.hold {
            Some(condition) => condition.from_now(progress),
            // Nothing releases it before the end.
            None if alone || matches!(verdict.action, Action::StopReading { .. }) => {
                Condition::Any(Vec::new())
            }
            None => return None,
        };
        let (release, released) = oneshot::channel();
        let number = HoldNumber(self.made);
        self.made += 1;
        if !self.settling {
            self.held.push(Hold { number, fault: verdict.fault, until, alone, seals, release });
        }
        Some(Held { number, released })
    }

    /// The application waits for something.
    pub(super) fn wait(&mut self, until: Condition) -> Waiting {
        let over = Arc::new(AtomicBool::new(false));
        self.waits.push(Wait { until, over: Arc::clone(&over) });
        Waiting(over)
    }

    /// It does not any more.
    pub(super) fn forget(&mut self, waiting: &Waiting) {
        self.waits.retain(|wait| !Arc::ptr_eq(&wait.over, &waiting.0));
    }

    /// Releases the first hold whose condition holds; none if there is no such hold.
    pub(super) fn release_next(&mut self, progress: &Progress) -> Option<Released> {
        let at = self.held.iter().position(|hold| hold.until.holds(progress))?;
        let hold = self.held.remove(at);
        // Whoever held it may be gone; the hold is over all the same.
        let _ = hold.release.send(());
        Some(Released { done: hold.alone.then_some(hold.fault), seals: hold.seals })
    }

    /// Ends the waits whose condition holds; whether there was one.
    pub(super) fn end_waits(&mut self, progress: &Progress) -> bool {
        let before = self.waits.len();
        self.waits.retain(|wait| {
            let holds = wait.until.holds(progress);
            if holds {
                wait.over.store(true, Ordering::Release);
            }
            !holds
        });
        self.waits.len() < before
    }

    /// What is held, by whom, and until when. What nobody waits for any more is not.
    pub(super) fn held(&self) -> impl Iterator<Item = (HoldNumber, FaultIndex, &Condition)> {
        let held = self.held.iter().filter(|hold| !hold.release.is_closed());
        held.map(|hold| (hold.number, hold.fault, &hold.until))
    }

    /// Whether a hold is not released yet.
    pub(super) fn is_held(&self, number: HoldNumber) -> bool {
        self.held.iter().any(|hold| hold.number == number)
    }

    /// Whether clients may release a hold, or end a wait, by what they do on their own.
    pub(super) fn asks_for_background(&self, rules: &[Rule]) -> bool {
        self.conditions().any(|until| until.asks_for_background(rules))
    }

    fn conditions(&self) -> impl Iterator<Item = &Condition> {
        self.held.iter().map(|hold| &hold.until).chain(self.waits.iter().map(|wait| &wait.until))
    }

    /// Whether the passing of time may end one of them.
    pub(super) fn has_clock(&self) -> bool {
        self.conditions().any(Condition::has_clock)
    }

    /// When the next of them is over if nothing happens until then; by the clock of the run.
    pub(super) fn next(&self, progress: &Progress) -> Option<Duration> {
        self.conditions().filter_map(|until| until.by_time(progress)).min()
    }

    /// Releases whatever is still held, and holds nothing more; which faults held it.
    pub(super) fn release_all(&mut self) -> Vec<FaultIndex> {
        self.settling = true;
        let held = self.held.drain(..).filter(|hold| !hold.release.is_closed());
        let mut faults: Vec<_> = held
            .map(|hold| {
                // It was waited for a moment ago.
                let _ = hold.release.send(());
                hold.fault
            })
            .collect();
        faults.sort_unstable();
        faults.dedup();
        faults
    }
}
