//! Submissions under dense numbers, and which call of `send` returned before which began.

use std::collections::HashMap;
use std::ops::Range;

use crate::id::{MessageId, Submission};
use crate::trace::{Event, Events};

/// Every submission of a run under a number of its own: first submissions under the number of their message, later
/// ones behind them.
#[derive(Clone, Debug, Default)]
pub(in crate::judge) struct Numbers {
    firsts: u32,
    made: Vec<u64>,
    again: Vec<Submission>,
    places: HashMap<Submission, u32>,
}

impl Numbers {
    /// The submission's number; none where it was never made.
    pub(in crate::judge) fn of(&self, submission: Submission) -> Option<u32> {
        if submission.again > 0 {
            return self.places.get(&submission).copied();
        }
        let message = submission.message.0;
        let word = self.made.get(message as usize / 64)?;
        (word & (1 << (message % 64)) != 0).then_some(message)
    }

    /// The submission of that number.
    pub(in crate::judge) fn submission(&self, number: u32) -> Submission {
        let later = number.checked_sub(self.firsts).and_then(|at| self.again.get(at as usize));
        later.copied().unwrap_or(Submission::first(MessageId(number)))
    }

    /// All numbers below this may be in use.
    pub(in crate::judge) fn end(&self) -> usize {
        self.firsts as usize + self.again.len()
    }

    /// The numbers of all submissions that were made, rising.
    pub(in crate::judge) fn made(&self) -> impl Iterator<Item = u32> {
        let made = |number: &u32| self.made[*number as usize / 64] & (1 << (number % 64)) != 0;
        (0..self.firsts).filter(made).chain(self.later())
    }

    /// The numbers of those that were not the first of their message.
    pub(in crate::judge) fn later(&self) -> Range<u32> {
        let count = u32::try_from(self.again.len()).unwrap_or(u32::MAX);
        self.firsts..self.firsts.saturating_add(count)
    }

    /// The numbers of all submissions of a message.
    pub(in crate::judge) fn of_message(&self, message: MessageId) -> impl Iterator<Item = u32> {
        let from = self.again.partition_point(|submission| submission.message < message);
        let later = self.again[from..].iter().take_while(move |submission| submission.message == message);
        let numbers = later.filter_map(|submission| self.of(*submission));
        self.of(Submission::first(message)).into_iter().chain(numbers)
    }

    fn add(&mut self, submission: Submission) {
        if submission.again > 0 {
            self.again.push(submission);
            return;
        }
        let message = submission.message.0;
        let word = message as usize / 64;
        if self.made.len() <= word {
            self.made.resize(word + 1, 0);
        }
        self.made[word] |= 1 << (message % 64);
        self.firsts = self.firsts.max(message.saturating_add(1));
    }

    fn close(&mut self) {
        self.again.sort_unstable();
        self.again.dedup();
        let numbered = self.again.iter().zip(self.firsts..);
        self.places = numbered.map(|(submission, number)| (*submission, number)).collect();
    }
}

/// The calls of `send`, in their partial order.
#[derive(Debug)]
pub(in crate::judge) struct Calls {
    pub(in crate::judge) numbers: Numbers,
    order: Order,
}

#[derive(Debug)]
enum Order {
    /// One call after the other, by rising number: the number is the time.
    ByNumber,
    /// The place of each call's begin and end among all begins and ends.
    Clock { began: Vec<u32>, ended: Vec<u32> },
}

const NEVER: u32 = u32::MAX;

impl Calls {
    /// The calls among these events, for messages below `messages`.
    pub(in crate::judge) fn of(events: &Events, messages: u32) -> Self {
        let mut numbers = Numbers::default();
        let mut one_by_one = true;
        let mut open = false;
        let mut next = 0;
        events.iter().for_each(|event| match event {
            Event::Send(submission) if submission.message.0 < messages => {
                one_by_one &= !open && submission.again == 0 && submission.message.0 >= next;
                next = submission.message.0.saturating_add(1);
                open = true;
                numbers.add(submission);
            }
            Event::Sent(_) | Event::SendFailed(..) => open = false,
            _ => {}
        });
        numbers.close();
        let order = if one_by_one { Order::ByNumber } else { Order::clock(events, &numbers) };
        Self { numbers, order }
    }

    /// When the call began; only to be compared with other times of this run.
    pub(in crate::judge) fn began(&self, number: u32) -> u32 {
        match &self.order {
            Order::ByNumber => number,
            Order::Clock { began, .. } => began[number as usize],
        }
    }

    /// Whether the call returned before a call that began then.
    pub(in crate::judge) fn ended_before(&self, number: u32, began: u32) -> bool {
        match &self.order {
            Order::ByNumber => number < began,
            Order::Clock { ended, .. } => ended[number as usize] < began,
        }
    }
}

impl Order {
    fn clock(events: &Events, numbers: &Numbers) -> Self {
        let mut began = vec![NEVER; numbers.end()];
        let mut ended = vec![NEVER; numbers.end()];
        for (event, time) in events.iter().zip(0..NEVER) {
            let (column, submission) = match event {
                Event::Send(submission) => (&mut began, submission),
                Event::Sent(submission) | Event::SendFailed(submission, _) => (&mut ended, submission),
                _ => continue,
            };
            if let Some(number) = numbers.of(submission) {
                let entry = &mut column[number as usize];
                *entry = time.min(*entry);
            }
        }
        Self::Clock { began, ended }
    }
}
