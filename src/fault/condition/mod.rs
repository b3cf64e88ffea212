//! When a hold is released, or a wait is over: conditions over what has happened since the first step.

mod words;

use std::time::Duration;

use kafka_protocol::messages::ApiKey;

use crate::id::{BrokerId, FaultIndex, ProducerIndex};

use super::ApiFilter;

/// When something that is held goes on, or a wait of the application is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// So many calls of send have returned, refused ones too.
    Sent(u64),
    /// So many callbacks of any kind have been served.
    Callbacks(u64),
    /// So many requests have reached the link.
    Requests(Requests),
    /// The fault has taken a request.
    Matched(FaultIndex),
    /// What the fault does is done: of a hold, it is released.
    Fired(FaultIndex),
    /// A step has released the fault. A hold's own fault where the scenario names none.
    Released(FaultIndex),
    /// For so long no produce or transaction request came from a client, and no call of send returned. Has a clock.
    Quiet(Duration),
    /// So long since the hold or the wait began. Has a clock.
    For(Duration),
    /// The clock of the run has come so far; what [`Condition::For`] becomes when a hold or a wait begins.
    At(Duration),
    /// All of these.
    All(Vec<Self>),
    /// One of these.
    Any(Vec<Self>),
}

/// Requests that have reached the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requests {
    /// Of which API.
    pub api: ApiFilter,
    /// Whose; none: anyone's.
    pub producer: Option<ProducerIndex>,
    /// Where to; none: anywhere.
    pub broker: Option<BrokerId>,
    /// How many.
    pub count: Count,
}

/// How many requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// So many since the first step.
    Total(u64),
    /// So many since the hold or the wait began; the request that is held is not one of them.
    More(u64),
}

/// How far a run has come, counted from its first step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Calls of send that have returned.
    pub sent: u64,
    /// Callbacks that have been served.
    pub callbacks: u64,
    /// The faults, in the order of the plan.
    pub faults: Vec<RuleProgress>,
    /// The clock of the run, from its first step.
    pub now: Duration,
    /// When the last produce or transaction request came, or the last call of send returned.
    pub stirred: Duration,
    requests: Vec<(Kind, u64)>,
}

/// What is counted apart: API (none for the opening of a connection), producer, broker.
type Kind = (Option<ApiKey>, ProducerIndex, BrokerId);

/// How far a fault has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RuleProgress {
    /// It has taken a request.
    pub taken: u32,
    /// What it did is done, so often.
    pub done: u32,
    /// A step has released it.
    pub released: bool,
}

impl Progress {
    /// Nothing yet, with so many faults.
    pub fn new(faults: usize) -> Self {
        Self { faults: vec![RuleProgress::default(); faults], ..Self::default() }
    }

    /// A request has reached the link (none: a connection was opened).
    pub fn count(&mut self, api: Option<ApiKey>, producer: ProducerIndex, broker: BrokerId) {
        let kind = (api, producer, broker);
        match self.requests.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count += 1,
            None => self.requests.push((kind, 1)),
        }
        if api.is_some_and(stirs) {
            self.stirred = self.now;
        }
    }

    /// How many requests of a kind have reached the link; [`Requests::count`] has no part in it.
    pub fn requests(&self, of: &Requests) -> u64 {
        let wanted = |(api, producer, broker): Kind| {
            of.api.covers(api)
                && of.producer.is_none_or(|own| own == producer)
                && of.broker.is_none_or(|own| own == broker)
        };
        self.requests.iter().filter(|(kind, _)| wanted(*kind)).map(|(_, count)| count).sum()
    }

    fn fault(&self, index: FaultIndex) -> RuleProgress {
        self.faults.get(index.index()).copied().unwrap_or_default()
    }
}

/// Whether a request of that API shows that a client still has something to do.
fn stirs(api: ApiKey) -> bool {
    matches!(
        api,
        ApiKey::Produce
            | ApiKey::InitProducerId
            | ApiKey::AddPartitionsToTxn
            | ApiKey::AddOffsetsToTxn
            | ApiKey::TxnOffsetCommit
            | ApiKey::EndTxn
    )
}

impl Condition {
    /// The condition with what it counts from now on made absolute. To be called when a hold or a wait begins.
    #[must_use]
    pub fn from_now(&self, progress: &Progress) -> Self {
        let all = |conditions: &[Self]| conditions.iter().map(|one| one.from_now(progress)).collect();
        match self {
            Self::For(time) => Self::At(progress.now.saturating_add(*time)),
            Self::Requests(requests) => match requests.count {
                Count::More(more) => {
                    let count = Count::Total(progress.requests(requests).saturating_add(more));
                    Self::Requests(Requests { count, ..*requests })
                }
                Count::Total(_) => self.clone(),
            },
            Self::All(conditions) => Self::All(all(conditions)),
            Self::Any(conditions) => Self::Any(all(conditions)),
            other => other.clone(),
        }
    }

