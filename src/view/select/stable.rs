//! In which partitions the order of records is up to the machine, because several producers or threads write to them and
//! no wait orders them.

use std::collections::{HashMap, HashSet};

use crate::id::{ProducerIndex, Submission, TopicPartition};
use crate::plan::{Action, Batch, Mode, Plan};
use crate::trace::{Event, StepEnd, Trace};

/// The partitions in which it is.
#[derive(Default)]
pub(super) struct Unstable {
    /// Batches of different producers may meet there.
    producers: HashSet<TopicPartition>,
    /// Threads that send one batch together meet there.
    threads: HashSet<TopicPartition>,
}

/// Which batch has to do with which partition, and which of its threads, if several send it.
type Touch = (TopicPartition, usize, Option<u32>);

impl Unstable {
    pub(super) fn of(plan: &Plan, trace: &Trace) -> Self {
        let concurrent = plan.batches.iter().any(Batch::is_concurrent);
        if plan.producers.len() < 2 && !concurrent {
            return Self::default();
        }
        let stretches = stretches(plan, trace);
        let mut touched: Vec<_> = touched(plan, trace).into_iter().collect();
        touched.sort_unstable();
        let meet = |touches: &&[Touch]| {
            let mut last = Last::default();
            touches.iter().any(|(_, batch, _)| {
                let producer = plan.batches[*batch].producer;
                stretches.get(batch).is_some_and(|stretch| last.meets(producer, *stretch))
            })
        };
        let together = |touches: &&[Touch]| {
            let threads = touches.iter().filter_map(|(_, batch, thread)| Some((batch, (*thread)?)));
            threads.clone().zip(threads.skip(1)).any(|(one, next)| one.0 == next.0)
        };
        let by_partition = || touched.chunk_by(|a, b| a.0 == b.0);
        let place = |touches: &[Touch]| touches[0].0;
        Self {
            producers: by_partition().filter(meet).map(place).collect(),
            threads: by_partition().filter(together).map(place).collect(),
        }
    }

    pub(super) fn contains(&self, partition: TopicPartition) -> bool {
        self.producers.contains(&partition) || self.is_of_threads(partition)
    }

    /// Whether threads that send together write there.
    pub(super) fn is_of_threads(&self, partition: TopicPartition) -> bool {
        self.threads.contains(&partition)
    }
}

/// From which step to which a batch may be under way.
#[derive(Clone, Copy)]
struct Stretch {
    sent: usize,
    settled: usize,
}

/// When the batches so far are settled: the two producers that take longest.
#[derive(Default)]
struct Last {
    longest: Option<(usize, ProducerIndex)>,
    other: Option<(usize, ProducerIndex)>,
}

impl Last {
    /// Whether an earlier batch of another producer is still under way, in the order of steps.
    fn meets(&mut self, producer: ProducerIndex, stretch: Stretch) -> bool {
        let others = [self.longest, self.other].into_iter().flatten();
        let meets = others.into_iter().any(|(settled, whose)| whose != producer && settled > stretch.sent);
        let new = Some((stretch.settled, producer));
        match self.longest {
            Some((settled, whose)) if whose == producer => {
                self.longest = Some((settled.max(stretch.settled), producer));
            }
            longest if longest < new => (self.longest, self.other) = (new, longest),
            _ if self.other < new => self.other = new,
            _ => {}
        }
        meets
    }
}

/// The steps that came to their end, and the batches whose waits ran out.
fn ends(plan: &Plan, trace: &Trace) -> (HashSet<usize>, HashSet<usize>) {
    let mut done = HashSet::new();
    let mut ran_out = HashSet::new();
    for event in trace.events.others() {
        match event {
            // What ends a transaction is asked for when its messages have their callbacks, however it turns out.
            Event::StepEnded(step, StepEnd::Done | StepEnd::Failed(_) | StepEnd::Unknown(_)) => {
                done.insert(*step);
            }
            Event::Timeout(submissions) => {
                ran_out.extend(submissions.iter().filter_map(|one| plan.batch_index(one.message)));
            }
            _ => {}
        }
    }
    (done, ran_out)
}

/// The stretch of each batch, by its place in the plan. A wait that ran out settles nothing.
fn stretches(plan: &Plan, trace: &Trace) -> HashMap<usize, Stretch> {
    let (done, ran_out) = ends(plan, trace);
    let mut stretches = HashMap::new();
    let mut all = usize::MAX;
    let mut own = HashMap::<ProducerIndex, usize>::new();
    let mut again = HashMap::<usize, usize>::new();
    let settled = |batch: usize, mode, at, own: &HashMap<ProducerIndex, usize>, all: usize| {
        let own = own.get(&plan.batches.get(batch)?.producer).copied().unwrap_or(usize::MAX);
        let waits = mode == Mode::Sync && !ran_out.contains(&batch);
        Some(if waits { at } else { all.min(own) })
    };
    for (at, step) in plan.steps.iter().enumerate().rev() {
        own.extend(waits_for(&step.action).filter(|_| done.contains(&at)).map(|producer| (producer, at)));
        match step.action {
            Action::WaitCallbacks { .. } | Action::Flush { producer: None, .. } if done.contains(&at) => {
                all = at;
            }
            Action::Send { batch, mode } => {
                let Some(settled) = settled(batch, mode, at, &own, all) else { continue };
                let settled = settled.max(again.get(&batch).copied().unwrap_or_default());
                stretches.insert(batch, Stretch { sent: at, settled });
            }
            Action::Again { ref submissions, mode } => {
                for batch in submissions.iter().filter_map(|one| plan.batch_index(one.message)) {
                    let Some(settled) = settled(batch, mode, at, &own, all) else { continue };
                    let known = again.entry(batch).or_default();
                    *known = settled.max(*known);
                }
            }
            _ => {}
        }
    }
    of_reactions(plan, trace, &mut stretches);
    stretches
}

/// The one producer all of whose messages have their callbacks when the step is done.
fn waits_for(action: &Action) -> Option<ProducerIndex> {
    match *action {
        Action::Flush { producer, .. } => producer,
        Action::Close { producer, within: Some(_), .. } => Some(producer),
        Action::Transaction { producer, ref call, .. } if call.waits() => Some(producer),
        _ => None,
    }
}

/// No step says when reactions send something, and none waits for it for certain.
fn of_reactions(plan: &Plan, trace: &Trace, stretches: &mut HashMap<usize, Stretch>) {
    for event in trace.events.others() {
        let Event::Reacts(_, reacts) = event else { continue };
        for batch in reacts.made.iter().filter_map(|one| plan.batch_index(one.message)) {
            let stretch = stretches.entry(batch).or_insert(Stretch { sent: 0, settled: usize::MAX });
            stretch.settled = usize::MAX;
        }
    }
}

/// Who has to do with which partition.
fn touched(plan: &Plan, trace: &Trace) -> HashSet<Touch> {
    let mut touched = HashSet::new();
    let touch = |partition, one: Submission| {
        let batch = plan.batch_index(one.message)?;
        let thread = plan.batches[batch].thread_of(one.message).filter(|_| one.again == 0);
        Some((partition, batch, thread))
    };
    for log in &trace.logs {
        let identities = log.records.iter().filter_map(|record| record.identity);
        touched.extend(identities.filter_map(|one| touch(log.partition, one)));
    }
    for callback in trace.events.callbacks() {
        if let Some(partition) = callback.partition
            && let Some(batch) = plan.batch_index(callback.submission.message)
        {
            let topic = plan.batches[batch].topic;
            touched.extend(touch(TopicPartition { topic, partition }, callback.submission));
        }
    }
    touched
}
