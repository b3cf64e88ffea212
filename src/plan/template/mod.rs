//! Templates of messages. One that is made of literals, `i`, `n`, `pad`, `uuid`, `random` and `repeat` alone is
//! compiled to pieces and appended; every other one is minijinja's, with limits.

mod check;
mod draw;
mod environment;
mod fault;
mod jinja;
mod pieces;

use std::sync::Arc;

use jinja::Jinja;

pub(super) use draw::Draw;
pub(super) use environment::{FUEL, MAX_OUTPUT};
pub(super) use fault::{Fault, FaultKind};
pub(super) use pieces::{Locator, Piece, Pieces, append_number};

/// A compiled template. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) enum Template {
    /// Appended piece by piece.
    Pieces(Arc<Pieces>),
    /// Rendered by minijinja.
    Jinja(Arc<Jinja>),
}

impl Template {
    /// Compiles a template for a plan of `messages` messages.
    pub(super) fn compile(text: &str, messages: u32) -> Result<Self, Vec<Fault>> {
        check::check(text)?;
        match Pieces::compile(text, messages)? {
            Some(pieces) => Ok(Self::Pieces(Arc::new(pieces))),
            None => Ok(Self::Jinja(Arc::new(Jinja::compile(text, messages)?))),
        }
    }

    /// The template `{{ i }}`.
    pub(super) fn number() -> Self {
        Self::Pieces(Arc::new(Pieces::number()))
    }

    /// Appends what it makes for one message, and says what it cost, in units of fuel. The error says why it cannot be
    /// made.
    pub(super) fn render(&self, draw: Draw, into: &mut Vec<u8>) -> Result<u64, String> {
        match self {
            Self::Pieces(pieces) => {
                pieces.append(draw, into);
                Ok(into.len() as u64 / 64)
            }
            Self::Jinja(jinja) => jinja.render(draw, into),
        }
    }

    /// Its pieces, if it is made of pieces.
    pub(super) fn pieces(&self) -> Option<&Pieces> {
        match self {
            Self::Pieces(pieces) => Some(pieces),
            Self::Jinja(_) => None,
        }
    }

    /// Whether every message's text holds its number or something of its own: `{{ i }}`, `pad(i, …)` or `uuid()`
    /// stands in it outside of conditions and loops.
    pub(super) fn has_identity(&self) -> bool {
        match self {
            Self::Pieces(pieces) => pieces.has_identity(),
            Self::Jinja(jinja) => jinja.has_identity(),
        }
    }
}
