//! The four codecs of a batch's records, in the framings that Kafka's clients use, read within a limit.

mod gzip;
mod lz4;
mod lz4_block;
mod snappy_block;
mod zstd;

use std::io::{self, Write};

use bytes::{Buf, Bytes};

/// How snappy-java (`SnappyOutputStream`), and with it the Java client, begins: then two version numbers, then blocks
/// of snappy with their length in front. librdkafka writes the same, or one bare block.
const XERIAL_MAGIC: [u8; 8] = [0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0];
const XERIAL_HEADER: usize = 16;
/// Uncompressed bytes in a block of our own (snappy-java's default).
const XERIAL_BLOCK: usize = 32 * 1024;
/// What Kafka's reader asks a stream for at once (`Compression.decompressionOutputSize`).
const CHUNK: usize = 16 * 1024;
/// No block of snappy grows by more: a copy of 64 bytes takes three.
const SNAPPY_RATIO: usize = 64 / 3 + 1;
/// The codec of a batch, by its bits in the attributes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Compression {
    /// Records stand as they are.
    #[default]
    None = 0,
    /// RFC 1952.
    Gzip = 1,
    /// Blocks in the framing of snappy-java, or one bare block.
    Snappy = 2,
    /// An LZ4 frame.
    Lz4 = 3,
    /// Zstandard; Produce from version 7.
    Zstd = 4,
}

/// A codec that does not exist: 5, 6 or 7. Apache Kafka answers `UNKNOWN_SERVER_ERROR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no codec has the number {0}")]
pub struct UnknownCodec(pub i16);

/// Why a payload cannot be decompressed.
#[derive(Debug, thiserror::Error)]
pub enum DecompressError {
    /// The attributes name no codec.
    #[error(transparent)]
    Codec(#[from] UnknownCodec),
    /// The bytes are not what the codec writes. Apache Kafka answers `UNKNOWN_SERVER_ERROR`.
    #[error("the {codec:?} payload cannot be decompressed")]
    Broken {
        /// The codec.
        codec: Compression,
        /// What came out before, as far as Kafka's reader hands it on.
        before: Bytes,
        /// What its decoder says.
        source: io::Error,
    },
    /// More would come out than the caller allows.
    #[error("more than {limit} bytes would come out")]
    OverLimit {
        /// What the caller allows, in bytes.
        limit: usize,
    },
}

impl TryFrom<i16> for Compression {
    type Error = UnknownCodec;

    fn try_from(codec: i16) -> Result<Self, UnknownCodec> {
        match codec {
            0 => Ok(Self::None),
            1 => Ok(Self::Gzip),
            2 => Ok(Self::Snappy),
            3 => Ok(Self::Lz4),
            4 => Ok(Self::Zstd),
            other => Err(UnknownCodec(other)),
        }
    }
}

/// Decompresses; without a codec the input is handed back whatever its length. At most `limit` bytes come out, and
/// not much more than what comes out is ever reserved, whatever the input claims.
pub fn decompress(codec: Compression, input: Bytes, limit: usize) -> Result<Bytes, DecompressError> {
    let mut out = Limited { bytes: Vec::new(), limit };
    let done = match codec {
        Compression::None => return Ok(input),
        Compression::Gzip => gzip::read(&input, &mut out),
        // As many blocks are read as fill a chunk before the chunk is handed on (`SnappyInputStream.rawRead`).
        Compression::Snappy => {
            unsnap(&input, &mut out).inspect_err(|_| out.bytes.truncate(out.bytes.len() / CHUNK * CHUNK))
        }
        Compression::Lz4 => lz4::read(&input, &mut out),
        Compression::Zstd => zstd::read(&input, &mut out),
    };
    match done {
        Ok(Fits::Yes) => Ok(out.bytes.into()),
        Ok(Fits::No) => Err(DecompressError::OverLimit { limit }),
        Err(source) => Err(DecompressError::Broken { codec, before: out.bytes.into(), source }),
    }
}

/// Compresses as the Java client does, at a level where the codec has one; LZ4 has none here but its default.
pub fn compress(codec: Compression, level: Option<i32>, input: &[u8]) -> io::Result<Vec<u8>> {
    match codec {
        Compression::None => Ok(input.to_vec()),
        Compression::Gzip => gzip::write(input, level),
        Compression::Snappy => Ok(snap(input)),
        Compression::Lz4 => Ok(lz4::write(input)),
        Compression::Zstd => {
            let mut encoder = ::zstd::Encoder::new(Vec::new(), level.unwrap_or_default())?;
            encoder.write_all(input)?;
            // Java flushes what it closes, so that the last block is an empty one (`FilterOutputStream.close`).
            encoder.flush()?;
            encoder.finish()
        }
    }
}

/// Did what came out stay within the limit?
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fits {
    Yes,
    No,
}

/// What came out so far.
struct Limited {
    bytes: Vec<u8>,
    limit: usize,
}

impl Limited {
    /// Adds bytes.
    fn add(&mut self, bytes: &[u8]) -> Fits {
        if bytes.len() > self.limit - self.bytes.len() {
            return Fits::No;
        }
        self.bytes.extend_from_slice(bytes);
        Fits::Yes
    }

