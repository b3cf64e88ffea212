//! Folds facts as they come: neighbours that follow each other evenly into ranges, lines that repeat into cycles.
//! It takes the leftmost, longest fold, and loses nothing.

use std::collections::VecDeque;

use super::line::{Aside, Cycle, Entry, Folded, Head, Line, Numbers, What};

/// Neighbours with a step other than the plain one fold from so many on.
const EVEN: u32 = 4;
/// A cycle has at most so many lines.
const LONGEST: usize = 8;
/// And repeats at least so often.
const TIMES: u8 = 16;

/// Takes facts one at a time.
#[derive(Debug, Default)]
pub(super) struct Fold {
    run: Option<Run>,
    cycles: Cycles,
}

/// Facts that follow each other evenly.
#[derive(Clone, Copy, Debug)]
struct Run {
    what: What,
    again: u16,
    first: Numbers,
    last: Numbers,
    step: Numbers,
    count: u32,
}

impl Fold {
    /// Adds a fact: what, which submission of the message, and its numbers.
    pub(super) fn push(&mut self, what: What, again: u16, at: Numbers) {
        while let Some(run) = &mut self.run {
            if run.absorb(what, again, at) {
                return;
            }
            self.shorten();
        }
        self.run = Some(Run::of(what, again, at));
    }

    /// Adds `count` facts, the first number of each one above that of the one before.
    pub(super) fn push_run(&mut self, what: What, at: Numbers, count: u32) {
        // After three of them it is known that they make a run.
        for k in 0..count.min(3) {
            self.push(what, 0, [at[0] + i64::from(k), at[1], at[2]]);
        }
        if let (Some(run), Some(more)) = (&mut self.run, count.checked_sub(3)) {
            run.last[0] += i64::from(more);
            run.count += more;
        }
    }

    /// Adds one fact that is about all the submissions of a line.
    pub(super) fn push_whole(&mut self, head: Head, at: Numbers) {
        self.settle();
        self.cycles.push(head, at);
    }

    /// Adds what has no numbers that folding could use.
    pub(super) fn push_aside(&mut self, aside: Aside) {
        self.settle();
        let place = u32::try_from(self.cycles.folded.asides.len()).unwrap_or(u32::MAX);
        self.cycles.folded.asides.push(aside);
        self.push_whole(Head { what: What::Aside(place), again: 0, count: 1, step: [0; 3] }, [0; 3]);
    }

    /// Whether nothing was added.
    pub(super) fn is_empty(&self) -> bool {
        self.run.is_none() && self.cycles.is_empty()
    }

    /// Everything, folded.
    pub(super) fn finish(mut self) -> Folded {
        self.settle();
        self.cycles.finish()
    }

    fn settle(&mut self) {
        while self.run.is_some() {
            self.shorten();
        }
    }

    /// Hands on the run if it is long enough to be one, or only its first fact.
    fn shorten(&mut self) {
        let Some(run) = self.run.take() else { return };
        if run.is_foldable() {
            self.cycles.push(run.head(), run.first);
            return;
        }
        let single = Run { count: 1, step: [0; 3], ..run };
        self.cycles.push(single.head(), single.first);
        self.run = run.tail();
    }
}

impl Run {
    fn of(what: What, again: u16, at: Numbers) -> Self {
        Self { what, again, first: at, last: at, step: [0; 3], count: 1 }
    }

    /// Takes the next fact in, where it follows.
    fn absorb(&mut self, what: What, again: u16, at: Numbers) -> bool {
        let Some(step) = rise(self.last, at) else { return false };
        let follows = if self.count == 1 { step[0] > 0 } else { step == self.step };
        let fits = follows && self.again == again && self.what == what && what.folds();
        // A count that is full begins anew.
        let Some(count) = self.count.checked_add(1).filter(|_| fits) else { return false };
        (self.count, self.step, self.last) = (count, step, at);
        true
    }

    fn is_foldable(&self) -> bool {
        self.count >= EVEN || self.count > 1 && self.step == self.what.plain_step()
    }

    fn head(&self) -> Head {
        Head { what: self.what, again: self.again, count: self.count, step: self.step }
    }

    /// All but the first fact.
    fn tail(mut self) -> Option<Self> {
        self.count -= 1;
        for (number, step) in self.first.iter_mut().zip(self.step) {
            *number += step;
        }
        (self.count > 0).then_some(self)
    }
}

/// From one to the other, unless a number falls.
fn rise(from: Numbers, to: Numbers) -> Option<Numbers> {
    let mut rise = [0; 3];
    for (rise, (from, to)) in rise.iter_mut().zip(from.into_iter().zip(to)) {
        *rise = to.checked_sub(from).filter(|rise| *rise >= 0)?;
    }
    Some(rise)
}

