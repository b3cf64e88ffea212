//! What passes, what is counted, and who takes it: decided in one short critical section.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kafka_protocol::messages::ApiKey;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::fault::{Action, Engine, Progress, Verdict};
use crate::id::{BrokerId, FaultIndex, ProducerIndex};
use crate::kafka::ErrorCode;
use crate::trace::{Answer, Event, Linked, Nearest, PassedRow, Recorder, Taken};

use super::decision::{Decision, impossible, request, transit};
use super::hold::{Held, Holds};
use super::kept::{Ends, Kept};
use super::network::{Network, Way};
use super::standing::{Open, Ties};
use crate::link::wanted::Wanted;
use crate::link::wire::Asked;

/// The state that all connections of a link share.
#[derive(Debug)]
pub(in crate::link) struct Shared {
    state: Mutex<State>,
    /// Something may have changed when the next hold is released by time alone.
    pub(in crate::link) clock: Notify,
    pub(in crate::link) recorder: Arc<Recorder>,
    /// Producers that have been given an id.
    pub(super) with_id: watch::Sender<Vec<ProducerIndex>>,
    allow_impossible: bool,
    /// Requests are kept though no fault asks for them.
    keep: bool,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) engine: Engine,
    pub(super) progress: Progress,
    /// When the first step began.
    pub(super) began: Option<Instant>,
    kept: Kept,
    impossible: Vec<(FaultIndex, String)>,
    pub(super) left: Vec<FaultIndex>,
    pub(super) holds: Holds,
    pub(super) open: Vec<Open>,
    connections: u32,
    pub(super) network: Network,
}

impl Shared {
    pub(in crate::link) fn new(wanted: Wanted, recorder: &Arc<Recorder>) -> Self {
        let Wanted { faults: rules, allow_impossible, requests: keep } = wanted;
        let state = State {
            progress: Progress::new(rules.len()),
            engine: Engine::new(rules),
            began: None,
            kept: Kept::default(),
            impossible: Vec::new(),
            left: Vec::new(),
            holds: Holds::default(),
            open: Vec::new(),
            connections: 0,
            network: Network::default(),
        };
        let (state, clock, recorder) = (Mutex::new(state), Notify::new(), Arc::clone(recorder));
        let with_id = watch::Sender::new(Vec::new());
        Self { state, clock, recorder, with_id, allow_impossible, keep }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.tick();
        state
    }

    /// The first step begins: from now on everything counts.
    pub(in crate::link) fn begin(&self) {
        let mut state = self.lock();
        state.began = Some(Instant::now());
        state.engine.start();
    }

    /// Whether requests of that API must be looked into.
    pub(in crate::link) fn looks_into(&self, api: ApiKey) -> bool {
        let state = self.lock();
        state.began.is_some() && (self.keep || state.engine.asks_for(api))
    }

    /// A client opens a connection.
    pub(in crate::link) fn open(&self, producer: ProducerIndex, broker: BrokerId) -> (Ends, Ties, Decision) {
        let mut state = self.lock();
        let ends = Ends { connection: state.connections, producer, broker };
        state.connections += 1;
        let ties = Ties::default();
        state.open.push(Open::new(ends, ties.clone()));
        let decision = self.decide(&mut state, ends, None, None);
        self.changed(state);
        (ends, ties, decision)
    }

    /// A request has reached the link.
    pub(in crate::link) fn arrive(&self, ends: Ends, api: Option<ApiKey>, asked: Option<&Asked>) -> Decision {
        let mut state = self.lock();
        if state.connection(ends).is_none_or(|open| open.sealed) {
            return Decision { lost: Some(Way::ToBroker), ..Decision::default() };
        }
        let mut decision = match (api, asked) {
            (Some(api), Some(asked)) => self.decide(&mut state, ends, Some(api), Some(asked)),
            (Some(api), None) => {
                if state.began.is_some() {
                    state.progress.count(Some(api), ends.producer, ends.broker);
                }
                Decision::default()
            }
            (None, _) => Decision::default(),
        };
        let held = decision.held.as_ref().map(|held| held.number);
        let rows = asked.map_or(&[][..], |asked| &asked.rows);
        let submissions = rows.iter().flat_map(|row| row.submissions.iter()).collect();
        decision.lost = state.network.loses(ends.broker);
        if let Some(open) = state.connection(ends) {
            open.lossy |= decision.lost.is_some();
            decision.passage = Some(open.enter(held, submissions));
        }
        self.changed(state);
        decision
    }

    /// Both sides of a connection are there.
    pub(in crate::link) fn is_whole(&self, ends: Ends) {
        self.lock().connection(ends).map(Open::is_whole);
    }

    /// The client has closed its side of a connection.
    pub(in crate::link) fn has_left(&self, ends: Ends) {
        self.lock().connection(ends).map(Open::has_left);
    }

