//! Templates as pieces that are appended without an engine, and that a text can be matched against.

mod matching;

use minijinja::machinery::ast::{Call, CallArg, Expr, Stmt};
use minijinja::value::{Value, ValueKind};

use crate::plan::template::check;
use crate::plan::template::draw::{Draw, UUID};
use crate::plan::template::environment::{MAX_OUTPUT, times};
use crate::plan::template::fault::Fault;

pub(in crate::plan) use matching::Locator;

/// A template made of pieces.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::plan) struct Pieces(Box<[Piece]>);

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::plan) enum Piece {
    /// These bytes, so many times.
    Text {
        /// The bytes; not empty.
        bytes: Box<[u8]>,
        /// How often they stand there, at least once.
        times: usize,
    },
    /// The number of the message in decimal digits, with zeros in front up to a width.
    Number {
        /// The least number of digits, at least 1.
        width: usize,
    },
    /// A uuid.
    Uuid {
        /// Which random choice of the template it is.
        choice: u32,
    },
    /// A random whole number.
    Random {
        /// Which random choice of the template it is.
        choice: u32,
        /// The lowest that it may be.
        low: i64,
        /// The highest that it may be.
        high: i64,
    },
}

impl Pieces {
    /// The pieces of a template; none for one that has something else in it.
    pub(super) fn compile(text: &str, messages: u32) -> Result<Option<Self>, Vec<Fault>> {
        let Stmt::Template(template) = check::parse(text)? else { return Ok(None) };
        let mut pieces = Compiler { messages, choices: 0, pieces: Vec::new() };
        for child in &template.children {
            match child {
                Stmt::EmitRaw(raw) => pieces.text(raw.raw.as_bytes(), 1),
                Stmt::EmitExpr(emit) if pieces.expression(&emit.expr).is_some() => {}
                _ => return Ok(None),
            }
        }
        let pieces = Self(pieces.pieces.into_boxed_slice());
        if pieces.longest() > MAX_OUTPUT {
            let message = format!("it makes more than {MAX_OUTPUT} bytes");
            return Err(vec![Fault::fails(message)]);
        }
        Ok(Some(pieces))
    }

    /// The number of the message alone.
    pub(super) fn number() -> Self {
        Self(Box::new([Piece::Number { width: 1 }]))
    }

    /// Its pieces in their order.
    pub(in crate::plan) fn iter(&self) -> impl DoubleEndedIterator<Item = &Piece> {
        self.0.iter()
    }

    /// The text that it makes for every message, if that is always the same.
    pub(in crate::plan) fn fixed(&self) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        for piece in &self.0 {
            let Piece::Text { bytes, times } = piece else { return None };
            (0..*times).for_each(|_| text.extend_from_slice(bytes));
        }
        Some(text)
    }

    /// Whether it holds a uuid, so that no other text is likely ever to be the same.
    pub(in crate::plan) fn is_unique(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Uuid { .. }))
    }

    /// Whether each message's text holds its number or a uuid.
    pub(super) fn has_identity(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Number { .. } | Piece::Uuid { .. }))
    }

    /// Appends the text of one message.
    pub(super) fn append(&self, draw: Draw, into: &mut Vec<u8>) {
        for piece in &self.0 {
            match piece {
                Piece::Text { bytes, times } => (0..*times).for_each(|_| into.extend_from_slice(bytes)),
                Piece::Number { width } => append_number(draw.message, *width, into),
                Piece::Uuid { choice } => into.extend_from_slice(&draw.uuid(*choice)),
                Piece::Random { choice, low, high } => {
                    let number = draw.between(*choice, *low, *high);
                    into.extend_from_slice(number.to_string().as_bytes());
                }
            }
        }
    }

    /// The length of the longest text, in bytes.
    fn longest(&self) -> usize {
        let length = |piece: &Piece| match piece {
            Piece::Text { bytes, times } => bytes.len().saturating_mul(*times),
            Piece::Number { width } => (*width).max(DIGITS),
            Piece::Uuid { .. } => UUID,
            Piece::Random { .. } => 20,
        };
        self.0.iter().map(length).fold(0, usize::saturating_add)
    }
}

