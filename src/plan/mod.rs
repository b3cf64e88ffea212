//! What will happen: a scenario with its defaults explicit, its names resolved and its templates compiled.

mod message;
#[expect(clippy::module_inception, reason = "the main type of the module has a file of its own")]
mod plan;

pub use message::{Message, MessageTemplate};
pub use plan::{
    Action, AnomalyKind, Batch, Callbacks, Delivered, Expect, Mode, OnTimeout, Order, Origin, Plan, Producer,
    QueueFull, Setting, Snapshot, Start, Step, Topic,
};
