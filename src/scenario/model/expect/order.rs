//! A partial order over what happens.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::Deserializer;

use crate::scenario::model::leaf::{Leaf, read_leaf};

use super::Range;

/// Events in their order, each before the next: `sent 9 < ok 0`, `timeout 0 < send 1 < late 0`. Of a message, with a
/// submission or a range of them: `send`, `sent` (the call has returned), `send_failed`, `ok`, `err`, `callback` (of
/// either kind), `timeout`, `late` (a callback after a time-out); `send_failed` and `err` may name the code behind it.
/// Of a client: `fatal`, or `fatal` and its code. Of a step its word, where the snapshot shows it, with its number from
/// 0 where there are several of that word: `flush`, `commit 1`, and with `ended` behind it the moment when it was over.
/// All that stands on the left happens, and comes before all on the right.
#[derive(Clone, Debug, JsonSchema, PartialEq, Eq)]
#[schemars(extend("pattern" = "<"))]
pub struct Precedence(#[schemars(with = "String")] pub Vec<Moment>);

/// One or several events of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Of messages.
    Message {
        /// What happens to them.
        event: MessageEvent,
        /// To which.
        range: Range,
        /// With which code; any where it is not said.
        code: Option<String>,
    },
    /// A client gives up for good, with that code, or any.
    Fatal(Option<String>),
    /// A step.
    Step {
        /// Its word.
        word: String,
        /// Which of that word, from 0.
        number: Option<u32>,
        /// When it was over, not when it began.
        ended: bool,
    },
}

/// What happens to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageEvent {
    /// The application calls `send`.
    Send,
    /// The call has returned, the client took the message.
    Sent,
    /// The call has returned, the client refused the message.
    SendFailed,
    /// It is acknowledged.
    Ok,
    /// It has failed.
    Err,
    /// A callback of either kind.
    Callback,
    /// The application stops waiting for it.
    Timeout,
    /// A callback after that.
    Late,
}

impl MessageEvent {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Send,
        Self::Sent,
        Self::SendFailed,
        Self::Ok,
        Self::Err,
        Self::Callback,
        Self::Timeout,
        Self::Late,
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Sent => "sent",
            Self::SendFailed => "send_failed",
            Self::Ok => "ok",
            Self::Err => "err",
            Self::Callback => "callback",
            Self::Timeout => "timeout",
            Self::Late => "late",
        }
    }

    fn has_code(self) -> bool {
        matches!(self, Self::SendFailed | Self::Err)
    }
}

impl Moment {
    fn parse(text: &str) -> Result<Self, String> {
        let words: Vec<_> = text.split_whitespace().collect();
        let wrong = || {
            let shown = if text.chars().count() > 40 { "this" } else { text.trim() };
            format!(
                "cannot be read at '{shown}'\nwrite it as in \"sent 9 < ok 0\" or \"ok 0..2 < flush ended\""
            )
        };
        let (word, rest) = words.split_first().ok_or_else(wrong)?;
        if let Some(event) = MessageEvent::ALL.into_iter().find(|event| event.word() == *word) {
            let (range, code) = match rest {
                [range] => (range, None),
                [range, code] if event.has_code() => (range, Some((*code).to_owned())),
                _ => return Err(wrong()),
            };
            return Ok(Self::Message { event, range: Range::parse(range)?, code });
        }
        match (*word, rest) {
            ("fatal", []) => Ok(Self::Fatal(None)),
            ("fatal", [code]) => Ok(Self::Fatal(Some((*code).to_owned()))),
            ("fatal", _) => Err(wrong()),
            (_, [number @ .., "ended"]) => Self::step(word, number, true).ok_or_else(wrong),
            (_, number) => Self::step(word, number, false).ok_or_else(wrong),
        }
    }

    fn step(word: &str, number: &[&str], ended: bool) -> Option<Self> {
        let number = match number {
            [] => None,
            [number] => Some(number.parse().ok()?),
            _ => return None,
        };
        Some(Self::Step { word: word.to_owned(), number, ended })
    }
}

/// As people write it.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = |f: &mut fmt::Formatter<'_>, code: &Option<String>| {
            code.as_ref().map_or(Ok(()), |code| write!(f, " {code}"))
        };
        match self {
            Self::Message { event, range, code: named } => {
                write!(f, "{} {range}", event.word())?;
                code(f, named)
            }
            Self::Fatal(named) => {
                f.write_str("fatal")?;
                code(f, named)
            }
            Self::Step { word, number, ended } => {
                f.write_str(word)?;
                number.map_or(Ok(()), |number| write!(f, " {number}"))?;
                f.write_str(if *ended { " ended" } else { "" })
            }
        }
    }
}

impl Leaf for Precedence {
    const NAME: &'static str = "Precedence";

    fn parse(text: &str) -> Result<Self, String> {
        let moments: Vec<_> = text.split('<').map(Moment::parse).collect::<Result<_, _>>()?;
        if moments.len() < 2 {
            return Err("takes events in their order\nwrite which comes first: \"sent 9 < ok 0\"".to_owned());
        }
        Ok(Self(moments))
    }
}

impl<'de> Deserialize<'de> for Precedence {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_leaf(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_what_was_written() {
        for text in [
            "sent 9 < ok 0",
            "timeout 0..3 < send 4 < late 0'",
            "err 0 NOT_ENOUGH_REPLICAS < fatal OUT_OF_ORDER_SEQUENCE_NUMBER",
            "fatal < flush ended",
            "commit 0 ended < begin 1",
        ] {
            let Precedence(moments) = Precedence::parse(text).unwrap();
            let words: Vec<_> = moments.iter().map(Moment::to_string).collect();
            assert_eq!(words.join(" < "), text);
        }
    }

    #[test]
    fn what_is_no_order_is_refused() {
        for text in [
            "",
            "ok 0",
            "ok 0 <",
            "< ok 0",
            "ok < sent 1",
            "ok x < sent 1",
            "sent 0 A < ok 0",
            "flush a b < ok 0",
        ] {
            assert!(Precedence::parse(text).is_err(), "{text}");
        }
    }
}
