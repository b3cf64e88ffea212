//! One scenario run several times: which different runs there were, in what the two nearest differ, and what would make
//! them the same.

use crate::diagnostic::Diagnostic;
use crate::judge::Counts;
use crate::plan::{Combination, Order, Plan, Producer};
use crate::snapshot::{Line, lines};
use crate::trace::Client;
use crate::view::View;

/// So many different texts are compared with each other.
const COMPARED: usize = 8;

/// What one run came to.
#[derive(Debug)]
pub(super) struct Run {
    /// What of it is stable.
    pub(super) view: View,
    /// Its text.
    pub(super) text: String,
    /// What it should have done and did not.
    pub(super) failures: Vec<Diagnostic>,
    /// What of it is odd.
    pub(super) warnings: Vec<Diagnostic>,
    /// How many messages met which fate.
    pub(super) counts: Counts,
    /// The client.
    pub(super) client: Client,
}

/// The different runs of a scenario, each with how often there was one like it; those that came first in front.
#[derive(Debug, Default)]
pub(super) struct Runs {
    different: Vec<(Run, u32)>,
}

/// A scenario that does not do the same each time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaky {
    /// In which combination of its matrix.
    pub combination: Combination,
    /// How often it ran.
    pub runs: u32,
    /// How often each different outcome came, the most frequent first; at least two.
    pub counts: Vec<u32>,
    /// How the two that are nearest to each other differ; empty where their texts are the same.
    pub lines: Vec<Line>,
    /// What was not as expected in some runs, and in how many of them.
    pub failures: Vec<(u32, String)>,
    /// What would make its runs the same, a line each.
    pub pins: Vec<String>,
}

impl Runs {
    pub(super) fn add(&mut self, run: Run) {
        let same = |(known, _): &&mut (Run, u32)| {
            let said = |run: &Run| -> Vec<_> {
                run.failures.iter().map(|it| (it.message.clone(), it.note.clone())).collect()
            };
            known.text == run.text && said(known) == said(&run)
        };
        match self.different.iter_mut().find(same) {
            Some((_, count)) => *count += 1,
            None => self.different.push((run, 1)),
        }
    }

    /// How many runs there were.
    pub(super) fn count(&self) -> u32 {
        self.different.iter().map(|(_, count)| count).sum()
    }

    /// The first run, and what is to be said if there were different ones; none where there was no run.
    pub(super) fn conclude(mut self, plan: &Plan) -> Option<(Run, Option<Flaky>)> {
        let flaky = (self.different.len() > 1).then(|| self.flaky(plan));
        (!self.different.is_empty()).then(|| (self.different.swap_remove(0).0, flaky))
    }

    fn flaky(&self, plan: &Plan) -> Flaky {
        let mut counts: Vec<_> = self.different.iter().map(|(_, count)| *count).collect();
        counts.sort_unstable_by(|a, b| b.cmp(a));
        let mut failures: Vec<(u32, String)> = Vec::new();
        for (run, count) in &self.different {
            for failure in &run.failures {
                match failures.iter_mut().find(|(_, message)| *message == failure.message) {
                    Some((known, _)) => *known += count,
                    None => failures.push((*count, failure.message.clone())),
                }
            }
        }
        let (lines, blocks) =
            self.nearest().map_or_else(Default::default, |(a, b, lines)| (lines, a.view.differs_in(&b.view)));
        let (combination, pins) = (plan.combination.clone(), pins(plan, &blocks));
        Flaky { combination, runs: self.count(), counts, lines, failures, pins }
    }

    /// The two different texts that are nearest to each other, and their difference.
    fn nearest(&self) -> Option<(&Run, &Run, Vec<Line>)> {
        let mut runs: Vec<&Run> = Vec::new();
        for (run, _) in &self.different {
            if runs.len() < COMPARED && !runs.iter().any(|known| known.text == run.text) {
                runs.push(run);
            }
        }
        let pairs = runs.iter().enumerate().flat_map(|(at, a)| runs[at + 1..].iter().map(move |b| (*a, *b)));
        let compared = pairs.map(|(a, b)| (a, b, lines(&a.text, &b.text)));
        let changed = |line: &&Line| matches!(line, Line::Removed(_) | Line::Added(_));
        compared.min_by_key(|(.., lines)| lines.iter().filter(changed).count())
    }
}