/// The digits of the largest number of a message.
pub(in crate::plan) const DIGITS: usize = 10;

/// Appends a number in decimal digits, with zeros in front up to a width.
pub(in crate::plan) fn append_number(number: u32, width: usize, into: &mut Vec<u8>) {
    let digits = Digits::of(number);
    let zeros = width.saturating_sub(digits.as_bytes().len());
    into.extend(std::iter::repeat_n(b'0', zeros));
    into.extend_from_slice(digits.as_bytes());
}

/// The decimal digits of a number.
#[derive(Clone, Copy)]
pub(super) struct Digits {
    bytes: [u8; DIGITS],
    start: usize,
}

impl Digits {
    pub(super) fn of(mut number: u32) -> Self {
        let mut digits = Self { bytes: [b'0'; DIGITS], start: DIGITS };
        while number > 0 || digits.start == DIGITS {
            digits.start -= 1;
            digits.bytes[digits.start] = b'0' + u8::try_from(number % 10).unwrap_or_default();
            number /= 10;
        }
        digits
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }
}

struct Compiler {
    messages: u32,
    choices: u32,
    pieces: Vec<Piece>,
}

impl Compiler {
    fn text(&mut self, bytes: &[u8], times: usize) {
        match self.pieces.last_mut() {
            _ if bytes.is_empty() || times == 0 => {}
            Some(Piece::Text { bytes: last, times: 1 }) if times == 1 => {
                *last = [last, bytes].concat().into();
            }
            _ => self.pieces.push(Piece::Text { bytes: bytes.into(), times }),
        }
    }

    fn expression(&mut self, expression: &Expr<'_>) -> Option<()> {
        match expression {
            Expr::Var(name) if name.id == "i" => {
                self.pieces.push(Piece::Number { width: 1 });
                Some(())
            }
            Expr::Var(name) if name.id == "n" => {
                self.text(self.messages.to_string().as_bytes(), 1);
                Some(())
            }
            Expr::Call(call) => self.call(call),
            _ => {
                let value = expression.as_const()?;
                let plain = matches!(value.kind(), ValueKind::String) || value.is_integer();
                plain.then(|| self.text(value.to_string().as_bytes(), 1))
            }
        }
    }

    fn call(&mut self, call: &Call<'_>) -> Option<()> {
        let Expr::Var(function) = &call.expr else { return None };
        let arguments: Option<Vec<&Expr<'_>>> = call.args.iter().map(positional).collect();
        match (function.id, arguments?.as_slice()) {
            ("uuid", []) => {
                self.pieces.push(Piece::Uuid { choice: self.choices });
                self.choices += 1;
                Some(())
            }
            ("random", [low, high]) => {
                let (low, high) = (constant::<i64>(low)?, constant::<i64>(high)?);
                (low <= high).then_some(())?;
                self.pieces.push(Piece::Random { choice: self.choices, low, high });
                self.choices += 1;
                Some(())
            }
            ("repeat", [text, times]) => {
                let text = text.as_const().filter(|text| text.kind() == ValueKind::String)?;
                let times = self::times(&times.as_const()?).ok()?;
                self.text(text.to_string().as_bytes(), times);
                Some(())
            }
            ("pad", [Expr::Var(name), width]) => {
                let width = usize::try_from(constant::<u32>(width)?).ok()?.max(1);
                match name.id {
                    "i" => self.pieces.push(Piece::Number { width }),
                    "n" => {
                        let digits = self.messages.to_string();
                        self.text(b"0", width.saturating_sub(digits.len()));
                        self.text(digits.as_bytes(), 1);
                    }
                    _ => return None,
                }
                Some(())
            }
            _ => None,
        }
    }
}

fn positional<'a, 'b>(argument: &'a CallArg<'b>) -> Option<&'a Expr<'b>> {
    match argument {
        CallArg::Pos(expression) => Some(expression),
        _ => None,
    }
}

fn constant<T: TryFrom<Value>>(expression: &Expr<'_>) -> Option<T> {
    expression.as_const().filter(Value::is_integer).and_then(|value| T::try_from(value).ok())
}
