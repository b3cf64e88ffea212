//! The steps of a plan, and the batches that they send.

mod again;
mod cluster;
mod concurrent;
mod course;
mod react;
mod sending;
mod transactions;

use crate::diagnostic::Code;
use crate::id::MessageId;
use crate::plan::plan::Action;
use crate::scenario::Field;
use crate::scenario::model::{self, Form, MAX_MESSAGES, Send};
use crate::source::{Span, Spanned};

use super::Compiler;
use course::Course;
use sending::{Messages, Sending, Split};

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
        let steps = scenario.steps.value().map(Vec::as_slice).unwrap_or_default();
        self.opened_by_steps(steps.iter().filter_map(Field::value));
        let mut course = Course::new(self.producers.len());
        for step in steps {
            if let Some(step) = step.get() {
                self.step(step, &mut course);
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
        let (mode, send) = (&self.scenario.mode, &Send::default());
        let sending = Sending { count: count.value.0, mode, send, span: count.span, explicit: false };
        self.send(&sending, &mut Course::new(self.producers.len()));
    }

    fn step(&mut self, step: &Spanned<model::Step>, course: &mut Course) {
        let span = step.span;
        self.not_after_exit(&step.value, span, course);
        match &step.value {
            model::Step::Send(Form::Short(count)) => {
                let (send, mode) = (&Send::default(), &Field::Absent);
                self.send(&Sending { count: count.0, mode, send, span, explicit: true }, course);
            }
            model::Step::Send(Form::Long(send)) => self.long_send(send, span, course),
            model::Step::Wait(wait) => self.wait(wait, span, course),
            model::Step::Flush(form) => self.flush(form.as_ref(), span, course),
            model::Step::Purge(form) => self.purge(form.as_ref(), span, course),
            model::Step::Close(form) => self.close(form.as_ref(), span, course),
            model::Step::Exit => self.exit(span, course),
            model::Step::Open(form) => self.open(form.as_ref(), span, course),
            model::Step::Begin(form) => self.begin(form.as_ref(), span, course),
            model::Step::Commit(form) => self.commit(form.as_ref(), span, course),
            model::Step::Abort(form) => self.abort(form.as_ref(), span, course),
            model::Step::SendOffsets(offsets) => self.send_offsets(offsets, span, course),
            other if self.link_step(other, span) => {}
            other => self.cluster_step(other, span, &mut course.cluster),
        }
    }

    fn wait(&mut self, wait: &Form<model::WaitFor, Box<model::Wait>>, span: Span, course: &Course) {
        self.needs_open(span, course);
        match wait {
            Form::Short(model::WaitFor::Callbacks) => {
                self.add(Action::WaitCallbacks { within: self.ack_wait() }, span);
            }
            Form::Long(wait) => self.wait_for_condition(wait, span),
        }
    }

    fn long_send(&mut self, send: &Send, span: Span, course: &mut Course) {
        let sending = |count| Sending { count, mode: &send.mode, send, span, explicit: true };
        match &send.count {
            Field::Given(count) => self.send(&sending(count.value.0), course),
            Field::Wrong(_) => {}
            Field::Absent if !send.again.is_absent() => {
                self.needs_count(send);
                let split = self.split(&sending(0));
                self.again(send, &split, span, course);
            }
            Field::Absent => {
                let mistake = self.mistake(Code::Missing, span, "this send does not say how many messages");
                self.report(mistake.help("write 'count: 10' among its fields"));
            }
        }
    }

    fn send(&mut self, sending: &Sending<'_>, course: &mut Course) {
        let Sending { send, span, explicit, .. } = *sending;
        let producer = self.producer_of(&send.producer, span);
        let topic = self.topic_of(&send.topic, span);
        let split = self.split(sending);
        if let Some(producer) = producer {
            self.may_send(producer, &split, span, course);
        }
        let first = MessageId(self.sent_so_far());
        let count = u32::try_from(sending.count).unwrap_or(u32::MAX);
        let threads = self.threads(send, count, &split);
        let message = self.message(send, topic, first, count);
        let (Some(producer), Some(topic), Some(message)) = (producer, topic, message) else { return };
        let messages = Messages { producer, topic, threads, message, span, explicit };
        match &split {
            Split::Plainly(mode) => self.batch(&messages, count, *mode),
            Split::Transactions(size, aborted) => self.transactions(&messages, count, *size, aborted),
        }
        self.again(send, &split, span, course);
    }
}
