//! What the snapshot shows.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Field, Number};

/// What the snapshot shows.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Snapshot {
    /// How the order of events is shown. Default: `total` where every send is synchronous and made by one thread,
    /// `lanes` otherwise.
    pub order: Field<SnapshotOrder>,
    /// What it shows: exactly these. Default: `[sends, callbacks, log]`.
    pub include: Field<Vec<Field<Include>>>,
    /// How partitions are shown; left out, each has its lane.
    pub partitions: Field<Partitions>,
    /// A longer view is cut there, in lines. Default: 400.
    pub max_lines: Field<Number<1, 1_000_000>>,
}

/// How the order of events is shown.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum SnapshotOrder {
    /// All events in one order.
    Total,
    /// The application's calls, each producer's callbacks for each partition and each log beside each other; what
    /// happens between them is left out, since it differs from run to run.
    Lanes,
}

/// A part of the snapshot.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Include {
    /// The application's calls and steps.
    Sends,
    /// The callbacks.
    Callbacks,
    /// What stands in the logs at the end.
    Log,
    /// What passed between clients and brokers: what was asked, what was answered, and which fault touched it.
    Requests,
    /// A digest of each partition's keys, values, headers and explicit timestamps.
    Content,
}

/// How partitions are shown.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Partitions {
    /// One lane of sets for all partitions, for a partitioner that chooses at random.
    Any,
}
