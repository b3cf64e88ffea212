//! Which scenarios are meant: patterns on names and tags.

/// Patterns of `--filter`. A scenario is meant if one of them fits its name or one of its tags, and none that starts
/// with `!` does. Without a pattern that selects, all are meant.
///
/// A pattern with `*` (any characters) or `?` (any one) fits a whole name or tag; any other fits a part of one.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    selecting: Vec<String>,
    refusing: Vec<String>,
}

impl Filter {
    /// A filter of patterns.
    pub fn new(patterns: &[String]) -> Self {
        let (refusing, selecting): (Vec<&String>, _) = patterns.iter().partition(|it| it.starts_with('!'));
        Self {
            selecting: selecting.into_iter().cloned().collect(),
            refusing: refusing.into_iter().map(|pattern| pattern[1..].to_owned()).collect(),
        }
    }

    /// Whether a scenario is meant.
    pub fn selects(&self, name: &str, tags: &[String]) -> bool {
        let fits = |pattern: &String| fits(pattern, name) || tags.iter().any(|tag| fits(pattern, tag));
        (self.selecting.is_empty() || self.selecting.iter().any(fits)) && !self.refusing.iter().any(fits)
    }
}

fn fits(pattern: &str, text: &str) -> bool {
    if pattern.contains(['*', '?']) { is_match(pattern, text) } else { text.contains(pattern) }
}

/// The usual walk with one point of return, the last star: no pattern takes longer than length times length.
fn is_match(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut seen) = (0, 0);
    let mut star = None;
    while seen < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(c) if *c == '?' || *c == text[seen] => {
                at += 1;
                seen += 1;
            }
            _ => {
                let Some((place, from)) = star else { return false };
                star = Some((place, from + 1));
                at = place + 1;
                seen = from + 1;
            }
        }
    }
    pattern[at..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selects(patterns: &[&str], name: &str, tags: &[&str]) -> bool {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        Filter::new(&owned(patterns)).selects(name, &owned(tags))
    }

    #[test]
    fn a_part_of_a_name_or_tag_is_enough() {
        assert!(selects(&[], "seed/sync", &[]));
        assert!(selects(&["ync"], "seed/sync", &[]));
        assert!(selects(&["slow"], "seed/sync", &["slow"]));
        assert!(selects(&["bugs", "seed"], "seed/sync", &[]));
        assert!(!selects(&["bugs"], "seed/sync", &["slow"]));
    }

    #[test]
    fn stars_fit_a_whole_one() {
        assert!(selects(&["seed/*"], "seed/sync", &[]));
        assert!(selects(&["*/?ync"], "seed/sync", &[]));
        assert!(selects(&["*a*b*"], "xaxxab", &[]));
        assert!(!selects(&["seed*c?"], "seed/sync", &[]));
        assert!(!selects(&["s?"], "seed/sync", &[]));
        assert!(selects(&["*"], "", &[]));
    }

    #[test]
    fn an_exclamation_mark_refuses() {
        assert!(!selects(&["!slow"], "seed/sync", &["slow"]));
        assert!(selects(&["!slow"], "seed/sync", &[]));
        assert!(!selects(&["seed", "!*/sync"], "seed/sync", &[]));
        assert!(selects(&["seed", "!*/sync"], "seed/async", &[]));
    }

    #[test]
    fn no_pattern_takes_long() {
        let pattern = "*a".repeat(200);
        assert!(!selects(&[&pattern, "never"], &"a".repeat(199), &[]));
        assert!(!selects(&[&format!("{pattern}b")], &"a".repeat(5_000), &[]));
    }
}
