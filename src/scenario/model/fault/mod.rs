//! Faults: what goes wrong on the way between a client and the brokers.

mod action;
mod condition;

use schemars::{JsonSchema, Schema, json_schema};
use serde::Deserialize;
use serde::de::Deserializer;
use serde_json::{Value, json};

use super::leaf::{Leaf, read_leaf};
use super::{BrokerNumber, Field, Form, Listed, Name, Number, PartitionNumber, Range, Text};

pub use action::{
    Action, ActionWord, AfterClose, Behind, Delay, DisconnectAfter, Fail, Held, LeaderOf, Metadata, Nothing,
    StopReading,
};
pub use condition::{Api, Condition, Released, Requests, Until};

/// How many of anything a fault may count.
pub(super) const MAX_COUNT: u64 = 1_000_000_000;

/// How many of something there are.
pub type Count = Number<0, MAX_COUNT>;

/// Something that goes wrong on the way. Faults are tried in the order of the file; the first that matches and may still
/// fire takes the request. One that does not fire as often as it must fails the scenario.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Fault {
    /// What people call it, in steps, conditions and reports. Default: the text of `on` and `do`.
    pub name: Field<Text>,
    /// Which requests: `produce`, or `{produce: {partition: 0, message: 3}}`.
    pub on: Field<On>,
    /// What befalls them: one action, or a list with one entry for each time it fires, `pass` meaning nothing.
    #[serde(rename = "do")]
    pub action: Field<Listed<Do, Do>>,
    /// So many of those that match are left alone first. Default: 0.
    pub skip: Field<Count>,
    /// How often it fires: `n` exactly, `{max: n}` at most, `always` whenever it matches and at least once. Default: 1, or the length of the list.
    pub times: Field<Form<Times, AtMost>>,
    /// The action happens when this is over. Actions that reach the broker forward the request at once and hold the
    /// answer; the others keep the request. Beside a list it holds for each entry.
    pub hold: Field<Hold>,
    /// Whether it is there from the first step on; otherwise from the step `arm` that names it. Default: true.
    pub armed: Field<bool>,
}

/// What befalls a request: a word, or a mapping that says more.
pub type Do = Form<ActionWord, Box<Action>>;

/// When something is over that is held.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Hold {
    /// When this holds.
    pub until: Field<Until>,
}

/// Which requests, by what they ask; narrowed by a filter.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(transform = with_bare_words)]
pub enum On {
    /// Records are to be written.
    Produce(Option<Filter>),
    /// Who leads what.
    Metadata(Option<Filter>),
    /// A producer id is wanted.
    InitProducerId(Option<Filter>),
    /// Who coordinates a producer's transactions.
    FindCoordinator(Option<Filter>),
    /// Partitions join a transaction.
    AddPartitionsToTxn(Option<Filter>),
    /// A consumer group joins a transaction.
    AddOffsetsToTxn(Option<Filter>),
    /// Offsets of a consumer group join a transaction.
    TxnOffsetCommit(Option<Filter>),
    /// A transaction is to be committed or aborted.
    EndTxn(Option<Filter>),
    /// Which requests a broker understands.
    ApiVersions(Option<Filter>),
    /// The connection itself, before any request.
    Connect(Option<Filter>),
    /// Any request.
    Any(Option<Filter>),
}

/// Which of the requests.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Filter {
    /// Those with something for this topic.
    pub topic: Field<Name>,
    /// Those with something for this partition.
    pub partition: Field<PartitionNumber>,
    /// Those that carry this message; `"0'"` is the second submission of message 0.
    pub message: Field<Range>,
    /// Those that carry one of these messages.
    pub messages: Field<Listed<Range, Range>>,
    /// Of those that carry such a message, the k-th that carries the same one, from 1.
    pub attempt: Field<Number<1, MAX_COUNT>>,
    /// Those of this producer, where there are several.
    pub producer: Field<Name>,
    /// Those to this broker.
    pub broker: Field<BrokerNumber>,
    /// The n-th of those that match, from 1, and no other.
    pub nth: Field<Number<1, MAX_COUNT>>,
}

/// A bound that need not be reached.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AtMost {
    /// At most so often.
    pub max: Field<Number<1, MAX_COUNT>>,
}

/// How often a fault fires: a number that must be reached, or `always`, whenever it matches and at least once.
#[derive(Clone, Copy, Debug, JsonSchema, PartialEq, Eq)]
#[schemars(transform = as_written)]
pub enum Times {
    /// So often.
    Exactly(u64),
    /// Whenever it matches.
    Always,
}

impl Leaf for Times {
    const NAME: &'static str = "Times";

    fn parse(text: &str) -> Result<Self, String> {
        let wrong =
            || "must be a number, {max: n} or always\nwrite 'times: 2', 'times: {max: 2}' or 'times: always'";
        match text {
            "always" => Ok(Self::Always),
            digits => match digits.parse::<u64>() {
                Ok(number @ 1..=MAX_COUNT) => Ok(Self::Exactly(number)),
                Ok(_) => Err(format!("must be from 1 to {MAX_COUNT}")),
                Err(_) => Err(wrong().to_owned()),
            },
        }
    }
}

impl<'de> Deserialize<'de> for Times {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_leaf(deserializer)
    }
}

/// People write a number or a word.
fn as_written(schema: &mut Schema) {
    schema.remove("oneOf");
    schema.remove("type");
    let number = json_schema!({ "type": "integer", "minimum": 1, "maximum": MAX_COUNT });
    schema.insert("anyOf".to_owned(), json!([number, json_schema!({ "const": "always" })]));
}

/// Each may stand alone.
fn with_bare_words(schema: &mut Schema) {
    if let Some(variants) = schema.get_mut("oneOf").and_then(Value::as_array_mut) {
        let words: Vec<_> = variants
            .iter()
            .filter_map(|variant| variant["properties"].as_object()?.keys().next().cloned())
            .collect();
        variants.push(json!({ "enum": words }));
    }
}

impl On {
    /// Its word.
    pub fn word(&self) -> &'static str {
        self.parts().0
    }

    /// What narrows it.
    pub fn filter(&self) -> Option<&Filter> {
        self.parts().1
    }

    fn parts(&self) -> (&'static str, Option<&Filter>) {
        match self {
            Self::Produce(filter) => ("produce", filter.as_ref()),
            Self::Metadata(filter) => ("metadata", filter.as_ref()),
            Self::InitProducerId(filter) => ("init_producer_id", filter.as_ref()),
            Self::FindCoordinator(filter) => ("find_coordinator", filter.as_ref()),
            Self::AddPartitionsToTxn(filter) => ("add_partitions_to_txn", filter.as_ref()),
            Self::AddOffsetsToTxn(filter) => ("add_offsets_to_txn", filter.as_ref()),
            Self::TxnOffsetCommit(filter) => ("txn_offset_commit", filter.as_ref()),
            Self::EndTxn(filter) => ("end_txn", filter.as_ref()),
            Self::ApiVersions(filter) => ("api_versions", filter.as_ref()),
            Self::Connect(filter) => ("connect", filter.as_ref()),
            Self::Any(filter) => ("any", filter.as_ref()),
        }
    }
}
