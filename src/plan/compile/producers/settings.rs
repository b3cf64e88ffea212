//! Client settings: presets, what they mean, and keys that a scenario may not set.

use crate::plan::plan::{Producer, Setting};

/// librdkafka with the numbers of the Java client (`ProducerConfig`, Kafka 4): what librdkafka has an equal of.
pub(super) const JAVA_LIKE: &[(&str, &str)] = &[
    ("enable.idempotence", "true"),
    ("acks", "all"),
    ("max.in.flight.requests.per.connection", "5"),
    ("linger.ms", "5"),
    ("partitioner", "murmur2_random"),
    ("delivery.timeout.ms", "120000"),
    ("request.timeout.ms", "30000"),
    ("retries", "2147483647"),
    ("retry.backoff.ms", "100"),
    ("retry.backoff.max.ms", "1000"),
    ("batch.size", "16384"),
    ("compression.type", "none"),
    ("message.max.bytes", "1048576"),
    ("queue.buffering.max.kbytes", "32768"),
    ("queue.buffering.max.messages", "0"),
    ("metadata.max.age.ms", "300000"),
    ("reconnect.backoff.ms", "50"),
    ("reconnect.backoff.max.ms", "1000"),
];

/// What makes a producer transactional.
pub(in crate::plan::compile) const TRANSACTIONAL: &str = "transactional.id";

/// One record in each request.
pub(super) const ONE_PER_REQUEST: (&str, &str) = ("batch.num.messages", "1");

/// The last of the settings of one meaning; a client has several names for some.
fn last<'a>(producer: &'a Producer, names: &[&str]) -> Option<&'a str> {
    let of = |setting: &&Setting| names.contains(&setting.key.as_str());
    producer.config.iter().rev().find(of).map(|setting| setting.value.trim())
}

/// How many brokers must have a record before it is acknowledged; −1 for all. None where the client will refuse it.
pub(in crate::plan::compile) fn acks(producer: &Producer) -> Option<i16> {
    match last(producer, &["acks", "request.required.acks"]) {
        None | Some("all") => Some(-1),
        Some(number) => number.parse().ok(),
    }
}

/// Whether the records of a producer carry a producer id.
pub(in crate::plan::compile) fn is_idempotent(producer: &Producer) -> bool {
    let on = last(producer, &["enable.idempotence"]);
    producer.transactional
        || on.is_some_and(|on| matches!(on.to_ascii_lowercase().as_str(), "true" | "t" | "1"))
}

/// Why a scenario may not make a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The runner makes it.
    Owned,
    /// It would load or run code.
    RunsCode,
}

/// Whether a scenario may not make a setting. Looked at before the client sees any: setting
/// `plugin.library.paths` loads code at once.
pub(super) fn refused(key: &str) -> Option<Refused> {
    let key = key.trim().to_ascii_lowercase();
    match key.as_str() {
        "bootstrap.servers"
        | "metadata.broker.list"
        | "delivery.report.only.error"
        | "opaque"
        | "enabled_events"
        | "default_topic_conf"
        | "interceptors"
        | "log.queue" => Some(Refused::Owned),
        "plugin.library.paths" | "sasl.kerberos.kinit.cmd" | "ssl.engine.location" | "ssl.providers" => {
            Some(Refused::RunsCode)
        }
        _ if key.starts_with("test.mock.") => Some(Refused::Owned),
        _ if key.ends_with("_cb") => Some(Refused::RunsCode),
        _ => None,
    }
}

/// Why a setting may not be made, neither by a scenario nor on the command line.
pub fn refusal(key: &str) -> Option<String> {
    refused(key).map(|why| message(key, why))
}

/// What is said of a refused setting.
pub(super) fn message(key: &str, why: Refused) -> String {
    match why {
        Refused::Owned => format!("'{key}' is set by the runner"),
        Refused::RunsCode => format!("'{key}' would run code, which a scenario may not"),
    }
}
