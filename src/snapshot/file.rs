//! The file of a snapshot: a header, `---`, and the text. Only the text counts.

use std::path::Path;
use std::sync::Arc;

use crate::diagnostic::{Code, Diagnostic};
use crate::disk::{self, DiskError};
use crate::source::Source;

use super::Header;

/// Larger files are no snapshots: a view is cut long before.
const LARGEST: u64 = 16 << 20;

/// A view that was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// What stands above, for people; it is not compared.
    pub header: Header,
    /// The text, without blank ends, lines ended by `\n`.
    pub text: String,
}

/// Why a snapshot cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The disk refuses.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// It is there, and is none.
    #[error("{}", _0.message)]
    Mistake(Box<Diagnostic>),
}

impl Snapshot {
    /// A snapshot of a text. Blank ends are taken off, as insta does.
    pub fn new(header: Header, text: &str) -> Self {
        Self { header, text: text.trim_end().replace("\r\n", "\n") }
    }

    /// The snapshot at a path; none where there is no file.
    pub fn load(path: &Path) -> Result<Option<Self>, LoadError> {
        let Some(bytes) = disk::read(path, LARGEST)? else { return Ok(None) };
        if bytes.len() as u64 > LARGEST {
            let source = Arc::new(Source::new(path, ""));
            return Err(broken(&source, format!("no snapshot: larger than {} MiB", LARGEST >> 20)));
        }
        Self::of_bytes(path, &bytes).map(Some)
    }

    /// Writes it, whole or not at all.
    pub(super) fn save(&self, path: &Path) -> Result<(), DiskError> {
        disk::replace(path, self.to_string().as_bytes())
    }

    fn of_bytes(path: &Path, bytes: &[u8]) -> Result<Self, LoadError> {
        let text = String::from_utf8_lossy(bytes);
        let source = Arc::new(Source::new(path, text.strip_prefix('\u{feff}').unwrap_or(&text)));
        if std::str::from_utf8(bytes).is_err() {
            return Err(broken(&source, "a snapshot that is not UTF-8"));
        }
        if let Some(marker) = conflict(source.text()) {
            let message = "a snapshot with the markers of a merge conflict";
            let mistake =
                Diagnostic::new(Code::MergeConflict, &source, source.span_of_bytes(marker), message)
                    .help("keep one side, or delete the file and run again");
            return Err(LoadError::Mistake(Box::new(mistake)));
        }
        let Some((header, text)) = split(source.text()) else {
            return Err(broken(&source, "no snapshot: it has no header between two lines `---`"));
        };
        match Header::of_yaml(header) {
            Ok(header) => Ok(Self::new(header, text)),
            Err(error) => Err(broken(&source, format!("a snapshot whose header is not readable: {error}"))),
        }
    }
}

fn broken(source: &Arc<Source>, message: impl Into<String>) -> LoadError {
    let mistake = Diagnostic::new(Code::BrokenSnapshot, source, source.span_of_bytes(0..0), message)
        .help("delete the file and run again, or bring it back from version control");
    LoadError::Mistake(Box::new(mistake))
}

impl std::fmt::Display for Snapshot {
    /// The whole file.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}---\n{}\n", self.header, self.text)
    }
}

/// Header and text of a file that starts with the line `---` and has a second one.
fn split(file: &str) -> Option<(&str, &str)> {
    let after = |line: &str| line.trim_end() == "---";
    let mut at = 0;
    let mut start = None;
    for line in file.split_inclusive('\n') {
        match start {
            None if after(line) => start = Some(at + line.len()),
            None => return None,
            Some(start) if after(line) => return Some((&file[start..at], &file[at + line.len()..])),
            Some(_) => {}
        }
        at += line.len();
    }
    None
}

