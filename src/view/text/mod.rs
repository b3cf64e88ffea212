//! The text of a view. Its grammar is laid down in `docs/snapshot.md`; different views have different texts.

mod number;
mod phrase;
mod section;
mod words;

use std::fmt::{self, Write as _};

use sha2::{Digest, Sha256};

use crate::view::View;
use crate::view::block::{Block, Style};

pub use section::{HEADING, sections};
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

    /// The names of the blocks whose text is not that of the other view.
    pub fn differs_in(&self, other: &Self) -> Vec<&'static str> {
        let blocks = self.blocks.iter().chain(&other.blocks);
        let mut names: Vec<_> = blocks.map(|block| block.name).collect();
        names.sort_unstable();
        names.dedup();
        names.retain(|name| self.block_text(name) != other.block_text(name));
        names
    }

    fn block_text(&self, name: &str) -> String {
        let mut page = Page::new(u32::MAX);
        let blocks = self.blocks.iter().filter(|block| block.name == name);
        blocks.for_each(|block| page.block(self, block));
        page.finish()
    }
}

/// Takes lines, keeps as many as it may, and digests all of them if there are more.
struct Page {
    max_lines: u64,
    lines: u64,
    text: String,
    /// Once there are more lines than it may keep.
    rest: Option<Rest>,
}

/// What is not kept.
struct Rest {
    digest: Sha256,
    /// Not yet digested: a piece at a time costs less than a line at a time.
    buffer: String,
}

const PIECE: usize = 1 << 16;

impl Page {
    fn new(max_lines: u32) -> Self {
        Self { max_lines: u64::from(max_lines), lines: 0, text: String::new(), rest: None }
    }

    fn block(&mut self, view: &View, block: &Block) {
        let width = |label: &str| label.chars().count();
        let labels = block.lanes.iter().map(|lane| width(&lane.label)).max().unwrap_or(0);
        let labels = if labels > 0 { labels + 2 } else { 0 };
        let indent = " ".repeat(width(block.name) + 2 + labels);
        let mut name = block.name;
        for lane in &block.lanes {
            let words = Words { names: &view.names, folded: &lane.folded };
            let mut first = String::new();
            pad(&mut first, name, width(block.name) + 2);
            pad(&mut first, &lane.label, labels);
            name = "";
            let mut each = |entry: &str| {
                self.put(if first.is_empty() { &indent } else { &first }, entry);
                first.clear();
            };
            match lane.style {
                Style::Lines => words.lines(&mut each),
                Style::List => words.list(&mut each),
            }
        }
    }

    /// Adds a line.
    fn put(&mut self, before: &str, entry: &str) {
        if self.lines == self.max_lines {
            let digest = Sha256::new_with_prefix(self.text.as_bytes());
            self.rest = Some(Rest { digest, buffer: String::with_capacity(PIECE) });
        }
        let text = self.rest.as_mut().map_or(&mut self.text, |rest| &mut rest.buffer);
        if self.lines > 0 {
            text.push('\n');
        }
        text.push_str(before);
        text.push_str(entry);
        self.lines += 1;
        if let Some(rest) = self.rest.as_mut().filter(|rest| rest.buffer.len() >= PIECE) {
            rest.digest.update(rest.buffer.as_bytes());
            rest.buffer.clear();
        }
    }

    fn finish(mut self) -> String {
        if let Some(mut rest) = self.rest {
            rest.digest.update(rest.buffer.as_bytes());
            let digest = rest.digest.finalize();
            let more = self.lines - self.max_lines;
            let line_break = if self.max_lines == 0 { "" } else { "\n" };
            let _infallible =
                write!(self.text, "{line_break}… {more} more lines, SHA-256 of all: {}", Hex(&digest));
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
