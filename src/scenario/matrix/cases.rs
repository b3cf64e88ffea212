//! Which of several expectations a combination has.

use std::sync::Arc;

use serde::Deserialize;

use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::scenario::model::{Expect, Listed, Map, Raw, Scenario};
use crate::scenario::read::{At, Field, Reader};
use crate::scenario::tree::Node;
use crate::source::{Source, Span, Spanned};

use super::Combination;
use super::combination::shown;
use super::written::{Matrix, Name};

/// The field.
const EXPECT: &str = "expect";

impl Scenario {
    /// What should come of it in its combination: of a list the entry that takes it.
    pub fn expectation(&self) -> &Field<Expect> {
        match self.expect.value() {
            Some(Listed::One(expect)) => expect,
            Some(Listed::List(cases)) => {
                taking(cases, &self.combination).and_then(|place| cases.get(place)).unwrap_or(&Field::Absent)
            }
            None => &Field::Absent,
        }
    }
}

/// The entry of a list that takes a combination: one that names it, or the one for all others.
fn taking(cases: &[Field<Expect>], combination: &Combination) -> Option<usize> {
    let named = cases.iter().position(|case| {
        let of = case.value().and_then(|case| case.r#where.value());
        of.is_some_and(|of| takes(of, combination))
    });
    named.or_else(|| cases.iter().position(|case| case.value().is_some_and(|case| case.r#where.is_absent())))
}

/// Whether all the names have one of their values.
fn takes(of: &Map<Listed<Raw, Raw>>, combination: &Combination) -> bool {
    of.0.iter().all(|(name, values)| {
        let value = name.value().and_then(|name| combination.get(&name.0));
        let values = values.value().map(Listed::items).unwrap_or_default();
        value.is_some_and(|value| values.iter().filter_map(Field::value).any(|one| one.0 == value))
    })
}

/// What is wrong with the expectations of a file as entries of a list. What is wrong in them is found where the whole
/// file is read.
pub(in crate::scenario) fn check(
    root: &Node,
    matrix: &Matrix,
    source: &Arc<Source>,
    found: &mut Vec<Diagnostic>,
) {
    let Some(node) = root.get(EXPECT) else { return };
    let reader = Reader::new(source);
    let read = Field::<Listed<Expect, Expect>>::deserialize(At::field(node, EXPECT, &reader));
    let Ok(Field::Given(expect)) = read else { return };
    let mut check = Check { matrix, source, found, wrong: false };
    match &expect.value {
        Listed::One(one) => check.alone(one),
        Listed::List(cases) if cases.is_empty() => {
            check.mistake(Code::Missing, expect.span, "'expect' is empty");
        }
        Listed::List(cases) => check.list(cases),
    }
}

struct Check<'a> {
    matrix: &'a Matrix,
    source: &'a Arc<Source>,
    found: &'a mut Vec<Diagnostic>,
    /// Nobody can say which combinations some entry takes.
    wrong: bool,
}

impl Check<'_> {
    fn mistake(&mut self, code: Code, span: Span, message: impl Into<String>) {
        self.found.push(Diagnostic::new(code, self.source, span, message));
    }

    /// Without a list there is nothing to choose.
    fn alone(&mut self, expect: &Field<Expect>) {
        let of = expect.value().and_then(|expect| expect.r#where.span());
        if let Some(span) = of {
            let mistake = Diagnostic::new(Code::Matrix, self.source, span, "'where' chooses among several");
            self.found.push(mistake.help("write 'expect' as a list, with '- ' before each of its entries"));
        }
    }

    fn list(&mut self, cases: &[Field<Expect>]) {
        for case in cases.iter().filter_map(Field::get) {
            match &case.value.r#where {
                Field::Given(of) => self.names(&of.value, of.span),
                Field::Wrong(_) => self.wrong = true,
                Field::Absent => {}
            }
        }
        if self.wrong || self.matrix.is_wrong() || cases.iter().any(|case| case.get().is_none()) {
            return;
        }
        self.combinations(cases);
    }

    /// The names and values of an entry.
    fn names(&mut self, of: &Map<Listed<Raw, Raw>>, span: Span) {
        let before = self.found.len();
        if of.0.is_empty() {
            self.mistake(Code::Missing, span, "'where' is empty");
        }
        for (name, values) in &of.0 {
            let (Some(name), Some(values)) = (name.get(), values.value()) else {
                self.wrong = true;
                continue;
            };
            if self.matrix.unreadable {
                self.wrong = true;
                continue;
            }
            match self.matrix.name(&name.value.0) {
                Some(known) => self.values(known, name.span, values.items()),
                None => self.found.push(self.matrix.unknown(&name.value.0, self.source, name.span)),
            }
        }
        self.wrong |= self.found.len() > before;
    }

    fn values(&mut self, name: &Name, span: Span, values: &[Field<Raw>]) {
        if values.is_empty() {
            self.mistake(Code::Missing, span, format!("no value of '{}' is named", name.text));
        }
        let all: Vec<_> = name.values.iter().filter_map(|value| value.text()).collect();
        for value in values {
            let Some(Spanned { value: Raw(text), span }) = value.get() else {
                self.wrong = true;
                continue;
            };
            if all.contains(&text.as_str()) {
                continue;
            }
            let message = format!("'{}' is never {}", name.text, shown(text));
            let help = match nearest(text, all.iter().copied()) {
                Some(near) => format!("did you mean '{near}'?"),
                None => format!("its values are {}", listed(&all)),
            };
            let mistake = Diagnostic::new(Code::UnknownName, self.source, *span, message);
            self.found.push(mistake.help(help));
        }
    }

    /// Each combination is taken once. An entry whose names and values are known takes at least one.
    fn combinations(&mut self, cases: &[Field<Expect>]) {
        let combinations = self.matrix.combinations();
        let mut taken: Vec<Option<Span>> = vec![None; combinations.len()];
        let named = cases.iter().filter_map(Field::get).filter(|case| !case.value.r#where.is_absent());
        for case in named {
            let Some(of) = case.value.r#where.get() else { continue };
            let mut twice = None;
            for (combination, taken) in combinations.iter().zip(&mut taken) {
                if takes(&of.value, combination) {
                    match taken {
                        Some(first) => twice = twice.or(Some((*first, combination.to_string()))),
                        None => *taken = Some(of.span),
                    }
                }
            }
            if let Some((first, combination)) = twice {
                let message = format!("another entry takes {combination} too");
                let mistake = Diagnostic::new(Code::Matrix, self.source, of.span, message);
                self.found.push(mistake.and(first, "it stands here"));
            }
        }
        self.others(cases, taken.iter().all(Option::is_some));
    }

    /// The entry without `where` is for all others, if there are any.
    fn others(&mut self, cases: &[Field<Expect>], all_taken: bool) {
        let others = cases.iter().filter_map(Field::get).filter(|case| case.value.r#where.is_absent());
        let mut first: Option<Span> = None;
        for case in others {
            if let Some(first) = first {
                let message = "another entry is for all other combinations already";
                let mistake = Diagnostic::new(Code::Matrix, self.source, case.span, message);
                self.found.push(mistake.and(first, "it stands here"));
            } else if all_taken {
                self.mistake(Code::Matrix, case.span, "the other entries take every combination");
            }
            first = first.or(Some(case.span));
        }
    }
}

/// `A, B and 3 more`.
fn listed(values: &[&str]) -> String {
    let shown: Vec<_> = values.iter().take(8).map(|value| shown(value)).collect();
    let more = values.len() - shown.len();
    let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
    shown.join(", ") + &rest
}
