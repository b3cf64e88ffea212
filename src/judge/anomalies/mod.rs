//! What went wrong between a send and the log, whether the scenario expects it or not.

mod answers;
mod fates;
mod order;
mod places;

use std::collections::BTreeMap;

use crate::id::Submission;
use crate::plan::AnomalyKind;

use super::facts::Facts;
use super::finding::{Anomaly, Detail, Instance, Lane};

/// All anomalies of a run, by lane, then by kind, each lane's instances by submission.
pub(super) fn find(facts: &Facts<'_>) -> Vec<Anomaly> {
    let mut found = Found::default();
    let last_written = order::find(facts, &mut found);
    answers::find(facts, &mut found);
    fates::find(facts, &last_written, &mut found);
    places::find(facts, &mut found);
    found.finish()
}

/// Instances as they are found, in any order.
#[derive(Default)]
struct Found {
    all: BTreeMap<(Lane, AnomalyKind), Vec<Instance>>,
}

impl Found {
    fn add(&mut self, lane: Lane, kind: AnomalyKind, submission: Submission, detail: Detail) {
        let instance = Instance { first: submission, count: 1, detail };
        let instances = self.all.entry((lane, kind)).or_default();
        // Most are found in their order; then a run never takes more room than one.
        if !instances.last_mut().is_some_and(|run| run.absorb(&instance)) {
            instances.push(instance);
        }
    }

    fn finish(self) -> Vec<Anomaly> {
        let sorted = |((lane, kind), mut instances): ((Lane, AnomalyKind), Vec<Instance>)| {
            instances.sort_by(|a, b| a.place().cmp(&b.place()).then_with(|| a.detail.cmp(&b.detail)));
            instances.dedup_by(|next, run| run.absorb(next));
            Anomaly { kind, lane, instances }
        };
        self.all.into_iter().map(sorted).collect()
    }
}

impl Instance {
    fn place(&self) -> (u16, u32) {
        (self.first.again, self.first.message.0)
    }

    /// Takes the next one in, where it continues the run.
    fn absorb(&mut self, next: &Self) -> bool {
        let fits = self.first.again == next.first.again
            && self.first.message.0.checked_add(self.count) == Some(next.first.message.0)
            && self.detail.continues(&next.detail, self.count);
        if fits {
            self.count += next.count;
        }
        fits
    }
}
