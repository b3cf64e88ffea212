//! Faults: rules about what goes wrong between a client and a broker, and the engine that decides which of them takes
//! a request. All of it is data and pure functions: no file, no socket, no clock.
//!
//! ```text
//! Plan.faults: [Rule] ──▶ Engine ──decide(Transit)──▶ Verdict ──▶ the link does it
//!                           └── Progress ──▶ Condition::holds ──▶ the link releases what it holds
//! ```
//!
//! A broker never misbehaves on request, the way to it does: the link promises possible *answers*. Which those are,
//! [`codes`] says.

mod action;
mod api;
pub mod codes;
mod condition;
mod engine;
mod rule;
mod transit;

pub use action::{Action, AfterClose, Behind, Fail, LeaderHint, MetadataChange, MetadataContent};
pub use api::ApiFilter;
pub use codes::Phase;
pub use condition::{Condition, Count, Progress, Requests, RuleProgress};
pub use engine::{Engine, Near, Tally};
pub use rule::{Filter, Firing, Rule, Times};
pub use transit::{Row, Transit, Verdict};
