//! What a fault does.

use std::collections::BTreeMap;
use std::time::Duration;

use kafka_protocol::messages::ApiKey;

use crate::id::{BrokerId, Partition, TopicIndex};
use crate::kafka::ErrorCode;

use super::Phase;

/// What is done to a request, to its answer, or to a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing: the request goes on honestly, and that counts as a firing.
    Pass,
    /// The connection closes; neither this request nor what is behind it on that connection reaches the broker.
    DisconnectBefore,
    /// The request reaches the broker; when its answer comes, the connection closes instead.
    DisconnectAfter {
        /// What becomes of requests behind it on that connection.
        behind: Behind,
    },
    /// The client sees an error, for the matched parts only; the others go on honestly.
    Fail(Fail),
    /// Neither this request nor what is behind it on that connection reaches the broker; the client sees nothing.
    DropRequest,
    /// This request and what is behind it reach the broker; from its answer on the client sees nothing.
    DropResponse,
    /// The request is kept until the hold beside it is released; what is behind it on that connection waits.
    HoldRequest {
        /// What becomes of it when the client closes the connection meanwhile.
        after_close: AfterClose,
    },
    /// The request goes on at once, what is behind it too; its answer waits until the hold beside it is released, and
    /// the answers behind it.
    HoldResponse,
    /// So many bytes of the request reach the broker, frame length included, then the connection closes.
    TruncateRequest(u32),
    /// So many bytes of the answer reach the client, frame length included, then the connection closes.
    TruncateResponse(u32),
    /// The answer says that the client is throttled, and nothing of the connection is read for that long.
    Throttle(Duration),
    /// From so many bytes behind the begin of the request on nothing of the connection is read, until the hold beside
    /// it is released; without one until the end of the run.
    StopReading {
        /// Bytes, frame length included.
        after_bytes: u64,
    },
    /// One Metadata answer says something else.
    Metadata(MetadataChange),
    /// The answer to `ApiVersions` says that these APIs end with that version, as an older broker's.
    Versions(Vec<(ApiKey, i16)>),
    /// Of a connection: it is refused, as if nothing listened there.
    Refuse,
    /// Of a connection: it is accepted, and nothing ever comes.
    Silent,
    /// Of a connection: it is accepted and closed at once.
    Close,
}

/// What becomes of requests behind one whose connection closes after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Behind {
    /// They never reach the broker.
    #[default]
    Lost,
    /// Those that the link has by then reach the broker.
    Appended,
}

/// What becomes of what the link holds of a connection that the client has closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AfterClose {
    /// It reaches the broker, in order, when it is released; answers are thrown away.
    #[default]
    Deliver,
    /// It is gone.
    Lose,
}

/// An error in place of the broker's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fail {
    /// The error.
    pub error: ErrorCode,
    /// Whether the request has had its effect.
    pub phase: Phase,
    /// Of Produce: the records of the batch that are named as the reason, from 0. Empty: none is named.
    pub records: Vec<u32>,
    /// What an answer `NOT_LEADER_OR_FOLLOWER` says of the leader (Produce v10 and up).
    pub leader_hint: LeaderHint,
}

/// What an answer says of the leader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LeaderHint {
    /// Whom the cluster announces at that moment.
    #[default]
    Announced,
    /// Nothing.
    None,
    /// That one.
    Broker(BrokerId),
}

/// What one Metadata answer says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataChange {
    /// Of this topic; none: of all.
    pub topic: Option<TopicIndex>,
    /// What.
    pub content: MetadataContent,
}

/// What one Metadata answer says of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetadataContent {
    /// This error, and no partitions.
    Error(ErrorCode),
    /// It has only the first so many partitions.
    Partitions(u32),
    /// These partitions have that leader; none: no leader (`LEADER_NOT_AVAILABLE`).
    Leaders(BTreeMap<Partition, Option<BrokerId>>),
    /// No partition has a leader (`LEADER_NOT_AVAILABLE`).
    NoLeader,
}

impl Action {
    /// Its name in a scenario.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::DisconnectBefore => "disconnect_before",
            Self::DisconnectAfter { .. } => "disconnect_after",
            Self::Fail(_) => "fail",
            Self::DropRequest => "drop_request",
            Self::DropResponse => "drop_response",
            Self::HoldRequest { .. } => "hold_request",
            Self::HoldResponse => "hold_response",
            Self::TruncateRequest(_) => "truncate_request",
            Self::TruncateResponse(_) => "truncate_response",
            Self::Throttle(_) => "throttle",
            Self::StopReading { .. } => "stop_reading",
            Self::Metadata(_) => "metadata",
            Self::Versions(_) => "versions",
            Self::Refuse => "refuse",
            Self::Silent => "silent",
            Self::Close => "close",
        }
    }

    /// Whether it is about the answer: with acks = 0 there is none, and it cannot be.
    pub fn needs_answer(&self) -> bool {
        match self {
            Self::Fail(fail) => fail.phase == Phase::After,
            Self::DisconnectAfter { .. }
            | Self::DropResponse
            | Self::HoldResponse
            | Self::TruncateResponse(_)
            | Self::Throttle(_)
            | Self::Metadata(_)
            | Self::Versions(_) => true,
            _ => false,
        }
    }

    /// Whether the request it takes reaches the broker before a hold beside it is released.
    pub fn forwards(&self) -> bool {
        self.needs_answer() || matches!(self, Self::Pass)
    }

    /// Whether to hold is all that it does: it is done when the hold is released.
    pub fn is_hold(&self) -> bool {
        matches!(self, Self::HoldRequest { .. } | Self::HoldResponse)
    }

    /// Whether whatever comes behind the request on its connection is lost, because the connection closes.
    pub fn closes_behind(&self) -> bool {
        matches!(
            self,
            Self::DisconnectBefore
                | Self::TruncateRequest(_)
                | Self::TruncateResponse(_)
                | Self::DisconnectAfter { behind: Behind::Lost }
        )
    }

    /// Whether it is about the opening of a connection.
    pub fn is_of_connect(&self) -> bool {
        matches!(self, Self::Refuse | Self::Silent | Self::Close)
    }
}
