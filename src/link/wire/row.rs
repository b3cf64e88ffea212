//! Parts of a request, and an error that is put into their answers.

use std::collections::HashMap;

use kafka_protocol::messages::TopicName;
use uuid::Uuid;

use crate::fault::Fail;

/// What a part of a Produce request is called in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::link) struct Place {
    pub(in crate::link) name: TopicName,
    pub(in crate::link) id: Uuid,
    pub(in crate::link) partition: i32,
}

/// Who leads a partition, as an answer says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::link) struct Leader {
    pub(in crate::link) id: i32,
    pub(in crate::link) epoch: i32,
    /// As the client reaches it.
    pub(in crate::link) address: Option<(String, u16)>,
}

/// An error that is put into an answer.
#[derive(Clone, Debug)]
pub(in crate::link) struct Failing {
    pub(in crate::link) fail: Fail,
    /// The parts of the request that it is about.
    pub(in crate::link) rows: Vec<usize>,
    /// For the parts where the answer says who leads.
    pub(in crate::link) leaders: HashMap<usize, Leader>,
    /// For the parts where the answer says where the log begins.
    pub(in crate::link) log_starts: HashMap<usize, i64>,
}