    /// Adds one block of snappy, which says in front how much comes out.
    fn unsnap(&mut self, block: &[u8]) -> io::Result<Fits> {
        let filled = self.bytes.len();
        let room = snap::raw::decompress_len(block)?;
        if room / SNAPPY_RATIO > block.len() {
            return Err(broken("the block claims more than it can hold"));
        }
        if room > self.limit - filled {
            return Ok(Fits::No);
        }
        self.bytes.resize(filled + room, 0);
        let done = snap::raw::Decoder::new().decompress(block, &mut self.bytes[filled..]);
        done.inspect_err(|_| self.bytes.truncate(filled))?;
        Ok(Fits::Yes)
    }
}

fn broken(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Reads blocks in the framing of snappy-java, or one bare block where the framing is missing, as snappy-java does.
fn unsnap(input: &[u8], out: &mut Limited) -> io::Result<Fits> {
    if !input.starts_with(&XERIAL_MAGIC) {
        return out.unsnap(input);
    }
    let mut rest = input;
    while !rest.is_empty() {
        if rest.starts_with(&XERIAL_MAGIC) {
            rest = rest.get(XERIAL_HEADER..).ok_or_else(|| broken("the header of snappy-java is cut off"))?;
            continue;
        }
        // Fewer bytes than a length has are ignored (`SnappyInputStream.hasNextChunk`).
        let Ok(length) = rest.try_get_u32() else { return Ok(Fits::Yes) };
        let block = usize::try_from(length).ok().and_then(|length| rest.split_at_checked(length));
        let (block, behind) = block.ok_or_else(|| broken("a block is cut off"))?;
        if out.unsnap(block)? == Fits::No {
            return Ok(Fits::No);
        }
        rest = behind;
    }
    Ok(Fits::Yes)
}

fn snap(input: &[u8]) -> Vec<u8> {
    let mut out = XERIAL_MAGIC.to_vec();
    out.extend_from_slice(&[0, 0, 0, 1, 0, 0, 0, 1]);
    for block in input.chunks(XERIAL_BLOCK) {
        let block = snappy_block::compress(block);
        out.extend(u32::try_from(block.len()).unwrap_or(u32::MAX).to_be_bytes());
        out.extend(block);
    }
    out
}

#[cfg(test)]
mod tests {
    use lz4_flex::frame::{BlockMode, FrameEncoder, FrameInfo};
    use proptest::prelude::*;

    use super::*;

    const CODECS: [Compression; 4] =
        [Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];

    fn round(codec: Compression, input: &[u8], limit: usize) -> Result<Bytes, DecompressError> {
        decompress(codec, compress(codec, None, input).unwrap().into(), limit)
    }

    #[test]
    fn the_limit_is_inclusive_and_has_an_error_of_its_own() {
        for codec in CODECS {
            for size in [0, 1, 1000, 16_384, 16_385, 200_000] {
                let input = vec![7; size];
                assert_eq!(round(codec, &input, size).unwrap(), input, "{codec:?} {size}");
                let Some(below) = size.checked_sub(1) else { continue };
                let refused = round(codec, &input, below);
                assert!(
                    matches!(refused, Err(DecompressError::OverLimit { limit }) if limit == below),
                    "{codec:?} {size}"
                );
            }
        }
    }

    #[test]
    fn a_bomb_reserves_no_more_than_the_limit() {
        let bomb = vec![0; 2 << 20];
        for codec in CODECS {
            assert!(
                matches!(round(codec, &bomb, 1 << 16), Err(DecompressError::OverLimit { .. })),
                "{codec:?}"
            );
        }
    }

    #[test]
    fn without_a_codec_the_bytes_are_handed_back() {
        let input = Bytes::from_static(b"as they are");
        let out = decompress(Compression::None, input.clone(), 0).unwrap();
        assert_eq!(out.as_ptr(), input.as_ptr());
    }

    #[test]
    fn a_bare_block_of_snappy_is_read() {
        let bare = snap::raw::Encoder::new().compress_vec(b"bare bare bare bare").unwrap();
        assert_eq!(&decompress(Compression::Snappy, bare.into(), 100).unwrap()[..], b"bare bare bare bare");
    }

    #[test]
    fn joined_streams_of_snappy_java_are_read() {
        let joined = [snap(b"one "), snap(b"two")].concat();
        assert_eq!(&decompress(Compression::Snappy, joined.into(), 7).unwrap()[..], b"one two");
    }

    #[test]
    fn what_stands_behind_the_end_is_ignored_as_java_ignores_it() {
        for (codec, tail) in [
            (Compression::Gzip, &[1, 2, 3][..]),
            (Compression::Gzip, &[0; 40]),
            (Compression::Snappy, &[0, 0, 0]),
            (Compression::Lz4, &[9; 9]),
        ] {
            let long = [&compress(codec, None, b"value").unwrap()[..], tail].concat();
            assert_eq!(&decompress(codec, long.into(), 100).unwrap()[..], b"value", "{codec:?}");
        }
        let twice = compress(Compression::Gzip, None, b"value").unwrap().repeat(2);
        assert_eq!(&decompress(Compression::Gzip, twice.into(), 100).unwrap()[..], b"valuevalue");
        assert!(decompress(Compression::Zstd, Bytes::new(), 100).unwrap().is_empty());
    }

    #[test]
    fn a_frame_of_lz4_has_an_end() {
        let whole = compress(Compression::Lz4, None, &vec![7; 200_000]).unwrap();
        for cut in 1..=5 {
            let short = Bytes::copy_from_slice(&whole[..whole.len() - cut]);
            assert!(decompress(Compression::Lz4, short, usize::MAX).is_err(), "{cut}");
        }
    }

    #[test]
    fn a_block_of_snappy_that_claims_too_much_is_broken() {
        let claim = Bytes::from_static(&[0xff, 0xff, 0xff, 0xff, 0x0f, 0]);
        assert!(matches!(
            decompress(Compression::Snappy, claim, usize::MAX),
            Err(DecompressError::Broken { .. })
        ));
    }

    #[test]
    fn a_frame_of_lz4_whose_blocks_depend_on_each_other_is_broken() {
        let info = FrameInfo::new().block_mode(BlockMode::Linked);
        let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
        encoder.write_all(b"linked").unwrap();
        let linked = encoder.finish().unwrap();
        assert!(matches!(
            decompress(Compression::Lz4, linked.into(), 99),
            Err(DecompressError::Broken { .. })
        ));
    }

    #[test]
    fn a_block_of_lz4_is_that_of_the_c_library() {
        let plain = b"the quick brown fox, the quick brown fox and the lazy dog, the lazy dog".repeat(2);
        let known = b"\xff\x06the quick brown fox, \x15\0\0A and\x18\0\x82lazy dog&\0\x04\x0e\0\x0f2\0\0\x02!\0\x0b\\\0\x0fG\0\x07Py dog";
        assert_eq!(lz4_block::compress(&plain), known);
    }

    #[test]
    fn very_many_small_blocks_of_lz4_take_no_longer_than_their_bytes() {
        // Each could hold 4 MiB.
        let header = [0x04, 0x22, 0x4D, 0x18, 0x60, 0x70, 0x73];
        let blocks = [2, 0, 0, 0, 0x10, b'a'].repeat(100_000);
        let frame = [&header[..], &blocks, &[0; 4]].concat();
        assert_eq!(decompress(Compression::Lz4, frame.into(), 1 << 20).unwrap().len(), 100_000);
    }

    #[test]
    fn a_frame_of_lz4_may_lie_about_its_content() {
        let plain = [7; 100];
        let info = FrameInfo::new().content_checksum(true).content_size(Some(100));
        let mut encoder = FrameEncoder::with_frame_info(info.block_mode(BlockMode::Independent), Vec::new());
        encoder.write_all(&plain).unwrap();
        let mut frame = encoder.finish().unwrap();
        *frame.last_mut().unwrap() ^= 1;
        assert_eq!(decompress(Compression::Lz4, frame.clone().into(), 100).unwrap()[..], plain);
        frame.pop();
        assert!(decompress(Compression::Lz4, frame.into(), 100).is_err());
    }

    #[test]
    fn a_distance_that_reaches_before_the_start_is_broken() {
        // One block with fixed codes: a length of 3 at a distance of 1, of nothing.
        let file = [&[0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3][..], &[3, 2, 0, 0, 0, 0, 0, 3, 0, 0, 0]].concat();
        let read = decompress(Compression::Gzip, file.into(), 100);
        assert!(matches!(read, Err(DecompressError::Broken { before, .. }) if before.is_empty()));
    }

    #[test]
    fn what_is_cut_off_is_broken() {
        let input: Vec<u8> = (0..=255).cycle().take(5000).collect();
        for codec in CODECS {
            let whole = Bytes::from(compress(codec, None, &input).unwrap());
            let cut = decompress(codec, whole.slice(..whole.len() / 2), 1 << 20);
            assert!(matches!(cut, Err(DecompressError::Broken { .. })), "{codec:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_goes_in_comes_out(input in prop::collection::vec(any::<u8>(), 0..40_000), codec in 0..4_usize) {
            prop_assert_eq!(round(CODECS[codec], &input, input.len()).unwrap(), input);
        }

        #[test]
        fn what_repeats_comes_out_too(
            words in prop::collection::vec(prop::sample::select(vec!["a", "key-", "value-1", " 7 "]), 0..20_000),
            codec in 0..4_usize,
        ) {
            let input = words.concat().into_bytes();
            prop_assert_eq!(round(CODECS[codec], &input, input.len()).unwrap(), input);
        }

        #[test]
        fn any_bytes_are_read_within_the_limit(
            mut input in prop::collection::vec(any::<u8>(), 0..200), codec in 0..4_usize, framed: bool,
        ) {
            let codec = CODECS[codec];
            if framed {
                let mut start = compress(codec, None, &input[..input.len() / 2]).unwrap();
                start.append(&mut input);
                input = start;
            }
            if let Ok(out) = decompress(codec, input.into(), 50) {
                prop_assert!(codec == Compression::None || out.len() <= 50);
            }
        }
    }
}
