//! Outcomes against `delivered`, `failed`, `unknown`, `written`.

use std::collections::BTreeMap;

use crate::id::Submission;
use crate::plan::{AnomalyKind, Delivered, Expect};
use crate::source::{Span, Spanned};
use crate::submissions::Submissions;
use crate::trace::{Code, Ending, Fate};

use super::ending::unsent;
use super::fail;
use crate::judge::facts::Facts;
use crate::judge::finding::Failure;
use crate::judge::outcome::Outcome;

pub(super) fn check(facts: &Facts<'_>, failures: &mut Vec<Failure>) {
    let expect = &facts.plan.expect;
    let check = Check::new(facts);
    check.delivered(failures);
    for named in &expect.failed {
        let is = |outcome| matches!(outcome, Outcome::Failed { code, .. } if code == named.value.0);
        check.named("failed", named, is, failures);
    }
    for named in &expect.unknown {
        check.named("unknown", named, |outcome| outcome == Outcome::Unknown(Some(named.value.0)), failures);
    }
    check.cut_off(failures);
    check.uncovered(failures);
    if let Some(written) = &expect.written {
        check.written(written, failures);
    }
}

struct Check<'a> {
    facts: &'a Facts<'a>,
    expect: &'a Expect,
    /// Messages of the plan that were never submitted.
    unsent: Submissions,
    /// The run was cut off by its deadline: that is the failure, not what is missing after it.
    cut: bool,
}

impl<'a> Check<'a> {
    fn new(facts: &'a Facts<'a>) -> Self {
        let cut = facts.trace.ending != Ending::Complete;
        Self { facts, expect: &facts.plan.expect, unsent: unsent(facts), cut }
    }

    fn delivered(&self, failures: &mut Vec<Failure>) {
        let ok = self.facts.outcomes.which(|outcome| outcome == Outcome::Ok);
        match &self.expect.delivered {
            Delivered::Rest => {
                let covered = |submission| self.named_elsewhere(submission);
                self.missing(&self.except(covered), self.expect.span, failures);
            }
            Delivered::All(span) => self.missing(&self.except(|_| false), *span, failures),
            Delivered::None(span) => unasked(&ok, *span, failures),
            Delivered::These(these, span) => {
                let missing = these.iter().filter(|submission| !ok.contains(*submission)).collect();
                self.missing(&missing, *span, failures);
                let unexpected = ok.iter().filter(|submission| !these.contains(*submission)).collect();
                unasked(&unexpected, *span, failures);
            }
            Delivered::Log(count, span) => self.in_logs(*count, *span, failures),
        }
    }

    /// All submissions and unsent messages that were not delivered, but for those of a kind.
    fn except(&self, covered: impl Fn(Submission) -> bool) -> Submissions {
        let made = self.facts.outcomes.which(|outcome| outcome != Outcome::Ok);
        made.iter().chain(self.unsent.iter()).filter(|submission| !covered(*submission)).collect()
    }

    fn named_elsewhere(&self, submission: Submission) -> bool {
        let mut named = self.expect.failed.iter().chain(&self.expect.unknown);
        named.any(|named| named.value.1.contains(submission))
            || self.expect.cut_off.value.contains(submission)
            || self.is_unanswered(submission)
    }

    /// Whether nothing was said of it, and the scenario has declared that this happens.
    fn is_unanswered(&self, submission: Submission) -> bool {
        let mut declared = self.expect.must.iter().chain(&self.expect.may);
        self.facts.outcomes.get(submission) == Some(Outcome::Unknown(None))
            && declared.any(|kind| kind.value == AnomalyKind::Unanswered)
    }

    fn missing(&self, missing: &Submissions, span: Span, failures: &mut Vec<Failure>) {
        let missing = self.by_outcome(missing);
        let count: u64 = missing.values().map(Submissions::len).sum();
        if count > 0 {
            let message = format!("{} not delivered", messages(count));
            failures.push(fail(message, span, lines(&missing)));
        }
    }

    /// What became of each, in words. What came after the deadline is left out.
    fn by_outcome(&self, submissions: &Submissions) -> BTreeMap<String, Submissions> {
        let mut sorted = BTreeMap::<String, Submissions>::new();
        for submission in submissions.iter() {
            let outcome = self.facts.outcomes.get(submission);
            let silent = matches!(outcome, None | Some(Outcome::Unknown(None)));
            if !(self.cut && silent) {
                sorted.entry(words(outcome)).or_default().insert(submission);
            }
        }
        sorted
    }

