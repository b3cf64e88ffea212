//! What the application does, step by step.

use std::sync::Arc;
use std::time::Duration;

use crate::fault::{AfterClose, Condition};
use crate::id::{
    BrokerId, FaultIndex, Offset, Partition, ProducerIndex, Submission, TopicIndex, TopicPartition,
};
use crate::source::Span;

/// One step and its place in the file.
#[derive(Clone, Debug)]
pub struct Step {
    /// What to do.
    pub action: Action,
    /// Where it was asked for.
    pub span: Span,
    /// The scenario's own step, which the snapshot shows, or one that its short form stands for (`count` and `mode`).
    pub explicit: bool,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Sends the batch of that place in the plan's list.
    Send {
        /// The place in `Plan::batches`.
        batch: usize,
        /// When the next message may be sent.
        mode: Mode,
    },
    /// Submits messages once more, each behind an earlier submission of it.
    Again {
        /// Which submissions of them, in their order.
        submissions: Vec<Submission>,
        /// When the next may be sent.
        mode: Mode,
    },
    /// Waits until every submission has its callback, at most so long.
    WaitCallbacks {
        /// The limit.
        within: Duration,
    },
    /// Flushes, at most so long.
    Flush {
        /// Which producer; none: every one.
        producer: Option<ProducerIndex>,
        /// The limit.
        within: Duration,
    },
    /// Throws away what a producer has not sent or what is on its way, with a callback for each message.
    Purge {
        /// Which.
        producer: ProducerIndex,
        /// What.
        what: Purge,
    },
    /// Closes a producer: flushes, at most so long, then lets go.
    Close {
        /// Which.
        producer: ProducerIndex,
        /// The limit of its flush; none for no flush.
        within: Option<Duration>,
        /// What is thrown away behind the flush, with a callback for each message.
        purge: Purge,
    },
    /// The process would end here: no flush, and no callback from then on.
    Exit,
    /// Opens a producer, and initialises it if it is transactional.
    Open {
        /// Which.
        producer: ProducerIndex,
        /// The limit.
        within: Duration,
    },
    /// Asks a producer something about its transaction.
    Transaction {
        /// Which producer.
        producer: ProducerIndex,
        /// What.
        call: TransactionCall,
        /// The limit.
        within: Duration,
    },
    /// Does something to the embedded cluster.
    Cluster(ClusterStep),
    /// Waits until something holds, at most so long; the scenario fails where it does not.
    Wait {
        /// What.
        condition: Condition,
        /// The limit.
        within: Duration,
    },
    /// Does something on the way between the producers and the brokers.
    Link(LinkStep),
}

impl Action {
    /// Whether it only waits for what was begun before it.
    pub fn only_waits(&self) -> bool {
        matches!(self, Self::WaitCallbacks { .. } | Self::Wait { .. } | Self::Flush { .. })
    }

    /// The word of the step in a scenario.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Send { .. } | Self::Again { .. } => "send",
            Self::WaitCallbacks { .. } | Self::Wait { .. } => "wait",
            Self::Flush { .. } => "flush",
            Self::Purge { .. } => "purge",
            Self::Close { .. } => "close",
            Self::Exit => "exit",
            Self::Open { .. } => "open",
            Self::Transaction { call, .. } => match call {
                TransactionCall::Begin => "begin",
                TransactionCall::SendOffsets(_) => "send_offsets",
                TransactionCall::Commit => "commit",
                TransactionCall::Abort { .. } => "abort",
            },
            Self::Cluster(step) => step.word(),
            Self::Link(step) => step.word(),
        }
    }
}

impl LinkStep {
    fn word(self) -> &'static str {
        match self {
            Self::Arm(_) => "arm",
            Self::Release(_) => "release",
            Self::Cut { .. } | Self::Heal => "network",
            Self::Disconnect { .. } => "disconnect",
        }
    }
}

