//! The shapes of all messages, read from `schema.txt`.

use std::iter::Peekable;
use std::str::{Chars, FromStr};
use std::sync::LazyLock;

/// One API: its number and name, and both messages.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) key: i16,
    pub(crate) name: String,
    /// The first version with compact lengths and tagged fields.
    pub(crate) flexible: i16,
    pub(crate) request: Vec<Field>,
    pub(crate) response: Vec<Field>,
}

/// A field of a message.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) array: bool,
    pub(crate) from: i16,
    pub(crate) to: i16,
    pub(crate) tag: Option<u32>,
    pub(crate) default: Option<String>,
}

impl Field {
    pub(crate) fn is_in(&self, version: i16) -> bool {
        (self.from..=self.to).contains(&version)
    }
}

/// What a field holds.
#[derive(Debug)]
pub(crate) enum Kind {
    Bool,
    I8,
    I16,
    I32,
    I64,
    Text,
    Uuid,
    Bytes,
    Error,
    Time,
    ProducerId,
    Port,
    Batches,
    Struct(Vec<Field>),
}

static APIS: LazyLock<Vec<Api>> = LazyLock::new(|| read(include_str!("schema.txt")));

/// The API of that name.
pub(crate) fn api(name: &str) -> &'static Api {
    APIS.iter().find(|api| api.name == name).unwrap_or_else(|| panic!("no API {name} in schema.txt"))
}

/// Every API.
pub(crate) fn apis() -> &'static [Api] {
    &APIS
}

fn read(text: &str) -> Vec<Api> {
    let mut apis: Vec<Api> = vec![];
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        if let Some(request) = line.strip_prefix("> ") {
            apis.last_mut().expect("an API first").request = fields(&mut request.chars().peekable());
        } else if let Some(response) = line.strip_prefix("< ") {
            apis.last_mut().expect("an API first").response = fields(&mut response.chars().peekable());
        } else {
            let [key, name, flexible] = line.split(' ').collect::<Vec<_>>()[..] else {
                panic!("{line}");
            };
            apis.push(Api {
                key: number(key),
                name: name.to_owned(),
                flexible: number(flexible),
                request: vec![],
                response: vec![],
            });
        }
    }
    apis
}

fn fields(text: &mut Peekable<Chars<'_>>) -> Vec<Field> {
    let mut fields = vec![];
    loop {
        while text.next_if(|c| *c == ' ').is_some() {}
        if text.peek().is_none() || text.next_if_eq(&'}').is_some() {
            return fields;
        }
        fields.push(field(text));
    }
}

fn field(text: &mut Peekable<Chars<'_>>) -> Field {
    let name = word(text);
    assert_eq!(text.next(), Some(':'), "a type after {name}");
    let kind = word(text);
    let array = text.next_if_eq(&'[').is_some() && text.next_if_eq(&']').is_some();
    let (from, to) = if text.next_if_eq(&'(').is_some() { versions(text) } else { (0, i16::MAX) };
    let tag = text.next_if_eq(&'#').is_some().then(|| number(&word(text)));
    let default = text.next_if_eq(&'=').is_some().then(|| word(text));
    let kind = match kind.as_str() {
        "bool" => Kind::Bool,
        "i8" => Kind::I8,
        "i16" => Kind::I16,
        "i32" => Kind::I32,
        "i64" => Kind::I64,
        "str" => Kind::Text,
        "uuid" => Kind::Uuid,
        "bytes" => Kind::Bytes,
        "err" => Kind::Error,
        "time" => Kind::Time,
        "pid" => Kind::ProducerId,
        "port" => Kind::Port,
        "batches" => Kind::Batches,
        "obj" => {
            assert_eq!(text.next(), Some('{'), "the fields of {name}");
            Kind::Struct(fields(text))
        }
        other => panic!("{name} is of the unknown type {other}"),
    };
    Field { name, kind, array, from, to, tag, default }
}

/// `3+`, `-12` or `8-10`, and the closing bracket.
fn versions(text: &mut Peekable<Chars<'_>>) -> (i16, i16) {
    let inside: String = std::iter::from_fn(|| text.next_if(|c| *c != ')')).collect();
    text.next();
    if let Some(from) = inside.strip_suffix('+') {
        return (number(from), i16::MAX);
    }
    let (from, to) = inside.split_once('-').expect("a range");
    (if from.is_empty() { 0 } else { number(from) }, number(to))
}

fn word(text: &mut Peekable<Chars<'_>>) -> String {
    std::iter::from_fn(|| text.next_if(|c| c.is_alphanumeric() || ['_', '-'].contains(c))).collect()
}

fn number<T: FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("{text:?} is no number"))
}
