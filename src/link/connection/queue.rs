//! What stands in the queues between the parts of a connection.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::fault::Verdict;
use crate::kafka::ErrorCode;
use crate::link::state::{Decision, Held, Passage, Way};
use crate::link::wire::{Asked, Change, Due};

/// A request that has been taken in.
#[derive(Debug)]
pub(super) struct Taken {
    /// Without its length in front.
    pub(super) frame: Bytes,
    /// None of an API that the link does not know: it is passed on as it is.
    pub(super) due: Option<Due>,
    /// A broker answers it.
    pub(super) answered: bool,
    /// As far as it was looked into.
    pub(super) asked: Option<Asked>,
    pub(super) decision: Decision,
    /// Room for it, given back when it has been forwarded.
    pub(super) room: Option<OwnedSemaphorePermit>,
}

/// An answer that the client is to get.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) due: Option<Due>,
    pub(super) asked: Option<Asked>,
    pub(super) passed: Option<usize>,
    /// It is under way as long as this is there.
    #[expect(dead_code, reason = "that it is there says it")]
    pub(super) passage: Option<Arc<Passage>>,
    pub(super) verdict: Option<Verdict>,
    pub(super) from: From,
    pub(super) change: Option<Change>,
    pub(super) held: Option<Held>,
    pub(super) then: Then,
    /// It does not reach the client.
    pub(super) lost: bool,
    /// Told when it has been given.
    pub(super) given: Option<oneshot::Sender<()>>,
}

/// Where an answer comes from.
#[derive(Debug)]
pub(super) enum From {
    /// The broker sends it.
    Broker,
    /// The link has made it; with its codes.
    Link(Bytes, Vec<Option<ErrorCode>>),
    /// There is none.
    Nobody,
}

/// What is done with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// The client gets it.
    Give,
    /// The connection closes instead.
    Close,
    /// The same, once all that was taken in until then has been answered.
    CloseLast,
    /// The client gets nothing any more.
    Silence,
    /// The client gets so many bytes of it, then the connection closes.
    Cut(u32),
}

impl Pending {
    /// The broker answers, and the client gets that.
    pub(super) fn honest(taken: Taken) -> (Self, Bytes) {
        let Taken { frame, due, answered, asked, decision, .. } = taken;
        let from = if answered { From::Broker } else { From::Nobody };
        let pending = Self {
            due,
            asked,
            passed: decision.passed,
            passage: decision.passage,
            verdict: decision.verdict,
            from,
            change: None,
            held: None,
            then: Then::Give,
            given: None,
            lost: decision.lost == Some(Way::ToClient),
        };
        (pending, frame)
    }
}
