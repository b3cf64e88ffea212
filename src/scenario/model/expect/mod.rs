//! What should come of a scenario.

mod anomaly;
mod order;
mod requests;

use std::fmt;

use schemars::{JsonSchema, Schema, json_schema};
use serde::Deserialize;
use serde::de::Deserializer;
use serde_json::json;

use super::leaf::{Leaf, read_leaf};
use super::{Field, Form, Listed, Map, Number, Raw};

pub use anomaly::AnomalyKind;
pub use requests::{ExpectApi, ExpectProduce, ExpectRequests};

pub use order::{MessageEvent, Moment, Precedence};

/// What should come of it. Submissions are named by number: `0`, ranges `0..3` (both ends included), and `"0'"` for
/// the second submission of message 0. What no key covers fails.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    /// In a list: the combinations of the `matrix` that this entry is for: `{error: A}`, `{error: [A, B]}`; of several
    /// names all have to hold. An entry without it is for all that no other entry names; where there is none, those have the
    /// default.
    pub r#where: Field<Map<Listed<Raw, Raw>>>,
    /// Exactly which submissions have an ok callback: `all`, `none`, a list, or `{log: n}` for n records in the logs,
    /// whatever the callbacks. Default: all that no other key names.
    pub delivered: Field<Delivered>,
    /// Which have the outcome failed, by a callback or by the call, by code: `{expired: [0..2]}`.
    pub failed: Field<Map<Listed<Range, Range>>>,
    /// Which have the outcome unknown, by code: `{expired: [0], written: [0]}`.
    pub unknown: Field<Unknown>,
    /// Which have no answer because the process would have ended before it, by `exit`. Default: none.
    pub cut_off: Field<Listed<Range, Range>>,
    /// The producer gives up for good, with that code. Default: it does not.
    pub fatal: Field<Reason>,
    /// The anomalies that occur: a list of kinds that must, or `{must: […], may: […]}`. Default: none.
    pub anomalies: Field<Anomalies>,
    /// What comes before what, whatever the snapshot shows: `["sent 9 < ok 0"]`.
    pub order: Field<Listed<Precedence, Precedence>>,
    /// What came from the clients: `{produce: {count: 10}}`, or a list of such. Default: anything.
    pub requests: Field<Listed<ExpectRequests, ExpectRequests>>,
}

/// Which submissions have an ok callback.
pub type Delivered = Form<Listed<AllOrNone, Range>, Log>;

/// The anomalies that occur.
pub type Anomalies = Form<Listed<AnomalyKind, AnomalyKind>, MustMay>;

/// Outcome unknown, by code; under `written`, which of them stand in the log.
pub type Unknown = Map<Listed<Range, Range>>;

/// All submissions, or none.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum AllOrNone {
    /// All of them.
    All,
    /// None of them.
    None,
}

/// So many records in the logs, whatever the callbacks.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// How many records.
    pub log: Field<Number<0, { u64::MAX }>>,
}

/// Anomalies that must, and those that may occur.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MustMay {
    /// Each of these must occur.
    pub must: Field<Vec<Field<AnomalyKind>>>,
    /// Each of these may occur: a race that is legal.
    pub may: Field<Vec<Field<AnomalyKind>>>,
}

/// A code: the protocol's name for what a broker says, such as `MESSAGE_TOO_LARGE`, or a word for what a client says
/// by itself, such as `expired`.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
pub struct Reason(pub String);

/// One submission or several that follow each other: `0`, `0..3` (both ends included), `"0'"`.
#[derive(Clone, Copy, Debug, JsonSchema, PartialEq, Eq)]
#[schemars(transform = as_written)]
pub struct Range {
    /// The number of the first message.
    pub first: u32,
    /// The number of the last message, not below the first.
    pub last: u32,
    /// Which submission of them: 0 for the first, 1 for the second.
    pub again: u16,
}

impl Leaf for Range {
    const NAME: &'static str = "Range";

    fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            let shown = if text.chars().count() > 40 { "this" } else { text };
            format!(
                "takes numbers of messages, not '{shown}'\nwrite 0, a range 0..3, or \"0'\" for a second submission"
            )
        };
        let again = text.len() - text.trim_end_matches('\'').len();
        let numbers = text.trim_end_matches('\'');
        let (first, last) = numbers.split_once("..").unwrap_or((numbers, numbers));
        let number = |digits: &str| {
            let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| digits.parse::<u32>().unwrap_or(u32::MAX)).ok_or_else(wrong)
        };
        let range = Self {
            first: number(first)?,
            last: number(last)?,
            again: u16::try_from(again).map_err(|_| wrong())?,
        };
        if range.last < range.first {
            return Err(format!("takes ranges that go up, not '{text}'\nwrite {last}..{first}"));
        }
        Ok(range)
    }
}

/// As people write it.
impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.first.fmt(f)?;
        if self.last > self.first {
            write!(f, "..{}", self.last)?;
        }
        (0..self.again).try_for_each(|_| f.write_str("'"))
    }
}

impl<'de> Deserialize<'de> for Range {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_leaf(deserializer)
    }
}

/// The fields of [`Range`] are ours; people write a number or a text.
fn as_written(schema: &mut Schema) {
    schema.remove("properties");
    schema.remove("required");
    schema.remove("type");
    let text = json_schema!({ "type": "string", "pattern": "^[0-9]+(\\.\\.[0-9]+)?'*$" });
    let number = json_schema!({ "type": "integer", "minimum": 0 });
    schema.insert("anyOf".to_owned(), json!([number, text]));
}
