//! Selects what of a run is stable, block by block.

mod events;
mod findings;
mod logs;
mod reactions;
pub(super) mod requests;
mod stable;
mod threads;

use crate::id::{Partition, ProducerIndex, Submission, TopicIndex, TopicPartition};
use crate::judge::{Findings, Which};
use crate::plan::{Order, Plan};
use crate::trace::Trace;

use super::block::{Block, Lane, Names, Style};
use super::fold::Fold;
use super::folded::{Aside, Folded, Head};
use super::line::{Track, What};
use reactions::Reactions;
use stable::Unstable;
use threads::Threads;

/// The blocks of a view in their order, empty ones left out.
pub(super) fn blocks(plan: &Plan, trace: &Trace, findings: &Findings, names: &Names) -> Vec<Block> {
    let (unstable, threads) = (Unstable::of(plan, trace), Threads::of(plan));
    let reactions = Reactions::of(plan, trace);
    let scene = Scene { plan, trace, findings, names, unstable, threads, reactions };
    let (application, callbacks) = match plan.snapshot.order {
        Order::Total => (single("timeline", scene.timeline()), Vec::new()),
        Order::Lanes => (scene.application(), scene.callbacks()),
    };
    let all = [
        application,
        Block { name: "callbacks", lanes: callbacks },
        Block { name: "requests", lanes: scene.requests() },
        Block { name: "outcomes", lanes: scene.outcomes() },
        Block { name: "log", lanes: scene.log() },
        Block { name: "content", lanes: scene.content() },
        Block { name: "faults", lanes: scene.faults() },
        Block { name: "anomalies", lanes: scene.anomalies() },
    ];
    all.into_iter().filter(|block| !block.lanes.is_empty()).collect()
}

/// A run and how it is to be shown.
struct Scene<'a> {
    plan: &'a Plan,
    trace: &'a Trace,
    findings: &'a Findings,
    names: &'a Names,
    unstable: Unstable,
    threads: Threads,
    reactions: Reactions,
}

impl Scene<'_> {
    /// Whether partitions are left out, because a random partitioner chooses them.
    fn any_partition(&self) -> bool {
        self.plan.snapshot.any_partition
    }

    fn track(&self, producer: Option<ProducerIndex>, topic: TopicIndex, partition: Which) -> Track {
        let producer = producer.filter(|_| self.names.several_producers());
        Track { producer, whole: false, topic, partition: self.which(partition), thread: None }
    }

    fn which(&self, partition: Which) -> Which {
        if self.any_partition() { Which::All } else { partition }
    }

    /// Whether offsets there are the same in every run.
    fn has_offsets(&self, topic: TopicIndex, partition: Partition) -> bool {
        !self.any_partition() && !self.unstable.contains(TopicPartition { topic, partition })
    }

    /// Whether threads that send together write there, in an order that is up to the machine.
    fn is_of_threads(&self, topic: TopicIndex, partition: Which) -> bool {
        let Which::One(partition) = partition else { return false };
        self.unstable.is_of_threads(TopicPartition { topic, partition })
    }

    /// The thread that made a submission, where the order between the threads is not the same in every run.
    fn thread(&self, submission: Submission, topic: TopicIndex, partition: Which) -> Option<u32> {
        let apart = match partition {
            Which::Unknown => true,
            Which::One(_) | Which::All => self.is_of_threads(topic, partition),
        };
        let made = self.threads.of_submission(self.plan, submission);
        made.filter(|_| apart && !self.any_partition()).map(|(thread, _)| thread)
    }

    fn lane(&self, track: Track, style: Style, fold: Fold) -> Lane {
        Lane { label: self.names.label(track), style, folded: fold.finish() }
    }
}

/// A block of one lane that needs no name.
fn single(name: &'static str, fold: Fold) -> Block {
    let lane = Lane { label: String::new(), style: Style::Lines, folded: fold.finish() };
    let lanes = if lane.folded.is_empty() { Vec::new() } else { vec![lane] };
    Block { name, lanes }
}

/// Submissions one after the other, folded.
fn list(submissions: impl IntoIterator<Item = Submission>) -> Folded {
    let mut fold = Fold::default();
    for submission in submissions {
        fold.push(What::Record, submission.again, [i64::from(submission.message.0), 0, 0]);
    }
    fold.finish()
}

/// Adds one fact about a set of submissions.
fn push_set(fold: &mut Fold, what: What, set: Folded) {
    if let ([line], []) = (set.lines.as_slice(), set.cycles.as_slice())
        && let Some(head) = set.head(line)
    {
        fold.push_whole(Head { what, ..*head }, line.at);
    } else {
        fold.push_aside(Aside::Set(what, set));
    }
}
