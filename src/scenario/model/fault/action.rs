//! What a fault does.

use schemars::{JsonSchema, Schema, json_schema};
use serde::Deserialize;
use serde::de::Deserializer;
use serde_json::json;

use crate::scenario::model::leaf::{Leaf, read_leaf};
use crate::scenario::model::{Duration, Field, Form, Listed, MAX_PARTITIONS, Map, Name, Number, Reason};

use super::{Hold, Until};

/// How many bytes of a frame a fault may count.
pub(super) const MAX_BYTES: u64 = 1 << 30;

/// The number of a record in its batch, from 0.
pub(super) type RecordNumber = Number<0, 1_000_000>;

/// An action that needs nothing more said.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ActionWord {
    /// Nothing befalls it.
    Pass,
    /// The request does not reach the broker, and the connection closes.
    DisconnectBefore,
    /// The broker takes the request, and the connection closes instead of an answer.
    DisconnectAfter,
    /// The request does not reach the broker, nor anything behind it on that connection; nothing is answered.
    DropRequest,
    /// The broker takes the request and what follows; nothing is answered.
    DropResponse,
    /// The request waits for the `hold`, and everything behind it.
    HoldRequest,
    /// The broker takes the request at once; its answer waits for the `hold`, and those behind it.
    HoldResponse,
    /// Nothing is read from the client until the `hold` is over.
    StopReading,
    /// The connection is reset at once, which is how it looks where nobody listens.
    Refuse,
    /// The connection is taken, and nothing is ever answered on it.
    Silent,
    /// The connection is taken and closed at once.
    Close,
}

/// An action and its options: exactly one of these, and `hold`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Action {
    /// Nothing befalls it.
    pub pass: Field<Option<Nothing>>,
    /// The request does not reach the broker, and the connection closes.
    pub disconnect_before: Field<Option<Nothing>>,
    /// The broker takes the request, and the connection closes instead of an answer.
    pub disconnect_after: Field<Option<DisconnectAfter>>,
    /// A code instead of the honest answer, for the partitions that match: `fail: CORRUPT_MESSAGE`, or with more said.
    /// Whether the broker takes the request is in the code; where it may and may not, `append` says it.
    pub fail: Field<Form<Reason, Fail>>,
    /// The request does not reach the broker, nor anything behind it on that connection; nothing is answered.
    pub drop_request: Field<Option<Nothing>>,
    /// The broker takes the request and what follows; nothing is answered.
    pub drop_response: Field<Option<Nothing>>,
    /// The request waits, and everything behind it.
    pub hold_request: Field<Option<Held>>,
    /// The broker takes the request at once; its answer waits, and those behind it.
    pub hold_response: Field<Option<Held>>,
    /// The request waits that long, and everything behind it. It has a clock.
    pub delay_request: Field<Form<Duration, Delay>>,
    /// The broker takes the request at once; its answer waits that long, and those behind it. It has a clock.
    pub delay_response: Field<Form<Duration, Delay>>,
    /// So many bytes of the request reach the broker, then the connection closes.
    pub truncate_request: Field<Number<0, MAX_BYTES>>,
    /// The broker takes the request; so many bytes of the answer reach the client, then the connection closes.
    pub truncate_response: Field<Number<0, MAX_BYTES>>,
    /// The answer asks the client to wait that long, and nothing is read from it meanwhile.
    pub throttle: Field<Duration>,
    /// Nothing more is read from the client after so many bytes from the begin of the request, until the `hold` is over.
    /// The request itself waits, too; one that ends behind those bytes has not come by then.
    pub stop_reading: Field<Option<StopReading>>,
    /// What this one answer says of a topic.
    pub metadata: Field<Metadata>,
    /// The newest version that the broker says it understands, by request: `versions: {produce: 7}`.
    pub versions: Field<Map<Number<0, 100>>>,
    /// The connection is reset at once, which is how it looks where nobody listens.
    pub refuse: Field<Option<Nothing>>,
    /// The connection is taken, and nothing is ever answered on it.
    pub silent: Field<Option<Nothing>>,
    /// The connection is taken and closed at once.
    pub close: Field<Option<Nothing>>,
    /// It happens when this is over.
    pub hold: Field<Hold>,
}

