//! The commonest slip, a template without quotes, where it keeps a text from being YAML at all: it is reported at its
//! place and covered, so that it hides nothing else.

use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use serde_yaml::granit_parser::ScanError;

use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Source, Span};

use super::build::{self, Stop};
use super::mistakes::{syntax_mistake, unquoted};
use super::node::Node;

/// So many slips of one file are covered; whatever else is wrong shows when they are mended.
const MAX_SLIPS: usize = 32;

/// Reads a document as a tree, with everything that is wrong with it as YAML in `found`. None where it cannot be read
/// beyond that.
pub(in crate::scenario) fn parse(source: &Arc<Source>, found: &mut Vec<Diagnostic>) -> Option<Rc<Node>> {
    let mut covered = Covered { text: source.text().to_owned(), slips: Vec::new() };
    let mut failed: Option<(usize, Failure)> = None;
    loop {
        let mut inside = Vec::new();
        let stop = match build::parse(source, &covered.text, &covered.slips, &mut inside) {
            Ok(root) => {
                covered.report(source, found);
                found.append(&mut inside);
                return Some(root);
            }
            Err(stop) => stop,
        };
        let mistake = match stop {
            Stop::Syntax(error, bracket) => {
                let at = byte_of(&covered.text, &error);
                let error = Failure { error, bracket };
                let (mended, blamed) = match failed.take() {
                    // What was covered did not help, so it was not what is wrong.
                    Some((before, error)) if at <= before => {
                        covered.slips.pop();
                        (false, error)
                    }
                    _ => (covered.cover_before(at), error),
                };
                if mended {
                    failed = Some((at, blamed));
                    continue;
                }
                syntax_mistake(source, &blamed.error, blamed.bracket)
            }
            Stop::Budget(mistake) => *mistake,
            Stop::Empty => Diagnostic::of_file(Code::Empty, source, "nothing is written in this file")
                .help("the smallest scenario is two lines: 'topic: orders' and 'count: 10'"),
        };
        covered.report(source, found);
        found.push(mistake);
        return None;
    }
}

/// Why a text could not be read.
struct Failure {
    error: ScanError,
    bracket: Option<Span>,
}

/// The text with its slips covered by as many bytes of something harmless.
struct Covered {
    text: String,
    slips: Vec<Range<usize>>,
}

impl Covered {
    /// Covers the template before a place, if there is one.
    fn cover_before(&mut self, at: usize) -> bool {
        if self.slips.len() == MAX_SLIPS {
            return false;
        }
        let Some(slip) = template_before(&self.text, at) else { return false };
        self.text.replace_range(slip.clone(), &"x".repeat(slip.len()));
        self.slips.push(slip);
        true
    }

    fn report(&self, source: &Arc<Source>, found: &mut Vec<Diagnostic>) {
        let spans = self.slips.iter().map(|slip| source.span_of_bytes(slip.clone()));
        found.extend(spans.map(|span| unquoted(source, span)));
    }
}

fn byte_of(text: &str, error: &ScanError) -> usize {
    let marker = error.marker();
    marker
        .byte_offset()
        .unwrap_or_else(|| text.char_indices().nth(marker.index()).map_or(text.len(), |(at, _)| at))
}

/// The last `{{ … }}`, `{% … %}` or `${…}` that begins at or before a place, on its line or the line before.
fn template_before(text: &str, at: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let line_end = text.get(at..)?.find('\n').map_or(text.len(), |length| at + length);
    let lines = text.get(..at)?.rmatch_indices('\n').nth(1).map_or(0, |(newline, _)| newline + 1);
    let begins = |from: &usize| matches!(bytes.get(*from..*from + 2), Some(b"{{" | b"{%" | b"${"));
    let start = (lines..(at + 1).min(line_end)).rev().find(begins)?;
    // Of `{{{` the template is the first pair.
    let start = if start > lines && begins(&(start - 1)) { start - 1 } else { start };
    let close = match bytes.get(start..start + 2) {
        Some(b"{%") => "%}",
        Some(b"${") => "}",
        _ => "}}",
    };
    let length = text.get(start..)?.find(close)? + close.len();
    let slip = text.get(start..start + length)?;
    (!slip.contains('\n')).then_some(start..start + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> Vec<(Code, String)> {
        let source = Arc::new(Source::new("a.yaml", text));
        let mut found = Vec::new();
        parse(&source, &mut found);
        found.iter().map(|d| (d.code, source.slice(d.labels[0].span).to_owned())).collect()
    }

    #[test]
    fn a_template_without_quotes_is_told_from_a_mapping() {
        for (text, slip) in [
            ("key: {{ i }}\nb: 1", "{{ i }}"),
            ("value: {{ i }} order\nb: 1", "{{ i }}"),
            ("value: {{ i }}-{{ n }}\nb: 1", "{{ i }}"),
            ("value: {{ pad(i, 3) }}\nb: 1", "{{ pad(i, 3) }}"),
            ("a: {b: x{{ i }}}\nb: 1", "{{ i }}"),
            ("a: [{{ i }}, 我{{ i }}]", "{{ i }}"),
            ("a:\n  - {{ i }}\n", "{{ i }}"),
            ("a: {% if i %}x{% endif %}\nb: 1", "{% if i %}"),
        ] {
            let found = codes(text);
            assert!(!found.is_empty(), "{text}");
            assert!(found.iter().all(|(code, _)| *code == Code::Unquoted), "{text}: {found:?}");
            assert_eq!(found[0].1, slip, "{text}");
        }
    }

    #[test]
    fn a_value_of_the_matrix_in_braces_stands_in_quotes() {
        for text in
            ["a: {b: ${c}}", "a: {b: x${c}y}", "a: [1, ${c}]", "a: {${c}: 1}", "a: {b: {d: ${c}}, e: 1}"]
        {
            assert_eq!(codes(text), [(Code::Unquoted, "${c}".to_owned())], "{text}");
        }
        for text in ["a: ${c}", "a: x${c}", "- ${c}", "${c}: 1", "a: {b: \"${c}\"}"] {
            assert_eq!(codes(text), [], "{text}");
        }
    }

    #[test]
    fn a_quoted_template_near_another_mistake_is_not_blamed() {
        assert_eq!(codes("key: \"{{ i }}\"\nvalue: \"x\" y\n")[0].0, Code::Yaml);
        assert_eq!(codes("value: \"{{ i }}\n").len(), 1);
        assert_eq!(codes("value: \"{{ i }}\n")[0].0, Code::Yaml);
    }

    #[test]
    fn a_slip_hides_no_other_mistake_of_the_text() {
        let found = codes("key: {{ i }} a\nvalue: {{ i }} b\nheaders: {{ i }}\nx: \"unclosed\n");
        let codes: Vec<_> = found.iter().map(|(code, _)| *code).collect();
        assert_eq!(codes, [Code::Unquoted, Code::Unquoted, Code::Yaml]);
    }
}
