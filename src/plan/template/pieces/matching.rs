//! Texts matched against pieces: whether a text is that of a message, and of which.

use crate::plan::template::draw::{Draw, UUID};

use super::{DIGITS, Digits, Piece, Pieces};

impl Pieces {
    /// Whether a text is exactly that of a message.
    pub(in crate::plan) fn matches(&self, draw: Draw, text: &[u8]) -> bool {
        let mut rest = text;
        self.iter().all(|piece| match piece {
            Piece::Text { bytes, times } => (0..*times).all(|_| strip(&mut rest, bytes)),
            Piece::Number { width } => {
                let digits = Digits::of(draw.message);
                let zeros = width.saturating_sub(digits.as_bytes().len());
                (0..zeros).all(|_| strip(&mut rest, b"0")) && strip(&mut rest, digits.as_bytes())
            }
            Piece::Uuid { choice } => strip(&mut rest, &draw.uuid(*choice)),
            Piece::Random { choice, low, high } => {
                strip(&mut rest, draw.between(*choice, *low, *high).to_string().as_bytes())
            }
        }) && rest.is_empty()
    }
}

fn strip(text: &mut &[u8], prefix: &[u8]) -> bool {
    match text.strip_prefix(prefix) {
        Some(rest) => {
            *text = rest;
            true
        }
        None => false,
    }
}

/// Finds the number of the message in a text, where its place follows from the length of the text.
#[derive(Clone, Debug)]
pub(in crate::plan) struct Locator {
    /// So many bytes stand before the first number.
    before: usize,
    /// The least digits of the first number.
    width: usize,
    /// The length of the whole text for a number of so many digits, never falling.
    lengths: [usize; DIGITS + 1],
}

impl Locator {
    /// For pieces all of whose lengths follow from the digits of the number; none where there is no number or a
    /// random one. Two messages of such pieces never have the same text: where the whole texts are equally long, so
    /// are all numbers in them, and the first stands at the same place.
    pub(in crate::plan) fn of(pieces: &Pieces) -> Option<Self> {
        let mut first = None;
        let mut lengths = [0; DIGITS + 1];
        for piece in pieces.iter() {
            if let Piece::Number { width } = piece {
                first = first.or(Some((lengths[1], *width)));
            }
            for (digits, length) in lengths.iter_mut().enumerate() {
                *length += match piece {
                    Piece::Text { bytes, times } => bytes.len() * times,
                    Piece::Number { width } => (*width).max(digits),
                    Piece::Uuid { .. } => UUID,
                    Piece::Random { .. } => return None,
                };
            }
        }
        first.map(|(before, width)| Self { before, width, lengths })
    }

    /// The only message whose text it can be, if it is one's at all.
    pub(in crate::plan) fn locate(&self, text: &[u8]) -> Option<u32> {
        // A number of no more digits than the width always takes as much room, whatever their count: one look at it.
        let padded = (self.width > 1).then(|| self.number_at(text, self.width)).flatten();
        let padded =
            padded.filter(|(_, digits)| *digits <= self.width && self.lengths[*digits] == text.len());
        let longer = || {
            let mut lengths =
                (self.width.max(1)..=DIGITS).filter(|digits| self.lengths[*digits] == text.len());
            lengths.find_map(|digits| self.number_at(text, digits).filter(|(_, found)| *found == digits))
        };
        padded.or_else(longer).map(|(number, _)| number)
    }

    /// The number that stands where the first one begins and is so many bytes long, and how many digits it has without
    /// leading zeros.
    fn number_at(&self, text: &[u8], length: usize) -> Option<(u32, usize)> {
        let number = text.get(self.before..self.before + length)?;
        let zeros = number.iter().take_while(|byte| **byte == b'0').count();
        let number = number[zeros..].iter().try_fold(0_u32, |number, byte| {
            let digit = byte.is_ascii_digit().then(|| u32::from(byte - b'0'))?;
            number.checked_mul(10)?.checked_add(digit)
        })?;
        Some((number, Digits::of(number).as_bytes().len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::template::Template;
    use proptest::prelude::*;

    fn draw(message: u32) -> Draw {
        Draw { seed: 5, message, part: 1 }
    }

    /// Templates of literals, numbers, padded numbers and uuids, in any order.
    fn templates() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            "[0-9a]{0,3}",
            Just("{{ i }}".to_owned()),
            (0..9_usize).prop_map(|width| format!("{{{{ pad(i, {width}) }}}}")),
            Just("{{ uuid() }}".to_owned()),
            Just("{{ n }}".to_owned()),
            Just("{{ repeat('12', 3) }}".to_owned()),
        ];
        prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn a_text_is_located_as_its_own_message_and_matches_no_other(
            template in templates(), a in 0..200_000_u32, b in 0..200_000_u32
        ) {
            let template = Template::compile(&template, 200_000).unwrap();
            let pieces = template.pieces().unwrap();
            let mut text = Vec::new();
            template.render(draw(a), &mut text).unwrap();
            prop_assert!(pieces.matches(draw(a), &text));
            let Some(locator) = Locator::of(pieces) else { return Ok(()) };
            prop_assert_eq!(locator.locate(&text), Some(a));
            prop_assert_eq!(pieces.matches(draw(b), &text), a == b);
        }

        #[test]
        fn pieces_make_what_minijinja_makes(template in templates(), message in any::<u32>(), low in -5..5_i64) {
            let template = format!("{template}{{{{ random({low}, 9) }}}}");
            let pieces = Template::compile(&template, 77).unwrap();
            prop_assert!(pieces.pieces().is_some());
            let jinja = Template::compile(&format!("{template}{{% if true %}}{{% endif %}}"), 77).unwrap();
            prop_assert!(jinja.pieces().is_none());
            let (mut a, mut b) = (Vec::new(), Vec::new());
            pieces.render(draw(message), &mut a).unwrap();
            jinja.render(draw(message), &mut b).unwrap();
            prop_assert_eq!(a, b);
        }

        #[test]
        fn no_bytes_make_a_locator_panic(template in templates(), bytes in any::<Vec<u8>>()) {
            let template = Template::compile(&template, 7).unwrap();
            let pieces = template.pieces().unwrap();
            if let Some(number) = Locator::of(pieces).and_then(|locator| locator.locate(&bytes)) {
                pieces.matches(draw(number), &bytes);
            }
        }
    }
}
