//! What stands in a lane: lines of facts, and cycles of lines.

use std::collections::HashMap;

use super::line::{Numbers, What};

/// A fact, or several that follow each other evenly: everything but its first numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Head {
    pub(super) what: What,
    /// Which submission of the message.
    pub(super) again: u16,
    /// How many facts.
    pub(super) count: u32,
    /// From one to the next, for each number; 0 where there is only one.
    pub(super) step: Numbers,
}

/// A line: a head by its place in [`Folded::heads`], and the first fact's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) head: u32,
    pub(super) at: Numbers,
}

/// What stands in a lane, folded.
#[derive(Clone, Debug, Default)]
pub(super) struct Folded {
    /// Lines that are part of no cycle.
    pub(super) lines: Vec<Line>,
    /// Cycles, each in front of the line of that place.
    pub(super) cycles: Vec<(usize, Cycle)>,
    pub(super) asides: Vec<Aside>,
    heads: Vec<Head>,
    places: HashMap<Head, u32>,
    /// The heads used last.
    recent: [u32; 2],
}

/// A line, or several that repeat.
#[derive(Clone, Copy, Debug)]
pub(super) enum Entry<'a> {
    Line(&'a Line),
    Cycle(&'a Cycle),
}

/// Lines that repeat, each number rising evenly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cycle {
    /// The first time.
    pub(super) lines: Vec<Line>,
    /// From one time to the next, for each line.
    pub(super) rise: Vec<Numbers>,
    /// How often.
    pub(super) times: u32,
}

/// What has no numbers that folding could use.
#[derive(Clone, Debug)]
pub(super) enum Aside {
    /// A text that nothing else is like.
    Text(String),
    /// One thing said of a set of submissions.
    Set(What, Folded),
}

impl Folded {
    /// The head of a line.
    pub(super) fn head(&self, line: &Line) -> Option<&Head> {
        self.heads.get(line.head as usize)
    }

    /// Lines and cycles in their order.
    pub(super) fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        let ends = self.cycles.iter().map(|(place, _)| *place).chain([self.lines.len()]);
        let starts = std::iter::once(0).chain(self.cycles.iter().map(|(place, _)| *place));
        let cycles = self.cycles.iter().map(|(_, cycle)| Some(Entry::Cycle(cycle))).chain([None]);
        starts.zip(ends).zip(cycles).flat_map(|((from, to), cycle)| {
            self.lines.get(from..to).unwrap_or_default().iter().map(Entry::Line).chain(cycle)
        })
    }

    /// Whether nothing stands in it.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.cycles.is_empty()
    }

    /// The place of a head.
    pub(super) fn place(&mut self, head: Head) -> u32 {
        // Most lanes are made of one or two.
        let known = |place: &&u32| self.heads.get(**place as usize) == Some(&head);
        if let Some(place) = self.recent.iter().find(known) {
            return *place;
        }
        let next = u32::try_from(self.heads.len()).unwrap_or(u32::MAX);
        let place = *self.places.entry(head).or_insert_with(|| {
            self.heads.push(head);
            next
        });
        self.recent = [place, self.recent[0]];
        place
    }
}
