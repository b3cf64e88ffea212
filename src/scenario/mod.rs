//! What was written: the YAML vocabulary of a scenario, read with the place of every leaf.
//!
//! A text becomes a tree that keeps what the user wrote, the tree is read into the [`model`], whose types are the
//! vocabulary. Mistakes are recorded on the way; none of them keeps the others from being found.

mod later;
mod load;
pub mod model;
mod read;
mod reference;
mod tree;

use std::sync::Arc;

use serde::Deserialize;

use crate::diagnostic::Diagnostic;
use crate::source::Source;

pub use load::{MAX_BYTES, load};
pub use model::{AnomalyKind, Callbacks, Emulate, MessageEvent, OnTimeout, QueueFull, Scenario, Start};
pub use read::Field;
pub use reference::{reference, schema};

/// Reads a scenario. What is wrong with it as a text comes with it, every mistake of the file at once; the scenario is
/// none where the text cannot be read as YAML. Where there are mistakes it is still good for finding more.
pub fn read(source: &Arc<Source>) -> (Option<Scenario>, Vec<Diagnostic>) {
    let mut found = Vec::new();
    let Some(root) = tree::parse(source, &mut found) else { return (None, found) };
    let reader = read::Reader::new(source);
    let scenario = Field::<Scenario>::deserialize(read::At::root(&root, &reader));
    found.append(&mut reader.found());
    match scenario {
        Ok(Field::Given(scenario)) => (Some(scenario.value), found),
        _ => (None, found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_scenarios_are_read() {
        let source = Arc::new(Source::new(
            "a.yaml",
            "topic: test2\ncount: 10\nkey: \"{{ i }}\"\nmode: sync\nack_wait: 5s\n",
        ));
        let (scenario, found) = read(&source);
        assert_eq!(found, []);
        let scenario = scenario.unwrap();
        assert_eq!(scenario.count.value().unwrap().0, 10);
        assert_eq!(source.slice(scenario.count.span().unwrap()), "10");
        assert!(matches!(scenario.mode.value(), Some(model::Mode::Sync)));
    }
}
