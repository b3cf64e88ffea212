//! What should come of a plan.

mod order;
mod requests;

use crate::diagnostic::{Code, nearest};
use crate::id::MessageId;
use crate::kafka::ErrorCode;
use crate::scenario::model::{self, Form, Listed, Map, Range};
use crate::scenario::{AnomalyKind, Field};
use crate::source::{Span, Spanned};
use crate::submissions::Submissions;
use crate::trace::{self, ClientError};

use super::Compiler;
use crate::plan::expect::{Delivered, Expect};
use crate::plan::plan::Action;

/// The key of `unknown` that is no code: which of them stand in the log.
const WRITTEN: &str = "written";

/// Ranges that an expectation names, and what it says of them.
pub(in crate::plan::compile) type Claims = Vec<(Range, Span, String)>;

/// Submissions by code, with the place of the code.
type ByCode = Vec<Spanned<(trace::Code, Submissions)>>;

impl Compiler<'_> {
    pub(super) fn expect(&mut self) -> Expect {
        let written = self.scenario.expectation();
        let span = written.span().unwrap_or_else(|| self.top());
        let nothing = model::Expect::default();
        let written = written.value().unwrap_or(&nothing);
        let mut claims = Claims::new();
        let failed = self.by_code(written.failed.value(), "failed", &mut claims);
        let cut_off = self.cut_off(&written.cut_off, span, &mut claims);
        let (unknown, in_log) = self.unknown(written.unknown.value(), &cut_off.value, &mut claims);
        let delivered = self.delivered(&written.delivered, &mut claims);
        self.contradictions(claims);
        let (must, may) = anomalies(written.anomalies.value());
        if let Some(both) = may.iter().find(|kind| must.iter().any(|other| other.value == kind.value)) {
            let message = format!("'{}' cannot both have to occur and be free to", both.value.word());
            self.report(self.mistake(Code::Contradiction, both.span, message));
        }
        Expect {
            delivered,
            failed,
            unknown,
            written: in_log,
            cut_off,
            fatal: written.fatal.get().and_then(|code| self.code(&code.value.0, code.span)),
            must,
            may,
            requests: self.wanted(&written.requests),
            order: self.order(&written.order),
            span,
        }
    }

    fn delivered(&mut self, field: &Field<model::Delivered>, claims: &mut Claims) -> Delivered {
        let Some(Spanned { value, span }) = field.get() else { return Delivered::Rest };
        match value {
            Form::Short(Listed::One(word)) if word.value() == Some(&model::AllOrNone::All) => {
                if let Some((_, claim, what)) = claims.first().cloned() {
                    let mistake =
                        self.mistake(Code::Contradiction, *span, format!("all delivered, and some {what}"));
                    self.report(mistake.and(claim, "these"));
                }
                Delivered::All(*span)
            }
            Form::Short(Listed::One(word)) if word.value() == Some(&model::AllOrNone::None) => {
                Delivered::None(*span)
            }
            Form::Short(Listed::One(_)) => Delivered::Rest,
            Form::Short(Listed::List(ranges)) => {
                let set = self.submissions(ranges, "delivered", claims);
                Delivered::These(set, *span)
            }
            Form::Long(log) => {
                if log.log.is_absent() {
                    self.report(self.mistake(Code::Missing, *span, "'log' is missing"));
                }
                log.log.value().map_or(Delivered::Rest, |count| Delivered::Log(count.0, *span))
            }
        }
    }

    fn cut_off(
        &mut self,
        field: &Field<Listed<Range, Range>>,
        span: Span,
        claims: &mut Claims,
    ) -> Spanned<Submissions> {
        let Some(written) = field.get() else { return Spanned::new(Submissions::new(), span) };
        if !self.steps.iter().any(|step| step.action == Action::Exit) {
            let mistake =
                self.mistake(Code::Contradiction, written.span, "nothing is cut off without the step 'exit'");
            self.report(mistake);
        }
        Spanned::new(self.submissions(written.value.items(), "cut off", claims), written.span)
    }

    fn unknown(
        &mut self,
        map: Option<&model::Unknown>,
        cut_off: &Submissions,
        claims: &mut Claims,
    ) -> (ByCode, Option<Spanned<Submissions>>) {
        let entries = map.map(|map| map.0.clone()).unwrap_or_default();
        let is_written = |(key, _): &(Field<model::Text>, _)| key.value().is_some_and(|key| key.0 == WRITTEN);
        let (written, codes): (Vec<_>, Vec<_>) = entries.into_iter().partition(is_written);
        let unknown = self.by_code(Some(&Map(codes)), "unknown", claims);
        let written = written.first().and_then(|(_, ranges)| ranges.get()).map(|ranges| {
            let set = self.submissions(ranges.value.items(), WRITTEN, &mut Claims::new());
            let named = |submission| {
                cut_off.contains(submission) || unknown.iter().any(|entry| entry.value.1.contains(submission))
            };
            if let Some(stray) = set.first().filter(|first| !named(*first)) {
                let message = format!("message {stray} cannot be written and none of the unknown ones");
                self.report(self.mistake(Code::Contradiction, ranges.span, message));
            }
            Spanned::new(set, ranges.span)
        });
        (unknown, written)
    }

    fn by_code(
        &mut self,
        map: Option<&Map<Listed<Range, Range>>>,
        what: &str,
        claims: &mut Claims,
    ) -> ByCode {
        let mut found = Vec::new();
        for (key, ranges) in map.map(|map| map.0.as_slice()).unwrap_or_default() {
            let Some(key) = key.get() else { continue };
            let code = self.code(&key.value.0, key.span);
            let Some(ranges) = ranges.value() else { continue };
            let set = self.submissions(ranges.items(), &format!("{what} with {}", key.value.0), claims);
            if let Some(code) = code {
                found.push(Spanned::new((code.value, set), key.span));
            }
        }
        found
    }

    /// A code by its name.
    pub(in crate::plan::compile) fn code(&mut self, name: &str, span: Span) -> Option<Spanned<trace::Code>> {
        if let Some(code) = trace::Code::from_name(name) {
            return Some(Spanned::new(code, span));
        }
        let clients = ClientError::ALL.iter().map(|error| error.word());
        let near = nearest(name, clients.clone()).or_else(|| nearest(name, ErrorCode::names()));
        let help = match near {
            _ if AnomalyKind::ALL.iter().any(|kind| kind.word() == name) => {
                format!("it is an anomaly: write 'anomalies: [{name}]'")
            }
            Some(near) => format!("did you mean '{near}'?"),
            None => format!(
                "it is a name of Kafka's protocol, such as MESSAGE_TOO_LARGE, or one of {}",
                clients.collect::<Vec<_>>().join(", ")
            ),
        };
        self.report(
            self.mistake(Code::UnknownExpectation, span, format!("there is no code '{name}'")).help(help),
        );
        None
    }

    /// The submissions that ranges name; those that the plan does not make are reported.
    pub(in crate::plan::compile) fn submissions(
        &mut self,
        ranges: &[Field<Range>],
        what: &str,
        claims: &mut Claims,
    ) -> Submissions {
        let mut set = Submissions::new();
        for Spanned { value: range, span } in ranges.iter().filter_map(Field::get) {
            if self.is_made(range, *span) {
                set.insert_run(MessageId(range.first), count(range), range.again);
                claims.push((*range, *span, what.to_owned()));
            }
        }
        set
    }

    /// Whether the plan makes the submissions of a range; if not, that is reported.
    fn is_made(&mut self, range: &Range, span: Span) -> bool {
        let message = if let Some(rarely) = self.first_not_submitted(range) {
            match range.again {
                1 if self.resends.is_empty() => format!("no step submits message {rarely} once more"),
                1 => format!("nothing submits message {rarely} once more"),
                times => format!("message {rarely} is not submitted {times} times after the first"),
            }
        } else {
            match self.messages.map(|planned| planned + self.spare).filter(|all| range.last >= *all) {
                None => return true,
                Some(0) => "this scenario has no messages".to_owned(),
                Some(messages) => format!("this scenario has the messages 0..{}", messages - 1),
            }
        };
        self.report(self.mistake(Code::NotInPlan, span, message));
        false
    }

    /// One submission that has to be two things at once.
    fn contradictions(&mut self, mut claims: Claims) {
        claims.sort_by_key(|(range, ..)| (range.again, range.first));
        let mut reach: Option<&(Range, Span, String)> = None;
        for claim in &claims {
            let reaches = |before: &&(Range, Span, String)| {
                before.0.again == claim.0.again && before.0.last >= claim.0.first
            };
            if let Some(before) = reach.filter(|before| reaches(before) && before.2 != claim.2) {
                let message =
                    format!("message {} cannot be both {} and {}", claim.0.first, before.2, claim.2);
                let mistake = self.mistake(Code::Contradiction, claim.1, message);
                return self.report(mistake.and(before.1, "and here"));
            }
            if reach.is_none_or(|before| (claim.0.again, claim.0.last) > (before.0.again, before.0.last)) {
                reach = Some(claim);
            }
        }
    }
}

fn count(range: &Range) -> u32 {
    (range.last - range.first).saturating_add(1)
}

fn anomalies(written: Option<&model::Anomalies>) -> (Vec<Spanned<AnomalyKind>>, Vec<Spanned<AnomalyKind>>) {
    let given =
        |fields: &[Field<AnomalyKind>]| fields.iter().filter_map(|field| field.get().copied()).collect();
    let of =
        |field: &Field<Vec<Field<AnomalyKind>>>| given(field.value().map(Vec::as_slice).unwrap_or_default());
    match written {
        None => (Vec::new(), Vec::new()),
        Some(Form::Short(kinds)) => (given(kinds.items()), Vec::new()),
        Some(Form::Long(kinds)) => (of(&kinds.must), of(&kinds.may)),
    }
}
