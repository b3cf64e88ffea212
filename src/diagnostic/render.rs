//! The one renderer of mistakes: the user's own lines with carets, in colour or plain.

use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{
    Annotation, AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet, normalize_untrusted_str,
};
use anstream::adapter::strip_str;

use crate::source::{Source, Span};

use super::{Diagnostic, Label, Severity};

/// How mistakes are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Plain text, the same on every machine.
    Plain,
    /// With the colours of a terminal, as ANSI escape codes.
    Colour,
}

/// So many characters of a line are shown at most; of longer ones, those around the place.
const LINE: usize = 160;
/// So many characters are underlined at most.
const CARETS: usize = 80;
/// Lines of the excerpt are folded by the renderer only where they do not fit this.
const WIDTH: usize = 400;
/// A message with a very long word of the user's in it is cut there, in characters.
const MESSAGE: usize = 400;

/// One mistake as people read it, ending with a line break. Its length does not depend on the length of the file.
pub fn render(diagnostic: &Diagnostic, style: Style) -> String {
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Colour => Renderer::styled().hyperlink(false),
    };
    let renderer = renderer.decor_style(DecorStyle::Ascii).term_width(WIDTH);
    let level = match diagnostic.code.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(cut(&diagnostic.message)).id(diagnostic.code.number());
    let mut group = Group::with_title(title);
    if diagnostic.labels.is_empty() {
        group = group.element(Element::Origin(Origin::path(path(&diagnostic.source))));
    }
    for excerpt in excerpts(diagnostic) {
        let snippet = Snippet::source(excerpt.text)
            .line_start(excerpt.line)
            .fold(false)
            .annotations(excerpt.marks.into_iter().map(Mark::annotation));
        group = match excerpt.origin {
            // The renderer would count columns from where the line was cut.
            Some(origin) => group.element(Element::Origin(origin)).element(snippet),
            None => group.element(snippet.path(path(&diagnostic.source))),
        };
    }
    if let Some(note) = &diagnostic.note {
        group = group.element(Level::NOTE.message(cut(note)));
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(cut(help)));
    }
    without_empty_origins(&renderer.render(&[group]))
}

/// The renderer names the path of every excerpt, also of those that have none because their place is named already.
fn without_empty_origins(text: &str) -> String {
    let named = |line: &&str| strip_str(line).to_string().trim() != ":::";
    text.lines().filter(named).flat_map(|line| [line, "\n"]).collect()
}

/// All mistakes of a file, with an empty line between them.
pub fn render_all(diagnostics: &[Diagnostic], style: Style) -> String {
    diagnostics.iter().map(|diagnostic| render(diagnostic, style)).collect::<Vec<_>>().join("\n")
}

/// The part of a line that is shown, and the places in it.
struct Excerpt {
    text: String,
    marks: Vec<Mark>,
    line: usize,
    /// The place, where it cannot be counted in what is shown.
    origin: Option<Origin<'static>>,
}

/// A place in an excerpt.
struct Mark {
    span: Range<usize>,
    kind: AnnotationKind,
    text: String,
}

impl Mark {
    fn annotation(self) -> Annotation<'static> {
        self.kind.span(self.span).label(Some(self.text).filter(|text| !text.is_empty()))
    }
}

/// The lines that a mistake is about, each once.
fn excerpts(diagnostic: &Diagnostic) -> Vec<Excerpt> {
    let mut excerpts: Vec<Excerpt> = Vec::new();
    for (at, label) in diagnostic.labels.iter().enumerate() {
        let kind = if at == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
        let excerpt = Excerpt::of(&diagnostic.source, label, kind);
        match excerpts.iter_mut().find(|known| known.line == excerpt.line && known.text == excerpt.text) {
            Some(known) => known.marks.extend(excerpt.marks),
            None => excerpts.push(excerpt),
        }
    }
    excerpts
}

