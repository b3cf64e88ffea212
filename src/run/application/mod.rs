//! The application of a scenario: one thread that takes the plan's steps, and how it waits.

mod deadlock;
mod link;
mod react;
mod send;
mod step;
mod transaction;
mod wait;

use std::collections::HashSet;
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use crate::id::{ProducerIndex, Submission};
use crate::link::Control;
use crate::plan::{self, Callbacks, ClusterStep, Plan, RenderError, Start};
use crate::producer::{Producer, Serving};
use crate::run::RunError;
use crate::run::crew::Crew;
use crate::run::react::Reactions;
use crate::submissions::Submissions;
use crate::trace::{Ending, Recorder};

use send::team::Team;

/// What the application reaches outside of itself.
pub(super) trait Outside: Sync {
    /// Opens a producer of the plan. In a warm start it is connected when this returns; what that waits for ends at the
    /// limit, with [`Halt::Deadline`].
    fn open(
        &self,
        index: ProducerIndex,
        producer: &plan::Producer,
        limit: Instant,
    ) -> Result<Box<dyn Producer>, Halt>;

    /// Does something to the cluster, or says why it cannot be.
    fn change(&self, step: &ClusterStep) -> Result<(), String>;

    /// What stands between the clients and the brokers, if anything does.
    fn link(&self) -> Option<&Control> {
        None
    }
}

/// The application while it runs. It sends for all producers from the thread that calls it, but for concurrent sends.
pub(super) struct Application<'a> {
    plan: &'a Plan,
    recorder: &'a Recorder,
    outside: &'a dyn Outside,
    /// Its producers are those of the whole application.
    crew: &'a Crew,
    reactions: &'a Reactions,
    /// Ends everything soon.
    interrupt: &'a CancellationToken,
    /// The threads of a concurrent send.
    team: Team,
    /// Of the whole scenario.
    deadline: Instant,
    /// Transactional producers that are open and whose initialisation has failed.
    uninitialised: HashSet<ProducerIndex>,
    /// Submissions of asynchronous sends, for which the application waits at the end.
    asynchronous: Submissions,
    /// When that wait is over: counted from the last of them.
    patience: Option<Instant>,
}

/// Why the application went no further.
#[derive(Debug)]
pub(super) enum Halt {
    /// The deadline of the scenario passed, while this was waited for.
    Deadline(String),
    /// A reaction has made too many submissions of a message.
    Endless { reaction: usize, cause: Submission },
    /// Nobody can go on before the deadline: who waits for whom, the last for the first.
    Deadlock(Vec<String>),
    /// The run was interrupted.
    Interrupted,
    /// A message could not be made.
    Message(RenderError),
    /// The cluster could not do what a step asks of it.
    Refused(String),
    /// The world around it is broken.
    Broken(Box<RunError>),
}

/// Whether the application goes on to the next send or step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    /// It does.
    Goes,
    /// A wait has passed its limit, and the scenario stops then.
    Stops,
}

impl<'a> Application<'a> {
    /// An application whose producers are open, but for those that a step opens. Its deadline counts from then on.
    pub(super) fn new(reactions: &'a Reactions, outside: &'a dyn Outside) -> Result<Self, Halt> {
        let (plan, crew) = (reactions.plan(), reactions.crew());
        let limit = Instant::now() + plan.deadline;
        for (index, producer) in crew.all().zip(&plan.producers) {
            if producer.transactional || producer.opened_by_step {
                continue;
            }
            match outside.open(index, producer, limit) {
                Ok(opened) => crew.put(index, opened),
                Err(halt) => {
                    crew.close_all();
                    return Err(halt);
                }
            }
        }
        let deadline = Instant::now() + plan.deadline;
        reactions.end_at(deadline);
        Ok(Self {
            plan,
            recorder: reactions.recorder(),
            outside,
            crew,
            reactions,
            interrupt: reactions.interrupt(),
            deadline,
            team: Team::default(),
            uninitialised: HashSet::new(),
            asynchronous: Submissions::new(),
            patience: None,
        })
    }

