//! The protocol, written a second time and by itself, so that a mistake of the broker's codec is not made here too.

pub(crate) mod batch;
pub(crate) mod batches;
pub(crate) mod compression;
pub(crate) mod connection;
pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod schema;
pub(crate) mod value;

pub(crate) use batch::{Batch, Record, batch, bytes, record};
pub(crate) use value::Value;
