//! Steps, and how they ended.

use crate::plan::{self, Action, TransactionCall};
use crate::trace::{Event, StepEnd};

use crate::view::fold::Fold;
use crate::view::folded::Head;
use crate::view::line::{End, Step, What};
use crate::view::select::Scene;

impl Scene<'_> {
    pub(super) fn step(&self, at: usize, ends: &Ends, fold: &mut Fold) {
        let Some(step) = self.plan.steps.get(at) else { return };
        let Some(what) = self.words_of(at, step) else { return };
        let may_fail = matches!(what, Step::Commit(_) | Step::Abort(_))
            || matches!(step.action, Action::Transaction { call: TransactionCall::SendOffsets(_), .. });
        let (end, outstanding) = match ends.0.get(at).and_then(|(_, end)| *end) {
            Some(StepEnd::Done) if may_fail => (End::Ok, 0),
            Some(StepEnd::Done) => (End::Done, 0),
            Some(StepEnd::Failed(code)) => (End::Failed(code), 0),
            Some(StepEnd::Unknown(_)) => (End::Unknown, 0),
            Some(StepEnd::TimedOut(outstanding)) => (End::TimedOut, outstanding),
            Some(StepEnd::Skipped) => (End::Skipped, 0),
            None => (End::Unfinished, 0),
        };
        let head = Head { what: What::Step(what, end), again: 0, count: 1, step: [0; 3] };
        fold.push_whole(head, [i64::from(outstanding), 0, 0]);
    }

    /// What a step is called; none for one that is not shown.
    fn words_of(&self, at: usize, step: &plan::Step) -> Option<Step> {
        let named = |producer| Some(producer).filter(|_| self.names.several_producers());
        Some(match step.action {
            Action::Send { .. } | Action::Again { .. } => return None,
            // Transactions are shown in whichever form they were written.
            Action::Transaction { producer, ref call, .. } => match call {
                TransactionCall::Begin => Step::Begin(named(producer)),
                TransactionCall::Commit => Step::Commit(named(producer)),
                TransactionCall::Abort { .. } => Step::Abort(named(producer)),
                TransactionCall::SendOffsets(_) => Step::Told(self.names.told_by(at)?),
            },
            Action::Cluster(_) | Action::Link(_) | Action::Wait { .. } | Action::Purge { .. } => {
                Step::Told(self.names.told_by(at)?)
            }
            _ if !step.explicit => return None,
            Action::Flush { producer, .. } => Step::Flush(producer.and_then(named)),
            Action::WaitCallbacks { .. } => Step::WaitCallbacks,
            Action::Close { producer, .. } => Step::Close(named(producer)),
            Action::Exit => Step::Exit,
            Action::Open { producer, .. } => Step::Open(named(producer)),
        })
    }

    pub(super) fn ends(&self) -> Ends {
        let mut ends = vec![(false, None); self.plan.steps.len()];
        for event in self.trace.events.others() {
            match event {
                Event::StepBegan(step) => ends.get_mut(*step).into_iter().for_each(|known| known.0 = true),
                Event::StepEnded(step, end) => {
                    ends.get_mut(*step).into_iter().for_each(|known| known.1 = Some(*end));
                }
                _ => {}
            }
        }
        Ends(ends)
    }
}

/// Whether each step began, and how it ended: that is shown where it began.
pub(super) struct Ends(Vec<(bool, Option<StepEnd>)>);

impl Ends {
    pub(super) fn began(&self, step: usize) -> bool {
        self.0.get(step).is_some_and(|(began, _)| *began)
    }
}
