//! The Kafka protocol as both sides of the wire need it: names of errors, supported APIs, frames, a guard in front of the decoder, record batches.

pub mod batch;
mod error;

pub use error::ErrorCode;
