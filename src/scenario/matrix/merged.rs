//! What is said of several combinations, each thing once.

use std::collections::{BTreeSet, HashMap};

use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;

use super::combination::{Combination, shown, with};

/// Mistakes, failures or warnings of the combinations of one scenario. What is the same in all of them is said once;
/// what is so in some only says in which.
#[derive(Debug, Default)]
pub struct Merged {
    combinations: Vec<Combination>,
    /// Each with the combinations that it was found in, by their place.
    found: Vec<(Diagnostic, Vec<usize>)>,
    /// By what is said, and the how manieth time in its combination, the place in `found`.
    known: HashMap<(Said, usize), usize>,
}

/// What makes two the same.
type Said = (Code, String, Vec<(Span, String)>, Option<String>, Option<String>);

impl Merged {
    /// What was found in one more combination.
    pub fn add(&mut self, combination: &Combination, found: Vec<Diagnostic>) {
        let place = self.combinations.len();
        self.combinations.push(combination.clone());
        let mut times: HashMap<Said, usize> = HashMap::new();
        for one in found {
            let said = said(&one);
            let time = times.entry(said.clone()).or_default();
            let at = *self.known.entry((said, *time)).or_insert(self.found.len());
            *time += 1;
            match self.found.get_mut(at) {
                Some((_, those)) => those.push(place),
                None => self.found.push((one, vec![place])),
            }
        }
    }

    /// All of it, in the order in which it was found first.
    pub fn finish(mut self) -> Vec<Diagnostic> {
        let found = std::mem::take(&mut self.found);
        let told = found.into_iter().map(|(one, those)| {
            if those.len() == self.combinations.len() { one } else { with(one, &self.which(&those)) }
        });
        told.collect()
    }

    /// Which combinations these are, in a few words.
    fn which(&self, those: &[usize]) -> String {
        let names = (0..).map_while(|name| self.combinations.first()?.at(name).map(|(text, _)| (name, text)));
        for (name, text) in names {
            let value = |place: usize| Some(self.combinations.get(place)?.at(name)?.1);
            let values: BTreeSet<_> = those.iter().filter_map(|place| value(*place)).collect();
            let with_one_of_them = |place: &usize| value(*place).is_some_and(|value| values.contains(value));
            if (0..self.combinations.len()).filter(with_one_of_them).count() == those.len() {
                let mut values: Vec<_> = those.iter().filter_map(|place| value(*place)).map(shown).collect();
                let mut seen = BTreeSet::new();
                values.retain(|value| seen.insert(value.clone()));
                return format!("{text}: {}", values.join(" or "));
            }
        }
        let first = those.first().and_then(|place| self.combinations.get(*place));
        let first = first.map(Combination::to_string).unwrap_or_default();
        match those.len() {
            1 => first,
            2 => format!("{first}, and one more combination"),
            all => format!("{first}, and {} more combinations", all - 1),
        }
    }
}

fn said(one: &Diagnostic) -> Said {
    let labels = one.labels.iter().map(|label| (label.span, label.text.clone())).collect();
    (one.code, one.message.clone(), labels, one.help.clone(), one.note.clone())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::source::Source;

    /// Of two names with three and two values, what is said where it was found in those combinations.
    fn said_of(those: &[(&str, &str)]) -> Vec<String> {
        let source = Arc::new(Source::new("a.yaml", "x"));
        let mut merged = Merged::default();
        for a in ["1", "2", "3"] {
            for b in ["x", "y"] {
                let values = vec![("a".to_owned(), a.to_owned()), ("b".to_owned(), b.to_owned())];
                let found = those.contains(&(a, b));
                let mistake = Diagnostic::new(Code::Missing, &source, Span::default(), "it is wrong");
                merged.add(&Combination::new(values), if found { vec![mistake] } else { Vec::new() });
            }
        }
        merged.finish().into_iter().map(|one| one.message).collect()
    }

    #[test]
    fn what_is_so_in_all_is_said_once() {
        let all = [("1", "x"), ("1", "y"), ("2", "x"), ("2", "y"), ("3", "x"), ("3", "y")];
        assert_eq!(said_of(&all), ["it is wrong"]);
        assert_eq!(said_of(&[]), [] as [&str; 0]);
    }

    #[test]
    fn what_is_so_in_some_says_in_which() {
        assert_eq!(said_of(&[("2", "x"), ("2", "y")]), ["it is wrong (with a: 2)"]);
        assert_eq!(
            said_of(&[("1", "x"), ("1", "y"), ("3", "x"), ("3", "y")]),
            ["it is wrong (with a: 1 or 3)"]
        );
        assert_eq!(said_of(&[("1", "y"), ("2", "y"), ("3", "y")]), ["it is wrong (with b: y)"]);
        assert_eq!(said_of(&[("1", "y")]), ["it is wrong (with a: 1, b: y)"]);
        assert_eq!(
            said_of(&[("1", "y"), ("2", "x"), ("3", "x")]),
            ["it is wrong (with a: 1, b: y, and 2 more combinations)"]
        );
    }

    #[test]
    fn without_a_matrix_nothing_is_added() {
        let source = Arc::new(Source::new("a.yaml", "x"));
        let mistake = Diagnostic::new(Code::Missing, &source, Span::default(), "it is wrong");
        let mut merged = Merged::default();
        merged.add(&Combination::default(), vec![mistake.clone(), mistake.clone()]);
        assert_eq!(merged.finish(), [mistake.clone(), mistake]);
    }
}
