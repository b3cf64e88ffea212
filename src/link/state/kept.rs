//! The requests that have passed, and their answers.

use crate::fault::{Action, Verdict};
use crate::id::{BrokerId, ProducerIndex};
use crate::trace::{Answer, Passed, PassedRow, Touched};

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
}

impl Kept {
    /// Keeps a request, and what is decided of it; its place.
    pub(super) fn keep(&mut self, mut request: Passed, verdict: Option<&Verdict>) -> usize {
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

    /// Notes the answers of a request, unless they are known.
    pub(super) fn note(&mut self, at: usize, answer: impl Fn(usize, &PassedRow) -> Answer) {
        let (Some(request), Some(known)) = (self.passed.get_mut(at), self.answered.get_mut(at)) else {
            return;
        };
        if !std::mem::replace(known, true) {
            for (at, row) in request.rows.iter_mut().enumerate() {
                row.answer = answer(at, row);
            }
        }
    }

    /// A connection has ended; requests without an answer have none for that reason.
    pub(super) fn close(&mut self, ends: Ends, reason: Answer) {
        for (request, known) in self.passed.iter_mut().zip(&mut self.answered) {
            if request.connection == ends.connection && request.api.is_some() && !*known {
                *known = true;
                for row in request.rows.iter_mut().filter(|row| row.answer == Answer::Silent) {
                    row.answer = reason;
                }
            }
        }
    }

    /// All of them; none are left.
    pub(super) fn take(&mut self) -> Vec<Passed> {
        self.answered.clear();
        std::mem::take(&mut self.passed)
    }
}
