//! Forwards requests to the broker, in their order, and does what is to be done to them on the way.

use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::sync::oneshot;

use crate::fault::{Action, AfterClose, Behind, Verdict};
use crate::link::state::{Fate, Held, Way};
use crate::link::wire::{Change, Named};
use crate::trace::Answer;

use super::line::Line;
use super::queue::{From, Pending, Taken, Then};

/// Forwards to one broker.
pub(super) struct Forward<'a, S> {
    pub(super) line: Line<'a>,
    broker: S,
    pub(super) due: UnboundedSender<Pending>,
}

/// What becomes of requests behind one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// They follow.
    Goes,
    /// They never reach the broker.
    Ends,
}

impl<'a, S: AsyncWrite + Unpin> Forward<'a, S> {
    pub(super) fn new(line: Line<'a>, broker: S, due: UnboundedSender<Pending>) -> Self {
        Self { line, broker, due }
    }

    /// Until nothing more can come.
    pub(super) async fn run(mut self, mut kept: UnboundedReceiver<Taken>) {
        let cut = self.line.cut;
        tokio::select! {
            // What is released at the moment when the connection ends is lost with it.
            biased;
            () = cut.cancelled() => {}
            () = self.forward_all(&mut kept) => {}
        }
        // The broker reads what it has to its end; what it thinks of it nobody asks.
        let _ = self.broker.shutdown().await;
    }

    async fn forward_all(&mut self, kept: &mut UnboundedReceiver<Taken>) {
        while let Some(taken) = kept.recv().await {
            let lost = taken.decision.lost == Some(Way::ToBroker);
            let fate = self.line.shared.pass(Way::ToBroker, self.line.ends.broker).await;
            if lost || fate == Fate::Lost || self.forward(taken).await == Flow::Ends {
                break;
            }
        }
        // Taken in and thrown away, until the client closes or the connection does.
        while kept.recv().await.is_some() {}
    }

    async fn forward(&mut self, mut taken: Taken) -> Flow {
        drop(taken.room.take());
        let held = taken.decision.held.take();
        let Some(verdict) = taken.decision.verdict.clone() else { return self.send(taken, |_| {}).await };
        match &verdict.action {
            Action::HoldRequest { after_close } => self.keep(taken, held, *after_close).await,
            Action::DropResponse => self.send(taken, |pending| pending.then = Then::Silence).await,
            Action::DisconnectAfter { behind } => {
                let then = if *behind == Behind::Lost { Then::Close } else { Then::CloseLast };
                let flow = self.send(taken, |pending| (pending.held, pending.then) = (held, then)).await;
                if *behind == Behind::Lost { Flow::Ends } else { flow }
            }
            Action::TruncateResponse(bytes) => {
                let then = Then::Cut(*bytes);
                self.send(taken, |pending| (pending.held, pending.then) = (held, then)).await;
                Flow::Ends
            }
            Action::DisconnectBefore | Action::DropRequest | Action::TruncateRequest(_) => {
                self.end(taken, held, &verdict).await
            }
            Action::StopReading { .. } => {
                let flow = self.keep(taken, held, AfterClose::Deliver).await;
                self.line.reading.cancel();
                flow
            }
            Action::Fail(fail) => self.fail(taken, held, &verdict, fail).await,
            Action::Throttle(time) => self.throttle(taken, *time, held).await,
            Action::Metadata(change) => {
                let named = Named { topic: self.name_of(change.topic), content: change.content.clone() };
                self.send_changed(taken, Change::Metadata(named), held).await
            }
            Action::Versions(versions) => {
                self.send_changed(taken, Change::Versions(versions.clone()), held).await
            }
            Action::HoldResponse | Action::Pass | Action::Refuse | Action::Silent | Action::Close => {
                self.send(taken, |pending| pending.held = held).await
            }
        }
    }

    /// Sends a request on; its answer is due as the caller says.
    async fn send(&mut self, taken: Taken, how: impl FnOnce(&mut Pending)) -> Flow {
        let (mut pending, frame) = Pending::honest(taken);
        how(&mut pending);
        // Before the request is written: its answer must not come unexpected.
        let expected = self.due.send(pending).is_ok();
        if expected && self.write(frame, usize::MAX).await { Flow::Goes } else { Flow::Ends }
    }

    /// A broker that throttles a client answers at once, and reads nothing from it for that long.
    async fn throttle(&mut self, taken: Taken, time: Duration, held: Option<Held>) -> Flow {
        let millis = i32::try_from(time.as_millis()).unwrap_or(i32::MAX);
        let flow = self.send_and_wait(taken, Some(Change::Throttle(millis)), held).await;
        tokio::time::sleep(time).await;
        flow
    }

    async fn send_changed(&mut self, taken: Taken, change: Change, held: Option<Held>) -> Flow {
        self.send(taken, |pending| (pending.change, pending.held) = (Some(change), held)).await
    }

    /// Sends it on, and waits until the client has its answer: a broker handles one request of a connection at a time.
    pub(super) async fn send_and_wait(
        &mut self,
        taken: Taken,
        change: Option<Change>,
        held: Option<Held>,
    ) -> Flow {
        let (given, told) = oneshot::channel();
        let flow = self
            .send(taken, |pending| {
                (pending.change, pending.held, pending.given) = (change, held, Some(given));
            })
            .await;
        // It is not given when the connection ends.
        let _ = told.await;
        flow
    }

    /// Keeps a request until it is released.
    async fn keep(&mut self, taken: Taken, held: Option<Held>, after_close: AfterClose) -> Flow {
        let lose = after_close == AfterClose::Lose;
        if lose && self.line.gone.is_cancelled() {
            return Flow::Ends;
        }
        if let Some(held) = held {
            tokio::select! {
                // It was lost before it was released.
                biased;
                () = self.line.gone.cancelled(), if lose => return Flow::Ends,
                () = held.released() => {}
            }
        }
        self.send(taken, |_| {}).await
    }

    /// The request does not reach the broker, and nothing behind it does.
    async fn end(&mut self, taken: Taken, held: Option<Held>, verdict: &Verdict) -> Flow {
        if let Some(held) = held {
            held.released().await;
        }
        let (mut pending, frame) = Pending::honest(taken);
        match verdict.action {
            Action::DropRequest => {
                self.line.shared.unanswered(pending.passed, Answer::Silent);
                self.line.shared.done(Some(verdict));
                return Flow::Ends;
            }
            Action::TruncateRequest(bytes) => {
                self.write(frame, bytes as usize).await;
            }
            _ => {}
        }
        (pending.from, pending.then) = (From::Nobody, Then::Close);
        // Nobody takes it where the connection has ended already.
        let _ = self.due.send(pending);
        Flow::Ends
    }

    /// What a topic of the plan is called on the cluster.
    pub(super) fn name_of(&self, topic: Option<crate::id::TopicIndex>) -> Option<String> {
        self.line.told.ports.upstream.name_of(topic?)
    }

    /// Writes a frame with its length in front, at most so many bytes of both; whether the broker took it.
    pub(super) async fn write(&mut self, frame: Bytes, bytes: usize) -> bool {
        let prefix = u32::try_from(frame.len()).unwrap_or(u32::MAX).to_be_bytes();
        let mut framed = prefix.chain(frame).take(bytes);
        self.broker.write_all_buf(&mut framed).await.is_ok() && self.broker.flush().await.is_ok()
    }

    pub(super) async fn write_framed(&mut self, framed: Bytes) -> bool {
        self.broker.write_all(&framed).await.is_ok() && self.broker.flush().await.is_ok()
    }
}
