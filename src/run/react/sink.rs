//! Callbacks on their way to the recorder, and what the application does in them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::id::ProducerIndex;
use crate::producer::Sink;
use crate::trace::{Callback, Code};

use super::Reactions;

/// Where producers report to whose outcomes are reacted to.
pub(in crate::run) struct Reacting {
    inner: Arc<dyn Sink>,
    reactions: Arc<Reactions>,
}

/// A callback is being reacted to, until this is dropped.
struct UnderWay<'a>(&'a Reactions);

impl<'a> UnderWay<'a> {
    fn of(reactions: &'a Reactions) -> Self {
        reactions.under_way.fetch_add(1, Ordering::AcqRel);
        Self(reactions)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::AcqRel);
        // Waits that would have ended by the callback end now.
        self.0.recorder.nudge();
    }
}

impl Reacting {
    /// What is said here is handed on to `inner`.
    pub(in crate::run) fn new(inner: Arc<dyn Sink>, reactions: Arc<Reactions>) -> Self {
        Self { inner, reactions }
    }

    fn is_heard(&self, producer: ProducerIndex) -> bool {
        !self.reactions.has_closed(producer)
    }
}

impl Sink for Reacting {
    fn callbacks(&self, callbacks: &[Callback]) {
        let mut rest = callbacks;
        while let Some(first) = rest.first().filter(|first| self.is_heard(first.producer)) {
            // Before they are recorded: whoever waits for the one that is reacted to waits for the reaction, too.
            let under_way = UnderWay::of(&self.reactions);
            let due = rest.iter().enumerate().find_map(|(at, one)| Some((at, self.reactions.due_to(one)?)));
            let Some((at, due)) = due else {
                drop(under_way);
                return self.inner.callbacks(rest);
            };
            let (heard, behind) = rest.split_at(at + 1);
            self.inner.callbacks(heard);
            debug_assert_eq!(first.producer, due.producer, "callbacks of one producer come together");
            if let Some(cause) = heard.last() {
                self.reactions.react_to(due, cause);
            }
            rest = behind;
        }
    }

    fn fatal(&self, producer: ProducerIndex, code: Code) {
        if self.is_heard(producer) {
            self.inner.fatal(producer, code);
        }
    }

    fn said(&self, producer: ProducerIndex, code: Code, words: &str) {
        self.inner.said(producer, code, words);
    }
}
