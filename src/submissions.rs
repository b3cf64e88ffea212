//! Sets of submissions, kept as ranges: all of a million messages is one range.

use std::fmt;

use crate::id::{MessageId, Submission};

/// A set of submissions as sorted, disjoint ranges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Submissions {
    /// Sorted by (`again`, `first`), disjoint and not adjacent.
    ranges: Vec<Range>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Range {
    again: u16,
    first: u32,
    last: u32,
}

impl Submissions {
    /// The empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// The first submissions of `count` messages from `first` on.
    pub fn run(first: MessageId, count: u32) -> Self {
        let mut set = Self::new();
        set.insert_run(first, count, 0);
        set
    }

    /// Adds one submission.
    pub fn insert(&mut self, submission: Submission) {
        self.insert_run(submission.message, 1, submission.again);
    }

    /// Adds the submissions number `again` of `count` messages from `first` on.
    pub fn insert_run(&mut self, first: MessageId, count: u32, again: u16) {
        let Some(last) = count.checked_sub(1).map(|more| first.0.saturating_add(more)) else { return };
        let mut new = Range { again, first: first.0, last };
        let from = self.ranges.partition_point(|range| {
            (range.again, range.last.saturating_add(1)) < (new.again, new.first) || range.again < new.again
        });
        let mut to = from;
        while let Some(range) = self.ranges.get(to) {
            if range.again != again || range.first > new.last.saturating_add(1) {
                break;
            }
            new.first = new.first.min(range.first);
            new.last = new.last.max(range.last);
            to += 1;
        }
        self.ranges.splice(from..to, [new]);
    }

    /// Whether a submission is in it.
    pub fn contains(&self, submission: Submission) -> bool {
        let (again, message) = (submission.again, submission.message.0);
        let after = self.ranges.partition_point(|range| (range.again, range.first) <= (again, message));
        let candidate = after.checked_sub(1).and_then(|at| self.ranges.get(at));
        candidate.is_some_and(|range| range.again == again && range.last >= message)
    }

    /// How many submissions are in it.
    pub fn len(&self) -> u64 {
        self.ranges.iter().map(|range| u64::from(range.last - range.first) + 1).sum()
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// What is in both, found range by range.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let mut both = Self::new();
        for range in &self.ranges {
            for shared in other.overlapping(range) {
                let first = range.first.max(shared.first);
                both.insert_run(MessageId(first), range.last.min(shared.last) - first + 1, range.again);
            }
        }
        both
    }

    /// What is in this and not in the other, found range by range.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let mut left = Self::new();
        for range in &self.ranges {
            let mut next = Some(range.first);
            for taken in other.overlapping(range) {
                let first = next.unwrap_or(taken.first);
                left.insert_run(MessageId(first), taken.first.saturating_sub(first), range.again);
                next = taken.last.checked_add(1);
            }
            if let Some(first) = next.filter(|first| *first <= range.last) {
                left.insert_run(MessageId(first), range.last - first + 1, range.again);
            }
        }
        left
    }

    /// The ranges that share a member with that one.
    fn overlapping(&self, range: &Range) -> impl Iterator<Item = &Range> {
        let from =
            self.ranges.partition_point(|other| (other.again, other.last) < (range.again, range.first));
        let (again, last) = (range.again, range.last);
        self.ranges[from..].iter().take_while(move |other| other.again == again && other.first <= last)
    }

    /// Its members, first submissions before second ones, each by number.
    pub fn iter(&self) -> impl Iterator<Item = Submission> {
        self.ranges.iter().flat_map(|range| {
            let again = range.again;
            (range.first..=range.last).map(move |message| Submission { message: MessageId(message), again })
        })
    }

    /// The lowest first submission, or the lowest later one where there is none.
    pub fn first(&self) -> Option<Submission> {
        self.iter().next()
    }
}

impl FromIterator<Submission> for Submissions {
    fn from_iter<I: IntoIterator<Item = Submission>>(submissions: I) -> Self {
        let mut set = Self::new();
        submissions.into_iter().for_each(|submission| set.insert(submission));
        set
    }
}

impl Extend<Submission> for Submissions {
    fn extend<I: IntoIterator<Item = Submission>>(&mut self, submissions: I) {
        submissions.into_iter().for_each(|submission| self.insert(submission));
    }
}

/// As in messages to people: `0..2, 5, 0'`. With a precision at most so many ranges, and how many submissions are not
/// named: `0..2, 5 and 17 more`.
impl fmt::Display for Submissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = f.precision().unwrap_or(usize::MAX).min(self.ranges.len());
        for (at, range) in self.ranges[..shown].iter().enumerate() {
            let first = Submission { message: MessageId(range.first), again: range.again };
            let last = Submission { message: MessageId(range.last), again: range.again };
            let comma = if at == 0 { "" } else { ", " };
            if first == last { write!(f, "{comma}{first}")? } else { write!(f, "{comma}{first}..{last}")? }
        }
        match self.ranges[shown..].iter().map(|range| u64::from(range.last - range.first) + 1).sum() {
            0u64 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_behaves_as_a_plain_set(runs in prop::collection::vec((0u32..60, 0u32..12, 0u16..3), 0..20)) {
            let mut set = Submissions::new();
            let mut plain = BTreeSet::new();
            for (first, count, again) in runs {
                set.insert_run(MessageId(first), count, again);
                plain.extend((first..first + count).map(|message| (again, message)));
            }
            let listed: Vec<_> = set.iter().map(|s| (s.again, s.message.0)).collect();
            prop_assert_eq!(&listed, &plain.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(set.len(), plain.len() as u64);
            for again in 0..3 {
                for message in 0..80 {
                    let submission = Submission { message: MessageId(message), again };
                    prop_assert_eq!(set.contains(submission), plain.contains(&(again, message)));
                }
            }
        }
    }

    fn sets() -> impl Strategy<Value = (Submissions, BTreeSet<(u16, u32)>)> {
        prop::collection::vec((0u32..60, 0u32..12, 0u16..3), 0..12).prop_map(|runs| {
            let mut set = Submissions::new();
            let mut plain = BTreeSet::new();
            for (first, count, again) in runs {
                set.insert_run(MessageId(first), count, again);
                plain.extend((first..first + count).map(|message| (again, message)));
            }
            (set, plain)
        })
    }

    fn set(plain: impl IntoIterator<Item = (u16, u32)>) -> Submissions {
        plain.into_iter().map(|(again, message)| Submission { message: MessageId(message), again }).collect()
    }

    proptest! {
        #[test]
        fn two_sets_meet_as_plain_ones_do((a, plain_a) in sets(), (b, plain_b) in sets()) {
            prop_assert_eq!(a.intersection(&b), set(plain_a.intersection(&plain_b).copied()));
            prop_assert_eq!(a.difference(&b), set(plain_a.difference(&plain_b).copied()));
        }
    }

    #[test]
    fn neighbours_become_one_range() {
        let set: Submissions = [3, 1, 2, 7].map(|n| Submission::first(MessageId(n))).into_iter().collect();
        assert_eq!(set.to_string(), "1..3, 7");
        assert_eq!(format!("{set:.2}"), "1..3, 7");
        assert_eq!(format!("{set:.1}"), "1..3 and 1 more");
    }
}
