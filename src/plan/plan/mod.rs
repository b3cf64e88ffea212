//! What will happen, with every default explicit and every name resolved. Nothing is optional that the runner would
//! have to decide; every part keeps the place in the file that asked for it.

mod react;
mod share;
mod snapshot;
mod step;

use std::sync::Arc;
use std::time::Duration;

use crate::fault::Rule;
use crate::id::{BrokerId, MessageId, Partition, ProducerIndex, Submission, TopicIndex};
use crate::scenario::{Callbacks, Combination, Emulate, OnTimeout, QueueFull, Start};
use crate::source::{Source, Span};

use super::expect::Expect;
use super::message::{Message, MessageTemplate, RenderError};

pub use react::{Deed, Heard, MAX_RESENT, Reaction, Trigger};
pub use share::Share;
pub use snapshot::{Order, Snapshot};
pub use step::{Action, ClusterStep, GroupOffset, LinkStep, Mode, Purge, Step, TransactionCall};

/// A scenario that can be executed. Messages are rendered when they are sent: a plan of 10^8 messages is small.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The file it came from.
    pub source: Arc<Source>,
    /// The values of the file's matrix in it.
    pub combination: Combination,
    /// Its name: given, or the path without ending.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// For filters.
    pub tags: Vec<String>,
    /// What every random choice starts from.
    pub seed: u64,
    /// How many brokers the embedded cluster has.
    pub brokers: u32,
    /// The Apache Kafka that it behaves as.
    pub emulate: Emulate,
    /// The topics, created before the first step.
    pub topics: Vec<Topic>,
    /// The producers.
    pub producers: Vec<Producer>,
    /// What is sent, in the order of message numbers; each `Action::Send` names one, or a reaction.
    pub batches: Vec<Batch>,
    /// What the application does, in order.
    pub steps: Vec<Step>,
    /// What the application does on outcomes, in the order in which it is tried.
    pub reactions: Vec<Reaction>,
    /// What goes wrong on the way between the producers and the brokers, in the order in which it is tried.
    pub faults: Vec<Rule>,
    /// Whether faults may show what no broker could answer.
    pub allow_impossible: bool,
    /// The longest wait for acknowledgements; what it means depends on the mode.
    pub ack_wait: Duration,
    /// Of the whole scenario, from the first step.
    pub deadline: Duration,
    /// What the application does when `ack_wait` passes.
    pub on_timeout: OnTimeout,
    /// What it does when the client's buffer is full.
    pub queue_full: QueueFull,
    /// Whether the producers are connected before the first step.
    pub start: Start,
    /// When callbacks are served.
    pub callbacks: Callbacks,
    /// What should come out.
    pub expect: Expect,
    /// What the snapshot shows.
    pub snapshot: Snapshot,
}

/// What only broker and client can judge: known even where other parts of a scenario are wrong, so that all mistakes
/// of a file can be shown at once. Settings that no scenario may make are not in it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The file it came from.
    pub source: Arc<Source>,
    /// The values of the file's matrix in it.
    pub combination: Combination,
    /// The Apache Kafka whose rules hold.
    pub emulate: Emulate,
    /// The topics.
    pub topics: Vec<Topic>,
    /// The producers.
    pub producers: Vec<Producer>,
}

/// A topic.
#[derive(Clone, Debug)]
pub struct Topic {
    /// Its name on the cluster.
    pub name: Arc<str>,
    /// How many partitions, at least 1.
    pub partitions: u32,
    /// With how many of them it is created; steps add the others.
    pub at_first: u32,
    /// How many brokers have each partition, at least 1.
    pub replication_factor: u32,
    /// The broker that leads each partition at first.
    pub leaders: Vec<BrokerId>,
    /// Its settings, as written.
    pub config: Vec<Setting>,
    /// Where it was asked for.
    pub span: Span,
}

/// A producer.
#[derive(Clone, Debug)]
pub struct Producer {
    /// Its name; `producer` where the scenario names none.
    pub name: Arc<str>,
    /// The settings for the client, preset first, then `one_per_request`, then the scenario's own, each key once.
    pub config: Vec<Setting>,
    /// One record in each request.
    pub one_per_request: bool,
    /// Whether it writes in transactions: it has a `transactional.id`.
    pub transactional: bool,
    /// Whether a step opens it; otherwise it is open before the first step, or, if it is transactional, from its first
    /// `begin` on.
    pub opened_by_step: bool,
    /// Where it was asked for.
    pub span: Span,
}

/// One setting of a client or a topic, as raw text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The key, as written.
    pub key: String,
    /// The value, as written.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
}

/// Where a setting came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The scenario's `config`: the places of key and value.
    Scenario {
        /// The place of the key.
        key: Span,
        /// The place of the value.
        value: Span,
    },
    /// A preset or switch of the scenario: its place.
    Preset(Span),
    /// The command line (`-X`).
    CommandLine,
}

