//! Executes a plan: starts the world, takes the steps, hands back the trace.
//!
//! ```text
//! World::start ─▶ application thread ──────────────────▶ settle ─▶ Reader::finish ─▶ World::stop
//!                 producers open, warm                   (acks=0)
//!                 Application::run: send.rs, step.rs ─▶ Recorder ◀─ callbacks (a thread of each producer)
//! ```

mod application;
mod check;
mod logs;
mod send;
mod step;
mod world;

#[cfg(test)]
mod tests;

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;

use crate::cluster::ClusterError;
use crate::id::Partition;
use crate::kafka::ErrorCode;
use crate::plan::{Plan, RenderError};
use crate::producer::{self, OpenError};
use crate::trace::{Client, Trace};

pub use check::check;
use logs::Reader;
use world::World;

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

/// Executes a plan on an embedded cluster of its own and says what happened. To be called on a tokio runtime with time
/// and I/O. When `interrupt` is cancelled it ends soon; whenever it returns, everything that it started has ended.
pub async fn execute(plan: &Arc<Plan>, interrupt: &CancellationToken) -> Result<Trace, RunError> {
    let world = World::start(plan).await?;
    let trace = trace(&world, plan, interrupt).await;
    world.stop().await;
    trace
}

async fn trace(world: &World, plan: &Arc<Plan>, interrupt: &CancellationToken) -> Result<Trace, RunError> {
    let recorder = world::recorder(plan);
    let mut reader = Reader::new(plan, &world.bootstrap())?;
    let ending = {
        let mut performance = pin!(world.perform(plan, &recorder, interrupt));
        tokio::select! {
            ending = &mut performance => ending?,
            // What keeps the logs from being read now will do so at the end.
            Err(_) = reader.read_ahead(&recorder) => performance.await?,
        }
    };
    reader.hang_up();
    let logs = async {
        world.settle(plan.deadline).await?;
        reader.finish().await
    };
    let logs = tokio::select! {
        logs = logs => logs?,
        () = interrupt.cancelled() => return Err(RunError::Interrupted),
    };
    let client = Client { said: recorder.take_said(), ..producer::client(plan) };
    Ok(Trace { events: recorder.take(), logs, ending, client })
}
