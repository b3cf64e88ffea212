//! Compresses blocks of snappy byte for byte as its C++ library does since 1.1.9, which snappy-java calls
//! (`CompressFragment`): the size of what a topic writes anew counts against its limits.

/// No match is looked for in so many bytes at the end.
const MARGIN: usize = 15;
/// Bits of a hash, at least and at most.
const HASH_BITS: [u32; 2] = [8, 14];
/// So many places are looked at one by one before some are left out.
const CLOSE: usize = 16;
/// Matches that are shorter have a form of their own where they are near.
const SHORT: usize = 12;
const NEAR: usize = 2048;

/// Compresses a block of at most 64 KiB.
pub(super) fn compress(input: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = input.len();
    while rest > 0x7F {
        out.push(low_byte(rest) | 0x80);
        rest >>= 7;
    }
    out.push(low_byte(rest));
    // What stands before it is written.
    let mut at = 0;
    let mut places = Places::of(input);
    while let Some((start, mut back)) = places.find(at) {
        put_literals(&mut out, &input[at..start]);
        at = start;
        loop {
            let length = places.matching(at, back);
            put_copy(&mut out, at - back, length);
            at += length;
            if at >= places.limit() {
                break;
            }
            places.swap(at - 1);
            back = places.swap(at);
            if places.word(back) != places.word(at) {
                break;
            }
        }
        if at >= places.limit() {
            break;
        }
    }
    if at < input.len() {
        put_literals(&mut out, &input[at..]);
    }
    out
}

/// Where each hash was seen last.
struct Places<'a> {
    input: &'a [u8],
    last: Vec<u16>,
}

impl<'a> Places<'a> {
    fn of(input: &'a [u8]) -> Self {
        let [least, most] = HASH_BITS;
        let bits = (input.len().saturating_sub(1).max(1).ilog2() + 1).clamp(least, most);
        Self { input, last: vec![0; 1 << bits] }
    }

    /// The first place where no match may begin.
    fn limit(&self) -> usize {
        self.input.len().saturating_sub(MARGIN)
    }

    fn word(&self, at: usize) -> u32 {
        self.input[at..].first_chunk().map_or(0, |word| u32::from_le_bytes(*word))
    }

    /// Where the hash of this place was seen last; from now on that is here.
    fn swap(&mut self, at: usize) -> usize {
        let hash = self.word(at).wrapping_mul(0x1E35_A7BD) >> (32 - HASH_BITS[1]);
        let here = u16::try_from(at).unwrap_or(u16::MAX);
        let slot = hash as usize & (self.last.len() - 1);
        std::mem::replace(&mut self.last[slot], here).into()
    }

    /// The next place behind `written` whose four bytes stood somewhere before.
    fn find(&mut self, written: usize) -> Option<(usize, usize)> {
        let limit = self.limit();
        let mut at = written + 1;
        let mut skip = 32;
        if at + CLOSE <= limit {
            for at in at..at + CLOSE {
                let back = self.swap(at);
                if self.word(back) == self.word(at) {
                    return Some((at, back));
                }
            }
            at += CLOSE;
            skip += CLOSE;
        }
        loop {
            let step = skip >> 5;
            skip += step;
            if at + step > limit {
                return None;
            }
            let back = self.swap(at);
            if self.word(back) == self.word(at) {
                return Some((at, back));
            }
            at += step;
        }
    }

    /// How many bytes are the same.
    fn matching(&self, at: usize, back: usize) -> usize {
        self.input[at..].iter().zip(&self.input[back..]).take_while(|(here, there)| here == there).count()
    }
}

fn put_literals(out: &mut Vec<u8>, literals: &[u8]) {
    let length = literals.len() - 1;
    match length {
        ..60 => out.push(low_byte(length << 2)),
        60..256 => out.extend([60 << 2, low_byte(length)]),
        _ => out.extend([61 << 2, low_byte(length), low_byte(length >> 8)]),
    }
    out.extend(literals);
}

fn put_copy(out: &mut Vec<u8>, distance: usize, mut length: usize) {
    // What is left has at least the length of a match.
    while length >= 68 {
        put_piece(out, distance, 64);
        length -= 64;
    }
    if length > 64 {
        put_piece(out, distance, 60);
        length -= 60;
    }
    put_piece(out, distance, length);
}

fn put_piece(out: &mut Vec<u8>, distance: usize, length: usize) {
    if length < SHORT && distance < NEAR {
        out.extend([low_byte(1 | (length - 4) << 2 | distance >> 8 << 5), low_byte(distance)]);
    } else {
        out.extend([low_byte(2 | (length - 1) << 2), low_byte(distance), low_byte(distance >> 8)]);
    }
}

fn low_byte(of: usize) -> u8 {
    of.to_le_bytes()[0]
}
