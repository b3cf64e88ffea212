//! A world without sockets for tests: a producer that answers by script, and plans to run on it.

use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::id::{Offset, Partition, ProducerIndex, Submission};
use crate::plan::{self, ClusterStep, Message, Plan, Purge};
use crate::producer::{Producer, Refusal, Request, Serving, Sink, Unsuccessful};
use crate::run::application::{Application, Halt, Outside};
use crate::run::react::Reactions;
use crate::trace::{Callback, ClientError, Code, Ending, Event, Failure, Persistence, Recorder, StepEnd};

/// When a message gets its callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Within the call that submits it.
    AtOnce,
    /// Within the call that submits that message.
    With(u32),
    /// When the producer is flushed.
    OnFlush,
    /// Never.
    Never,
}

/// What a producer does.
#[derive(Clone, Debug)]
pub(super) struct Script {
    /// For those that are not named below.
    pub(super) answer: Answer,
    /// For single messages.
    pub(super) answers: Vec<(u32, Answer)>,
    /// Messages that are refused by the call.
    pub(super) refused: Vec<(u32, ClientError)>,
    /// How many may have no callback. When one more is refused for the second time or again, the oldest is answered.
    pub(super) room: usize,
    /// Whether that answer has been served when the refusal returns; otherwise it comes from another thread.
    pub(super) answers_first: bool,
    /// Requests about transactions that do not succeed, by their first word.
    pub(super) unsuccessful: Vec<(&'static str, Unsuccessful)>,
}

impl Script {
    pub(super) fn answering(answer: Answer) -> Self {
        Self {
            answer,
            answers: Vec::new(),
            refused: Vec::new(),
            room: usize::MAX,
            answers_first: false,
            unsuccessful: Vec::new(),
        }
    }

    fn answer_to(&self, message: u32) -> Answer {
        self.answers.iter().find(|(named, _)| *named == message).map_or(self.answer, |(_, answer)| *answer)
    }
}

/// A producer that answers by script. Everything happens in the calls that cause it, but for the room that another
/// thread makes.
#[derive(Clone)]
pub(super) struct Scripted {
    index: ProducerIndex,
    script: Arc<Script>,
    recorder: Arc<Recorder>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// Submitted and not answered.
    pending: Vec<Submission>,
    /// Answered, but not served.
    ready: VecDeque<Submission>,
    serving: Option<Serving>,
    refusals: HashMap<Submission, u32>,
    threads: Vec<JoinHandle<()>>,
    offset: i64,
}

impl Scripted {
    pub(super) fn new(index: ProducerIndex, script: Script, recorder: &Arc<Recorder>) -> Self {
        let (recorder, state) = (Arc::clone(recorder), Arc::default());
        Self { index, script: Arc::new(script), recorder, state }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Answers the pending ones of which that is true, as far as callbacks may be served.
    fn answer(&self, state: &mut State, which: impl Fn(Submission) -> bool) {
        let (ready, pending) = state.pending.drain(..).partition(|submission| which(*submission));
        state.pending = pending;
        let ready: Vec<Submission> = ready;
        state.ready.extend(ready);
        self.serve_ready(state);
    }

    fn serve_ready(&self, state: &mut State) {
        while state.serving != Some(Serving::Never)
            && let Some(submission) = state.ready.pop_front()
        {
            let callback = Callback {
                submission,
                producer: self.index,
                partition: Some(Partition(0)),
                offset: Some(Offset(state.offset)),
                result: Ok(()),
                late: false,
            };
            state.offset += 1;
            Sink::callbacks(&*self.recorder, &[callback]);
            if state.serving == Some(Serving::Once) {
                state.serving = Some(Serving::Never);
            }
        }
    }

    fn refuse_for_room(&self, state: &mut State, submission: Submission) -> Refusal {
        let refusals = state.refusals.entry(submission).or_default();
        *refusals += 1;
        let oldest = state.pending.first().copied();
        if *refusals >= 2 && self.script.answers_first {
            self.answer(state, |pending| Some(pending) == oldest);
        } else if *refusals >= 2 {
            let twin = self.clone();
            state.threads.push(thread::spawn(move || {
                twin.answer(&mut twin.state(), |pending| Some(pending) == oldest);
            }));
        }
        Refusal { error: ClientError::QueueFull, words: String::new() }
    }
}

impl Producer for Scripted {
    fn submit(&self, submission: Submission, _: &str, _: &Message) -> Result<(), Refusal> {
        let mut state = self.state();
        let number = submission.message.0;
        if let Some((_, error)) = self.script.refused.iter().find(|(named, _)| *named == number) {
            return Err(Refusal { error: *error, words: String::new() });
        }
        if state.pending.len() + state.ready.len() >= self.script.room {
            return Err(self.refuse_for_room(&mut state, submission));
        }
        state.pending.push(submission);
        self.answer(&mut state, |pending| match self.script.answer_to(pending.message.0) {
            Answer::AtOnce => true,
            Answer::With(other) => other == number,
            Answer::OnFlush | Answer::Never => false,
        });
        Ok(())
    }

    fn serve(&self, serving: Serving) {
        let mut state = self.state();
        state.serving = Some(serving);
        self.serve_ready(&mut state);
    }

