//! What a link is to do.

use crate::fault::Rule;

/// What a link is to do.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The faults, in the order in which they are tried.
    pub faults: Vec<Rule>,
    /// Answers that no broker could give are given.
    pub allow_impossible: bool,
    /// Every request is kept, though no fault asks for its API.
    pub requests: bool,
}
