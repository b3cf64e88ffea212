//! What should come before what.

use crate::diagnostic::{Code, nearest};
use crate::id::MessageId;
use crate::plan::compile::Compiler;
use crate::plan::expect::{Happening, Moment, Precedence};
use crate::scenario::model::{self, Listed};
use crate::scenario::{Field, MessageEvent};
use crate::source::{Span, Spanned};
use crate::submissions::Submissions;
use crate::trace;

use super::count;

impl Compiler<'_> {
    pub(super) fn order(
        &mut self,
        field: &Field<Listed<model::Precedence, model::Precedence>>,
    ) -> Vec<Precedence> {
        let written = field.value().map(Listed::items).unwrap_or_default();
        let mut orders = Vec::new();
        for Spanned { value: model::Precedence(moments), span } in written.iter().filter_map(Field::get) {
            let meant: Vec<_> = moments.iter().filter_map(|moment| self.moment(moment, *span)).collect();
            if meant.len() == moments.len() {
                orders.push(Precedence { moments: meant, span: *span });
            }
        }
        orders
    }

    /// What a moment means; none where it is of nothing in the plan, which is reported.
    fn moment(&mut self, moment: &model::Moment, span: Span) -> Option<Moment> {
        let event = match moment {
            model::Moment::Message { event, range, code } => {
                let code = self.code_if_any(code.as_deref(), span)?;
                if !self.is_made(range, span) {
                    return None;
                }
                let mut submissions = Submissions::new();
                submissions.insert_run(MessageId(range.first), count(range), range.again);
                Happening::Message { event: *event, submissions, code }
            }
            model::Moment::Fatal(code) => Happening::Fatal(self.code_if_any(code.as_deref(), span)?),
            model::Moment::Step { word, number, ended } => {
                let step = self.step_of_word(word, *number, span)?;
                Happening::Step { step, ended: *ended }
            }
        };
        Some(Moment { event, words: moment.to_string() })
    }

    /// The code that is named, if one is; none where there is no such code.
    #[expect(clippy::option_option, reason = "named or not, and known or not")]
    fn code_if_any(&mut self, name: Option<&str>, span: Span) -> Option<Option<trace::Code>> {
        match name {
            None => Some(None),
            Some(name) => self.code(name, span).map(|code| Some(code.value)),
        }
    }

    /// The place of a step, by its word and its number among those of that word.
    fn step_of_word(&mut self, word: &str, number: Option<u32>, span: Span) -> Option<usize> {
        let steps = self.steps.iter().enumerate().filter(|(_, step)| step.action.word() == word);
        let places: Vec<_> = steps.map(|(place, _)| place).collect();
        let mistake = match (places.len(), number) {
            (0, _) => return self.no_such_step(word, span),
            (1, None) => return places.first().copied(),
            (several, None) => {
                let message = format!("there are {several} steps '{word}'");
                let help = format!("number them from 0: '{word} 0'");
                self.mistake(Code::UnknownExpectation, span, message).help(help)
            }
            (several, Some(number)) => {
                if let Some(place) = places.get(number as usize) {
                    return Some(*place);
                }
                let message = format!("this scenario has the steps '{word}' 0..{}", several - 1);
                self.mistake(Code::NotInPlan, span, message)
            }
        };
        self.report(mistake);
        None
    }

    fn no_such_step(&mut self, word: &str, span: Span) -> Option<usize> {
        let events = MessageEvent::ALL.iter().map(|event| event.word()).chain(["fatal"]);
        let known = || events.clone().chain(self.steps.iter().map(|step| step.action.word()));
        let mistake = self.mistake(Code::NotInPlan, span, format!("nothing here is called '{word}'"));
        let mistake = match nearest(word, known()) {
            Some(near) => mistake.help(format!("did you mean '{near}'?")),
            None => mistake.help("name a step of this scenario, or what happens to a message, as in 'ok 0'"),
        };
        self.report(mistake);
        None
    }
}
