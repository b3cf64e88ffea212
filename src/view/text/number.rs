//! Numbers and ranges, as they are or rising with a variable.

use std::fmt::{self, Write as _};

/// Variables of cycles, in the order in which they are used. Eight lines have at most 24 numbers.
const NAMES: &[u8; 26] = b"ijklmnopqrstuvwxyzabcdefgh";

/// A number, or one that rises with a variable.
#[derive(Clone, Copy, Debug)]
pub(super) struct Number {
    variable: Option<char>,
    /// Wider than what it counts, so that no difference is too large.
    plus: i128,
}

/// The variables of a cycle: how much each rises, and where it begins.
#[derive(Debug, Default)]
pub(super) struct Variables(Vec<(i64, i64)>);

impl Number {
    pub(super) fn plain(number: i64) -> Self {
        Self { variable: None, plus: i128::from(number) }
    }

    /// Whether it is that number and no other.
    pub(super) fn is(self, number: i128) -> bool {
        self.variable.is_none() && self.plus == number
    }

    fn later(self, by: i128) -> Self {
        Self { plus: self.plus + by, ..self }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.variable, self.plus) {
            (None, plus) => plus.fmt(f),
            (Some(variable), 0) => variable.fmt(f),
            (Some(variable), plus) => write!(f, "{variable}{plus:+}"),
        }
    }
}

impl Variables {
    /// A number that is `first` at first and rises by so much: with the variable that does, a new one if need be.
    pub(super) fn rising(&mut self, first: i64, rise: i64) -> Number {
        if rise == 0 {
            return Number::plain(first);
        }
        let known = self.0.iter().position(|(known, _)| *known == rise);
        let at = known.unwrap_or_else(|| {
            self.0.push((rise, first));
            self.0.len() - 1
        });
        let begin = self.0.get(at).map_or(first, |(_, begin)| *begin);
        let name = NAMES.get(at).map_or('i', |name| char::from(*name));
        Number { variable: Some(name), plus: i128::from(first) - i128::from(begin) }
    }

    /// Appends the values that each variable takes, or how often the cycle repeats where it needs none.
    pub(super) fn write(&self, out: &mut String, times: u32) {
        if self.0.is_empty() {
            let _infallible = write!(out, " · {times} times");
            return;
        }
        out.push_str(" · for ");
        for (at, (rise, begin)) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            let name = NAMES.get(at).map_or('i', |name| char::from(*name));
            let _infallible = write!(out, "{comma}{name} in ");
            range(out, Number::plain(*begin), times, *rise, 0);
        }
    }
}

/// Appends `a`, `a..b` or `a..b step k`; with a prime for each time that a message was submitted before.
pub(super) fn range(out: &mut String, first: Number, count: u32, step: i64, again: u16) {
    number(out, first, again);
    let more = i128::from(count.saturating_sub(1)) * i128::from(step);
    if more > 0 {
        out.push_str("..");
        number(out, first.later(more), again);
    }
    if more > 0 && step > 1 {
        let _infallible = write!(out, " step {step}");
    }
}

fn number(out: &mut String, number: Number, again: u16) {
    match i64::try_from(number.plus) {
        Ok(plain) if number.variable.is_none() => out.push_str(itoa::Buffer::new().format(plain)),
        _ => drop(write!(out, "{number}")),
    }
    out.extend(std::iter::repeat_n('\'', usize::from(again)));
}
