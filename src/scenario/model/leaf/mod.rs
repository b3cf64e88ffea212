//! Leaves of the vocabulary, and the forms in which they come.

mod schema;

use std::fmt;
use std::marker::PhantomData;
use std::time;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::scenario::read::{Field, LISTED, LONG};

/// A leaf that is made from a text.
pub(in crate::scenario::model) trait Leaf: Sized {
    /// The name by which the reader knows which kind of mistake a refusal is.
    const NAME: &'static str;

    /// The value, or what is wrong in words that follow the name of the field; after a line break, what would be
    /// right.
    fn parse(text: &str) -> Result<Self, String>;
}

/// Reads a leaf.
pub(in crate::scenario::model) fn read_leaf<'de, D: Deserializer<'de>, T: Leaf>(
    deserializer: D,
) -> Result<T, D::Error> {
    deserializer.deserialize_newtype_struct(T::NAME, LeafVisitor(PhantomData))
}

struct LeafVisitor<T>(PhantomData<T>);

impl<'de, T: Leaf> Visitor<'de> for LeafVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_str(self)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::parse(text).map_err(E::custom)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_leaf(deserializer)
    }
}

impl<'de> Deserialize<'de> for Advance {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_leaf(deserializer)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_leaf(deserializer)
    }
}

/// A text. A number or a word stands for its characters.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Text(pub String);

/// A text as it is written, even `null`.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Raw(pub String);

/// The name of a topic or producer: 1 to 249 letters, digits, `.`, `_` and `-`.
#[derive(Clone, Debug, JsonSchema, PartialEq, Eq)]
#[schemars(extend("pattern" = "^[A-Za-z0-9._-]{1,249}$"))]
pub struct Name(pub String);

/// What is wrong with an illegal name, and what would be right.
pub const ILLEGAL_NAME: (&str, &str) =
    ("is no legal name", "a name has 1 to 249 letters, digits, '.', '_' and '-'");

impl Name {
    /// Whether a text is a name.
    pub fn is_legal(text: &str) -> bool {
        let legal = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
        !text.is_empty() && text.len() <= 249 && !matches!(text, "." | "..") && text.chars().all(legal)
    }
}

impl Leaf for Name {
    const NAME: &'static str = "Name";

    fn parse(text: &str) -> Result<Self, String> {
        let (wrong, help) = ILLEGAL_NAME;
        Self::is_legal(text).then(|| Self(text.to_owned())).ok_or_else(|| format!("{wrong}\n{help}"))
    }
}

/// A duration: a number and a unit, `250ms`, `5s`, `1.5m`, `2h`, or several, `1m30s`; from 1ms to 24h.
#[derive(Clone, Copy, Debug, JsonSchema, PartialEq, Eq)]
#[schemars(extend("pattern" = "^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$"))]
pub struct Duration(#[schemars(with = "String")] pub time::Duration);

impl Leaf for Duration {
    const NAME: &'static str = "Duration";

    fn parse(text: &str) -> Result<Self, String> {
        humane(text, (time::Duration::from_hours(24), "24h")).map(Self)
    }
}

/// How far a clock is moved: a number and a unit, `25h`, `90m`, or several, `24h1ms`; from 1ms to 87600h, ten years.
#[derive(Clone, Copy, Debug, JsonSchema, PartialEq, Eq)]
#[schemars(extend("pattern" = "^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$"))]
pub struct Advance(#[schemars(with = "String")] pub time::Duration);

impl Leaf for Advance {
    const NAME: &'static str = "Duration";

    fn parse(text: &str) -> Result<Self, String> {
        humane(text, (time::Duration::from_hours(87_600), "87600h")).map(Self)
    }
}

/// A duration as people write it, from a millisecond to a limit.
fn humane(text: &str, (limit, limit_text): (time::Duration, &str)) -> Result<time::Duration, String> {
    let shown = if text.chars().count() > 40 { "this" } else { text };
    let wrong = || format!("must be a duration, not '{shown}'\nwrite a number and a unit: 250ms, 5s, 1m, 2h");
    let mut rest = text;
    let mut milliseconds = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let number: f64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(rest.len());
        milliseconds += number
            * match &rest[..letters] {
                "ms" => 1.0,
                "s" => 1_000.0,
                "m" => 60_000.0,
                "h" => 3_600_000.0,
                _ => return Err(wrong()),
            };
        rest = &rest[letters..];
    }
    if text.is_empty() {
        return Err(wrong());
    }
    let duration = time::Duration::try_from_secs_f64(milliseconds / 1_000.0).unwrap_or(time::Duration::MAX);
    if duration < time::Duration::from_millis(1) || duration > limit {
        return Err(format!("must be from 1ms to {limit_text}, not '{shown}'"));
    }
    Ok(duration)
}

/// A template of minijinja. It has the variables `i`, the number of the message in the whole scenario from 0, and
/// `n`, how many messages the whole scenario has; the functions `uuid()`, `random(a, b)` (a whole number, both ends
/// included), `repeat(text, n)` (n may be a size: `'1MiB'`) and `pad(i, width)` (zeros in front), all made from `seed`
/// and `i` alone; and minijinja's filters and tests.
/// `null` is no key, a tombstone, a header without a value.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[schemars(extend("type" = ["string", "number", "boolean", "null"]))]
pub struct Template(pub Option<String>);

/// A whole number within a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number<const MIN: u64, const MAX: u64>(pub u64);

impl<'de, const MIN: u64, const MAX: u64> Deserialize<'de> for Number<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct("Number", NumberVisitor)
    }
}

