//! Requests as bytes.

use uuid::Uuid;

use super::schema::{Api, Field, Kind};
use super::value::Value;

/// Writes messages of one version.
pub(crate) struct Writer<'a> {
    bytes: Vec<u8>,
    version: i16,
    flexible: bool,
    /// The id of the topic of that name.
    ids: &'a dyn Fn(&str) -> Uuid,
}

/// A request with its header, without the length in front.
pub(crate) fn request(
    api: &Api,
    version: i16,
    correlation_id: i32,
    body: &Value,
    ids: &dyn Fn(&str) -> Uuid,
) -> Vec<u8> {
    let flexible = version >= api.flexible;
    let mut writer = Writer { bytes: header(api.key, version, correlation_id), version, flexible, ids };
    if flexible {
        writer.bytes.push(0);
    }
    writer.fields(&api.request, body);
    writer.bytes
}

fn header(key: i16, version: i16, correlation_id: i32) -> Vec<u8> {
    let mut bytes = key.to_be_bytes().to_vec();
    bytes.extend(version.to_be_bytes());
    bytes.extend(correlation_id.to_be_bytes());
    bytes.extend(4_i16.to_be_bytes());
    bytes.extend(b"test");
    bytes
}

impl Writer<'_> {
    fn fields(&mut self, fields: &[Field], of: &Value) {
        if let Value::Struct(given) = of {
            for (name, _) in given {
                assert!(fields.iter().any(|field| field.name == *name), "no field {name} in schema.txt");
            }
        }
        let of_version = || fields.iter().filter(|field| field.is_in(self.version));
        let plain: Vec<_> = of_version().filter(|field| field.tag.is_none()).collect();
        let tagged: Vec<_> =
            of_version().filter(|field| *of.get(&field.name) != Value::Null && field.tag.is_some()).collect();
        for field in plain {
            self.field(field, of);
        }
        if self.flexible {
            self.varint(u32::try_from(tagged.len()).expect("few tags"));
            for field in tagged {
                self.varint(field.tag.unwrap_or_default());
                let mut inner = Writer { bytes: vec![], ..*self };
                inner.field(field, of);
                self.varint(u32::try_from(inner.bytes.len()).expect("a small field"));
                self.bytes.extend(inner.bytes);
            }
        }
    }

    fn field(&mut self, field: &Field, of: &Value) {
        let given = match of {
            Value::Struct(fields) => {
                fields.iter().find(|(name, _)| *name == field.name).map(|(_, value)| value)
            }
            _ => None,
        };
        let value = given.cloned().unwrap_or_else(|| default(field));
        match value {
            value if field.array => self.array(&field.kind, &value),
            value => self.single(&field.kind, &value),
        }
    }

    fn array(&mut self, kind: &Kind, value: &Value) {
        let Value::List(items) = value else {
            return if self.flexible {
                self.bytes.push(0);
            } else {
                self.bytes.extend((-1_i32).to_be_bytes());
            };
        };
        let count = u32::try_from(items.len()).expect("a short list");
        if self.flexible {
            self.varint(count + 1);
        } else {
            self.bytes.extend(count.to_be_bytes());
        }
        for item in items {
            self.single(kind, item);
        }
    }

    fn single(&mut self, kind: &Kind, value: &Value) {
        let int = value.int();
        match kind {
            Kind::Bool => self.bytes.push(u8::from(*value == Value::Bool(true))),
            Kind::I8 => self.bytes.extend(i8::try_from(int).expect("an i8").to_be_bytes()),
            Kind::I16 | Kind::Error => self.bytes.extend(i16::try_from(int).expect("an i16").to_be_bytes()),
            Kind::I32 | Kind::Port => self.bytes.extend(i32::try_from(int).expect("an i32").to_be_bytes()),
            Kind::I64 | Kind::Time | Kind::ProducerId => self.bytes.extend(int.to_be_bytes()),
            Kind::Text => self.text(value),
            Kind::Uuid => self.bytes.extend(self.uuid(value).as_bytes()),
            Kind::Bytes | Kind::Batches => self.blob(value),
            Kind::Struct(fields) => self.fields(fields, value),
        }
    }

    fn uuid(&self, value: &Value) -> Uuid {
        if let Value::Uuid(id) = value {
            return *id;
        }
        let text = value.text();
        if text.is_empty() { Uuid::nil() } else { Uuid::parse_str(text).unwrap_or_else(|_| (self.ids)(text)) }
    }

    fn text(&mut self, value: &Value) {
        let bytes = match value {
            Value::Text(text) => text.as_bytes(),
            Value::Named(_, bytes) => bytes,
            _ => {
                return if self.flexible {
                    self.bytes.push(0);
                } else {
                    self.bytes.extend((-1_i16).to_be_bytes());
                };
            }
        };
        if self.flexible {
            self.varint(u32::try_from(bytes.len()).expect("a short text") + 1);
        } else {
            self.bytes.extend(i16::try_from(bytes.len()).expect("a short text").to_be_bytes());
        }
        self.bytes.extend(bytes);
    }

    fn blob(&mut self, value: &Value) {
        let Value::Named(_, bytes) = value else {
            return if self.flexible {
                self.bytes.push(0);
            } else {
                self.bytes.extend((-1_i32).to_be_bytes());
            };
        };
        let size = u32::try_from(bytes.len()).expect("small records");
        if self.flexible {
            self.varint(size + 1);
        } else {
            self.bytes.extend(size.to_be_bytes());
        }
        self.bytes.extend(bytes);
    }

    fn varint(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }
}

fn default(field: &Field) -> Value {
    match (&field.default, &field.kind) {
        (Some(text), _) if text == "null" => Value::Null,
        (Some(text), Kind::Text) => Value::Text(text.clone()),
        (Some(text), Kind::Bool) => Value::Bool(text == "true"),
        (Some(text), _) => Value::Int(text.parse().expect("a number")),
        (None, _) if field.array => Value::List(vec![]),
        (None, Kind::Text) => Value::Text(String::new()),
        (None, Kind::Uuid | Kind::Struct(_) | Kind::Bytes | Kind::Batches) => Value::Null,
        (None, Kind::Bool) => Value::Bool(false),
        (None, _) => Value::Int(0),
    }
}
