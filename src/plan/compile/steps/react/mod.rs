//! Reactions: what the application does on an outcome, and the messages for which they need room.

mod races;

use crate::diagnostic::Code;
use crate::id::{MessageId, ProducerIndex, TopicIndex};
use crate::plan::compile::{Compiler, Resends};
use crate::plan::plan::{Batch, Deed, Heard, MAX_RESENT, Reaction, Trigger};
use crate::scenario::Field;
use crate::scenario::model::{self, Form, Listed, Number};
use crate::source::{Span, Spanned};
use crate::submissions::Submissions;

/// How many reactions a scenario may have.
const MAX_REACTIONS: usize = 1_000;
/// How many ranges of messages those that resend may name together.
const MAX_RANGES: usize = 100;
/// How many new messages reactions may send together.
const MAX_SENT: u64 = 100_000;

/// Where the new messages of a reaction go, and how many there may be.
struct Room {
    producer: ProducerIndex,
    topic: TopicIndex,
    most: u64,
}

impl Compiler<'_> {
    /// Makes the reactions. To be called when the steps are known.
    pub(in crate::plan::compile) fn reactions(&mut self) {
        let Some(written) = self.scenario.react.get() else { return };
        let all: Vec<_> = written.value.iter().filter_map(Field::get).collect();
        self.resends = all.iter().filter_map(|react| resends(&react.value)).collect();
        let ranges = self.resends.iter().filter_map(|one| Some(one.ranges.as_ref()?.len())).sum::<usize>();
        for (count, most, what) in
            [(all.len(), MAX_REACTIONS, "reactions"), (ranges, MAX_RANGES, "ranges in reactions that resend")]
        {
            if count > most {
                let message = format!("{count} {what}; a scenario has at most {most}");
                self.resends.clear();
                return self.report(self.mistake(Code::Limit, written.span, message));
            }
        }
        // What new messages there are is known when all reactions are that send some, and others may name them.
        let (senders, others): (Vec<_>, Vec<_>) = all.into_iter().enumerate().partition(|(_, react)| {
            matches!(react.value.action, Field::Given(Spanned { value: Form::Long(_), .. }))
        });
        let mut rooms = Vec::new();
        let mut made = Vec::new();
        for (at, react) in senders {
            made.extend(self.reaction(react, &mut rooms).map(|reaction| (at, reaction)));
        }
        self.make_room(&rooms, written.span);
        for (at, react) in others {
            made.extend(self.reaction(react, &mut rooms).map(|reaction| (at, reaction)));
        }
        made.sort_by_key(|(at, _)| *at);
        self.reactions = made.into_iter().map(|(_, reaction)| reaction).collect();
    }

    fn reaction(&mut self, react: &Spanned<model::React>, rooms: &mut Vec<Room>) -> Option<Reaction> {
        let Spanned { value: react, span } = react;
        for (missing, name, example) in
            [(react.on.is_absent(), "on", "on: {err: any}"), (react.action.is_absent(), "do", "do: resend")]
        {
            if missing {
                let mistake = self.mistake(Code::Missing, *span, format!("this reaction has no '{name}'"));
                self.report(mistake.help(format!("write '{example}' among its fields")));
            }
        }
        let on = react.on.get().and_then(|on| self.trigger(on));
        let times = react.times.value().map(|times| times.0);
        let deed = match react.action.get()? {
            Spanned { value: Form::Short(word), .. } => match word {
                model::Reaction::Resend => Deed::Resend,
                model::Reaction::Stop => Deed::Stop,
                model::Reaction::Close => Deed::Close,
                model::Reaction::Flush => Deed::Flush,
            },
            Spanned { value: Form::Long(sends), span } => {
                let most = on.as_ref().map_or(0, |on| self.may_match(on.submissions.as_ref()));
                let most = times.map_or(most, |times| times.min(most));
                self.new_messages(sends, *span, most, rooms)?
            }
        };
        let in_callback = react.place.value() != Some(&model::ReactIn::Sender);
        Some(Reaction { on: on?, deed, in_callback, times, span: *span })
    }

    fn trigger(&mut self, on: &Spanned<model::OnOutcome>) -> Option<Trigger> {
        let Spanned { value: on, span } = on;
        let heard = match (&on.err, &on.ok) {
            (Field::Absent, Field::Absent) => {
                let mistake = self.mistake(Code::Missing, *span, "this does not say which outcomes");
                self.report(mistake.help("write '{err: any}', '{err: CODE}' or '{ok: any}'"));
                None
            }
            (err, ok) if !err.is_absent() && !ok.is_absent() => {
                let mistake = self.mistake(Code::Conflict, *span, "'err' and 'ok' exclude each other");
                self.report(mistake.help("write a reaction for each"));
                None
            }
            (Field::Given(code), _) if code.value.0 == "any" => Some(Heard::Err(None)),
            (Field::Given(code), _) => {
                self.code(&code.value.0, code.span).map(|code| Heard::Err(Some(code.value)))
            }
            (_, Field::Given(_)) => Some(Heard::Ok),
            _ => None,
        };
        let submissions = self.named_submissions(&on.message, &on.messages, "reacted to");
        let producer = match &on.producer {
            Field::Absent => None,
            named => Some(self.producer_of(named, *span)?),
        };
        Some(Trigger { heard: heard?, submissions, producer })
    }

    /// How many outcomes there may be, of those or of all submissions, but for those of new messages.
    fn may_match(&self, submissions: Option<&Submissions>) -> u64 {
        if let Some(submissions) = submissions {
            return submissions.len();
        }
        let planned = u64::from(self.planned());
        let again: u64 = self.again.values().map(|again| u64::from(*again)).sum();
        let resent = self.resends.iter().map(|resends| {
            let of_all = planned.saturating_mul(u64::from(MAX_RESENT));
            let of_some = resends.ranges.as_ref().map_or(of_all, |ranges| ranges.iter().map(length).sum());
            of_some.min(resends.times)
        });
        planned + again + resent.sum::<u64>()
    }

    /// The last part of a reaction's deed is the place of the messages' batch, for which the room comes.
    fn new_messages(
        &mut self,
        sends: &model::MoreSends,
        span: Span,
        most: u64,
        rooms: &mut Vec<Room>,
    ) -> Option<Deed> {
        let nothing = model::NewMessages::default();
        let Some(written) = sends.send.get() else {
            if sends.send.is_absent() {
                let mistake = self.mistake(Code::Missing, span, "this does not say what to do");
                self.report(mistake.help("write 'resend', 'stop', 'close', 'flush' or '{send: 1}'"));
            }
            return None;
        };
        let (count, named) = match &written.value {
            Form::Short(count) => (Some(*count), &nothing),
            Form::Long(named) => (named.count.value().copied(), named),
        };
        if let Form::Long(model::NewMessages { count: Field::Absent, .. }) = &written.value {
            let mistake = self.mistake(Code::Missing, written.span, "this does not say how many messages");
            self.report(mistake.help("write 'count: 1' among its fields"));
        }
        let producer = self.producer_of(&named.producer, written.span);
        let topic = self.topic_of(&named.topic, written.span);
        let (Number(count), producer, topic) = (count?, producer?, topic?);
        let most = most.saturating_mul(count);
        let known = rooms.iter().position(|room| (room.producer, room.topic) == (producer, topic));
        let place = known.unwrap_or(rooms.len());
        match rooms.get_mut(place) {
            Some(room) => room.most = room.most.saturating_add(most),
            None => rooms.push(Room { producer, topic, most }),
        }
        Some(Deed::Send {
            batch: self.batches.len() + place,
            count: u32::try_from(count).unwrap_or(u32::MAX),
        })
    }

    /// Makes the batches of new messages behind those of all steps.
    fn make_room(&mut self, rooms: &[Room], span: Span) {
        let all = rooms.iter().fold(0u64, |all, room| all.saturating_add(room.most));
        if all > MAX_SENT {
            let message = format!("these reactions may send {all} new messages; {MAX_SENT} is the most");
            let mistake = self.mistake(Code::Limit, span, message);
            return self.report(mistake.help("write 'times: 1', or name the 'messages' that they are about"));
        }
        let planned = self.planned();
        for room in rooms {
            let (first, count) =
                (MessageId(self.sent_so_far()), u32::try_from(room.most).unwrap_or(u32::MAX));
            let made = self.message(&model::Send::default(), Some(room.topic), first, count);
            // The mistakes of the templates have been reported.
            let Some(message) = made else { return };
            let (producer, topic) = (room.producer, room.topic);
            self.batches.push(Batch { first, count, producer, topic, message, threads: 1, span });
        }
        self.spare = self.sent_so_far() - planned;
    }

    /// How many messages all steps send.
    pub(in crate::plan::compile) fn planned(&self) -> u32 {
        self.sent_so_far() - self.spare
    }

    /// Whether reactions send something from callbacks, so that no step orders it.
    pub(in crate::plan::compile) fn sends_in_callbacks(&self) -> bool {
        self.reactions.iter().any(|reaction| reaction.in_callback && reaction.deed.sends())
    }
}

fn resends(react: &model::React) -> Option<Resends> {
    let Some(Form::Short(model::Reaction::Resend)) = react.action.value() else { return None };
    let on = react.on.value()?;
    let given =
        |ranges: &[Field<model::Range>]| ranges.iter().filter_map(|range| range.value().copied()).collect();
    let ranges = match (&on.message, &on.messages) {
        (Field::Absent, Field::Absent) => None,
        (one, Field::Absent) => Some(given(std::slice::from_ref(one))),
        (_, several) => Some(given(several.value().map(Listed::items).unwrap_or_default())),
    };
    Some(Resends { ranges, times: react.times.value().map_or(u64::MAX, |times| times.0) })
}

fn length(range: &model::Range) -> u64 {
    u64::from(range.last - range.first) + 1
}
