//! Which messages a transaction has, and what came of it as far as the client says.

use std::collections::HashMap;

use crate::id::{ProducerIndex, Submission};
use crate::plan::{Action, Plan, TransactionCall};
use crate::trace::{Event, Events, StepEnd};

/// What came of a transaction as far as the client says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::judge) enum End {
    /// It was certainly committed.
    Committed,
    /// It was asked to be committed, and nobody knows whether it was.
    Unknown,
    /// It was aborted, or never asked to be committed with any success.
    #[default]
    NotCommitted,
}

/// The transactions of a run. Steps are taken one after the other, so that a batch is sent in one transaction whole.
#[derive(Debug, Default)]
pub(in crate::judge) struct Transactions {
    /// For each batch of the plan its transaction. Empty where there is none at all.
    of_batch: Vec<Option<u32>>,
    /// And for each submission of a reaction, which no step places.
    of_reactions: HashMap<Submission, Option<u32>>,
    ends: Vec<End>,
}

impl Transactions {
    /// Goes through the steps of the plan, and how they ended.
    pub(in crate::judge) fn of(plan: &Plan, events: &Events) -> Self {
        let asked = |action: &Action| matches!(action, Action::Transaction { .. });
        if !plan.steps.iter().any(|step| asked(&step.action)) {
            return Self::default();
        }
        let taken = taken(plan, events);
        let mut all = Self { of_batch: vec![None; plan.batches.len()], ends: Vec::new(), ..Self::default() };
        let mut begun = HashMap::new();
        let mut open = HashMap::<ProducerIndex, u32>::new();
        for (at, (step, taken)) in plan.steps.iter().zip(taken).enumerate() {
            match &step.action {
                Action::Send { batch, .. } => {
                    let producer = plan.batches.get(*batch).map(|batch| batch.producer);
                    if let (Some(place), Some(producer)) = (all.of_batch.get_mut(*batch), producer) {
                        *place = open.get(&producer).copied();
                    }
                }
                Action::Transaction { producer, call, .. } => {
                    all.call(*producer, call, taken, &mut open);
                    begun.insert(at, open.get(producer).copied());
                }
                _ => {}
            }
        }
        all.reactions(plan, events, &begun);
        all
    }

    /// Which transaction is open when a reaction sends something, by what was open behind each step about one.
    fn reactions(&mut self, plan: &Plan, events: &Events, behind: &HashMap<usize, Option<u32>>) {
        let mut open = HashMap::<ProducerIndex, Option<u32>>::new();
        for event in events.others() {
            match event {
                Event::StepEnded(step, _) => {
                    if let (Some(Action::Transaction { producer, .. }), Some(transaction)) =
                        (plan.steps.get(*step).map(|step| &step.action), behind.get(step))
                    {
                        open.insert(*producer, *transaction);
                    }
                }
                Event::Reacts(_, reacts) => {
                    let whose = |one: Submission| Some(plan.batch_of(one.message)?.producer);
                    let of =
                        |one| (one, whose(one).and_then(|producer| open.get(&producer).copied()).flatten());
                    self.of_reactions.extend(reacts.made.iter().map(of));
                }
                _ => {}
            }
        }
    }

    fn call(
        &mut self,
        producer: ProducerIndex,
        call: &TransactionCall,
        taken: Taken,
        open: &mut HashMap<ProducerIndex, u32>,
    ) {
        let current = open.get(&producer).and_then(|at| self.ends.get_mut(*at as usize));
        match (call, taken) {
            (TransactionCall::Begin, Taken::Ended(StepEnd::Done)) => {
                open.insert(producer, u32::try_from(self.ends.len()).unwrap_or(u32::MAX));
                self.ends.push(End::NotCommitted);
            }
            (TransactionCall::Commit, Taken::Ended(StepEnd::Done)) => {
                set(current, End::Committed);
                open.remove(&producer);
            }
            (TransactionCall::Commit, Taken::Began | Taken::Ended(StepEnd::Unknown(_))) => {
                set(current, End::Unknown);
            }
            (TransactionCall::Abort { .. }, Taken::Ended(StepEnd::Done)) => drop(open.remove(&producer)),
            _ => {}
        }
    }

    /// Whether there is none.
    pub(in crate::judge) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The transaction that a submission was made in, and what came of it; none for one that was made in none.
    pub(in crate::judge) fn of_submission(&self, plan: &Plan, submission: Submission) -> Option<(u32, End)> {
        if self.is_empty() {
            return None;
        }
        let transaction = match self.of_reactions.get(&submission) {
            Some(transaction) => (*transaction)?,
            None => (*self.of_batch.get(plan.batch_index(submission.message)?)?)?,
        };
        Some((transaction, *self.ends.get(transaction as usize)?))
    }
}

fn set(end: Option<&mut End>, now: End) {
    if let Some(end) = end {
        *end = now;
    }
}

/// What is known of a step.
#[derive(Clone, Copy)]
enum Taken {
    Never,
    /// It began and did not end.
    Began,
    Ended(StepEnd),
}

fn taken(plan: &Plan, events: &Events) -> Vec<Taken> {
    let mut taken = vec![Taken::Never; plan.steps.len()];
    for event in events.others() {
        let (step, now) = match event {
            Event::StepBegan(step) => (step, Taken::Began),
            Event::StepEnded(step, end) => (step, Taken::Ended(*end)),
            _ => continue,
        };
        taken.get_mut(*step).into_iter().for_each(|known| *known = now);
    }
    taken
}
