//! How a record is recognised as one of the plan's messages: by its bytes where key or value hold the message's
//! number or a uuid and no other message of the topic can look the same; by a small header of the runner's own
//! otherwise. Which it is, is decided when the plan is made.

mod look;
mod recogniser;
mod table;
mod tag;

pub use recogniser::{Recogniser, Seen};
pub(super) use tag::tag;

/// A hash of a text, the same on every machine.
fn hash(text: &[u8]) -> u64 {
    // FNV-1a over words of eight bytes, mixed at the end: a table verifies what it finds.
    let words = text.chunks(8).map(|chunk| chunk.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)));
    let mixed = words.fold(text.len() as u64 ^ 0xcbf2_9ce4_8422_2325, |state: u64, word| {
        let state = (state ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        state ^ (state >> 29)
    });
    mixed ^ (mixed >> 32)
}
