//! What the link knows, behind one lock: what passes, what is counted, who takes it, and what is held until when. All
//! of it is decided in one short critical section, so that what that lock orders is the order of everything.

mod control;
mod decision;
mod hold;
mod kept;
mod network;
mod shared;
mod standing;

pub(super) use decision::{Decision, Passage};
pub(super) use hold::{Held, Waiting};
pub(super) use kept::Ends;
pub(super) use network::{Fate, Way};
pub(super) use shared::Shared;
pub(super) use standing::Ties;
pub use standing::{Holding, Standstill};
