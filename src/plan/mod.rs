//! What will happen: a scenario with its defaults explicit, its names resolved and its templates compiled.

mod compile;
mod expect;
mod identity;
mod load;
mod message;
#[expect(clippy::module_inception, reason = "the main type of the module has a file of its own")]
mod plan;
mod template;

pub use crate::scenario::{
    AnomalyKind, Callbacks, Combination, Emulate, Merged, MessageEvent, OnTimeout, QueueFull, Start,
};
pub use compile::{Compiled, Options, compile, refusal};
pub use expect::{Delivered, Expect, Happening, Moment, Precedence, Wanted};
pub use identity::{Recogniser, Seen};
pub use load::{Loaded, load, of};
pub use message::{Message, MessageTemplate, RenderError, TAG};
pub use plan::{
    Action, Batch, ClusterStep, Deed, GroupOffset, Heard, LinkStep, MAX_RESENT, Mode, Order, Origin, Plan,
    Producer, Purge, Reaction, Setting, Settings, Share, Snapshot, Step, Topic, TransactionCall, Trigger,
};
