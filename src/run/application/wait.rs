//! How the application waits.

use std::time::Instant;

use crate::plan::Callbacks;
use crate::producer::Serving;
use crate::submissions::Submissions;
use crate::trace::Progress;

use super::deadlock::{GLANCE, Limit, Watch};
use super::{Application, Halt};

impl Application<'_> {
    /// Waits until something holds or the limit has passed; whether it holds. The deadline of the scenario, an
    /// interruption and a deadlock end it, too.
    pub(super) fn wait(
        &self,
        limit: Limit,
        what: impl Fn() -> String,
        mut holds: impl FnMut(&Progress<'_>) -> bool,
    ) -> Result<bool, Halt> {
        let until = limit.at.min(self.deadline);
        let (glances, watch) = (self.may_be_stuck(limit), Watch::of(&self.team));
        let mut holds = |progress: &Progress<'_>| {
            watch.looks(progress.facts());
            holds(progress)
        };
        loop {
            let now = Instant::now();
            let next = if glances { until.min(now + GLANCE) } else { until };
            let held = match self.plan.callbacks {
                Callbacks::Background => self.watch(next, &mut holds, |_| false),
                Callbacks::OnWait if self.team.is_there() => {
                    let serve = |serving| self.serve(serving);
                    self.team.served(serve, || self.watch(next, &mut holds, |_| false))
                }
                Callbacks::OnWait => self.serve_until(next, &mut holds),
            };
            if self.is_interrupted() {
                return Err(Halt::Interrupted);
            }
            self.no_trouble()?;
            if held {
                return Ok(true);
            } else if next == until {
                return if until == self.deadline { Err(Halt::Deadline(what())) } else { Ok(false) };
            } else if let Some(circle) = self.deadlock(&watch, &what) {
                return Err(Halt::Deadlock(circle));
            }
        }
    }

    /// Waits until each of these has its callback or the limit has passed; whether all have it.
    pub(super) fn wait_for(&self, submissions: &Submissions, limit: Limit) -> Result<bool, Halt> {
        self.wait_for_unless(submissions, limit, &|| false)
    }

    /// The same, but ended by something else that the application has to do.
    pub(super) fn wait_for_unless(
        &self,
        submissions: &Submissions,
        limit: Limit,
        unless: &dyn Fn() -> bool,
    ) -> Result<bool, Halt> {
        let mut missing = submissions.iter().peekable();
        let what = || format!("the callbacks of {}", self.outstanding());
        self.wait(limit, what, |progress| {
            while missing.next_if(|submission| progress.answered(*submission)).is_some() {}
            missing.peek().is_none() || unless()
        })
    }

    /// Serves callbacks, one piece after the other, until something holds, so that none is served behind the one that
    /// makes it hold.
    fn serve_until(&self, until: Instant, holds: &mut dyn FnMut(&Progress<'_>) -> bool) -> bool {
        let mut held = self.watch(Instant::now(), holds, |_| false);
        while !held && !self.is_interrupted() && Instant::now() < until {
            let served = self.recorder.counts().callbacks;
            self.serve(Serving::Once);
            held = self.watch(until, holds, |progress| progress.counts().callbacks > served);
            self.serve(Serving::Never);
            // What is reacted to in a callback was not over when the callback was heard.
            held |= !self.reactions.are_none() && self.watch(Instant::now(), holds, |_| false);
        }
        held
    }

    /// Watches the recorder until something holds, or until there is no more reason to; whether it holds.
    fn watch(
        &self,
        until: Instant,
        holds: &mut dyn FnMut(&Progress<'_>) -> bool,
        enough: impl Fn(&Progress<'_>) -> bool,
    ) -> bool {
        let mut held = false;
        self.recorder.wait(until, |progress| {
            held = holds(progress) && !self.reactions.is_under_way();
            held || self.is_ended() || enough(progress)
        });
        held
    }
}