/// Consecutive messages of one producer to one topic, made from one template.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The number of the first.
    pub first: MessageId,
    /// How many.
    pub count: u32,
    /// Who sends them.
    pub producer: ProducerIndex,
    /// Where to.
    pub topic: TopicIndex,
    /// How many threads send them, at least 1; with 1 it is the one that takes the steps.
    pub threads: u32,
    /// What each looks like, its partition and timestamp included.
    pub message: MessageTemplate,
    /// Where it was asked for.
    pub span: Span,
}

impl Batch {
    /// Makes one of its messages into a buffer that is used again and again.
    pub fn render(&self, message: MessageId, into: &mut Message) -> Result<(), RenderError> {
        self.message.render(message, into)
    }

    /// Makes one of its messages for a submission of it: the runner's own header, where it is carried, says which.
    pub fn render_again(&self, submission: Submission, into: &mut Message) -> Result<(), RenderError> {
        self.message.render(submission.message, into)?;
        let tag = into.headers.last_mut().and_then(|(_, value)| value.as_mut());
        if let Some(tag) = tag.filter(|_| self.tagged()) {
            tag.extend(std::iter::repeat_n(b'\'', usize::from(submission.again)));
        }
        Ok(())
    }

    /// Whether its messages have keys; each has one, or none has.
    pub fn has_keys(&self) -> bool {
        self.message.has_keys()
    }

    /// Whether no two of its messages can have the same key, as far as that is plain to see.
    pub fn has_distinct_keys(&self) -> bool {
        self.message.has_distinct_keys()
    }

    /// Makes the key of one of its messages; it is what [`Batch::render`] makes.
    pub fn render_key(&self, message: MessageId, into: &mut Option<Vec<u8>>) -> Result<(), RenderError> {
        self.message.render_key(message, into)
    }

    /// Whether its messages name their partitions, so that the client does not choose.
    pub fn names_partitions(&self) -> bool {
        self.message.names_partitions()
    }

    /// The partition that one of its messages names.
    pub fn partition(&self, message: MessageId) -> Result<Option<Partition>, RenderError> {
        Ok(self.message.partition(message)?.map(Partition))
    }

    /// Whether its messages carry the runner's own header, by which they are recognised.
    pub fn tagged(&self) -> bool {
        self.message.tagged
    }
}

impl Plan {
    /// How many messages its steps send; numbers from there on are those of messages that reactions send.
    pub fn planned(&self) -> u32 {
        let batches = self.reactions.iter().filter_map(|reaction| self.batches.get(reaction.deed.batch()?));
        batches.map(|batch| batch.first.0).min().unwrap_or_else(|| self.messages())
    }

    /// How many messages it may have, those of reactions included.
    pub fn messages(&self) -> u32 {
        self.batches.last().map_or(0, |batch| batch.first.0 + batch.count)
    }

    /// The first of the steps that only an embedded cluster can take, if there is one.
    pub fn cluster_step(&self) -> Option<&Step> {
        self.steps.iter().find(|step| matches!(step.action, Action::Cluster(_)))
    }

    /// Whether something has to stand between the producers and the brokers: a fault, a step about the network or a
    /// wait for a condition, or somebody who wants to see requests.
    pub fn needs_link(&self) -> bool {
        let linked = |step: &Step| matches!(step.action, Action::Link(_) | Action::Wait { .. });
        let shown = self.snapshot.requests || !self.expect.requests.is_empty();
        !self.faults.is_empty() || shown || self.steps.iter().any(linked)
    }

    /// The submissions that its steps make of messages that were submitted before.
    pub fn again(&self) -> impl Iterator<Item = Submission> {
        let of = |step: &'_ Step| match &step.action {
            Action::Again { submissions, .. } => submissions.clone(),
            _ => Vec::new(),
        };
        self.steps.iter().flat_map(of)
    }

    /// The batch that a message belongs to; none for a number that the plan does not have.
    pub fn batch_of(&self, message: MessageId) -> Option<&Batch> {
        self.batches.get(self.batch_index(message)?)
    }

    /// The place of that batch in the plan's list.
    pub fn batch_index(&self, message: MessageId) -> Option<usize> {
        let after = self.batches.partition_point(|batch| batch.first <= message);
        let at = after.checked_sub(1)?;
        let batch = self.batches.get(at)?;
        (message.0 - batch.first.0 < batch.count).then_some(at)
    }
}

impl Topic {
    /// The brokers that have a partition, its first leader in front, in a cluster of so many.
    pub fn replicas(&self, partition: Partition, brokers: u32) -> impl Iterator<Item = BrokerId> {
        let leader = usize::try_from(partition.0).ok().and_then(|at| self.leaders.get(at)).copied();
        let brokers = i32::try_from(brokers).unwrap_or(i32::MAX).max(1);
        let factor = i32::try_from(self.replication_factor).unwrap_or(i32::MAX).min(brokers);
        let leader = leader.map(|leader| leader.0 - 1);
        leader
            .into_iter()
            .flat_map(move |first| (0..factor).map(move |k| BrokerId((first + k) % brokers + 1)))
    }
}
