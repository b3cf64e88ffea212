//! The vocabulary of a scenario. These types are what the reader reads, their doc comments are the reference and the
//! JSON Schema.

mod expect;
mod fault;
mod leaf;
mod producer;
mod snapshot;
mod step;
mod topic;

use schemars::JsonSchema;
use serde::Deserialize;

use super::matrix::Combination;
use super::read::Field;

pub use expect::{
    AllOrNone, Anomalies, AnomalyKind, Delivered, Expect, ExpectApi, ExpectProduce, ExpectRequests, Log,
    MessageEvent, Moment, MustMay, Precedence, Range, Reason, Unknown,
};
pub use fault::{
    Action, ActionWord, AfterClose, Api, AtMost, Behind, Condition, Count, Delay, DisconnectAfter, Do, Fail,
    Fault, Filter, Held, Hold, LeaderOf, Metadata, Nothing, On, Released, Requests, StopReading, Times,
    Until,
};
pub use leaf::{Advance, Duration, Form, ILLEGAL_NAME, Listed, Map, Name, Number, Raw, Template, Text};
pub use producer::{Preset, Producer};
pub use snapshot::{Include, Partitions, Snapshot, SnapshotOrder};
pub use step::{
    Abort, AnyOk, BrokerStep, Call, ClockStep, Close, CoordinatorStep, Cut, Direction, Disconnect, Flush,
    FlushLimit, Grow, Headers, Heal, HeldReplica, IsrStep, LeaderStep, Mode, MoreSends, NetworkStep,
    NewMessages, OnOutcome, PartitionNumber, Purge, PurgeStep, React, ReactIn, Reaction, ReplicationStep,
    Send, SendOffsets, Step, TopicStep, Transaction, TransactionNumber, Wait, WaitFor,
};
pub use topic::Topic;

/// How many messages a scenario may have.
pub const MAX_MESSAGES: u64 = 100_000_000;
/// How many partitions a topic may have.
pub const MAX_PARTITIONS: u64 = 10_000;

/// A broker, from 1.
pub type BrokerNumber = Number<1, 100>;

