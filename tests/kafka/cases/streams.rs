//! Compressed records as no client writes them: frames with odd headers, damaged streams, records that only a stream
//! can hold.

use twox_hash::XxHash32;

use super::Theme;
use crate::session::Session;
use crate::wire::compression::{NAMES, compress};
use crate::wire::{batch, record};

/// Topics that keep what comes, and that write it anew in two ways.
const TARGETS: [(&str, &str); 3] = [("~t", "producer"), ("~u", "lz4"), ("~v", "uncompressed")];

fn topics(k: &mut Session<'_>) {
    for (topic, codec) in TARGETS {
        k.topic(topic, &[("compression.type", codec)]);
    }
}

fn logs(k: &mut Session<'_>) {
    for (topic, _) in TARGETS {
        k.log_of(topic, &[0]);
    }
}

pub(super) fn add(theme: &mut Theme) {
    theme.case("a header without a name", |k| {
        topics(k);
        for codec in 0..5 {
            for (topic, _) in TARGETS {
                let nameless = || record("v").body(&[0, 0, 0, 2, b'k', 2, b'v', 2, 1, 2, b'x']);
                k.one(9, 1, topic, batch([nameless()]).codec(codec));
                k.one(9, 1, topic, batch([record("a"), nameless()]).codec(codec));
                let negative = record("v").body(&[0, 0, 0, 2, b'k', 2, b'v', 2, 3, 2, b'x']);
                k.one(9, 1, topic, batch([negative]).codec(codec));
            }
        }
        logs(k);
    });
    theme.case("numbers that do not end", |k| {
        topics(k);
        for (what, plain) in [
            ("a length of 11 bytes", vec![0xFF; 11]),
            ("a length of 6 bytes", [&[0x92, 0x80, 0x80, 0x80, 0x80, 0][..], &ONE[1..]].concat()),
            ("a length of 5 bytes", [&[0x8E, 0x80, 0x80, 0x80, 0][..], &ONE[1..]].concat()),
        ] {
            for codec in 0..5 {
                for (topic, _) in TARGETS {
                    let packed = compress(codec, &plain);
                    k.one(9, 1, topic, batch([record("v")]).codec(codec).payload(what, packed));
                }
            }
        }
        logs(k);
    });
    theme.case("frames of lz4", frames_of_lz4);
    theme.case("a stream that breaks off far behind a bad record", broken_behind_a_bad_record);
    theme.case("blocks of lz4", |k| {
        topics(k);
        let usual = || batch([record("vvvvvvvvvvvvvvvvvvvvvvvv")]).codec(3);
        let plain = usual().plain();
        let head = &plain[..8];
        for (what, block) in [
            ("usual", [&[0x88][..], head, &[1, 0], &[0xC0], &plain[20..]].concat()),
            ("a match at no distance", [&[0x88][..], head, &[0, 0], &[0xC0], &plain[20..]].concat()),
            (
                "a match that begins before the block",
                [&[0x88][..], head, &[9, 0], &[0xC0], &plain[20..]].concat(),
            ),
            (
                "a match too near to the end",
                [&[0xF7, 2][..], &plain[..17], &[1, 0], &[0x40], &plain[28..]].concat(),
            ),
            ("nothing behind a match", [&[0x88][..], head, &[1, 0]].concat()),
            ("a length that does not end", vec![0xF0, 0xFF, 0xFF]),
        ] {
            let blocks = vec![(u32::try_from(block.len()).expect("a small block"), block)];
            let payload = Frame { blocks, ..Frame::of(&plain) }.bytes();
            for (topic, _) in TARGETS {
                k.one(9, 1, topic, usual().payload(what, payload.clone()));
            }
        }
        logs(k);
    });
    theme.case("a file of gzip with one byte changed", |k| {
        topics(k);
        let records =
            || batch([record(&"again and ".repeat(9)), record("once more, again and again")]).codec(1);
        let whole = compress(1, &records().plain());
        for at in (10..whole.len()).step_by(3) {
            for byte in [0x00, 0x7F, 0xFF] {
                let mut payload = whole.clone();
                payload[at] = byte;
                k.one(9, 1, "~t", records().payload(&format!("byte {at} is {byte:02x}"), payload.clone()));
                k.one(9, 1, "~u", records().payload(&format!("byte {at} is {byte:02x}"), payload));
            }
        }
        k.log_of("~t", &[0]);
        k.log_of("~u", &[0]);
    });
    for codec in 2..5_i16 {
        let name = NAMES[codec as usize];
        theme.case(format!("a stream of {name} with one byte changed"), move |k| {
            k.topic("~t", &[]);
            let records =
                || batch([record(&"again and ".repeat(9)), record("once more, again")]).codec(codec);
            let whole = compress(codec, &records().plain());
            for at in (0..whole.len()).step_by(2) {
                for byte in [0x01, 0x80, 0xFF] {
                    let mut payload = whole.clone();
                    payload[at] = byte;
                    k.one(9, 1, "~t", records().payload(&format!("byte {at} is {byte:02x}"), payload));
                }
            }
        });
    }
}

