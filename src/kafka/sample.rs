//! Messages of any shape, for tests.

use super::api::Api;
use super::shape::{Shape, Struct, Tag};

/// Writes a message of a shape, as the bytes of `choices` decide.
pub(crate) struct Writer<'a> {
    choices: std::slice::Iter<'a, u8>,
    version: i16,
    flexible: bool,
    /// Whether null may stand where the wire has a form for it.
    pub(crate) nulls: bool,
    /// The count with this number is replaced by the largest that can be written, and nothing follows it.
    pub(crate) lie: Option<usize>,
    /// Before a lie: which of the arrays have an element, by their bits.
    pub(crate) inhabited: u32,
    pub(crate) counts: usize,
    pub(crate) out: Vec<u8>,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(choices: &'a [u8], api: &Api, version: i16) -> Self {
        let flexible = api.is_flexible(version);
        Self {
            choices: choices.iter(),
            version,
            flexible,
            nulls: false,
            lie: None,
            inhabited: 0,
            counts: 0,
            out: vec![],
        }
    }

    fn choose(&mut self, below: u8) -> u8 {
        self.choices.next().map_or(0, |byte| byte % below)
    }

    /// Whether a lie has been told; nothing is written after it.
    pub(crate) fn lied(&self) -> bool {
        self.lie.is_some_and(|lie| self.counts > lie)
    }

    pub(crate) fn record(&mut self, record: &Struct) {
        for field in record.fields {
            if (field.from..=field.to).contains(&self.version) {
                self.value(&field.shape);
            }
        }
        if self.flexible {
            self.tags(record.tags);
        }
    }

    fn value(&mut self, shape: &Shape) {
        if self.lied() {
            return;
        }
        match shape {
            Shape::Fixed(size) => self.fill(*size),
            Shape::Text | Shape::LegacyText | Shape::Blob => {
                let size = self.choose(7);
                let short =
                    matches!(shape, Shape::Text if !self.flexible) || matches!(shape, Shape::LegacyText);
                if let Some(size) = self.length(size, short) {
                    self.fill_text(size);
                }
            }
            Shape::Numbers(size) => {
                let count = self.choose(4);
                if let Some(count) = self.length(count, false) {
                    self.fill(count * size);
                }
            }
            Shape::Texts => {
                let count = self.choose(4);
                let count = self.length(count, false).unwrap_or(0);
                (0..count).for_each(|_| self.value(&Shape::Text));
            }
            Shape::Array(element) => {
                let count =
                    if self.lie.is_some() { u8::from(self.inhabited & 1 == 1) } else { self.choose(3) };
                self.inhabited >>= 1;
                let count = self.length(count, false).unwrap_or(0);
                (0..count).for_each(|_| self.record(element));
            }
            Shape::One(record) => self.record(record),
        }
    }

    fn tags(&mut self, known: &[Tag]) {
        if self.lied() {
            return;
        }
        let known: Vec<_> = known.iter().filter(|tag| tag.from <= self.version).collect();
        let mask = self.choose(8);
        let chosen: Vec<_> = known.iter().enumerate().filter(|(i, _)| mask & (1 << i) != 0).collect();
        let unknown = self.choose(2);
        self.counts += 1;
        if self.lied() {
            return self.varint(u32::MAX);
        }
        self.varint(u32::try_from(chosen.len()).unwrap() + u32::from(unknown));
        for (_, tag) in chosen {
            let before = std::mem::take(&mut self.out);
            self.value(&tag.shape);
            let value = std::mem::replace(&mut self.out, before);
            self.tag(tag.tag, &value);
        }
        if unknown == 1 {
            self.tag(300, b"new");
        }
    }

    fn tag(&mut self, tag: u32, value: &[u8]) {
        self.varint(tag);
        self.varint(u32::try_from(value.len()).unwrap());
        self.out.extend(value);
    }

    /// Writes a length; none for null.
    fn length(&mut self, length: u8, short: bool) -> Option<usize> {
        let null = self.nulls && self.choose(3) == 0;
        self.counts += usize::from(!short);
        let lied = self.lied() && !short;
        match (self.flexible && !short, short) {
            (true, _) if lied => self.varint(u32::MAX),
            (_, false) if lied => self.out.extend(i32::MAX.to_be_bytes()),
            (true, _) if null => self.varint(0),
            (true, _) => self.varint(u32::from(length) + 1),
            (_, true) if null => self.out.extend((-1_i16).to_be_bytes()),
            (_, true) => self.out.extend(i16::from(length).to_be_bytes()),
            _ if null => self.out.extend((-1_i32).to_be_bytes()),
            _ => self.out.extend(i32::from(length).to_be_bytes()),
        }
        (!null && !lied).then_some(usize::from(length))
    }

    fn varint(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.out.push(u8::try_from(value & 0x7F).unwrap() | 0x80);
            value >>= 7;
        }
        self.out.push(u8::try_from(value).unwrap());
    }

    fn fill(&mut self, size: usize) {
        for _ in 0..size {
            let byte = self.choose(255);
            self.out.push(byte);
        }
    }

    fn fill_text(&mut self, size: usize) {
        for _ in 0..size {
            let letter = b'a' + self.choose(26);
            self.out.push(letter);
        }
    }
}
