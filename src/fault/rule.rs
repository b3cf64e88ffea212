//! A rule: which requests it takes, how often, and what it does to them.

use std::sync::Arc;

use crate::id::{BrokerId, Partition, ProducerIndex, TopicIndex};
use crate::source::Span;
use crate::submissions::Submissions;

use super::{Action, ApiFilter, Condition};

/// A fault of the plan. Faults are tried in the order of the file; the first that matches and may still fire takes
/// the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name, as it stands in snapshots.
    pub name: Arc<str>,
    /// What it takes.
    pub on: Filter,
    /// What happens each time it fires; at least one. Behind the last it begins again with the first, as far as
    /// [`Rule::times`] goes.
    pub firings: Vec<Firing>,
    /// So many matches are left alone first.
    pub skip: u32,
    /// How often it fires.
    pub times: Times,
    /// Whether it is armed from the first step on; otherwise a step arms it. What passes before does not count as a
    /// match.
    pub armed: bool,
    /// Where it was asked for.
    pub span: Span,
}

/// What happens one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firing {
    /// What is done.
    pub action: Action,
    /// When it is done; at once where there is none. What reaches the broker is forwarded at once and its answer is
    /// held; what does not is kept. `delay_request: 1s` is [`Action::HoldRequest`] with [`Condition::For`].
    pub hold: Option<Condition>,
}

/// How often a fault fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// So often, and the scenario fails if it fires less often.
    Exactly(u32),
    /// At most so often.
    AtMost(u32),
    /// Whenever something matches, and the scenario fails if nothing does.
    Always,
}

impl Times {
    /// Whether a fault that has fired so often may fire again.
    pub fn allows(self, fired: u32) -> bool {
        match self {
            Self::Exactly(limit) | Self::AtMost(limit) => fired < limit,
            Self::Always => true,
        }
    }

    /// Whether it is enough that a fault has fired so often.
    pub fn content_with(self, fired: u32) -> bool {
        match self {
            Self::Exactly(limit) => fired == limit,
            Self::AtMost(_) => true,
            Self::Always => fired > 0,
        }
    }
}

/// Which requests a fault takes. Whatever is given must be so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// The API.
    pub api: ApiFilter,
    /// It has a part about this topic. A Metadata request for all topics has.
    pub topic: Option<TopicIndex>,
    /// The same part is about this partition.
    pub partition: Option<Partition>,
    /// The same part carries one of these.
    pub submissions: Option<Submissions>,
    /// For one of the submissions that the same part carries (of those above, where they are given) this is the
    /// so-manieth request that reached the link with it, from 1.
    pub attempt: Option<u32>,
    /// Whose request.
    pub producer: Option<ProducerIndex>,
    /// Where to.
    pub broker: Option<BrokerId>,
    /// Of all requests for which the above holds, the so-manieth, from 1, counted from when the fault was armed.
    pub nth: Option<u32>,
}
