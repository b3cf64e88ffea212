//! Why something was not acknowledged, in words that do not depend on the client.

use std::fmt;

use crate::kafka::ErrorCode;

/// A reason as it stands in snapshots: the protocol's name for what a broker said in a callback, one of a closed list
/// of neutral words for what a client said by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// What a broker answered.
    Broker(ErrorCode),
    /// What a client says by itself.
    Client(ClientError),
}

macro_rules! client_errors {
    ($($(#[$doc:meta])* $variant:ident = $word:literal,)*) => {
        /// What a client says by itself, in words that clients can be compared by.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum ClientError {
            $($(#[$doc])* $variant,)*
        }

        impl ClientError {
            /// All of them, in a fixed order.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The word in snapshots and expectations.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }
    };
}

client_errors! {
    /// The message's own time-out passed (librdkafka `message.timeout.ms`, Java `delivery.timeout.ms`).
    Expired = "expired",
    /// The client's buffer is full.
    QueueFull = "queue_full",
    /// Thrown away on request before it was sent.
    PurgedQueue = "purged_queue",
    /// Thrown away on request while its request was under way.
    PurgedInFlight = "purged_in_flight",
    /// The client finds the message too large.
    TooLarge = "too_large",
    /// The client knows no such topic.
    UnknownTopic = "unknown_topic",
    /// The client knows no such partition.
    UnknownPartition = "unknown_partition",
    /// The connection was lost.
    Disconnected = "disconnected",
    /// The client's own request time-out passed.
    RequestTimedOut = "request_timed_out",
    /// A newer producer of the same name took over.
    Fenced = "fenced",
    /// The producer has given up for good.
    Fatal = "fatal",
    /// The call is not allowed now.
    InvalidState = "invalid_state",
    /// The client cannot do it.
    Unsupported = "unsupported",
    /// Anything else; the client's own words are in the report.
    Other = "other",
}

impl Code {
    /// The code of that name: the protocol's upper-case names, or a neutral word.
    pub fn from_name(name: &str) -> Option<Self> {
        let client = ClientError::ALL.iter().find(|error| error.word() == name).copied();
        client.map(Self::Client).or_else(|| ErrorCode::from_name(name).map(Self::Broker))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broker(code) => code.fmt(f),
            Self::Client(error) => f.write_str(error.word()),
        }
    }
}
