//! The calls of librdkafka that rust-rdkafka does not wrap as they are; the only unsafe code of the crate.

mod transaction;

use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr;
use std::sync::Arc;
use std::thread::Thread;
use std::time::Duration;

use rdkafka::client::{Client, ClientContext};
use rdkafka::message::BorrowedMessage;
use rdkafka::producer::PARTITION_UA;
use rdkafka::types::{RDKafka, RDKafkaErrorCode, RDKafkaQueue, RDKafkaTopic};
use rdkafka_sys as sys;

use crate::plan::Message;
use crate::trace::Persistence;

pub(super) use transaction::transact;

/// What the client claims of a message whose delivery it reports as failed.
pub(super) fn persistence(message: &BorrowedMessage<'_>) -> Persistence {
    #[expect(unsafe_code, reason = "rust-rdkafka does not wrap rd_kafka_message_status")]
    // SAFETY: the pointer is valid as long as the borrowed message is, and the call only reads from it.
    let status = unsafe { sys::rd_kafka_message_status(message.ptr()) };
    match status {
        sys::rd_kafka_msg_status_t::RD_KAFKA_MSG_STATUS_NOT_PERSISTED => Persistence::NotPersisted,
        _ => Persistence::PossiblyPersisted,
    }
}

/// librdkafka's own flush: cuts linger, and waits until every message has its callback. With delivery events, as
/// rust-rdkafka sets them up, it serves nothing itself: another thread must poll meanwhile. Whether all have theirs.
pub(super) fn flush<C: ClientContext>(client: &Client<C>, limit: Duration) -> bool {
    let limit = i32::try_from(limit.as_millis()).unwrap_or(i32::MAX);
    #[expect(unsafe_code, reason = "rust-rdkafka's flush polls in the calling thread, in steps of 100 ms")]
    // SAFETY: the client lives as long as the reference to it, and librdkafka's calls are thread-safe.
    let code = unsafe { sys::rd_kafka_flush(client.native_ptr(), limit) };
    code == sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR
}

/// A topic of a client, looked up once. rust-rdkafka's `send` copies the name and looks it up for every message, under
/// the client's lock.
pub(super) struct Topic {
    name: CString,
    topic: *mut RDKafkaTopic,
}

#[expect(unsafe_code, reason = "librdkafka says so of its handles")]
// SAFETY: librdkafka is thread-safe ("Thread safety" in its INTRODUCTION.md).
unsafe impl Send for Topic {}

#[expect(unsafe_code, reason = "librdkafka says so of its handles")]
// SAFETY: as above.
unsafe impl Sync for Topic {}

impl Topic {
    /// The client's topic of that name; none for a name that it refuses. Must be dropped before the client is.
    pub(super) fn of<C: ClientContext>(client: &Client<C>, name: &str) -> Option<Self> {
        let name = CString::new(name).ok()?;
        #[expect(unsafe_code, reason = "rust-rdkafka keeps its handles of topics to itself")]
        // SAFETY: the client is alive, the name is a C string, and no configuration means the client's own.
        let topic = unsafe { sys::rd_kafka_topic_new(client.native_ptr(), name.as_ptr(), ptr::null_mut()) };
        // Not made before it is known to be one: dropping it gives it back.
        (!topic.is_null()).then(|| Self { name, topic })
    }

    /// Its name.
    pub(super) fn name(&self) -> &[u8] {
        self.name.as_bytes()
    }

    /// Hands over a message without headers and with the client's own time.
    pub(super) fn produce(&self, message: &Message, opaque: usize) -> Result<(), RDKafkaErrorCode> {
        let part = |bytes: &Option<Vec<u8>>| {
            bytes.as_ref().map_or((ptr::null(), 0), |bytes| (bytes.as_ptr(), bytes.len()))
        };
        let ((value, value_length), (key, key_length)) = (part(&message.value), part(&message.key));
        #[expect(unsafe_code, reason = "rust-rdkafka has no send to a topic that was looked up before")]
        // SAFETY: the topic is a counted reference that is given back on drop. Value and key are valid for their
        // lengths during the call, which copies them (`RD_KAFKA_MSG_F_COPY`); the opaque is a number and never read.
        let (code, error) = unsafe {
            let code = sys::rd_kafka_produce(
                self.topic,
                message.partition.unwrap_or(PARTITION_UA),
                sys::RD_KAFKA_MSG_F_COPY,
                value.cast_mut().cast(),
                value_length,
                key.cast(),
                key_length,
                ptr::without_provenance_mut(opaque),
            );
            (code, sys::rd_kafka_last_error())
        };
        if code == 0 { Ok(()) } else { Err(error.into()) }
    }
}

