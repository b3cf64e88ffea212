//! The steps other than sends, one short function each.

use std::cell::OnceCell;
use std::time::{Duration, Instant};

use crate::id::ProducerIndex;
use crate::plan::{Action, Purge, Step};
use crate::producer::{Producer, Serving};
use crate::submissions::Submissions;
use crate::trace::{Event, StepEnd};

use super::deadlock::{Limit, Watch};
use super::{Application, Flow, Halt};

impl Application<'_> {
    /// Takes one step.
    pub(super) fn take(&mut self, number: usize, step: &Step) -> Result<Flow, Halt> {
        self.on_time(|| format!("step {}", number + 1))?;
        if let Action::Send { batch, mode } = step.action {
            return self.send(batch, mode);
        }
        if let Action::Again { ref submissions, mode } = step.action {
            return self.send_again(submissions, mode);
        }
        if step.action == Action::Exit {
            // Nothing is heard behind it, nor reacted to.
            self.reactions.end();
            self.recorder.silence();
        }
        // What ends a transaction is asked for, and stands in the order of events, behind the callbacks of its messages.
        let ready = self.ready_for(&step.action);
        self.recorder.record(Event::StepBegan(number));
        let ready = ready?;
        let then = if number + 1 < self.plan.steps.len() { Flow::Goes } else { Flow::Stops };
        let end = match step.action {
            Action::Send { .. } | Action::Again { .. } => StepEnd::Done,
            Action::WaitCallbacks { within } => self.wait_for_callbacks(within, then)?,
            Action::Flush { producer, within } => self.flush(producer, within, then)?,
            Action::Purge { producer, what } => self.purge(producer, what),
            Action::Close { producer, within, purge } => self.close(producer, within, purge)?,
            Action::Exit => self.exit(),
            Action::Cluster(ref step) => {
                self.outside.change(step).map_err(Halt::Refused)?;
                StepEnd::Done
            }
            Action::Wait { ref condition, within } => self.wait_until(condition, within, then)?,
            Action::Link(step) => self.change_link(step)?,
            Action::Open { producer, within } => self.open(producer, within)?,
            // An application that waits for the callbacks in vain does not go on to ask.
            Action::Transaction { .. } if !ready => self.ended(false),
            Action::Transaction { producer, ref call, within } => self.transaction(producer, call, within)?,
        };
        self.recorder.record(Event::StepEnded(number, end));
        Ok(Flow::Goes)
    }

    /// Leaves one step out.
    pub(super) fn skip(&self, number: usize, step: &Step) {
        let Action::Send { batch, .. } = step.action else {
            return self.recorder.record(Event::StepEnded(number, StepEnd::Skipped));
        };
        if let Some(batch) = self.plan.batches.get(batch) {
            self.recorder.record(Event::NotSent { first: batch.first, count: batch.count, step: 1 });
        }
    }

    /// At the end: the wait for the callbacks of asynchronous sends, then for whatever else has none, with the producers
    /// asked to send at once what they hold back.
    pub(super) fn drain(&mut self) -> Result<(), Halt> {
        let end = Limit::new(self.deadline, Flow::Stops);
        loop {
            self.drain_asynchronous()?;
            let more = || self.reactions.wants_sender();
            for producer in self.crew.all() {
                self.flush_unless(producer, end, &more)?;
            }
            self.wait_for_unless(&self.outstanding(), end, &more)?;
            if self.has_settled() {
                return Ok(());
            }
        }
    }

    /// Waits for asynchronous sends, those of reactions included, and does what their outcomes are a reason for.
    fn drain_asynchronous(&mut self) -> Result<(), Halt> {
        loop {
            self.react()?;
            self.take_made();
            let Some(limit) = self.patience else { return Ok(()) };
            let waited_for = self.outstanding().intersection(&self.asynchronous);
            let more = || self.reactions.wants_sender();
            let all = self.wait_for_unless(&waited_for, Limit::new(limit, Flow::Stops), &more)?;
            if more() {
                continue;
            }
            if !all {
                self.recorder.timeout(&waited_for);
            }
            self.patience = None;
            return Ok(());
        }
    }

    fn wait_for_callbacks(&mut self, within: Duration, then: Flow) -> Result<StepEnd, Halt> {
        let limit = Limit::new(Instant::now() + within, then);
        let mut all = self.wait_for(&self.outstanding(), limit)?;
        // What callbacks have sent meanwhile has callbacks of its own.
        while all && !self.reactions.are_none() && !self.outstanding().is_empty() {
            all = self.wait_for(&self.outstanding(), limit)?;
        }
        Ok(self.ended(all))
    }

    /// Flushes one producer, or every one.
    fn flush(
        &mut self,
        producer: Option<ProducerIndex>,
        within: Duration,
        then: Flow,
    ) -> Result<StepEnd, Halt> {
        let limit = Limit::new(Instant::now() + within, then);
        let Some(producer) = producer else { return self.flush_until(limit).map(|all| self.ended(all)) };
        self.flush_to_end(producer, limit)
    }

    /// Flushes one producer, and says how many of its own were missing then.
    pub(super) fn flush_to_end(&self, producer: ProducerIndex, limit: Limit) -> Result<StepEnd, Halt> {
        Ok(if self.flush_one(producer, limit)? {
            StepEnd::Done
        } else {
            StepEnd::TimedOut(count(&self.reactions.outstanding_of(producer)))
        })
    }

    /// Throws away what a producer has not sent or what is on its way, and hears the callbacks of that.
    fn purge(&self, producer: ProducerIndex, what: Purge) -> StepEnd {
        self.with_callbacks(producer, |producer| producer.purge(what, self.deadline));
        StepEnd::Done
    }

    /// Flushes one producer, throws away what it has not sent, as far as that is asked for, and lets go of it. What it
    /// has not answered will never be.
    fn close(
        &mut self,
        index: ProducerIndex,
        within: Option<Duration>,
        purge: Purge,
    ) -> Result<StepEnd, Halt> {
        let flushed = within.map_or(Ok(true), |within| {
            self.flush_one(index, Limit::new(Instant::now() + within, Flow::Goes))
        });
        self.reactions.leave(index);
        let unflushed = self.reactions.outstanding_of(index);
        // Out of everybody's sight before it is gone.
        let Some(producer) = self.crew.take(index) else { return Ok(StepEnd::Done) };
        if purge != Purge::default() && flushed.is_ok() {
            producer.serve(Serving::Always);
            producer.purge(purge, self.deadline);
        }
        self.let_go(index, producer);
        self.recorder.abandon(&self.reactions.outstanding_of(index));
        Ok(if flushed? { StepEnd::Done } else { StepEnd::TimedOut(count(&unflushed)) })
    }

    /// Lets go of everything at once. What has not been answered will never be.
    fn exit(&mut self) -> StepEnd {
        self.close_all();
        self.recorder.abandon(&self.outstanding());
        StepEnd::Done
    }

    /// Flushes every producer; whether all had their callbacks by then.
    fn flush_until(&self, limit: Limit) -> Result<bool, Halt> {
        let mut all = true;
        for producer in self.crew.all() {
            all &= self.flush_one(producer, limit)?;
        }
        Ok(all)
    }

    /// Flushes one producer; whether all its messages had their callbacks by then. One that is not open has none.
    pub(super) fn flush_one(&self, index: ProducerIndex, limit: Limit) -> Result<bool, Halt> {
        self.flush_unless(index, limit, &|| false)
    }

    /// The same, but ended by something else that the application has to do.
    fn flush_unless(
        &self,
        index: ProducerIndex,
        limit: Limit,
        unless: &dyn Fn() -> bool,
    ) -> Result<bool, Halt> {
        let what = || format!("a flush, with the callbacks of {} missing", self.outstanding());
        let (glances, watch, circle) = (self.may_be_stuck(limit), Watch::of(&self.team), OnceCell::new());
        let stopped = || {
            if let Some(found) = glances.then(|| self.deadlock(&watch, what)).flatten() {
                // Only the first time: it stops then.
                let _ = circle.set(found);
            }
            circle.get().is_some() || self.is_ended() || unless()
        };
        let flush = |producer: &dyn Producer| {
            let mut flushed = producer.flush(limit.at.min(self.deadline), &stopped);
            // What callbacks have sent meanwhile belongs to it.
            while flushed && !self.reactions.are_none() && !self.reactions.outstanding_of(index).is_empty() {
                flushed = producer.flush(limit.at.min(self.deadline), &stopped);
            }
            flushed
        };
        let flushed = self.with_callbacks(index, flush).unwrap_or(true);
        if self.interrupt.is_cancelled() {
            return Err(Halt::Interrupted);
        }
        self.no_trouble()?;
        match circle.into_inner().filter(|_| !flushed) {
            Some(circle) => Err(Halt::Deadlock(circle)),
            None if !flushed && self.deadline <= limit.at && !unless() => Err(Halt::Deadline(what())),
            None => Ok(flushed),
        }
    }

    pub(super) fn ended(&self, all: bool) -> StepEnd {
        if all { StepEnd::Done } else { StepEnd::TimedOut(count(&self.outstanding())) }
    }
}

fn count(submissions: &Submissions) -> u32 {
    u32::try_from(submissions.len()).unwrap_or(u32::MAX)
}
