//! What a fault does.

use kafka_protocol::messages::ApiKey;

use crate::diagnostic::Code;
use crate::fault::{self, Action, ApiFilter, Condition, Firing};
use crate::plan::compile::Compiler;
use crate::plan::compile::producers::acks;
use crate::scenario::Field;
use crate::scenario::model::{self, ActionWord, Form, Number, Until};
use crate::source::{Span, Spanned};

use super::condition::Waiting;
use super::steps::after_close;
use super::{Making, is_produce, number, word};

/// An action, and the places of what says when it happens.
struct Made<'a> {
    action: Action,
    /// Inside of the action.
    until: Option<&'a Spanned<Until>>,
    /// It lasts that long.
    lasts: Option<std::time::Duration>,
    /// Beside the action, in its entry.
    hold: Option<&'a Spanned<model::Hold>>,
}

impl<'a> Made<'a> {
    fn plain(action: Action) -> Self {
        Self { action, until: None, lasts: None, hold: None }
    }

    fn held(action: Action, held: Option<&'a model::Held>) -> Self {
        Self { until: held.and_then(|held| held.until.get()), ..Self::plain(action) }
    }
}

impl Compiler<'_> {
    /// What happens one time; reported where it cannot be.
    pub(super) fn firing(
        &mut self,
        entry: &Spanned<model::Do>,
        making: Making<'_>,
        listed: bool,
    ) -> Option<Firing> {
        let made = match &entry.value {
            Form::Short(word) => Made::plain(of_word(*word)),
            Form::Long(written) => self.written(written, entry.span, making)?,
        };
        self.goes_with(&made.action, entry.span, making);
        let hold = self.hold(&made, entry.span, making, listed);
        Some(Firing { action: made.action, hold })
    }

    fn written<'w>(
        &mut self,
        written: &'w model::Action,
        span: Span,
        making: Making<'_>,
    ) -> Option<Made<'w>> {
        let given = given(written);
        if given.len() != 1 {
            let (code, message) = match given.len() {
                0 => (Code::Missing, "this says no action"),
                _ => (Code::Conflict, "one entry has one action"),
            };
            let help = "write 'do: disconnect_after', or a list with one action for each time it fires";
            self.report(self.mistake(code, span, message).help(help));
            return None;
        }
        let made = match *given.first()? {
            "fail" => Made::plain(self.fail(&written.fail, making)?),
            "metadata" => Made::plain(self.metadata(&written.metadata)?),
            "versions" => Made::plain(self.versions(&written.versions)?),
            "delay_request" | "delay_response" => self.delayed(written, span)?,
            name => plain(written, name)?,
        };
        Some(Made { hold: written.hold.get(), ..made })
    }

    fn delayed<'w>(&mut self, written: &'w model::Action, span: Span) -> Option<Made<'w>> {
        let (field, is_request) = match &written.delay_request {
            Field::Absent => (&written.delay_response, false),
            field => (field, true),
        };
        let (lasts, after) = match field.value()? {
            Form::Short(lasts) => (lasts.0, fault::AfterClose::default()),
            Form::Long(delay) => {
                if delay.lasts.is_absent() {
                    let mistake = self.mistake(Code::Missing, span, "this does not say how long");
                    self.report(mistake.help("write 'delay_request: {for: 1s}' or 'delay_request: 1s'"));
                }
                (delay.lasts.value()?.0, after_close(&delay.after_close))
            }
        };
        let action =
            if is_request { Action::HoldRequest { after_close: after } } else { Action::HoldResponse };
        Some(Made { lasts: Some(lasts), ..Made::plain(action) })
    }

    fn versions(&mut self, field: &Field<model::Map<Number<0, 100>>>) -> Option<Action> {
        let mut versions = Vec::new();
        for (name, version) in &field.value()?.0 {
            let (Some(name), Some(version)) = (name.get(), version.value()) else { continue };
            if let Some(ApiFilter::Api(api)) = ApiFilter::named(&name.value.0) {
                versions.push((api, i16::try_from(version.0).unwrap_or(i16::MAX)));
                continue;
            }
            let apis = ApiFilter::NAMED.iter().filter(|(_, api)| matches!(api, ApiFilter::Api(_)));
            let known: Vec<&str> = apis.map(|(name, _)| *name).collect();
            let help = super::topics::choice(&name.value.0, &known, "request");
            let message = format!("there is no request '{}'", name.value.0);
            self.report(self.mistake(Code::UnknownName, name.span, message).help(help));
        }
        Some(Action::Versions(versions))
    }

    /// Refuses what cannot befall such a request.
    fn goes_with(&mut self, action: &Action, span: Span, making: Making<'_>) {
        let api = making.on.api;
        let belongs = match action {
            Action::Metadata(_) => api == ApiFilter::Api(ApiKey::Metadata),
            Action::Versions(_) => api == ApiFilter::Api(ApiKey::ApiVersions),
            Action::Pass => true,
            action => action.is_of_connect() == (api == ApiFilter::Connect),
        };
        if !belongs {
            let of = match action {
                Action::Metadata(_) => "metadata",
                Action::Versions(_) => "api_versions",
                action if action.is_of_connect() => "connect",
                _ => "requests, not connections",
            };
            let message = format!("'{}' cannot befall '{}'", action.name(), word(making.on));
            self.report(self.mistake(Code::Impossible, span, message).help(format!("it befalls {of}")));
        }
        let silent = is_produce(making.on) && self.all_are(making.on, |producer| acks(producer) == Some(0));
        if silent && action.needs_answer() {
            let message = format!("'{}' is about an answer, and with acks=0 there is none", action.name());
            self.report(self.mistake(Code::Impossible, span, message));
        }
    }

    /// When it happens: from inside the action, beside it in its entry, or beside all.
    fn hold(&mut self, made: &Made<'_>, span: Span, making: Making<'_>, listed: bool) -> Option<Condition> {
        let waiting = Waiting { own: Some(making.index), api: making.on.api };
        // `pass` in a list is there to let one go; what stands beside the list is not for it.
        let beside = making.hold.filter(|_| !(listed && made.action == Action::Pass));
        let holds = [made.hold, beside];
        let holds: Vec<_> = holds.into_iter().flatten().collect();
        let holder = matches!(made.action, Action::HoldRequest { .. } | Action::HoldResponse);
        let said = usize::from(made.until.is_some()) + usize::from(made.lasts.is_some()) + holds.len();
        if said > 1 {
            let place = holds.first().map_or(span, |hold| hold.span);
            self.report(self.mistake(Code::Conflict, place, "it is said twice until when this is held"));
        }
        let idle = made.action == Action::Pass || made.action.is_of_connect();
        if let Some(hold) = holds.first().filter(|_| idle) {
            let message = format!("'{}' has nothing to hold", made.action.name());
            self.report(self.mistake(Code::Impossible, hold.span, message));
        }
        if let Some(lasts) = made.lasts {
            return Some(Condition::For(lasts));
        }
        if let Some(until) = made.until {
            return self.until(until, waiting);
        }
        match holds.first() {
            Some(hold) => {
                if hold.value.until.is_absent() {
                    let mistake = self.mistake(Code::Missing, hold.span, "'until' is missing");
                    self.report(mistake.help("write 'hold: {until: {sent: 3}}'"));
                }
                hold.value.until.get().and_then(|until| self.until(until, waiting))
            }
            None if holder => {
                let message = format!("'{}' does not say until when", made.action.name());
                let help = format!("write '{}: {{until: {{sent: 3}}}}'", made.action.name());
                self.report(self.mistake(Code::Missing, span, message).help(help));
                None
            }
            None => None,
        }
    }
}