impl Drop for Topic {
    fn drop(&mut self) {
        #[expect(unsafe_code, reason = "rust-rdkafka keeps its handles of topics to itself")]
        // SAFETY: gives back the reference that was counted when it was made.
        unsafe {
            sys::rd_kafka_topic_destroy(self.topic);
        }
    }
}

/// The names of all settings, aliases aside, in librdkafka's order: those of clients, then those of topics.
pub(super) fn setting_names() -> Vec<String> {
    #[expect(unsafe_code, reason = "rust-rdkafka does not wrap rd_kafka_conf_dump")]
    // SAFETY: each configuration is made, dumped and destroyed here; a dump is copied before it is freed, and both of
    // its figures go back to librdkafka as they came.
    unsafe {
        let (mut clients, mut topics) = (0, 0);
        let client = sys::rd_kafka_conf_new();
        let topic = sys::rd_kafka_topic_conf_new();
        let dumps = [
            (sys::rd_kafka_conf_dump(client, &raw mut clients), clients),
            (sys::rd_kafka_topic_conf_dump(topic, &raw mut topics), topics),
        ];
        let mut names = Vec::new();
        for (pairs, count) in dumps {
            names.extend((0..count).step_by(2).map(|at| text(*pairs.add(at))));
            sys::rd_kafka_conf_dump_free(pairs, count);
        }
        sys::rd_kafka_topic_conf_destroy(topic);
        sys::rd_kafka_conf_destroy(client);
        names
    }
}

#[expect(unsafe_code, reason = "reads a C string")]
/// # Safety
/// The pointer must be that of a C string, valid during the call.
unsafe fn text(pointer: *const c_char) -> String {
    // SAFETY: as the caller promises.
    unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned()
}

/// The queue from which a client's events are polled, and a wake-up of the thread that polls it.
///
/// Without it that thread could only sleep inside `poll`, where nothing but the passing of time ends its sleep, and a
/// close would wait for that.
pub(super) struct EventQueue {
    queue: *mut RDKafkaQueue,
    /// Whom to wake; at a stable address, since librdkafka holds it.
    thread: Arc<Thread>,
}

impl EventQueue {
    /// From now on `thread` is unparked whenever the client's empty queue gets an event. Must be dropped before the
    /// client is.
    pub(super) fn watch<C: ClientContext>(client: &Client<C>, thread: Thread) -> Self {
        let thread = Arc::new(thread);
        #[expect(unsafe_code, reason = "rust-rdkafka does not wrap the queue of a producer")]
        // SAFETY: the client is alive; the queue is a counted reference, given back on drop, and what the callback is
        // given lives until drop has taken the callback away.
        let queue = unsafe {
            let queue = sys::rd_kafka_queue_get_main(client.native_ptr());
            sys::rd_kafka_queue_cb_event_enable(queue, Some(wake), Arc::as_ptr(&thread).cast_mut().cast());
            queue
        };
        Self { queue, thread }
    }

    /// Whether nothing is to be polled.
    pub(super) fn is_empty(&self) -> bool {
        #[expect(unsafe_code, reason = "rust-rdkafka does not wrap the queue of a producer")]
        // SAFETY: the queue is a counted reference that is given back on drop.
        unsafe {
            sys::rd_kafka_queue_length(self.queue) == 0
        }
    }
}

impl Drop for EventQueue {
    fn drop(&mut self) {
        #[expect(unsafe_code, reason = "rust-rdkafka does not wrap the queue of a producer")]
        // SAFETY: librdkafka calls the callback and takes it away under the same lock: after this call it neither runs
        // nor will run, so that what it was given may go.
        unsafe {
            sys::rd_kafka_queue_cb_event_enable(self.queue, None, ptr::null_mut());
            sys::rd_kafka_queue_destroy(self.queue);
        }
        // Held until here for the callback.
        self.thread.unpark();
    }
}

/// Whether nothing that a client has to say waits to be polled.
pub(super) fn has_said_all<C: ClientContext>(client: &Client<C>) -> bool {
    #[expect(unsafe_code, reason = "rust-rdkafka does not wrap the queue of a producer")]
    // SAFETY: the client is alive; the queue is a counted reference, given back here.
    unsafe {
        let queue = sys::rd_kafka_queue_get_main(client.native_ptr());
        let length = sys::rd_kafka_queue_length(queue);
        sys::rd_kafka_queue_destroy(queue);
        length == 0
    }
}

/// Called by librdkafka under the lock of its queue, so it must neither wait nor call librdkafka.
#[expect(unsafe_code, reason = "a callback for C")]
unsafe extern "C" fn wake(_: *mut RDKafka, thread: *mut c_void) {
    // SAFETY: it is the address of the `Thread` in `EventQueue`, which outlives the callback's registration.
    let thread = unsafe { &*thread.cast_const().cast::<Thread>() };
    thread.unpark();
}
