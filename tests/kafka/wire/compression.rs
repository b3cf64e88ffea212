//! The codecs of record batches, as the Java client frames them.

use std::io::{Read, Write};

use super::value::hex;

/// The names by their numbers.
pub(crate) const NAMES: [&str; 5] = ["none", "gzip", "snappy", "lz4", "zstd"];

/// `payload` under the codec of that number.
pub(crate) fn compress(codec: i16, payload: &[u8]) -> Vec<u8> {
    match codec {
        1 => {
            let mut writer = flate2::write::GzEncoder::new(vec![], flate2::Compression::default());
            writer.write_all(payload).expect("memory");
            writer.finish().expect("memory")
        }
        2 => {
            let block = snap::raw::Encoder::new().compress_vec(payload).expect("memory");
            let mut framed = b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01".to_vec();
            framed.extend(u32::try_from(block.len()).expect("a small block").to_be_bytes());
            framed.extend(block);
            framed
        }
        3 => {
            let mut writer = lz4_flex::frame::FrameEncoder::new(vec![]);
            writer.write_all(payload).expect("memory");
            writer.finish().expect("memory")
        }
        4 => zstd::encode_all(payload, 3).expect("memory"),
        _ => payload.to_vec(),
    }
}

/// What is under the codec of that number.
pub(crate) fn decompress(codec: i16, payload: &[u8]) -> Result<Vec<u8>, String> {
    let mut out = vec![];
    let read = match codec {
        0 => return Ok(payload.to_vec()),
        1 => flate2::read::MultiGzDecoder::new(payload).read_to_end(&mut out),
        2 => return snappy(payload),
        3 => lz4_flex::frame::FrameDecoder::new(payload).read_to_end(&mut out),
        4 => zstd::Decoder::new(payload).and_then(|mut reader| reader.read_to_end(&mut out)),
        other => return Err(format!("codec {other}")),
    };
    read.map(|_| out).map_err(|_| format!("broken {} {}", NAMES[codec as usize], hex(payload)))
}

fn snappy(payload: &[u8]) -> Result<Vec<u8>, String> {
    let mut out = vec![];
    let mut blocks = payload.get(16..).ok_or("broken snappy")?;
    while let Some((size, rest)) = blocks.split_first_chunk() {
        let size = u32::from_be_bytes(*size) as usize;
        let block = rest.get(..size).ok_or("broken snappy")?;
        out.extend(snap::raw::Decoder::new().decompress_vec(block).map_err(|_| "broken snappy")?);
        blocks = &rest[size..];
    }
    Ok(out)
}
