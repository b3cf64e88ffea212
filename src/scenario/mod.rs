//! What was written: the YAML vocabulary of a scenario, read with the place of every leaf.
//!
//! A text becomes a tree that keeps what the user wrote, the tree is read into the [`model`], whose types are the
//! vocabulary. Mistakes are recorded on the way; none of them keeps the others from being found.

mod load;
mod matrix;
pub mod model;
mod read;
mod reference;
mod tree;

use std::rc::Rc;
use std::sync::Arc;

use serde::Deserialize;

use crate::diagnostic::Diagnostic;
use crate::source::Source;

use matrix::Matrix;
use tree::Node;

pub use load::{MAX_BYTES, load};
pub use matrix::{Combination, Merged};
pub use model::{AnomalyKind, Callbacks, Emulate, MessageEvent, OnTimeout, QueueFull, Scenario, Start};
pub use read::Field;
pub use reference::{reference, schema};

/// A file that has been read as YAML.
pub struct Written<'a> {
    source: &'a Arc<Source>,
    /// None where it cannot be read at all.
    root: Option<Rc<Node>>,
    matrix: Matrix,
    /// What is wrong with it as a text, and with its matrix.
    pub diagnostics: Vec<Diagnostic>,
}

/// The scenario of a file, in one of its combinations.
pub struct Reading {
    /// The combination.
    pub combination: Combination,
    /// What was written; none where it is no scenario at all. Where there are mistakes it is still good for finding more.
    pub scenario: Option<Scenario>,
    /// Every mistake in it.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a file as YAML.
pub fn read(source: &Arc<Source>) -> Written<'_> {
    let mut diagnostics = Vec::new();
    let root = tree::parse(source, &mut diagnostics);
    let matrix = root.as_deref().map(|root| Matrix::of(root, source, &mut diagnostics)).unwrap_or_default();
    if let Some(root) = &root {
        matrix::check_cases(root, &matrix, source, &mut diagnostics);
    }
    Written { source, root, matrix, diagnostics }
}

impl Written<'_> {
    /// The scenario in each combination of its matrix, one after the other; without a matrix there is one.
    pub fn readings(&self) -> impl Iterator<Item = Reading> {
        let root = self.root.iter();
        root.flat_map(move |root| (0..self.matrix.count()).map(move |place| self.reading(root, place)))
    }

    fn reading(&self, root: &Rc<Node>, place: usize) -> Reading {
        let filling = self.matrix.filling(place);
        let (combination, root) = (filling.combination(), filling.root(root));
        let reader = read::Reader::new(self.source);
        let scenario = Field::<Scenario>::deserialize(read::At::root(&root, &reader));
        let diagnostics = reader.found();
        let scenario = match scenario {
            Ok(Field::Given(scenario)) => {
                let (combination, combinations) = (combination.clone(), self.matrix.count());
                Some(Scenario { combination, combinations, ..scenario.value })
            }
            _ => None,
        };
        Reading { combination, scenario, diagnostics }
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
        let written = read(&source);
        let readings: Vec<_> = written.readings().collect();
        assert_eq!((written.diagnostics.as_slice(), readings.len()), ([].as_slice(), 1));
        assert_eq!(readings[0].diagnostics, []);
        let scenario = readings[0].scenario.as_ref().unwrap();
        assert_eq!(scenario.count.value().unwrap().0, 10);
        assert_eq!(source.slice(scenario.count.span().unwrap()), "10");
        assert!(matches!(scenario.mode.value(), Some(model::Mode::Sync)));
    }
}
