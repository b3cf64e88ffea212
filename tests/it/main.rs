//! The integration tests, one binary: it links once.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod architecture;
mod budget;
mod cargo_insta;
mod cli;
mod cluster;
mod diagnostics;
mod handbook;
mod library;
