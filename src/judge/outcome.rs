//! What became of each submission: ok, failed, or unknown, as in Jepsen.

use std::ops::AddAssign;

use crate::id::{MessageId, Submission};
use crate::submissions::Submissions;
use crate::trace::{Callback, Code, Event, Events, Persistence};

use super::facts::calls::Numbers;

/// What became of a submission as far as the client says.
///
/// An ok callback counts, whatever else was said. Otherwise the first word counts, be it a refusal by the call or a
/// callback; without any, nothing is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Acknowledged.
    Ok,
    /// The client claims that it is not written.
    Failed {
        /// Why.
        code: Code,
        /// How it was said.
        by: By,
    },
    /// Everything else: it may be written or not. The code is what a callback said; none where nothing was said.
    Unknown(Option<Code>),
    /// As unknown: the process would have ended before an answer.
    CutOff,
}

/// How a failure was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum By {
    /// The call of `send` refused the message.
    Call,
    /// A callback.
    Callback,
}

/// How much there was of what. `sent` is the sum of `ok`, `failed`, `unknown` and `cut_off`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Submissions: calls of `send`, refused ones too.
    pub sent: u64,
    /// Submissions with an ok callback.
    pub ok: u64,
    /// Submissions that the client claims are not written.
    pub failed: u64,
    /// Submissions of which nobody but the log knows.
    pub unknown: u64,
    /// Submissions without an answer because the process would have ended before.
    pub cut_off: u64,
    /// Submissions that the application stopped waiting for.
    pub timeouts: u64,
    /// Records in the logs that no submission of this run wrote.
    pub foreign: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, more: Self) {
        self.sent += more.sent;
        self.ok += more.ok;
        self.failed += more.failed;
        self.unknown += more.unknown;
        self.cut_off += more.cut_off;
        self.timeouts += more.timeouts;
        self.foreign += more.foreign;
    }
}

/// The outcome of each submission, in two bytes each.
#[derive(Clone, Debug, Default)]
pub struct Outcomes {
    numbers: Numbers,
    /// For each submission 1 + the place of its outcome in the palette; 0 where none was made.
    column: Vec<u16>,
    /// The different outcomes of this run.
    palette: Vec<Outcome>,
}

/// Every run knows it, so it has a place that need not be looked for.
const SILENCE: u16 = 1;

impl Outcomes {
    /// Takes the events one by one.
    pub(super) fn of(numbers: &Numbers, events: &Events) -> Self {
        let mut outcomes = Self {
            numbers: numbers.clone(),
            column: vec![0; numbers.end()],
            palette: vec![Outcome::Unknown(None), Outcome::Ok],
        };
        numbers.made().for_each(|number| outcomes.column[number as usize] = SILENCE);
        // A refusal and a callback of the same submission are told apart by which came first.
        if events.others().any(|event| matches!(event, Event::SendFailed(..))) {
            for event in events {
                match event {
                    Event::SendFailed(submission, code) => {
                        outcomes.hear(submission, Outcome::Failed { code, by: By::Call });
                    }
                    Event::Callback(callback) => outcomes.hear(callback.submission, callback.into()),
                    _ => {}
                }
            }
        } else {
            events.callbacks().for_each(|callback| outcomes.hear(callback.submission, callback.into()));
        }
        outcomes
    }

    fn hear(&mut self, submission: Submission, outcome: Outcome) {
        let Some(number) = self.numbers.of(submission) else { return };
        if self.column[number as usize] != SILENCE && outcome != Outcome::Ok {
            return;
        }
        let known = self.palette.iter().position(|known| *known == outcome);
        let place = known.unwrap_or_else(|| {
            self.palette.push(outcome);
            self.palette.len() - 1
        });
        // A run does not know 65,000 codes; if one did, nothing would be said of those that are left.
        self.column[number as usize] = u16::try_from(place + 1).unwrap_or(SILENCE);
    }

    /// Those of which nothing was said, and of which that is true, were cut off.
    pub(super) fn cut_off(&mut self, is: impl Fn(u32) -> bool) {
        self.palette.push(Outcome::CutOff);
        let place = u16::try_from(self.palette.len()).unwrap_or(SILENCE);
        for number in self.numbers.made() {
            let entry = &mut self.column[number as usize];
            if *entry == SILENCE && is(number) {
                *entry = place;
            }
        }
    }

    /// The outcome of a submission; none where it was never made.
    pub fn get(&self, submission: Submission) -> Option<Outcome> {
        self.numbers.of(submission).and_then(|number| self.by_number(number))
    }

    /// The outcome of the submission of that number.
    pub(super) fn by_number(&self, number: u32) -> Option<Outcome> {
        let place = usize::from(*self.column.get(number as usize)?);
        self.palette.get(place.checked_sub(1)?).copied()
    }

    /// All submissions that were made, with their outcomes, first ones before later ones, each by number.
    pub fn iter(&self) -> impl Iterator<Item = (Submission, Outcome)> {
        let made = self.numbers.made();
        made.filter_map(|number| Some((self.numbers.submission(number), self.by_number(number)?)))
    }

    /// The submissions whose outcome is so.
    pub fn which(&self, is: impl Fn(Outcome) -> bool) -> Submissions {
        let wanted: Vec<bool> = self.palette.iter().map(|outcome| is(*outcome)).collect();
        let mut set = Submissions::new();
        let mut run = (Submission::first(MessageId(0)), 0);
        for number in self.numbers.made() {
            let place = usize::from(self.column[number as usize]) - 1;
            if !wanted[place] {
                continue;
            }
            let submission = self.numbers.submission(number);
            let (first, count) = run;
            if first.again == submission.again && first.message.0 + count == submission.message.0 {
                run.1 += 1;
            } else {
                set.insert_run(first.message, count, first.again);
                run = (submission, 1);
            }
        }
        set.insert_run(run.0.message, run.1, run.0.again);
        set
    }

    /// How many there are of each, nothing else counted.
    pub(super) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for number in self.numbers.made() {
            counts.sent += 1;
            match self.by_number(number) {
                Some(Outcome::Ok) => counts.ok += 1,
                Some(Outcome::Failed { .. }) => counts.failed += 1,
                Some(Outcome::CutOff) => counts.cut_off += 1,
                Some(Outcome::Unknown(_)) | None => counts.unknown += 1,
            }
        }
        counts
    }
}

impl From<Callback> for Outcome {
    fn from(callback: Callback) -> Self {
        match callback.result {
            Ok(()) => Self::Ok,
            Err(failure) => match failure.persistence {
                Persistence::NotPersisted => Self::Failed { code: failure.code, by: By::Callback },
                Persistence::PossiblyPersisted => Self::Unknown(Some(failure.code)),
            },
        }
    }
}
