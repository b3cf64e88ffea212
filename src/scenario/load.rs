//! Reads a file into a [`Source`], within limits.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use crate::diagnostic::{Code, Diagnostic};
use crate::source::Source;

/// The size of the largest scenario file, in bytes: 1 MiB.
pub const MAX_BYTES: u64 = 1 << 20;

/// Reads a scenario file. A byte order mark at its start is no part of the text. Refused are: what is no regular
/// file, what cannot be read, more than [`MAX_BYTES`] (by its size, before a byte of it is read), what is not UTF-8,
/// and what holds control characters that no text has.
pub fn load(path: &Path) -> Result<Arc<Source>, Box<Diagnostic>> {
    let bytes = read(path).map_err(|refusal| {
        let source = Arc::new(Source::new(path, ""));
        let mistake = Diagnostic::of_file(refusal.code, &source, refusal.message);
        Box::new(Diagnostic { help: refusal.help.map(str::to_owned), ..mistake })
    })?;
    let text = String::from_utf8(bytes).map_err(|error| Box::new(not_utf8(path, &error)))?;
    let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
    let source = Arc::new(Source::new(path, text));
    match source.text().find(is_refused) {
        None => Ok(source),
        Some(at) => Err(Box::new(control_character(&source, at))),
    }
}

/// Why a file was refused before anything of its text is known.
struct Refusal {
    code: Code,
    message: String,
    help: Option<&'static str>,
}

fn read(path: &Path) -> Result<Vec<u8>, Refusal> {
    let unreadable = |error: io::Error| Refusal {
        code: Code::Unreadable,
        message: format!("this file cannot be read: {}", words(&error)),
        help: None,
    };
    let found = path.metadata().map_err(unreadable)?;
    if found.is_dir() {
        let message = "this is a directory, not a scenario file".to_owned();
        return Err(Refusal { code: Code::Unreadable, message, help: None });
    }
    if !found.is_file() {
        let message = "this is not a regular file".to_owned();
        return Err(Refusal { code: Code::Unreadable, message, help: None });
    }
    let mut bytes = Vec::new();
    if found.len() <= MAX_BYTES {
        // It may have grown since it was asked for its size.
        let file = File::open(path).map_err(unreadable)?;
        file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    }
    let length = found.len().max(bytes.len() as u64);
    if length <= MAX_BYTES {
        return Ok(bytes);
    }
    Err(Refusal {
        code: Code::TooLarge,
        message: format!("this file has {length} bytes; a scenario has at most {MAX_BYTES}"),
        help: Some("long messages are made by templates: value: \"{{ repeat('x', '1MiB') }}\""),
    })
}

/// The system's words without the number behind them, which differs between systems.
fn words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

fn not_utf8(path: &Path, error: &std::string::FromUtf8Error) -> Diagnostic {
    let at = error.utf8_error().valid_up_to();
    let bytes = error.as_bytes();
    let shown = Arc::new(Source::new(path, String::from_utf8_lossy(bytes)));
    // Everything before the first bad byte is as it was, so its place is the same in what is shown.
    let byte = bytes.get(at).copied().unwrap_or_default();
    let mistake = Diagnostic::new(
        Code::NotUtf8,
        &shown,
        shown.span_of_bytes(at..at + 1),
        format!("this file is not UTF-8: byte 0x{byte:02x} at offset {at}"),
    );
    let utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    mistake.help(if utf16 { "it looks like UTF-16; save it as UTF-8" } else { "save it as UTF-8" })
}

/// What YAML does not allow in a text and what would only hide in it.
fn is_refused(character: char) -> bool {
    character.is_control() && !matches!(character, '\t' | '\n' | '\r' | '\u{85}')
}

fn control_character(source: &Arc<Source>, at: usize) -> Diagnostic {
    let character = source.text().get(at..).and_then(|rest| rest.chars().next()).unwrap_or_default();
    let name = if character == '\0' {
        "a NUL character".to_owned()
    } else {
        format!("the control character U+{:04X}", u32::from(character))
    };
    let span = source.span_of_bytes(at..at + 1);
    Diagnostic::new(Code::ControlCharacter, source, span, format!("{name} in the text"))
        .help("inside double quotes it is written as an escape, such as \"\\x00\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Place;

    fn loaded(bytes: &[u8]) -> Result<Arc<Source>, Box<Diagnostic>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        std::fs::write(&path, bytes).unwrap();
        load(&path)
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_text() {
        assert_eq!(loaded("\u{feff}topic: 我".as_bytes()).unwrap().text(), "topic: 我");
    }

    #[test]
    fn the_first_bad_byte_is_named_with_its_place() {
        let mistake = loaded("a: 我\nb: \u{e4}".as_bytes()).map(|_| ()).err();
        assert_eq!(mistake, None);
        let mistake = loaded(b"a: \xe6\x88\x91\nb: \xe4").unwrap_err();
        assert_eq!(mistake.code, Code::NotUtf8);
        assert_eq!(mistake.source.place(mistake.labels[0].span), Place { line: 2, column: 4 });
    }

    #[test]
    fn what_is_no_text_is_refused() {
        assert_eq!(loaded(b"a: \0").unwrap_err().code, Code::ControlCharacter);
        assert_eq!(load(Path::new("/")).unwrap_err().code, Code::Unreadable);
        assert_eq!(load(Path::new("/no/such/file")).unwrap_err().code, Code::Unreadable);
        assert_eq!(load(Path::new("/dev/zero")).unwrap_err().code, Code::Unreadable);
    }

    #[test]
    fn a_large_file_is_refused_by_its_size() {
        let mistake = loaded(&vec![b'#'; 1 + (1 << 20)]).unwrap_err();
        assert_eq!(mistake.code, Code::TooLarge);
        assert!(loaded(&vec![b'#'; 1 << 20]).is_ok());
    }
}
