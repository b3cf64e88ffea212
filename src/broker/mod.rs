//! The embedded cluster: Apache Kafka as far as a producer can tell, in memory, on real sockets.

mod config;
mod partition;
pub mod producer_state;

pub use config::ConfigError;
