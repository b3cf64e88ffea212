//! The kinds of anomalies, by the names that expectations and snapshots use.

use schemars::JsonSchema;
use serde::Deserialize;

macro_rules! anomalies {
    ($($(#[$doc:meta])* $variant:ident = $word:literal,)*) => {
        /// What can go wrong between a send and the log.
        #[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum AnomalyKind {
            $($(#[$doc])* #[serde(rename = $word)] $variant,)*
        }

        impl AnomalyKind {
            /// All of them, in the order of the reference.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name in scenarios and snapshots.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }
    };
}

anomalies! {
    /// Among the first copies of one producer and partition, a record stands behind one that was sent later.
    Reordered = "reordered",
    /// A later copy of a record stands behind one that was sent after it.
    Replayed = "replayed",
    /// One submission stands in the logs more than once, whatever partitions.
    Duplicated = "duplicated",
    /// Two submissions of one message both stand in the log.
    ResentDuplicate = "resent_duplicate",
    /// Acknowledged with acks other than 0, and not in the log.
    Lost = "lost",
    /// Reported ok with acks 0, and not in the log.
    Vanished = "vanished",
    /// Failed by a callback, no copy in the log, and a submission of the same producer and partition that was sent
    /// later is in it, with no other submission of this message in front of it.
    Gap = "gap",
    /// Failed, and in the log.
    FailedButWritten = "failed_but_written",
    /// Acknowledged at an offset where another record stands, or none does.
    WrongOffset = "wrong_offset",
    /// Acknowledged with acks other than 0, without an offset.
    NoOffset = "no_offset",
    /// Key, value, headers or timestamp differ from what was sent.
    Corrupted = "corrupted",
    /// Stands in a topic or partition that it was not sent to.
    Misplaced = "misplaced",
    /// One key in two partitions of a topic.
    SplitKey = "split_key",
    /// Offsets of ok callbacks of one producer and partition decrease.
    CallbacksReordered = "callbacks_reordered",
    /// No callback after a close whose flush ran out or was left out, without a purge asked for.
    Unanswered = "unanswered",
    /// More than one callback.
    AnsweredTwice = "answered_twice",
    /// Of a transaction that was not committed, and a consumer of committed records reads it.
    AbortedVisible = "aborted_visible",
    /// Acknowledged, of a transaction whose commit succeeded, and a consumer of committed records does not read it.
    CommittedMissing = "committed_missing",
    /// Acknowledged, of a transaction of which a consumer of committed records reads other messages, but not this.
    Torn = "torn",
    /// In the log, of a transaction that is still open at the end.
    Hanging = "hanging",
}
