//! What the deserializer hands out of collections: fields of a struct, pairs of a mapping, items of a list, one of
//! several variants, a value with its place.

use std::collections::HashMap;
use std::rc::Rc;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use crate::diagnostic::{Code, nearest};
use crate::scenario::tree::{Entry, Node, Value};
use crate::source::Span;

use super::at::{At, Refused};

/// The entries of a mapping, each key once; a repetition is recorded.
struct Entries<'a> {
    at: At<'a>,
    rest: std::slice::Iter<'a, Entry>,
    seen: HashMap<&'a str, Span>,
}

impl<'a> Entries<'a> {
    fn new(at: At<'a>, entries: &'a [Entry]) -> Self {
        Self { at, rest: entries.iter(), seen: HashMap::new() }
    }

    /// Takes a key for one that is not among the entries, if nobody else has it.
    fn claim(&mut self, key: &'static str, span: Span) -> bool {
        let ahead = self.rest.as_slice().iter().any(|(other, _)| other.text() == Some(key));
        !ahead && self.seen.insert(key, span).is_none()
    }

    fn next(&mut self) -> Option<(&'a Node, &'a str, &'a Node)> {
        loop {
            let (key, value) = self.rest.next()?;
            let Some(text) = key.text() else { continue };
            let Some(first) = self.seen.insert(text, key.span) else { return Some((key, text, value)) };
            self.seen.insert(text, first);
            let message = format!("'{text}' stands twice in one mapping");
            let mistake = self.at.reader.mistake(Code::DuplicateKey, key.span, message);
            self.at.reader.record(mistake.and(first, "it stands here first"));
        }
    }
}

/// The fields of a struct: unknown ones are recorded and skipped.
pub(super) struct Fields<'a> {
    entries: Entries<'a>,
    known: &'static [&'static str],
    value: Option<At<'a>>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(at: At<'a>, entries: &'a [Entry], known: &'static [&'static str]) -> Self {
        Self { entries: Entries::new(at, entries), known, value: None }
    }

    /// Records an unknown field. Where a known one is near that the mapping does not have, reading goes on as if it
    /// stood there: what follows from the slip is no mistake, and what is wrong in its value is one.
    fn refuse(&mut self, key: &Node, name: &str) -> Option<&'static str> {
        let reader = self.entries.at.reader;
        let near = if reader.is_full() { None } else { nearest(name, self.known.iter().copied()) };
        let mistake = reader.mistake(Code::UnknownField, key.span, format!("unknown field '{name}'"));
        reader.record(match near {
            Some(near) => mistake.help(format!("did you mean '{near}'?")),
            None => mistake.help(format!("the fields here are {}", self.known.join(", "))),
        });
        near.filter(|near| self.entries.claim(near, key.span))
    }
}

impl<'de> MapAccess<'de> for Fields<'de> {
    type Error = Refused;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Refused> {
        while let Some((key, name, value)) = self.entries.next() {
            let known = if self.known.contains(&name) { Some(name) } else { self.refuse(key, name) };
            if let Some(known) = known {
                self.value = Some(self.entries.at.child(value, name));
                return seed.deserialize(BorrowedStrDeserializer::new(known)).map(Some);
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Refused> {
        seed.deserialize(self.value.take().ok_or(Refused(None))?)
    }
}

/// The pairs of a mapping whose keys are the user's own.
pub(super) struct Pairs<'a> {
    entries: Entries<'a>,
    value: Option<At<'a>>,
}

impl<'a> Pairs<'a> {
    pub(super) fn new(at: At<'a>, entries: &'a [Entry]) -> Self {
        Self { entries: Entries::new(at, entries), value: None }
    }
}

impl<'de> MapAccess<'de> for Pairs<'de> {
    type Error = Refused;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Refused> {
        let Some((key, name, value)) = self.entries.next() else { return Ok(None) };
        self.value = Some(self.entries.at.child(value, name));
        seed.deserialize(self.entries.at.child(key, name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Refused> {
        seed.deserialize(self.value.take().ok_or(Refused(None))?)
    }
}

/// The items of a list.
pub(super) struct Items<'a> {
    at: At<'a>,
    rest: std::slice::Iter<'a, Rc<Node>>,
}

impl<'a> Items<'a> {
    pub(super) fn new(at: At<'a>, items: &'a [Rc<Node>]) -> Self {
        Self { at, rest: items.iter() }
    }
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Refused;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Refused> {
        let Some(node) = self.rest.next() else { return Ok(None) };
        seed.deserialize(self.at.child(node, self.at.name)).map(Some)
    }
}

/// A value behind something that is known of it, such as its place.
pub(super) struct Parts<'a, T> {
    at: At<'a>,
    known: Option<T>,
}

impl<'a, T> Parts<'a, T> {
    pub(super) fn new(at: At<'a>, known: T) -> Self {
        Self { at, known: Some(known) }
    }
}

impl<'de, T: IntoDeserializer<'de, Refused>> SeqAccess<'de> for Parts<'de, T> {
    type Error = Refused;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Refused> {
        match self.known.take() {
            Some(known) => seed.deserialize(known.into_deserializer()).map(Some),
            None => self.at.settle(seed.deserialize(self.at)).map(Some),
        }
    }
}

/// One of several words, alone or with a value: `flush` or `flush: 2s`.
pub(super) struct Variant<'a> {
    at: At<'a>,
    word: &'static str,
    value: Option<At<'a>>,
}

