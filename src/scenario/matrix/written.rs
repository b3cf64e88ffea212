//! The matrix as it is written in a file.

use std::rc::Rc;
use std::sync::Arc;

use serde::Deserialize;

use crate::diagnostic::{Code, Diagnostic};
use crate::scenario::model;
use crate::scenario::read::{At, Field, Reader};
use crate::scenario::tree::Node;
use crate::source::{Source, Span};

use super::Combination;
use super::fill::{Filling, MATRIX};

/// How many combinations a scenario may have.
pub(super) const MAX_COMBINATIONS: usize = 100;
/// How many bytes of text all combinations of a scenario may have together: 16 MiB.
pub(super) const MAX_BYTES: usize = 16 << 20;

/// The matrix of a scenario. A scenario without one has no names and the one combination that is empty.
#[derive(Default)]
pub(in crate::scenario) struct Matrix {
    pub(super) names: Vec<Name>,
    /// Something is wrong with it. Then it has the one combination of the first values, good for finding more mistakes.
    wrong: bool,
    /// Nothing is known of its values, or they are too many: nothing can be put anywhere.
    pub(super) unreadable: bool,
}

/// A name and its values.
pub(super) struct Name {
    pub(super) text: String,
    pub(super) span: Span,
    /// As they are written, so that what stands in quotes is text.
    pub(super) values: Vec<Rc<Node>>,
}

impl Matrix {
    /// The matrix of a file, and what is wrong with it and its use. The types of its parts are told where the whole
    /// file is read.
    pub(in crate::scenario) fn of(root: &Node, source: &Arc<Source>, found: &mut Vec<Diagnostic>) -> Self {
        let mut matrix = Self::default();
        let Some(written) = root.get(MATRIX) else { return matrix };
        let reader = Reader::new(source);
        let read = Field::<model::Matrix>::deserialize(At::field(written, MATRIX, &reader));
        if !matches!(read, Ok(Field::Given(_))) || !reader.found().is_empty() {
            return Self { wrong: true, unreadable: true, ..matrix };
        }
        for (name, values) in written.entries() {
            let text = name.text().unwrap_or_default().to_owned();
            matrix.names.push(Name { text, span: name.span, values: values.items().to_vec() });
        }
        let (before, whole) = (found.len(), found.is_empty());
        matrix.check(written.span, source, found);
        matrix.check_use((root, whole), source, found);
        let mistakes = found.get(before..).unwrap_or_default();
        matrix.wrong = !mistakes.is_empty();
        matrix.unreadable = mistakes.iter().any(|mistake| mistake.code == Code::Limit);
        matrix
    }

    pub(super) fn combinations_written(&self) -> usize {
        self.names.iter().fold(1, |all: usize, name| all.saturating_mul(name.values.len()))
    }

    /// Its combinations; the values of the last name change fastest.
    pub(in crate::scenario) fn combinations(&self) -> Vec<Combination> {
        (0..self.count()).map(|place| self.filling(place).combination()).collect()
    }

    /// How many combinations there are.
    pub(in crate::scenario) fn count(&self) -> usize {
        if self.wrong { 1 } else { self.combinations_written() }
    }

