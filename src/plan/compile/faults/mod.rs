//! The faults of a plan: rules, with every name resolved, and refused where no broker could answer so.

mod action;
mod condition;
mod fail;
mod filter;
mod steps;
mod warnings;

pub(super) use warnings::is_single;

use std::collections::HashMap;
use std::sync::Arc;

use crate::diagnostic::Code;
use crate::fault::{self, Condition, Filter, Rule, Times};
use crate::id::{FaultIndex, TopicIndex};
use crate::plan::plan::{Action, LinkStep};
use crate::scenario::Field;
use crate::scenario::model::{self, Form, Listed};
use crate::source::{Span, Spanned};

use super::{Compiler, topics};

/// How many faults a scenario may have.
const MAX_FAULTS: usize = 1_000;
/// The longest name of a fault, in characters.
const MAX_NAME: usize = 200;

/// A fault that is being made into a rule.
#[derive(Clone, Copy)]
struct Making<'a> {
    index: FaultIndex,
    on: &'a Filter,
    /// What stands beside the actions.
    hold: Option<&'a Spanned<model::Hold>>,
    span: Span,
}

impl Compiler<'_> {
    /// Names the faults, so that steps and conditions can name them.
    pub(super) fn name_faults(&mut self) {
        let Some(faults) = self.scenario.faults.get() else { return };
        if faults.value.len() > MAX_FAULTS {
            let message = format!("a scenario has at most {MAX_FAULTS} faults");
            return self.report(self.mistake(Code::Limit, faults.span, message));
        }
        let mut named: HashMap<String, Span> = HashMap::new();
        for fault in faults.value.iter().filter_map(Field::get) {
            let Some(name) = fault.value.name.get() else { continue };
            if let Some(first) = named.insert(name.value.0.clone(), name.span) {
                let message = format!("a second fault '{}'", name.value.0);
                self.report(
                    self.mistake(Code::NameTwice, name.span, message).and(first, "the first is here"),
                );
            }
        }
        for fault in &faults.value {
            let name = match fault.get() {
                Some(fault) => self.fault_name(&fault.value, &mut named),
                None => String::new(),
            };
            self.fault_names.push(Arc::from(name));
        }
    }

    /// The name that was given, or the text of `on` and `do`, numbered where it stands several times.
    fn fault_name(&mut self, fault: &model::Fault, taken: &mut HashMap<String, Span>) -> String {
        if let Some(name) = fault.name.get() {
            let text = &name.value.0;
            let blank = text.trim() != text || text.is_empty() || text.chars().any(char::is_control);
            if blank || text.chars().count() > MAX_NAME {
                let mistake = self.mistake(Code::Name, name.span, "this is no name for a fault");
                self.report(mistake.help(format!("a name is one line of 1 to {MAX_NAME} characters")));
            }
            return text.clone();
        }
        let text = |span: Option<Span>| span.map_or(String::new(), |span| self.on_one_line(span));
        let whole = format!("{}: {}", text(fault.on.span()), text(fault.action.span()));
        let whole: String = whole.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect();
        let numbered = (2..).map(|number| format!("{whole} #{number}"));
        let name = std::iter::once(whole.clone()).chain(numbered).find(|name| !taken.contains_key(name));
        let name = name.unwrap_or(whole);
        taken.insert(name.clone(), Span::default());
        name
    }

    /// What was written, on one line, without the braces around it.
    fn on_one_line(&self, span: Span) -> String {
        let written = self.scenario.combination.fill(self.source.slice(span));
        let words: Vec<&str> = written.split_whitespace().collect();
        let line = words.join(" ");
        let inside = line.strip_prefix('{').and_then(|line| line.strip_suffix('}'));
        inside.map_or(line.as_str(), str::trim).to_owned()
    }

    /// The fault of that name; reported where there is none.
    fn fault_of(&mut self, name: &str, span: Span) -> Option<FaultIndex> {
        let found = self.fault_names.iter().position(|known| **known == *name);
        if found.is_none() {
            let faults = self.scenario.faults.value().map(Vec::as_slice).unwrap_or_default();
            let given = faults.iter().filter_map(|fault| fault.value()?.name.value());
            let known: Vec<&str> = given.map(|name| name.0.as_str()).collect();
            let help = topics::choice(name, &known, "fault");
            self.report(
                self.mistake(Code::UnknownName, span, format!("there is no fault '{name}'")).help(help),
            );
        }
        found.and_then(|at| u16::try_from(at).ok()).map(FaultIndex)
    }

    /// Makes the rules. To be called when the steps are known.
    pub(super) fn faults(&mut self) {
        let scenario = self.scenario;
        let faults = scenario.faults.value().map(Vec::as_slice).unwrap_or_default();
        for (fault, at) in faults.iter().zip(0..).take(MAX_FAULTS) {
            let Some(fault) = fault.get() else { continue };
            if let Some(rule) = self.rule(FaultIndex(at), fault) {
                self.faults.push(rule);
            }
        }
        self.never_released();
    }

    fn rule(&mut self, index: FaultIndex, fault: &Spanned<model::Fault>) -> Option<Rule> {
        let Spanned { value: fault, span } = fault;
        for (missing, name, example) in [
            (fault.on.is_absent(), "on", "on: produce"),
            (fault.action.is_absent(), "do", "do: disconnect_after"),
        ] {
            if missing {
                let mistake = self.mistake(Code::Missing, *span, format!("this fault has no '{name}'"));
                self.report(mistake.help(format!("write '{example}' among its fields")));
            }
        }
        let mut on = fault.on.get().map(|on| self.filter(on))?;
        let making = Making { index, on: &on, hold: fault.hold.get(), span: *span };
        let firings: Vec<_> = match fault.action.value()? {
            Listed::One(one) => {
                one.get().and_then(|one| self.firing(one, making, false)).into_iter().collect()
            }
            Listed::List(list) => {
                let entries = list.iter().filter_map(Field::get);
                entries.filter_map(|entry| self.firing(entry, making, true)).collect()
            }
        };
        if fault.action.value()?.items().is_empty() {
            let place = fault.action.span().unwrap_or(*span);
            self.report(self.mistake(Code::Missing, place, "this list of actions is empty"));
        }
        self.has_happened(&making);
        on.topic = on.topic.or_else(|| changed(&firings));
        let times = self.times(fault, firings.len());
        let skip = fault.skip.value().map_or(0, |skip| number(skip.0));
        let armed = fault.armed.value().copied().unwrap_or(true);
        self.never_armed(index, armed, *span);
        let name = self.fault_names.get(index.index()).map(Arc::clone)?;
        Some(Rule { name, on, firings, skip, times, armed, span: *span })
    }

    fn times(&mut self, fault: &model::Fault, firings: usize) -> Times {
        let listed = Times::Exactly(u32::try_from(firings).unwrap_or(u32::MAX).max(1));
        match fault.times.get() {
            None => listed,
            Some(Spanned { value: Form::Short(model::Times::Always), .. }) => Times::Always,
            Some(Spanned { value: Form::Short(model::Times::Exactly(times)), .. }) => {
                Times::Exactly(number(*times))
            }
            Some(Spanned { value: Form::Long(most), span }) => {
                if most.max.is_absent() {
                    let mistake = self.mistake(Code::Missing, *span, "'max' is missing");
                    self.report(mistake.help("write 'times: {max: 3}'"));
                }
                most.max.value().map_or(listed, |max| Times::AtMost(number(max.0)))
            }
        }
    }

    /// A fault that waits for a step that is not there.
    fn never_armed(&mut self, index: FaultIndex, armed: bool, span: Span) {
        let arms = |action: &Action| *action == Action::Link(LinkStep::Arm(index));
        if !armed && !self.steps.iter().any(|step| arms(&step.action)) {
            let mistake = self.mistake(Code::NeverReleased, span, "no step arms this fault");
            self.report(mistake.help("write 'arm: NAME' among the steps, or leave out 'armed: false'"));
        }
    }

    /// A hold that waits for a step that is not there.
    fn never_released(&mut self) {
        let released = |steps: &[crate::plan::plan::Step], fault: FaultIndex| {
            steps.iter().any(|step| step.action == Action::Link(LinkStep::Release(fault)))
        };
        let mut found = Vec::new();
        for rule in &self.faults {
            for condition in rule.firings.iter().filter_map(|firing| firing.hold.as_ref()) {
                found.extend(
                    needed(condition).filter(|fault| !released(&self.steps, *fault)).map(|_| rule.span),
                );
            }
        }
        for span in found {
            let mistake = self.mistake(Code::NeverReleased, span, "no step releases what this fault holds");
            self.report(mistake.help("write 'release: NAME' among the steps"));
        }
    }
}

/// The faults that a step must release before a condition can hold.
fn needed(condition: &Condition) -> Box<dyn Iterator<Item = FaultIndex> + '_> {
    match condition {
        Condition::Released(fault) => Box::new(std::iter::once(*fault)),
        Condition::All(all) => Box::new(all.iter().flat_map(needed)),
        _ => Box::new(std::iter::empty()),
    }
}

/// The topic of which every answer says something else: a request that is not about it cannot be meant.
fn changed(firings: &[fault::Firing]) -> Option<TopicIndex> {
    let topic = |firing: &fault::Firing| match &firing.action {
        fault::Action::Metadata(change) => change.topic,
        _ => None,
    };
    let first = firings.first().and_then(topic);
    first.filter(|_| firings.iter().all(|firing| topic(firing) == first))
}

fn number(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// What a filter is about, in the words of the file.
fn word(filter: &Filter) -> &'static str {
    filter.api.name().unwrap_or("any")
}

/// Whether it is about requests that write records.
fn is_produce(filter: &Filter) -> bool {
    filter.api == fault::ApiFilter::Api(kafka_protocol::messages::ApiKey::Produce)
}