    /// Takes all steps, drains what is outstanding and lets go of the producers; nothing is recorded afterwards.
    pub(super) fn run(mut self) -> Result<Ending, Halt> {
        if self.plan.callbacks == Callbacks::OnWait {
            self.serve(Serving::Never);
        }
        let ending = self.steps();
        self.reactions.end();
        // What has no callback by now shall not get one from the throwing away of messages that follows.
        self.recorder.close();
        self.close_all();
        ending
    }

    fn steps(&mut self) -> Result<Ending, Halt> {
        if let Some(link) = self.outside.link().filter(|_| self.plan.start == Start::Warm) {
            link.begin();
        }
        let (mut flow, mut skips) = (Flow::Goes, false);
        for (number, step) in self.plan.steps.iter().enumerate() {
            // An outcome may come before such a step begins or while it lasts: what it is a reason for happens behind it.
            let only_waits = step.action.only_waits();
            if flow == Flow::Goes && !only_waits {
                match self.react() {
                    Ok(next) => flow = next,
                    Err(halt) => return self.halted(Some(number), halt),
                }
            }
            skips |= flow == Flow::Stops || !only_waits && self.reactions.has_stopped();
            if skips {
                self.skip(number, step);
                continue;
            }
            match self.take(number, step) {
                Ok(next) => flow = next,
                Err(Halt::Refused(why)) => return Ok(Ending::Refused { step: number, why }),
                Err(halt) => return self.halted(Some(number), halt),
            }
        }
        match self.drain() {
            Ok(()) => Ok(Ending::Complete),
            Err(halt) => self.halted(None, halt),
        }
    }

    fn halted(&self, step: Option<usize>, halt: Halt) -> Result<Ending, Halt> {
        match halt {
            Halt::Deadline(waited_for) => Ok(Ending::Deadline { step, waited_for, held: self.held() }),
            Halt::Deadlock(circle) => Ok(Ending::Deadlock { step, circle }),
            Halt::Endless { reaction, cause } => Ok(Ending::Endless { reaction, cause }),
            halt => Err(halt),
        }
    }

    /// Whether there is still time.
    fn on_time(&self, what: impl FnOnce() -> String) -> Result<(), Halt> {
        if self.is_interrupted() {
            Err(Halt::Interrupted)
        } else if Instant::now() >= self.deadline {
            Err(Halt::Deadline(what()))
        } else {
            Ok(())
        }
    }

    /// Whether it is to end soon: somebody wants that, or another of its threads has ended for good.
    fn is_interrupted(&self) -> bool {
        self.interrupt.is_cancelled() || self.team.has_given_up()
    }

    /// Says to every producer when callbacks may be served.
    fn serve(&self, serving: Serving) {
        for index in self.crew.all() {
            self.crew.with(index, |producer| producer.serve(serving));
        }
    }

    /// Does something with a producer that serves callbacks meanwhile, whenever else it may.
    fn with_callbacks<T>(&self, index: ProducerIndex, what: impl FnOnce(&dyn Producer) -> T) -> Option<T> {
        self.crew.with(index, |producer| {
            producer.serve(Serving::Always);
            let done = what(producer);
            if self.plan.callbacks == Callbacks::OnWait {
                producer.serve(Serving::Never);
            }
            done
        })
    }

    /// Lets go of every producer.
    fn close_all(&self) {
        for index in self.crew.all() {
            if let Some(producer) = self.crew.take(index) {
                self.let_go(index, producer);
            }
        }
    }

    /// The client has no connection any more when this returns, and the link knows it.
    fn let_go(&self, index: ProducerIndex, producer: Box<dyn Producer>) {
        producer.close();
        if let Some(link) = self.outside.link() {
            link.leave(index);
        }
    }

    /// Submissions that wait for a callback which can still come.
    fn outstanding(&self) -> Submissions {
        self.recorder.outstanding()
    }
}
