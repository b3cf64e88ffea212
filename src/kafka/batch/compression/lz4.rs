//! LZ4 frames as Kafka's own reader and writer have them (`Lz4BlockInputStream`, `Lz4BlockOutputStream`).

use std::io;

use bytes::Buf;
use twox_hash::XxHash32;

use super::{Fits, Limited, broken, lz4_block};

/// How a frame begins; skippable and legacy frames are none of Kafka's.
const MAGIC: [u8; 4] = [0x04, 0x22, 0x4d, 0x18];
/// The only version, in the two highest bits of the flags.
const VERSION: u8 = 1;
/// Bits of the flags. Blocks must stand for themselves.
const INDEPENDENT: u8 = 1 << 5;
const BLOCK_CHECKSUM: u8 = 1 << 4;
const CONTENT_SIZE: u8 = 1 << 3;
const CONTENT_CHECKSUM: u8 = 1 << 2;
const RESERVED: u8 = 0b11;
/// Bytes of the content's size.
const SIZE: usize = 8;
/// The bit of a block's length that says that it is not compressed.
const UNCOMPRESSED: u32 = 1 << 31;

/// Bytes of a block before it is compressed, and how a header says that.
const BLOCK: usize = 64 * 1024;
const OF_BLOCK: u8 = 4 << 4;

/// Writes a frame without checksums but that of its header.
pub(super) fn write(input: &[u8]) -> Vec<u8> {
    let described = [VERSION << 6 | INDEPENDENT, OF_BLOCK];
    let mut out = [&MAGIC[..], &described, &[hash_of(&described)]].concat();
    for plain in input.chunks(BLOCK) {
        let packed = lz4_block::compress(plain);
        let (bit, block) = if packed.len() < plain.len() { (0, &packed[..]) } else { (UNCOMPRESSED, plain) };
        out.extend((bit | u32::try_from(block.len()).unwrap_or(u32::MAX)).to_le_bytes());
        out.extend(block);
    }
    out.extend([0; 4]);
    out
}

/// The byte behind the description of a frame.
fn hash_of(described: &[u8]) -> u8 {
    XxHash32::oneshot(0, described).to_le_bytes()[1]
}

/// Reads one frame; what follows it is ignored. So are the size of the content, which may be any, and its checksum,
/// which must only be there.
pub(super) fn read(input: &[u8], out: &mut Limited) -> io::Result<Fits> {
    let mut rest = input.strip_prefix(&MAGIC).ok_or_else(|| broken("this is no LZ4 frame"))?;
    let (flags, max) = header(&mut rest)?;
    loop {
        let length = rest.try_get_u32_le()?;
        // Even if a block of nothing claims not to be compressed, it is the end.
        let size = (length & !UNCOMPRESSED) as usize;
        if size == 0 {
            if flags & CONTENT_CHECKSUM != 0 {
                rest.try_get_u32_le()?;
            }
            return Ok(Fits::Yes);
        }
        let (block, behind) = rest
            .split_at_checked(size)
            .filter(|_| size <= max)
            .ok_or_else(|| broken("a block is cut off, or longer than blocks of this frame may be"))?;
        rest = behind;
        let began = out.bytes.len();
        let read = if length & UNCOMPRESSED == 0 {
            lz4_block::decompress(block, max, out)
        } else {
            Ok(out.add(block))
        };
        let sound = flags & BLOCK_CHECKSUM == 0 || rest.try_get_u32_le() == Ok(XxHash32::oneshot(0, block));
        let read = if sound { read } else { Err(broken("the checksum of a block is wrong")) };
        // Nothing of a damaged block is handed on.
        let fits = read.inspect_err(|_| out.bytes.truncate(began))?;
        if fits == Fits::No {
            return Ok(fits);
        }
    }
}

/// The flags of a frame and the most bytes that a block of it holds.
fn header(rest: &mut &[u8]) -> io::Result<(u8, usize)> {
    let described = *rest;
    let (flags, block) = (rest.try_get_u8()?, rest.try_get_u8()?);
    let of_blocks = block >> 4;
    if flags >> 6 != VERSION || flags & RESERVED != 0 || flags & INDEPENDENT == 0 {
        return Err(broken("the frame is of a kind that Kafka does not read"));
    }
    // The byte has nothing but three bits in its middle.
    if block & 0x8F != 0 || !(4..=7).contains(&of_blocks) {
        return Err(broken("no block has this size"));
    }
    let size = if flags & CONTENT_SIZE == 0 { 0 } else { SIZE };
    *rest = rest.get(size..).ok_or_else(|| broken("the header is cut off"))?;
    if rest.try_get_u8()? != hash_of(&described[..2 + size]) {
        return Err(broken("the checksum of the header is wrong"));
    }
    Ok((flags, 1 << (8 + 2 * of_blocks)))
}
