//! Text for terminals: colours where they are wanted, and nothing in it that a terminal would obey.

use std::borrow::Cow;
use std::fmt::Display;
use std::time::Duration;

use anstyle::{AnsiColor, Effects};

use crate::diagnostic;
use crate::judge::Counts;

/// Adds colours, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paint {
    /// How mistakes are rendered, and everything else with them.
    pub style: diagnostic::Style,
}

impl Paint {
    /// Without colours.
    pub const PLAIN: Self = Self { style: diagnostic::Style::Plain };
    /// With the sixteen colours that every terminal has.
    pub const COLOUR: Self = Self { style: diagnostic::Style::Colour };

    pub(super) fn good(self, text: impl Display) -> String {
        self.with(AnsiColor::Green.on_default(), text)
    }

    pub(super) fn bad(self, text: impl Display) -> String {
        self.with(AnsiColor::Red.on_default(), text)
    }

    pub(super) fn open(self, text: impl Display) -> String {
        self.with(AnsiColor::Yellow.on_default(), text)
    }

    pub(super) fn faint(self, text: impl Display) -> String {
        self.with(anstyle::Style::new() | Effects::DIMMED, text)
    }

    pub(super) fn strong(self, text: impl Display) -> String {
        self.with(anstyle::Style::new() | Effects::BOLD, text)
    }

    /// The word that a complaint about the command as a whole begins with.
    pub fn error(self) -> String {
        self.bad("error:")
    }

    fn with(self, style: anstyle::Style, text: impl Display) -> String {
        match self.style {
            diagnostic::Style::Plain => text.to_string(),
            diagnostic::Style::Colour => format!("{style}{text}{style:#}"),
        }
    }
}

/// A text without characters that a terminal obeys, that hide or reorder others, or that XML cannot hold; each is
/// replaced by a picture of it. Line breaks and tabs count too: the text is one line.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(|c| picture(c) != c) {
        return Cow::Borrowed(text);
    }
    text.chars().map(picture).collect::<String>().into()
}

fn picture(c: char) -> char {
    match c {
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        '\u{80}'..='\u{9f}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}'
        | '\u{feff}'
        | '\u{fffe}'
        | '\u{ffff}' => '\u{fffd}',
        c => c,
    }
}

/// A word as a shell takes it.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+=:,@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) && !word.starts_with('-') {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// A duration as people say it, in at most eight characters below a day.
pub(super) fn duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000..100_000 => format!("{:.2} s", duration.as_secs_f64()),
        _ => format!("{} s", duration.as_secs()),
    }
}

/// How many messages met which fate; what never happened is left out.
pub(super) fn counts(counts: &Counts) -> String {
    let all = [
        (counts.sent, "sent"),
        (counts.ok, "ok"),
        (counts.failed, "failed"),
        (counts.unknown, "unknown"),
        (counts.cut_off, "cut off"),
        (counts.timeouts, "timed out"),
        (counts.foreign, "foreign"),
    ];
    let some = all.iter().enumerate().filter(|(at, (count, _))| *at < 2 || *count > 0);
    let parts: Vec<_> = some.map(|(_, (count, word))| format!("{count} {word}")).collect();
    parts.join(", ")
}

/// `1 scenario`, `2 scenarios`.
pub(super) fn number(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_gets_through() {
        assert_eq!(printable("我是你爹 é"), "我是你爹 é");
        assert_eq!(printable("\u{1b}[31mred\u{7}\r\n\t\u{9b}0m\u{7f}"), "␛[31mred␇␍␊␉\u{fffd}0m␡");
        assert_eq!(printable("a\u{202e}b\u{feff}"), "a\u{fffd}b\u{fffd}");
    }

    #[test]
    fn a_word_survives_the_shell() {
        assert_eq!(quoted("seed/sync"), "seed/sync");
        assert_eq!(quoted("it's one"), r"'it'\''s one'");
        assert_eq!(quoted("-x"), "'-x'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn durations_are_short() {
        let shown = |millis| duration(Duration::from_millis(millis));
        assert_eq!([shown(0), shown(21), shown(1_240), shown(123_456)], ["0 ms", "21 ms", "1.24 s", "123 s"]);
    }
}
