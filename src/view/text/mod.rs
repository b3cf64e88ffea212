//! The text of a view. Its grammar is laid down in `docs/snapshot.md`; different views have different texts.

mod number;
mod phrase;
mod words;

use std::fmt::{self, Write as _};

use sha2::{Digest, Sha256};

use crate::view::View;
use crate::view::block::{Block, Style};

use words::Words;

impl View {
    /// The text, without a line break at its end. What is longer than the scenario's `max_lines` is cut there.
    pub fn text(&self) -> String {
        let mut page = Page::new(self.max_lines);
        for block in &self.blocks {
            page.block(self, block);
        }
        page.finish()
    }
}

/// Takes lines, keeps as many as it may, and digests all of them if there are more.
struct Page {
    max_lines: u64,
    lines: u64,
    text: String,
    digest: Option<Sha256>,
    line: String,
}

impl Page {
    fn new(max_lines: u32) -> Self {
        let max_lines = u64::from(max_lines);
        Self { max_lines, lines: 0, text: String::new(), digest: None, line: String::new() }
    }

    fn block(&mut self, view: &View, block: &Block) {
        let width = |label: &str| label.chars().count();
        let labels = block.lanes.iter().map(|lane| width(&lane.label)).max().unwrap_or(0);
        let mut name = block.name;
        for lane in &block.lanes {
            let words = Words { names: &view.names, folded: &lane.folded };
            let mut label = lane.label.as_str();
            let mut each = |entry: &str| {
                self.line.clear();
                pad(&mut self.line, name, width(block.name) + 2);
                if labels > 0 {
                    pad(&mut self.line, label, labels + 2);
                }
                self.line.push_str(entry);
                (name, label) = ("", "");
                self.put();
            };
            match lane.style {
                Style::Lines => words.lines(&mut each),
                Style::List => words.list(&mut each),
            }
        }
    }

    /// Adds the line that stands in the buffer.
    fn put(&mut self) {
        if self.lines == self.max_lines {
            self.digest = Some(Sha256::new_with_prefix(self.text.as_bytes()));
        }
        let line_break = if self.lines == 0 { "" } else { "\n" };
        self.lines += 1;
        match &mut self.digest {
            Some(digest) => {
                digest.update(line_break.as_bytes());
                digest.update(self.line.as_bytes());
            }
            None => {
                self.text.push_str(line_break);
                self.text.push_str(&self.line);
            }
        }
    }

    fn finish(mut self) -> String {
        if let Some(digest) = self.digest {
            let more = self.lines - self.max_lines;
            let line_break = if self.max_lines == 0 { "" } else { "\n" };
            let _infallible = write!(
                self.text,
                "{line_break}… {more} more lines, SHA-256 of all: {}",
                Hex(&digest.finalize())
            );
        }
        self.text
    }
}

/// Appends a text and blanks up to that width.
fn pad(line: &mut String, text: &str, width: usize) {
    line.push_str(text);
    line.extend(std::iter::repeat_n(' ', width.saturating_sub(text.chars().count())));
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
