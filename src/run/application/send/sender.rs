//! One thread that sends: when its next message may go.

use std::collections::VecDeque;
use std::time::Instant;

use crate::id::Submission;
use crate::plan::{Batch, Mode, Share};
use crate::run::application::deadlock::Limit;
use crate::run::application::{Application, Flow, Halt};
use crate::trace::Progress;

use super::call::Caller;

/// How many sends go out between two looks at the clock.
const BETWEEN_LOOKS: u32 = 64;

/// Sends messages one after the other.
pub(super) struct Sender<'a> {
    application: &'a Application<'a>,
    caller: Caller<'a>,
    /// What it has sent that may be unacknowledged, of a mode with a window.
    window: VecDeque<Submission>,
}

/// How far a thread has come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    /// Whether the application goes on behind it.
    pub(super) flow: Flow,
    /// Of how many of its messages it has called the client.
    pub(super) count: u32,
}

/// What has become of one send.
#[derive(Clone, Copy, Debug)]
pub(super) enum Turn {
    /// The client was called; whether the application goes on.
    Called(Flow),
    /// It was left out, and those behind it are; whether the application goes on behind them.
    Left(Flow),
}

impl<'a> Sender<'a> {
    pub(super) fn new(application: &'a Application<'a>) -> Self {
        Self { application, caller: Caller::new(application), window: VecDeque::new() }
    }

    pub(super) fn application(&self) -> &'a Application<'a> {
        self.application
    }

    /// Sends what is a thread's own of a batch.
    pub(super) fn send(&mut self, batch: &Batch, share: Share, mode: Mode) -> Result<Sent, Halt> {
        if mode == Mode::Async {
            return self.send_at_once(batch, share);
        }
        for n in 0..share.count {
            let submission = Submission::first(share.message(n));
            match self.send_one(batch, submission, mode)? {
                Turn::Called(Flow::Goes) => {}
                Turn::Called(Flow::Stops) => return Ok(Sent { flow: Flow::Stops, count: n + 1 }),
                Turn::Left(flow) => return Ok(Sent { flow, count: n }),
            }
        }
        Ok(Sent { flow: self.react_behind(mode)?, count: share.count })
    }

    /// A thread that waits for each message reacts to the last one before it is done.
    pub(super) fn react_behind(&mut self, mode: Mode) -> Result<Flow, Halt> {
        if mode == Mode::Sync { self.react(mode) } else { Ok(Flow::Goes) }
    }

    /// Asynchronously. Between two calls the recorder is locked once.
    fn send_at_once(&mut self, batch: &Batch, share: Share) -> Result<Sent, Halt> {
        let recorder = self.application.recorder;
        let mut began = false;
        for n in 0..share.count {
            let submission = Submission::first(share.message(n));
            if n % BETWEEN_LOOKS == 0 {
                self.application.on_time(|| format!("the send of {submission}"))?;
            }
            if !began {
                if let Some(flow) = self.react_before(batch, Mode::Async)? {
                    return Ok(Sent { flow, count: n });
                }
                recorder.send(submission);
            }
            let call = self.caller.call(batch, submission)?;
            began = call.took() && n + 1 < share.count && self.application.reactions.are_none();
            if began {
                recorder.sent_then_send(submission, Submission::first(share.message(n + 1)));
            } else if self.caller.returned(batch, submission, call) == Flow::Stops {
                return Ok(Sent { flow: Flow::Stops, count: n + 1 });
            }
        }
        Ok(Sent { flow: Flow::Goes, count: share.count })
    }

    /// Sends one message when its turn has come.
    pub(super) fn send_one(
        &mut self,
        batch: &Batch,
        submission: Submission,
        mode: Mode,
    ) -> Result<Turn, Halt> {
        self.application.on_time(|| format!("the send of {submission}"))?;
        if let Mode::Window(size) = mode
            && self.make_way(size)? == Flow::Stops
        {
            return Ok(Turn::Left(Flow::Stops));
        }
        if let Some(flow) = self.react_before(batch, mode)? {
            return Ok(Turn::Left(flow));
        }
        self.submit(batch, submission, mode).map(Turn::Called)
    }

    /// Calls the client, and waits as the mode has it; whether the application goes on.
    pub(super) fn submit(&mut self, batch: &Batch, submission: Submission, mode: Mode) -> Result<Flow, Halt> {
        self.application.recorder.send(submission);
        let call = self.caller.call(batch, submission)?;
        let took = call.took();
        let mut flow = self.caller.returned(batch, submission, call);
        match mode {
            Mode::Window(_) if took => self.window.push_back(submission),
            Mode::Sync if took => {
                if !self.wait_for_one(submission, |progress, _| progress.answered(submission))? {
                    flow = self.application.on_timeout();
                }
            }
            Mode::Sync | Mode::Window(_) | Mode::Async => {}
        }
        Ok(flow)
    }

    /// Waits until fewer than `size` of the window are unacknowledged. Where that takes too long, the oldest leaves it.
    fn make_way(&mut self, size: u32) -> Result<Flow, Halt> {
        let size = size as usize;
        if self.window.len() < size {
            return Ok(Flow::Goes);
        }
        let Some(oldest) = self.window.front().copied() else { return Ok(Flow::Goes) };
        let has_room = self.wait_for_one(oldest, |progress, window| {
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
        self.window.retain(|submission| *submission != oldest);
        Ok(self.application.on_timeout())
    }

    /// Waits, at most as long as for one acknowledgement. When that passes, the time-out names `oldest`, and false is
    /// returned, unless its callback has come at the last moment.
    fn wait_for_one(
        &mut self,
        oldest: Submission,
        holds: impl Fn(&Progress<'_>, &mut VecDeque<Submission>) -> bool,
    ) -> Result<bool, Halt> {
        let application = self.application;
        let limit = Limit::new(Instant::now() + application.plan.ack_wait, application.on_timeout());
        let window = &mut self.window;
        let what = || format!("the callback of {oldest}");
        if application.wait(limit, what, |progress| holds(progress, window))? {
            return Ok(true);
        }
        let missing = application.recorder.timeout(&[oldest].into_iter().collect());
        Ok(missing.is_empty())
    }
}