/// The first line that git left for a person to settle.
fn conflict(file: &str) -> Option<std::ops::Range<usize>> {
    let mut at = 0;
    for line in file.split_inclusive('\n') {
        let marks = ["<<<<<<<", "|||||||", "=======", ">>>>>>>"];
        let rest = marks.iter().find_map(|mark| line.strip_prefix(mark));
        if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\n', '\r'])) {
            return Some(at..at + line.trim_end().len());
        }
        at += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use proptest::prelude::*;

    use super::*;
    use crate::snapshot::Info;

    fn header() -> Header {
        Header {
            source: Some("scenarios/a.yaml".into()),
            info: Info { view: Some(1), client: "librdkafka".into(), ..Info::default() },
            ..Header::default()
        }
    }

    fn load(bytes: &[u8]) -> Result<Snapshot, LoadError> {
        Snapshot::of_bytes(Path::new("a.snap"), bytes)
    }

    fn message(bytes: &[u8]) -> String {
        load(bytes).unwrap_err().to_string()
    }

    #[test]
    fn there_may_be_none() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Snapshot::load(&folder.path().join("a.snap")).unwrap().is_none());
        assert!(matches!(Snapshot::load(folder.path()), Err(LoadError::Disk(_))));
    }

    #[test]
    fn ends_of_lines_and_blank_ends_do_not_count() {
        let snapshot = load(b"\xef\xbb\xbf---\r\nsource: a\r\n---\r\nlog  a\r\n     b\r\n\r\n").unwrap();
        assert_eq!(snapshot.text, "log  a\n     b");
        assert_eq!(snapshot.header.source.as_deref(), Some("a"));
    }

    #[test]
    fn dashes_in_the_text_are_text() {
        assert_eq!(load(b"---\n---\na\n---\nb\n").unwrap().text, "a\n---\nb");
    }

    #[test]
    fn markers_of_a_merge_conflict_have_a_place() {
        let file = b"---\nsource: a\n---\na\n<<<<<<< HEAD\nb\n=======\nc\n>>>>>>> other\n";
        let Err(LoadError::Mistake(mistake)) = load(file) else { panic!("it is a mistake") };
        let place = mistake.source.place(mistake.labels[0].span);
        assert_eq!((place.line, place.column), (5, 1));
    }

    #[test]
    fn what_is_no_snapshot_says_so() {
        assert_eq!(message(b""), "no snapshot: it has no header between two lines `---`");
        assert_eq!(message(b"log a"), "no snapshot: it has no header between two lines `---`");
        assert_eq!(message(b"---\nsource: a\n"), "no snapshot: it has no header between two lines `---`");
        assert_eq!(message(b"---\n\xff\n---\n"), "a snapshot that is not UTF-8");
        assert!(message(b"---\na: {\n---\n").starts_with("a snapshot whose header is not readable: "));
    }

    #[test]
    fn a_file_that_never_ends_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.snap");
        File::create(&path).unwrap().set_len(LARGEST + 1).unwrap();
        assert_eq!(Snapshot::load(&path).unwrap_err().to_string(), "no snapshot: larger than 16 MiB");
    }

    #[test]
    fn insta_reads_what_we_write_and_writes_what_we_read() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, theirs) = (folder.path().join("ours.snap"), folder.path().join("theirs.snap"));
        let mut header = header();
        header.description = Some("two\nlines: \"of\" text".into());
        header.info.settings = vec![("p 1".into(), vec![("acks".into(), "a: b".into())])];
        let snapshot = Snapshot::new(header, "timeline  send 0 我\n          ok 0\n");
        snapshot.save(&ours).unwrap();
        let read = insta::Snapshot::from_file(&ours).unwrap();
        assert_eq!(read.as_text().unwrap().to_string(), snapshot.text);
        assert_eq!(read.metadata().source(), Some("scenarios/a.yaml"));
        assert_eq!(read.metadata().description(), Some("two\nlines: \"of\" text"));
        read.save(&theirs).unwrap();
        assert_eq!(Snapshot::load(&theirs).unwrap().unwrap(), snapshot);
    }

    proptest! {
        #[test]
        fn accepting_with_insta_changes_nothing(
            text in "\\PC{0,40}(\n\\PC{0,40}){0,3}",
            description in "\\PC{1,30}",
            key in "[a-z.]{1,10}",
            value in "\\PC{1,20}",
        ) {
            let folder = tempfile::tempdir().unwrap();
            let (ours, theirs) = (folder.path().join("a.snap.new"), folder.path().join("a.snap"));
            let mut header = header();
            header.description = Some(description);
            header.info.settings = vec![("producer".into(), vec![(key, value)])];
            let snapshot = Snapshot::new(header, &text);
            snapshot.save(&ours).unwrap();
            insta::Snapshot::from_file(&ours).unwrap().save(&theirs).unwrap();
            let kept = Snapshot::load(&theirs).unwrap().unwrap();
            prop_assert_eq!(&kept.text, &snapshot.text);
            prop_assert_eq!(kept.header.info.view, Some(1));
            prop_assert_eq!(fs::read_to_string(&theirs).unwrap(), snapshot.to_string());
        }

        #[test]
        fn no_file_is_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(load(&bytes));
            drop(load(&[b"---\n", bytes.as_slice(), b"\n---\nx"].concat()));
        }
    }
}
