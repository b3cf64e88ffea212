//! Calls of the client: making the message, and waiting where the client has no room for it.

use std::time::Instant;

use crate::id::Submission;
use crate::plan::{Batch, Message, QueueFull};
use crate::producer::{Producer, Refusal};
use crate::run::application::deadlock::Limit;
use crate::run::application::{Application, Flow, Halt};
use crate::trace::{ClientError, Code};

/// Calls the client, from one thread.
pub(super) struct Caller<'a> {
    application: &'a Application<'a>,
    /// The message that is being sent.
    message: Message,
}

/// What became of a call.
#[derive(Debug)]
pub(super) enum Call {
    /// The client took the message.
    Took,
    /// It refused it.
    Refused(Refusal),
    /// It had no room, and the wait for some has passed its limit.
    NoRoom(Refusal),
}

impl Call {
    pub(super) fn took(&self) -> bool {
        matches!(self, Self::Took)
    }

    fn lacks_room(&self) -> bool {
        matches!(self, Self::Refused(Refusal { error: ClientError::QueueFull, .. }))
    }
}

impl<'a> Caller<'a> {
    pub(super) fn new(application: &'a Application<'a>) -> Self {
        Self { application, message: Message::default() }
    }

    /// Makes the message and calls the client, again and again while it has no room, if the scenario waits for some.
    pub(super) fn call(&mut self, batch: &Batch, submission: Submission) -> Result<Call, Halt> {
        batch.render_again(submission, &mut self.message).map_err(Halt::Message)?;
        let mut call = self.call_once(batch, submission);
        let plan = self.application.plan;
        if call.lacks_room() && plan.queue_full == QueueFull::Wait {
            let limit = Limit::new(Instant::now() + plan.ack_wait, self.application.on_timeout());
            while call.lacks_room() {
                call = self.call_with_room(batch, submission, limit)?;
            }
        }
        Ok(call)
    }

    /// Calls the client once more; where it still has no room, waits for a callback, which makes some.
    fn call_with_room(&self, batch: &Batch, submission: Submission, limit: Limit) -> Result<Call, Halt> {
        let Application { recorder, team, .. } = self.application;
        // Counted before the call: a callback after this, even one before the wait begins, is reason to try again.
        let before = recorder.counts().callbacks;
        let Call::Refused(refusal) = self.call_once(batch, submission) else { return Ok(Call::Took) };
        if refusal.error != ClientError::QueueFull {
            return Ok(Call::Refused(refusal));
        }
        let now = recorder.counts();
        if now.callbacks == before && now.outstanding() == 0 && !team.is_there() {
            // None has come since, and none can come that would make room. Of other threads that send nobody knows what
            // the client has taken from them by now.
            return Ok(Call::NoRoom(refusal));
        }
        let what = || format!("room in the client's buffer for {submission}");
        let more = self.application.wait(limit, what, |progress| progress.counts().callbacks > before)?;
        Ok(if more { Call::Refused(refusal) } else { Call::NoRoom(refusal) })
    }

    fn call_once(&self, batch: &Batch, submission: Submission) -> Call {
        let Application { plan, crew, .. } = self.application;
        let topic = plan.topics.get(batch.topic.index()).map_or("", |topic| &topic.name);
        let submit = |producer: &dyn Producer| producer.submit(submission, topic, &self.message);
        match crew.with(batch.producer, submit) {
            Some(Ok(())) => Call::Took,
            Some(Err(refusal)) => Call::Refused(refusal),
            None => {
                // Nothing in a plan comes behind the close of its producer.
                let words = "the producer is closed".to_owned();
                Call::Refused(Refusal { error: ClientError::InvalidState, words })
            }
        }
    }

    /// Records how a call returned.
    pub(super) fn returned(&self, batch: &Batch, submission: Submission, call: Call) -> Flow {
        let recorder = self.application.recorder;
        let (refusal, flow) = match call {
            Call::Took => {
                recorder.sent(submission);
                self.application.reactions.forget_if_closed(batch.producer, submission);
                return Flow::Goes;
            }
            Call::Refused(refusal) => (refusal, Flow::Goes),
            Call::NoRoom(refusal) => (refusal, self.application.on_timeout()),
        };
        let code = Code::Client(refusal.error);
        recorder.said(batch.producer, code, &refusal.words);
        recorder.send_failed(submission, code);
        self.application.reactions.refused(batch.producer, submission, code);
        flow
    }
}
