//! The Kafka protocol as both sides of the wire need it: names of errors, supported APIs, frames, a guard in front of
//! the decoder, record batches.

mod api;
pub mod batch;
mod codec;
mod error;
pub mod frame;
pub mod guard;
#[cfg(test)]
pub(crate) mod sample;
pub mod shape;

pub use api::{APIS, Api};
pub use codec::{
    CodecError, Incoming, Request, decode_request, decode_response, encode_request, encode_response,
};
pub use error::ErrorCode;
