//! Variable-length integers, zigzag-encoded: `ByteUtils.readVarint` and `readVarlong` of Apache Kafka. Bits beyond
//! the width of the type are dropped, as there; a number that does not end within its width is refused.

/// Takes a signed 32-bit number off the front; none if it does not end within five bytes or the input is too short.
pub(super) fn take_i32(input: &mut &[u8]) -> Option<i32> {
    let mut raw = 0_u32;
    for at in 0..5 {
        let byte = *input.get(at)?;
        raw |= u32::from(byte & 0x7f) << (7 * at);
        if byte < 0x80 {
            *input = &input[at + 1..];
            return Some((raw >> 1).cast_signed() ^ -(raw & 1).cast_signed());
        }
    }
    None
}

/// Takes a signed 64-bit number off the front; none if it does not end within ten bytes or the input is too short.
pub(super) fn take_i64(input: &mut &[u8]) -> Option<i64> {
    let mut raw = 0_u64;
    for at in 0..10 {
        let byte = *input.get(at)?;
        raw |= u64::from(byte & 0x7f) << (7 * at);
        if byte < 0x80 {
            *input = &input[at + 1..];
            return Some((raw >> 1).cast_signed() ^ -(raw & 1).cast_signed());
        }
    }
    None
}

/// Appends a signed number; the 32-bit form is the same for every number that fits.
pub(super) fn put(out: &mut Vec<u8>, value: i64) {
    let mut raw = ((value << 1) ^ (value >> 63)).cast_unsigned();
    loop {
        let [low, ..] = raw.to_le_bytes();
        raw >>= 7;
        if raw == 0 && low < 0x80 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_have_the_bytes_that_kafka_gives_them() {
        for (value, bytes) in [
            (0, &[0][..]),
            (-1, &[1]),
            (1, &[2]),
            (63, &[0x7e]),
            (-64, &[0x7f]),
            (64, &[0x80, 1]),
            (i32::MAX, &[0xfe, 0xff, 0xff, 0xff, 0x0f]),
            (i32::MIN, &[0xff, 0xff, 0xff, 0xff, 0x0f]),
        ] {
            let mut out = Vec::new();
            put(&mut out, i64::from(value));
            assert_eq!(out, bytes);
            assert_eq!(take_i32(&mut &out[..]), Some(value));
            assert_eq!(take_i64(&mut &out[..]), Some(i64::from(value)));
        }
    }

    #[test]
    fn what_does_not_end_is_refused() {
        assert_eq!(take_i32(&mut &[0x80; 5][..]), None);
        assert_eq!(take_i32(&mut &[0x80; 4][..]), None);
        assert_eq!(take_i64(&mut &[0x80; 10][..]), None);
        assert_eq!(take_i32(&mut &[][..]), None);
    }

    #[test]
    fn bits_beyond_the_width_are_dropped() {
        assert_eq!(take_i32(&mut &[0xfe, 0xff, 0xff, 0xff, 0x7f][..]), Some(i32::MAX));
    }

    proptest! {
        #[test]
        fn numbers_come_back_and_leave_the_rest(value: i64, behind: u8) {
            let mut out = Vec::new();
            put(&mut out, value);
            out.push(behind);
            let mut input = &out[..];
            prop_assert_eq!(take_i64(&mut input), Some(value));
            prop_assert_eq!(input, &[behind]);
        }
    }
}
