//! Conditions: what a hold or a wait waits for.

use kafka_protocol::messages::ApiKey;

use crate::diagnostic::Code;
use crate::fault::{ApiFilter, Condition, Count, Requests};
use crate::id::FaultIndex;
use crate::plan::compile::Compiler;
use crate::scenario::Field;
use crate::scenario::model::{self, Form, Text, Until};
use crate::source::{Span, Spanned};

/// Who waits.
#[derive(Clone, Copy)]
pub(super) struct Waiting {
    /// The fault that holds; none for a step.
    pub(super) own: Option<FaultIndex>,
    /// Which requests are meant where none are named.
    pub(super) api: ApiFilter,
}

impl Waiting {
    /// A step of the application waits.
    pub(super) const STEP: Self = Self { own: None, api: ApiFilter::Api(ApiKey::Produce) };
}

/// A field, and the condition that it stands for.
type Part<'a, T, V> = (&'a Field<T>, fn(V) -> Condition);

/// The parts of a condition, wherever they were written.
pub(super) struct Parts<'a> {
    counts: [Part<'a, model::Count, u64>; 2],
    requests: &'a Field<Form<model::Count, model::Requests>>,
    faults: [Part<'a, Text, FaultIndex>; 3],
    clocks: [Part<'a, model::Duration, std::time::Duration>; 2],
    any: &'a Field<Vec<Field<Until>>>,
}

macro_rules! parts {
    ($written:expr) => {
        Parts {
            counts: [(&$written.sent, Condition::Sent), (&$written.callbacks, Condition::Callbacks)],
            requests: &$written.requests,
            faults: [
                (&$written.matched, Condition::Matched),
                (&$written.fired, Condition::Fired),
                (&$written.released, Condition::Released),
            ],
            clocks: [(&$written.quiet, Condition::Quiet), (&$written.lasted, Condition::For)],
            any: &$written.any,
        }
    };
}

impl<'a> From<&'a model::Wait> for Parts<'a> {
    fn from(written: &'a model::Wait) -> Self {
        parts!(written)
    }
}

impl Parts<'_> {
    /// Whether nothing was written, rightly or not.
    fn is_empty(&self) -> bool {
        self.counts.iter().all(|(field, _)| field.is_absent())
            && self.requests.is_absent()
            && self.faults.iter().all(|(field, _)| field.is_absent())
            && self.clocks.iter().all(|(field, _)| field.is_absent())
            && self.any.is_absent()
    }
}

impl Compiler<'_> {
    /// What a hold waits for.
    pub(super) fn until(&mut self, until: &Spanned<Until>, waiting: Waiting) -> Option<Condition> {
        match (&until.value, waiting.own) {
            (Form::Short(model::Released::Released), Some(own)) => Some(Condition::Released(own)),
            (Form::Short(model::Released::Released), None) => {
                let mistake =
                    self.mistake(Code::Missing, until.span, "a step holds nothing that could be released");
                self.report(mistake.help("write 'released: NAME'"));
                None
            }
            (Form::Long(written), _) => Some(self.condition(&parts!(written), until.span, waiting)),
        }
    }

    pub(super) fn condition(&mut self, parts: &Parts<'_>, span: Span, waiting: Waiting) -> Condition {
        if parts.is_empty() {
            let mistake = self.mistake(Code::Missing, span, "this condition says nothing");
            self.report(mistake.help("write 'sent: 3', 'requests: 2' or the like"));
        }
        let mut all = Vec::new();
        for (field, make) in parts.counts {
            all.extend(field.value().map(|count| make(count.0)));
        }
        if let Some(requests) = parts.requests.get() {
            all.extend(self.requests(requests, waiting).map(Condition::Requests));
        }
        for (field, make) in parts.faults {
            if let Some(name) = field.get() {
                all.extend(self.fault_of(&name.value.0, name.span).map(make));
            }
        }
        for (field, make) in parts.clocks {
            all.extend(field.value().map(|duration| make(duration.0)));
        }
        if let Some(any) = parts.any.get() {
            if any.value.is_empty() {
                self.report(self.mistake(Code::Missing, any.span, "'any' is empty"));
            }
            let one = any.value.iter().filter_map(Field::get);
            all.push(Condition::Any(one.filter_map(|one| self.until(one, waiting)).collect()));
        }
        let only = if all.len() == 1 { all.pop() } else { None };
        only.unwrap_or(Condition::All(all))
    }

    fn requests(
        &mut self,
        written: &Spanned<Form<model::Count, model::Requests>>,
        waiting: Waiting,
    ) -> Option<Requests> {
        let named = match &written.value {
            Form::Short(count) => {
                let count = Count::Total(count.0);
                return Some(Requests { api: waiting.api, producer: None, broker: None, count });
            }
            Form::Long(named) => named,
        };
        let count = self.how_many(named, written.span)?;
        let producer = match &named.producer {
            Field::Absent => None,
            field => Some(self.producer_of(field, written.span)?),
        };
        let broker = match &named.broker {
            Field::Given(broker) => Some(self.broker(broker)?),
            _ => None,
        };
        let api = named.api.value().and_then(|api| ApiFilter::named(api.word())).unwrap_or(waiting.api);
        Some(Requests { api, producer, broker, count })
    }

    fn how_many(&mut self, named: &model::Requests, span: Span) -> Option<Count> {
        match (named.count.get(), named.more.get()) {
            (Some(count), None) => Some(Count::Total(count.value.0)),
            (None, Some(more)) => Some(Count::More(more.value.0)),
            (Some(count), Some(more)) => {
                let mistake =
                    self.mistake(Code::Conflict, more.span, "'more' and 'count' exclude each other");
                self.report(mistake.and(count.span, "it is here"));
                None
            }
            (None, None) => {
                if named.count.is_absent() && named.more.is_absent() {
                    let mistake = self.mistake(Code::Missing, span, "this does not say how many requests");
                    self.report(mistake.help("write 'count: 3' or 'more: 1' among its fields"));
                }
                None
            }
        }
    }
}
