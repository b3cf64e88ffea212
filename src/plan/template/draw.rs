//! Random choices that depend on the seed, the message, the part of it and the place in the template alone.

use uuid::Builder;

/// Which message, and which part of it, a random choice is for.
#[derive(Clone, Copy, Debug)]
pub(in crate::plan) struct Draw {
    /// The scenario's seed.
    pub(in crate::plan) seed: u64,
    /// The number of the message.
    pub(in crate::plan) message: u32,
    /// The part of the message: key, value, a header.
    pub(in crate::plan) part: u32,
}

/// How many bytes a uuid has as a text.
pub(super) const UUID: usize = 36;

impl Draw {
    /// 64 bits for the choice of that number in the template.
    fn bits(self, choice: u32, word: u64) -> u64 {
        let mut state = mix(self.seed ^ 0x9e37_79b9_7f4a_7c15);
        state = mix(state ^ u64::from(self.message));
        state = mix(state ^ (u64::from(self.part) << 32 | u64::from(choice)));
        mix(state.wrapping_add(word))
    }

    /// A random (version 4) uuid.
    pub(super) fn uuid(self, choice: u32) -> [u8; UUID] {
        let bits = u128::from(self.bits(choice, 1)) << 64 | u128::from(self.bits(choice, 2));
        let mut text = [0; UUID];
        Builder::from_random_bytes(bits.to_be_bytes()).into_uuid().hyphenated().encode_lower(&mut text);
        text
    }

    /// A whole number from `low` to `high`, both included; `low` must not be above `high`.
    pub(super) fn between(self, choice: u32, low: i64, high: i64) -> i64 {
        let span = i128::from(high) - i128::from(low) + 1;
        let scaled = (u128::from(self.bits(choice, 1)) * span.unsigned_abs()) >> 64;
        let drawn = i128::from(low) + i128::try_from(scaled).unwrap_or_default();
        i64::try_from(drawn).unwrap_or(high)
    }
}

/// The finalizer of splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
fn mix(mut state: u64) -> u64 {
    state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}
