//! Sends: when the next message may go, and what the application does with a client that has no room.

use std::collections::VecDeque;
use std::time::Instant;

use crate::id::Submission;
use crate::plan::{Batch, Mode, OnTimeout, QueueFull};
use crate::producer::{Producer, Refusal};
use crate::trace::{ClientError, Code, Event, Progress};

use super::deadlock::Limit;
use super::{Application, Flow, Halt};

/// How many sends go out between two looks at the clock.
const BETWEEN_LOOKS: u32 = 64;

/// What became of a call.
#[derive(Debug)]
enum Call {
    /// The client took the message.
    Took,
    /// It refused it.
    Refused(Refusal),
    /// It had no room, and the wait for some has passed its limit.
    NoRoom(Refusal),
}

impl Call {
    fn took(&self) -> bool {
        matches!(self, Self::Took)
    }

    fn lacks_room(&self) -> bool {
        matches!(self, Self::Refused(Refusal { error: ClientError::QueueFull, .. }))
    }
}

impl Application<'_> {
    /// Sends one batch.
    pub(super) fn send(&mut self, batch: usize, mode: Mode) -> Result<Flow, Halt> {
        let plan = self.plan;
        let Some(batch) = plan.batches.get(batch) else { return Ok(Flow::Goes) };
        let (flow, sent) = match mode {
            Mode::Async => self.send_at_once(batch)?,
            Mode::Sync => self.send_one_by_one(batch)?,
            Mode::Window(size) => self.send_in_window(batch, size)?,
        };
        if mode == Mode::Async {
            self.asynchronous.insert_run(batch.first, sent, 0);
            self.patience = Some(Instant::now() + plan.ack_wait);
        }
        if sent < batch.count {
            self.recorder.record(Event::NotSent(batch.first.plus(sent), batch.count - sent));
        }
        Ok(flow)
    }

    /// Submits messages once more.
    pub(super) fn send_again(&mut self, submissions: &[Submission], mode: Mode) -> Result<Flow, Halt> {
        let mut window = VecDeque::new();
        for submission in submissions.iter().copied() {
            let Some(batch) = self.plan.batch_of(submission.message) else { continue };
            self.on_time(|| format!("the send of {submission}"))?;
            if let Mode::Window(size) = mode
                && self.make_way(&mut window, size)? == Flow::Stops
            {
                return Ok(Flow::Stops);
            }
            self.recorder.send(submission);
            let call = self.call(batch, submission)?;
            let took = call.took();
            let mut flow = self.returned(batch, submission, call);
            match mode {
                Mode::Window(_) if took => window.push_back(submission),
                Mode::Async => {
                    self.asynchronous.insert(submission);
                    self.patience = Some(Instant::now() + self.plan.ack_wait);
                }
                Mode::Sync if took => {
                    if !self.wait_for_one(submission, |progress| progress.answered(submission))? {
                        flow = self.on_timeout();
                    }
                }
                Mode::Sync | Mode::Window(_) => {}
            }
            if flow == Flow::Stops {
                return Ok(flow);
            }
        }
        Ok(Flow::Goes)
    }

    /// Asynchronously. Between two calls the recorder is locked once.
    fn send_at_once(&mut self, batch: &Batch) -> Result<(Flow, u32), Halt> {
        let mut began = false;
        for n in 0..batch.count {
            let submission = Submission::first(batch.first.plus(n));
            if n % BETWEEN_LOOKS == 0 {
                self.on_time(|| format!("the send of {submission}"))?;
            }
            if !began {
                self.recorder.send(submission);
            }
            let call = self.call(batch, submission)?;
            began = call.took() && n + 1 < batch.count;
            if began {
                self.recorder.sent_then_send(submission, Submission::first(batch.first.plus(n + 1)));
            } else if self.returned(batch, submission, call) == Flow::Stops {
                return Ok((Flow::Stops, n + 1));
            }
        }
        Ok((Flow::Goes, batch.count))
    }

    /// Each message when the one before has its callback.
    fn send_one_by_one(&mut self, batch: &Batch) -> Result<(Flow, u32), Halt> {
        for n in 0..batch.count {
            let submission = Submission::first(batch.first.plus(n));
            self.on_time(|| format!("the send of {submission}"))?;
            self.recorder.send(submission);
            let call = self.call(batch, submission)?;
            let took = call.took();
            let mut flow = self.returned(batch, submission, call);
            if took && !self.wait_for_one(submission, |progress| progress.answered(submission))? {
                flow = self.on_timeout();
            }
            if flow == Flow::Stops {
                return Ok((flow, n + 1));
            }
        }
        Ok((Flow::Goes, batch.count))
    }

    /// Each message when fewer than `size` before it are unacknowledged.
    fn send_in_window(&mut self, batch: &Batch, size: u32) -> Result<(Flow, u32), Halt> {
        let mut window = VecDeque::new();
        for n in 0..batch.count {
            let submission = Submission::first(batch.first.plus(n));
            self.on_time(|| format!("the send of {submission}"))?;
            if self.make_way(&mut window, size)? == Flow::Stops {
                return Ok((Flow::Stops, n));
            }
            self.recorder.send(submission);
            let call = self.call(batch, submission)?;
            if call.took() {
                window.push_back(submission);
            }
            if self.returned(batch, submission, call) == Flow::Stops {
                return Ok((Flow::Stops, n + 1));
            }
        }
        Ok((Flow::Goes, batch.count))
    }

    /// Waits until fewer than `size` of the window are unacknowledged. Where that takes too long, the oldest leaves it.
    fn make_way(&mut self, window: &mut VecDeque<Submission>, size: u32) -> Result<Flow, Halt> {
        let size = size as usize;
        if window.len() < size {
            return Ok(Flow::Goes);
        }
        let Some(oldest) = window.front().copied() else { return Ok(Flow::Goes) };
        let has_room = self.wait_for_one(oldest, |progress| {
            while window.front().is_some_and(|front| progress.answered(*front)) {
                window.pop_front();
            }
            if window.len() >= size {
                window.retain(|submission| !progress.answered(*submission));
            }
            window.len() < size
        })?;
        if has_room {
            return Ok(Flow::Goes);
        }
        window.retain(|submission| *submission != oldest);
        Ok(self.on_timeout())
    }

    /// Waits, at most as long as for one acknowledgement. When that passes, the time-out names `oldest`, and false is
    /// returned, unless its callback has come at the last moment.
    fn wait_for_one(
        &self,
        oldest: Submission,
        holds: impl FnMut(&Progress<'_>) -> bool,
    ) -> Result<bool, Halt> {
        let limit = Limit::new(Instant::now() + self.plan.ack_wait, self.on_timeout());
        if self.wait(limit, || format!("the callback of {oldest}"), holds)? {
            return Ok(true);
        }
        let missing = self.recorder.timeout(&[oldest].into_iter().collect());
        Ok(missing.is_empty())
    }

    /// Makes the message and calls the client, again and again while it has no room, if the scenario waits for some.
    fn call(&mut self, batch: &Batch, submission: Submission) -> Result<Call, Halt> {
        batch.render_again(submission, &mut self.message).map_err(Halt::Message)?;
        let mut call = self.call_once(batch, submission);
        if call.lacks_room() && self.plan.queue_full == QueueFull::Wait {
            let limit = Limit::new(Instant::now() + self.plan.ack_wait, self.on_timeout());
            while call.lacks_room() {
                call = self.call_with_room(batch, submission, limit)?;
            }
        }
        Ok(call)
    }

    /// Calls the client once more; where it still has no room, waits for a callback, which makes some.
    fn call_with_room(&self, batch: &Batch, submission: Submission, limit: Limit) -> Result<Call, Halt> {
        // Counted before the call: a callback after this, even one before the wait begins, is reason to try again.
        let before = self.recorder.counts().callbacks;
        let Call::Refused(refusal) = self.call_once(batch, submission) else { return Ok(Call::Took) };
        if refusal.error != ClientError::QueueFull {
            return Ok(Call::Refused(refusal));
        }
        let now = self.recorder.counts();
        if now.callbacks == before && now.outstanding() == 0 {
            // None has come since, and none can come that would make room.
            return Ok(Call::NoRoom(refusal));
        }
        let what = || format!("room in the client's buffer for {submission}");
        let more = self.wait(limit, what, |progress| progress.counts().callbacks > before)?;
        Ok(if more { Call::Refused(refusal) } else { Call::NoRoom(refusal) })
    }

    fn call_once(&self, batch: &Batch, submission: Submission) -> Call {
        let topic = self.plan.topics.get(batch.topic.index()).map_or("", |topic| &topic.name);
        let submit = |producer: &dyn Producer| producer.submit(submission, topic, &self.message);
        match self.crew.with(batch.producer, submit) {
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
    fn returned(&self, batch: &Batch, submission: Submission, call: Call) -> Flow {
        let (refusal, flow) = match call {
            Call::Took => {
                self.recorder.sent(submission);
                return Flow::Goes;
            }
            Call::Refused(refusal) => (refusal, Flow::Goes),
            Call::NoRoom(refusal) => (refusal, self.on_timeout()),
        };
        let code = Code::Client(refusal.error);
        self.recorder.said(batch.producer, code, &refusal.words);
        self.recorder.send_failed(submission, code);
        flow
    }

    /// What the application does now that a wait has passed its limit.
    fn on_timeout(&self) -> Flow {
        match self.plan.on_timeout {
            OnTimeout::Stop => Flow::Stops,
            OnTimeout::Continue => Flow::Goes,
        }
    }
}
