//! Small newtypes for what is counted, so that a message is never taken for an offset.

use std::fmt;

/// The number of a message in its plan: 0 for the first, running on over all sends and producers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub u32);

impl MessageId {
    /// The number as an index into a column that has one entry for each message.
    pub fn index(self) -> usize {
        self.0 as usize
    }

    /// The message `n` places later.
    #[must_use]
    pub fn plus(self, n: u32) -> Self {
        Self(self.0 + n)
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One handing-over of a message to a client. A message that the application submits once more has a second
/// submission, shown as `0'`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Submission {
    /// The message that was submitted.
    pub message: MessageId,
    /// 0 for the first submission of that message, 1 for the second, and so on.
    pub again: u16,
}

impl Submission {
    /// The first submission of a message.
    pub fn first(message: MessageId) -> Self {
        Self { message, again: 0 }
    }
}

impl fmt::Display for Submission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message.fmt(f)?;
        (0..self.again).try_for_each(|_| f.write_str("'"))
    }
}

/// A topic by its place in the plan's list of topics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicIndex(pub u16);

impl TopicIndex {
    /// The number as an index into the plan's list of topics.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// A producer by its place in the plan's list of producers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProducerIndex(pub u16);

impl ProducerIndex {
    /// The number as an index into the plan's list of producers.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// A fault by its place in the plan's list of faults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FaultIndex(pub u16);

impl FaultIndex {
    /// The number as an index into the plan's list of faults.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// A partition of a topic, from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(pub i32);

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A partition of one of the plan's topics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    /// The topic.
    pub topic: TopicIndex,
    /// The partition in it.
    pub partition: Partition,
}

/// A place in a partition's log, from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset(pub i64);

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A broker of a cluster, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BrokerId(pub i32);

impl fmt::Display for BrokerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