    fn flush(&self, deadline: Instant, stopped: &dyn Fn() -> bool) -> bool {
        self.answer(&mut self.state(), |pending| self.script.answer_to(pending.message.0) != Answer::Never);
        while !self.state().pending.is_empty() && !stopped() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            thread::park_timeout(left.min(Duration::from_millis(1)));
        }
        self.state().pending.is_empty()
    }

    fn transact(&self, request: &Request<'_>, _: Instant, _: &dyn Fn() -> bool) -> Result<(), Unsuccessful> {
        if *request == Request::Abort {
            self.answer(&mut self.state(), |_| true);
        }
        let shown = format!("{request:?}");
        let named = self.script.unsuccessful.iter().find(|(word, _)| shown.starts_with(word));
        named.map_or(Ok(()), |(_, why)| Err(why.clone()))
    }

    fn purge(&self, what: Purge, _: Instant) {
        let mut state = self.state();
        let purged = mem::take(&mut state.pending);
        let failure =
            Failure { code: Code::Client(ClientError::PurgedQueue), persistence: Persistence::NotPersisted };
        let callback = |submission| Callback {
            submission,
            producer: self.index,
            partition: None,
            offset: None,
            result: Err(failure),
            late: false,
        };
        let callbacks: Vec<_> = purged.into_iter().filter(|_| what.queue).map(callback).collect();
        Sink::callbacks(&*self.recorder, &callbacks);
    }

    fn close(self: Box<Self>) {
        let threads = std::mem::take(&mut self.state().threads);
        for thread in threads {
            thread.join().unwrap();
        }
        // A clean-up answers what is left, which must not be recorded.
        let mut state = self.state();
        state.serving = Some(Serving::Always);
        if state.pending.iter().any(|submission| self.script.answer_to(submission.message.0) == Answer::Never)
        {
            return;
        }
        self.answer(&mut state, |_| true);
    }
}

struct Stage<'a> {
    script: &'a Script,
    recorder: &'a Arc<Recorder>,
}

impl Outside for Stage<'_> {
    fn open(&self, index: ProducerIndex, _: &plan::Producer, _: Instant) -> Result<Box<dyn Producer>, Halt> {
        Ok(Box::new(Scripted::new(index, self.script.clone(), self.recorder)))
    }

    fn change(&self, step: &ClusterStep) -> Result<(), String> {
        // Brokers that are not there cannot be stopped.
        if matches!(step, ClusterStep::Stop(_)) { Err("there is no such broker".to_owned()) } else { Ok(()) }
    }
}

/// Runs a plan on scripted producers, one for each of the plan's; what happened in one line each, and how it ended.
pub(super) fn run(plan: &Plan, script: &Script) -> (String, Result<Ending, Halt>) {
    run_until(plan, script, &CancellationToken::new())
}

pub(super) fn run_until(
    plan: &Plan,
    script: &Script,
    interrupt: &CancellationToken,
) -> (String, Result<Ending, Halt>) {
    let recorder = Arc::new(Recorder::default());
    let stage = Stage { script, recorder: &recorder };
    let reactions = Reactions::new(Arc::new(plan.clone()), Arc::clone(&recorder), interrupt.clone());
    let ending = Application::new(&reactions, &stage).and_then(Application::run);
    let events = recorder.take();
    let mut lines = String::new();
    events.iter().filter_map(line).for_each(|line| writeln!(lines, "{line}").unwrap());
    (lines, ending)
}

/// One line for a fact; returns of calls are left out.
fn line(event: Event) -> Option<String> {
    Some(match event {
        Event::Send(submission) => format!("send {submission}"),
        Event::Sent(_) | Event::Reacts(..) => return None,
        Event::SendFailed(submission, code) => format!("send_failed {submission} {code}"),
        Event::Callback(Callback { submission, late: true, .. }) => format!("late {submission}"),
        Event::Callback(Callback { submission, result: Err(_), .. }) => format!("err {submission}"),
        Event::Callback(Callback { submission, .. }) => format!("ok {submission}"),
        Event::Timeout(submissions) => format!("timeout {submissions}"),
        Event::NotSent { first, count, step: 1 } => format!("not sent {first} and {} more", count - 1),
        Event::NotSent { first, count, step } => {
            format!("not sent {first} and {} more, step {step}", count - 1)
        }
        Event::Fatal(producer, code) => format!("fatal {} {code}", producer.0),
        Event::StepBegan(step) => format!("step {step}"),
        Event::StepEnded(step, StepEnd::Done) => format!("step {step} done"),
        Event::StepEnded(step, StepEnd::TimedOut(left)) => format!("step {step} timed out, {left} left"),
        Event::StepEnded(step, StepEnd::Failed(code)) => format!("step {step} failed, {code}"),
        Event::StepEnded(step, StepEnd::Unknown(code)) => format!("step {step} unknown, {code}"),
        Event::StepEnded(step, StepEnd::Skipped) => format!("step {step} skipped"),
        Event::Reacted(reaction, _) => format!("reaction {reaction} ended"),
        Event::Fired(fault, firing) => format!("fault {} fired {firing}", fault.0),
    })
}
