//! Which messages need the runner's own header, since their bytes do not tell them from others of their topic.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use crate::id::TopicIndex;
use crate::plan::plan::Batch;

use super::hash;
use super::look::Look;

/// What it may cost to find out that two templates never make the same text, in units of fuel; more than that, and
/// the header is cheaper.
const BUDGET: u64 = 300_000;
/// So many looks a topic's records are compared with; messages of further ones carry the header.
const MAX_LOOKS: usize = 16;

/// A look, and the messages that have it.
struct Kept {
    look: Look,
    runs: Vec<Range<u32>>,
}

impl Kept {
    /// How many messages have it.
    fn size(&self) -> u64 {
        self.runs.iter().map(|run| u64::from(run.end - run.start)).sum()
    }
}

/// Marks the batches whose messages need the header.
pub(in crate::plan) fn tag(batches: &mut [Batch]) {
    let mut topics: HashMap<TopicIndex, Vec<Kept>> = HashMap::new();
    for batch in batches.iter() {
        let kept = topics.entry(batch.topic).or_default();
        let run = batch.first.0..batch.first.0 + batch.count;
        match kept.iter_mut().find(|kept| kept.look.is(&batch.message.shape)) {
            Some(kept) => match kept.runs.last_mut() {
                Some(last) if last.end == run.start => last.end = run.end,
                _ => kept.runs.push(run),
            },
            None => kept.push(Kept { look: Look::of(&batch.message.shape), runs: vec![run] }),
        }
    }
    let mut budget = BUDGET;
    for looks in topics.values_mut() {
        distinct(looks, &mut budget);
    }
    for batch in batches {
        let kept = topics.get(&batch.topic).map(Vec::as_slice).unwrap_or_default();
        batch.message.tagged = !kept.iter().any(|kept| kept.look.is(&batch.message.shape));
    }
}

/// Leaves the looks whose messages are all told apart by their bytes.
fn distinct(looks: &mut Vec<Kept>, budget: &mut u64) {
    let mut kept: Vec<Kept> = Vec::new();
    for new in looks.drain(..) {
        let alone = kept.len() < MAX_LOOKS && new.look.has_identity() && is_injective(&new, budget);
        if alone && kept.iter().all(|other| are_apart(other, &new, budget)) {
            kept.push(new);
        }
    }
    *looks = kept;
}

/// Whether no two messages of a look have the same text.
fn is_injective(kept: &Kept, budget: &mut u64) -> bool {
    if kept.look.is_injective() {
        return true;
    }
    let mut seen = HashSet::new();
    let mut text = Vec::new();
    if !is_affordable(kept, budget) {
        return false;
    }
    kept.runs.iter().cloned().flatten().all(|message| {
        let spent = kept.look.render_table_text(message, &mut text).is_some_and(|cost| spend(budget, cost));
        spent && seen.insert(hash(&text))
    })
}

/// Whether no message of one look has key and value of a message of the other.
fn are_apart(a: &Kept, b: &Kept, budget: &mut u64) -> bool {
    if a.look.is_apart_from(&b.look) {
        return true;
    }
    match (a.look.needs_table(), b.look.needs_table()) {
        // Two tables would have to be compared; the header is cheaper.
        (true, true) => false,
        (true, false) => none_is_one_of(a, b, budget),
        (false, false) if a.size() < b.size() => none_is_one_of(a, b, budget),
        (false, _) => none_is_one_of(b, a, budget),
    }
}

/// Whether no message of `few` has key and value of one of `located`.
fn none_is_one_of(few: &Kept, located: &Kept, budget: &mut u64) -> bool {
    let (mut key, mut value, mut scratch) = (Vec::new(), Vec::new(), Vec::new());
    if !is_affordable(few, budget) {
        return false;
    }
    few.runs.iter().cloned().flatten().all(|message| {
        let cost = few.look.render(message, &mut key, &mut value);
        if !cost.is_some_and(|cost| spend(budget, cost)) {
            return false;
        }
        let (key, value) = few.look.parts(&key, &value);
        !located.look.locate(key, value).any(|number| {
            located.runs.iter().any(|run| run.contains(&number))
                && located.look.matches(number, key, value, &mut scratch)
        })
    })
}

/// Whether the budget is likely to last for all messages of a look, by what the first one costs; that one is paid for.
fn is_affordable(kept: &Kept, budget: &mut u64) -> bool {
    let (mut key, mut value) = (Vec::new(), Vec::new());
    let first = kept.runs.first().map_or(0, |run| run.start);
    if kept.size() > *budget {
        return false;
    }
    // One that fails may have cost everything that there is.
    let cost = kept.look.render(first, &mut key, &mut value).unwrap_or(u64::MAX);
    spend(budget, cost) && cost.saturating_mul(kept.size()) <= *budget
}

fn spend(budget: &mut u64, cost: u64) -> bool {
    let left = budget.checked_sub(cost);
    *budget = left.unwrap_or(0);
    left.is_some()
}
