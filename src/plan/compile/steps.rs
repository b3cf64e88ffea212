//! The steps of a plan, and the batches that they send.

use std::collections::HashMap;

use crate::diagnostic::Code;
use crate::id::{MessageId, ProducerIndex};
use crate::scenario::Field;
use crate::scenario::model::{self, Form, MAX_MESSAGES, Name, Send};
use crate::source::{Span, Spanned};

use super::super::plan::{Action, Batch, Mode, Step};
use super::Compiler;

/// A send, from whichever form it was written in.
struct Sending<'a> {
    count: u64,
    mode: Mode,
    send: &'a Send,
    span: Span,
    explicit: bool,
}

/// Which producers have been closed, and where.
type Closed = HashMap<ProducerIndex, Span>;

impl Compiler<'_> {
    pub(super) fn steps(&mut self) {
        self.messages = self.count_messages();
        self.check_defaults();
        let scenario = self.scenario;
        if let Some(steps) = scenario.steps.span() {
            for (field, name) in [(scenario.count.span(), "count"), (scenario.mode.span(), "mode")] {
                let Some(span) = field else { continue };
                let mistake =
                    self.mistake(Code::Conflict, span, format!("'{name}' and 'steps' exclude each other"));
                self.report(
                    mistake.and(steps, "they are here").help(format!("write '{name}' into a send step")),
                );
            }
        } else if scenario.count.is_absent() {
            let mistake = self.mistake(Code::Missing, self.top(), "this scenario sends nothing");
            self.report(mistake.help("write 'count: 10', or 'steps' with a send"));
        }
        if scenario.steps.is_absent() {
            return self.short_form();
        }
        if let Some(steps) = scenario.steps.get().filter(|steps| steps.value.is_empty()) {
            self.report(self.mistake(Code::Missing, steps.span, "'steps' is empty"));
        }
        let mut closed = Closed::new();
        for step in scenario.steps.value().map(Vec::as_slice).unwrap_or_default() {
            if let Some(step) = step.get() {
                self.step(step, &mut closed);
            }
        }
    }

    /// How many messages all sends have together; none where one of the counts is wrong or there are too many.
    fn count_messages(&mut self) -> Option<u32> {
        let steps = self.scenario.steps.value().map(Vec::as_slice).unwrap_or_default();
        let count = |step: &Field<model::Step>| match step.value() {
            Some(model::Step::Send(Form::Long(send))) => send.count,
            Some(model::Step::Send(Form::Short(count))) => {
                Field::Given(Spanned::new(*count, Span::default()))
            }
            _ => Field::Absent,
        };
        let counts = || steps.iter().map(count).chain([self.scenario.count]);
        let sum: u64 = counts().filter_map(|count| count.value().map(|count| count.0)).sum();
        let wrong = counts().any(|count| matches!(count, Field::Wrong(_)));
        let wrong = wrong || steps.iter().any(|step| matches!(step, Field::Wrong(_)));
        if sum > MAX_MESSAGES {
            let span = self.scenario.steps.span().or(self.scenario.count.span()).unwrap_or_default();
            let message = format!("{sum} messages in one scenario; it may have at most {MAX_MESSAGES}");
            self.report(self.mistake(Code::Limit, span, message));
            return None;
        }
        u32::try_from(sum).ok().filter(|_| !wrong)
    }

    fn short_form(&mut self) {
        let Some(count) = self.scenario.count.get() else { return };
        let mode = Self::mode(&self.scenario.mode);
        let sending =
            Sending { count: count.value.0, mode, send: &Send::default(), span: count.span, explicit: false };
        self.send(&sending, &Closed::new());
    }

    fn mode(field: &Field<model::Mode>) -> Mode {
        match field.value() {
            Some(model::Mode::Sync) => Mode::Sync,
            Some(model::Mode::Window(size)) => {
                Mode::Window(size.value().map_or(1, |size| u32::try_from(size.0).unwrap_or(u32::MAX)))
            }
            Some(model::Mode::Async) | None => Mode::Async,
        }
    }

    fn step(&mut self, step: &Spanned<model::Step>, closed: &mut Closed) {
        let span = step.span;
        match &step.value {
            model::Step::Send(Form::Short(count)) => {
                let send = &Send::default();
                self.send(&Sending { count: count.0, mode: Mode::Async, send, span, explicit: true }, closed);
            }
            model::Step::Send(Form::Long(send)) => match &send.count {
                Field::Given(count) => {
                    let mode = Self::mode(&send.mode);
                    self.send(&Sending { count: count.value.0, mode, send, span, explicit: true }, closed);
                }
                Field::Wrong(_) => {}
                Field::Absent => {
                    let mistake =
                        self.mistake(Code::Missing, span, "this send does not say how many messages");
                    self.report(mistake.help("write 'count: 10' among its fields"));
                }
            },
            model::Step::Wait(_) => {
                self.needs_open(closed, span);
                self.add(Action::WaitCallbacks { within: self.ack_wait() }, span);
            }
            model::Step::Flush(within) => {
                self.needs_open(closed, span);
                let within = within.map_or_else(|| self.ack_wait(), |within| within.0);
                self.add(Action::Flush { within }, span);
            }
            model::Step::Close(form) => self.close(form.as_ref(), span, closed),
        }
    }

    fn close(&mut self, form: Option<&Form<Name, model::Close>>, span: Span, closed: &mut Closed) {
        let named = match form {
            Some(Form::Short(name)) => Field::Given(Spanned::new(name.clone(), span)),
            // What it may say comes later, and has been reported.
            Some(Form::Long(_)) | None => Field::Absent,
        };
        let Some(producer) = self.producer_of(&named, span) else { return };
        self.not_closed(producer, span, closed);
        closed.entry(producer).or_insert(span);
        self.add(Action::Close { producer, within: self.ack_wait() }, span);
    }

    fn add(&mut self, action: Action, span: Span) {
        self.steps.push(Step { action, span, explicit: true });
    }

    fn not_closed(&mut self, producer: ProducerIndex, span: Span, closed: &Closed) {
        if let Some(close) = closed.get(&producer) {
            let mistake =
                self.mistake(Code::AfterClose, span, "this step uses a producer that is closed by then");
            self.report(mistake.and(*close, "it is closed here"));
        }
    }

    /// A wait or flush needs a producer that is not closed.
    fn needs_open(&mut self, closed: &Closed, span: Span) {
        if let (Some(close), true) = (closed.values().max(), closed.len() == self.producers.len()) {
            let mistake = self.mistake(Code::AfterClose, span, "every producer is closed by then");
            self.report(mistake.and(*close, "the last is closed here"));
        }
    }

    fn send(&mut self, sending: &Sending<'_>, closed: &Closed) {
        let producer = self.producer_of(&sending.send.producer, sending.span);
        let topic = self.topic_of(&sending.send.topic, sending.span);
        if let Some(producer) = producer {
            self.not_closed(producer, sending.span, closed);
        }
        let first = self.batches.last().map_or(0, |batch| batch.first.0.saturating_add(batch.count));
        let count = u32::try_from(sending.count).unwrap_or(u32::MAX);
        let message = self.message(sending.send, topic, MessageId(first), count);
        let (Some(producer), Some(topic), Some(message)) = (producer, topic, message) else { return };
        let (span, explicit) = (sending.span, sending.explicit);
        let action = Action::Send { batch: self.batches.len(), mode: sending.mode };
        self.batches.push(Batch { first: MessageId(first), count, producer, topic, message, span });
        self.steps.push(Step { action, span, explicit });
    }
}
