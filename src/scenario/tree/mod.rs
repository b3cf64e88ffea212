//! A YAML document as a tree that keeps what the user wrote: raw text, quoting, and the place of every key and value.
//!
//! Built from the events of serde-saphyr's parser, within a budget. Of YAML it takes one document of mappings,
//! sequences, scalars, anchors and aliases; tags, merge keys and keys that are no scalars are mistakes of their own.

mod build;
mod mistakes;
mod node;
mod slip;

pub(super) use node::{Entry, Node, Value};
pub(super) use slip::parse;