impl ClusterStep {
    fn word(&self) -> &'static str {
        match self {
            Self::Stop(_) | Self::Start(_) | Self::Restart(_) | Self::Kill(_) => "broker",
            Self::Lead { .. } => "leader",
            Self::InSync { .. } => "isr",
            Self::Hold { .. } | Self::Resume => "replication",
            Self::DeleteTopic(_) | Self::RecreateTopic(_) | Self::GrowTopic { .. } => "topic",
            Self::MoveCoordinator { .. } => "coordinator",
            Self::AdvanceClock(_) => "clock",
        }
    }
}

/// What a client is asked to throw away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purge {
    /// What waits in its buffer.
    pub queue: bool,
    /// What is on its way to a broker.
    pub in_flight: bool,
}

/// What is asked of a producer about its transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransactionCall {
    /// To begin one. Opens the producer if it is not open.
    Begin,
    /// To add an offset of a consumer group.
    SendOffsets(GroupOffset),
    /// To commit, once its messages have their callbacks.
    Commit,
    /// To abort.
    Abort {
        /// Once its messages have their callbacks.
        flush: bool,
    },
}

impl TransactionCall {
    /// Whether it is made when all messages of the producer have their callbacks.
    pub fn waits(&self) -> bool {
        matches!(self, Self::Commit | Self::Abort { flush: true })
    }
}

/// The next offset that a consumer group will read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupOffset {
    /// The group.
    pub group: Arc<str>,
    /// The topic.
    pub topic: TopicIndex,
    /// The partition in it.
    pub partition: Partition,
    /// The offset.
    pub offset: Offset,
}

/// When the next message may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// When the one before has been acknowledged.
    Sync,
    /// At once.
    Async,
    /// When fewer than so many, at least 1, are unacknowledged.
    Window(u32),
}

/// What is done to the embedded cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClusterStep {
    /// A broker is stopped.
    Stop(BrokerId),
    /// A broker is started.
    Start(BrokerId),
    /// A broker is stopped and started.
    Restart(BrokerId),
    /// A broker ends as if its process were killed.
    Kill(BrokerId),
    /// A broker becomes the leader of a partition.
    Lead {
        /// The partition.
        partition: TopicPartition,
        /// The broker.
        to: BrokerId,
        /// Though it is not in sync.
        unclean: bool,
    },
    /// These replicas of a partition are in sync, and no others.
    InSync {
        /// The partition.
        partition: TopicPartition,
        /// The brokers that have them.
        replicas: Vec<BrokerId>,
    },
    /// A replica gets nothing more.
    Hold {
        /// The partition.
        partition: TopicPartition,
        /// The broker that has it.
        replica: BrokerId,
    },
    /// All replicas get what they lack.
    Resume,
    /// A topic is deleted.
    DeleteTopic(TopicIndex),
    /// A topic is created anew.
    RecreateTopic(TopicIndex),
    /// The coordinator of a transactional id moves to another broker.
    MoveCoordinator {
        /// The transactional id.
        transactional_id: Arc<str>,
        /// The broker.
        to: BrokerId,
    },
    /// Partitions are added to a topic.
    GrowTopic {
        /// The topic.
        topic: TopicIndex,
        /// How many it has then.
        partitions: u32,
    },
    /// The brokers' clock is moved ahead.
    AdvanceClock(Duration),
}

/// What is done on the way between the producers and the brokers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkStep {
    /// A fault is armed.
    Arm(FaultIndex),
    /// What a fault holds is released.
    Release(FaultIndex),
    /// Nothing passes any more, in one direction or both.
    Cut {
        /// What clients ask.
        to_broker: bool,
        /// What brokers answer.
        to_client: bool,
        /// To and from this broker alone; none: every one.
        broker: Option<BrokerId>,
        /// What becomes of what is under way, when the network is whole again.
        after_heal: AfterClose,
    },
    /// Whatever was cut is whole again.
    Heal,
    /// Connections are closed, idle ones too.
    Disconnect {
        /// Those of this producer; none: of all.
        producer: Option<ProducerIndex>,
        /// Those to this broker; none: to all.
        broker: Option<BrokerId>,
    },
}