impl Excerpt {
    fn of(source: &Source, label: &Label, kind: AnnotationKind) -> Self {
        let place = source.place(label.span);
        let line = line_of(source.text(), label.span);
        let all = source.text();
        let (start, end) = (label.span.range().start, label.span.range().end.min(line.end));
        let fits = all[line.clone()].chars().nth(LINE).is_none();
        let before = &all[line.start..start];
        let before = if fits { before } else { last_chars(before, LINE / 2) };
        let under = first_chars(&all[start..end.max(start)], CARETS);
        let after = &all[start + under.len()..line.end];
        let after = if fits { after } else { first_chars(after, LINE - CARETS) };
        let is_cut = before.len() < start - line.start;
        let mut text = if is_cut { "...".to_owned() } else { String::new() };
        text.push_str(before);
        let span = text.len()..text.len() + under.len();
        text.push_str(under);
        text.push_str(after);
        if start + under.len() + after.len() < line.end {
            text.push_str("...");
        }
        let origin = is_cut.then(|| Origin::path(path(source)).line(place.line).char_column(place.column));
        Self { text, marks: vec![Mark { span, kind, text: cut(&label.text) }], line: place.line, origin }
    }
}

/// The bytes of the line in which a span starts, without its line break.
fn line_of(text: &str, span: Span) -> Range<usize> {
    let at = span.range().start;
    let start = text[..at].rfind('\n').map_or(0, |at| at + 1);
    let end = text[at..].find('\n').map_or(text.len(), |length| at + length);
    let end = if text[start..end].ends_with('\r') && end > at { end - 1 } else { end };
    start..end.max(at)
}

fn first_chars(text: &str, count: usize) -> &str {
    text.char_indices().nth(count).map_or(text, |(at, _)| &text[..at])
}

fn last_chars(text: &str, count: usize) -> &str {
    let skipped = text.char_indices().rev().nth(count.saturating_sub(1));
    skipped.map_or(text, |(at, _)| &text[at..])
}

/// A text that may hold the user's own words: without control characters, and not endless.
fn cut(text: &str) -> String {
    let text = text.trim_end();
    let short = first_chars(text, MESSAGE);
    let ellipsis = if short.len() < text.len() { "..." } else { "" };
    normalize_untrusted_str(short) + ellipsis
}

fn path(source: &Source) -> String {
    normalize_untrusted_str(&source.path().display().to_string())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::diagnostic::Code;
    use proptest::prelude::*;

    fn shown(text: &str, bytes: Range<usize>) -> String {
        let source = Arc::new(Source::new("a.yaml", text));
        let span = source.span_of_bytes(bytes);
        render(
            &Diagnostic::new(Code::UnknownField, &source, span, "unknown field 'cuont'")
                .help("did you mean?"),
            Style::Plain,
        )
    }

    #[test]
    fn it_shows_the_line_and_the_place() {
        insta::assert_snapshot!(shown("topic: a\ncuont: 3\n", 9..14), @r"
        error[E012]: unknown field 'cuont'
         --> a.yaml:2:1
          |
        2 | cuont: 3
          | ^^^^^
          |
          = help: did you mean?
        ");
    }

    #[test]
    fn a_very_long_line_is_cut_around_the_place() {
        let text = format!("{}我{}", "a".repeat(500_000), "b".repeat(500_000));
        let shown = shown(&text, 500_000..500_003);
        assert!(shown.len() < 2_000, "{} bytes", shown.len());
        assert!(shown.contains("1:500001"), "{shown}");
        assert!(self::shown(&text, 0..1_000_000).len() < 2_000);
    }

    proptest! {
        #[test]
        fn no_text_and_no_span_makes_it_panic(text in any::<String>(), a in 0usize..300, b in 0usize..300, colour: bool) {
            let source = Arc::new(Source::new(text.clone(), text.clone()));
            let mut diagnostic = Diagnostic::new(Code::Yaml, &source, source.span_of_bytes(a..b), text.clone());
            diagnostic.labels.push(Label { span: source.span_of_chars(b..a), text: text.clone() });
            let style = if colour { Style::Colour } else { Style::Plain };
            prop_assert!(render(&diagnostic.help(text.clone()).note(text), style).ends_with('\n'));
        }
    }
}
