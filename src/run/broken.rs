//! Why a run could not take place: the world around it is broken.

use std::io;
use std::time::Duration;

use tokio::task::JoinError;

use crate::cluster::ClusterError;
use crate::id::Partition;
use crate::kafka::ErrorCode;
use crate::plan::RenderError;
use crate::producer::OpenError;

/// Why a run could not take place, or not to its end. What the client under test does wrong is no such error.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It was interrupted. All its tasks and threads have ended.
    #[error("interrupted")]
    Interrupted,
    /// The embedded broker could not be started, or has gone.
    #[error("the embedded broker does not run")]
    Broker(#[source] io::Error),
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
    /// The application's thread is gone.
    #[error("the application's thread has ended without a result")]
    Thread(#[source] JoinError),
}
