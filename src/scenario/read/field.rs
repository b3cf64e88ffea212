//! A field of the vocabulary: absent, wrong (and reported), or given at its place.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};

use crate::source::{Span, Spanned};

/// The name by which [`Field`] asks the reader for a value together with its place.
pub(super) const PLACED: &str = "$placed";
/// The name by which a form asks whether it is the long one, a mapping.
pub(in crate::scenario) const LONG: &str = "$long";
/// The name by which a form asks whether it is a list.
pub(in crate::scenario) const LISTED: &str = "$listed";

/// A field as it was written. Reading one never fails: a mistake is recorded by the reader, and the others go on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Field<T> {
    /// Not written.
    #[default]
    Absent,
    /// Written wrongly at that place, and reported.
    Wrong(Span),
    /// Written.
    Given(Spanned<T>),
}

impl<T> Field<T> {
    /// The value and its place, if it was written and is right.
    pub fn get(&self) -> Option<&Spanned<T>> {
        match self {
            Self::Given(value) => Some(value),
            Self::Absent | Self::Wrong(_) => None,
        }
    }

    /// The value, if it was written and is right.
    pub fn value(&self) -> Option<&T> {
        self.get().map(|spanned| &spanned.value)
    }

    /// Its place, if it was written, rightly or not.
    pub fn span(&self) -> Option<Span> {
        match self {
            Self::Absent => None,
            Self::Wrong(span) => Some(*span),
            Self::Given(value) => Some(value.span),
        }
    }

    /// Whether it was not written.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(PLACED, Placed(PhantomData))
    }
}

struct Placed<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Placed<T> {
    type Value = Field<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value with its place")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Self::Value, A::Error> {
        let span = Span::from_bits(parts.next_element()?.unwrap_or_default());
        // The reader has recorded what is wrong before it returns the error.
        Ok(match parts.next_element() {
            Ok(Some(value)) => Field::Given(Spanned::new(value, span)),
            Ok(None) | Err(_) => Field::Wrong(span),
        })
    }
}

impl<T: JsonSchema> JsonSchema for Field<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}