/// Finds lines that repeat. It keeps only as many of them as the longest cycle needs to be known as one.
///
/// With p lines, a cycle goes on at a line if that line is as much above the one p before it as that one is above the
/// one 2p before. If 14p lines in a row go on, they and the 2p before them are sixteen times the same. The smallest p
/// that gets so far is the right one: as far as two of them hold at once, their common divisor does too, and where
/// it stops, they stop.
#[derive(Debug, Default)]
struct Cycles {
    /// Lines that may still be part of a cycle.
    waiting: VecDeque<Line>,
    /// For each length how many lines in a row went on.
    going_on: [usize; LONGEST],
    /// The cycle under way.
    cycle: Option<Cycle>,
    /// How many lines of its next time have come.
    begun: usize,
    folded: Folded,
}

impl Cycles {
    fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.cycle.is_none() && self.folded.entries.is_empty()
    }

    fn push(&mut self, head: Head, at: Numbers) {
        let line = Line { head: self.folded.place(head), at };
        if self.repeats(line) {
            return;
        }
        self.leave_cycle();
        self.search(line);
    }

    /// Whether it is the next line of the cycle under way.
    fn repeats(&mut self, line: Line) -> bool {
        let Some(cycle) = &mut self.cycle else { return false };
        let Some(times) = cycle.times.checked_add(1) else { return false };
        if cycle.line(self.begun, cycle.times) != Some(line) {
            return false;
        }
        self.begun += 1;
        if self.begun == cycle.lines.len() {
            self.begun = 0;
            cycle.times = times;
        }
        true
    }

    /// What has come of a next time are lines like any others.
    fn leave_cycle(&mut self) {
        let Some(cycle) = self.cycle.take() else { return };
        let begun: Vec<_> = (0..self.begun).filter_map(|at| cycle.line(at, cycle.times)).collect();
        self.folded.entries.push(Entry::Cycle(cycle));
        self.begun = 0;
        begun.into_iter().for_each(|line| self.search(line));
    }

    fn search(&mut self, line: Line) {
        self.waiting.push_back(line);
        for length in 1..=LONGEST {
            let count = &mut self.going_on[length - 1];
            *count = if goes_on(&self.waiting, length) { *count + 1 } else { 0 };
            if *count == usize::from(TIMES - 2) * length {
                self.enter_cycle(length);
                return;
            }
        }
        if self.waiting.len() > usize::from(TIMES) * LONGEST {
            self.give_up(1);
        }
    }

    fn enter_cycle(&mut self, length: usize) {
        self.give_up(self.waiting.len().saturating_sub(usize::from(TIMES) * length));
        let lines: Vec<_> = self.waiting.iter().take(length).copied().collect();
        let next = self.waiting.iter().skip(length).take(length);
        let rise = lines.iter().zip(next).filter_map(|(first, second)| rise(first.at, second.at)).collect();
        self.cycle = Some(Cycle { lines, rise, times: u32::from(TIMES) });
        self.waiting.clear();
        self.going_on = [0; LONGEST];
    }

    /// The first of the waiting lines are part of no cycle.
    fn give_up(&mut self, lines: usize) {
        self.folded.entries.extend(self.waiting.drain(..lines).map(Entry::Line));
    }

    fn finish(mut self) -> Folded {
        self.leave_cycle();
        self.give_up(self.waiting.len());
        self.folded
    }
}

impl Cycle {
    /// The line at a place, the k-th time; none where a number would be too large.
    pub(super) fn line(&self, at: usize, k: u32) -> Option<Line> {
        let (line, rise) = (self.lines.get(at)?, self.rise.get(at)?);
        let mut numbers = line.at;
        for (number, rise) in numbers.iter_mut().zip(rise) {
            *number = rise.checked_mul(i64::from(k)).and_then(|more| number.checked_add(more))?;
        }
        Some(Line { head: line.head, at: numbers })
    }
}

/// Whether the last line continues a cycle of that length.
fn goes_on(lines: &VecDeque<Line>, length: usize) -> bool {
    let Some(last) = lines.len().checked_sub(1) else { return false };
    let Some(twice) = last.checked_sub(2 * length) else { return false };
    let (a, b, c) = (lines[twice], lines[last - length], lines[last]);
    a.head == b.head
        && b.head == c.head
        && rise(a.at, b.at).is_some_and(|rising| rise(b.at, c.at) == Some(rising))
}
