//! Gzip files as Java reads them.

use std::io::{self, Write};

use bytes::Buf;
use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc, Decompress, FlushDecompress, Status};

use super::{CHUNK, Fits, Limited, broken};

/// How a gzip file begins: its method of compression is the only one there is.
const GZIP_MAGIC: [u8; 3] = [0x1F, 0x8B, 8];
/// What Java writes behind it: no flags, no time, nothing of the level, an unknown system.
const NOTHING: [u8; 7] = [0, 0, 0, 0, 0, 0, 0xFF];
/// So many bytes behind a member of a gzip file are never looked at.
const GZIP_IGNORED: usize = 18;

/// Writes a file of one member (`GZIPOutputStream`).
pub(super) fn write(input: &[u8], level: Option<i32>) -> io::Result<Vec<u8>> {
    let level = level.and_then(|level| u32::try_from(level).ok()).map(Compression::new);
    let header = [&GZIP_MAGIC[..], &NOTHING].concat();
    let mut encoder = DeflateEncoder::new(header, level.unwrap_or_default());
    encoder.write_all(input)?;
    let mut out = encoder.finish()?;
    let mut crc = Crc::new();
    crc.update(input);
    out.extend([crc.sum().to_le_bytes(), crc.amount().to_le_bytes()].concat());
    Ok(out)
}

/// Reads the members of a gzip file. What follows a member is another one if it is long enough and begins like one;
/// else it is ignored (Java's `GZIPInputStream.readTrailer`).
pub(super) fn read(input: &[u8], out: &mut Limited) -> io::Result<Fits> {
    let mut rest = header(input).ok_or_else(|| broken("this is no gzip file"))?;
    loop {
        let start = out.bytes.len();
        if inflate(&mut rest, out)? == Fits::No {
            return Ok(Fits::No);
        }
        let mut crc = Crc::new();
        crc.update(&out.bytes[start..]);
        let mut trailer = rest;
        let told = [trailer.try_get_u32_le(), trailer.try_get_u32_le()];
        if told != [Ok(crc.sum()), Ok(crc.amount())] {
            return Err(broken("the end of a gzip file is wrong"));
        }
        match header(trailer).filter(|_| trailer.len() > GZIP_IGNORED) {
            Some(behind) => rest = behind,
            None => return Ok(Fits::Yes),
        }
    }
}

/// Reads what is deflated, chunk by chunk: what comes out in the same chunk as an error is lost.
fn inflate(rest: &mut &[u8], out: &mut Limited) -> io::Result<Fits> {
    let mut member = Decompress::new(false);
    let mut chunk = vec![0; CHUNK];
    loop {
        let (came_in, came_out) = (member.total_in(), member.total_out());
        let status = member.decompress(rest, &mut chunk, FlushDecompress::None)?;
        let moved = |before, after| usize::try_from(after - before).map_err(io::Error::other);
        rest.advance(moved(came_in, member.total_in())?);
        let yielded = moved(came_out, member.total_out())?;
        match out.add(&chunk[..yielded]) {
            Fits::Yes if status == Status::StreamEnd => return Ok(Fits::Yes),
            Fits::Yes if yielded == 0 && rest.is_empty() => return Err(broken("a gzip file is cut off")),
            Fits::Yes => {}
            Fits::No => return Ok(Fits::No),
        }
    }
}

/// What stands behind the header of a gzip file; none if it is no header. Flags that mean nothing are no mistake to
/// Java (`GZIPInputStream.readHeader`).
fn header(input: &[u8]) -> Option<&[u8]> {
    let [extra, name, comment, crc] = [1 << 2, 1 << 3, 1 << 4, 1 << 1];
    let (start, mut rest) = input.split_first_chunk::<10>()?;
    let flags = start[3];
    if !start.starts_with(&GZIP_MAGIC) {
        return None;
    }
    if flags & extra != 0 {
        let size = rest.try_get_u16_le().ok()?;
        rest = rest.get(usize::from(size)..)?;
    }
    for text in [name, comment] {
        if flags & text != 0 {
            let end = rest.iter().position(|byte| *byte == 0)?;
            rest = &rest[end + 1..];
        }
    }
    if flags & crc != 0 {
        let mut known = Crc::new();
        known.update(&input[..input.len() - rest.len()]);
        let told = rest.try_get_u16_le().ok()?;
        // The lower half.
        if u32::from(told) != known.sum() & 0xFFFF {
            return None;
        }
    }
    Some(rest)
}