/// Two streams behind each other as one of two blocks, or of two members or frames.
fn joined(codec: i16, plain: &[u8]) -> Vec<u8> {
    let (first, second) = plain.split_at(plain.len() / 2);
    let second = compress(codec, second);
    let header = if codec == 2 { 16 } else { 0 };
    if codec == 3 {
        return compress(codec, plain);
    }
    [&compress(codec, first)[..], &second[header..]].concat()
}

fn broken_behind_a_bad_record(k: &mut Session<'_>) {
    topics(k);
    for codec in 1..5 {
        for size in [100, 9_000] {
            // Text that does not shrink too much.
            let words = (0..size / 4).map(|i| format!("{:04x}", (i * 40_503 + 7) % 65_521));
            let text = words.collect::<Vec<_>>().concat();
            let negative = record("v").body(&[0, 0, 0, 2, b'k', 2, b'v', 1]);
            let records = || {
                let rest = std::iter::repeat_with(|| record(&text)).take(9);
                batch([negative.clone()].into_iter().chain(rest)).codec(codec)
            };
            let whole = joined(codec, &records().plain());
            for missing in [1, 9, whole.len() / 3, whole.len() * 2 / 3] {
                let name = format!("without the last {missing} of {}", whole.len());
                let payload = whole[..whole.len() - missing].to_vec();
                for (topic, _) in TARGETS {
                    k.one(9, 1, topic, records().payload(&name, payload.clone()));
                }
            }
        }
    }
}

/// A record with its length in front.
const ONE: [u8; 8] = [14, 0, 0, 0, 2, b'k', 2, b'v'];

/// Parts of a frame, each as it is usually.
struct Frame {
    flags: u8,
    size: u8,
    content: Vec<u8>,
    blocks: Vec<(u32, Vec<u8>)>,
    end: Vec<u8>,
}

const UNCOMPRESSED: u32 = 1 << 31;

impl Frame {
    fn of(plain: &[u8]) -> Self {
        let block = lz4_flex::block::compress(plain);
        let length = u32::try_from(block.len()).expect("a small block");
        Self { flags: 0x60, size: 0x40, content: vec![], blocks: vec![(length, block)], end: vec![0; 4] }
    }

    fn checksums(&self) -> bool {
        self.flags & 0x10 != 0
    }

    fn bytes(&self) -> Vec<u8> {
        let described = [&[self.flags, self.size][..], &self.content].concat();
        let hash = XxHash32::oneshot(0, &described).to_le_bytes()[1];
        let mut bytes = [&[0x04, 0x22, 0x4D, 0x18][..], &described, &[hash]].concat();
        for (length, block) in &self.blocks {
            bytes.extend(length.to_le_bytes());
            bytes.extend(block);
            if self.checksums() {
                bytes.extend(XxHash32::oneshot(0, block).to_le_bytes());
            }
        }
        bytes.extend(&self.end);
        bytes
    }
}