/// Nothing more to say.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(with = "()")]
pub struct Nothing {}

/// What becomes of requests behind the one whose connection closes.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DisconnectAfter {
    /// What becomes of requests behind it on that connection. Default: `lost`.
    pub behind: Field<Behind>,
}

/// What becomes of requests behind one whose connection closes.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Behind {
    /// They do not reach the broker.
    #[default]
    Lost,
    /// The broker takes those that had come by then.
    Appended,
}

/// A code instead of the honest answer.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Fail {
    /// The code, by the protocol's name.
    pub error: Field<Reason>,
    /// Whether the records are written all the same; to be said of codes that leave it open.
    pub append: Field<bool>,
    /// Whether what a request other than produce asks is done all the same; to be said of codes that leave it open.
    pub applied: Field<bool>,
    /// The numbers of the records in their batch that the answer blames, from 0, with `INVALID_RECORD` and
    /// `INVALID_TIMESTAMP`.
    pub records: Field<Listed<RecordNumber, RecordNumber>>,
    /// The leader that a made-up `NOT_LEADER_OR_FOLLOWER` names. Default: the one that the cluster announces.
    pub leader_hint: Field<LeaderOf>,
}

/// How long something is held, and what becomes of it when the client closes the connection meanwhile.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Held {
    /// Until this holds.
    pub until: Field<Until>,
    /// What becomes of it when the client or a step `disconnect` closes the connection meanwhile. Default: `deliver`.
    pub after_close: Field<AfterClose>,
}

/// For how long something waits, and what becomes of it when the client closes the connection meanwhile.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Delay {
    /// For that long.
    #[serde(rename = "for")]
    pub lasts: Field<Duration>,
    /// What becomes of it when the client or a step `disconnect` closes the connection meanwhile. Default: `deliver`.
    pub after_close: Field<AfterClose>,
}

/// What becomes of what is held on a connection that the client closes.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum AfterClose {
    /// It stays in the network and reaches the broker when it is released; what is answered is lost.
    #[default]
    Deliver,
    /// It is gone.
    Lose,
}

/// When nothing more is read.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StopReading {
    /// So many bytes of the request are read before. Default: 0.
    pub after_bytes: Field<Number<0, MAX_BYTES>>,
}

/// What one answer says of a topic: exactly one of `error`, `partitions` and `leader`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Metadata {
    /// Of which topic, where there are several.
    pub topic: Field<Name>,
    /// This code, and nothing else.
    pub error: Field<Reason>,
    /// So many partitions, and no more.
    pub partitions: Field<Number<1, MAX_PARTITIONS>>,
    /// By partition the broker that leads it, `{0: 2}`, or `none`; `leader: none` for all partitions.
    pub leader: Field<Form<LeaderOf, Map<LeaderOf>>>,
}

/// A broker by its number, or `none`.
#[derive(Clone, Copy, Debug, JsonSchema, PartialEq, Eq)]
#[schemars(transform = as_written)]
pub enum LeaderOf {
    /// This one.
    Broker(u32),
    /// No broker.
    None,
}

impl Leaf for LeaderOf {
    const NAME: &'static str = "LeaderOf";

    fn parse(text: &str) -> Result<Self, String> {
        match (text, text.parse()) {
            ("none", _) => Ok(Self::None),
            (_, Ok(broker @ 1..=100)) => Ok(Self::Broker(broker)),
            _ => Err("must be the number of a broker, from 1, or 'none'".to_owned()),
        }
    }
}

impl<'de> Deserialize<'de> for LeaderOf {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_leaf(deserializer)
    }
}

/// People write a number or a word.
fn as_written(schema: &mut Schema) {
    schema.remove("oneOf");
    schema.remove("type");
    let number = json_schema!({ "type": "integer", "minimum": 1, "maximum": 100 });
    schema.insert("anyOf".to_owned(), json!([number, json_schema!({ "const": "none" })]));
}
