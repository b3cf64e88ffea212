//! The messages of a batch: templates compiled, numbers checked, each tried out.

use std::sync::Arc;

use crate::diagnostic::{Code, Diagnostic};
use crate::id::{MessageId, TopicIndex};
use crate::scenario::Field;
use crate::scenario::model::{self, Headers, Send};
use crate::source::{Span, Spanned};

use super::super::message::{Choice, MessageTemplate, PARTITION, Shape, TAG, TIMESTAMP, VALUE, number};
use super::super::template::{Draw, FUEL, Fault, FaultKind, MAX_OUTPUT, Template};
use super::Compiler;

/// What trying out all templates of a file may cost, in minijinja's units of fuel: some hundredths of a second.
pub(super) const TRY_OUT: u64 = 2_000_000;
/// So many messages of a batch are tried out, and the last.
const TRIED: u32 = 16;
/// How many headers a message may have.
const MAX_HEADERS: usize = 1_000;

type Written<'a> = &'a Spanned<model::Template>;

impl Compiler<'_> {
    /// Compiles the scenario's own templates, used or not, so that their mistakes are seen.
    pub(super) fn check_defaults(&mut self) {
        let scenario = self.scenario;
        for field in [&scenario.key, &scenario.value, &scenario.partition, &scenario.timestamp] {
            field.get().and_then(|written| self.template(written));
        }
        self.headers(&scenario.headers);
    }

    /// What the messages of a send look like; none where that is wrong and has been reported.
    pub(super) fn message(
        &mut self,
        send: &Send,
        topic: Option<TopicIndex>,
        first: MessageId,
        count: u32,
    ) -> Option<MessageTemplate> {
        let scenario = self.scenario;
        let choose = |own, default| if Field::is_absent(own) { default } else { own };
        let key = choose(&send.key, &scenario.key);
        let value = choose(&send.value, &scenario.value);
        let partition = choose(&send.partition, &scenario.partition);
        let timestamp = choose(&send.timestamp, &scenario.timestamp);
        let headers = if send.headers.is_absent() { &scenario.headers } else { &send.headers };
        // All of them before the first that is wrong ends it.
        let made = (
            (self.part(key, None), self.part(value, Some("{{ i }}")), self.headers(headers)),
            (self.choice(partition, PARTITION), self.choice(timestamp, TIMESTAMP)),
        );
        let ((made_key, made_value, made_headers), (made_partition, made_timestamp)) = made;
        let partitions = topic.and_then(|topic| self.topics.get(topic.index())).map(|topic| topic.partitions);
        if let (Some(Choice::Fixed(fixed)), Some(span)) = (&made_partition, partition.span()) {
            self.check_partition(i64::from(*fixed), partitions, span);
        }
        let shape = Shape {
            seed: scenario.seed.value().map_or(0, |seed| seed.0),
            key: made_key?,
            value: made_value?,
            headers: made_headers?,
            partition: made_partition?,
            timestamp: made_timestamp?,
        };
        let places = [key, value, partition, timestamp].map(Field::span);
        self.try_out(&shape, &places, headers.span(), (first, count), partitions);
        Some(MessageTemplate { shape: Arc::new(shape), tagged: false })
    }

    pub(super) fn check_partition(&mut self, partition: i64, partitions: Option<u32>, span: Span) {
        if let Some(partitions) = partitions.filter(|partitions| partition >= i64::from(*partitions)) {
            let last = partitions.saturating_sub(1);
            let message = format!("there is no partition {partition}; the topic has 0..{last}");
            self.report(self.mistake(Code::Partition, span, message));
        }
    }

    /// Key or value.
    #[expect(clippy::option_option, reason = "reported, absent (no key, a tombstone), or a template")]
    fn part(&mut self, field: &Field<model::Template>, default: Option<&str>) -> Option<Option<Template>> {
        match field {
            Field::Given(written) => self.template(written),
            Field::Wrong(_) => None,
            Field::Absent => match default {
                Some(text) => self.compiled(text, None).map(Some),
                None => Some(None),
            },
        }
    }

    #[expect(clippy::option_option, reason = "reported, null, or a template")]
    fn template(&mut self, written: Written<'_>) -> Option<Option<Template>> {
        match &written.value {
            model::Template(None) => Some(None),
            model::Template(Some(text)) => self.compiled(text, Some(written.span)).map(Some),
        }
    }

    /// A template by its text, compiled once; its mistakes are reported once.
    fn compiled(&mut self, text: &str, span: Option<Span>) -> Option<Template> {
        if let Some(known) = self.templates.get(text) {
            return known.clone();
        }
        let compiled = match Template::compile(text, self.messages.unwrap_or_default()) {
            Ok(template) => Some(template),
            Err(faults) => {
                let span = span.unwrap_or_default();
                for fault in faults {
                    self.fault(fault, span);
                }
                None
            }
        };
        self.templates.insert(text.to_owned(), compiled.clone());
        compiled
    }

    fn fault(&mut self, fault: Fault, span: Span) {
        let code = match fault.kind {
            FaultKind::Syntax => Code::TemplateSyntax,
            FaultKind::Name => Code::TemplateName,
            FaultKind::Fails => Code::TemplateFails,
        };
        let place = fault.range.and_then(|range| self.inside(span, range)).unwrap_or(span);
        let message = match fault.kind {
            FaultKind::Syntax => format!("this template does not parse: {}", fault.message),
            FaultKind::Name => fault.message,
            FaultKind::Fails => format!("this template fails: {}", fault.message),
        };
        let mistake = self.mistake(code, place, message);
        self.report(Diagnostic { help: fault.help, ..mistake });
    }

    /// The place of a part of a scalar's text, where the text stands in the file as it is.
    fn inside(&self, scalar: Span, part: std::ops::Range<usize>) -> Option<Span> {
        let written = self.source.slice(scalar);
        let quoted = written.starts_with(['"', '\'']);
        let text = if quoted { written.get(1..written.len().checked_sub(1)?)? } else { written };
        // Values of a matrix, escapes, doubled quotes and folded lines make text and file differ.
        if self.scenario.combination.changes(text) {
            return None;
        }
        if text.contains(['\\', '\n']) || quoted && text.contains(['\'']) && written.starts_with('\'') {
            return None;
        }
        let start = scalar.range().start + usize::from(quoted);
        let end = (start + part.end).min(start + text.len());
        (part.start <= text.len()).then(|| self.source.span_of_bytes(start + part.start..end))
    }

    fn headers(&mut self, field: &Field<Headers>) -> Option<Vec<(String, Option<Template>)>> {
        let written = match field {
            Field::Given(headers) => &headers.value,
            Field::Wrong(_) => return None,
            Field::Absent => return Some(Vec::new()),
        };
        let mut headers = Vec::new();
        let mut right = true;
        for (name, value) in written.items().iter().filter_map(Field::value).flat_map(|map| &map.0) {
            let (Some(name), Some(value)) = (name.get(), value.get()) else {
                right = false;
                continue;
            };
            if name.value.0 == TAG {
                let mistake =
                    self.mistake(Code::Name, name.span, format!("the header '{TAG}' is the runner's own"));
                self.report(mistake.help("choose another name"));
            }
            match self.template(value) {
                Some(template) => headers.push((name.value.0.clone(), template)),
                None => right = false,
            }
        }
        if headers.len() > MAX_HEADERS {
            let message = format!("{} headers; a message has at most {MAX_HEADERS}", headers.len());
            self.report(self.mistake(Code::Limit, field.span().unwrap_or_default(), message));
        }
        right.then_some(headers)
    }

    fn choice<T>(&mut self, field: &Field<model::Template>, part: u32) -> Option<Choice<T>>
    where
        T: std::str::FromStr + PartialOrd + Default,
    {
        let written = match field {
            Field::Given(written) => written,
            Field::Wrong(_) => return None,
            Field::Absent => return Some(Choice::Client),
        };
        let Some(template) = self.template(written)? else { return Some(Choice::Client) };
        let Some(text) = template.pieces().and_then(super::super::template::Pieces::fixed) else {
            return Some(Choice::Template(template));
        };
        match number(&text) {
            Ok(number) => Some(Choice::Fixed(number)),
            Err(reason) => {
                let (code, name) = if part == PARTITION {
                    (Code::Partition, "partition")
                } else {
                    (Code::OutOfRange, "timestamp")
                };
                self.report(self.mistake(code, written.span, format!("the {name} {reason}")));
                None
            }
        }
    }

    /// Makes the parts of some messages of a batch, as long as the fuel for that lasts, and reports what fails first
    /// in each part.
    fn try_out(
        &mut self,
        shape: &Shape,
        places: &[Option<Span>; 4],
        headers: Option<Span>,
        run: (MessageId, u32),
        partitions: Option<u32>,
    ) {
        let span = |part: u32| {
            let place = places.get(part as usize).copied().unwrap_or(headers);
            place.or(places[VALUE as usize])
        };
        let top = self.top();
        let mut longest = 0;
        for (part, template) in shape.templates() {
            let span = span(part).unwrap_or(top);
            match self.try_part(shape.seed, template, part, run) {
                Ok((length, partition)) => {
                    longest += length;
                    self.check_partition(partition, partitions, span);
                }
                Err((code, message)) => self.report(self.mistake(code, span, message)),
            }
        }
        if longest > MAX_OUTPUT {
            let message = format!("{longest} bytes; a message may have at most {MAX_OUTPUT}");
            self.report(self.mistake(Code::Limit, span(VALUE).unwrap_or(top), message));
        }
    }

    /// Makes one part of some messages: its greatest length, and the highest partition that it names, if it is one.
    fn try_part(
        &mut self,
        seed: u64,
        template: &Template,
        part: u32,
        (first, count): (MessageId, u32),
    ) -> Result<(usize, i64), (Code, String)> {
        let (mut length, mut highest) = (0, -1);
        let mut text = Vec::new();
        let last = count.saturating_sub(1);
        for at in (0..count.min(TRIED)).chain((last >= TRIED).then_some(last)) {
            if self.fuel == 0 || self.messages.is_none() {
                break;
            }
            let message = first.plus(at).0;
            text.clear();
            let failed = |reason| (Code::TemplateFails, format!("message {message}: {reason}"));
            let cost = template.render(Draw { seed, message, part }, &mut text);
            // What fails may have cost everything that it could.
            self.fuel = self.fuel.saturating_sub(cost.as_ref().map_or(FUEL, |cost| cost + 1));
            cost.map_err(failed)?;
            match part {
                PARTITION => highest = highest.max(i64::from(number::<i32>(&text).map_err(failed)?)),
                TIMESTAMP => drop(number::<i64>(&text).map_err(failed)?),
                _ => length = length.max(text.len()),
            }
        }
        Ok((length, highest))
    }
}
