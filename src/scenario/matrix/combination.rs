//! One value for each name of a matrix.

use std::fmt;

use crate::diagnostic::Diagnostic;

use super::pieces::{Piece, is_filled, pieces};

/// One value for each name of a matrix, in the order of the file; of a scenario without a matrix the one that is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Combination(Vec<(String, String)>);

impl Combination {
    /// Of names and their values.
    pub fn new(values: Vec<(String, String)>) -> Self {
        Self(values)
    }

    /// Whether it is that of a scenario without a matrix.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The value at a place in the order of the file.
    pub(super) fn at(&self, place: usize) -> Option<(&str, &str)> {
        self.0.get(place).map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether it changes a text of the file.
    pub fn changes(&self, text: &str) -> bool {
        !self.is_empty() && is_filled(text)
    }

    /// A text of the file with the values in it.
    pub fn fill(&self, text: &str) -> String {
        if self.is_empty() {
            return text.to_owned();
        }
        let part = |piece: &Piece<'_>| match piece {
            Piece::Text(text) => (*text).to_owned(),
            Piece::Value(name, place) => self.get(name).unwrap_or(&text[place.clone()]).to_owned(),
            Piece::Open(place) => text[place.clone()].to_owned(),
        };
        pieces(text).iter().map(part).collect()
    }

    /// What is said of it alone among several, with its name.
    #[must_use]
    pub fn names(&self, said: Diagnostic) -> Diagnostic {
        if self.is_empty() { said } else { with(said, &self.to_string()) }
    }
}

/// What is said, and of which combinations.
pub(super) fn with(said: Diagnostic, combinations: &str) -> Diagnostic {
    Diagnostic { message: format!("{} (with {combinations})", said.message), ..said }
}

/// As a heading: `error: A, idempotence: true`. Two different ones have different texts.
impl fmt::Display for Combination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (name, value)) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{name}: {}", shown(value))?;
        }
        Ok(())
    }
}

/// A value as it is, where everything of it can be seen and it cannot be read as more than one, or in quotes.
pub(super) fn shown(value: &str) -> String {
    let seen = |c: char| c.is_alphanumeric() || matches!(c, ' '..='~') && !matches!(c, '"' | '\\' | ',');
    if !value.is_empty() && value.trim() == value && value.chars().all(seen) {
        return value.to_owned();
    }
    let mut quoted = String::from("\"");
    for c in value.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            ' '..='~' => quoted.push(c),
            _ if c.is_alphanumeric() => quoted.push(c),
            _ => quoted.extend(c.escape_unicode()),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn combination(values: &[(&str, &str)]) -> Combination {
        Combination::new(values.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect())
    }

    #[test]
    fn it_reads_as_a_heading() {
        let all = combination(&[("error", "CORRUPT_MESSAGE"), ("key", "{{ i }}"), ("n", "1 s")]);
        assert_eq!(all.to_string(), "error: CORRUPT_MESSAGE, key: {{ i }}, n: 1 s");
        let odd = combination(&[("a", ""), ("b", " x"), ("c", "1, b: 2"), ("d", "\"\n\u{202e}我")]);
        assert_eq!(odd.to_string(), r#"a: "", b: " x", c: "1, b: 2", d: "\"\u{a}\u{202e}我""#);
    }

    #[test]
    fn it_fills_a_text() {
        let all = combination(&[("error", "A"), ("n", "7")]);
        assert_eq!(all.fill("fail ${error} ${n}${n} $${n} ${no} ${"), "fail A 77 ${n} ${no} ${");
        assert_eq!(Combination::default().fill("$${n}"), "$${n}", "without a matrix nothing has a meaning");
    }

    proptest! {
        #[test]
        fn different_ones_have_different_texts(a in "[a:, \"\\\\\n]{0,8}", b in "[a:, \"\\\\\n]{0,8}", c in "[a:, \"\\\\\n]{0,8}", d in "[a:, \"\\\\\n]{0,8}") {
            let (one, other) = (combination(&[("a", &a), ("b", &b)]), combination(&[("a", &c), ("b", &d)]));
            prop_assert_eq!(one == other, one.to_string() == other.to_string());
            prop_assert_eq!(one.to_string().lines().count(), 1);
        }
    }
}