    fn decide(&self, state: &mut State, ends: Ends, api: Option<ApiKey>, asked: Option<&Asked>) -> Decision {
        if state.began.is_none() {
            return Decision::default();
        }
        state.progress.count(api, ends.producer, ends.broker);
        let transit = transit(ends, api, asked);
        let mut rows = asked.map_or_else(Vec::new, |asked| asked.rows.clone());
        for (row, attempt) in rows.iter_mut().zip(state.engine.attempt(&transit)) {
            row.attempt = attempt;
        }
        let verdict = state.engine.decide(&transit);
        let refused = verdict
            .as_ref()
            .and_then(|verdict| if self.allow_impossible { None } else { impossible(verdict, api, asked) });
        let (verdict, held) = match (verdict, refused) {
            (Some(verdict), Some(why)) => {
                state.impossible.push((verdict.fault, why));
                (None, None)
            }
            (Some(verdict), None) => {
                self.recorder.record(Event::Fired(verdict.fault, verdict.firing));
                let held = state.hold(&verdict, ends, asked);
                (Some(verdict), held)
            }
            (None, _) => (None, None),
        };
        let request = request(ends, api, asked, rows);
        let facts = self.recorder.facts();
        let passed = Some(state.kept.keep(request, verdict.as_ref(), facts));
        Decision { passed, verdict, held, ..Decision::default() }
    }

    /// The client is about to get an answer.
    pub(in crate::link) fn gives(&self, passed: Option<usize>) {
        if let Some(passed) = passed {
            let facts = self.recorder.facts();
            self.lock().kept.give(passed, facts);
        }
    }

    /// The client has got an answer, part by part; what has no code is a success.
    pub(in crate::link) fn answered(&self, passed: Option<usize>, codes: &[Option<ErrorCode>]) {
        let answers = |at: usize| codes.get(at).copied().flatten().unwrap_or(ErrorCode::NONE);
        self.note(passed, |at, _| Answer::Code(answers(at)));
    }

    /// The client will get no answer.
    pub(in crate::link) fn unanswered(&self, passed: Option<usize>, answer: Answer) {
        self.note(passed, |_, row| if row.answer == Answer::Unowed { Answer::Unowed } else { answer });
    }

    fn note(&self, passed: Option<usize>, answer: impl Fn(usize, &PassedRow) -> Answer) {
        if let Some(passed) = passed {
            let facts = self.recorder.facts();
            self.lock().kept.note(passed, facts, answer);
        }
    }

    /// What a fault did is done.
    pub(in crate::link) fn done(&self, verdict: Option<&Verdict>) {
        let Some(verdict) = verdict else { return };
        let mut state = self.lock();
        if let Some(fault) = state.progress.faults.get_mut(verdict.fault.index()) {
            fault.done += 1;
        }
        self.changed(state);
    }

    /// A client's side of a connection is closed: it gets no more answers, though the broker may give some.
    pub(in crate::link) fn hung_up(&self, ends: Ends) {
        let facts = self.recorder.facts();
        self.lock().kept.close(ends, facts, Answer::Closed);
    }

    /// A connection has ended; requests without an answer have none for that reason.
    pub(in crate::link) fn close(&self, ends: Ends, reason: Answer) {
        let mut state = self.lock();
        state.open.retain(|open| open.ends != ends);
        state.kept.close(ends, self.recorder.facts(), reason);
    }

    /// What the link saw. Nothing is kept afterwards.
    pub(in crate::link) fn take(&self) -> Linked {
        let mut state = self.lock();
        let taken = state.engine.tallies().into_iter().map(|tally| Taken {
            matched: tally.matched,
            fired: tally.fired,
            nearest: tally.nearest.map(|near| Nearest { passed: near.transit, differs: near.differs }),
        });
        let taken = taken.collect();
        Linked {
            passed: state.kept.take(),
            taken,
            impossible: std::mem::take(&mut state.impossible),
            left: std::mem::take(&mut state.left),
        }
    }

    /// What follows a change: holds are released, waits are over, the clock looks again.
    pub(super) fn changed(&self, mut state: MutexGuard<'_, State>) {
        let over = state.settle();
        let waits = state.holds.has_clock();
        drop(state);
        if over {
            self.recorder.nudge();
        }
        if waits {
            self.clock.notify_one();
        }
    }
}

impl State {
    fn connection(&mut self, ends: Ends) -> Option<&mut Open> {
        self.open.iter_mut().find(|open| open.ends == ends)
    }

    /// Notes that a fault has taken something, and what that waits for.
    fn hold(&mut self, verdict: &Verdict, ends: Ends, asked: Option<&Asked>) -> Option<Held> {
        if let Some(fault) = self.progress.faults.get_mut(verdict.fault.index()) {
            fault.taken += 1;
        }
        let unheard = asked.is_some_and(|asked| asked.facts.acks == Some(0));
        let closes = verdict.action.closes_behind() || unheard && matches!(verdict.action, Action::Fail(_));
        let seals = closes.then_some(ends.connection);
        let held = self.holds.hold(verdict, seals, &self.progress);
        if held.is_none() {
            self.seal(seals);
        }
        held
    }

    /// A connection closes. What comes on it from now on counts for nothing: whether it comes is a matter of when the
    /// client notices.
    fn seal(&mut self, connection: Option<u32>) {
        let own = |open: &&mut Open| Some(open.ends.connection) == connection;
        if let Some(open) = self.open.iter_mut().find(own) {
            open.sealed = true;
        }
    }

    /// Releases what can be, and what can be then; whether a wait of the application is over.
    pub(super) fn settle(&mut self) -> bool {
        while let Some(released) = self.holds.release_next(&self.progress) {
            self.seal(released.seals);
            if let Some(fault) = released.done.and_then(|fault| self.progress.faults.get_mut(fault.index())) {
                fault.done += 1;
            }
        }
        self.holds.end_waits(&self.progress)
    }

    /// The clock of the run.
    fn tick(&mut self) {
        if let Some(began) = self.began {
            self.progress.now = began.elapsed();
        }
    }
}
