//! What will happen: a scenario with its defaults explicit, its names resolved and its templates compiled.

mod expect;
mod message;
#[expect(clippy::module_inception, reason = "the main type of the module has a file of its own")]
mod plan;

pub use expect::{AnomalyKind, Delivered, Expect};
pub use message::{Message, MessageTemplate};
pub use plan::{
    Action, Batch, Callbacks, Mode, OnTimeout, Order, Origin, Plan, Producer, QueueFull, Setting, Snapshot,
    Start, Step, Topic,
};
