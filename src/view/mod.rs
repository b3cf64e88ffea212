//! What of a run is stable, and its text.
//!
//! A view selects typed facts and leaves out what may differ from one run to the next: time, ports, ids, and the
//! interleaving between lanes. How its text reads is laid down in `docs/snapshot.md`.

mod block;
mod fold;
mod folded;
mod line;
mod select;
#[cfg(test)]
mod tests;
mod text;
mod timeline;

use crate::judge::Findings;
use crate::plan::Plan;
use crate::trace::Trace;

pub use text::{HEADING, sections};
pub use timeline::{Cell, Row, Timeline, Tone, timeline};

use block::{Block, Names};

/// The version of the view's grammar. Texts of two versions are never compared without saying so.
pub const VERSION: u32 = 1;

/// What of a run is stable. Made by [`of`], read by [`View::text`].
#[derive(Clone, Debug)]
pub struct View {
    names: Names,
    blocks: Vec<Block>,
    /// Its text is cut there; in lines.
    max_lines: u32,
}

/// Selects and folds what of a run is stable.
pub fn of(plan: &Plan, trace: &Trace, findings: &Findings) -> View {
    let names = Names::of(plan);
    let blocks = select::blocks(plan, trace, findings, &names);
    View { names, blocks, max_lines: plan.snapshot.max_lines }
}
