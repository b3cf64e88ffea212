//! Transactions: the steps that they consist of, and sends that are split into them.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use crate::diagnostic::Code;
use crate::id::{Offset, Partition, ProducerIndex};
use crate::plan::compile::Compiler;
use crate::plan::plan::{Action, GroupOffset, Mode, Step, TransactionCall};
use crate::scenario::Field;
use crate::scenario::model::{self, Form, Name};
use crate::source::Span;

use super::course::{Course, Transaction};
use super::sending::{Messages, Sending, Split};

/// How many transactions a scenario may have. Each takes milliseconds.
const MAX_TRANSACTIONS: u64 = 100_000;

impl Compiler<'_> {
    pub(super) fn split(&mut self, sending: &Sending<'_>) -> Split {
        let of = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        match sending.mode.value() {
            Some(model::Mode::Sync) => Split::Plainly(Mode::Sync),
            Some(model::Mode::Window(size)) => {
                Split::Plainly(Mode::Window(size.value().map_or(1, |size| of(size.0))))
            }
            Some(model::Mode::Async) | None => Split::Plainly(Mode::Async),
            Some(model::Mode::Transaction(field)) => {
                let Some(written) = field.get() else { return Split::Transactions(u32::MAX, HashSet::new()) };
                if written.value.size.is_absent() {
                    let mistake = self.mistake(Code::Missing, written.span, "'size' is missing");
                    self.report(mistake.help("write how many messages a transaction has: 'size: 3'"));
                }
                let size = written.value.size.value().map_or(u32::MAX, |size| of(size.0));
                let count = sending.count.div_ceil(u64::from(size));
                if count > MAX_TRANSACTIONS {
                    let message =
                        format!("{count} transactions in one send; it may have at most {MAX_TRANSACTIONS}");
                    self.report(self.mistake(Code::Limit, written.span, message));
                }
                let aborted = match written.value.size {
                    Field::Wrong(_) => HashSet::new(),
                    _ => self.aborted(&written.value.abort, count),
                };
                Split::Transactions(size, aborted)
            }
        }
    }

    fn aborted(&mut self, field: &Field<Vec<Field<model::TransactionNumber>>>, count: u64) -> HashSet<u64> {
        let mut aborted = HashSet::new();
        for number in field.value().into_iter().flatten().filter_map(Field::get) {
            if number.value.0 >= count {
                let message = format!("this send has the transactions 0..{}", count.saturating_sub(1));
                self.report(self.mistake(Code::NotInPlan, number.span, message));
            }
            aborted.insert(number.value.0);
        }
        aborted
    }

    /// The steps of a send in transactions. Too many of them have been reported.
    pub(super) fn transactions(
        &mut self,
        messages: &Messages,
        count: u32,
        size: u32,
        aborted: &HashSet<u64>,
    ) {
        let Messages { producer, span, explicit, .. } = *messages;
        let within = self.ack_wait();
        let mut left = count;
        for number in 0..MAX_TRANSACTIONS {
            if left == 0 {
                break;
            }
            let abort = aborted.contains(&number);
            let end = if abort { TransactionCall::Abort { flush: true } } else { TransactionCall::Commit };
            let step = |call| Step { action: Action::Transaction { producer, call, within }, span, explicit };
            self.steps.push(step(TransactionCall::Begin));
            self.batch(messages, left.min(size), Mode::Async);
            self.steps.push(step(end));
            left = left.saturating_sub(size);
        }
    }

    pub(super) fn begin(&mut self, form: Option<&Form<Name, model::Call>>, span: Span, course: &mut Course) {
        let Some((producer, within)) = self.called(form, span) else { return };
        self.used(producer, span, course);
        self.needs_transactional(producer, span);
        if let Transaction::Begun(begun) = course.of(producer).transaction {
            self.begun_twice(begun, span);
        }
        course.of(producer).transaction = Transaction::Begun(span);
        self.add(Action::Transaction { producer, call: TransactionCall::Begin, within }, span);
    }

    pub(super) fn commit(&mut self, form: Option<&Form<Name, model::Call>>, span: Span, course: &mut Course) {
        if let Some((producer, within)) = self.called(form, span) {
            self.end(Action::Transaction { producer, call: TransactionCall::Commit, within }, span, course);
        }
    }

    /// The producer that a call is of, and how long it may take.
    pub(super) fn called(
        &mut self,
        form: Option<&Form<Name, model::Call>>,
        span: Span,
    ) -> Option<(ProducerIndex, Duration)> {
        let (producer, call) = self.said(form, |call| &call.producer, span);
        Some((producer?, self.limit(call.map_or(&Field::Absent, |call| &call.within))))
    }

    /// How long a call may take.
    pub(super) fn limit(&self, within: &Field<model::Duration>) -> Duration {
        within.value().map_or_else(|| self.ack_wait(), |within| within.0)
    }

    pub(super) fn abort(&mut self, form: Option<&Form<Name, model::Abort>>, span: Span, course: &mut Course) {
        let nothing = model::Abort::default();
        let (producer, said) = self.said(form, |abort| &abort.producer, span);
        let said = said.unwrap_or(&nothing);
        let call = TransactionCall::Abort { flush: said.flush.value().copied().unwrap_or(true) };
        let within = self.limit(&said.within);
        if let Some(producer) = producer {
            self.end(Action::Transaction { producer, call, within }, span, course);
        }
    }

    fn end(&mut self, action: Action, span: Span, course: &mut Course) {
        let Action::Transaction { producer, .. } = action else { return };
        self.used(producer, span, course);
        if let Transaction::None = course.of(producer).transaction {
            self.not_begun(producer, span);
        }
        course.of(producer).transaction = Transaction::Ended;
        self.add(action, span);
    }

    pub(super) fn send_offsets(&mut self, written: &model::SendOffsets, span: Span, course: &mut Course) {
        for (missing, name) in [(written.group.is_absent(), "group"), (written.offset.is_absent(), "offset")]
        {
            if missing {
                let mistake = self.mistake(Code::Missing, span, format!("'{name}' is missing"));
                self.report(mistake.help("write 'send_offsets: {group: NAME, offset: 3}'"));
            }
        }
        let producer = self.producer_of(&written.producer, span);
        let topic = self.topic_of(&written.topic, span);
        if let Some(producer) = producer {
            self.used(producer, span, course);
            if !matches!(course.of(producer).transaction, Transaction::Begun(_)) {
                self.not_begun(producer, span);
            }
        }
        let partition = topic.and_then(|topic| self.partition_of(&written.partition, topic));
        let (Some(producer), Some(topic), Some(partition)) = (producer, topic, partition) else { return };
        let (Some(group), Some(offset)) = (written.group.value(), written.offset.value()) else { return };
        let offset = Offset(i64::try_from(offset.0).unwrap_or(i64::MAX));
        let offset = GroupOffset { group: Arc::from(group.0.as_str()), topic, partition, offset };
        let (call, within) = (TransactionCall::SendOffsets(offset), self.limit(&written.within));
        self.add(Action::Transaction { producer, call, within }, span);
    }

    pub(super) fn needs_transactional(&mut self, producer: ProducerIndex, span: Span) {
        if !self.is_transactional(producer) {
            let known = self.producers.get(producer.index());
            let place = known.map(|known| known.span);
            let mistake = self.mistake(Code::NotTransactional, span, "this producer is not transactional");
            let mistake = match place.filter(|_| !self.scenario.producers.is_absent()) {
                Some(place) => mistake.and(place, "it is described here"),
                None => mistake,
            };
            self.report(mistake.help("write 'producer: {config: {transactional.id: NAME}}'"));
        }
    }

    fn not_begun(&mut self, producer: ProducerIndex, span: Span) {
        if self.is_transactional(producer) {
            let mistake =
                self.mistake(Code::StepOrder, span, "no transaction of this producer is open by then");
            self.report(mistake.help("write 'begin' before it"));
        } else {
            self.needs_transactional(producer, span);
        }
    }

    /// The partition that a step names, or the first.
    pub(in crate::plan::compile) fn partition_of(
        &mut self,
        field: &Field<model::PartitionNumber>,
        topic: crate::id::TopicIndex,
    ) -> Option<Partition> {
        let (number, span) = match field {
            Field::Absent => return Some(Partition(0)),
            Field::Wrong(_) => return None,
            Field::Given(given) => (given.value.0, given.span),
        };
        let partitions = self.topics.get(topic.index()).map_or(1, |topic| topic.partitions);
        let number = i32::try_from(number).unwrap_or(i32::MAX);
        self.check_partition(i64::from(number), Some(partitions), span);
        Some(Partition(number))
    }
}
