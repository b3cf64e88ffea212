//! What stands in a lane, line by line.

use crate::view::block::Names;
use crate::view::folded::{Aside, Cycle, Entry, Folded, Line};
use crate::view::line::What;

use super::number::{Number, Variables};
use super::phrase::{Phrase, after, before};

/// In a list, so many items stand on a line.
const ITEMS: usize = 16;

/// Writes what stands in a lane.
pub(super) struct Words<'a> {
    pub(super) names: &'a Names,
    pub(super) folded: &'a Folded,
}

impl Words<'_> {
    /// Hands out a line for each entry, more than one for a long set.
    pub(super) fn lines(&self, each: &mut dyn FnMut(&str)) {
        let mut text = String::new();
        for entry in self.folded.entries() {
            text.clear();
            match entry {
                Entry::Cycle(cycle) => self.cycle(&mut text, cycle, ", "),
                Entry::Line(line) => match self.aside(line) {
                    Some(Aside::Set(what, set)) => {
                        self.set(*what, set, each);
                        continue;
                    }
                    Some(Aside::Text(words)) => text.push_str(words),
                    None => self.line(&mut text, line),
                },
            }
            each(&text);
        }
    }

    /// Hands out lines of items; a cycle has a line for itself.
    pub(super) fn list(&self, each: &mut dyn FnMut(&str)) {
        let mut text = String::new();
        let mut items = 0;
        for entry in self.folded.entries() {
            let alone = matches!(entry, Entry::Cycle(_));
            if items == ITEMS || alone && items > 0 {
                each(&text);
                text.clear();
                items = 0;
            }
            if items > 0 {
                text.push(' ');
            }
            items += if alone { ITEMS } else { 1 };
            match entry {
                Entry::Cycle(cycle) => self.cycle(&mut text, cycle, " "),
                Entry::Line(line) => self.line(&mut text, line),
            }
        }
        if items > 0 {
            each(&text);
        }
    }

    fn aside(&self, line: &Line) -> Option<&Aside> {
        match self.folded.head(line)?.what {
            What::Aside(place) => self.folded.asides.get(place as usize),
            _ => None,
        }
    }

    /// One thing said of a list; what follows its first line is indented.
    fn set(&self, what: What, set: &Folded, each: &mut dyn FnMut(&str)) {
        let mut line = String::new();
        before(&mut line, what);
        let mut begun = false;
        Words { names: self.names, folded: set }.list(&mut |items| {
            // A line is complete when the next one comes: what stands behind the list is on its last line.
            if begun {
                each(&line);
                line.clear();
                line.push_str("  ");
            }
            begun = true;
            line.push_str(items);
        });
        after(&mut line, what);
        each(&line);
    }

    fn line(&self, out: &mut String, line: &Line) {
        if let Some(head) = self.folded.head(line) {
            Phrase { names: self.names, head, at: line.at.map(Number::plain) }.write(out);
        }
    }

    fn cycle(&self, out: &mut String, cycle: &Cycle, comma: &str) {
        let mut variables = Variables::default();
        for (at, (line, rise)) in cycle.lines.iter().zip(&cycle.rise).enumerate() {
            if at > 0 {
                out.push_str(comma);
            }
            let at = [0, 1, 2].map(|n| variables.rising(line.at[n], rise[n]));
            if let Some(head) = self.folded.head(line) {
                Phrase { names: self.names, head, at }.write(out);
            }
        }
        variables.write(out, cycle.times);
    }
}
