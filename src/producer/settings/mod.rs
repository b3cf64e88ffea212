//! The settings of a client: the plan's, and the few that belong to the runner.

mod patience;

use std::sync::LazyLock;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;

use crate::plan::{Producer, Setting, Start};

use super::native;
pub use patience::Patience;

/// Names under which librdkafka knows a setting besides its own name for it (`CONFIGURATION.md`: "Alias for").
const ALIASES: &[(&str, &str)] = &[
    ("acks", "request.required.acks"),
    ("bootstrap.servers", "metadata.broker.list"),
    ("compression.type", "compression.codec"),
    ("delivery.timeout.ms", "message.timeout.ms"),
    ("linger.ms", "queue.buffering.max.ms"),
    ("max.in.flight", "max.in.flight.requests.per.connection"),
    ("retries", "message.send.max.retries"),
    ("sasl.mechanism", "sasl.mechanisms"),
    ("sasl.oauthbearer.client.credentials.client.id", "sasl.oauthbearer.client.id"),
    ("sasl.oauthbearer.client.credentials.client.secret", "sasl.oauthbearer.client.secret"),
];

/// librdkafka's own name for a setting.
pub(super) fn canonical(key: &str) -> &str {
    ALIASES.iter().find(|(alias, _)| *alias == key).map_or(key, |(_, name)| name)
}

/// Settings that have no default, which librdkafka leaves out when it lists what it knows.
const WITHOUT_DEFAULT: &[&str] = &[
    "client.rack",
    "metadata.broker.list",
    "sasl.oauthbearer.client.id",
    "sasl.oauthbearer.client.secret",
    "sasl.password",
    "sasl.username",
    "ssl.ca.location",
    "ssl.certificate.location",
    "ssl.key.location",
    "transactional.id",
];

/// The names of settings that librdkafka knows, other names for one setting included.
pub(super) fn known() -> &'static [String] {
    static KNOWN: LazyLock<Vec<String>> = LazyLock::new(|| {
        let aliases = ALIASES.iter().map(|(alias, _)| alias);
        native::setting_names()
            .into_iter()
            .chain(aliases.chain(WITHOUT_DEFAULT).map(|name| (*name).to_owned()))
            .collect()
    });
    &KNOWN
}

/// The other names of a setting.
pub(super) fn aliases_of(key: &str) -> impl Iterator<Item = &'static str> {
    ALIASES.iter().filter(move |(_, name)| *name == canonical(key)).map(|(alias, _)| *alias)
}

/// The settings that take effect: where one is given twice, also under two names, the later one.
///
/// rust-rdkafka hands settings to librdkafka in no particular order, so that of two names of one setting either could
/// win.
pub(super) fn effective(producer: &Producer) -> Vec<&Setting> {
    let mut effective: Vec<&Setting> = Vec::new();
    for setting in &producer.config {
        effective.retain(|earlier| canonical(&earlier.key) != canonical(&setting.key));
        effective.push(setting);
    }
    effective
}

/// Keys and values, sorted by key.
pub(super) fn pairs(settings: &[&Setting]) -> Vec<(String, String)> {
    let mut pairs: Vec<_> =
        settings.iter().map(|setting| (setting.key.clone(), setting.value.clone())).collect();
    pairs.sort();
    pairs
}

/// The client's configuration as the scenario asks for it, connected to nothing.
pub(super) fn asked_for(producer: &Producer) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set_log_level(RDKafkaLogLevel::Emerg);
    for setting in effective(producer) {
        config.set(&setting.key, &setting.value);
    }
    config
}

/// The client's whole configuration.
pub(super) fn complete(producer: &Producer, bootstrap: &str, start: Start) -> ClientConfig {
    let mut config = asked_for(producer);
    config.set("bootstrap.servers", bootstrap);
    // Its requests take the place of a produce request in flight and change the order of what is observed.
    config.set("enable.metrics.push", "false");
    if start == Start::Warm {
        // Connect to every broker as soon as it is known; otherwise the first record may wait 50 ms for a connection.
        config.set("enable.sparse.connections", "false");
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Origin;
    use crate::source::Span;

    fn producer(settings: &[(&str, &str)]) -> Producer {
        let setting = |(key, value): &(&str, &str)| Setting {
            key: (*key).to_owned(),
            value: (*value).to_owned(),
            origin: Origin::CommandLine,
        };
        Producer {
            name: "producer".into(),
            config: settings.iter().map(setting).collect(),
            one_per_request: false,
            transactional: false,
            opened_by_step: false,
            span: Span::default(),
        }
    }

    #[test]
    fn of_two_names_of_one_setting_the_later_wins() {
        let producer = producer(&[("linger.ms", "5"), ("acks", "1"), ("queue.buffering.max.ms", "0")]);
        let effective: Vec<_> = effective(&producer).iter().map(|setting| setting.key.as_str()).collect();
        assert_eq!(effective, ["acks", "queue.buffering.max.ms"]);
    }

    #[test]
    fn every_alias_stands_for_a_setting_of_librdkafka() {
        let times = |name: &str| known().iter().filter(|known| *known == name).count();
        for (alias, name) in ALIASES {
            // Once: librdkafka's own list has no aliases, and ours of those without a default has nothing else.
            assert!(times(alias) == 1 && times(name) >= 1, "{alias} of {name}");
        }
    }

    #[test]
    fn sparse_connections_stay_in_a_cold_start() {
        let producer = producer(&[]);
        assert_eq!(complete(&producer, "a:1", Start::Cold).get("enable.sparse.connections"), None);
        assert_eq!(complete(&producer, "a:1", Start::Warm).get("enable.sparse.connections"), Some("false"));
    }
}
