//! Concurrent sends: whose line of the application a fact belongs to.

use std::collections::HashMap;

use crate::id::{MessageId, Submission};
use crate::plan::{Action, Mode, Plan};
use crate::trace::Event;

/// The batches that several threads send, by their place in the plan.
pub(super) struct Threads {
    concurrent: HashMap<usize, Mode>,
}

impl Threads {
    pub(super) fn of(plan: &Plan) -> Self {
        let of = |step: &crate::plan::Step| match step.action {
            Action::Send { batch, mode } => plan.batches.get(batch)?.is_concurrent().then_some((batch, mode)),
            _ => None,
        };
        Self { concurrent: plan.steps.iter().filter_map(of).collect() }
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.concurrent.is_empty()
    }

    /// The thread that made a submission, from 0, and its batch; none for the one that takes the steps.
    pub(super) fn of_submission(&self, plan: &Plan, submission: Submission) -> Option<(u32, usize)> {
        if self.is_empty() || submission.again > 0 {
            return None;
        }
        of_message(plan, submission.message)
    }

    /// The thread whose call, time-out or omission it is, and its batch; none for the one that takes the steps.
    pub(super) fn of_event(&self, plan: &Plan, event: &Event) -> Option<(u32, usize)> {
        if self.is_empty() {
            return None;
        }
        match event {
            Event::Send(submission) => self.of_submission(plan, *submission),
            // What is left out as a whole is a step that is not taken.
            Event::NotSent { first, step, .. } if *step > 1 => of_message(plan, *first),
            // A thread waits for one at a time; for those of asynchronous sends one wait at the end does.
            Event::Timeout(all) => {
                let one = all.first().filter(|_| all.len() == 1)?;
                let (thread, batch) = self.of_submission(plan, one)?;
                let waits = self.concurrent.get(&batch).is_some_and(|mode| *mode != Mode::Async);
                waits.then_some((thread, batch))
            }
            _ => None,
        }
    }
}

fn of_message(plan: &Plan, message: MessageId) -> Option<(u32, usize)> {
    let batch = plan.batch_index(message)?;
    Some((plan.batches.get(batch)?.thread_of(message)?, batch))
}