impl<'a> Variant<'a> {
    pub(super) fn of(at: At<'a>, owner: &str, known: &'static [&'static str]) -> Result<Self, Refused> {
        let (key, value) = match &at.node.value {
            Value::Mapping(entries) => match entries.as_slice() {
                [(key, value)] => (&**key, Some(&**value)),
                _ => return Err(at.several(owner, known)),
            },
            _ => (at.node, None),
        };
        let Some(text) = key.text().filter(|_| !key.is_null()) else {
            return Err(at.wrong(&format!("one of {}", known.join(", "))));
        };
        let Some(word) = known.iter().copied().find(|word| *word == text) else {
            return Err(at.child(key, at.name).unknown_word(text, owner, known));
        };
        Ok(Self { at, word, value: value.map(|node| at.child(node, word)) })
    }
}

/// A word without a value.
struct Alone<'a> {
    at: At<'a>,
    word: &'static str,
}

impl<'de> Deserializer<'de> for Alone<'de> {
    type Error = Refused;

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        visitor.visit_none()
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Refused> {
        let message = format!("'{}' needs a value", self.word);
        Err(self.at.refuse(Code::WrongType, message, Some(format!("write '{}: …'", self.word))))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl At<'_> {
    /// Records that a mapping has not exactly one key.
    fn several(&self, owner: &str, known: &[&str]) -> Refused {
        let known = known.join(", ");
        if owner != "Step" {
            let message = format!("{} must be exactly one of {known}", self.subject());
            return self.refuse(Code::WrongType, message, None);
        }
        let help = "begin each step with '- ', and write what belongs to it in one mapping: 'send: {count: 3, mode: sync}'";
        self.refuse(Code::WrongType, format!("a step is exactly one of {known}"), Some(help.to_owned()))
    }

    fn unknown_word(&self, text: &str, owner: &str, known: &[&str]) -> Refused {
        let code = if owner == "AnomalyKind" { Code::UnknownExpectation } else { Code::UnknownWord };
        let help = match nearest(text, known.iter().copied()) {
            Some(near) => format!("did you mean '{near}'?"),
            None => format!("it is one of {}", known.join(", ")),
        };
        let message = match owner {
            "Step" => format!("there is no step '{text}'"),
            "AnomalyKind" => format!("there is no anomaly '{text}'"),
            _ => format!("{} cannot be '{text}'", self.subject()),
        };
        self.refuse(code, message, Some(help))
    }
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = Refused;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Refused> {
        Ok((seed.deserialize(BorrowedStrDeserializer::new(self.word))?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = Refused;

    fn unit_variant(self) -> Result<(), Refused> {
        match self.value {
            None => Ok(()),
            Some(value) => {
                let message = format!("'{}' takes no value", self.word);
                Err(value.refuse(Code::WrongType, message, None))
            }
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Refused> {
        match self.value {
            Some(value) => seed.deserialize(value),
            None => seed.deserialize(Alone { at: self.at, word: self.word }),
        }
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Refused> {
        Err(self.at.wrong("a word"))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, Refused> {
        Err(self.at.wrong("a word"))
    }
}
