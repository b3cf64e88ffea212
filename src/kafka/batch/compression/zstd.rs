//! Reads zstd frames as the Java client's reader does (`ZstdInputStreamNoFinalizer` of zstd-jni).

use std::io::{self, ErrorKind, Read};

use ::zstd::stream::read::Decoder;

use super::{CHUNK, Fits, Limited};

/// The reader takes its input in pieces of this many bytes (`ZSTD_DStreamInSize`).
const PIECE: usize = 128 * 1024 + 3;

/// Reads all frames.
///
/// Only when it takes in another piece does that reader forget that a frame has ended. So one that breaks off at the end
/// of the input is no mistake where the frame before it ended in the same piece.
pub(super) fn read(input: &[u8], out: &mut Limited) -> io::Result<Fits> {
    let mut rest = input;
    while !rest.is_empty() {
        let ended = input.len() - rest.len();
        let mut frame = Decoder::with_buffer(rest)?.single_frame();
        match read_frame(&mut frame, out) {
            Ok(Fits::Yes) => rest = frame.finish(),
            Ok(Fits::No) => return Ok(Fits::No),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof && is_lenient(ended, input.len()) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(Fits::Yes)
}

/// Reads a frame, chunk by chunk: what comes out in the same chunk as an error is lost.
fn read_frame(frame: &mut impl Read, out: &mut Limited) -> io::Result<Fits> {
    let mut chunk = vec![0; CHUNK];
    loop {
        match frame.read(&mut chunk)? {
            0 => return Ok(Fits::Yes),
            read if out.add(&chunk[..read]) == Fits::No => return Ok(Fits::No),
            _ => {}
        }
    }
}

/// Whether a frame ended there, and what is left came with it.
fn is_lenient(ended: usize, all: usize) -> bool {
    !ended.is_multiple_of(PIECE) && ended / PIECE == (all - 1) / PIECE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(text: &[u8]) -> Vec<u8> {
        ::zstd::stream::encode_all(text, 3).unwrap()
    }

    fn read_all(input: &[u8]) -> (Vec<u8>, bool) {
        let mut out = Limited { bytes: Vec::new(), limit: 1 << 20 };
        let done = read(input, &mut out).is_ok();
        (out.bytes, done)
    }

    #[test]
    fn frames_stand_behind_each_other() {
        assert_eq!(read_all(&[packed(b"one"), packed(b"two")].concat()), (b"onetwo".to_vec(), true));
        assert_eq!(read_all(&packed(b"")), (Vec::new(), true));
    }

    #[test]
    fn a_frame_that_breaks_off_is_none_behind_another() {
        let (one, two) = (packed(b"one"), packed(b"two"));
        for length in 0..two.len() {
            let (bytes, done) = read_all(&[&one[..], &two[..length]].concat());
            assert!(done && bytes.starts_with(b"one"), "{length}");
        }
        for length in 1..one.len() {
            assert!(!read_all(&one[..length]).1, "{length}");
        }
    }

    #[test]
    fn what_is_no_frame_is_a_mistake_and_leaves_what_came_before() {
        assert_eq!(read_all(&[packed(b"one"), vec![0]].concat()), (b"one".to_vec(), false));
        assert_eq!(read_all(&[0]), (Vec::new(), false));
    }

    #[test]
    fn another_piece_makes_a_frame_that_breaks_off_a_mistake() {
        // Bytes that do not compress: the second frame ends in the next piece.
        let mut state = 1_u64;
        let mut noise = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        };
        let noise: Vec<u8> = (0..2 * PIECE).map(|_| noise()).collect();
        let (one, two) = (packed(b"one"), packed(&noise));
        assert!(two.len() > PIECE);
        assert!(!read_all(&[&one[..], &two[..two.len() - 1]].concat()).1);
    }
}