struct NumberVisitor<const MIN: u64, const MAX: u64>;

impl<'de, const MIN: u64, const MAX: u64> Visitor<'de> for NumberVisitor<MIN, MAX> {
    type Value = Number<MIN, MAX>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number from {MIN} to {MAX}")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_u64(self)
    }

    fn visit_i128<E: Error>(self, number: i128) -> Result<Self::Value, E> {
        let found = u64::try_from(number).ok().filter(|number| (MIN..=MAX).contains(number));
        found.map(Number).ok_or_else(|| E::custom(format!("must be from {MIN} to {MAX}")))
    }
}

/// A short form, or a mapping that says more.
#[derive(Clone, Debug)]
pub enum Form<S, L> {
    /// The short form.
    Short(S),
    /// The long form.
    Long(L),
}

/// One alone, or a list.
#[derive(Clone, Debug)]
pub enum Listed<W, T> {
    /// One alone.
    One(Field<W>),
    /// A list.
    List(Vec<Field<T>>),
}

impl<'de, S: Deserialize<'de>, L: Deserialize<'de>> Deserialize<'de> for Form<S, L> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let either = deserializer.deserialize_newtype_struct(LONG, EitherVisitor(PhantomData))?;
        Ok(match either {
            Either::No(short) => Self::Short(short),
            Either::Yes(long) => Self::Long(long),
        })
    }
}

impl<'de, W: Deserialize<'de>, T: Deserialize<'de>> Deserialize<'de> for Listed<W, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let either = deserializer.deserialize_newtype_struct(LISTED, EitherVisitor(PhantomData))?;
        Ok(match either {
            Either::No(one) => Self::One(one),
            Either::Yes(list) => Self::List(list),
        })
    }
}

enum Either<N, Y> {
    No(N),
    Yes(Y),
}

/// The reader says whether the node is a mapping (or a list); that decides the type.
struct EitherVisitor<N, Y>(PhantomData<(N, Y)>);

impl<'de, N: Deserialize<'de>, Y: Deserialize<'de>> Visitor<'de> for EitherVisitor<N, Y> {
    type Value = Either<N, Y>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one of two forms")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Self::Value, A::Error> {
        let missing = || A::Error::custom("needs a value");
        Ok(if parts.next_element::<bool>()?.unwrap_or_default() {
            Either::Yes(parts.next_element()?.ok_or_else(missing)?)
        } else {
            Either::No(parts.next_element()?.ok_or_else(missing)?)
        })
    }
}

impl<X> Listed<X, X> {
    /// What is in it, be it one or a list.
    pub fn items(&self) -> &[Field<X>] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::List(list) => list,
        }
    }
}

/// A mapping whose keys are the user's own, in their order.
#[derive(Clone, Debug)]
pub struct Map<V>(pub Vec<(Field<Text>, Field<V>)>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Map<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MapVisitor(PhantomData))
    }
}

struct MapVisitor<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for MapVisitor<V> {
    type Value = Map<V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Self::Value, A::Error> {
        let mut map = Vec::new();
        while let Some(pair) = pairs.next_entry()? {
            map.push(pair);
        }
        Ok(Map(map))
    }
}
