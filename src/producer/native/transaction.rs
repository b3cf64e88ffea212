//! librdkafka's calls for transactions.
//!
//! rust-rdkafka's `commit_transaction` polls the client in the calling thread, so that a second thread would serve
//! callbacks, and its `send_offsets_to_transaction` wants the metadata of a consumer that there is none of. The other
//! calls stand here too, so that all of them report errors alike: rust-rdkafka leaves out whether a call may be made
//! again to go on with it.

use std::ffi::{CStr, CString};
use std::time::Duration;

use rdkafka::client::{Client, ClientContext};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka_sys as sys;

use crate::producer::Request;

/// Why a call did not do what it was asked for.
#[derive(Clone, Debug)]
pub(in crate::producer) struct TransactionError {
    /// librdkafka's code.
    pub(in crate::producer) code: RDKafkaErrorCode,
    /// Its words.
    pub(in crate::producer) words: String,
    /// The same call may be made again and goes on where this one ended.
    pub(in crate::producer) resumable: bool,
}

/// Makes one call, which lasts at most so long. It serves no callbacks; another thread must poll meanwhile.
pub(in crate::producer) fn transact<C: ClientContext>(
    client: &Client<C>,
    request: &Request<'_>,
    limit: Duration,
) -> Result<(), TransactionError> {
    let client = client.native_ptr();
    let limit = i32::try_from(limit.as_millis()).unwrap_or(i32::MAX);
    #[expect(unsafe_code, reason = "rust-rdkafka polls in the calling thread, or hides what can be resumed")]
    // SAFETY: the client lives as long as the reference to it, librdkafka's calls are thread-safe, and the error that
    // a call returns is the caller's: it is read and destroyed in `read`.
    unsafe {
        read(match request {
            Request::Initialise => sys::rd_kafka_init_transactions(client, limit),
            Request::Begin => sys::rd_kafka_begin_transaction(client),
            Request::Commit => sys::rd_kafka_commit_transaction(client, limit),
            Request::Abort => sys::rd_kafka_abort_transaction(client, limit),
            Request::SendOffsets { group, topic, partition, offset } => {
                // Names of a plan hold no zero byte; one that does is no name of a topic or group either.
                let (Ok(group), Ok(topic)) = (CString::new(*group), CString::new(*topic)) else {
                    return Err(TransactionError {
                        code: RDKafkaErrorCode::InvalidArgument,
                        words: "a name with a zero byte".to_owned(),
                        resumable: false,
                    });
                };
                let metadata = sys::rd_kafka_consumer_group_metadata_new(group.as_ptr());
                let offsets = sys::rd_kafka_topic_partition_list_new(1);
                sys::rd_kafka_topic_partition_list_add(offsets, topic.as_ptr(), partition.0);
                sys::rd_kafka_topic_partition_list_set_offset(offsets, topic.as_ptr(), partition.0, offset.0);
                let error = sys::rd_kafka_send_offsets_to_transaction(client, offsets, metadata, limit);
                // The call has copied both.
                sys::rd_kafka_topic_partition_list_destroy(offsets);
                sys::rd_kafka_consumer_group_metadata_destroy(metadata);
                error
            }
        })
    }
}

#[expect(unsafe_code, reason = "an error object of librdkafka")]
/// # Safety
/// The pointer must be null or that of an error that belongs to the caller.
unsafe fn read(error: *mut sys::rd_kafka_error_t) -> Result<(), TransactionError> {
    if error.is_null() {
        return Ok(());
    }
    // SAFETY: as the caller promises; the string is copied before the error goes.
    unsafe {
        let code = sys::rd_kafka_error_code(error).into();
        // librdkafka calls these retriable, too; but the call was not made, and what is in its way is another call that
        // must be made again first (`rd_kafka_txn_curr_api_begin`).
        let refused = matches!(code, RDKafkaErrorCode::Conflict | RDKafkaErrorCode::PreviousInProgress);
        let found = TransactionError {
            code,
            words: CStr::from_ptr(sys::rd_kafka_error_string(error)).to_string_lossy().into_owned(),
            resumable: sys::rd_kafka_error_is_retriable(error) != 0 && !refused,
        };
        sys::rd_kafka_error_destroy(error);
        Err(found)
    }
}
