//! How a producer is flushed, emptied and closed.

use std::time;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::Deserializer;

use crate::scenario::model::leaf::{Leaf, read_leaf};

use super::{Duration, Field, Listed, Name};

/// How a producer is closed.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Close {
    /// Which, where there are several.
    pub producer: Field<Name>,
    /// How long it is flushed at most, or `none`: then what it has not sent by then is lost without a word. Default:
    /// `ack_wait`.
    pub flush: Field<FlushLimit>,
    /// What is thrown away behind the flush, with a callback for each message: what waits in the client's buffer, what
    /// is on its way to a broker, or both. Default: nothing.
    pub purge: Field<Vec<Field<Purge>>>,
}

/// Which producer is flushed, and how long that may take.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Flush {
    /// Which. Default: every one.
    pub producer: Field<Name>,
    /// How long at most. Default: `ack_wait`.
    pub within: Field<Duration>,
}

/// What a producer throws away.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PurgeStep {
    /// Which producer, where there are several.
    pub producer: Field<Name>,
    /// What. Default: both.
    pub what: Field<Listed<Purge, Purge>>,
}

/// How long a flush may take: a duration, or `none` for no flush.
#[derive(Clone, Copy, Debug, JsonSchema, PartialEq, Eq)]
#[schemars(extend("pattern" = "^(none|([0-9]+(\\.[0-9]+)?(ms|s|m|h))+)$"))]
pub struct FlushLimit(#[schemars(with = "String")] pub Option<time::Duration>);

impl Leaf for FlushLimit {
    const NAME: &'static str = "Duration";

    fn parse(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self(None));
        }
        let limit = Duration::parse(text).map_err(|mistake| format!("{mistake}, or none"))?;
        Ok(Self(Some(limit.0)))
    }
}

impl<'de> Deserialize<'de> for FlushLimit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_leaf(deserializer)
    }
}

/// What is thrown away.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Purge {
    /// What waits in the client's buffer: those have failed with `purged_queue`.
    Queue,
    /// What is on its way to a broker: nobody knows of those, `purged_in_flight`.
    InFlight,
}
