//! Which values a setting of a topic can have (`ConfigDef.parseType`, `ConfigDef.Range`, `ConfigDef.ValidString`).

use std::fmt;

use thiserror::Error;

/// A setting that Apache Kafka would refuse with `INVALID_CONFIG`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// No topic has a setting of that name.
    #[error("Unknown topic config name: {0}")]
    Unknown(String),
    /// Settings that do not go together.
    #[error("{0}")]
    Together(String),
    /// A list with nothing between two commas.
    #[error("Configuration '{0}' values must not be empty.")]
    EmptyElement(String),
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
    Boolean(bool),
    Number(i64),
    Ratio(f64),
    Word(&'a str),
    List(Vec<&'a str>),
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(value) => value.fmt(f),
            Self::Number(value) => value.fmt(f),
            Self::Ratio(value) if value.is_infinite() => {
                f.write_str(if *value > 0.0 { "Infinity" } else { "-Infinity" })
            }
            // `Double.toString`: with a point, and with an exponent where it is small or large.
            Self::Ratio(value) if *value != 0.0 && !(1e-3..1e7).contains(&value.abs()) && !value.is_nan() => {
                let text = format!("{value:E}");
                let (mantissa, exponent) = text.split_once('E').unwrap_or((&text, "0"));
                let point = if mantissa.contains('.') { "" } else { ".0" };
                write!(f, "{mantissa}{point}E{exponent}")
            }
            Self::Ratio(value) => write!(f, "{value:?}"),
            Self::Word(word) => f.write_str(word),
            Self::List(words) => f.write_str(&words.join(",")),
        }
    }
}

impl Rule {
    /// Reads a value, without what is blank around it.
    pub(super) fn read<'a>(self, (name, kind): (&str, Kind), raw: &'a str) -> Result<Value<'a>, ConfigError> {
        let written = trimmed(raw);
        let value = match kind {
            Kind::Boolean => boolean(written),
            Kind::Int => number::<i32>(written, "INT").map(|number| Value::Number(number.into())),
            Kind::Long => number(written, "LONG").map(Value::Number),
            Kind::Double => {
                double(written).map(Value::Ratio).ok_or_else(|| refused("Not a number of type DOUBLE"))
            }
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

/// Since 4.1 no element of a list of words is empty.
pub(super) fn check_elements((name, rule, kind): (&str, Rule, Kind), raw: &str) -> Result<(), ConfigError> {
    if matches!(rule, Rule::Words(_)) && kind == Kind::List && list(trimmed(raw)).contains(&"") {
        return Err(ConfigError::EmptyElement(name.to_owned()));
    }
    Ok(())
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
    match [true, false].into_iter().find(|word| written.eq_ignore_ascii_case(&word.to_string())) {
        Some(word) => Ok(Value::Boolean(word)),
        None => Err(refused("Expected value to be either true or false")),
    }
}

fn number<T: std::str::FromStr>(written: &str, kind: &str) -> Result<T, Refusal> {
    ascii_digits(written).parse().map_err(|_| refused(format!("Not a number of type {kind}")))
}

/// Without what Java's `String.trim` takes off.
pub(super) fn trimmed(text: &str) -> &str {
    text.trim_matches(|c| c <= ' ')
}

/// With the digits of every script as those that Rust knows (`Character.digit`).
fn ascii_digits(text: &str) -> String {
    // The first digits of the scripts that have ten of them in a row.
    const ZEROS: [u32; 22] = [
        0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xE50, 0xED0,
        0xF20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0xA620, 0xFF10,
    ];
    let digit = |c: char| {
        let zero = ZEROS.into_iter().find(|zero| (*zero..zero + 10).contains(&u32::from(c)))?;
        char::from_digit(u32::from(c) - zero, 10)
    };
    text.chars().map(|c| digit(c).unwrap_or(c)).collect()
}

/// A number as `Double.parseDouble` reads it.
fn double(written: &str) -> Option<f64> {
    let (sign, digits) = match written.strip_prefix('-') {
        Some(digits) => (-1.0, digits),
        None => (1.0, written.strip_prefix('+').unwrap_or(written)),
    };
    match digits {
        "NaN" => return Some(f64::NAN),
        "Infinity" => return Some(sign * f64::INFINITY),
        _ => {}
    }
    let digits = digits.strip_suffix(['d', 'D', 'f', 'F']).unwrap_or(digits);
    if let Some(hexadecimal) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        return hexadecimal_double(hexadecimal).map(|value| sign * value);
    }
    let is_number = digits.starts_with(|c: char| c == '.' || c.is_ascii_digit());
    is_number.then(|| digits.parse::<f64>().ok()).flatten().map(|value| sign * value)
}

/// `1.8p3` is 12; the exponent must be there.
fn hexadecimal_double(digits: &str) -> Option<f64> {
    let (mantissa, exponent) = digits.split_once(['p', 'P'])?;
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && part.is_empty() {
        return None;
    }
    let fold = |start: f64, text: &str| {
        text.chars().try_fold(start, |sum, c| Some(sum * 16.0 + f64::from(c.to_digit(16)?)))
    };
    let exponent: i32 = exponent.parse().ok()?;
    let scale = i32::try_from(part.len()).ok()?.checked_mul(4)?;
    Some(fold(fold(0.0, whole)?, part)? * 2_f64.powi(exponent.saturating_sub(scale)))
}

fn list(written: &str) -> Vec<&str> {
    if written.is_empty() { vec![] } else { written.split(',').map(trimmed).collect() }
}

impl Rule {
    fn check<'a>(self, name: &str, value: Value<'a>) -> Result<Value<'a>, Refusal> {
        match (self, &value) {
            (Self::Least(least), Value::Number(number)) if *number < least => Err(too_little(&value, least)),
            (Self::Between(least, _), Value::Number(number)) if *number < least.into() => {
                Err(too_little(&value, least))
            }
            (Self::Between(_, most), Value::Number(number)) if *number > most.into() => {
                Err(too_much(&value, most))
            }
            (Self::Between(least, _), Value::Ratio(ratio)) if *ratio < least.into() => {
                Err(too_little(&value, least))
            }
            (Self::Between(_, most), Value::Ratio(ratio)) if *ratio > most.into() => {
                Err(too_much(&value, most))
            }
            (Self::Gzip, Value::Number(number)) if !(1..=9).contains(number) && *number != -1 => {
                Err(out_of_bounds(&value, "Value must be between 1 and 9 or equal to -1"))
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
}

/// What is out of bounds is shown as it was read, not as it was written (`ConfigDef.Range.ensureValid`).
fn out_of_bounds(value: &Value<'_>, reason: impl Into<String>) -> Refusal {
    Refusal { value: Some(value.to_string()), reason: reason.into() }
}

fn too_little(value: &Value<'_>, least: impl fmt::Display) -> Refusal {
    out_of_bounds(value, format!("Value must be at least {least}"))
}

fn too_much(value: &Value<'_>, most: i32) -> Refusal {
    out_of_bounds(value, format!("Value must be no more than {most}"))
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