fn frames_of_lz4(k: &mut Session<'_>) {
    topics(k);
    let records = || batch([record("a"), record("b")]).codec(3);
    let plain = records().plain();
    let usual = || Frame::of(&plain);
    let size = plain.len() as u64;
    let sum = XxHash32::oneshot(0, &plain).to_le_bytes();
    let plainly = |bytes: &[u8]| (UNCOMPRESSED | bytes.len() as u32, bytes.to_vec());
    let (head, tail) = plain.split_at(5);
    let with_content =
        |size: u64| Frame { flags: 0x68, content: size.to_le_bytes().to_vec(), ..usual() }.bytes();
    let with_sum = |end: &[u8]| Frame { flags: 0x64, end: [&[0; 4], end].concat(), ..usual() }.bytes();
    let of = |blocks: Vec<(u32, Vec<u8>)>| Frame { blocks, ..usual() }.bytes();
    let with_flags = |flags: u8| Frame { flags, ..usual() }.bytes();
    let with_size = |size: u8| Frame { size, ..usual() }.bytes();
    let mut wrong_block = Frame { flags: 0x70, ..usual() }.bytes();
    let last = wrong_block.len() - 5;
    wrong_block[last] ^= 1;
    let mut wrong_header = usual().bytes();
    wrong_header[6] ^= 1;
    for (what, payload) in [
        ("usual", usual().bytes()),
        ("the size of the content", with_content(size)),
        ("a wrong size of the content", with_content(size + 1)),
        ("a huge size of the content", with_content(u64::MAX)),
        ("the checksum of the content", with_sum(&sum)),
        ("a wrong checksum of the content", with_sum(&[1, 2, 3, 4])),
        ("half a checksum of the content", with_sum(&sum[..2])),
        ("no checksum of the content", with_sum(&[])),
        ("checksums of the blocks", with_flags(0x70)),
        ("a wrong checksum of a block", wrong_block),
        ("a wrong checksum of the header", wrong_header),
        ("blocks that depend on each other", with_flags(0x40)),
        ("a dictionary", with_flags(0x61)),
        ("a reserved flag", with_flags(0x62)),
        ("version 0", with_flags(0x20)),
        ("version 2", with_flags(0xA0)),
        ("blocks of 256 KiB", with_size(0x50)),
        ("blocks of 4 MiB", with_size(0x70)),
        ("blocks of no size", with_size(0x30)),
        ("a reserved bit of the size", with_size(0xC0)),
        ("a low bit of the size", with_size(0x41)),
        ("not compressed", of(vec![plainly(&plain)])),
        ("in two blocks", of(vec![plainly(head), plainly(tail)])),
        ("nothing that is not compressed, then the rest", of(vec![plainly(&[]), plainly(&plain)])),
        ("the end in the middle", of(vec![plainly(head), (0, vec![]), plainly(tail)])),
        ("ended by nothing that is not compressed", Frame { end: vec![0, 0, 0, 0x80], ..usual() }.bytes()),
        ("a block above the size", of(vec![plainly(&vec![0; 65_537])])),
        ("a block that is longer than the frame", of(vec![(900, plain.clone())])),
        ("no end", Frame { end: vec![], ..usual() }.bytes()),
        ("half an end", Frame { end: vec![0, 0], ..usual() }.bytes()),
        ("bytes behind it", Frame { end: vec![0, 0, 0, 0, 7, 7], ..usual() }.bytes()),
        ("two frames", [usual().bytes(), usual().bytes()].concat()),
    ] {
        for (topic, _) in TARGETS {
            k.one(9, 1, topic, records().payload(what, payload.clone()));
        }
    }
    logs(k);
}
