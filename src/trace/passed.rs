//! What passed between the client and the brokers, as the link saw it, and what the link did to it.

use kafka_protocol::messages::ApiKey;

use crate::id::{BrokerId, FaultIndex, Partition, ProducerIndex, TopicIndex};
use crate::kafka::ErrorCode;
use crate::submissions::Submissions;

/// What the link saw of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Linked {
    /// Every request, in the order in which they reached the link. Those of an API that nobody asks for are not kept.
    pub passed: Vec<Passed>,
    /// For each fault of the plan, in its order, how often it took something. Empty where there was no link.
    pub taken: Vec<Taken>,
    /// Faults that would have had to make an answer that no broker gives, and why it cannot be. The request went on
    /// honestly. Each fails the scenario.
    pub impossible: Vec<(FaultIndex, String)>,
    /// Faults whose hold nobody released before the logs were to be read, and that nobody waited for. A warning.
    pub left: Vec<FaultIndex>,
}

/// One request on its way from a client to a broker, or a connection that was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// Which connection, from 0, in the order in which the link accepted them.
    pub connection: u32,
    /// Whose request.
    pub producer: ProducerIndex,
    /// Where to.
    pub broker: BrokerId,
    /// The API; none for the opening of a connection.
    pub api: Option<ApiKey>,
    /// The version of the API, as the client wrote it.
    pub version: i16,
    /// Its parts: of Produce a partition each, of an API that names topics or partitions one each. Others have one
    /// row without a place.
    pub rows: Vec<PassedRow>,
    /// The fault that took it.
    pub touched: Option<Touched>,
    /// When it came.
    pub came: Moment,
    /// When the client got its answer, or it was certain that there will be none; none where that was never certain.
    pub answered: Option<Moment>,
}

/// When the link saw something, among the facts of the application and the clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// How many facts had been recorded by then.
    pub facts: u64,
    /// How much the link had seen before.
    pub seen: u64,
}

/// A part of a request that has an answer of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PassedRow {
    /// The topic; none where the request names none, or one that the plan does not have.
    pub topic: Option<TopicIndex>,
    /// The partition in it.
    pub partition: Option<Partition>,
    /// The producer's identity and place in the sequence, as they stand in the batch (of Produce) or the request.
    pub sequenced: Option<Sequenced>,
    /// The submissions that it carries.
    pub submissions: Submissions,
    /// How many records it carries.
    pub records: u32,
    /// Which attempt this is for the submissions that it carries, from 1: the largest, where they differ. 0 where it
    /// carries none.
    pub attempt: u32,
    /// The fault takes this row. Only `fail` takes single rows.
    pub touched: bool,
    /// What the client got to see.
    pub answer: Answer,
}

/// Producer id, epoch and sequence number, raw as they stand on the wire; −1 is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequenced {
    /// The producer id.
    pub producer_id: i64,
    /// Its epoch.
    pub epoch: i16,
    /// The sequence number of the first record; −1 in requests that carry no records.
    pub sequence: i32,
}

/// What a client got to see as the answer to a part of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer {
    /// Nothing until the end of the run, though an answer was due, and the connection stayed open as far as the link
    /// is concerned.
    #[default]
    Silent,
    /// Nothing, and none was due (acks = 0).
    Unowed,
    /// A code; [`ErrorCode::NONE`] is success.
    Code(ErrorCode),
    /// The link or the broker closed the connection instead.
    Closed,
    /// The client closed the connection before it came.
    Left,
}

/// Which fault took a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Touched {
    /// The fault.
    pub fault: FaultIndex,
    /// For the how-manieth time it fired, from 1.
    pub firing: u32,
}

/// How often a fault took something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Requests that were as it asks, those that it left alone and those that another fault took included.
    pub matched: u32,
    /// How often it fired.
    pub fired: u32,
    /// Of a fault that never matched: what came nearest to it.
    pub nearest: Option<Nearest>,
}

/// A request that was almost what a fault asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nearest {
    /// Its place in [`Linked::passed`].
    pub passed: usize,
    /// What of it is otherwise, in a few words: `partition 1 instead of 0`.
    pub differs: String,
}
