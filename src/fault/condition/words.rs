//! Conditions in words, for people who want to know what something waits for.

use crate::id::FaultIndex;

use super::{Condition, Count, Progress, Requests, stirs};
use crate::fault::{ApiFilter, Rule};

impl Condition {
    /// What must be so for it to hold, and how far that has come where it is known.
    pub fn words(&self, progress: Option<&Progress>, rules: &[Rule]) -> String {
        let name = |fault: &FaultIndex| rules.get(fault.index()).map_or("", |rule| &*rule.name);
        let of = |conditions: &[Self], joint: &str| {
            let words: Vec<_> = conditions.iter().map(|one| one.words(progress, rules)).collect();
            words.join(joint)
        };
        match self {
            Self::Sent(count) => counted(*count, "send", "returned", progress.map(|progress| progress.sent)),
            Self::Callbacks(count) => {
                counted(*count, "callback", "been served", progress.map(|progress| progress.callbacks))
            }
            Self::Requests(requests) => asked(requests, progress),
            Self::Matched(fault) => format!("the fault '{}' has taken a request", name(fault)),
            Self::Fired(fault) => format!("what the fault '{}' does is done", name(fault)),
            Self::Released(fault) => format!("a step has released the fault '{}'", name(fault)),
            Self::Quiet(time) => format!("no client has asked for anything for {time:?}"),
            Self::For(time) => format!("{time:?} have passed"),
            Self::At(time) => format!("{time:?} have passed since the first step"),
            Self::All(conditions) => of(conditions, " and "),
            Self::Any(conditions) if conditions.is_empty() => "the run ends".to_owned(),
            Self::Any(conditions) => of(conditions, " or "),
        }
    }

    /// Whether clients may make it hold by requests that they send on their own, whatever becomes of their messages: for
    /// metadata, for a coordinator, or by opening a connection.
    pub fn asks_for_background(&self, rules: &[Rule]) -> bool {
        let of_fault =
            |fault: &FaultIndex| rules.get(fault.index()).is_none_or(|rule| is_background(rule.on.api));
        match self {
            Self::Requests(requests) => is_background(requests.api),
            Self::Matched(fault) | Self::Fired(fault) => of_fault(fault),
            Self::All(conditions) | Self::Any(conditions) => {
                conditions.iter().any(|one| one.asks_for_background(rules))
            }
            _ => false,
        }
    }
}

fn is_background(api: ApiFilter) -> bool {
    match api {
        ApiFilter::Api(api) => !stirs(api),
        ApiFilter::Any | ApiFilter::Connect => true,
    }
}

fn counted(count: u64, what: &str, done: &str, so_far: Option<u64>) -> String {
    let (plural, have) = if count == 1 { ("", "has") } else { ("s", "have") };
    let so_far = so_far.map_or_else(String::new, |so_far| format!(" (so far {so_far})"));
    format!("{count} {what}{plural} {have} {done}{so_far}")
}

fn asked(requests: &Requests, progress: Option<&Progress>) -> String {
    let (Count::Total(count) | Count::More(count)) = requests.count;
    let what = match requests.api {
        ApiFilter::Connect => "connection".to_owned(),
        ApiFilter::Any => "request".to_owned(),
        ApiFilter::Api(_) => format!("{} request", requests.api.name().unwrap_or("such")),
    };
    let words = counted(count, &what, "come", progress.map(|progress| progress.requests(requests)));
    match requests.broker {
        Some(broker) => format!("{words} to broker {broker}"),
        None => words,
    }
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::ApiKey;

    use super::*;
    use crate::id::{BrokerId, ProducerIndex};

    #[test]
    fn a_condition_says_how_far_it_has_come() {
        let mut progress = Progress::new(0);
        progress.sent = 1;
        progress.count(Some(ApiKey::Produce), ProducerIndex(0), BrokerId(2));
        let (api, count) = (ApiFilter::Api(ApiKey::Produce), Count::Total(5));
        let requests = Requests { api, producer: None, broker: Some(BrokerId(2)), count };
        let both = Condition::All(vec![Condition::Sent(10), Condition::Requests(requests)]);
        let words = both.words(Some(&progress), &[]);
        assert_eq!(
            words,
            "10 sends have returned (so far 1) and 5 produce requests have come (so far 1) to broker 2"
        );
        assert_eq!(Condition::Any(Vec::new()).words(Some(&progress), &[]), "the run ends");
        assert_eq!(Condition::Callbacks(1).words(None, &[]), "1 callback has been served");
    }

    #[test]
    fn a_client_asks_for_metadata_whenever_it_likes() {
        let of = |api| {
            let requests = Requests { api, producer: None, broker: None, count: Count::Total(1) };
            Condition::Any(vec![Condition::Sent(1), Condition::Requests(requests)]).asks_for_background(&[])
        };
        assert!(of(ApiFilter::Api(ApiKey::Metadata)) && of(ApiFilter::Any) && of(ApiFilter::Connect));
        assert!(!of(ApiFilter::Api(ApiKey::Produce)) && !of(ApiFilter::Api(ApiKey::EndTxn)));
    }
}
