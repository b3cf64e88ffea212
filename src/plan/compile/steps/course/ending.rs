//! Steps that flush a producer, throw away what it holds, and close it.

use crate::plan::compile::Compiler;
use crate::plan::plan::{Action, Purge};
use crate::scenario::Field;
use crate::scenario::model::{self, Form, Listed, Name};
use crate::source::Span;

use super::Course;

impl Compiler<'_> {
    pub(in crate::plan::compile::steps) fn flush(
        &mut self,
        form: Option<&Form<model::Duration, model::Flush>>,
        span: Span,
        course: &mut Course,
    ) {
        let said = match form {
            Some(Form::Long(said)) if !said.producer.is_absent() => {
                let Some(producer) = self.producer_of(&said.producer, span) else { return };
                self.used(producer, span, course);
                return self
                    .add(Action::Flush { producer: Some(producer), within: self.limit(&said.within) }, span);
            }
            Some(Form::Long(said)) => self.limit(&said.within),
            Some(Form::Short(within)) => within.0,
            None => self.ack_wait(),
        };
        self.needs_open(span, course);
        self.add(Action::Flush { producer: None, within: said }, span);
    }

    pub(in crate::plan::compile::steps) fn purge(
        &mut self,
        form: Option<&Form<Listed<model::Purge, model::Purge>, model::PurgeStep>>,
        span: Span,
        course: &mut Course,
    ) {
        let (producer, what) = match form {
            Some(Form::Long(said)) => (self.producer_of(&said.producer, span), said.what.value()),
            Some(Form::Short(what)) => (self.named(None, span), Some(what)),
            None => (self.named(None, span), None),
        };
        let Some(producer) = producer else { return };
        self.used(producer, span, course);
        let what = what.map_or(Purge { queue: true, in_flight: true }, |what| purged(what.items()));
        self.add(Action::Purge { producer, what }, span);
    }

    pub(in crate::plan::compile::steps) fn close(
        &mut self,
        form: Option<&Form<Name, model::Close>>,
        span: Span,
        course: &mut Course,
    ) {
        let nothing = model::Close::default();
        let (producer, said) = self.said(form, |close| &close.producer, span);
        let said = said.unwrap_or(&nothing);
        let Some(producer) = producer else { return };
        self.used(producer, span, course);
        course.of(producer).closed.get_or_insert(span);
        let within = said.flush.value().map_or_else(|| Some(self.ack_wait()), |limit| limit.0);
        let purge = purged(said.purge.value().map(Vec::as_slice).unwrap_or_default());
        self.add(Action::Close { producer, within, purge }, span);
    }
}

fn purged(written: &[Field<model::Purge>]) -> Purge {
    let names = |what| written.iter().any(|field| field.value() == Some(&what));
    Purge { queue: names(model::Purge::Queue), in_flight: names(model::Purge::InFlight) }
}
