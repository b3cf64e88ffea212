//! Reactions on a thread that sends: what it does on outcomes before its next send.

use crate::id::{ProducerIndex, Submission};
use crate::plan::{Batch, Deed, Mode};
use crate::run::application::{Application, Flow, Halt};
use crate::trace::StepEnd;

use super::sender::Sender;

impl Sender<'_> {
    /// What reactions ask for before a send. Where the sends of the batch are to be left out, whether the application
    /// goes on behind them.
    pub(super) fn react_before(&mut self, batch: &Batch, mode: Mode) -> Result<Option<Flow>, Halt> {
        let reactions = self.application().reactions;
        if reactions.are_none() {
            return Ok(None);
        }
        if self.react(mode)? == Flow::Stops || reactions.has_stopped() {
            return Ok(Some(Flow::Stops));
        }
        Ok(reactions.has_closed(batch.producer).then_some(Flow::Goes))
    }

    /// Does what is due, until nothing more is. What it submits it waits for as the mode has it; asynchronous
    /// submissions are waited for at the end.
    pub(in crate::run::application) fn react(&mut self, mode: Mode) -> Result<Flow, Halt> {
        let application = self.application();
        let reactions = application.reactions;
        loop {
            application.let_go_of_closed()?;
            let Some(due) = reactions.next_due() else { return Ok(Flow::Goes) };
            let Some((number, reaction, submissions)) = reactions.begin(due, None) else { continue };
            match reaction.deed {
                Deed::Resend | Deed::Send { .. } => {
                    for submission in submissions {
                        if self.send_in_reaction(submission, mode)? == Flow::Stops {
                            return Ok(Flow::Stops);
                        }
                    }
                }
                Deed::Stop => {
                    reactions.stop();
                    reactions.ended(number, StepEnd::Done);
                }
                Deed::Close => reactions.ended(number, application.close_in_reaction(due.producer)?),
                Deed::Flush => reactions.ended(number, application.flush_in_reaction(due.producer)?),
            }
        }
    }

    fn send_in_reaction(&mut self, submission: Submission, mode: Mode) -> Result<Flow, Halt> {
        let application = self.application();
        let Some(batch) = application.plan.batch_of(submission.message) else { return Ok(Flow::Goes) };
        application.on_time(|| format!("the send of {submission}"))?;
        let flow = self.submit(batch, submission, mode)?;
        if mode == Mode::Async {
            application.reactions.made(submission);
        }
        Ok(flow)
    }
}

impl Application<'_> {
    /// What reactions ask for between two steps.
    pub(in crate::run::application) fn react(&self) -> Result<Flow, Halt> {
        if self.reactions.are_none() { Ok(Flow::Goes) } else { Sender::new(self).react(Mode::Async) }
    }

    fn flush_in_reaction(&self, index: ProducerIndex) -> Result<StepEnd, Halt> {
        self.flush_to_end(index, self.limit_of_reaction())
    }

    /// Flushes a producer and lets go of it, as a step does. What its callbacks lead to meanwhile happens.
    fn close_in_reaction(&self, index: ProducerIndex) -> Result<StepEnd, Halt> {
        let end = self.flush_in_reaction(index)?;
        self.reactions.close(index);
        self.let_go_of_closed()?;
        self.recorder.abandon(&self.reactions.outstanding_of(index));
        Ok(end)
    }
}
