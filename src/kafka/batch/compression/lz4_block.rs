//! Blocks of LZ4 as its C library takes and makes them, which the Java client calls: byte for byte, because the size of
//! what a topic writes anew counts against its limits.

use std::io;

use bytes::Buf;

use super::{Fits, Limited, broken};

/// The shortest match.
const MIN_MATCH: usize = 4;
/// So many bytes at the end are never part of a match.
const LAST_LITERALS: usize = 5;
/// No match begins in so many bytes at the end.
const NO_MATCH: usize = 12;
/// Bits of a hash, for blocks of at most 64 KiB.
const HASH_BITS: u32 = 13;
/// After so many places without a match, as a power of two, more of them are left out.
const PATIENCE: u32 = 6;
/// The most that half a token says of a length; more follows in bytes of their own.
const HALF: usize = 15;

/// A sequence with a match leaves so many bytes behind its literals.
const BEHIND_LITERALS: usize = 8;

/// Adds what comes out of a block, at most `max` bytes (`LZ4_decompress_safe`).
pub(super) fn decompress(mut block: &[u8], max: usize, out: &mut Limited) -> io::Result<Fits> {
    let wrong = || broken("a block of LZ4 is damaged");
    let began = out.bytes.len();
    loop {
        let token = usize::from(block.try_get_u8()?);
        let literals = length(token >> 4, &mut block)?;
        let (literals, behind) = block.split_at_checked(literals).ok_or_else(wrong)?;
        block = behind;
        let end = began + max;
        let room = (end - out.bytes.len()).checked_sub(literals.len()).ok_or_else(wrong)?;
        if out.add(literals) == Fits::No {
            return Ok(Fits::No);
        }
        if block.is_empty() {
            return Ok(Fits::Yes);
        }
        if block.len() < BEHIND_LITERALS || room < NO_MATCH {
            return Err(wrong());
        }
        let distance = usize::from(block.try_get_u16_le()?);
        let matching = length(token & HALF, &mut block)? + MIN_MATCH;
        let known = out.bytes.len() - began;
        if distance > known || matching + LAST_LITERALS > room || block.len() + 1 < LAST_LITERALS {
            return Err(wrong());
        }
        if matching > out.limit - out.bytes.len() {
            return Ok(Fits::No);
        }
        repeat(&mut out.bytes, distance, matching);
    }
}

/// A length whose first part a token says.
fn length(half: usize, rest: &mut &[u8]) -> io::Result<usize> {
    let mut length = half;
    if half == HALF {
        loop {
            let more = rest.try_get_u8()?;
            length += usize::from(more);
            if more < u8::MAX {
                break;
            }
        }
    }
    Ok(length)
}

/// Adds once more what stands so far behind. At no distance the C library adds zeros.
fn repeat(bytes: &mut Vec<u8>, distance: usize, length: usize) {
    let end = bytes.len() + length;
    if distance == 0 {
        bytes.resize(end, 0);
    }
    let start = bytes.len() - distance;
    while bytes.len() < end {
        let known = (bytes.len() - start).min(end - bytes.len());
        bytes.extend_from_within(start..start + known);
    }
}

/// Compresses a block of at most 64 KiB (`LZ4_compress_default`).
pub(super) fn compress(input: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut places = Places { input, last: vec![0; 1 << HASH_BITS] };
    // Where the literals begin that no sequence has yet.
    let mut anchor = 0;
    let mut found = places.find(1);
    while let Some((mut at, mut back)) = found {
        while at > anchor && back > 0 && input[at - 1] == input[back - 1] {
            (at, back) = (at - 1, back - 1);
        }
        let mut literals = &input[anchor..at];
        loop {
            let length = places.matching(at, back);
            sequence(&mut out, literals, (at - back, length));
            at += length;
            anchor = at;
            if at >= places.end() {
                found = None;
                break;
            }
            places.swap(at - 2);
            back = places.swap(at);
            if places.word(back) != places.word(at) {
                found = places.find(at + 1);
                break;
            }
            literals = &[];
        }
    }
    put_literals(&mut out, &input[anchor..], 0);
    out
}

/// Where each hash was seen last.
struct Places<'a> {
    input: &'a [u8],
    last: Vec<u16>,
}

impl Places<'_> {
    /// The first place where no match may begin.
    fn end(&self) -> usize {
        (self.input.len() + 1).saturating_sub(NO_MATCH)
    }

    fn word(&self, at: usize) -> u32 {
        self.input[at..].first_chunk().map_or(0, |word| u32::from_le_bytes(*word))
    }

    /// Where the hash of this place was seen last; from now on that is here.
    fn swap(&mut self, at: usize) -> usize {
        let hash = self.word(at).wrapping_mul(2_654_435_761) >> (32 - HASH_BITS);
        let here = u16::try_from(at).unwrap_or(u16::MAX);
        std::mem::replace(&mut self.last[hash as usize], here).into()
    }

    /// The next place from there on whose four bytes stood somewhere before.
    fn find(&mut self, from: usize) -> Option<(usize, usize)> {
        let (mut next, mut step) = (from, 1);
        for tries in 1 << PATIENCE.. {
            let at = next;
            next += step;
            step = tries >> PATIENCE;
            if next > self.end() {
                break;
            }
            let back = self.swap(at);
            if self.word(back) == self.word(at) {
                return Some((at, back));
            }
        }
        None
    }

    /// How many bytes are the same.
    fn matching(&self, at: usize, back: usize) -> usize {
        let here = &self.input[at..self.input.len() - LAST_LITERALS];
        here.iter().zip(&self.input[back..]).take_while(|(here, there)| here == there).count()
    }
}

/// Literals, then a match: how far behind it is, and how long.
fn sequence(out: &mut Vec<u8>, literals: &[u8], (distance, length): (usize, usize)) {
    let more = length - MIN_MATCH;
    put_literals(out, literals, more.min(HALF));
    out.extend(u16::try_from(distance).unwrap_or(u16::MAX).to_le_bytes());
    put_rest(out, more);
}

fn put_literals(out: &mut Vec<u8>, literals: &[u8], half: usize) {
    out.push(low_byte(literals.len().min(HALF) << 4 | half));
    put_rest(out, literals.len());
    out.extend(literals);
}

/// What a token could not say of a length.
fn put_rest(out: &mut Vec<u8>, length: usize) {
    if let Some(rest) = length.checked_sub(HALF) {
        out.resize(out.len() + rest / 255, 255);
        out.push(low_byte(rest % 255));
    }
}

fn low_byte(of: usize) -> u8 {
    of.to_le_bytes()[0]
}