    fn in_logs(&self, expected: u64, span: Span, failures: &mut Vec<Failure>) {
        let found = self.facts.standing.own;
        if found != expected {
            let message = format!("{expected} records should stand in the logs, {found} do");
            let of = |log: &crate::trace::PartitionLog| {
                let topic = self.facts.plan.topics.get(log.partition.topic.index());
                let name = topic.map_or("", |topic| topic.name.as_ref());
                let records = log.records.iter().filter(|record| record.fate != Fate::Aborted).count();
                format!("{name}[{}]: {records}", log.partition.partition)
            };
            failures.push(fail(message, span, self.facts.trace.logs.iter().map(of).collect()));
        }
    }

    /// Those that a key names must have come out so.
    fn named(
        &self,
        key: &str,
        named: &Spanned<(Code, Submissions)>,
        is: impl Fn(Outcome) -> bool,
        failures: &mut Vec<Failure>,
    ) {
        let (code, submissions) = &named.value;
        let out = |submission| self.facts.outcomes.get(submission);
        let others = submissions.iter().filter(|submission| !out(*submission).is_some_and(&is)).collect();
        let others = self.by_outcome(&others);
        if !others.is_empty() {
            let count = others.values().map(Submissions::len).sum();
            let message = format!("{} should be {key} with {code}", messages(count));
            failures.push(fail(message, named.span, lines(&others)));
        }
    }

    /// Those that are named must have been cut off.
    fn cut_off(&self, failures: &mut Vec<Failure>) {
        let expected = &self.expect.cut_off;
        let is = |submission| self.facts.outcomes.get(submission) == Some(Outcome::CutOff);
        let others = expected.value.iter().filter(|submission| !is(*submission)).collect();
        let others = self.by_outcome(&others);
        if !others.is_empty() {
            let count = others.values().map(Submissions::len).sum();
            let message = format!("{} should be cut off", messages(count));
            failures.push(fail(message, expected.span, lines(&others)));
        }
    }

    /// Failed and unknown ones that no key names. `delivered: {log: n}` takes any outcome; where all that no key names
    /// must be delivered, they have been reported as missing.
    fn uncovered(&self, failures: &mut Vec<Failure>) {
        if matches!(self.expect.delivered, Delivered::Rest | Delivered::All(_) | Delivered::Log(..)) {
            return;
        }
        let reported = |submission| match &self.expect.delivered {
            Delivered::These(these, _) => these.contains(submission),
            _ => false,
        };
        let others = self.facts.outcomes.which(|outcome| outcome != Outcome::Ok);
        let others = others.iter().filter(|other| !self.named_elsewhere(*other) && !reported(*other));
        let others = self.by_outcome(&others.collect());
        if !others.is_empty() {
            let count = others.values().map(Submissions::len).sum();
            let message = format!("{} came out in a way that no key expects", messages(count));
            failures.push(fail(message, self.expect.span, lines(&others)));
        }
    }

    fn written(&self, expected: &Spanned<Submissions>, failures: &mut Vec<Failure>) {
        let unknown =
            self.facts.outcomes.which(|outcome| matches!(outcome, Outcome::Unknown(_) | Outcome::CutOff));
        let stands = |submission: &Submission| {
            let number = self.facts.calls.numbers.of(*submission);
            number.is_some_and(|number| self.facts.standing.first(number).is_some())
        };
        let written: Submissions = unknown.iter().filter(stands).collect();
        if written != expected.value {
            let missing: Submissions = expected.value.iter().filter(|one| !written.contains(*one)).collect();
            let unasked: Submissions = written.iter().filter(|one| !expected.value.contains(*one)).collect();
            let mut details = Vec::new();
            for (words, submissions) in [("not written, or not unknown", missing), ("written", unasked)] {
                if !submissions.is_empty() {
                    details.push(format!("{words}: {submissions:.20}"));
                }
            }
            let message = "other unknown messages stand in the log than expected";
            failures.push(fail(message, expected.span, details));
        }
    }
}

fn unasked(delivered: &Submissions, span: Span, failures: &mut Vec<Failure>) {
    if !delivered.is_empty() {
        let message = format!("{} delivered, and should not be", messages(delivered.len()));
        failures.push(fail(message, span, vec![format!("delivered: {delivered:.20}")]));
    }
}

fn messages(count: u64) -> String {
    if count == 1 { "1 message".to_owned() } else { format!("{count} messages") }
}

fn words(outcome: Option<Outcome>) -> String {
    match outcome {
        None => "never sent".to_owned(),
        Some(Outcome::Ok) => "delivered".to_owned(),
        Some(Outcome::Failed { code, .. }) => format!("failed with {code}"),
        Some(Outcome::Unknown(Some(code))) => format!("unknown with {code}"),
        Some(Outcome::Unknown(None)) => "never answered".to_owned(),
        Some(Outcome::CutOff) => "cut off".to_owned(),
    }
}

fn lines(sorted: &BTreeMap<String, Submissions>) -> Vec<String> {
    sorted.iter().map(|(words, submissions)| format!("{words}: {submissions:.20}")).collect()
}