fn of_word(word: ActionWord) -> Action {
    match word {
        ActionWord::Pass => Action::Pass,
        ActionWord::DisconnectBefore => Action::DisconnectBefore,
        ActionWord::DisconnectAfter => Action::DisconnectAfter { behind: fault::Behind::default() },
        ActionWord::DropRequest => Action::DropRequest,
        ActionWord::DropResponse => Action::DropResponse,
        ActionWord::HoldRequest => Action::HoldRequest { after_close: fault::AfterClose::default() },
        ActionWord::HoldResponse => Action::HoldResponse,
        ActionWord::StopReading => Action::StopReading { after_bytes: 0 },
        ActionWord::Refuse => Action::Refuse,
        ActionWord::Silent => Action::Silent,
        ActionWord::Close => Action::Close,
    }
}

/// The actions that an entry says.
fn given(written: &model::Action) -> Vec<&'static str> {
    let fields = [
        ("pass", written.pass.is_absent()),
        ("disconnect_before", written.disconnect_before.is_absent()),
        ("disconnect_after", written.disconnect_after.is_absent()),
        ("fail", written.fail.is_absent()),
        ("drop_request", written.drop_request.is_absent()),
        ("drop_response", written.drop_response.is_absent()),
        ("hold_request", written.hold_request.is_absent()),
        ("hold_response", written.hold_response.is_absent()),
        ("delay_request", written.delay_request.is_absent()),
        ("delay_response", written.delay_response.is_absent()),
        ("truncate_request", written.truncate_request.is_absent()),
        ("truncate_response", written.truncate_response.is_absent()),
        ("throttle", written.throttle.is_absent()),
        ("stop_reading", written.stop_reading.is_absent()),
        ("metadata", written.metadata.is_absent()),
        ("versions", written.versions.is_absent()),
        ("refuse", written.refuse.is_absent()),
        ("silent", written.silent.is_absent()),
        ("close", written.close.is_absent()),
    ];
    fields.into_iter().filter(|(_, absent)| !absent).map(|(name, _)| name).collect()
}

/// An action whose options need nothing of the plan.
fn plain<'w>(written: &'w model::Action, name: &str) -> Option<Made<'w>> {
    let plain = |action| Some(Made::plain(action));
    match name {
        "pass" => plain(Action::Pass),
        "disconnect_before" => plain(Action::DisconnectBefore),
        "disconnect_after" => {
            let behind = written.disconnect_after.value()?.as_ref().and_then(|after| after.behind.value());
            let behind = match behind {
                Some(model::Behind::Appended) => fault::Behind::Appended,
                Some(model::Behind::Lost) | None => fault::Behind::Lost,
            };
            plain(Action::DisconnectAfter { behind })
        }
        "drop_request" => plain(Action::DropRequest),
        "drop_response" => plain(Action::DropResponse),
        "hold_request" => {
            let held = written.hold_request.value()?.as_ref();
            let after_close = held.map(|held| after_close(&held.after_close)).unwrap_or_default();
            Some(Made::held(Action::HoldRequest { after_close }, held))
        }
        "hold_response" => Some(Made::held(Action::HoldResponse, written.hold_response.value()?.as_ref())),
        "truncate_request" => plain(Action::TruncateRequest(number(written.truncate_request.value()?.0))),
        "truncate_response" => plain(Action::TruncateResponse(number(written.truncate_response.value()?.0))),
        "throttle" => plain(Action::Throttle(written.throttle.value()?.0)),
        "stop_reading" => {
            let after = written.stop_reading.value()?.as_ref().and_then(|stop| stop.after_bytes.value());
            plain(Action::StopReading { after_bytes: after.map_or(0, |bytes| bytes.0) })
        }
        "refuse" => plain(Action::Refuse),
        "silent" => plain(Action::Silent),
        "close" => plain(Action::Close),
        _ => None,
    }
}
