//! Topics.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Field, MAX_PARTITIONS, Map, Name, Number, Raw};

/// A topic with its properties.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Topic {
    /// Its name: letters, digits, `.`, `_` and `-`, at most 249 of them.
    pub name: Field<Name>,
    /// How many partitions. Default: 1.
    pub partitions: Field<Number<1, MAX_PARTITIONS>>,
    /// How many replicas each partition has. More than 1 is not built yet. Default: 1.
    pub replication_factor: Field<Number<1, 100>>,
    /// The topic's settings on the broker, as they are written.
    pub config: Field<Map<Raw>>,
}
