//! What went wrong between a send and the log, whether the scenario expects it or not.

mod answers;
mod fates;
mod keys;
mod order;
mod places;
mod transactions;

use std::collections::HashMap;

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
    keys::find(facts, &mut found);
    transactions::find(facts, &mut found);
    found.finish()
}

/// Instances as they are found, in any order.
#[derive(Default)]
struct Found {
    all: Vec<((Lane, AnomalyKind), Vec<Instance>)>,
    places: HashMap<(Lane, AnomalyKind), usize>,
    /// Where the last one went: mostly the next one goes there too.
    last: usize,
}

impl Found {
    fn add(&mut self, lane: Lane, kind: AnomalyKind, submission: Submission, detail: Detail) {
        let instance = Instance { first: submission, count: 1, detail };
        let instances = self.instances((lane, kind));
        // Most are found in their order; then a run never takes more room than one.
        if !instances.last_mut().is_some_and(|run| run.absorb(&instance)) {
            instances.push(instance);
        }
    }

    fn instances(&mut self, key: (Lane, AnomalyKind)) -> &mut Vec<Instance> {
        if self.all.get(self.last).is_none_or(|(known, _)| *known != key) {
            self.last = *self.places.entry(key).or_insert_with(|| {
                self.all.push((key, Vec::new()));
                self.all.len() - 1
            });
        }
        &mut self.all[self.last].1
    }

    fn finish(self) -> Vec<Anomaly> {
        let sorted = |((lane, kind), mut instances): ((Lane, AnomalyKind), Vec<Instance>)| {
            instances.sort_by(|a, b| a.place().cmp(&b.place()).then_with(|| a.detail.cmp(&b.detail)));
            instances.dedup_by(|next, run| run.absorb(next));
            Anomaly { kind, lane, instances }
        };
        let mut anomalies: Vec<_> = self.all.into_iter().map(sorted).collect();
        anomalies.sort_by_key(|anomaly| (anomaly.lane, anomaly.kind));
        anomalies
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

/// Two numbers in one, which sorts by the first: half the time of sorting pairs.
fn paired(first: u32, second: u32) -> u64 {
    u64::from(first) << 32 | u64::from(second)
}

/// What was paired.
#[expect(clippy::cast_possible_truncation, reason = "each half is 32 bits wide")]
fn unpaired(pair: u64) -> (u32, u32) {
    ((pair >> 32) as u32, pair as u32)
}
