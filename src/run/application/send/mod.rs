//! Sends: one batch, from the application's thread or from several, or messages that were submitted before.

mod call;
mod react;
mod sender;
pub(super) mod team;
mod threads;

use std::time::Instant;

use crate::id::Submission;
use crate::plan::{Batch, Mode, OnTimeout, Share};
use crate::trace::Event;

use super::{Application, Flow, Halt};
use sender::{Sender, Sent, Turn};

impl Application<'_> {
    /// Sends one batch. Where it has threads of its own, a time-out stops the thread that it is of; the others go on, and
    /// the steps behind are left out.
    pub(super) fn send(&mut self, batch: usize, mode: Mode) -> Result<Flow, Halt> {
        let plan = self.plan;
        let Some(batch) = plan.batches.get(batch) else { return Ok(Flow::Goes) };
        let sent = if batch.is_concurrent() {
            self.send_together(batch, mode)?
        } else {
            let shares = batch.shares();
            shares.map(|share| Sender::new(self).send(batch, share, mode)).collect::<Result<_, _>>()?
        };
        if mode == Mode::Async {
            for run in called(batch, &sent) {
                self.asynchronous.insert_run(run.first, run.count, 0);
            }
            self.patience = Some(Instant::now() + plan.ack_wait);
        }
        for (share, sent) in batch.shares().zip(&sent).filter(|(share, sent)| sent.count < share.count) {
            let left = share.behind(sent.count);
            let (first, count, step) = (left.first, left.count, left.step);
            self.recorder.record(Event::NotSent { first, count, step });
        }
        Ok(if sent.iter().any(|sent| sent.flow == Flow::Stops) { Flow::Stops } else { Flow::Goes })
    }

    /// Submits messages once more.
    pub(super) fn send_again(&mut self, submissions: &[Submission], mode: Mode) -> Result<Flow, Halt> {
        let mut sender = Sender::new(self);
        let mut called = Vec::new();
        let mut flow = Flow::Goes;
        for submission in submissions.iter().copied() {
            let Some(batch) = self.plan.batch_of(submission.message) else { continue };
            flow = match sender.send_one(batch, submission, mode)? {
                Turn::Left(flow) => flow,
                Turn::Called(flow) => {
                    called.push(submission);
                    flow
                }
            };
            if flow == Flow::Stops {
                break;
            }
        }
        if flow == Flow::Goes {
            flow = sender.react_behind(mode)?;
        }
        if mode == Mode::Async && !called.is_empty() {
            self.asynchronous.extend(called);
            self.patience = Some(Instant::now() + self.plan.ack_wait);
        }
        Ok(flow)
    }

    /// What the application does now that a wait has passed its limit.
    fn on_timeout(&self) -> Flow {
        match self.plan.on_timeout {
            OnTimeout::Stop => Flow::Stops,
            OnTimeout::Continue => Flow::Goes,
        }
    }
}

/// The messages of which the client was called, in runs that rise.
fn called(batch: &Batch, sent: &[Sent]) -> Vec<Share> {
    let run = |first, count| Share { first, count, step: 1 };
    if let [one] = sent {
        return vec![run(batch.first, one.count)];
    }
    if batch.shares().zip(sent).all(|(share, sent)| sent.count == share.count) {
        return vec![run(batch.first, batch.count)];
    }
    let turns = sent.iter().map(|sent| sent.count).max().unwrap_or(0);
    let of_turn = |turn: u32| {
        let took_it = batch.shares().zip(sent).filter(move |(_, sent)| turn < sent.count);
        took_it.map(move |(share, _)| run(share.message(turn), 1))
    };
    (0..turns).flat_map(of_turn).collect()
}