/// A scenario: what an application sends, how, and what should come of it. Six lines are a complete, useful one.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Scenario {
    /// What people call it, in reports and filters. Default: the path of the file without its ending, relative to the
    /// folder that was asked for.
    pub name: Field<Text>,
    /// What it shows, for people.
    pub description: Field<Text>,
    /// Words to select it by.
    pub tags: Field<Vec<Field<Text>>>,
    /// The topic, as a name or with its properties. It is created before the first step.
    pub topic: Field<Form<Name, Topic>>,
    /// Several topics. Each send names its own; with one topic in the list it need not.
    pub topics: Field<Vec<Field<Form<Name, Topic>>>>,
    /// How many brokers the embedded cluster has; they are numbered from 1. Default: 1.
    pub brokers: Field<BrokerNumber>,
    /// The Apache Kafka that the embedded cluster behaves as. Default: the newest.
    pub emulate: Field<Emulate>,
    /// How many messages. Together with `mode` the short form of `steps`.
    pub count: Field<Number<1, MAX_MESSAGES>>,
    /// The key of each message, a template; `null` for none. Default: none.
    pub key: Field<Template>,
    /// The value of each message, a template; `null` for a tombstone. Default: `"{{ i }}"`.
    pub value: Field<Template>,
    /// The headers of each message: names, and templates for their values. A list of such mappings where one name
    /// stands several times. The name `inflight` is the runner's own.
    pub headers: Field<Headers>,
    /// The partition of each message, a number or a template that makes one. Default: the client chooses.
    pub partition: Field<Template>,
    /// The timestamp of each message in milliseconds since 1970, a number or a template that makes one. Default: the
    /// client takes its own clock.
    pub timestamp: Field<Template>,
    /// What every random choice of templates starts from. Default: 0.
    pub seed: Field<Number<0, { u64::MAX }>>,
    /// When the next message may be sent. Default: `async`.
    pub mode: Field<Mode>,
    /// The longest wait. In mode `sync`: for one acknowledgement. In mode `window`: until fewer than n are
    /// outstanding; when it passes, `timeout` names the oldest, which leaves the window. In mode `async`: the longest
    /// drain after the last send, and one `timeout` names all that are outstanding. A callback that comes later is
    /// `late`. A timeout by itself fails nothing. Default: 10s.
    pub ack_wait: Field<Duration>,
    /// What the application does when `ack_wait` passes. Default: `stop`.
    pub on_timeout: Field<OnTimeout>,
    /// The longest time of the whole scenario, from the first step; each combination of a matrix has it. Default: 60s.
    pub deadline: Field<Duration>,
    /// What the application does when the client's buffer is full. Default: `wait`.
    pub queue_full: Field<QueueFull>,
    /// The producer and its settings.
    pub producer: Field<Producer>,
    /// Several producers, by name. Each send names its own; with one producer here it need not.
    pub producers: Field<Map<Producer>>,
    /// What has happened before the first step. Default: `warm`.
    pub start: Field<Start>,
    /// When callbacks are served. Default: `background`.
    pub callbacks: Field<Callbacks>,
    /// What goes wrong on the way between the producers and the brokers.
    pub faults: Field<Vec<Field<Fault>>>,
    /// Whether faults may show what no broker could answer; every report says so then. Default: false.
    pub allow_impossible: Field<bool>,
    /// Whether messages carry the runner's own header `inflight`, by which they are recognised on the way and in the
    /// log. Default: `auto`.
    pub tag: Field<Tag>,
    /// What the application does on outcomes. Default: nothing.
    pub react: Field<Vec<Field<React>>>,
    /// What the application does, step by step, instead of `count` and `mode`. Message numbers run on over all sends.
    pub steps: Field<Vec<Field<Step>>>,
    /// Values by name: `{error: [A, B], idempotence: [true, false]}`. The scenario is run once for each combination of
    /// them, at most 100, and its snapshot has a section for each. `${error}` anywhere in a text stands for the value, `$${`
    /// for the characters `${`; a text that is nothing but `${error}` stands for the value as that is written, be it in
    /// quotes or not (YAML wants quotes around it in braces and brackets). In `name`, `description`, `tags` and `where`
    /// nothing is put. What is wrong in some combinations only says in which; what says nothing of that is so in all.
    pub matrix: Field<Matrix>,
    /// What should come of it, besides the snapshot. With a `matrix` it may be a list, in which each combination has the
    /// entry whose `where` names it. Default: everything is delivered, and there is no anomaly.
    pub expect: Field<Listed<Expect, Expect>>,
    /// What the snapshot shows.
    pub snapshot: Field<Snapshot>,
    /// The values that were put into it.
    #[serde(skip)]
    #[schemars(skip)]
    pub combination: Combination,
    /// How many combinations its file has.
    #[serde(skip)]
    #[schemars(skip)]
    pub combinations: usize,
}

/// Values by name.
pub type Matrix = Map<Vec<Field<Raw>>>;

/// A release of Apache Kafka.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
pub enum Emulate {
    /// As measured on 3.9.1.
    #[serde(rename = "3.9")]
    V3_9,
    /// As measured on 4.3.1.
    #[default]
    #[serde(rename = "4.3")]
    V4_3,
}

/// Which messages carry the runner's own header.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Tag {
    /// Those that their key and value do not tell from others of their topic.
    #[default]
    Auto,
    /// All.
    Always,
    /// None; key and value must tell them apart.
    Never,
}

/// What the application does when `ack_wait` passes.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum OnTimeout {
    /// The remaining sends and steps are left out; then it drains and closes.
    Stop,
    /// It goes on, as a program does that catches the exception.
    Continue,
}

/// What the application does when the client's buffer is full.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum QueueFull {
    /// It waits for room, up to `ack_wait`.
    Wait,
    /// It takes the refusal: `send_failed` with `queue_full`.
    Fail,
}

/// What has happened before the first step.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// The producer is connected, knows its topics and has its producer id: an application that has run for long.
    Warm,
    /// Nothing: a program's very first send.
    Cold,
}

/// When callbacks are served.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Callbacks {
    /// While sending, as with a thread that polls.
    Background,
    /// Only at waits, flushes and the end.
    OnWait,
}
