//! What a request to read says.

use kafka_protocol::messages::TopicName;
use uuid::Uuid;

use crate::kafka::ErrorCode;

/// A partition as a request names it: by the name of its topic, or by the id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::broker) struct Key {
    /// Empty where topics have ids.
    pub topic: TopicName,
    /// Nil where topics have names.
    pub id: Uuid,
    /// The partition.
    pub partition: i32,
}

/// What a reader wants of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::broker) struct Wanted {
    /// Which one.
    pub key: Key,
    /// The topic that had the id when it was looked up first; none if there was none.
    pub name: Option<TopicName>,
    /// The first offset.
    pub offset: i64,
    /// The most bytes.
    pub max_bytes: i32,
    /// The leader epoch that the reader knows; below zero for none.
    pub leader_epoch: i32,
    /// The leader epoch of the last record that it has; below zero for none.
    pub last_epoch: i32,
}

/// What a request says of sessions.
#[derive(Clone, Copy, Debug)]
pub(in crate::broker) struct Asked {
    /// The session.
    pub id: i32,
    /// How many requests of it there were.
    pub epoch: i32,
    /// Topics have ids.
    pub by_id: bool,
    /// A replica asks: it gets a session before all others.
    pub privileged: bool,
}

/// Why a request is not answered as usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::broker) enum Refused {
    /// It fails as a whole.
    Session(ErrorCode),
    /// Kafka stumbles over it.
    Unexpected,
}
