//! How messages are described: fields in their order, with the versions that have them.

use Shape::Fixed;

/// How a value stands on the wire.
#[derive(Debug)]
pub enum Shape {
    /// So many bytes.
    Fixed(usize),
    /// A string: its length as 16 bits, or compact.
    Text,
    /// A string whose length is 16 bits in flexible versions too; only the request header has one.
    LegacyText,
    /// Bytes: their number as 32 bits, or compact.
    Blob,
    /// An array of structs: the number of elements as 32 bits, or compact.
    Array(&'static Struct),
    /// An array of values of so many bytes each.
    Numbers(usize),
    /// An array of strings.
    Texts,
    /// A struct by itself; here only tagged fields have one.
    One(&'static Struct),
}

/// A field, with the versions that have it.
#[derive(Debug)]
pub struct Field {
    /// The first version.
    pub from: i16,
    /// The last version.
    pub to: i16,
    /// What it looks like.
    pub shape: Shape,
}

/// A tagged field that is part of the protocol; any other may stand there too.
#[derive(Debug)]
pub struct Tag {
    /// Its number.
    pub tag: u32,
    /// The first version.
    pub from: i16,
    /// What it looks like.
    pub shape: Shape,
}

/// Fields in their order. In flexible versions tagged fields follow.
#[derive(Debug)]
pub struct Struct {
    /// The fields of all versions.
    pub fields: &'static [Field],
    /// The tagged fields of flexible versions that the protocol defines.
    pub tags: &'static [Tag],
}

impl Struct {
    /// The fields of a version, in their order.
    pub fn fields_of(&self, version: i16) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(move |field| (field.from..=field.to).contains(&version))
    }
}

pub(super) const I8: Shape = Fixed(1);
pub(super) const I16: Shape = Fixed(2);
pub(super) const I32: Shape = Fixed(4);
pub(super) const I64: Shape = Fixed(8);
pub(super) const BOOL: Shape = Fixed(1);
pub(super) const UUID: Shape = Fixed(16);

pub(super) const fn always(shape: Shape) -> Field {
    since(i16::MIN, shape)
}

pub(super) const fn since(from: i16, shape: Shape) -> Field {
    between(from, i16::MAX, shape)
}

pub(super) const fn until(to: i16, shape: Shape) -> Field {
    between(i16::MIN, to, shape)
}

pub(super) const fn between(from: i16, to: i16, shape: Shape) -> Field {
    Field { from, to, shape }
}

pub(super) const fn tag(tag: u32, from: i16, shape: Shape) -> Tag {
    Tag { tag, from, shape }
}

pub(super) const fn plain(fields: &'static [Field]) -> Struct {
    Struct { fields, tags: &[] }
}
