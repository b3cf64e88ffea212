//! The serde deserializer over a node.

use serde::de::{Deserializer, Visitor};
use serde::forward_to_deserialize_any;

use crate::diagnostic::Code;
use crate::scenario::tree::Value;

use super::access::{Fields, Items, Pairs, Parts, Variant};
use super::at::{At, Refused};
use super::field::{LISTED, LONG, PLACED};

impl<'de> Deserializer<'de> for At<'de> {
    type Error = Refused;

    /// For forms that are short or long: raw text, no numbers made of it.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.settle(match &self.node.value {
            Value::Scalar { .. } if self.node.is_null() => visitor.visit_unit(),
            Value::Scalar { text, .. } => visitor.visit_borrowed_str(text),
            Value::Sequence(items) => visitor.visit_seq(Items::new(self, items)),
            Value::Mapping(entries) => visitor.visit_map(Pairs::new(self, entries)),
            Value::Broken => Err(Refused(None)),
        })
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        match self.plain("true or false")? {
            "true" | "True" | "TRUE" => visitor.visit_bool(true),
            "false" | "False" | "FALSE" => visitor.visit_bool(false),
            _ => Err(self.wrong("true or false")),
        }
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        let text = self.plain("a whole number")?;
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(self.wrong("a whole number in decimal digits"));
        }
        // What is too large for any field is out of every range.
        let number = digits.parse().unwrap_or(i128::MAX);
        self.settle(visitor.visit_i128(if text.starts_with('-') { -number } else { number }))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        let text = self.text(match self.code {
            Code::Duration => "a duration",
            Code::Name => "a name",
            Code::UnknownExpectation => "a number of a message, or a range",
            _ => "text",
        })?;
        self.settle(visitor.visit_borrowed_str(text))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        if self.node.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        match name {
            PLACED => return visitor.visit_seq(Parts::new(self, self.node.span.to_bits())),
            LONG => return visitor.visit_seq(Parts::new(self, matches!(self.node.value, Value::Mapping(_)))),
            LISTED => {
                return visitor.visit_seq(Parts::new(self, matches!(self.node.value, Value::Sequence(_))));
            }
            "Raw" => return visitor.visit_newtype_struct(Self { raw: true, ..self }),
            _ => {}
        }
        let code = match name {
            "Number" => Code::OutOfRange,
            "Duration" => Code::Duration,
            "Name" => Code::Name,
            "Range" | "Precedence" => Code::UnknownExpectation,
            _ => self.code,
        };
        let inner = Self { code, ..self };
        inner.settle(visitor.visit_newtype_struct(inner))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        match &self.node.value {
            Value::Sequence(items) => self.settle(visitor.visit_seq(Items::new(self, items))),
            _ => Err(self.wrong("a list")),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        match &self.node.value {
            Value::Mapping(entries) => self.settle(visitor.visit_map(Pairs::new(self, entries))),
            _ => Err(self.wrong("a mapping")),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        match &self.node.value {
            Value::Mapping(entries) if entries.is_empty() && fields.is_empty() => {
                let message = format!("{} says nothing", self.subject());
                Err(self.refuse(Code::Missing, message, None))
            }
            Value::Mapping(entries) => self.settle(visitor.visit_map(Fields::new(self, entries, fields))),
            _ => Err(self.wrong("a mapping of fields")),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        let variant = Variant::of(self, name, variants)?;
        self.settle(visitor.visit_enum(variant))
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u128 f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct
        identifier ignored_any
    }
}
