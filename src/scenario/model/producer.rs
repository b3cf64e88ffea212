//! Producers.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Field, Map, Raw};

/// A producer and its settings.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Producer {
    /// Which settings it starts from. Default: `librdkafka`.
    pub preset: Field<Preset>,
    /// One record in each request, so that requests are as deterministic as messages. Default: false.
    pub one_per_request: Field<bool>,
    /// The client's own settings, handed to it as they are written: no number is made of `1.0` or `0x10`. A key that
    /// the client does not know and a value that it refuses are mistakes. Keys that the runner owns or that run code
    /// are refused.
    pub config: Field<Map<Raw>>,
}

/// Which settings a producer starts from.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// librdkafka's own defaults.
    Librdkafka,
    /// librdkafka with the numbers of the Java client: idempotent, acks all, 5 in flight, linger 5 ms, the
    /// `murmur2_random` partitioner, batches of 16384 bytes, 120 s for a delivery, 30 s for a request, 2147483647
    /// retries 100 ms to 1 s apart, no compression, a buffer of 32 MiB, requests of 1 MiB. It says nothing about Java's
    /// code.
    JavaLike,
}
