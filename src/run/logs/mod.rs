//! Reads what the plan's partitions hold at the end, and recognises the records.

mod reading;

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::cluster::{Address, Bound, Cluster, ClusterError, LogEnd, Logged, Place, Tcp};
use crate::id::{Submission, TopicPartition};
use crate::kafka::ErrorCode;
use crate::plan::{Action, ClusterStep, Plan, Recogniser};
use crate::submissions::Submissions;
use crate::trace::{Callback, Event, Events, PartitionLog, Persistence, Recorder, StepEnd};

use super::RunError;
use super::world::Located;
use reading::Reading;

/// Nothing is read ahead before so many callbacks have come since the last look.
const AHEAD: u64 = 50_000;
/// How often it is looked whether they have, and whether what is missing has come.
const LOOK: Duration = Duration::from_millis(20);
/// What is missing for so long while nothing else comes is not waited for any more.
const QUIET: Duration = Duration::from_secs(2);

/// What the logs hold, and whether that is known to be all.
pub(super) struct Read {
    pub(super) logs: Vec<PartitionLog>,
    /// Nothing more can come.
    pub(super) settled: bool,
}

/// Reads the logs of all partitions of the plan's topics from their leaders.
pub(super) struct Reader<'a> {
    plan: &'a Plan,
    bootstrap: Vec<Address>,
    /// None before the first call.
    cluster: Option<Cluster>,
    recogniser: Recogniser,
    /// By topic and partition.
    logs: Vec<Reading>,
}

impl<'a> Reader<'a> {
    /// Has read nothing, and is connected to nothing.
    pub(super) fn new(plan: &'a Plan, bootstrap: Vec<Address>, partitions: Vec<Located>) -> Self {
        let log = |located| Reading::new(located, plan.snapshot.content);
        let logs = partitions.into_iter().map(log).collect();
        Self { plan, bootstrap, cluster: None, recogniser: plan.recogniser(), logs }
    }

    /// Reads ahead while callbacks come, and never ends; at the end of a long run little is left to read. What keeps the
    /// logs from being read now will do so at the end. What is below a high watermark now stays so: where a step
    /// may take a broker or a leader away, nothing is read. May be dropped at any time.
    pub(super) async fn read_ahead(&mut self, recorder: &Recorder) -> Infallible {
        if self.plan.cluster_step().is_some() {
            return pending().await;
        }
        let mut seen = recorder.counts().callbacks;
        loop {
            sleep(LOOK).await;
            let callbacks = recorder.counts().callbacks;
            if callbacks >= seen + AHEAD {
                seen = callbacks;
                if self.catch_up().await.is_err() {
                    pending::<()>().await;
                }
            }
        }
    }

    /// Closes its connections, until it reads again; partitions that no step came to add are left out then.
    pub(super) fn rest(&mut self, events: &Events) {
        self.cluster.iter_mut().for_each(Cluster::hang_up);
        let mut counts: Vec<_> = self.plan.topics.iter().map(|topic| topic.at_first).collect();
        for event in events.others() {
            let Event::StepEnded(step, StepEnd::Done) = event else { continue };
            let action = self.plan.steps.get(*step).map(|step| &step.action);
            if let Some(Action::Cluster(ClusterStep::GrowTopic { topic, partitions })) = action
                && let Some(count) = counts.get_mut(topic.index())
            {
                *count = *partitions;
            }
        }
        let is_there = |TopicPartition { topic, partition }| {
            let count = counts.get(topic.index()).copied().unwrap_or_default();
            u32::try_from(partition.0).is_ok_and(|partition| partition < count)
        };
        self.logs.retain(|log| is_there(log.partition()));
    }

    /// Reads what is left, and hands out the logs.
    pub(super) async fn finish(mut self) -> Result<Read, RunError> {
        let ends = self.catch_up().await?;
        Ok(Read { logs: self.end(ends)?, settled: true })
    }

    /// Reads until all that may have been written is there and one more read brings nothing, or until nothing has come
    /// for a while: then it is not settled whether the rest will.
    pub(super) async fn finish_unsettled(mut self, events: &Events) -> Result<Read, RunError> {
        let written = possibly_written(events);
        let (mut count, mut quiet) = (self.own().count(), Instant::now());
        loop {
            let ends = self.catch_up().await?;
            let now = self.own().count();
            if now > count {
                (count, quiet) = (now, Instant::now());
                continue;
            }
            let settled = written.difference(&self.own().collect()).is_empty();
            // A broker may write the end of a transaction after it has said that it will.
            if settled && self.all_ended() || quiet.elapsed() >= QUIET {
                return Ok(Read { logs: self.end(ends)?, settled });
            }
            sleep(LOOK).await;
        }
    }

    /// Whether no transaction is open in any log.
    fn all_ended(&self) -> bool {
        self.logs.iter().all(Reading::has_ended)
    }

    /// The submissions whose records have been read.
    fn own(&self) -> impl Iterator<Item = Submission> {
        self.logs.iter().flat_map(|log| &log.records).filter_map(|record| record.identity)
    }

