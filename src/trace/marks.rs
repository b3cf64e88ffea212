//! Sets of submissions that are small when they are full, and that grow while others wait for a lock.

use std::collections::HashSet;

use crate::id::{MessageId, Submission};
use crate::submissions::Submissions;

/// A set of submissions at one bit a message.
#[derive(Debug, Default)]
pub(super) struct Marks {
    first: Vec<u64>,
    again: HashSet<Submission>,
}

impl Marks {
    /// Whether it was not there before.
    pub(super) fn insert(&mut self, submission: Submission) -> bool {
        if submission.again > 0 {
            return self.again.insert(submission);
        }
        let (word, bit) = place(submission);
        if self.first.len() <= word {
            self.first.resize(word + 1, 0);
        }
        let new = self.first[word] & bit == 0;
        self.first[word] |= bit;
        new
    }

    pub(super) fn contains(&self, submission: Submission) -> bool {
        if submission.again > 0 {
            return self.again.contains(&submission);
        }
        let (word, bit) = place(submission);
        self.first.get(word).is_some_and(|marks| marks & bit != 0)
    }

    /// The members that are not members of the other; found word by word, since a million may be outstanding while
    /// callbacks wait for the lock.
    pub(super) fn without(&self, other: &Self) -> Submissions {
        let mut found = Submissions::new();
        for (at, marks) in (0u32..).zip(&self.first) {
            let mut left = marks & !other.first.get(at as usize).copied().unwrap_or(0);
            while left != 0 {
                let skipped = left.trailing_zeros();
                let run = (left >> skipped).trailing_ones();
                found.insert_run(MessageId(at * 64 + skipped), run, 0);
                left &= left.checked_add(1 << skipped).unwrap_or(0);
            }
        }
        found.extend(self.again.difference(&other.again).copied());
        found
    }
}

fn place(submission: Submission) -> (usize, u64) {
    let number = submission.message.index();
    (number / 64, 1 << (number % 64))
}
