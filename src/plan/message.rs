//! Messages: their templates, and how a record is recognised as one of them.

/// What each message of a batch looks like: key, value, headers, partition and timestamp, each made from a template.
#[derive(Clone, Debug)]
pub struct MessageTemplate {}

/// One message, ready to be sent. Its buffers are meant to be used again for the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The key; none for no key.
    pub key: Option<Vec<u8>>,
    /// The value; none for a tombstone.
    pub value: Option<Vec<u8>>,
    /// Headers in their order, the runner's own tag included where one is needed.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// The partition; none where the client chooses.
    pub partition: Option<i32>,
    /// Milliseconds since the epoch; none where the client takes its own clock.
    pub timestamp: Option<i64>,
}