    /// Whether it holds. [`Condition::For`] and [`Count::More`] hold only once they are made absolute.
    pub fn holds(&self, progress: &Progress) -> bool {
        match self {
            Self::Sent(count) => progress.sent >= *count,
            Self::Callbacks(count) => progress.callbacks >= *count,
            Self::Requests(requests) => match requests.count {
                Count::Total(count) => progress.requests(requests) >= count,
                Count::More(_) => false,
            },
            Self::Matched(fault) => progress.fault(*fault).taken > 0,
            Self::Fired(fault) => progress.fault(*fault).done > 0,
            Self::Released(fault) => progress.fault(*fault).released,
            Self::Quiet(time) => progress.now.saturating_sub(progress.stirred) >= *time,
            Self::For(_) => false,
            Self::At(time) => progress.now >= *time,
            Self::All(conditions) => conditions.iter().all(|one| one.holds(progress)),
            Self::Any(conditions) => conditions.iter().any(|one| one.holds(progress)),
        }
    }

    /// When it will hold if nothing happens but that time passes; none if it never will. The clock of the run.
    pub fn by_time(&self, progress: &Progress) -> Option<Duration> {
        match self {
            Self::Quiet(time) => Some(progress.stirred.saturating_add(*time)),
            Self::At(time) => Some(*time),
            Self::All(all) => all
                .iter()
                .try_fold(Duration::ZERO, |latest, one| one.by_time(progress).map(|time| latest.max(time))),
            Self::Any(any) => any.iter().filter_map(|one| one.by_time(progress)).min(),
            other => other.holds(progress).then_some(Duration::ZERO),
        }
    }

    /// Whether the passing of time has a part in it.
    pub fn has_clock(&self) -> bool {
        match self {
            Self::Quiet(_) | Self::For(_) | Self::At(_) => true,
            Self::All(conditions) | Self::Any(conditions) => conditions.iter().any(Self::has_clock),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn produce(count: Count) -> Condition {
        let api = ApiFilter::Api(ApiKey::Produce);
        Condition::Requests(Requests { api, producer: None, broker: Some(BrokerId(1)), count })
    }

    #[test]
    fn requests_are_counted_by_what_they_are() {
        let mut progress = Progress::new(0);
        for (api, broker) in [(ApiKey::Produce, 1), (ApiKey::Produce, 2), (ApiKey::Metadata, 1)] {
            progress.count(Some(api), ProducerIndex(0), BrokerId(broker));
        }
        assert!(produce(Count::Total(1)).holds(&progress));
        assert!(!produce(Count::Total(2)).holds(&progress));
    }

    #[test]
    fn what_is_more_counts_from_when_the_wait_begins() {
        let mut progress = Progress::new(0);
        let come = |progress: &mut Progress| {
            progress.count(Some(ApiKey::Produce), ProducerIndex(0), BrokerId(1));
        };
        come(&mut progress);
        let wait = produce(Count::More(1)).from_now(&progress);
        assert!(!wait.holds(&progress));
        come(&mut progress);
        assert!(wait.holds(&progress));
    }

    #[test]
    fn quiet_begins_anew_with_every_stir() {
        let second = Duration::from_secs(1);
        let mut progress = Progress { now: second, ..Progress::new(0) };
        let quiet = Condition::Quiet(second);
        assert!(quiet.holds(&progress));
        progress.count(Some(ApiKey::Metadata), ProducerIndex(0), BrokerId(1));
        assert!(quiet.holds(&progress), "a client asks for metadata whenever it likes");
        progress.count(Some(ApiKey::Produce), ProducerIndex(0), BrokerId(1));
        assert!(!quiet.holds(&progress));
        assert_eq!(quiet.by_time(&progress), Some(2 * second));
    }

    #[test]
    fn time_alone_is_enough_only_if_the_rest_holds() {
        let mut progress = Progress::new(1);
        let both = Condition::All(vec![Condition::Sent(1), Condition::For(Duration::from_secs(3))]);
        let both = both.from_now(&progress);
        assert_eq!(both.by_time(&progress), None);
        progress.sent = 1;
        assert_eq!(both.by_time(&progress), Some(Duration::from_secs(3)));
        let either = Condition::Any(vec![Condition::Released(FaultIndex(0)), both.clone()]);
        assert_eq!(either.by_time(&progress), Some(Duration::from_secs(3)));
        progress.faults[0].released = true;
        assert_eq!(either.by_time(&progress), Some(Duration::ZERO));
        assert!(either.holds(&progress) && !both.holds(&progress));
    }
}
