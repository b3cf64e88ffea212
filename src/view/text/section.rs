//! One text of the views of several combinations, a section for each.

use std::fmt::Write as _;

use crate::plan::Combination;

/// What the heading of a section begins with; no line of a view does.
pub const HEADING: &str = "== ";

/// The text of a scenario: of its one view, or a section for each combination of its matrix, with an empty line between
/// them.
pub fn sections<'a>(texts: impl IntoIterator<Item = (&'a Combination, &'a str)>) -> String {
    let mut all = String::new();
    for (combination, text) in texts {
        if !combination.is_empty() {
            let gap = if all.is_empty() { "" } else { "\n\n" };
            let _infallible = writeln!(all, "{gap}{HEADING}{combination}");
        }
        all.push_str(text);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_combination_has_a_section() {
        let of = |value: &str| Combination::new(vec![("error".to_owned(), value.to_owned())]);
        let (a, b) = (of("A"), of("B"));
        let text = sections([(&a, "log  t[0]  0\nfaults  x: fired 1"), (&b, "log  t[0]  0")]);
        assert_eq!(text, "== error: A\nlog  t[0]  0\nfaults  x: fired 1\n\n== error: B\nlog  t[0]  0");
        assert_eq!(sections([(&a, "log")]), "== error: A\nlog", "also where there is only one");
        assert_eq!(sections([(&Combination::default(), "log")]), "log");
    }
}
