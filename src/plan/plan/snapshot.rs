//! What of a run its snapshot shows.

/// What the snapshot shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one block of the view, shown or not")]
pub struct Snapshot {
    /// One timeline, or lanes.
    pub order: Order,
    /// Show the application's calls and steps.
    pub sends: bool,
    /// Show the callbacks.
    pub callbacks: bool,
    /// Show the logs.
    pub log: bool,
    /// Show what passed between clients and brokers.
    pub requests: bool,
    /// Show a digest of each partition's content.
    pub content: bool,
    /// One lane of sets for all partitions of a topic, for a random partitioner.
    pub any_partition: bool,
    /// Longer views are cut there; in lines.
    pub max_lines: u32,
}

/// How the order of events is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// All in one.
    Total,
    /// The application's calls, and each producer's callbacks for each partition, beside each other.
    Lanes,
}
