//! The application's calls and the callbacks: a timeline, or lanes beside each other.

mod inside;
mod steps;

use std::collections::BTreeMap;

use crate::id::{ProducerIndex, Submission, TopicIndex};
use crate::judge::Which;
use crate::plan::Callbacks;
use crate::trace::{Callback, Code, Event, StepEnd};

use super::{Scene, list, push_set, single};
use crate::view::block::{Block, Lane, Style};
use crate::view::fold::Fold;
use crate::view::folded::Head;
use crate::view::line::{Numbers, Shown, Track, What};
use steps::Ends;

/// The lane of the thread that takes the steps, where others stand beside it.
const MAIN: &str = "main";

/// What a callback says, or what happened in it, and where it belongs.
pub(super) struct Heard {
    pub(super) track: Track,
    pub(super) what: What,
    pub(super) again: u16,
    pub(super) at: Numbers,
}

impl Scene<'_> {
    /// Everything in one order.
    pub(super) fn timeline(&self) -> Fold {
        let mut fold = Fold::default();
        let (ends, mut together) = (self.ends(), None);
        // What one wait has served, where only waits serve.
        let mut served = BTreeMap::<Track, Vec<Heard>>::new();
        self.trace.events.iter().for_each(|event| {
            let Some(heard) = self.heard(&event) else {
                serve(&mut served, &mut fold);
                let whose = self.threads.of_event(self.plan, &event);
                self.begin_together(whose, &mut together, &mut fold);
                return self.call(&event, &ends, &mut fold);
            };
            let heard = self.in_timeline(heard);
            match self.plan.callbacks {
                _ if !self.plan.snapshot.callbacks => {}
                Callbacks::Background => fold.push(heard.what, heard.again, heard.at),
                Callbacks::OnWait => served.entry(heard.track).or_default().push(heard),
            }
        });
        serve(&mut served, &mut fold);
        fold
    }

    /// The application's calls alone: in one lane, or in one for each thread that sends beside others.
    pub(super) fn application(&self) -> Block {
        let (ends, mut together) = (self.ends(), None);
        let mut main = Fold::default();
        let mut threads = BTreeMap::<u32, Fold>::new();
        self.trace.events.iter().for_each(|event| {
            let whose = self.threads.of_event(self.plan, &event);
            self.begin_together(whose, &mut together, &mut main);
            let fold = match whose {
                Some((thread, _)) => threads.entry(thread).or_default(),
                None => &mut main,
            };
            self.call(&event, &ends, fold);
        });
        let mut block = single("application", main);
        if !self.threads.is_empty() {
            block.lanes.iter_mut().for_each(|lane| MAIN.clone_into(&mut lane.label));
            let lane = |(thread, fold): (u32, Fold)| Lane {
                label: format!("thread {thread}"),
                style: Style::Lines,
                folded: fold.finish(),
            };
            block.lanes.extend(threads.into_iter().map(lane).filter(|lane| !lane.folded.is_empty()));
        }
        block
    }

    /// Adds the line of a send that several threads make, when the first of them has begun.
    fn begin_together(&self, whose: Option<(u32, usize)>, known: &mut Option<usize>, fold: &mut Fold) {
        let Some((_, batch)) = whose.filter(|(_, batch)| known.replace(*batch) != Some(*batch)) else {
            return;
        };
        if let Some(batch) = self.plan.batches.get(batch).filter(|_| self.plan.snapshot.sends) {
            let what = What::Together(batch.threads);
            let head = Head { what, again: 0, count: batch.count, step: [1, 0, 0] };
            fold.push_whole(head, [i64::from(batch.first.0), 0, 0]);
        }
    }

    /// Each producer's callbacks for each partition.
    pub(super) fn callbacks(&self) -> Vec<Lane> {
        if !self.plan.snapshot.callbacks {
            return Vec::new();
        }
        if !self.plan.reactions.is_empty() {
            return self.lanes(self.trace.events.iter().filter_map(|event| self.heard(&event)));
        }
        // Lanes apart, it does not matter that what is no callback comes after all of them.
        let callbacks = self.trace.events.callbacks().filter_map(|callback| self.callback(&callback));
        self.lanes(callbacks.chain(self.trace.events.others().filter_map(|event| self.heard(event))))
    }

    /// Each in its lane.
    fn lanes(&self, heard: impl Iterator<Item = Heard>) -> Vec<Lane> {
        if self.any_partition() {
            return self.sets(heard);
        }
        let mut tracks = BTreeMap::<Track, Fold>::new();
        heard.for_each(|heard| {
            tracks.entry(heard.track).or_default().push(heard.what, heard.again, heard.at);
        });
        tracks.into_iter().map(|(track, fold)| self.lane(track, Style::Lines, fold)).collect()
    }

    /// Without order, since which partition a message went to is left out.
    fn sets(&self, heard: impl Iterator<Item = Heard>) -> Vec<Lane> {
        let mut tracks = BTreeMap::<Track, BTreeMap<What, Vec<(u16, i64)>>>::new();
        heard.for_each(|heard| {
            let said = tracks.entry(heard.track).or_default().entry(heard.what).or_default();
            said.push((heard.again, heard.at[0]));
        });
        let lane = |(track, said): (Track, BTreeMap<What, Vec<(u16, i64)>>)| {
            let mut fold = Fold::default();
            for (what, mut messages) in said {
                messages.sort_unstable();
                messages.dedup();
                if matches!(what, What::Fatal(..) | What::Step(..)) {
                    for (_, number) in messages {
                        fold.push(what, 0, [number, 0, 0]);
                    }
                } else {
                    let mut set = Fold::default();
                    for (again, at) in messages {
                        set.push(What::Record, again, [at, 0, 0]);
                    }
                    push_set(&mut fold, what, set.finish());
                }
            }
            self.lane(track, Style::Lines, fold)
        };
        tracks.into_iter().map(lane).collect()
    }

    fn heard(&self, event: &Event) -> Option<Heard> {
        match event {
            Event::Callback(callback) => self.callback(callback),
            Event::Fatal(producer, code) => Some(fatal(*producer, *code)),
            event => self.inside(event),
        }
    }

    fn callback(&self, callback: &Callback) -> Option<Heard> {
        let Submission { message, again } = callback.submission;
        let topic = self.plan.batch_of(message)?.topic;
        let thread = self.thread(callback.submission, topic, callback.partition.into());
        let track = Track { thread, ..self.track(Some(callback.producer), topic, callback.partition.into()) };
        let late = callback.late;
        let mut at = [i64::from(message.0), 0, 0];
        if let Err(failure) = callback.result {
            return Some(Heard { track, what: What::Err { late, code: failure.code }, again, at });
        }
        let stable = match callback.partition {
            Some(partition) => self.has_offsets(topic, partition),
            None => !self.any_partition(),
        };
        let offset = match callback.offset {
            _ if !stable => Shown::Hidden,
            None => Shown::Unknown,
            Some(offset) => {
                at[1] = offset.0;
                Shown::Known
            }
        };
        Some(Heard { track, what: What::Ok { late, place: None, offset }, again, at })
    }

    /// With its place, which a lane has in its name.
    fn in_timeline(&self, mut heard: Heard) -> Heard {
        heard.what = match heard.what {
            What::Ok { late, offset, .. } => {
                What::Ok { late, place: Some(Track { thread: None, ..heard.track }), offset }
            }
            What::Fatal(_, code) => {
                What::Fatal(heard.track.producer.filter(|_| self.names.several_producers()), code)
            }
            what => what,
        };
        heard
    }

    /// Adds the line of a call or a step; callbacks have none here.
    fn call(&self, event: &Event, ends: &Ends, fold: &mut Fold) {
        if !self.plan.snapshot.sends {
            return;
        }
        match event {
            // It stands in the lane of the callback in which it was made.
            Event::Send(submission) if self.reactions.made_inside(*submission) => {}
            Event::Send(submission) => {
                fold.push(self.sent(*submission), submission.again, [i64::from(submission.message.0), 0, 0]);
            }
            Event::NotSent { first, count, step } => {
                fold.push_run(What::NotSent, i64::from(first.0), *count, *step);
            }
            Event::Timeout(submissions) => push_set(fold, What::Timeout, list(submissions.iter())),
            Event::StepBegan(step) => self.step(*step, ends, fold),
            Event::Reacts(number, reacts) => {
                if let Some((what, at)) = self.deed(*number, reacts).filter(|_| reacts.inside.is_none()) {
                    fold.push(what, 0, at);
                }
            }
            // A step that was left out need not have begun.
            Event::StepEnded(step, StepEnd::Skipped) if !ends.began(*step) => self.step(*step, ends, fold),
            Event::StepEnded(..)
            | Event::Sent(_)
            | Event::SendFailed(..)
            | Event::Callback(_)
            | Event::Fatal(..)
            | Event::Reacted(..)
            | Event::Fired(..) => {}
        }
    }
}

/// That a producer gave up belongs to no partition; its lane has the producer's name.
fn fatal(producer: ProducerIndex, code: Code) -> Heard {
    let (topic, partition) = (TopicIndex(0), Which::All);
    let track = Track { producer: Some(producer), whole: true, topic, partition, thread: None };
    Heard { track, what: What::Fatal(None, code), again: 0, at: [0; 3] }
}

/// Shows what a wait has served, by producer and partition.
fn serve(served: &mut BTreeMap<Track, Vec<Heard>>, fold: &mut Fold) {
    for heard in std::mem::take(served).into_values().flatten() {
        fold.push(heard.what, heard.again, heard.at);
    }
}
