//! A text as what stands for itself and what stands for a value of the matrix.

use std::ops::Range;

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// It stands for itself.
    Text(&'a str),
    /// `${name}`: the value of that name stands there. With its place in the text.
    Value(&'a str, Range<usize>),
    /// A `${` without an end, at that place.
    Open(Range<usize>),
}

/// What begins a value.
const BEGIN: &str = "${";

/// The parts of a text, in their order. `$${` stands for the characters `${`.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut from, mut at) = (0, 0);
    while let Some(found) = text.get(at..).and_then(|rest| rest.find(BEGIN)).map(|found| at + found) {
        if text[from..found].ends_with('$') {
            // The first dollar says that the second one stands for itself.
            pieces.push(Piece::Text(&text[from..found - 1]));
            (from, at) = (found, found + BEGIN.len());
            continue;
        }
        pieces.push(Piece::Text(&text[from..found]));
        let inside = found + BEGIN.len();
        let Some(length) = text[inside..].find('}') else {
            pieces.push(Piece::Open(found..inside));
            (from, at) = (text.len(), text.len());
            continue;
        };
        at = inside + length + 1;
        from = at;
        pieces.push(Piece::Value(&text[inside..inside + length], found..at));
    }
    pieces.push(Piece::Text(&text[from..]));
    pieces.retain(|piece| *piece != Piece::Text(""));
    pieces
}

/// Whether a text is anything but itself.
pub(super) fn is_filled(text: &str) -> bool {
    text.contains(BEGIN)
}

#[cfg(test)]
mod tests {
    use super::Piece::{Open, Text, Value};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_in_braces_behind_a_dollar_is_a_value() {
        assert_eq!(pieces(""), []);
        assert_eq!(pieces("a $b {c} $"), [Text("a $b {c} $")]);
        assert_eq!(pieces("${a}"), [Value("a", 0..4)]);
        assert_eq!(pieces("x${a}${b}我"), [Text("x"), Value("a", 1..5), Value("b", 5..9), Text("我")]);
        assert_eq!(pieces("x${a"), [Text("x"), Open(1..3)]);
        assert_eq!(pieces("${}"), [Value("", 0..3)]);
    }

    #[test]
    fn two_dollars_are_one() {
        assert_eq!(pieces("$${a}"), [Text("${a}")]);
        assert_eq!(pieces("x$${a}${b}"), [Text("x"), Text("${a}"), Value("b", 6..10)]);
        assert_eq!(pieces("$$${a}"), [Text("$"), Text("${a}")]);
        assert_eq!(pieces("$${$${"), [Text("${"), Text("${")]);
        assert_eq!(pieces("${a}$${"), [Value("a", 0..4), Text("${")]);
    }

    proptest! {
        #[test]
        fn any_text_has_pieces(text in "[$ {}a我]{0,30}") {
            let length: usize = pieces(&text).iter().map(|piece| match piece {
                Text(text) => text.len(),
                Value(_, place) | Open(place) => place.len(),
            }).sum();
            prop_assert!(length <= text.len());
            prop_assert_eq!(is_filled(&text), text.contains("${"));
        }
    }
}
