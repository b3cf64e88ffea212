//! A serde deserializer over the tree, with a sink for what is wrong: a mistake is recorded at its place, and reading
//! goes on, so that all mistakes of a file come in one pass.
//!
//! Three rules make that work. Every leaf of the model is a [`Field`], which takes an error as "written wrongly". The
//! name of a newtype says which kind of mistake a value is that it refuses. Unknown and repeated keys are
//! recorded and skipped here, where the names that a struct knows are at hand.

mod access;
mod at;
mod deserializer;
mod field;

pub use field::Field;

pub(super) use at::{At, Reader};
pub(super) use field::{LISTED, LONG};
