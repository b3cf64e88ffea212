//! Which values a setting of a topic can have (`ConfigDef.parseType`, `ConfigDef.Range`, `ConfigDef.ValidString`).

use thiserror::Error;

/// A setting that Apache Kafka would refuse with `INVALID_CONFIG`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// No topic has a setting of that name.
    #[error("Unknown topic config name: {0}")]
    Unknown(String),
    /// The setting exists, its value does not.
    #[error("Invalid value {value} for configuration {name}: {reason}")]
    Value {
        /// The setting.
        name: String,
        /// What was written.
        value: String,
        /// What would be right.
        reason: String,
    },
}

/// The type of a setting (`DescribeConfigsResponse.ConfigType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::broker) enum Kind {
    Boolean = 1,
    String = 2,
    Int = 3,
    Long = 5,
    Double = 6,
    List = 7,
}

/// What a value has to be beside being of its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::broker) enum Rule {
    Any,
    /// Not below.
    Least(i64),
    /// Neither below the first nor above the second.
    Between(i32, i32),
    /// `GzipCompression` has levels 1 to 9, and −1 for its default.
    Gzip,
    /// One of these words, or for a list nothing but these.
    Words(&'static [&'static str]),
    /// `ThrottledReplicaListValidator`.
    Replicas,
}

/// A value that a setting can have.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Boolean,
    Number(i64),
    Ratio,
    Word(&'a str),
    List(Vec<&'a str>),
}

impl Rule {
    /// Reads a value, without what is blank around it.
    pub(super) fn read<'a>(self, (name, kind): (&str, Kind), raw: &'a str) -> Result<Value<'a>, ConfigError> {
        let written = raw.trim();
        let value = match kind {
            Kind::Boolean => boolean(written),
            Kind::Int => number::<i32>(written, "INT").map(|number| Value::Number(number.into())),
            Kind::Long => number(written, "LONG").map(Value::Number),
            Kind::Double => number(written, "DOUBLE").and_then(|ratio| self.ratio(ratio)),
            Kind::String => Ok(Value::Word(written)),
            Kind::List => Ok(Value::List(list(written))),
        };
        value.and_then(|value| self.check(name, value)).map_err(|refusal| ConfigError::Value {
            name: name.to_owned(),
            value: refusal.value.unwrap_or_else(|| raw.to_owned()),
            reason: refusal.reason,
        })
    }
}

/// Why a value is refused.
struct Refusal {
    /// The value, if it is only a part of what is written.
    value: Option<String>,
    reason: String,
}

fn refused(reason: impl Into<String>) -> Refusal {
    Refusal { value: None, reason: reason.into() }
}

fn boolean(written: &str) -> Result<Value<'_>, Refusal> {
    let known = ["true", "false"].iter().any(|word| written.eq_ignore_ascii_case(word));
    if known { Ok(Value::Boolean) } else { Err(refused("Expected value to be either true or false")) }
}

fn number<T: std::str::FromStr>(written: &str, kind: &str) -> Result<T, Refusal> {
    written.parse().map_err(|_| refused(format!("Not a number of type {kind}")))
}

fn list(written: &str) -> Vec<&str> {
    if written.is_empty() { vec![] } else { written.split(',').map(str::trim).collect() }
}

impl Rule {
    fn check<'a>(self, name: &str, value: Value<'a>) -> Result<Value<'a>, Refusal> {
        match (self, &value) {
            (Self::Least(least), Value::Number(number)) if *number < least => Err(too_little(least)),
            (Self::Between(least, _), Value::Number(number)) if *number < least.into() => {
                Err(too_little(least))
            }
            (Self::Between(_, most), Value::Number(number)) if *number > most.into() => Err(too_much(most)),
            (Self::Gzip, Value::Number(number)) if !(1..=9).contains(number) && *number != -1 => {
                Err(refused("Value must be between 1 and 9 or equal to -1"))
            }
            (Self::Words(words), Value::Word(word)) => one_of(words, word),
            (Self::Words(words), Value::List(list)) => list.iter().try_for_each(|word| one_of(words, word)),
            (Self::Replicas, Value::List(list)) if !are_replicas(list) => Err(Refusal {
                value: Some(format!("[{}]", list.join(", "))),
                reason: format!(
                    "{name} must be the literal '*' or a list of replicas in the following format: \
                     [partitionId]:[brokerId],[partitionId]:[brokerId],..."
                ),
            }),
            _ => Ok(()),
        }
        .map(|()| value)
    }

    fn ratio(self, ratio: f64) -> Result<Value<'static>, Refusal> {
        match self {
            Self::Between(least, _) if ratio < f64::from(least) => Err(too_little(least)),
            Self::Between(_, most) if ratio > f64::from(most) => Err(too_much(most)),
            _ => Ok(Value::Ratio),
        }
    }
}

fn too_little(least: impl std::fmt::Display) -> Refusal {
    refused(format!("Value must be at least {least}"))
}

fn too_much(most: i32) -> Refusal {
    refused(format!("Value must be no more than {most}"))
}

fn one_of(words: &[&str], word: &str) -> Result<(), Refusal> {
    if words.contains(&word) {
        return Ok(());
    }
    let reason = format!("String must be one of: {}", words.join(", "));
    Err(Refusal { value: Some(word.to_owned()), reason })
}

fn are_replicas(list: &[&str]) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let pair = |word: &str| word.split_once(':').is_some_and(|(left, right)| digits(left) && digits(right));
    list.iter().all(|word| word.is_empty() || pair(word)) || list.concat() == "*"
}
