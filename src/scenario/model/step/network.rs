//! What befalls the network, apart from single requests.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::scenario::model::{AfterClose, BrokerNumber, Field, Form, Listed, Name};

/// The network between the clients and the brokers is cut, or whole again.
pub type NetworkStep = Form<Heal, Cut>;

/// The network is whole again.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Heal {
    /// Whatever was cut is whole again.
    Heal,
}

/// Nothing passes any more.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Cut {
    /// In which directions: `to_broker`, `to_client`, or a list of both.
    pub cut: Field<Listed<Direction, Direction>>,
    /// Between the clients and this broker. Default: all brokers.
    pub broker: Field<BrokerNumber>,
    /// What becomes of what was under way, when the network is whole again. Default: `deliver`.
    pub after_heal: Field<AfterClose>,
}

/// A direction of the network.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// What clients ask.
    ToBroker,
    /// What brokers answer.
    ToClient,
}

/// Connections are closed, idle ones too. A request on one of them that a fault keeps stays in the network, with what is
/// behind it, as when the client closes: `after_close` says what becomes of it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Disconnect {
    /// Those of this producer. Default: of all.
    pub producer: Field<Name>,
    /// Those to this broker. Default: to all.
    pub broker: Field<BrokerNumber>,
}
