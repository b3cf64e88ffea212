//! Executes a plan: starts the world, takes the steps, hands back the trace.
//!
//! ```text
//! World::start ─▶ application thread ──────────────────▶ settle ─▶ Reader::finish ─▶ World::stop
//!                 producers open, warm                   (acks=0)
//!                 application/: sends, steps ─────▶ Recorder ◀─ callbacks (a thread of each producer)
//! ```

mod application;
mod broken;
mod check;
mod crew;
mod logs;
mod react;
mod world;

#[cfg(test)]
mod tests;

use std::pin::pin;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::plan::Plan;
use crate::producer;
use crate::trace::{Client, Recorder, Trace};

pub use broken::{Left, OtherShape, RunError};
pub use check::check;
use logs::{Read, Reader};
use world::World;
pub use world::{ForeignCluster, Target};

/// Executes a plan on a cluster and says what happened. To be called on a tokio runtime with time and I/O. When
/// `interrupt` is cancelled it ends soon; whenever it returns, everything that it started has ended.
pub async fn execute(
    plan: &Arc<Plan>,
    target: &Target,
    interrupt: &CancellationToken,
) -> Result<Trace, RunError> {
    let recorder = world::recorder(plan);
    let world = World::start(plan, target, &recorder, interrupt).await?;
    let trace = trace(&world, plan, &recorder, interrupt).await;
    match (trace, world.stop().await) {
        (trace, Ok(())) => trace,
        (Ok(_), Err(left)) => Err(left.into()),
        (Err(error), Err(left)) => Err(left.after(error)),
    }
}

async fn trace(
    world: &World,
    plan: &Arc<Plan>,
    recorder: &Arc<Recorder>,
    interrupt: &CancellationToken,
) -> Result<Trace, RunError> {
    let mut reader = Reader::new(plan, world.bootstrap()?, world.partitions(plan));
    let mut gone = pin!(world.watch());
    let stop = interrupt.child_token();
    let ending = {
        let mut performance = pin!(world.perform(plan, recorder, &stop));
        let ahead = reader.read_ahead(recorder);
        tokio::select! {
            ending = &mut performance => ending?,
            never = ahead => match never {},
            error = &mut gone => {
                stop.cancel();
                // What it comes to does not matter any more, that its thread has ended does.
                drop(performance.await);
                return Err(error);
            }
        }
    };
    let events = recorder.take();
    reader.rest(&events);
    let logs = async {
        if world.settle(plan.deadline).await? {
            reader.finish().await
        } else {
            reader.finish_unsettled(&events).await
        }
    };
    let Read { logs, settled } = tokio::select! {
        read = logs => read?,
        error = &mut gone => return Err(error),
        () = interrupt.cancelled() => return Err(RunError::Interrupted),
    };
    let client = Client { said: recorder.take_said(), ..producer::client(plan) };
    Ok(Trace { events, logs, settled, ending, client, link: world.linked() })
}
