//! One run as a table: the application, what passed between the clients and the brokers, and the logs beside each other,
//! in the order in which things happened. Unlike a [`View`](super::View) it shows what may differ from run to run.

mod appended;
mod cell;
mod entry;
mod events;
mod requests;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use crate::id::Submission;
use crate::judge::{Findings, Outcome};
use crate::plan::Plan;
use crate::trace::{Moment, Trace};

use super::block::Names;
use entry::{Entry, Words};

pub use cell::{Cell, Row, Timeline, Tone};

/// The column of the application and its callbacks.
const APPLICATION: usize = 0;
/// The column of requests.
const LINK: usize = 1;

/// When something happened: link and logs before the fact of the same number.
type When = (u64, bool, u64);

/// Lays out a run. Without a link nothing is known of requests, and records stand at the end.
pub fn timeline(plan: &Plan, trace: &Trace, findings: &Findings) -> Timeline {
    let reactions = events::made_by_reactions(trace);
    Layout { plan, trace, findings, names: &Names::of(plan), reactions }.table()
}

/// What a table is made from.
struct Layout<'a> {
    plan: &'a Plan,
    trace: &'a Trace,
    findings: &'a Findings,
    names: &'a Names,
    /// Submissions that reactions made, with what they followed in words.
    reactions: HashMap<Submission, String>,
}

impl Layout<'_> {
    fn table(&self) -> Timeline {
        let (logs, columns) = self.logs();
        let mut all = self.events();
        let shown: Vec<_> = all.iter().map(|((number, ..), _)| *number).collect();
        all.extend(self.requests(&shown));
        all.extend(logs);
        all.sort_by_key(|(when, entry)| (*when, entry.column));
        Timeline { columns, rows: rows(all) }
    }

    fn tone(&self, submissions: impl Iterator<Item = Submission>) -> Tone {
        let of = |outcome| match outcome {
            Outcome::Ok => Tone::Good,
            Outcome::Failed { .. } => Tone::Bad,
            Outcome::Unknown(_) | Outcome::CutOff => Tone::Open,
        };
        submissions
            .filter_map(|submission| self.findings.outcomes.get(submission))
            .map(of)
            .max()
            .unwrap_or_default()
    }
}

/// Link and logs at a moment.
fn at(moment: Moment) -> When {
    (moment.facts, false, moment.seen)
}

/// The fact of a number.
fn fact(number: u64) -> When {
    (number, true, 0)
}

/// Folds neighbours, and puts what happened at once beside each other.
fn rows(all: Vec<(When, Entry)>) -> Vec<Row> {
    let mut kept: Vec<(When, Entry)> = Vec::new();
    for (when, entry) in all {
        if kept.last_mut().is_some_and(|(_, last)| last.takes(&entry)) {
            continue;
        }
        kept.push((when, entry));
    }
    let mut rows: Vec<(When, Row)> = Vec::new();
    for (when, entry) in kept {
        let (column, cell) = entry.cell();
        match rows.last_mut() {
            Some((then, row)) if *then == when && row.cells.iter().all(|(taken, _)| *taken < column) => {
                row.cells.push((column, cell));
            }
            _ => rows.push((when, Row { cells: vec![(column, cell)] })),
        }
    }
    rows.into_iter().map(|(_, row)| row).collect()
}
