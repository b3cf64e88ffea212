//! Topics.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{BrokerNumber, Field, MAX_PARTITIONS, Map, Name, Number, Raw};

/// A topic with its properties.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Topic {
    /// Its name: letters, digits, `.`, `_` and `-`, at most 249 of them.
    pub name: Field<Name>,
    /// How many partitions. Default: 1.
    pub partitions: Field<Number<1, MAX_PARTITIONS>>,
    /// How many brokers have each partition, at most as many as there are. Default: 1.
    pub replication_factor: Field<BrokerNumber>,
    /// The broker that leads each partition at first, one for each. The other replicas are on the brokers that follow.
    /// Default: partition p is led by broker (p mod n) + 1.
    pub leaders: Field<Vec<Field<BrokerNumber>>>,
    /// The topic's settings on the broker, as they are written.
    pub config: Field<Map<Raw>>,
}
