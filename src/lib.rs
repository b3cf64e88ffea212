//! inflight runs declarative scenarios of what a Kafka producer does between `send()` and the acknowledgement,
//! and compares the resulting order of events with a reviewed snapshot.
//!
//! This page is the map. A scenario file is data that changes its form a few times; each form is the main type of
//! one module, and an arrow lives in the module of its result:
//!
//! ```text
//! scenarios/a.yaml ─read─▶ Source ─scenario::parse─▶ Scenario ─plan::compile─▶ Plan
//!                                                                             │ run::execute
//!                                        World{Cluster, Link, Producers}  ◀───┤ (the only place that touches the world)
//!                                                                             ▼
//! snapshots/a.snap ─load─▶ Snapshot ─snapshot::compare─◀── View ◀─view::of── Findings ◀─judge── Trace
//!                                         └───────────────┬──────────────────────────────────────┘
//!                                                      Outcome ─report─▶ terminal | junit, exit code
//! ```
//!
//! The modules stand here in the order in which data meets them. A module imports only from modules with a smaller
//! layer number; `tests/it/architecture.rs` holds that.

pub mod disk;
pub mod id;
pub mod source;
pub mod spin;
pub mod submissions;

pub mod diagnostic;
pub mod kafka;

pub mod scenario;
pub mod trace;

pub mod fault;

pub mod plan;

pub mod broker;
pub mod cluster;
pub mod judge;
pub mod link;
pub mod producer;

pub mod run;
pub mod view;

pub mod snapshot;

pub mod session;

pub mod report;

pub mod cli;
