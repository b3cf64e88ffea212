//! What producers have been through when a step comes, and what they can therefore not do.

mod ending;

use crate::diagnostic::Code;
use crate::id::ProducerIndex;
use crate::plan::compile::Compiler;
use crate::scenario::model::{self, Form};
use crate::source::Span;

use crate::plan::plan::Action;

use super::cluster::Cluster;
use super::sending::Split;

/// What each producer has been through so far, and the cluster.
pub(super) struct Course {
    producers: Vec<Life>,
    pub(super) cluster: Cluster,
    /// Where the process would have ended.
    exited: Option<Span>,
}

/// What one producer has been through so far.
#[derive(Default)]
pub(super) struct Life {
    /// Where a step has opened it.
    pub(super) opened: Option<Span>,
    /// Where it was closed.
    pub(super) closed: Option<Span>,
    pub(super) transaction: Transaction,
}

/// How far the transactions of a producer have come.
#[derive(Clone, Copy, Default)]
pub(super) enum Transaction {
    /// There was none.
    #[default]
    None,
    /// One was begun there.
    Begun(Span),
    /// It should have ended. Whether it has is seen when it runs; a commit that failed may be followed by an abort.
    Ended,
}

impl Course {
    pub(super) fn new(producers: usize) -> Self {
        let producers = (0..producers).map(|_| Life::default()).collect();
        Self { producers, cluster: Cluster::default(), exited: None }
    }

    pub(super) fn of(&mut self, producer: ProducerIndex) -> &mut Life {
        if self.producers.len() <= producer.index() {
            self.producers.resize_with(producer.index() + 1, Life::default);
        }
        &mut self.producers[producer.index()]
    }
}

impl Compiler<'_> {
    /// Notes which producers a step opens.
    pub(super) fn opened_by_steps<'a>(&mut self, steps: impl Iterator<Item = &'a model::Step>) {
        for step in steps {
            let model::Step::Open(form) = step else { continue };
            let only = self.producers.len() == 1;
            let name = match form {
                Some(Form::Short(name)) => Some(name),
                Some(Form::Long(call)) => call.producer.value(),
                None => None,
            };
            for producer in &mut self.producers {
                let named = name.map_or(only, |name| *producer.name == name.0);
                producer.opened_by_step |= named;
            }
        }
    }

    pub(super) fn open(
        &mut self,
        form: Option<&Form<model::Name, model::Call>>,
        span: Span,
        course: &mut Course,
    ) {
        let Some((producer, within)) = self.called(form, span) else { return };
        if let Some(opened) = course.of(producer).opened {
            let mistake = self.mistake(Code::StepOrder, span, "this producer is open by then");
            self.report(mistake.and(opened, "it is opened here"));
        }
        course.of(producer).opened.get_or_insert(span);
        self.used(producer, span, course);
        self.add(Action::Open { producer, within }, span);
    }

    /// A producer is used that must be open.
    pub(super) fn used(&mut self, producer: ProducerIndex, span: Span, course: &mut Course) {
        let life = course.of(producer);
        let (opened, closed) = (life.opened, life.closed);
        if let Some(close) = closed {
            let mistake =
                self.mistake(Code::AfterClose, span, "this step uses a producer that is closed by then");
            self.report(mistake.and(close, "it is closed here"));
        }
        let waits = self.producers.get(producer.index()).is_some_and(|producer| producer.opened_by_step);
        if waits && opened.is_none() {
            let mistake =
                self.mistake(Code::StepOrder, span, "this step uses a producer that a later step opens");
            self.report(mistake.help("write 'open' before it, or leave it out"));
        }
    }

    pub(super) fn exit(&mut self, span: Span, course: &mut Course) {
        course.exited.get_or_insert(span);
        self.add(Action::Exit, span);
    }

    /// Nothing but the cluster changes behind the end of the process.
    pub(super) fn not_after_exit(&mut self, step: &model::Step, span: Span, course: &Course) {
        let Some(exited) = course.exited.filter(|_| !step.is_of_cluster()) else { return };
        let mistake = self.mistake(Code::AfterClose, span, "the process has ended by then");
        let help = "only steps that change the cluster may follow";
        self.report(mistake.and(exited, "it ends here").help(help));
    }

    /// A wait or flush needs a producer that is not closed.
    pub(super) fn needs_open(&mut self, span: Span, course: &Course) {
        let last = course.producers.iter().filter_map(|life| life.closed).max();
        let all = course.producers.iter().all(|life| life.closed.is_some());
        if let (Some(close), true) = (last, all) {
            let mistake = self.mistake(Code::AfterClose, span, "every producer is closed by then");
            self.report(mistake.and(close, "the last is closed here"));
        }
    }

    /// A producer sends, in a transaction exactly if it is transactional.
    pub(super) fn may_send(
        &mut self,
        producer: ProducerIndex,
        split: &Split,
        span: Span,
        course: &mut Course,
    ) {
        self.used(producer, span, course);
        let transactional = self.is_transactional(producer);
        match (split, course.of(producer).transaction) {
            (Split::Plainly(_), Transaction::None | Transaction::Ended) if transactional => {
                let message = "a transactional producer sends in transactions alone";
                let help =
                    "write 'begin' before it and 'commit' behind it, or 'mode: {transaction: {size: 3}}'";
                self.report(self.mistake(Code::StepOrder, span, message).help(help));
            }
            (Split::Transactions(..), state) => {
                self.needs_transactional(producer, span);
                if let Transaction::Begun(begun) = state {
                    self.begun_twice(begun, span);
                }
                course.of(producer).transaction = Transaction::Ended;
            }
            (Split::Plainly(_), _) => {}
        }
    }

    pub(super) fn begun_twice(&mut self, begun: Span, span: Span) {
        let mistake = self.mistake(Code::StepOrder, span, "a transaction of this producer is open by then");
        self.report(mistake.and(begun, "it is begun here").help("write 'commit' or 'abort' before it"));
    }
}
