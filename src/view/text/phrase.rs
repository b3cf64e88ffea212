//! One fact in words, or a run of them.

use std::fmt::Write as _;

use crate::view::block::Names;
use crate::view::folded::Head;
use crate::view::line::{End, Shape, Shown, Spot, Stand, Step, Track, What};

use super::number::{Number, range};

/// A head with its numbers.
pub(super) struct Phrase<'a> {
    pub(super) names: &'a Names,
    pub(super) head: &'a Head,
    pub(super) at: [Number; 3],
}

/// Appends what stands in front of the message.
pub(super) fn before(out: &mut String, what: What) {
    let words = match what {
        What::Send | What::Together(_) => "send ",
        What::SendFailed(_) => "send_failed ",
        What::NotSent => "not sent ",
        What::Timeout => "timeout ",
        What::Ok { late: false, .. } => "ok ",
        What::Ok { late: true, .. } => "late ok ",
        What::Err { late: false, .. } => "err ",
        What::Err { late: true, .. } => "late err ",
        What::Fatal(..) => "fatal ",
        What::Unknown(..) => "unknown ",
        What::CutOff(_) => "cut_off ",
        What::Anomaly(kind, _) => {
            out.push_str(kind.word());
            ": "
        }
        What::Aborted => "~",
        What::Open => "…",
        What::Marker(true) => "·commit",
        What::Marker(false) => "·abort",
        What::Unreadable => "unreadable",
        What::Step(..) | What::Record | What::Foreign | What::Jump | What::Aside(_) => "",
    };
    out.push_str(words);
}

/// Appends the code behind the message, of what has one.
pub(super) fn after(out: &mut String, what: What) {
    if let What::SendFailed(code) | What::Err { code, .. } = what {
        let _infallible = write!(out, " {code}");
    }
}

impl Phrase<'_> {
    pub(super) fn write(&self, out: &mut String) {
        before(out, self.head.what);
        match self.head.what {
            What::Step(step, end) => self.step(out, step, end),
            What::Fatal(producer, code) => {
                if let Some(producer) = producer {
                    out.push_str(self.names.producer(producer));
                    out.push(' ');
                }
                let _infallible = write!(out, "{code}");
            }
            What::Foreign if self.at[0].is(1) => out.push('?'),
            What::Foreign => drop(write!(out, "?×{}", self.at[0])),
            What::Jump => drop(write!(out, "@{}", self.at[0])),
            What::Aside(_) | What::Marker(_) | What::Unreadable => {}
            what => {
                self.range(out, 0, self.head.again);
                after(out, what);
                self.behind(out, what);
            }
        }
    }

    /// What is said behind the message.
    fn behind(&self, out: &mut String, what: What) {
        match what {
            What::Ok { place, offset, .. } => self.acknowledged(out, place, offset),
            What::CutOff(stand) => {
                out.push_str(" → ");
                self.stand(out, stand);
            }
            What::Unknown(code, stand) => {
                match code {
                    Some(code) => drop(write!(out, " {code} → ")),
                    None => out.push_str(" unanswered → "),
                }
                self.stand(out, stand);
            }
            What::Anomaly(_, shape) => self.shape(out, shape),
            What::Together(threads) => drop(write!(out, " in {threads} threads")),
            _ => {}
        }
    }

    fn step(&self, out: &mut String, step: Step, end: End) {
        out.push_str(match step {
            Step::Flush(_) => "flush",
            Step::WaitCallbacks => "wait callbacks",
            Step::Exit => "exit",
            Step::Stop => "stop",
            Step::Close(_) => "close",
            Step::Open(_) => "open",
            Step::Begin(_) => "begin",
            Step::Commit(_) => "commit",
            Step::Abort(_) => "abort",
            Step::Told(place) => self.names.told(place),
        });
        if let Some(producer) = step.producer() {
            out.push(' ');
            out.push_str(self.names.producer(producer));
        }
        // Where `ok` is not said, a code alone could be a producer.
        let says_ok = matches!(step, Step::Commit(_) | Step::Abort(_) | Step::Told(_));
        if matches!(end, End::Failed(_)) && !says_ok {
            out.push_str(" refused");
        }
        self.ended(out, end);
    }

    fn ended(&self, out: &mut String, end: End) {
        match end {
            End::Done => {}
            End::Ok => out.push_str(" ok"),
            End::Failed(code) => drop(write!(out, " {code}")),
            End::Unknown => out.push_str(" unknown"),
            End::TimedOut => drop(write!(out, " timed_out {}", self.at[0])),
            End::Skipped => out.push_str(" skipped"),
            End::Unfinished => out.push_str(" unfinished"),
        }
    }

    fn acknowledged(&self, out: &mut String, place: Option<Track>, offset: Shown) {
        if place.is_some() || offset != Shown::Hidden {
            out.push(' ');
        }
        if let Some(track) = place {
            self.names.track(out, track);
        }
        match offset {
            Shown::Hidden => {}
            Shown::Unknown => out.push_str("@?"),
            Shown::Known => self.offset(out, 1),
        }
    }

    fn stand(&self, out: &mut String, stand: Stand) {
        match stand {
            Stand::Nowhere => out.push_str("not written"),
            Stand::Unseen => out.push_str("unreadable"),
            Stand::Once(spot) => {
                out.push_str("written");
                self.spot(out, spot, 1);
            }
            Stand::Twice(first, second) => {
                out.push_str("written");
                self.spot(out, first, 1);
                self.spot(out, second, 2);
            }
        }
    }

    fn shape(&self, out: &mut String, shape: Shape) {
        match shape {
            Shape::Alone => {}
            Shape::After(again) => self.other(out, " after ", 1, again),
            Shape::CopyAfter(spot, again) => {
                self.spot(out, spot, 1);
                self.other(out, " after ", 2, again);
            }
            Shape::Once(spot) => self.spot(out, spot, 1),
            Shape::Twice(first, second) => {
                self.spot(out, first, 1);
                self.spot(out, second, 2);
            }
            Shape::Instead(spot, (topic, which)) => {
                self.spot(out, spot, 1);
                out.push_str(" sent to ");
                self.names.partition(out, topic, which);
            }
            Shape::SaidNothing(spot) => {
                self.spot(out, spot, 1);
                out.push_str(" holds nothing");
            }
            Shape::SaidForeign(spot) => {
                self.spot(out, spot, 1);
                out.push_str(" holds ?");
            }
            Shape::SaidRecord(spot, again) => {
                self.spot(out, spot, 1);
                self.other(out, " holds ", 2, again);
            }
            Shape::With(again) => self.other(out, " and ", 0, again),
        }
    }

    /// Another submission.
    fn other(&self, out: &mut String, word: &str, number: usize, again: u16) {
        out.push_str(word);
        self.range(out, number, again);
    }

    /// A place in a log: ` @3` in the lane's own, ` orders[1]@3` elsewhere, ` orders[1]` where no offset is stable.
    fn spot(&self, out: &mut String, spot: Spot, number: usize) {
        out.push(' ');
        if let Some((topic, which)) = spot.partition {
            self.names.partition(out, topic, which);
        }
        if spot.offset {
            self.offset(out, number);
        }
    }

    fn offset(&self, out: &mut String, number: usize) {
        out.push('@');
        self.range(out, number, 0);
    }

    /// One of the numbers, a range where it rises.
    fn range(&self, out: &mut String, number: usize, again: u16) {
        range(out, self.at[number], self.head.count, self.head.step[number], again);
    }
}
