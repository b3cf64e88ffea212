//! What can be wrong with a text as YAML, in words that help.

use std::sync::Arc;

use serde_yaml::granit_parser::{ErrorKind, ScanError};

use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Source, Span};

/// The mistake of a node that lies too deep.
pub(super) fn too_deep(source: &Arc<Source>, span: Span) -> Diagnostic {
    Diagnostic::new(Code::Budget, source, span, "this lies too deep: a scenario has at most 64 levels")
}

/// The mistake of a template without quotes.
pub(super) fn unquoted(source: &Arc<Source>, span: Span) -> Diagnostic {
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

/// What keeps a text from being YAML, in words that help.
pub(super) fn syntax_mistake(source: &Arc<Source>, error: &ScanError) -> Diagnostic {
    let at = error.marker();
    let span = match at.byte_offset() {
        Some(byte) => source.span_of_bytes(byte..byte + 1),
        None => source.span_of_chars(at.index()..at.index() + 1),
    };
    match error.kind() {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart => {
            Diagnostic::new(Code::Tab, source, span, "YAML is indented by spaces, never by tabs")
                .help("put spaces there")
        }
        ErrorKind::RecursionLimitExceeded => too_deep(source, span),
        ErrorKind::UnknownAnchor => Diagnostic::new(
            Code::Yaml,
            source,
            span,
            "this alias repeats an anchor that the file does not have",
        ),
        _ => Diagnostic::new(Code::Yaml, source, span, format!("this is not YAML: {}", error.kind())),
    }
}
