//! Answers from bytes, field by field; what is not as the protocol says is shown, not hidden.

use uuid::Uuid;

use super::batches;
use super::schema::{Api, Field, Kind};
use super::value::{Value, hex};

/// Reads messages of one version.
struct Reader<'a> {
    bytes: &'a [u8],
    version: i16,
    flexible: bool,
}

type Read<T> = Result<T, String>;

/// The correlation id of an answer, and its body.
pub(crate) fn response(api: &Api, version: i16, frame: &[u8]) -> Read<(i32, Value)> {
    let flexible = version >= api.flexible;
    let mut reader = Reader { bytes: frame, version, flexible };
    let correlation_id = i32::from_be_bytes(reader.take()?);
    if flexible && api.name != "ApiVersions" && reader.varint()? != 0 {
        return Err("the header has tagged fields".to_owned());
    }
    let mut body = reader.fields(&api.response)?;
    if let (Value::Struct(fields), false) = (&mut body, reader.bytes.is_empty()) {
        fields.push(("TRAILING".to_owned(), Value::Text(hex(reader.bytes))));
    }
    Ok((correlation_id, body))
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Read<[u8; N]> {
        let (first, rest) = self.bytes.split_first_chunk().ok_or_else(|| format!("{N} bytes are missing"))?;
        self.bytes = rest;
        Ok(*first)
    }

    fn slice(&mut self, size: usize) -> Read<&[u8]> {
        let (first, rest) =
            self.bytes.split_at_checked(size).ok_or_else(|| format!("{size} bytes are missing"))?;
        self.bytes = rest;
        Ok(first)
    }

    fn varint(&mut self) -> Read<u32> {
        let mut value = 0;
        for shift in (0..32).step_by(7) {
            let [byte] = self.take()?;
            value |= u32::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err("an endless number".to_owned())
    }

    fn fields(&mut self, fields: &[Field]) -> Read<Value> {
        let version = self.version;
        let mut values = vec![];
        for field in fields.iter().filter(|field| field.is_in(version) && field.tag.is_none()) {
            let value = self.field(field).map_err(|error| format!("{}: {error}", field.name))?;
            values.push((field.name.clone(), value));
        }
        if self.flexible {
            for _ in 0..self.varint()? {
                let tag = self.varint()?;
                let size = self.varint()? as usize;
                let bytes = self.slice(size)?.to_vec();
                let known = fields.iter().find(|field| field.is_in(version) && field.tag == Some(tag));
                let Some(field) = known else {
                    values.push((format!("TAG {tag}"), Value::Text(hex(&bytes))));
                    continue;
                };
                let mut inner = Reader { bytes: &bytes, ..*self };
                values.push((field.name.clone(), inner.field(field)?));
                if !inner.bytes.is_empty() {
                    values.push((format!("TRAILING {tag}"), Value::Text(hex(inner.bytes))));
                }
            }
        }
        Ok(Value::Struct(values))
    }

    fn field(&mut self, field: &Field) -> Read<Value> {
        if !field.array {
            return self.single(&field.kind);
        }
        let count = if self.flexible {
            i64::from(self.varint()?) - 1
        } else {
            i64::from(i32::from_be_bytes(self.take()?))
        };
        if count < 0 {
            return Ok(Value::Null);
        }
        (0..count).map(|_| self.single(&field.kind)).collect::<Read<_>>().map(Value::List)
    }

    fn single(&mut self, kind: &Kind) -> Read<Value> {
        Ok(match kind {
            Kind::Bool => match self.take()? {
                [0] => Value::Bool(false),
                [1] => Value::Bool(true),
                [other] => Value::Text(format!("bool {other}")),
            },
            Kind::I8 => Value::Int(i8::from_be_bytes(self.take()?).into()),
            Kind::I16 => Value::Int(i16::from_be_bytes(self.take()?).into()),
            Kind::I32 => Value::Int(i32::from_be_bytes(self.take()?).into()),
            Kind::I64 => Value::Int(i64::from_be_bytes(self.take()?)),
            Kind::Error => Value::Error(i16::from_be_bytes(self.take()?)),
            Kind::Time => Value::Time(i64::from_be_bytes(self.take()?)),
            Kind::ProducerId => Value::ProducerId(i64::from_be_bytes(self.take()?)),
            Kind::Port => Value::Port(i32::from_be_bytes(self.take()?)),
            Kind::Uuid => Value::Uuid(Uuid::from_bytes(self.take()?)),
            Kind::Text => match self.size(2)? {
                None => Value::Null,
                Some(size) => Value::Text(String::from_utf8_lossy(self.slice(size)?).into_owned()),
            },
            Kind::Bytes => match self.size(4)? {
                None => Value::Null,
                Some(size) => Value::Text(hex(self.slice(size)?)),
            },
            Kind::Batches => match self.size(4)? {
                None => Value::Null,
                Some(size) => batches::read(self.slice(size)?),
            },
            Kind::Struct(fields) => self.fields(fields)?,
        })
    }

    /// A length: compact, or of so many bytes. None stands for null.
    fn size(&mut self, width: usize) -> Read<Option<usize>> {
        let size = match (self.flexible, width) {
            (true, _) => i64::from(self.varint()?) - 1,
            (false, 2) => i16::from_be_bytes(self.take()?).into(),
            _ => i32::from_be_bytes(self.take()?).into(),
        };
        Ok(usize::try_from(size).ok())
    }
}
