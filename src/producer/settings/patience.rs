//! How much a client does before it has an answer: how many requests it sends, and how long it waits.

use std::time::Duration;

use crate::plan::Producer;

use super::{canonical, effective};

/// How much a client does before it has an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// The most requests of one connection that have no answer, at least 1.
    pub in_flight: usize,
    /// Whether it asks for a producer id as soon as it is opened.
    pub has_id: bool,
    /// The shortest time after which it does something on its own though nobody has answered: expires a message, gives
    /// up a request, asks for metadata. None if it never does.
    pub shortest: Option<Duration>,
}

/// Settings in milliseconds after which librdkafka does something on its own, and their defaults
/// (`rdkafka_conf.c`); 0 stands for never.
const TIME_OUTS: &[(&str, u64)] = &[
    ("message.timeout.ms", 300_000),
    ("socket.timeout.ms", 60_000),
    ("topic.metadata.refresh.interval.ms", 300_000),
];
/// The most requests in flight by default, and those of an idempotent producer.
const IN_FLIGHT: (usize, usize) = (1_000_000, 5);
/// A transactional producer's messages expire no later than its transaction.
const TRANSACTION: (&str, u64) = ("transaction.timeout.ms", 60_000);

impl Patience {
    /// As far as its settings tell.
    pub fn of(producer: &Producer) -> Self {
        let settings = effective(producer);
        let text = |key: &str| {
            let found = settings.iter().find(|setting| canonical(&setting.key) == key);
            found.map(|setting| setting.value.as_str())
        };
        let number = |key: &str, default: u64| text(key).map_or(Some(default), |text| text.parse().ok());
        let transaction = producer.transactional.then_some(&TRANSACTION);
        let times = TIME_OUTS.iter().chain(transaction).filter_map(|(key, default)| number(key, *default));
        let idempotent = producer.transactional || text("enable.idempotence") == Some("true");
        let default = if idempotent { IN_FLIGHT.1 } else { IN_FLIGHT.0 };
        let in_flight = text("max.in.flight.requests.per.connection").and_then(|text| text.parse().ok());
        Self {
            has_id: idempotent && !producer.transactional,
            in_flight: in_flight.unwrap_or(default).max(1),
            shortest: times.filter(|time| *time > 0).min().map(Duration::from_millis),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Origin, Setting};
    use crate::source::Span;

    fn patience(settings: &[(&str, &str)], transactional: bool) -> (usize, u64) {
        let setting = |(key, value): &(&str, &str)| Setting {
            key: (*key).to_owned(),
            value: (*value).to_owned(),
            origin: Origin::CommandLine,
        };
        let patience = Patience::of(&Producer {
            name: "producer".into(),
            config: settings.iter().map(setting).collect(),
            one_per_request: false,
            transactional,
            opened_by_step: false,
            span: Span::default(),
        });
        let millis = patience.shortest.map_or(0, |time| time.as_millis());
        (patience.in_flight, u64::try_from(millis).unwrap())
    }

    #[test]
    fn the_shortest_time_out_counts_under_all_of_its_names() {
        assert_eq!(patience(&[], false), (1_000_000, 60_000));
        assert_eq!(patience(&[("delivery.timeout.ms", "9000")], false), (1_000_000, 9_000));
        let never = [("socket.timeout.ms", "90000"), ("message.timeout.ms", "0")];
        assert_eq!(patience(&never, false), (1_000_000, 90_000));
        assert_eq!(patience(&[("transaction.timeout.ms", "7000")], true), (5, 7_000));
        assert_eq!(patience(&[("transaction.timeout.ms", "7000")], false), (1_000_000, 60_000));
    }

    #[test]
    fn an_idempotent_producer_has_five_in_flight() {
        let idempotent = ("enable.idempotence", "true");
        assert_eq!(patience(&[idempotent], false).0, 5);
        assert_eq!(patience(&[idempotent, ("max.in.flight", "2")], false).0, 2);
    }
}
