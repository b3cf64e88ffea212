//! The judge against plain cases, and against definitions written down a second time.

mod definition;
mod plain;
pub(crate) mod random;
