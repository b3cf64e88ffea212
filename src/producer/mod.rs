//! The client under test behind one trait: what a run needs of any producer, and librdkafka as the first of them.

mod check;
mod code;
mod context;
mod librdkafka;
mod native;
mod polling;
mod settings;

use std::time::Instant;

use crate::id::{Offset, Partition, ProducerIndex, Submission};
use crate::plan::{Message, Purge};
use crate::trace::{Callback, ClientError, Code, Event, Recorder};

pub use check::{check, setting_mistake};
pub use librdkafka::{LibrdkafkaProducer, OpenError, client};
pub use settings::Patience;

/// A producer of the client under test. It owns one thread, and that thread alone serves callbacks, so that they are
/// reported in the order in which the client gave them.
pub trait Producer: Send + Sync {
    /// Hands one message to the client. Returns when the client took it or refused it; its answer comes as a callback.
    fn submit(&self, submission: Submission, topic: &str, message: &Message) -> Result<(), Refusal>;

    /// Says when callbacks may be served. After `Serving::Never` has returned, none is served until the next call.
    fn serve(&self, serving: Serving);

    /// Asks the client to send what it holds back, and waits until every message has its callback or the deadline has
    /// passed; whether all have theirs. Callbacks must be allowed meanwhile. `stopped` is asked every few milliseconds
    /// and ends the wait.
    fn flush(&self, deadline: Instant, stopped: &dyn Fn() -> bool) -> bool;

    /// Asks for something about transactions, and waits for the answer until the deadline. Callbacks must be allowed
    /// meanwhile. `stopped` is asked several times a second and ends the wait.
    fn transact(
        &self,
        request: &Request<'_>,
        deadline: Instant,
        stopped: &dyn Fn() -> bool,
    ) -> Result<(), Unsuccessful>;

    /// Throws messages away. Their callbacks have been reported when this returns, or the deadline has passed; they must
    /// be allowed meanwhile.
    fn purge(&self, what: Purge, deadline: Instant);

    /// Lets go: what has no callback is thrown away, and nothing is reported any more. Returns when the client and its
    /// threads are gone.
    fn close(self: Box<Self>);
}

/// When callbacks may be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serving {
    /// Whenever there are some.
    Always,
    /// Once: what the client hands out in one piece, which is one callback or those of one request.
    Once,
    /// Not now.
    Never,
}

/// Why a client did not take a message. A refusal by the call is always put in neutral words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The reason.
    pub error: ClientError,
    /// The client's own words.
    pub words: String,
}

/// What an application asks of a transactional producer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// To get its producer id; fences others with the same transactional id and ends what they left open.
    Initialise,
    /// To begin a transaction.
    Begin,
    /// To add the next offset that a consumer group will read.
    SendOffsets {
        /// The group.
        group: &'a str,
        /// The topic.
        topic: &'a str,
        /// The partition in it.
        partition: Partition,
        /// The offset.
        offset: Offset,
    },
    /// To commit.
    Commit,
    /// To abort: what the client has not sent is thrown away.
    Abort,
}

/// Why a request about transactions did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsuccessful {
    /// The reason.
    pub code: Code,
    /// Whether it is certain that the request has had no effect.
    pub certain: bool,
    /// The client's own words.
    pub words: String,
}

/// Where a producer reports to, from its own thread.
pub trait Sink: Send + Sync {
    /// Callbacks that the client handed out in one piece, in their order.
    fn callbacks(&self, callbacks: &[Callback]);

    /// The producer has given up for good.
    fn fatal(&self, producer: ProducerIndex, code: Code);

    /// What the client says of a code in its own words; at least before the first callback with that code.
    fn said(&self, producer: ProducerIndex, code: Code, words: &str);
}

impl Sink for Recorder {
    fn callbacks(&self, callbacks: &[Callback]) {
        Recorder::callbacks(self, callbacks.iter().copied());
    }

    fn fatal(&self, producer: ProducerIndex, code: Code) {
        self.record(Event::Fatal(producer, code));
    }

    fn said(&self, producer: ProducerIndex, code: Code, words: &str) {
        Recorder::said(self, producer, code, words);
    }
}