/// What would make the blocks of a view the same each time.
fn pins(plan: &Plan, blocks: &[&str]) -> Vec<String> {
    let differs = |name: &str| blocks.contains(&name);
    let mut pins = Vec::new();
    if differs("timeline") && plan.snapshot.order == Order::Total {
        pins.push("'snapshot: {order: lanes}' leaves out how calls and callbacks interleave".to_owned());
    }
    if differs("application") {
        pins.push(
            "a longer 'ack_wait', or an answer that never comes, decides whether a wait runs out".to_owned(),
        );
    }
    let batches = |producer: &Producer| !producer.one_per_request;
    let order = ["callbacks", "outcomes", "log", "anomalies"].into_iter().any(differs);
    if order && plan.producers.iter().any(batches) {
        pins.push("'producer: {one_per_request: true}' makes requests as certain as messages".to_owned());
    }
    let chosen = |partitions: u32| partitions > 1 && !plan.snapshot.any_partition;
    if order && plan.topics.iter().any(|topic| chosen(topic.partitions)) {
        pins.push(
            "a 'partition', or 'snapshot: {partitions: any}', where the client chooses partitions".to_owned(),
        );
    }
    if differs("anomalies") {
        pins.push(
            "'expect: {anomalies: {may: […]}}' allows a race, and a wait or a hold decides it".to_owned(),
        );
    } else if order {
        pins.push(
            "a 'wait' or 'flush' between two sends, or 'mode: sync', decides which is first".to_owned(),
        );
    }
    pins
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::fixture::{ok, records, scenario, sends, trace};
    use crate::judge::judge;
    use crate::trace::Event;
    use crate::view;

    fn run(plan: &Plan, events: Vec<Event>) -> Run {
        let trace = trace(events, &[&records(0..2)]);
        let findings = judge(plan, &trace);
        let view = view::of(plan, &trace, &findings);
        let failures = findings.failures.iter().map(|failure| {
            let code = crate::diagnostic::Code::Expectation;
            Diagnostic::new(code, &plan.source, failure.span, &failure.message)
        });
        let failures = failures.collect();
        let (counts, client) = (findings.counts, trace.client);
        Run { text: view.text(), view, failures, warnings: Vec::new(), counts, client }
    }

    /// Two sends and their callbacks, the first of which comes behind so many events.
    fn answered(after: usize) -> Vec<Event> {
        let mut events = sends(0..2);
        events.insert(after, ok(0, 0));
        events.push(ok(1, 1));
        events
    }

    fn concluded(plan: &Plan, afters: &[usize]) -> (Run, Option<Flaky>) {
        let mut runs = Runs::default();
        for after in afters {
            runs.add(run(plan, answered(*after)));
        }
        runs.conclude(plan).unwrap()
    }

    #[test]
    fn what_is_the_same_each_time_is_not_flaky() {
        let plan = scenario("topic: t\ncount: 2\n");
        let (run, flaky) = concluded(&plan, &[2, 4, 1]);
        assert_eq!(flaky, None, "lanes leave out how calls and callbacks interleave");
        assert_eq!(run.counts.ok, 2);
        assert!(Runs::default().conclude(&plan).is_none());
    }

    #[test]
    fn what_differs_is_shown_with_what_would_pin_it() {
        let plan = scenario("topic: t\ncount: 2\nsnapshot: {order: total}\n");
        let flaky = concluded(&plan, &[4, 2, 4, 4]).1.unwrap();
        assert_eq!((flaky.runs, flaky.counts.as_slice()), (4, [3, 1].as_slice()));
        let changed: Vec<_> = flaky.lines.iter().filter(|line| !matches!(line, Line::Kept(_))).collect();
        assert!(!changed.is_empty());
        assert!(flaky.pins[0].contains("order: lanes"), "{:?}", flaky.pins);
        assert_eq!(flaky.failures, []);
    }

    #[test]
    fn what_is_expected_in_some_runs_alone_is_flaky_too() {
        let plan = scenario("topic: t\ncount: 2\nexpect: {order: sent 1 < ok 0}\n");
        let flaky = concluded(&plan, &[4, 2, 2]).1.unwrap();
        assert_eq!((flaky.counts.as_slice(), flaky.lines.as_slice()), ([2, 1].as_slice(), [].as_slice()));
        assert_eq!(flaky.failures, [(2, "'sent 1' should come before 'ok 0'".to_owned())]);
    }
}
