//! Why a run could not take place: the world around it is broken.

use std::error::Error;
use std::fmt;
use std::io;
use std::iter::successors;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinError;

use crate::cluster::{ClusterError, TopicRefused};
use crate::id::Partition;
use crate::kafka::ErrorCode;
use crate::link::LinkError;
use crate::plan::RenderError;
use crate::producer::OpenError;

/// Why a run could not take place, or not to its end. What the client under test does wrong is no such error.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It was interrupted. All its tasks and threads have ended.
    #[error("interrupted")]
    Interrupted,
    /// The cluster is not one that the scenario can run on; nothing is wrong with either.
    #[error("{0}")]
    Unsuited(String),
    /// The embedded broker could not be started, or has gone.
    #[error("the embedded broker does not run")]
    Broker(#[source] io::Error),
    /// The cluster cannot be reached.
    #[error("the cluster cannot be reached")]
    Unreachable(#[source] ClusterError),
    /// The cluster was reached, and did not do what it should before the run began.
    #[error("the cluster cannot be prepared")]
    Cluster(#[source] ClusterError),
    /// Nothing can be put between the clients and the brokers.
    #[error("the faults have no place to happen in")]
    Link(#[from] LinkError),
    /// The cluster gave no sign of life any more while the scenario ran.
    #[error("the cluster has gone in the middle of the run")]
    Gone(#[source] ClusterError),
    /// A topic that is there differs from what the scenario wants. It was left as it is.
    #[error(transparent)]
    OtherShape(#[from] OtherShape),
    /// A topic could not be created.
    #[error(transparent)]
    Refused(#[from] TopicRefused),
    /// The cluster says nothing of a topic.
    #[error("topic '{topic}' cannot be looked at: the cluster answered {code}")]
    Topic {
        /// The topic.
        topic: String,
        /// What the cluster answered.
        code: ErrorCode,
    },
    /// Topics that were created for this run alone could not be deleted.
    #[error(transparent)]
    Left(#[from] Left),
    /// The same, after something else went wrong.
    #[error("{left}, and before")]
    BrokenAndLeft {
        /// What is left.
        left: Left,
        /// What went wrong before.
        source: Box<Self>,
    },
    /// A producer could not be opened.
    #[error("producer '{name}' cannot be opened")]
    Producer {
        /// Its name.
        name: String,
        /// Why.
        source: OpenError,
    },
    /// A message could not be made.
    #[error(transparent)]
    Message(#[from] RenderError),
    /// The connections of closed producers did not come to their end.
    #[error("the connections of the producers were still open {0:?} after their close")]
    NotIdle(Duration),
    /// The broker's address is none.
    #[error("'{0}' is not HOST:PORT")]
    Address(String),
    /// The logs could not be read.
    #[error("the logs cannot be read")]
    Logs(#[from] ClusterError),
    /// One log could not be read.
    #[error("the log of {topic}[{partition}] cannot be read: the broker answered {code}")]
    Log {
        /// The topic.
        topic: String,
        /// The partition.
        partition: Partition,
        /// What the broker answered.
        code: ErrorCode,
    },
    /// The threads of a concurrent send could not be started.
    #[error("there are no threads for a concurrent send")]
    Threads(#[source] io::Error),
    /// The application's thread is gone.
    #[error("the application's thread has ended without a result")]
    Thread(#[source] JoinError),
}

impl RunError {
    /// What went wrong, and why, and why that.
    pub fn in_full(&self) -> String {
        let first: &(dyn Error + 'static) = self;
        let sources = successors(Some(first), |&error| error.source());
        sources.map(ToString::to_string).collect::<Vec<_>>().join(": ")
    }

    /// Whether no other run on the same cluster would fare better.
    pub fn is_for_all(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Gone(_) => true,
            Self::BrokenAndLeft { source, .. } => source.is_for_all(),
            _ => false,
        }
    }
}

/// A topic is there, and is not as the scenario wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherShape {
    /// Its name.
    pub topic: String,
    /// What differs: its name, the value there, and the value that is wanted.
    pub differences: Vec<(String, String, String)>,
}

impl fmt::Display for OtherShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "topic '{}' is there already, and differs from the scenario's: ", self.topic)?;
        for (at, (name, there, wanted)) in self.differences.iter().enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            write!(f, "{comma}{name} is {there}, not {wanted}")?;
        }
        f.write_str(" (it was left as it is)")
    }
}

impl Error for OtherShape {}

/// Topics that should have been deleted and were not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Their names.
    pub topics: Vec<Arc<str>>,
    /// Why not.
    pub reason: String,
}

impl Left {
    /// They are left behind after that.
    pub(super) fn after(self, source: RunError) -> RunError {
        RunError::BrokenAndLeft { left: self, source: Box::new(source) }
    }
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { topics, reason } = self;
        write!(f, "the cluster may still have {}, which could not be deleted ({reason})", topics.join(", "))
    }
}

impl Error for Left {}
