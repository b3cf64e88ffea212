//! Whether what is differs from what was reviewed, and in which lines.

use std::time::Duration;

use similar::{ChangeTag, DiffOp, DiffTag, TextDiff};

use crate::view::HEADING;

use super::{Info, Snapshot};

/// Unchanged lines that are shown around a change.
const AROUND: usize = 3;

/// Two texts of 400 lines take a millisecond; for two of a million lines that have nothing in common the best that was
/// found by then is shown.
const LONGEST: Duration = Duration::from_millis(500);

/// What became of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// It is what was reviewed.
    Same,
    /// Nothing was reviewed yet.
    New {
        /// The text.
        text: String,
    },
    /// It differs.
    Different(Difference),
}

/// How a text differs from what was reviewed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The lines that differ, with some around them.
    pub lines: Vec<Line>,
    /// The versions of the view, old and new, where they differ: then the lines say little, and equal ones prove
    /// nothing. None for the old one: the file names no version.
    pub views: Option<(Option<u32>, Option<u32>)>,
    /// What else differs in what the texts were made with: a name, the old value, the new one.
    pub made_with: Vec<(String, String, String)>,
}

/// A line of a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// In both.
    Kept(String),
    /// Only in what was reviewed.
    Removed(String),
    /// Only in what is.
    Added(String),
    /// So many lines that are in both are left out.
    Skipped(usize),
}

impl Comparison {
    /// Compares what is with what was reviewed.
    pub fn of(reviewed: Option<&Snapshot>, new: &Snapshot) -> Self {
        let Some(old) = reviewed else { return Self::New { text: new.text.clone() } };
        let (before, now) = (&old.header.info, &new.header.info);
        let views = (before.view != now.view).then_some((before.view, now.view));
        if views.is_none() && old.text == new.text {
            return Self::Same;
        }
        Self::Different(Difference {
            lines: lines(&old.text, &new.text),
            views,
            made_with: made_with(before, now),
        })
    }
}

/// The lines in which two texts differ, with some around them.
pub fn lines(old: &str, new: &str) -> Vec<Line> {
    let before: Vec<&str> = old.split('\n').collect();
    let now: Vec<&str> = new.split('\n').collect();
    let diff = TextDiff::configure().timeout(LONGEST).diff_slices(&before, &now);
    let mut lines = Vec::new();
    let mut shown = 0;
    for group in diff.grouped_ops(AROUND) {
        let from = group.first().map_or(shown, |op| op.old_range().start);
        above(&mut lines, before.get(shown..from).unwrap_or_default(), before.get(from..first(&group)));
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let text = change.value().to_owned();
            lines.push(match change.tag() {
                ChangeTag::Equal => Line::Kept(text),
                ChangeTag::Delete => Line::Removed(text),
                ChangeTag::Insert => Line::Added(text),
            });
        }
        shown = group.last().map_or(shown, |op| op.old_range().end);
    }
    if !lines.is_empty() {
        skip(&mut lines, before.len() - shown);
    }
    lines
}

/// The old line at which a group has its first change.
fn first(group: &[DiffOp]) -> usize {
    let change = group.iter().find(|op| op.tag() != DiffTag::Equal);
    change.map_or(0, |op| op.old_range().start)
}

/// Leaves lines out, but for the heading of the section that a change is in, unless that is among those around it.
fn above(lines: &mut Vec<Line>, left_out: &[&str], around: Option<&[&str]>) {
    let is_heading = |line: &&str| line.starts_with(HEADING);
    let near = around.is_some_and(|around| around.iter().any(is_heading));
    match left_out.iter().rposition(is_heading).filter(|_| !near) {
        Some(heading) => {
            skip(lines, heading);
            lines.push(Line::Kept(left_out[heading].to_owned()));
            skip(lines, left_out.len() - heading - 1);
        }
        None => skip(lines, left_out.len()),
    }
}

fn skip(lines: &mut Vec<Line>, count: usize) {
    if count > 0 {
        lines.push(Line::Skipped(count));
    }
}

fn made_with(before: &Info, now: &Info) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    let mut compare = |name: &str, before: &str, now: &str| {
        if before != now {
            found.push((name.to_owned(), before.to_owned(), now.to_owned()));
        }
    };
    compare("client", &before.client, &now.client);
    compare("version", &before.version, &now.version);
    let (before, now) = (settings(before), settings(now));
    let value = |of: &[(String, String)], name: &str| {
        of.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default()
    };
    for (name, new) in &now {
        compare(name, &value(&before, name), new);
    }
    for (name, old) in before.iter().filter(|(name, _)| !now.iter().any(|(key, _)| key == name)) {
        compare(name, old, "");
    }
    found
}

