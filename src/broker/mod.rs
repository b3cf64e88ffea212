//! The embedded cluster: Apache Kafka as far as a producer can tell, in memory, on real sockets.
//!
//! ```text
//! socket ─FrameReader─▶ connection ─handler::answer─▶ handler (one API a file) ─▶ partition::Partition ─▶ Log
//!           one request at a time                       errors of requests         checks, producer state
//! ```
//!
//! A [`Cluster`] is started for each scenario and knows nothing of scenarios; it is honest, faults are made elsewhere.

mod cluster;
mod connection;
mod handler;
mod node;
mod partition;
mod topic;
mod transaction;

pub use cluster::{Cluster, ClusterSpec, TopicSpec};
pub use node::emulate::{Emulate, UnknownRelease};
pub use node::journal::{End, Exchange};
pub use node::step::StepError;
pub use partition::ReplicaError;
pub use partition::producers;
pub use topic::TopicError;
pub use topic::config::{check_setting, setting_names};
pub use topic::rule::ConfigError;
