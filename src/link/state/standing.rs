//! Connections, what is under way on them, and whether all of it stands still.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use tokio_util::sync::CancellationToken;

use crate::id::{BrokerId, ProducerIndex};
use crate::submissions::Submissions;

use super::decision::Passage;
use super::hold::{HoldNumber, Holds};
use super::kept::Ends;

/// A connection.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) ends: Ends,
    pub(super) ties: Ties,
    stage: Stage,
    /// It is as good as closed: what comes from now on is lost with it.
    pub(super) sealed: bool,
    /// Something of it is lost, and so is the connection when the network is healed.
    pub(super) lossy: bool,
    /// In the order in which they came; those that are not there any more are over.
    passages: VecDeque<Weak<Passage>>,
}

/// By what the state reaches a connection.
#[derive(Clone, Debug, Default)]
pub(in crate::link) struct Ties {
    /// Both sides are to be closed at once.
    pub(in crate::link) cut: CancellationToken,
    /// The client has closed, or is known to be gone.
    pub(in crate::link) gone: CancellationToken,
    /// The client's side is to be closed; what has come from it is still on its way to the broker.
    pub(in crate::link) hung_up: CancellationToken,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It is being opened.
    Opening,
    /// Both sides are there.
    Whole,
    /// The client has gone.
    Left,
}

/// Something that is held, and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// The fault's name.
    pub fault: String,
    /// What waits for it, where the link knows that.
    pub kept: Submissions,
    /// What must be so for it to go on, and how far that has come.
    pub until: String,
}

/// Nothing moves any more by itself: whatever is under way waits for something that is held, and time alone releases
/// nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standstill {
    /// What is held.
    pub holdings: Vec<Holding>,
    /// Whatever has no answer because of it.
    pub kept: Submissions,
    /// How many requests without an answer stand on each connection.
    pub(super) crowds: Vec<(ProducerIndex, BrokerId, usize)>,
    pub(super) brokers: Vec<BrokerId>,
}

impl Standstill {
    /// Of these connections, if whatever is under way on them waits for something that is held, and something is.
    pub(super) fn of(connections: &[Open], holds: &Holds) -> Option<Self> {
        let mut still = Self::default();
        for open in connections {
            if open.stage == Stage::Opening {
                return None;
            }
            let under_way = open.under_way();
            let Some(first) = under_way.first() else { continue };
            if !first.held.is_some_and(|hold| holds.is_held(hold)) {
                return None;
            }
            // Whoever has gone does not wait for it.
            if open.stage == Stage::Whole {
                still.crowds.push((open.ends.producer, open.ends.broker, under_way.len()));
                still.kept.extend(under_way.iter().flat_map(|passage| passage.submissions.iter()));
            }
        }
        (!still.crowds.is_empty()).then_some(still)
    }

    /// Whether a producer that sends at most so many requests before an answer can send none, to no broker.
    pub fn is_full(&self, producer: ProducerIndex, in_flight: usize) -> bool {
        let full = |broker: &BrokerId| {
            let mut own = self.crowds.iter().filter(|(of, to, _)| *of == producer && to == broker);
            own.any(|(.., count)| *count >= in_flight)
        };
        !self.brokers.is_empty() && self.brokers.iter().all(full)
    }
}

impl Open {
    pub(super) fn new(ends: Ends, ties: Ties) -> Self {
        Self { ends, ties, stage: Stage::Opening, sealed: false, lossy: false, passages: VecDeque::new() }
    }

    /// Closes it. What is held of it stays in the network.
    pub(super) fn disconnect(&mut self, holds: &Holds) {
        self.sealed = true;
        let held = |passage: &Arc<Passage>| passage.held.is_some_and(|hold| holds.is_held(hold));
        if self.under_way().iter().any(held) {
            self.has_left();
            self.ties.gone.cancel();
            self.ties.hung_up.cancel();
        } else {
            self.ties.cut.cancel();
        }
    }

    /// A request has come.
    pub(super) fn enter(&mut self, held: Option<HoldNumber>, submissions: Submissions) -> Arc<Passage> {
        while self.passages.front().is_some_and(|first| first.strong_count() == 0) {
            self.passages.pop_front();
        }
        let passage = Arc::new(Passage { held, submissions });
        self.passages.push_back(Arc::downgrade(&passage));
        passage
    }

    pub(super) fn is_whole(&mut self) {
        self.stage = Stage::Whole;
    }

    pub(super) fn has_left(&mut self) {
        self.stage = Stage::Left;
    }

    pub(super) fn under_way(&self) -> Vec<Arc<Passage>> {
        self.passages.iter().filter_map(Weak::upgrade).collect()
    }
}
