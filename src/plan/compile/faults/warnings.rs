//! What faults make uncertain, however right they are.

use crate::diagnostic::Code;
use crate::fault::{Action, Condition, Filter, Rule, Times};
use crate::plan::compile::Compiler;
use crate::plan::plan::{self, Batch, Mode, Producer};

use super::is_produce;

/// The client's setting by which a request carries one record.
const BATCH: &str = "batch.num.messages";

impl Compiler<'_> {
    pub(in crate::plan::compile) fn fault_warnings(&mut self) {
        let rules = self.faults.clone();
        for rule in &rules {
            self.may_batch(rule);
            self.takes_any_thread(rule);
            self.has_clock(rule);
        }
        for step in self.steps.clone() {
            if matches!(&step.action, plan::Action::Wait { condition, .. } if condition.has_clock()) {
                let warning = self.mistake(Code::Clock, step.span, "this wait has a clock");
                self.report(warning.help("wait for events where they decide: requests, sent, fired"));
            }
        }
    }

    /// Which records share the request that a fault takes is up to the client.
    fn may_batch(&mut self, rule: &Rule) {
        if !is_produce(&rule.on)
            || !changes_something(rule)
            || self.all_are(&rule.on, is_single)
            || !self.sends_together(&rule.on)
        {
            return;
        }
        let message = "the client decides which records share the request that this fault takes";
        let warning = self.mistake(Code::MayBatch, rule.span, message);
        self.report(warning.help("write 'producer: {one_per_request: true}'"));
    }

    /// Whose request comes first where several threads send together is up to the machine.
    fn takes_any_thread(&mut self, rule: &Rule) {
        let on = &rule.on;
        let named = on.submissions.is_some() || on.partition.is_some() || rule.times == Times::Always;
        if !is_produce(on) || !changes_something(rule) || named {
            return;
        }
        let taken = |batch: &&Batch| {
            batch.is_concurrent()
                && on.producer.is_none_or(|producer| producer == batch.producer)
                && on.topic.is_none_or(|topic| topic == batch.topic)
        };
        let Some(together) = self.batches.iter().find(taken).map(|batch| batch.span) else { return };
        let message = "which thread's request this fault takes is up to the machine";
        let warning = self.mistake(Code::MayBatch, rule.span, message);
        let help = "name a message: 'on: {produce: {message: 0}}'";
        self.report(warning.and(together, "the threads send here").help(help));
    }

    /// Whether several messages that a fault can take may be under way at once.
    fn sends_together(&self, on: &Filter) -> bool {
        self.steps.iter().any(|step| match step.action {
            plan::Action::Send { batch, mode } => self.batches.get(batch).is_some_and(|batch| {
                on.producer.is_none_or(|producer| producer == batch.producer)
                    && on.topic.is_none_or(|topic| topic == batch.topic)
                    && batch.count > 1
                    && (batch.is_concurrent() || !matches!(mode, Mode::Sync | Mode::Window(1)))
            }),
            _ => false,
        })
    }

    fn has_clock(&mut self, rule: &Rule) {
        if rule.firings.iter().filter_map(|firing| firing.hold.as_ref()).any(Condition::has_clock) {
            let warning = self.mistake(Code::Clock, rule.span, "what this fault holds, a clock releases");
            self.report(warning.help("hold it until an event where one decides: requests, sent, released"));
        }
    }

    /// Whether a fault holds the first answers until everything has been sent.
    pub(in crate::plan::compile) fn is_held_until_all_sent(&self) -> bool {
        let all = u64::from(self.planned());
        self.faults.iter().any(|rule| {
            let first = rule.firings.first().and_then(|firing| firing.hold.as_ref());
            let open =
                rule.on.submissions.is_none() && rule.on.attempt.is_none() && rule.on.partition.is_none();
            is_produce(&rule.on)
                && open
                && rule.on.nth.is_none_or(|nth| nth == 1)
                && rule.skip == 0
                && rule.armed
                && first.is_some_and(|hold| waits_for_sent(hold, all))
        })
    }
}

/// Whether it matters what a fault takes: otherwise it changes nothing but when an answer comes.
fn changes_something(rule: &Rule) -> bool {
    let decides =
        |action: &Action| !matches!(action, Action::HoldResponse | Action::Throttle(_) | Action::Pass);
    rule.firings.iter().any(|firing| decides(&firing.action))
}

/// Whether each request of a producer carries one record.
pub(in crate::plan::compile) fn is_single(producer: &Producer) -> bool {
    producer.config.iter().any(|setting| setting.key == BATCH && setting.value.trim() == "1")
}

impl Compiler<'_> {
    /// Whether a fault holds something that is written, or its answer, until so many have been sent.
    pub(in crate::plan::compile) fn is_held_until_sent(&self, count: u64) -> bool {
        self.faults.iter().filter(|rule| is_produce(&rule.on)).any(|rule| {
            let first = rule.firings.first().and_then(|firing| firing.hold.as_ref());
            first.is_some_and(|hold| waits_for_sent(hold, count))
        })
    }
}

/// Whether a condition holds only when so many calls of send have returned.
fn waits_for_sent(condition: &Condition, all: u64) -> bool {
    match condition {
        Condition::Sent(sent) => *sent >= all,
        Condition::All(conditions) => conditions.iter().any(|one| waits_for_sent(one, all)),
        _ => false,
    }
}
