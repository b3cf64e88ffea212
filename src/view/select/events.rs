//! The application's calls and the callbacks: a timeline, or lanes beside each other.

use std::collections::BTreeMap;

use crate::id::{ProducerIndex, Submission, TopicIndex};
use crate::judge::{By, Outcome, Which};
use crate::plan::{self, Action, Callbacks, TransactionCall};
use crate::trace::{Callback, Code, Event, StepEnd};

use super::{Scene, list, push_set, single};
use crate::view::block::{Block, Lane, Style};
use crate::view::fold::Fold;
use crate::view::folded::Head;
use crate::view::line::{End, Numbers, Shown, Step, Track, What};

/// The lane of the thread that takes the steps, where others stand beside it.
const MAIN: &str = "main";

/// What a callback says, and where it belongs.
struct Heard {
    track: Track,
    what: What,
    again: u16,
    at: Numbers,
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
        // Lanes apart, it does not matter that what is no callback comes after all of them.
        let callbacks = self.trace.events.callbacks().filter_map(|callback| self.callback(&callback));
        let heard = callbacks.chain(self.trace.events.others().filter_map(|event| self.heard(event)));
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
                if matches!(what, What::Fatal(..)) {
                    fold.push(what, 0, [0; 3]);
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
            _ => None,
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
            Event::Send(submission) => {
                let what = match self.findings.outcomes.get(*submission) {
                    Some(Outcome::Failed { code, by: By::Call }) => What::SendFailed(code),
                    _ => What::Send,
                };
                fold.push(what, submission.again, [i64::from(submission.message.0), 0, 0]);
            }
            Event::NotSent { first, count, step } => {
                fold.push_run(What::NotSent, i64::from(first.0), *count, *step);
            }
            Event::Timeout(submissions) => push_set(fold, What::Timeout, list(submissions.iter())),
            Event::StepBegan(step) => self.step(*step, ends, fold),
            // A step that was left out need not have begun.
            Event::StepEnded(step, StepEnd::Skipped) if !ends.began(*step) => self.step(*step, ends, fold),
            Event::StepEnded(..)
            | Event::Sent(_)
            | Event::SendFailed(..)
            | Event::Callback(_)
            | Event::Fatal(..)
            | Event::Fired(..) => {}
        }
    }

    fn step(&self, at: usize, ends: &Ends, fold: &mut Fold) {
        let Some(step) = self.plan.steps.get(at) else { return };
        let Some(what) = self.words_of(at, step) else { return };
        let may_fail = matches!(what, Step::Commit(_) | Step::Abort(_))
            || matches!(step.action, Action::Transaction { call: TransactionCall::SendOffsets(_), .. });
        let (end, outstanding) = match ends.0.get(at).and_then(|(_, end)| *end) {
            Some(StepEnd::Done) if may_fail => (End::Ok, 0),
            Some(StepEnd::Done) => (End::Done, 0),
            Some(StepEnd::Failed(code)) => (End::Failed(code), 0),
            Some(StepEnd::Unknown(_)) => (End::Unknown, 0),
            Some(StepEnd::TimedOut(outstanding)) => (End::TimedOut, outstanding),
            Some(StepEnd::Skipped) => (End::Skipped, 0),
            None => (End::Unfinished, 0),
        };
        let head = Head { what: What::Step(what, end), again: 0, count: 1, step: [0; 3] };
        fold.push_whole(head, [i64::from(outstanding), 0, 0]);
    }

    /// What a step is called; none for one that is not shown.
    fn words_of(&self, at: usize, step: &plan::Step) -> Option<Step> {
        let named = |producer| Some(producer).filter(|_| self.names.several_producers());
        Some(match step.action {
            Action::Send { .. } | Action::Again { .. } => return None,
            // Transactions are shown in whichever form they were written.
            Action::Transaction { producer, ref call, .. } => match call {
                TransactionCall::Begin => Step::Begin(named(producer)),
                TransactionCall::Commit => Step::Commit(named(producer)),
                TransactionCall::Abort { .. } => Step::Abort(named(producer)),
                TransactionCall::SendOffsets(_) => Step::Told(self.names.told_by(at)?),
            },
            Action::Cluster(_) | Action::Link(_) | Action::Wait { .. } => Step::Told(self.names.told_by(at)?),
            _ if !step.explicit => return None,
            Action::Flush { .. } => Step::Flush,
            Action::WaitCallbacks { .. } => Step::WaitCallbacks,
            Action::Close { producer, .. } => Step::Close(named(producer)),
            Action::Exit => Step::Exit,
            Action::Open { producer, .. } => Step::Open(named(producer)),
        })
    }

    fn ends(&self) -> Ends {
        let mut ends = vec![(false, None); self.plan.steps.len()];
        for event in self.trace.events.others() {
            match event {
                Event::StepBegan(step) => ends.get_mut(*step).into_iter().for_each(|known| known.0 = true),
                Event::StepEnded(step, end) => {
                    ends.get_mut(*step).into_iter().for_each(|known| known.1 = Some(*end));
                }
                _ => {}
            }
        }
        Ends(ends)
    }
}

/// Whether each step began, and how it ended: that is shown where it began.
struct Ends(Vec<(bool, Option<StepEnd>)>);

impl Ends {
    fn began(&self, step: usize) -> bool {
        self.0.get(step).is_some_and(|(began, _)| *began)
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
