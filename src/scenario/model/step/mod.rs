//! Steps, and what is common to all ways of sending.

mod close;
mod cluster;
mod network;
mod react;
mod transaction;

use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Count, Duration, Field, Form, Listed, MAX_MESSAGES, Map, Name, Number, Range, Requests, Template, Text,
    Until,
};

pub use close::{Close, Flush, FlushLimit, Purge, PurgeStep};
pub use cluster::{
    BrokerStep, ClockStep, CoordinatorStep, Grow, HeldReplica, IsrStep, LeaderStep, ReplicationStep,
    TopicStep,
};
pub use network::{Cut, Direction, Disconnect, Heal, NetworkStep};
pub use react::{AnyOk, MoreSends, NewMessages, OnOutcome, React, ReactIn, Reaction};
pub use transaction::{Abort, Call, PartitionNumber, SendOffsets, Transaction, TransactionNumber};

/// When the next message may be sent.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// When the one before has been acknowledged, or `ack_wait` has passed.
    Sync,
    /// At once.
    Async,
    /// When fewer than so many are unacknowledged.
    Window(Field<Number<1, MAX_MESSAGES>>),
    /// In transactions of so many messages, at once within each. What is sent is `begin`, the messages, and `commit` or
    /// `abort`, as if these steps were written.
    Transaction(Field<Transaction>),
}

/// Headers of a message: names, and templates for their values; `null` for a header without a value.
pub type Headers = Listed<Map<Template>, Map<Template>>;

/// One thing that the application does.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(transform = with_bare_words)]
pub enum Step {
    /// Sends messages: so many, without waiting, or with more said about them.
    Send(Form<Number<1, MAX_MESSAGES>, Box<Send>>),
    /// Waits: `wait: callbacks` until every submission has its callback, up to `ack_wait`; or for a condition,
    /// `wait: {requests: 3, within: 5s}`.
    Wait(Form<WaitFor, Box<Wait>>),
    /// Flushes every producer, up to `ack_wait` or as long as is said: `flush`, `flush: 2s`; or one of several,
    /// `flush: {producer: NAME}`.
    Flush(Option<Form<Duration, Flush>>),
    /// Throws away what a producer has not sent, what is on its way, or both, with a callback for each message, and goes
    /// on: `purge: [queue, in_flight]`, `purge: queue`, `purge: {producer: NAME}`. `purge` alone means both.
    Purge(Option<Form<Listed<Purge, Purge>, PurgeStep>>),
    /// Closes a producer: flushes it, up to `ack_wait`, and lets go of it. `close`, or `close: NAME` where there are
    /// several, or with more said about it. It cannot be used afterwards.
    Close(Option<Form<Name, Close>>),
    /// The process would end here: nothing is flushed, and no callback is served any more. What was sent and not
    /// answered by then is `cut_off`. Only steps that change the cluster may follow.
    Exit,
    /// Opens a producer: creates it and, if it is transactional, initialises it, up to `ack_wait` or as `within` says.
    /// `open`, or `open: NAME` where there are several. Without this step a producer is opened before the first step, a
    /// transactional one at its first `begin`.
    Open(Option<Form<Name, Call>>),
    /// Begins a transaction. `begin`, or `begin: NAME` where there are several producers. The producer must have a
    /// `transactional.id`.
    Begin(Option<Form<Name, Call>>),
    /// Commits the transaction, up to `ack_wait` or as `within` says: waits for the callbacks of its messages, then asks
    /// the client. `commit`, or `commit: NAME` where there are several producers, `commit: {within: 1s}`. A commit of
    /// which nobody knows whether it was done may be asked for again.
    Commit(Option<Form<Name, Call>>),
    /// Aborts the transaction, up to `ack_wait` or as `within` says: waits for the callbacks of its messages, then asks
    /// the client. `abort`, or `abort: NAME` where there are several producers; `abort: {flush: false}` does not wait.
    Abort(Option<Form<Name, Abort>>),
    /// Adds an offset of a consumer group to the transaction, up to `ack_wait`, as an application does that reads
    /// messages and writes others.
    SendOffsets(SendOffsets),
    /// Stops, starts, restarts or kills a broker: `broker: {stop: 1}`.
    Broker(BrokerStep),
    /// Makes a broker the leader of a partition: `leader: {partition: 0, to: 2}`.
    Leader(LeaderStep),
    /// Says which replicas of a partition are in sync: `isr: {partition: 0, replicas: [1]}`.
    Isr(IsrStep),
    /// Holds the replication of a partition, or lets all go on: `replication: {hold: {partition: 0, replica: 2}}`,
    /// `replication: resume`.
    Replication(ReplicationStep),
    /// Deletes a topic, creates it anew, or adds partitions to it: `topic: {delete: NAME}`,
    /// `topic: {grow: {partitions: 4}}`.
    Topic(TopicStep),
    /// Moves the coordinator of a producer's transactions: `coordinator: {move: 2}`.
    Coordinator(CoordinatorStep),
    /// Moves the brokers' clock ahead: `clock: {advance: 25h}`.
    Clock(ClockStep),
    /// Arms a fault that has `armed: false`, by its name: `arm: NAME`.
    Arm(Text),
    /// Lets go of what a fault holds with `until: released`: `release: NAME`.
    Release(Text),
    /// Cuts the network, or makes it whole again: `network: {cut: [to_broker, to_client], broker: 1}`,
    /// `network: heal`.
    Network(NetworkStep),
    /// Closes connections, idle ones too: `disconnect`, or `disconnect: {producer: NAME, broker: 1}`.
    Disconnect(Option<Disconnect>),
}

