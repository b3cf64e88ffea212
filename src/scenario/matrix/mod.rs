//! A scenario once for each combination of values: `matrix: {error: [A, B]}`, and `${error}` in the text.
//!
//! The values are put into the tree of the file, whose places stay those of the user's own text; each tree is then read
//! as if it had been written so.

mod cases;
mod combination;
mod fill;
mod merged;
mod names;
mod pieces;
mod written;

pub use combination::Combination;
pub use merged::Merged;

pub(super) use cases::check as check_cases;
pub(super) use written::Matrix;
