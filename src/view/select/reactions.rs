//! What the application did on outcomes.

use std::collections::HashMap;

use crate::id::Submission;
use crate::plan::{Order, Plan};
use crate::trace::{Event, Reacts, StepEnd, Trace};

/// What is known of the reactions of a run.
#[derive(Default)]
pub(super) struct Reactions {
    /// Submissions that were made in callbacks, and whose outcome each followed.
    pub(super) inside: HashMap<Submission, Reacts>,
    /// How those ended that send nothing.
    pub(super) ends: HashMap<u32, StepEnd>,
}

impl Reactions {
    pub(super) fn of(plan: &Plan, trace: &Trace) -> Self {
        let mut reactions = Self::default();
        if plan.reactions.is_empty() {
            return reactions;
        }
        // Without callbacks a timeline has nothing that they could stand behind.
        let shown = plan.snapshot.callbacks || plan.snapshot.order == Order::Lanes;
        for event in trace.events.others() {
            match event {
                Event::Reacts(_, reacts) if reacts.inside.is_some() && shown => {
                    reactions.inside.extend(reacts.made.iter().map(|one| (one, reacts.clone())));
                }
                Event::Reacted(number, end) => drop(reactions.ends.insert(*number, *end)),
                _ => {}
            }
        }
        reactions
    }

    /// Whether a submission was made in a callback.
    pub(super) fn made_inside(&self, submission: Submission) -> bool {
        self.inside.contains_key(&submission)
    }
}
