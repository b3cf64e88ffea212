//! Random ways to compress records, most of them wrong.

use std::io::Write;

use flate2::{Compression, GzBuilder};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};

use crate::wire::compression::compress;

/// How records are compressed.
#[derive(Clone, Debug)]
pub(super) enum Packing {
    Right,
    /// By another codec than the one that is named.
    As(i16),
    /// So many bytes are missing at the end.
    Cut(usize),
    /// With bytes behind.
    Then(Vec<u8>),
    /// With one bit that is wrong.
    Flipped(usize),
    /// In two parts, each compressed by itself.
    Parted(usize),
    Nothing,
    /// As the codec allows it, though no client of Kafka does so.
    Rare(u8),
}

pub(super) fn packing() -> impl Strategy<Value = Packing> {
    prop_oneof![
        24 => Just(Packing::Right),
        1 => (0..5_i16).prop_map(Packing::As),
        1 => (1..30_usize).prop_map(Packing::Cut),
        1 => vec(any::<u8>(), 1..30).prop_map(Packing::Then),
        1 => (0..400_usize).prop_map(Packing::Flipped),
        1 => (0..40_usize).prop_map(Packing::Parted),
        1 => Just(Packing::Nothing),
        2 => any::<u8>().prop_map(Packing::Rare),
    ]
}

impl Packing {
    /// A name and the bytes; none if they are the right ones.
    pub(super) fn of(&self, codec: i16, plain: &[u8]) -> Option<(String, Vec<u8>)> {
        let right = || compress(codec, plain);
        let name = format!("{self:?}");
        let bytes = match self {
            Self::Right => return None,
            Self::As(other) => compress(*other, plain),
            Self::Cut(cut) => {
                let mut bytes = right();
                bytes.truncate(bytes.len().saturating_sub(*cut));
                bytes
            }
            Self::Then(behind) => [right(), behind.clone()].concat(),
            Self::Flipped(bit) => {
                let mut bytes = right();
                let size = bytes.len().max(1) * 8;
                if let Some(byte) = bytes.get_mut(bit % size / 8) {
                    *byte ^= 1 << (bit % 8);
                }
                bytes
            }
            Self::Parted(at) => {
                let (first, second) = plain.split_at((*at).min(plain.len()));
                [compress(codec, first), compress(codec, second)].concat()
            }
            Self::Nothing => vec![],
            Self::Rare(kind) => rare(codec, *kind, plain),
        };
        Some((name, bytes))
    }
}

fn rare(codec: i16, kind: u8, plain: &[u8]) -> Vec<u8> {
    match codec {
        1 => {
            let mut header = GzBuilder::new();
            if kind & 1 != 0 {
                header = header.filename("name");
            }
            if kind & 2 != 0 {
                header = header.comment("comment");
            }
            if kind & 4 != 0 {
                header = header.extra("extra");
            }
            let mut writer = header.write(vec![], Compression::new(u32::from(kind >> 4) % 10));
            writer.write_all(plain).expect("memory");
            let mut bytes = writer.finish().expect("memory");
            if kind & 8 != 0 {
                bytes[3] |= 0x20;
            }
            bytes
        }
        2 => snap::raw::Encoder::new().compress_vec(plain).expect("memory"),
        3 => lz4(kind, plain),
        4 => {
            let mut writer = zstd::Encoder::new(vec![], 1).expect("memory");
            writer.include_checksum(kind & 1 != 0).expect("memory");
            if kind & 2 != 0 {
                writer.set_pledged_src_size(Some(plain.len() as u64)).expect("memory");
            }
            writer.write_all(plain).expect("memory");
            writer.finish().expect("memory")
        }
        _ => plain.to_vec(),
    }
}

fn lz4(kind: u8, plain: &[u8]) -> Vec<u8> {
    use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
    let mode = if kind & 7 == 7 { BlockMode::Linked } else { BlockMode::Independent };
    let sizes = [BlockSize::Max64KB, BlockSize::Max256KB, BlockSize::Max1MB, BlockSize::Max4MB];
    let info = FrameInfo::new()
        .block_mode(mode)
        .block_size(sizes[usize::from(kind >> 6)])
        .block_checksums(kind & 8 != 0)
        .content_checksum(kind & 16 != 0)
        .content_size((kind & 32 != 0).then_some(plain.len() as u64));
    let mut writer = FrameEncoder::with_frame_info(info, vec![]);
    writer.write_all(plain).expect("memory");
    writer.finish().expect("memory")
}
