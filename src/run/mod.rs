//! Executes a plan: starts the world, takes the steps, hands back the trace.
//!
//! ```text
//! World::start ─▶ application thread ──────────────────▶ settle ─▶ Reader::finish ─▶ World::stop
//!                 producers open, warm                   (acks=0)
//!                 Application::run: send.rs, step.rs ─▶ Recorder ◀─ callbacks (a thread of each producer)
//! ```

mod application;
mod broken;
mod check;
mod logs;
mod send;
mod step;
mod world;

#[cfg(test)]
mod tests;

use std::pin::pin;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::plan::Plan;
use crate::producer;
use crate::trace::{Client, Trace};

pub use broken::RunError;
pub use check::check;
use logs::Reader;
use world::World;

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
