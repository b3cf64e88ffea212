//! What can be wrong with a text as YAML, in words that help.

use std::ops::Range;
use std::sync::Arc;

use serde_yaml::granit_parser::{ErrorKind, ScanError};

use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Source, Span};

/// The mistake of a node that lies too deep.
pub(super) fn too_deep(source: &Arc<Source>, span: Span) -> Diagnostic {
    Diagnostic::new(Code::Budget, source, span, "this lies too deep: a scenario has at most 64 levels")
}

/// The mistake of a template without quotes, or of a value of the matrix inside of braces or brackets.
pub(super) fn unquoted(source: &Arc<Source>, span: Span) -> Diagnostic {
    if source.slice(span).starts_with('$') {
        let message = "inside of braces and brackets a value of the matrix stands in quotes";
        return Diagnostic::new(Code::Unquoted, source, span, message)
            .help(format!("put the whole text in quotes, such as \"{}\"", source.slice(span)));
    }
    Diagnostic::new(
        Code::Unquoted,
        source,
        span,
        "a template stands in quotes; without them YAML reads a mapping",
    )
    .help(match source.slice(span) {
        text if text.contains('"') => format!("put the whole value in quotes, such as '{text}'"),
        text => format!("put the whole value in quotes, such as \"{text}\""),
    })
}

/// What keeps a text from being YAML, in words that help; with the bracket that was open there.
pub(super) fn syntax_mistake(source: &Arc<Source>, error: &ScanError, bracket: Option<Span>) -> Diagnostic {
    let at = error.marker();
    let byte = at.byte_offset().unwrap_or_else(|| source.span_of_chars(at.index()..at.index()).range().start);
    let span = source.span_of_bytes(byte..byte + 1);
    match error.kind() {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart => {
            let span = source.span_of_bytes(tab_before(source.text(), byte));
            Diagnostic::new(Code::Tab, source, span, "YAML is indented by spaces, never by tabs")
                .help("put spaces there")
        }
        ErrorKind::RecursionLimitExceeded => too_deep(source, span),
        _ => {
            let mistake =
                Diagnostic::new(Code::Yaml, source, span, format!("this is not YAML: {}", error.kind()));
            match bracket {
                Some(bracket) => mistake.and(bracket, "this may have no end"),
                None => mistake,
            }
        }
    }
}

/// The tab that the parser stumbled over: it names the place of the tab or the one behind it.
fn tab_before(text: &str, at: usize) -> Range<usize> {
    let bytes = text.as_bytes();
    let found = [at, at.saturating_sub(1)].into_iter().find(|at| bytes.get(*at) == Some(&b'\t'));
    found.map_or(at..at + 1, |tab| tab..tab + 1)
}