    /// Reads what is there and has not been read.
    async fn catch_up(&mut self) -> Result<Vec<Result<LogEnd, ErrorCode>>, RunError> {
        let deadline = Instant::now() + self.plan.deadline;
        let cluster = match &mut self.cluster {
            Some(cluster) => cluster,
            none => match Cluster::connect(Tcp, &self.bootstrap, deadline).await {
                Ok(cluster) => none.insert(cluster),
                // A scenario may stop every broker.
                Err(ClusterError::Unreachable { .. }) if self.plan.cluster_step().is_some() => {
                    return Ok(vec![Err(ErrorCode::LEADER_NOT_AVAILABLE); self.logs.len()]);
                }
                Err(error) => return Err(error.into()),
            },
        };
        let led = match self.plan.cluster_step() {
            Some(_) => led(cluster, &self.logs, deadline).await?,
            None => vec![true; self.logs.len()],
        };
        let led: Vec<_> = led.iter().enumerate().filter(|(_, led)| **led).map(|(at, _)| at).collect();
        let mut ends = vec![Err(ErrorCode::LEADER_NOT_AVAILABLE); self.logs.len()];
        let mut unread = led;
        while !unread.is_empty() {
            let read = self.read_some(&unread, deadline).await?;
            for (at, end) in unread.iter().zip(read) {
                ends[*at] = end;
            }
            unread = self.removed(&ends, deadline).await?;
        }
        Ok(ends)
    }

    /// Reads what is left of some of the logs.
    async fn read_some(
        &mut self,
        some: &[usize],
        deadline: Instant,
    ) -> Result<Vec<Result<LogEnd, ErrorCode>>, RunError> {
        let Some(cluster) = &mut self.cluster else { return Ok(Vec::new()) };
        let logs = some.iter().filter_map(|at| self.logs.get(*at));
        let from: Vec<_> = logs.map(|log| (log.place().clone(), log.next)).collect();
        let (logs, recogniser, plan) = (&mut self.logs, &mut self.recogniser, self.plan);
        let visit = |at: usize, logged: &Logged<'_>| {
            if let Some(log) = some.get(at).and_then(|at| logs.get_mut(*at)) {
                log.visit(plan, recogniser, logged);
            }
        };
        Ok(cluster.read(&from, visit, deadline).await?)
    }

    /// The logs that could not be read since the broker has removed what was to be read next, by their age or their size:
    /// they are read from where they begin now.
    async fn removed(
        &mut self,
        ends: &[Result<LogEnd, ErrorCode>],
        deadline: Instant,
    ) -> Result<Vec<usize>, RunError> {
        let out_of_range = |(at, end): (usize, &Result<LogEnd, ErrorCode>)| {
            (*end == Err(ErrorCode::OFFSET_OUT_OF_RANGE)).then_some(at)
        };
        let mut removed: Vec<_> = ends.iter().enumerate().filter_map(out_of_range).collect();
        let Some(cluster) = self.cluster.as_mut().filter(|_| !removed.is_empty()) else {
            return Ok(Vec::new());
        };
        let places: Vec<_> =
            removed.iter().filter_map(|at| self.logs.get(*at)).map(|log| log.place().clone()).collect();
        let mut starts = cluster.offsets(Bound::Start, &places, deadline).await?.into_iter();
        removed.retain(|at| {
            let start = starts.next().and_then(Result::ok);
            self.logs.get_mut(*at).zip(start).is_some_and(|(log, start)| log.begins_at(start))
        });
        Ok(removed)
    }

    fn end(self, ends: Vec<Result<LogEnd, ErrorCode>>) -> Result<Vec<PartitionLog>, RunError> {
        self.logs.into_iter().zip(ends).map(|(log, end)| log.end(self.plan, end)).collect()
    }
}

/// Whether somebody leads each of these partitions.
async fn led(cluster: &mut Cluster, logs: &[Reading], deadline: Instant) -> Result<Vec<bool>, RunError> {
    let mut topics = HashMap::new();
    let mut led = Vec::with_capacity(logs.len());
    for Place { topic, partition } in logs.iter().map(Reading::place) {
        if !topics.contains_key(topic) {
            topics.insert(topic, cluster.topic(topic, deadline).await?);
        }
        let found = topics.get(topic).and_then(|found| found.as_ref().ok());
        led.push(found.is_some_and(|found| found.leaders.get(partition).copied().flatten().is_some()));
    }
    Ok(led)
}

/// What clients took and do not claim to be unwritten.
fn possibly_written(events: &Events) -> Submissions {
    let sent = |event| if let Event::Sent(submission) = event { Some(submission) } else { None };
    let sent: Submissions = events.iter().filter_map(sent).collect();
    let failed = |callback: Callback| {
        let failure = callback.result.err()?;
        (failure.persistence == Persistence::NotPersisted).then_some(callback.submission)
    };
    sent.difference(&events.callbacks().filter_map(failed).collect())
}
