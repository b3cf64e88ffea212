//! A request on its way, as far as a rule can ask of it, and what is decided about it.

use kafka_protocol::messages::ApiKey;

use crate::id::{BrokerId, FaultIndex, Partition, ProducerIndex, TopicIndex};
use crate::submissions::Submissions;

use super::{Action, Condition};

/// A request on its way to a broker, or a connection that is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transit {
    /// Whose.
    pub producer: ProducerIndex,
    /// Where to.
    pub broker: BrokerId,
    /// The API; none for the opening of a connection.
    pub api: Option<ApiKey>,
    /// Its parts. A request that names no topic has none.
    pub rows: Vec<Row>,
    /// It asks for all topics there are (Metadata).
    pub all_topics: bool,
}

/// A part of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// The topic; none for one that the plan does not have.
    pub topic: Option<TopicIndex>,
    /// The partition; none where the request names topics alone.
    pub partition: Option<Partition>,
    /// What it carries.
    pub submissions: Submissions,
}

/// A rule takes a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The rule.
    pub fault: FaultIndex,
    /// For the how-manieth time it fires, from 1.
    pub firing: u32,
    /// What is done.
    pub action: Action,
    /// When: once this holds.
    pub hold: Option<Condition>,
    /// The topic that the rule asks for.
    pub topic: Option<TopicIndex>,
    /// The places of the parts that it is done to; all of them where the rule asks for none in particular. Actions other
    /// than `fail` take the request whole.
    pub rows: Vec<usize>,
}
