//! Steps that open producers, and those about transactions.

use std::time::{Duration, Instant};

use crate::id::ProducerIndex;
use crate::plan::{Action, Callbacks, GroupOffset, TransactionCall};
use crate::producer::{Producer, Request, Serving, Unsuccessful};
use crate::trace::StepEnd;

use super::deadlock::Limit;
use super::{Application, Flow, Halt};

impl Application<'_> {
    /// Opens a producer, and initialises it if it is transactional.
    pub(super) fn open(&mut self, index: ProducerIndex, within: Duration) -> Result<StepEnd, Halt> {
        let Some(planned) = self.plan.producers.get(index.index()) else { return Ok(StepEnd::Skipped) };
        let opened = self.outside.open(index, planned, self.deadline)?;
        if self.plan.callbacks == Callbacks::OnWait {
            opened.serve(Serving::Never);
        }
        self.crew.put(index, opened);
        if planned.transactional { self.initialise(index, within) } else { Ok(StepEnd::Done) }
    }

    /// Initialises a transactional producer, or goes on with that.
    fn initialise(&mut self, index: ProducerIndex, within: Duration) -> Result<StepEnd, Halt> {
        let end = self.request(index, &Request::Initialise, within)?;
        if end == StepEnd::Done {
            self.uninitialised.remove(&index);
        } else {
            self.uninitialised.insert(index);
        }
        Ok(end)
    }

    /// Asks a producer something about its transaction.
    pub(super) fn transaction(
        &mut self,
        index: ProducerIndex,
        call: &TransactionCall,
        within: Duration,
    ) -> Result<StepEnd, Halt> {
        match call {
            TransactionCall::Begin => self.begin(index, within),
            TransactionCall::SendOffsets(GroupOffset { group, topic, partition, offset }) => {
                let Some(topic) = self.plan.topics.get(topic.index()) else { return Ok(StepEnd::Skipped) };
                let (topic, partition, offset) = (&*topic.name, *partition, *offset);
                self.request(index, &Request::SendOffsets { group, topic, partition, offset }, within)
            }
            TransactionCall::Commit => self.request(index, &Request::Commit, within),
            TransactionCall::Abort { .. } => self.request(index, &Request::Abort, within),
        }
    }

    /// A transactional producer is opened when it first begins a transaction, and initialised once more where that has
    /// failed. What keeps it from that is why the transaction does not begin.
    fn begin(&mut self, index: ProducerIndex, within: Duration) -> Result<StepEnd, Halt> {
        let opened = if !self.crew.is_open(index) && !self.reactions.has_closed(index) {
            self.open(index, within)?
        } else if self.uninitialised.contains(&index) {
            self.initialise(index, within)?
        } else {
            StepEnd::Done
        };
        if opened != StepEnd::Done {
            return Ok(opened);
        }
        self.request(index, &Request::Begin, within)
    }

    /// Waits until the messages of a transaction that is to be ended have their callbacks; whether all have.
    pub(super) fn ready_for(&self, action: &Action) -> Result<bool, Halt> {
        let Action::Transaction { producer, call, within } = action else { return Ok(true) };
        if !call.waits() {
            return Ok(true);
        }
        self.flush_one(*producer, Limit::new(Instant::now() + *within, Flow::Goes))
    }

    fn request(
        &self,
        index: ProducerIndex,
        request: &Request<'_>,
        within: Duration,
    ) -> Result<StepEnd, Halt> {
        let limit = Instant::now() + within;
        let ask = |producer: &dyn Producer| {
            producer.transact(request, limit.min(self.deadline), &|| self.interrupt.is_cancelled())
        };
        let Some(answer) = self.with_callbacks(index, ask) else { return Ok(StepEnd::Skipped) };
        let Err(Unsuccessful { code, certain, words }) = answer else { return Ok(StepEnd::Done) };
        if self.interrupt.is_cancelled() {
            return Err(Halt::Interrupted);
        }
        if self.deadline <= limit && Instant::now() >= self.deadline {
            return Err(Halt::Deadline(format!("an answer of the client ({words})")));
        }
        self.recorder.said(index, code, &words);
        // Only of what ends a transaction it matters that nobody knows whether it did.
        let ends = matches!(request, Request::Commit | Request::Abort);
        Ok(if ends && !certain { StepEnd::Unknown(code) } else { StepEnd::Failed(code) })
    }
}
