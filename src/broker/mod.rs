//! The embedded cluster: Apache Kafka as far as a producer can tell, in memory, on real sockets.

pub mod producer_state;
