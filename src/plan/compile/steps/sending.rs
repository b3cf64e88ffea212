//! Sends and the batches that come of them.

use std::collections::HashSet;
use std::sync::Arc;

use crate::id::{MessageId, ProducerIndex, TopicIndex};
use crate::plan::compile::Compiler;
use crate::plan::compile::producers::TRANSACTIONAL;
use crate::plan::message::MessageTemplate;
use crate::plan::plan::{Action, Batch, Mode, Step};
use crate::scenario::Field;
use crate::scenario::model::{self, Form, Name, Send};
use crate::source::{Span, Spanned};

/// A send, from whichever form it was written in.
pub(super) struct Sending<'a> {
    pub(super) count: u64,
    pub(super) mode: &'a Field<model::Mode>,
    pub(super) send: &'a Send,
    pub(super) span: Span,
    pub(super) explicit: bool,
}

/// Messages that are sent: everything of a batch but its numbers.
pub(super) struct Messages {
    pub(super) producer: ProducerIndex,
    pub(super) topic: TopicIndex,
    /// How many threads send them.
    pub(super) threads: u32,
    pub(super) message: MessageTemplate,
    pub(super) span: Span,
    pub(super) explicit: bool,
}

/// How the messages of a send are put together.
pub(super) enum Split {
    /// As one batch.
    Plainly(Mode),
    /// Transactions of so many, and which of them are aborted.
    Transactions(u32, HashSet<u64>),
}

impl Compiler<'_> {
    /// The producer that a step names behind a word, or the only one.
    pub(super) fn named(&mut self, name: Option<&Name>, span: Span) -> Option<ProducerIndex> {
        let named = name.map_or(Field::Absent, |name| Field::Given(Spanned::new(name.clone(), span)));
        self.producer_of(&named, span)
    }

    /// The producer that a step names in either of its forms, or the only one, and what more is said of it.
    pub(super) fn said<'a, L>(
        &mut self,
        form: Option<&'a Form<Name, L>>,
        producer: impl Fn(&L) -> &Field<Name>,
        span: Span,
    ) -> (Option<ProducerIndex>, Option<&'a L>) {
        match form {
            Some(Form::Long(said)) => (self.producer_of(producer(said), span), Some(said)),
            Some(Form::Short(name)) => (self.named(Some(name), span), None),
            None => (self.named(None, span), None),
        }
    }

    pub(in crate::plan::compile) fn add(&mut self, action: Action, span: Span) {
        self.steps.push(Step { action, span, explicit: true });
    }

    pub(super) fn transactional_id(&self, producer: ProducerIndex) -> Option<Arc<str>> {
        let config = &self.producers.get(producer.index())?.config;
        let id = config.iter().find(|setting| setting.key == TRANSACTIONAL)?;
        Some(Arc::from(id.value.as_str()))
    }

    pub(super) fn is_transactional(&self, producer: ProducerIndex) -> bool {
        self.producers.get(producer.index()).is_some_and(|producer| producer.transactional)
    }

    /// How many messages the batches so far have.
    pub(super) fn sent_so_far(&self) -> u32 {
        self.batches.last().map_or(0, |batch| batch.first.0.saturating_add(batch.count))
    }

    /// The next batch, and the step that sends it.
    pub(super) fn batch(&mut self, messages: &Messages, count: u32, mode: Mode) {
        let Messages { producer, topic, threads, ref message, span, explicit } = *messages;
        let first = MessageId(self.sent_so_far());
        let action = Action::Send { batch: self.batches.len(), mode };
        self.batches.push(Batch { first, count, producer, topic, threads, message: message.clone(), span });
        self.steps.push(Step { action, span, explicit });
    }
}