impl Step {
    /// Whether it does something to the cluster or the network, and nothing to the application.
    pub fn is_of_cluster(&self) -> bool {
        matches!(
            self,
            Self::Broker(_)
                | Self::Leader(_)
                | Self::Isr(_)
                | Self::Replication(_)
                | Self::Topic(_)
                | Self::Coordinator(_)
                | Self::Clock(_)
                | Self::Arm(_)
                | Self::Release(_)
                | Self::Network(_)
                | Self::Disconnect(_)
        )
    }
}

/// Messages to send. What is left out is as the scenario says.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Send {
    /// How many.
    pub count: Field<Number<1, MAX_MESSAGES>>,
    /// When the next may be sent. Default: `async`.
    pub mode: Field<Mode>,
    /// How many threads of the application send them together, from 1 to 64: thread t sends the messages i of this send,
    /// counted from its first, with i ≡ t mod that number, one after the other, and waits for its own as `mode` says.
    /// They begin together, and the next step comes when all have ended. A time-out with `on_timeout: stop` stops the
    /// thread that it is of, and the steps behind. Default: 1, the thread that takes the steps.
    pub concurrent: Field<Number<1, 64>>,
    /// Which messages of this or an earlier send the application submits once more, behind those of this send, in that
    /// order: `[0]`. The second submission of message 0 is `"0'"`, the third `"0''"`. Without `count` the send does
    /// nothing else. Such messages always carry the runner's own header.
    pub again: Field<Listed<Range, Range>>,
    /// Which producer sends them, where there are several.
    pub producer: Field<Name>,
    /// To which topic, where there are several.
    pub topic: Field<Name>,
    /// The key of each, a template.
    pub key: Field<Template>,
    /// The value of each, a template.
    pub value: Field<Template>,
    /// The headers of each.
    pub headers: Field<Headers>,
    /// The partition of each, a number or a template that makes one.
    pub partition: Field<Template>,
    /// The timestamp of each in milliseconds since 1970, a number or a template that makes one.
    pub timestamp: Field<Template>,
}

/// What a wait waits for.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum WaitFor {
    /// Every submission has its callback.
    Callbacks,
}

/// A wait for a condition, or for several that must all hold. All count from the first step, over all producers and
/// brokers, unless narrowed.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Wait {
    /// So many calls of send have returned, refused ones too.
    pub sent: Field<Count>,
    /// So many callbacks of any kind have been served.
    pub callbacks: Field<Count>,
    /// So many requests have come from the clients.
    pub requests: Field<Form<Count, Requests>>,
    /// The fault of that name has taken a request.
    pub matched: Field<Text>,
    /// The action of the fault of that name is done; of a hold or delay: it is released.
    pub fired: Field<Text>,
    /// The step `release` has named that fault.
    pub released: Field<Text>,
    /// No produce or transaction request has come from a client, and no call of send has returned, for that long. It has
    /// a clock.
    pub quiet: Field<Duration>,
    /// That long has passed. It has a clock.
    #[serde(rename = "for")]
    pub lasted: Field<Duration>,
    /// One of these holds.
    pub any: Field<Vec<Field<Until>>>,
    /// The longest wait; when it passes, the scenario fails. Default: `ack_wait`.
    pub within: Field<Duration>,
}

/// These may stand alone.
fn with_bare_words(schema: &mut Schema) {
    if let Some(variants) = schema.get_mut("oneOf").and_then(Value::as_array_mut) {
        variants.push(json!({ "enum": [
                "flush", "purge", "close", "open", "begin", "commit", "abort", "exit", "disconnect"
            ] }));
    }
}
