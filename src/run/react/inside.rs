//! Reactions in callbacks, on the thread that serves them: no other callback of the producer is served meanwhile.

use std::time::Instant;

use crate::id::{ProducerIndex, Submission};
use crate::plan::{Batch, Deed, Message, OnTimeout, Purge, QueueFull};
use crate::producer::{Producer, Refusal};
use crate::trace::{Callback, ClientError, Code, StepEnd};

use super::{Due, ENDING, Reactions, Trouble};

impl Reactions {
    /// Reacts to a callback that has been recorded.
    pub(super) fn react_to(&self, due: Due, cause: &Callback) {
        let Some(reaction) = self.plan.reactions.get(due.rule) else { return };
        if !reaction.in_callback {
            return self.state().queue.push_back(due);
        }
        let Some((number, reaction, made)) = self.begin(due, Some(cause)) else { return };
        match reaction.deed {
            Deed::Resend | Deed::Send { .. } => made.into_iter().for_each(|one| self.submit(one)),
            Deed::Stop => {
                self.stop();
                self.ended(number, StepEnd::Done);
            }
            Deed::Close => {
                self.close_inside(due.producer);
                self.ended(number, StepEnd::Done);
            }
            Deed::Flush => {
                if let Some(end) = self.flush_inside(due) {
                    self.ended(number, end);
                }
            }
        }
    }

    fn submit(&self, submission: Submission) {
        let Some(batch) = self.plan.batch_of(submission.message) else { return };
        let mut message = Message::default();
        if let Err(error) = batch.render_again(submission, &mut message) {
            self.state().trouble = Some(Trouble::Message(error));
            return;
        }
        self.recorder.send(submission);
        match self.call(batch, submission, &message) {
            Ok(()) => {
                self.made(submission);
                self.recorder.sent(submission);
                self.forget_if_closed(batch.producer, submission);
            }
            Err(refusal) => {
                let code = Code::Client(refusal.error);
                self.recorder.said(batch.producer, code, &refusal.words);
                self.recorder.send_failed(submission, code);
                self.refused(batch.producer, submission, code);
            }
        }
    }

    /// A submission whose producer was closed while it was taken is never answered.
    pub(in crate::run) fn forget_if_closed(&self, producer: ProducerIndex, submission: Submission) {
        if self.has_closed(producer) {
            self.recorder.abandon(&[submission].into_iter().collect());
        }
    }

    /// Calls the client, again and again while it has no room, if the scenario waits for some. Nobody makes room while
    /// the thread that could waits here, unless the message goes to another producer.
    fn call(&self, batch: &Batch, submission: Submission, message: &Message) -> Result<(), Refusal> {
        let topic = self.plan.topics.get(batch.topic.index()).map_or("", |topic| &topic.name);
        let mut limit = None;
        loop {
            let before = self.recorder.counts().callbacks;
            let submit = |producer: &dyn Producer| producer.submit(submission, topic, message);
            let Some(called) = self.crew.with(batch.producer, submit) else {
                let words = "the producer is closed".to_owned();
                return Err(Refusal { error: ClientError::InvalidState, words });
            };
            let lacks_room = matches!(&called, Err(refusal) if refusal.error == ClientError::QueueFull);
            if !lacks_room || self.plan.queue_full == QueueFull::Fail || self.is_over() {
                return called;
            }
            let limit = *limit.get_or_insert_with(|| self.limit());
            let what = format!("room in the client's buffer for {submission}, in a callback");
            let more = self.wait_inside(limit, &what, |callbacks| callbacks > before);
            if !more {
                if self.plan.on_timeout == OnTimeout::Stop && !self.is_over() {
                    self.stop();
                }
                return called;
            }
        }
    }

    /// What the producer has not sent and what has no answer is gone, and nothing that it says is heard any more. The
    /// application's thread lets go of it.
    fn close_inside(&self, producer: ProducerIndex) {
        self.close(producer);
        let everything = Purge { queue: true, in_flight: true };
        self.crew.with(producer, |producer| producer.purge(everything, Instant::now()));
        self.recorder.abandon(&self.outstanding_of(producer));
    }

    /// Flushes in a callback. The client has no message left when all have their callbacks, and this one is being
    /// served: with any client that waits in vain. None where the run ends meanwhile.
    fn flush_inside(&self, due: Due) -> Option<StepEnd> {
        let limit = self.limit();
        self.crew.with(due.producer, |producer| producer.flush(limit, &|| self.is_over()));
        let what = format!("a flush in the callback of {}", due.cause);
        self.wait_inside(limit, &what, |_| false);
        let missing = self.outstanding_of(due.producer).len().saturating_add(1);
        let end = StepEnd::TimedOut(u32::try_from(missing).unwrap_or(u32::MAX));
        (!self.is_over()).then_some(end)
    }

    fn limit(&self) -> Instant {
        let limit = Instant::now() + self.plan.ack_wait;
        self.deadline.get().map_or(limit, |deadline| limit.min(*deadline))
    }

    /// Waits in a callback until something holds of the number of callbacks, or the limit has passed; whether it holds.
    fn wait_inside(&self, limit: Instant, what: &str, holds: impl Fn(u64) -> bool) -> bool {
        let endless = self.deadline.get().is_some_and(|deadline| limit >= *deadline);
        if endless {
            self.state().stuck.push(what.to_owned());
        }
        // The end of the scenario is not for a callback to decide: it is told of it.
        let limit = if endless { limit + ENDING } else { limit };
        let mut held = false;
        self.recorder.wait(limit, |progress| {
            held = holds(progress.counts().callbacks);
            held || self.is_over()
        });
        if endless {
            self.state().stuck.retain(|other| other != what);
        }
        held
    }
}