    /// What is put into the tree in one of them.
    pub(in crate::scenario) fn filling(&self, place: usize) -> Filling<'_> {
        let mut rest = place;
        let mut values = Vec::with_capacity(self.names.len());
        for name in self.names.iter().rev() {
            let value = name.values.get(rest.checked_rem(name.values.len()).unwrap_or_default());
            rest = rest.checked_div(name.values.len()).unwrap_or_default();
            values.push((name.text.as_str(), value.map(Rc::as_ref)));
        }
        values.reverse();
        Filling { values, unreadable: self.unreadable }
    }

    /// Whether something is wrong with it.
    pub(in crate::scenario) fn is_wrong(&self) -> bool {
        self.wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Scenario, read};

    fn source(text: &str) -> Arc<Source> {
        Arc::new(Source::new("a.yaml", text))
    }

    /// The scenario in each combination of a file in which nothing is wrong.
    fn read_all(source: &Arc<Source>) -> Vec<Scenario> {
        let written = read(source);
        assert_eq!(written.diagnostics, []);
        let readings = written.readings().map(|reading| {
            assert_eq!(reading.diagnostics, [], "{}", reading.combination);
            reading.scenario.unwrap()
        });
        readings.collect()
    }

    #[test]
    fn the_values_of_the_last_name_change_fastest() {
        let source = source("matrix: {a: [1, 2], b: [x, y, z]}\ntopic: ${b}-${a}\n");
        let all = read_all(&source);
        let headings: Vec<_> = all.iter().map(|scenario| scenario.combination.to_string()).collect();
        let expected = ["a: 1, b: x", "a: 1, b: y", "a: 1, b: z", "a: 2, b: x", "a: 2, b: y", "a: 2, b: z"];
        assert_eq!(headings, expected);
        let topic = |scenario: &Scenario| format!("{:?}", scenario.topic.value().unwrap());
        assert_eq!(topic(&all[3]), "Short(Name(\"x-2\"))");
    }

    #[test]
    fn a_value_is_what_it_is_where_it_is_written() {
        let source = source(
            "matrix: {on: [true, false], n: [3], text: [\"null\", 5s]}\ncount: ${n}\nkey: ${text}\n\
             producer: {one_per_request: \"${on}\", config: {\"a.${n}\": x${on}}}\nvalue: \"$${n} ${n}\"\n\
             description: as ${n} is\nack_wait: ${n}s\n"
                .replace("x${on}", "\"x${on}\"")
                .as_str(),
        );
        let all = read_all(&source);
        let scenario = &all[2];
        assert_eq!(scenario.combination.to_string(), "on: false, n: 3, text: null");
        assert_eq!(scenario.count.value().unwrap().0, 3);
        assert_eq!(source.slice(scenario.count.span().unwrap()), "${n}", "the place is the user's own");
        assert_eq!(scenario.key.value().unwrap().0.as_deref(), Some("null"), "what stands in quotes is text");
        assert_eq!(scenario.value.value().unwrap().0.as_deref(), Some("${n} 3"));
        assert_eq!(scenario.description.value().unwrap().0, "as ${n} is");
        assert_eq!(scenario.ack_wait.value().unwrap().0.as_secs(), 3);
        let producer = scenario.producer.value().unwrap();
        assert_eq!(producer.one_per_request.value(), Some(&false), "quotes around the whole say nothing");
        let (key, value) = &producer.config.value().unwrap().0[0];
        assert_eq!((key.value().unwrap().0.as_str(), value.value().unwrap().0.as_str()), ("a.3", "xfalse"));
    }

    #[test]
    fn without_a_matrix_nothing_has_a_meaning() {
        let source = source("topic: a\nvalue: ${x} $${y} ${\n");
        let all = read_all(&source);
        assert_eq!(all.len(), 1);
        assert!(all[0].combination.is_empty());
        assert_eq!(all[0].value.value().unwrap().0.as_deref(), Some("${x} $${y} ${"));
    }

    #[test]
    fn each_combination_has_its_expectation() {
        let source = source(
            "matrix: {a: [1, 2, 3], b: [x, y]}\ntopic: ${a}${b}\nexpect:\n- where: {a: [1, 2], b: x}\n  fatal: one\n\
             - where: {a: 3}\n  fatal: two\n- fatal: rest\n",
        );
        let all = read_all(&source);
        let fatal =
            |scenario: &Scenario| scenario.expectation().value().unwrap().fatal.value().unwrap().0.clone();
        let found: Vec<_> = all.iter().map(fatal).collect();
        assert_eq!(found, ["one", "rest", "one", "rest", "two", "two"]);
    }

    #[test]
    fn what_no_entry_names_has_the_default() {
        let source = source("matrix: {a: [1, 2]}\ntopic: t${a}\nexpect: [{where: {a: 2}, fatal: one}]\n");
        let all = read_all(&source);
        assert!(all[0].expectation().is_absent());
        assert!(all[1].expectation().value().is_some());
    }

    #[test]
    fn a_wrong_matrix_hides_no_other_mistake() {
        let codes = |text: &str| {
            let source = source(text);
            let written = read(&source);
            let readings: Vec<_> = written.readings().collect();
            assert_eq!(readings.len(), 1, "{text}");
            let found = written.diagnostics.iter().chain(&readings[0].diagnostics);
            found.map(|found| found.code).collect::<Vec<_>>()
        };
        assert_eq!(
            codes("matrix: [a]\ntopic: ${a}${b}\ncuont: ${a}\n"),
            [Code::WrongType, Code::UnknownField]
        );
        assert_eq!(codes("matrix: {a: []}\ntopic: ${a}\ncuont: 1\n"), [Code::Missing, Code::UnknownField]);
        assert_eq!(
            codes("matrix: {a: [1, 1]}\ntopic: ${b}\ncount: x${a}\n"),
            [Code::Matrix, Code::UnknownName, Code::WrongType]
        );
    }
}
