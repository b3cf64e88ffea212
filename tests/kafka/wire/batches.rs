//! Record batches that came back, with everything that can be seen of them.

use super::batch::{HEADER, get};
use super::compression::{NAMES, decompress};
use super::value::{Value, hex, readable};

/// Where a checksum begins, which the time has a part in.
const CRC: usize = 17;

/// Each batch as a struct with its records; what is no batch is shown in bytes.
pub(crate) fn read(mut bytes: &[u8]) -> Value {
    let mut batches = vec![];
    while !bytes.is_empty() {
        let size = bytes.get(8..12).map_or(usize::MAX, |length| {
            let length = i32::from_be_bytes(length.try_into().expect("four bytes"));
            usize::try_from(length).map_or(usize::MAX, |length| length + 12)
        });
        let Some((one, rest)) = bytes.split_at_checked(size).filter(|_| size >= HEADER) else {
            let rest = Value::Text(format!("{} of {}", hex(&bytes[..bytes.len().min(CRC)]), bytes.len()));
            batches.push(Value::Struct(vec![("incomplete".to_owned(), rest)]));
            break;
        };
        batches.push(Value::Struct(batch(one)));
        bytes = rest;
    }
    Value::List(batches)
}

fn batch(bytes: &[u8]) -> Vec<(String, Value)> {
    let field = |name| get(bytes, name);
    let int = |name: &str| (name.to_owned(), Value::Int(get(bytes, name)));
    let time = |name: &str| (name.to_owned(), Value::Time(get(bytes, name)));
    let attributes = field("attributes");
    let codec = (attributes & 7) as i16;
    let crc = crc32c::crc32c(&bytes[21..]) == field("crc") as u32;
    let mut words = vec![NAMES.get(codec as usize).copied().unwrap_or("unknown codec")];
    for (bit, word) in [(8, "LogAppendTime"), (16, "transactional"), (32, "control"), (64, "delete horizon")]
    {
        if attributes & bit != 0 {
            words.push(word);
        }
    }
    let mut fields = vec![
        int("base_offset"),
        int("leader_epoch"),
        int("magic"),
        ("crc".to_owned(), Value::Word(if crc { "ok" } else { "WRONG" }.to_owned())),
        ("attributes".to_owned(), Value::Word(format!("{attributes}({})", words.join(" ")))),
        int("last_offset_delta"),
        time("base_timestamp"),
        time("max_timestamp"),
        ("producer_id".to_owned(), Value::ProducerId(field("producer_id"))),
        int("producer_epoch"),
        int("base_sequence"),
        int("count"),
    ];
    if codec == 0 {
        fields.push(("bytes".to_owned(), Value::Int(i64::try_from(bytes.len()).expect("a size"))));
    }
    match decompress(codec, &bytes[HEADER..]) {
        Err(error) => fields.push(("payload".to_owned(), Value::Word(error))),
        Ok(payload) => fields.push(("records".to_owned(), records(&payload, bytes, field("count")))),
    }
    fields
}

fn records(payload: &[u8], header: &[u8], count: i64) -> Value {
    let mut rest = payload;
    let mut records = vec![];
    for _ in 0..count {
        let Some(record) = record(&mut rest, header) else {
            records.push(Value::Struct(vec![("unreadable".to_owned(), Value::Text(hex(rest)))]));
            return Value::List(records);
        };
        records.push(record);
    }
    if !rest.is_empty() {
        records.push(Value::Struct(vec![("trailing".to_owned(), Value::Text(hex(rest)))]));
    }
    let more = records.len().saturating_sub(8);
    if more > 0 {
        records.truncate(7);
        records.push(Value::Struct(vec![(
            "more".to_owned(),
            Value::Int(i64::try_from(more + 1).expect("few")),
        )]));
    }
    Value::List(records)
}

fn record(rest: &mut &[u8], header: &[u8]) -> Option<Value> {
    let size = usize::try_from(varint(rest)?).ok()?;
    let (mut body, after) = rest.split_at_checked(size)?;
    *rest = after;
    let (attributes, tail) = body.split_first()?;
    body = tail;
    let timestamp = get(header, "base_timestamp").wrapping_add(varint(&mut body)?);
    let offset = varint(&mut body)?;
    let control = get(header, "attributes") & 32 != 0;
    let text = |bytes: Option<&[u8]>| {
        Value::Word(match bytes {
            None => "null".to_owned(),
            Some(bytes) if control => hex(bytes),
            Some(bytes) => readable(bytes),
        })
    };
    let mut fields =
        vec![("offset".to_owned(), Value::Int(offset)), ("timestamp".to_owned(), Value::Time(timestamp))];
    fields.push(("key".to_owned(), text(blob(&mut body)?)));
    fields.push(("value".to_owned(), text(blob(&mut body)?)));
    for _ in 0..varint(&mut body)? {
        let name = String::from_utf8_lossy(blob(&mut body)??).into_owned();
        fields.push((format!("header {name:?}"), text(blob(&mut body)?)));
    }
    if *attributes != 0 {
        fields.push(("attributes".to_owned(), Value::Int((*attributes).into())));
    }
    if !body.is_empty() {
        fields.push(("trailing".to_owned(), Value::Text(hex(body))));
    }
    Some(Value::Struct(fields))
}

#[expect(clippy::option_option, reason = "outside: readable or not; inside: null or bytes")]
fn blob<'a>(rest: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    let size = varint(rest)?;
    let Ok(size) = usize::try_from(size) else { return Some(None) };
    let (bytes, after) = rest.split_at_checked(size)?;
    *rest = after;
    Some(Some(bytes))
}

fn varint(rest: &mut &[u8]) -> Option<i64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7F) << shift;
        if *byte < 0x80 {
            return Some((value >> 1) as i64 ^ -((value & 1) as i64));
        }
    }
    None
}