/// Settings by name; the producer's name stands in front where there are several.
fn settings(info: &Info) -> Vec<(String, String)> {
    let several = info.settings.len() > 1;
    let named = info.settings.iter().flat_map(|(producer, settings)| {
        settings.iter().map(move |(key, value)| {
            (if several { format!("{producer}: {key}") } else { key.clone() }, value.clone())
        })
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::Header;

    fn snapshot(view: u32, version: &str, text: &str) -> Snapshot {
        let settings = vec![("producer".into(), vec![("acks".into(), version.into())])];
        let info = Info { view: Some(view), client: "librdkafka".into(), version: version.into(), settings };
        Snapshot::new(Header { info, ..Header::default() }, text)
    }

    fn difference(old: &Snapshot, new: &Snapshot) -> Difference {
        match Comparison::of(Some(old), new) {
            Comparison::Different(difference) => difference,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_the_text_is_compared() {
        assert_eq!(
            Comparison::of(Some(&snapshot(1, "2.11", "a\n")), &snapshot(1, "2.12", "a")),
            Comparison::Same
        );
        assert_eq!(Comparison::of(None, &snapshot(1, "2.12", "a")), Comparison::New { text: "a".into() });
    }

    #[test]
    fn a_difference_says_what_else_is_different() {
        let found = difference(&snapshot(1, "2.11", "a"), &snapshot(1, "2.12", "b"));
        assert_eq!(found.lines, [Line::Removed("a".into()), Line::Added("b".into())]);
        let names: Vec<_> = found.made_with.iter().map(|(name, ..)| name.as_str()).collect();
        assert_eq!(names, ["version", "acks"]);
        assert_eq!(found.views, None);
    }

    #[test]
    fn texts_of_two_views_are_never_the_same() {
        let found = difference(&snapshot(1, "2.12", "a"), &snapshot(2, "2.12", "a"));
        assert_eq!((found.views, found.lines), (Some((Some(1), Some(2))), vec![]));
        let mut bare = snapshot(1, "2.12", "a");
        bare.header.info.view = None;
        assert_eq!(difference(&bare, &snapshot(2, "2.12", "a")).views, Some((None, Some(2))));
    }

    #[test]
    fn lines_far_from_a_change_are_left_out() {
        let old: Vec<String> = (0..30).map(|n| n.to_string()).collect();
        let mut new = old.clone();
        new[15] = "changed".into();
        let found = difference(&snapshot(1, "", &old.join("\n")), &snapshot(1, "", &new.join("\n")));
        assert_eq!(found.lines.len(), 10);
        assert_eq!(found.lines[0], Line::Skipped(12));
        assert_eq!(found.lines[4], Line::Removed("15".into()));
        assert_eq!(found.lines[9], Line::Skipped(11));
    }

    #[test]
    fn the_heading_of_the_section_of_a_change_is_shown() {
        let section = |name: &str, last: &str| {
            let lines: Vec<_> = (0..10).map(|n| n.to_string()).collect();
            format!("== error: {name}\n{}\n{last}", lines.join("\n"))
        };
        let text = |last: &str| [section("A", "x"), section("B", last), section("C", "x")].join("\n\n");
        let found = difference(&snapshot(1, "", &text("x")), &snapshot(1, "", &text("y")));
        let kept = |line: &str| Line::Kept(line.into());
        let expected = [
            Line::Skipped(13),
            kept("== error: B"),
            Line::Skipped(7),
            kept("7"),
            kept("8"),
            kept("9"),
            Line::Removed("x".into()),
            Line::Added("y".into()),
            kept(""),
            kept("== error: C"),
            kept("0"),
            Line::Skipped(10),
        ];
        assert_eq!(found.lines, expected);
    }

    #[test]
    fn texts_without_anything_in_common_take_no_time() {
        let text = |salt: u32| {
            (0..20_000u32)
                .map(|n| n.wrapping_mul(salt).wrapping_mul(n).to_string())
                .collect::<Vec<_>>()
                .join("\n")
        };
        let found = difference(&snapshot(1, "", &text(2_654_435_761)), &snapshot(1, "", &text(40_503)));
        assert!(found.lines.len() > 20_000);
    }
}
