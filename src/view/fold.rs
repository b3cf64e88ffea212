//! Folds facts as they come: neighbours that follow each other evenly into ranges, lines that repeat into cycles.
//! It takes the leftmost, longest fold, and loses nothing.

use super::folded::{Aside, Cycle, Folded, Head, Line};
use super::line::{Numbers, What};

/// Neighbours with a step other than the plain one fold from so many on.
const EVEN: u32 = 4;
/// A cycle has at most so many lines.
const LONGEST: usize = 8;
/// And repeats at least so often.
const TIMES: usize = 16;

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

    /// Adds facts about `count` messages, each so much above the one before.
    pub(super) fn push_run(&mut self, what: What, first: i64, count: u32, step: u32) {
        let step = i64::from(step);
        // When four of them have come they make a run.
        for k in 0..count.min(EVEN) {
            self.push(what, 0, [first + i64::from(k) * step, 0, 0]);
        }
        if let (Some(run), Some(more)) = (&mut self.run, count.checked_sub(EVEN)) {
            run.last[0] += i64::from(more) * step;
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
        let Some(run) = &mut self.run else { return };
        if run.is_foldable() {
            self.cycles.push(run.head(run.count, run.step), run.first);
            self.run = None;
            return;
        }
        self.cycles.push(run.head(1, [0; 3]), run.first);
        if run.count == 1 {
            self.run = None;
        } else {
            run.drop_first();
        }
    }
}

impl Run {
    fn of(what: What, again: u16, at: Numbers) -> Self {
        Self { what, again, first: at, last: at, step: [0; 3], count: 1 }
    }

    /// Takes the next fact in, where it follows.
    fn absorb(&mut self, what: What, again: u16, at: Numbers) -> bool {
        let Some(step) = rise_of(self.last, at) else { return false };
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

    fn head(&self, count: u32, step: Numbers) -> Head {
        Head { what: self.what, again: self.again, count, step }
    }

    fn drop_first(&mut self) {
        self.count -= 1;
        for (number, step) in self.first.iter_mut().zip(self.step) {
            *number += step;
        }
    }
}

/// From one to the other, unless a number falls.
fn rise_of(from: Numbers, to: Numbers) -> Option<Numbers> {
    let mut rise = [0; 3];
    for (rise, (from, to)) in rise.iter_mut().zip(from.into_iter().zip(to)) {
        *rise = to.checked_sub(from).filter(|rise| *rise >= 0)?;
    }
    Some(rise)
}

/// Finds lines that repeat.
///
/// With p lines, a cycle goes on at a line if that line is as much above the one p before it as that one is above the
/// one 2p before. If 14p lines in a row go on, they and the 2p before them are sixteen times the same. The smallest p
/// that gets so far is the right one: as far as two of them hold at once, their common divisor does too, and where
/// it stops, they stop.
#[derive(Debug, Default)]
struct Cycles {
    folded: Folded,
    /// The line behind the last cycle.
    start: usize,
    /// For each length how many lines in a row went on.
    going_on: [usize; LONGEST],
    /// The cycle under way.
    cycle: Option<Cycle>,
    /// How many lines of its next time have come.
    begun: usize,
}

impl Cycles {
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
        self.folded.cycles.push((self.start, cycle));
        self.begun = 0;
        for line in begun {
            self.search(line);
        }
    }

    fn search(&mut self, line: Line) {
        self.folded.lines.push(line);
        let lines = &self.folded.lines[self.start..];
        for (count, length) in self.going_on.iter_mut().zip(1..) {
            *count = if goes_on(lines, length) { *count + 1 } else { 0 };
            if *count == (TIMES - 2) * length {
                self.enter_cycle(length);
                return;
            }
        }
    }

    fn enter_cycle(&mut self, length: usize) {
        self.start = self.folded.lines.len().saturating_sub(TIMES * length);
        let mut lines = self.folded.lines.split_off(self.start);
        let rise = lines.iter().zip(lines.iter().skip(length)).take(length);
        let rise = rise.filter_map(|(first, second)| rise_of(first.at, second.at)).collect();
        lines.truncate(length);
        self.cycle = Some(Cycle { lines, rise, times: 16 });
        self.going_on = [0; LONGEST];
    }

    fn finish(mut self) -> Folded {
        self.leave_cycle();
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
fn goes_on(lines: &[Line], length: usize) -> bool {
    let Some(twice) = lines.len().checked_sub(2 * length + 1) else { return false };
    let (a, b, c) = (&lines[twice], &lines[twice + length], &lines[twice + 2 * length]);
    // The first number tells most lines apart.
    a.at[0].wrapping_sub(b.at[0]) == b.at[0].wrapping_sub(c.at[0])
        && a.head == b.head
        && b.head == c.head
        && rise_of(a.at, b.at).is_some_and(|rise| rise_of(b.at, c.at) == Some(rise))
}
