//! The requests that have passed, and their answers.

use crate::fault::{Action, Verdict};
use crate::id::{BrokerId, ProducerIndex};
use crate::trace::{Answer, Moment, Passed, PassedRow, Touched};

/// Who is at both ends of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::link) struct Ends {
    pub(in crate::link) connection: u32,
    pub(in crate::link) producer: ProducerIndex,
    pub(in crate::link) broker: BrokerId,
}

/// What has passed, in the order in which it came.
#[derive(Debug, Default)]
pub(super) struct Kept {
    passed: Vec<Passed>,
    /// For each of those, whether its answers are known for good.
    answered: Vec<bool>,
    /// How often something came or was answered.
    seen: u64,
}

impl Kept {
    /// Keeps a request, and what is decided of it; its place.
    pub(super) fn keep(&mut self, mut request: Passed, verdict: Option<&Verdict>, facts: u64) -> usize {
        request.came = self.moment(facts);
        if let Some(verdict) = verdict {
            let all = !matches!(verdict.action, Action::Fail(_)) || verdict.rows.is_empty();
            for (at, row) in request.rows.iter_mut().enumerate() {
                row.touched = all || verdict.rows.contains(&at);
            }
            request.touched = Some(Touched { fault: verdict.fault, firing: verdict.firing });
        }
        self.passed.push(request);
        self.answered.push(false);
        self.passed.len() - 1
    }

    /// The client is about to get the answer of a request.
    pub(super) fn give(&mut self, at: usize, facts: u64) {
        let now = self.moment(facts);
        if let Some(request) = self.passed.get_mut(at) {
            request.answered.get_or_insert(now);
        }
    }

    /// Notes the answers of a request, unless they are known.
    pub(super) fn note(&mut self, at: usize, facts: u64, answer: impl Fn(usize, &PassedRow) -> Answer) {
        let now = self.moment(facts);
        let (Some(request), Some(known)) = (self.passed.get_mut(at), self.answered.get_mut(at)) else {
            return;
        };
        if !std::mem::replace(known, true) {
            request.answered.get_or_insert(now);
            for (at, row) in request.rows.iter_mut().enumerate() {
                row.answer = answer(at, row);
            }
        }
    }

    /// A connection has ended; requests without an answer have none for that reason.
    pub(super) fn close(&mut self, ends: Ends, facts: u64, reason: Answer) {
        let now = self.moment(facts);
        for (request, known) in self.passed.iter_mut().zip(&mut self.answered) {
            if request.connection == ends.connection && request.api.is_some() && !*known {
                *known = true;
                request.answered.get_or_insert(now);
                for row in request.rows.iter_mut().filter(|row| row.answer == Answer::Silent) {
                    row.answer = reason;
                }
            }
        }
    }

    fn moment(&mut self, facts: u64) -> Moment {
        self.seen += 1;
        Moment { facts, seen: self.seen }
    }

    /// All of them; none are left.
    pub(super) fn take(&mut self) -> Vec<Passed> {
        self.answered.clear();
        std::mem::take(&mut self.passed)
    }
}
