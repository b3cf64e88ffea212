//! What the judge found: outcomes that only the log knows, and anomalies.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::id::{Offset, Submission, TopicPartition};
use crate::judge::{Detail, Instance, Place, Resolved, SplitKey, Stands, Which};
use crate::plan::AnomalyKind;

use super::Scene;
use crate::view::block::{Lane, Style, quoted};
use crate::view::fold::Fold;
use crate::view::folded::Aside;
use crate::view::line::{Shape, Spot, Stand, Track, What};

/// A number besides the message: of the first fact of a run, and how much it rises from one to the next.
#[derive(Clone, Copy, Default)]
struct Slot {
    first: i64,
    rise: i64,
}

/// Nothing besides the message.
const ALONE: (Shape, [Slot; 2]) = (Shape::Alone, [Slot { first: 0, rise: 0 }; 2]);

/// The instances of a lane by their kinds, each with the partition that it was found in.
type Kinds<'a> = BTreeMap<AnomalyKind, Vec<(Which, &'a Instance)>>;

impl Slot {
    fn same(submission: Submission) -> Self {
        Self { first: i64::from(submission.message.0), rise: 0 }
    }

    fn next(submission: Submission) -> Self {
        Self { rise: 1, ..Self::same(submission) }
    }
}

impl Scene<'_> {
    /// Unknown outcomes, and what became of them.
    pub(super) fn outcomes(&self) -> Vec<Lane> {
        let mut tracks = BTreeMap::<Track, Vec<&Resolved>>::new();
        for resolved in &self.findings.resolved {
            let lane = resolved.lane;
            tracks.entry(self.track(lane.producer, lane.topic, lane.partition)).or_default().push(resolved);
        }
        let lane = |(track, mut all): (Track, Vec<&Resolved>)| {
            // Lanes that have become one are sorted anew.
            all.sort_by_key(|resolved| (resolved.first.again, resolved.first.message));
            let mut fold = Fold::default();
            for resolved in all {
                self.resolved(track, resolved, &mut fold);
            }
            self.lane(track, Style::Lines, fold)
        };
        tracks.into_iter().map(lane).collect()
    }

    fn resolved(&self, track: Track, resolved: &Resolved, fold: &mut Fold) {
        let Resolved { first, count, code, cut_off, places, .. } = resolved;
        let (stand, slots) = match **places {
            [] if resolved.unseen => (Stand::Unseen, [Slot::default(); 2]),
            [] => (Stand::Nowhere, [Slot::default(); 2]),
            [a] => (Stand::Once(self.spot(track, a)), [self.offset(a), Slot::default()]),
            [a, b] => {
                let stand = Stand::Twice(self.spot(track, a), self.spot(track, b));
                (stand, [self.offset(a), self.offset(b)])
            }
            _ => {
                let code = code.map_or_else(|| " unanswered".to_owned(), |code| format!(" {code}"));
                let (word, code) = if *cut_off { ("cut_off", String::new()) } else { ("unknown", code) };
                for (submission, places) in self.many(track, (*first, *count), places) {
                    let text = format!("{word} {submission}{code} → written{places}");
                    fold.push_aside(Aside::Text(text));
                }
                return;
            }
        };
        let what = if *cut_off { What::CutOff(stand) } else { What::Unknown(*code, stand) };
        push(fold, what, (*first, *count), slots);
    }

    /// What went wrong.
    pub(super) fn anomalies(&self) -> Vec<Lane> {
        let mut tracks = BTreeMap::<Track, Kinds<'_>>::new();
        for anomaly in &self.findings.anomalies {
            let lane = anomaly.lane;
            let track = self.track(lane.producer, lane.topic, lane.partition);
            let instances = tracks.entry(track).or_default().entry(anomaly.kind).or_default();
            instances.extend(anomaly.instances.iter().map(|instance| (lane.partition, instance)));
        }
        let lane = |(track, kinds): (Track, Kinds<'_>)| {
            let mut fold = Fold::default();
            for (kind, mut instances) in kinds {
                // Lanes that have become one are sorted anew.
                instances.sort_by_key(|(_, instance)| (instance.first.again, instance.first.message));
                for (which, instance) in instances {
                    self.instance(track, (kind, which), instance, &mut fold);
                }
            }
            self.lane(track, Style::Lines, fold)
        };
        tracks.into_iter().map(lane).collect()
    }

    fn instance(
        &self,
        track: Track,
        (kind, which): (AnomalyKind, Which),
        instance: &Instance,
        fold: &mut Fold,
    ) {
        let run = (instance.first, instance.count);
        let here = |offset: Offset| match which {
            Which::One(partition) => {
                Some(Place { partition: TopicPartition { topic: track.topic, partition }, offset })
            }
            Which::All | Which::Unknown => None,
        };
        let (shape, slots) = match &instance.detail {
            Detail::At(places) if places.len() > 2 => {
                for (submission, places) in self.many(track, run, places) {
                    fold.push_aside(Aside::Text(format!("{}: {submission}{places}", kind.word())));
                }
                return;
            }
            Detail::Key(split) => {
                fold.push_aside(Aside::Text(format!("{}: {}", kind.word(), self.split(split))));
                return;
            }
            Detail::At(places) => self.at(track, places),
            // Which message of all threads was sent last is up to the machine.
            Detail::After(_) | Detail::CopyAfter(..) if self.is_of_threads(track.topic, which) => ALONE,
            Detail::CopyAfter(offset, _) | Detail::Instead(offset, ..) | Detail::Said(offset, _) => {
                match here(*offset) {
                    Some(place) => self.placed(track, place, &instance.detail),
                    None => ALONE,
                }
            }
            Detail::After(after) => (Shape::After(after.again), [Slot::same(*after), Slot::default()]),
            Detail::With(other) => (Shape::With(other.again), [Slot::default(); 2]),
            Detail::None => ALONE,
        };
        push(fold, What::Anomaly(kind, shape), run, slots);
    }

    /// One or two places.
    fn at(&self, track: Track, places: &[Place]) -> (Shape, [Slot; 2]) {
        match *places {
            [a, b, ..] => {
                let shape = Shape::Twice(self.spot(track, a), self.spot(track, b));
                (shape, [self.offset(a), self.offset(b)])
            }
            [a] => (Shape::Once(self.spot(track, a)), [self.offset(a), Slot::default()]),
            [] => ALONE,
        }
    }

    /// What is about one place in the lane's own partition.
    fn placed(&self, track: Track, place: Place, detail: &Detail) -> (Shape, [Slot; 2]) {
        let (spot, offset) = (self.spot(track, place), self.offset(place));
        match detail {
            Detail::CopyAfter(_, after) => {
                (Shape::CopyAfter(spot, after.again), [offset, Slot::same(*after)])
            }
            Detail::Instead(_, topic, which) => {
                (Shape::Instead(spot, (*topic, self.which(*which))), [offset, Slot::default()])
            }
            // Without offsets it is not stable either what stands at them.
            Detail::Said(..) if !spot.offset => ALONE,
            Detail::Said(_, Stands::Foreign) => (Shape::SaidForeign(spot), [offset, Slot::default()]),
            Detail::Said(_, Stands::Record(other)) => {
                (Shape::SaidRecord(spot, other.again), [offset, Slot::next(*other)])
            }
            _ => (Shape::SaidNothing(spot), [offset, Slot::default()]),
        }
    }

    /// A place, next to an entry of a lane.
    fn spot(&self, track: Track, place: Place) -> Spot {
        let TopicPartition { topic, partition } = place.partition;
        let offset = self.has_offsets(topic, partition);
        let own = offset && (track.topic, track.partition) == (topic, Which::One(partition));
        Spot { partition: (!own).then_some((topic, self.which(Which::One(partition)))), offset }
    }

    fn offset(&self, place: Place) -> Slot {
        let TopicPartition { topic, partition } = place.partition;
        if self.has_offsets(topic, partition) {
            Slot { first: place.offset.0, rise: 1 }
        } else {
            Slot::default()
        }
    }

    /// More places than a line has numbers for: each submission with its places, in words; a run where all offsets are
    /// stable is kept as one.
    fn many(&self, track: Track, run: (Submission, u32), places: &[Place]) -> Vec<(String, String)> {
        let (first, count) = run;
        let spots = || places.iter().map(|place| (self.spot(track, *place), place.offset.0));
        let together = if spots().all(|(spot, _)| spot.offset) { count } else { 1 };
        let words = |from: u32| {
            let one = Submission { message: first.message.plus(from), ..first };
            let last = Submission { message: one.message.plus(together - 1), ..one };
            let mut text = String::new();
            for (spot, offset) in spots() {
                text.push(' ');
                if let Some((topic, which)) = spot.partition {
                    self.names.partition(&mut text, topic, which);
                }
                if spot.offset {
                    let _infallible = write!(text, "@{}", span(offset, offset + i64::from(together - 1)));
                }
            }
            (span(one, last), text)
        };
        (0..count / together).map(|at| words(at * together)).collect()
    }

    /// A key and where it stands.
    fn split(&self, split: &SplitKey) -> String {
        let mut text = match std::str::from_utf8(&split.key) {
            Ok(key) => quoted(key),
            Err(_) => split.key.iter().fold("0x".to_owned(), |text, byte| format!("{text}{byte:02x}")),
        };
        if !self.any_partition() {
            for partition in &split.partitions {
                let _infallible = write!(text, " [{partition}]");
            }
        }
        text
    }
}

fn push(fold: &mut Fold, what: What, (first, count): (Submission, u32), slots: [Slot; 2]) {
    for k in 0..i64::from(count) {
        let [a, b] = slots.map(|slot| slot.first.saturating_add(slot.rise * k));
        fold.push(what, first.again, [i64::from(first.message.0) + k, a, b]);
    }
}

/// `a`, or `a..b`.
fn span<T: Copy + PartialEq + std::fmt::Display>(first: T, last: T) -> String {
    if first == last { first.to_string() } else { format!("{first}..{last}") }
}
