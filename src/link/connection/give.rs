//! Gives the client its answers, in the order of its requests.

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::kafka::ErrorCode;
use crate::kafka::frame::FrameReader;
use crate::link::state::{Fate, Way};
use crate::link::wire::answer;
use crate::trace::Answer;

use super::line::Line;
use super::queue::{From, Pending, Then};

pub(super) struct Give<'a, R, W> {
    line: Line<'a>,
    broker: FrameReader<R>,
    client: W,
    /// The client gets nothing any more.
    silent: bool,
    /// It is not even to know that: the connection closes when all is answered.
    closing: bool,
}

/// Whether the connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Goes,
    Ends,
}

impl<'a, R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Give<'a, R, W> {
    pub(super) fn new(line: Line<'a>, broker: FrameReader<R>, client: W) -> Self {
        Self { line, broker, client, silent: false, closing: false }
    }

    /// Until nothing more is due, or either side ends it; why requests that have no answer have none.
    pub(super) async fn run(mut self, mut due: UnboundedReceiver<Pending>) -> Answer {
        let cut = self.line.cut;
        tokio::select! {
            // What is released at the moment when the connection ends is lost with it.
            biased;
            () = cut.cancelled() => {}
            () = self.give_all(&mut due) => {}
        }
        let left = self.line.gone.is_cancelled() && !self.closing;
        self.line.full.cancel();
        cut.cancel();
        // The client may be gone.
        let _ = self.client.shutdown().await;
        // Whoever stops reading makes the other side's system throw away what it has not sent or handled.
        drop(due);
        while matches!(self.broker.read().await, Ok(Some(_))) {}
        if left { Answer::Left } else { Answer::Closed }
    }

    async fn give_all(&mut self, due: &mut UnboundedReceiver<Pending>) {
        loop {
            let pending = tokio::select! {
                // First what is due: an answer that has come is one to that.
                biased;
                pending = due.recv() => match pending {
                    Some(pending) => pending,
                    None => return,
                },
                () = self.line.hung_up.cancelled(), if !self.closing => {
                    self.hang_up().await;
                    continue;
                }
                // Nothing is due: the broker closes, or says what nobody asked for.
                _ = self.broker.read() => return,
            };
            if self.give(pending).await == Flow::Ends {
                return;
            }
        }
    }

    async fn give(&mut self, mut pending: Pending) -> Flow {
        let (bytes, codes) = match std::mem::replace(&mut pending.from, From::Nobody) {
            From::Nobody => (Bytes::new(), Vec::new()),
            From::Link(bytes, codes) => (bytes, codes),
            From::Broker => {
                let Some(frame) = self.answer().await else { return Flow::Ends };
                match self.edited(&pending, frame) {
                    Some(answer) => answer,
                    // It would send the client past the link.
                    None => return Flow::Ends,
                }
            }
        };
        if let Some(held) = pending.held.take() {
            tokio::select! {
                () = held.released() => {}
                // Nobody is there any more to get it.
                () = self.line.gone.cancelled() => {}
            }
        }
        if self.line.hung_up.is_cancelled() && !self.closing {
            self.hang_up().await;
        }
        let fate = self.line.shared.pass(Way::ToClient, self.line.ends.broker).await;
        if fate == Fate::Lost || pending.lost {
            // Only this way is cut: what is behind it on the other reaches the broker.
            pending.then = Then::CloseLast;
        }
        self.act(pending, &bytes, &codes).await
    }

    /// The broker's next answer.
    async fn answer(&mut self) -> Option<Bytes> {
        loop {
            tokio::select! {
                biased;
                () = self.line.hung_up.cancelled(), if !self.closing => {}
                read = self.broker.read() => return read.ok().flatten(),
            }
            self.hang_up().await;
        }
    }

    /// Closes the client's side. What the broker still answers is read, and nobody gets it.
    async fn hang_up(&mut self) {
        self.closing = true;
        self.line.shared.hung_up(self.line.ends);
        // The client may be gone.
        let _ = self.client.shutdown().await;
    }

    async fn act(&mut self, pending: Pending, bytes: &[u8], codes: &[Option<ErrorCode>]) -> Flow {
        let shared = self.line.shared;
        let mut sent = Some(Answer::Closed);
        match pending.then {
            Then::Give if self.silent => sent = Some(Answer::Silent),
            Then::Give if self.closing => {}
            Then::Give if bytes.is_empty() => sent = Some(Answer::Unowed),
            Then::Give => {
                sent = None;
                // A client may have its answer, and say so, before the write returns here.
                shared.gives(pending.passed);
                if self.write(bytes).await {
                    if pending.due.is_some_and(|due| due.gives_id(bytes)) {
                        shared.has_id(self.line.ends.producer);
                    }
                    shared.answered(pending.passed, codes);
                }
            }
            Then::Silence => (self.silent, sent) = (true, Some(Answer::Silent)),
            Then::Close | Then::CloseLast => self.closing = true,
            Then::Cut(count) => {
                self.closing = true;
                let end = bytes.len().min(count as usize);
                self.write(&bytes[..end]).await;
            }
        }
        if let Some(answer) = sent {
            shared.unanswered(pending.passed, answer);
        }
        if pending.then == Then::CloseLast {
            self.line.full.cancel();
        }
        if pending.verdict.as_ref().is_some_and(|verdict| !verdict.action.is_hold()) {
            shared.done(pending.verdict.as_ref());
        }
        // Whoever waited for it may have ended.
        let _ = pending.given.map(|given| given.send(()));
        if matches!(pending.then, Then::Close | Then::Cut(_)) { Flow::Ends } else { Flow::Goes }
    }

    /// What the client gets of what the broker answered, and its codes.
    fn edited(&self, pending: &Pending, frame: Bytes) -> Option<(Bytes, Vec<Option<ErrorCode>>)> {
        let Some(due) = pending.due else {
            let mut bytes = u32::try_from(frame.len()).ok()?.to_be_bytes().to_vec();
            bytes.extend_from_slice(&frame);
            return Some((bytes.into(), Vec::new()));
        };
        let answered =
            answer(due, frame, pending.asked.as_ref(), pending.change.as_ref(), self.line.told).ok()?;
        Some((answered.bytes, answered.codes))
    }

    /// Whether the client took it. One that does not is gone; the broker's other answers are read all the same.
    async fn write(&mut self, bytes: &[u8]) -> bool {
        let written = self.client.write_all(bytes).await.is_ok() && self.client.flush().await.is_ok();
        if !written {
            self.line.gone.cancel();
        }
        written
    }
}
