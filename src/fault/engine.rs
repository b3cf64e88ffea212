//! Decides which fault takes a request: rules × transit × counters. Deterministic, and all of it in one call, so that
//! what the caller's lock orders is the order of everything.

use std::collections::HashMap;

use kafka_protocol::messages::ApiKey;

use crate::id::{FaultIndex, Submission};
use crate::submissions::Submissions;

use super::{Filter, Row, Rule, Transit, Verdict};

/// The rules of a run and what they have seen.
#[derive(Debug)]
pub struct Engine {
    rules: Vec<Rule>,
    states: Vec<State>,
    /// How many requests have carried a submission, the current one included.
    attempts: HashMap<Submission, u32>,
    /// How many requests have been decided.
    transits: usize,
}

/// What a rule has seen.
#[derive(Clone, Debug, Default)]
struct State {
    armed: bool,
    /// Requests for which all but `nth` holds.
    seen: u32,
    matched: u32,
    fired: u32,
    nearest: Option<Near>,
}

/// A request that was almost what a rule asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Near {
    /// Which, counting those that the engine was asked about, from 0.
    pub transit: usize,
    /// What of it is otherwise.
    pub differs: String,
    /// How much of it is.
    distance: u32,
}

/// How often a rule took something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requests that were as it asks, those that it left alone and those that another rule took included.
    pub matched: u32,
    /// How often it fired.
    pub fired: u32,
    /// Of a rule that never matched: what came nearest to it.
    pub nearest: Option<Near>,
}

impl Engine {
    /// Rules none of which has seen anything. None is armed yet: see [`Engine::start`].
    pub fn new(rules: Vec<Rule>) -> Self {
        let states = vec![State::default(); rules.len()];
        Self { rules, states, attempts: HashMap::new(), transits: 0 }
    }

    /// The first step begins: what counts, counts from now, and rules are armed but for those that a step arms.
    pub fn start(&mut self) {
        self.attempts.clear();
        for (rule, state) in self.rules.iter().zip(&mut self.states) {
            *state = State { armed: rule.armed, ..State::default() };
        }
    }

    /// A step arms a rule.
    pub fn arm(&mut self, fault: FaultIndex) {
        if let Some(state) = self.states.get_mut(fault.index()) {
            state.armed = true;
        }
    }

    /// The rules, in the order of the plan.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Whether some rule is about requests of that API.
    pub fn asks_for(&self, api: ApiKey) -> bool {
        self.rules.iter().any(|rule| rule.on.api.covers(Some(api)))
    }

    /// How often each rule took something.
    pub fn tallies(&self) -> Vec<Tally> {
        let tally = |state: &State| Tally {
            matched: state.matched,
            fired: state.fired,
            nearest: state.nearest.clone().filter(|_| state.matched == 0),
        };
        self.states.iter().map(tally).collect()
    }

    /// For each part of a request the so-manieth attempt that it is for what it carries: the largest, where its
    /// submissions differ; 0 where it carries none. Counts the request; to be called once, before it is decided.
    pub fn attempt(&mut self, transit: &Transit) -> Vec<u32> {
        let attempts = &mut self.attempts;
        let mut count = |submission| {
            let attempt = attempts.entry(submission).or_insert(0);
            *attempt += 1;
            *attempt
        };
        transit.rows.iter().map(|row| row.submissions.iter().map(&mut count).max().unwrap_or(0)).collect()
    }

    /// Decides about a request whose attempts are counted: the first rule that matches and may still fire takes it.
    /// It counts for the others all the same.
    pub fn decide(&mut self, transit: &Transit) -> Option<Verdict> {
        let number = self.transits;
        self.transits += 1;
        let mut verdict = None;
        for at in 0..self.rules.len() {
            let Some(rows) = self.matches(at, transit, number) else { continue };
            if verdict.is_none() {
                verdict = self.fire(at, rows);
            }
        }
        verdict
    }

    /// The rows that a rule is about, if it matches the request. Counts.
    fn matches(&mut self, at: usize, transit: &Transit, number: usize) -> Option<Vec<usize>> {
        let (rule, state) = (self.rules.get(at)?, self.states.get_mut(at)?);
        if !state.armed {
            return None;
        }
        let found = find(&rule.on, transit, &self.attempts).and_then(|rows| {
            state.seen += 1;
            match rule.on.nth {
                Some(nth) if nth != state.seen => {
                    Err((1, format!("the {} of its kind", ordinal(state.seen))))
                }
                _ => Ok(rows),
            }
        });
        match found {
            Ok(rows) => {
                state.matched += 1;
                Some(rows)
            }
            Err((distance, differs)) => {
                // The first of those that came nearest.
                if state.nearest.as_ref().is_none_or(|near| distance < near.distance) {
                    state.nearest = Some(Near { transit: number, differs, distance });
                }
                None
            }
        }
    }

    fn fire(&mut self, at: usize, rows: Vec<usize>) -> Option<Verdict> {
        let (rule, state) = (self.rules.get(at)?, self.states.get_mut(at)?);
        if state.matched <= rule.skip || !rule.times.allows(state.fired) {
            return None;
        }
        let firing = rule.firings.get(state.fired as usize % rule.firings.len().max(1))?;
        state.fired += 1;
        Some(Verdict {
            fault: FaultIndex(u16::try_from(at).ok()?),
            firing: state.fired,
            action: firing.action.clone(),
            hold: firing.hold.clone(),
            topic: rule.on.topic,
            rows,
        })
    }
}

/// How far a request is from what a filter asks for, and what of it is otherwise.
type Miss = (u32, String);

/// How much it weighs that another message is carried, or goes elsewhere.
const OTHER: u32 = 10;
/// The same, and it is another attempt alone.
const OTHER_ATTEMPT: u32 = 5;

/// The rows that a filter is about; or how far the request is from it.
fn find(on: &Filter, transit: &Transit, attempts: &HashMap<Submission, u32>) -> Result<Vec<usize>, Miss> {
    if !on.api.covers(transit.api) {
        return Err((1000, "another kind of request".to_owned()));
    }
    let mut misses = Vec::new();
    if on.producer.is_some_and(|producer| producer != transit.producer) {
        misses.push((OTHER, "another producer".to_owned()));
    }
    if let Some(broker) = on.broker.filter(|broker| *broker != transit.broker) {
        misses.push((OTHER, format!("broker {} instead of {broker}", transit.broker)));
    }
    let mut rows = Vec::new();
    let mut nearest: Option<Vec<Miss>> = None;
    for (at, row) in transit.rows.iter().enumerate() {
        let differs = differences(on, row, attempts);
        if differs.is_empty() {
            rows.push(at);
        }
        if nearest.as_ref().is_none_or(|near| distance(&differs) < distance(near)) {
            nearest = Some(differs);
        }
    }
    if transit.rows.is_empty() && asks_for_rows(on) && !(transit.all_topics && on.partition.is_none()) {
        nearest = Some(vec![(OTHER, "it names no topic".to_owned())]);
    }
    misses.extend(nearest.into_iter().flatten());
    if misses.is_empty() {
        return Ok(rows);
    }
    let words: Vec<_> = misses.iter().map(|(_, words)| words.as_str()).collect();
    Err((distance(&misses), words.join(", ")))
}

fn distance(misses: &[Miss]) -> u32 {
    misses.iter().map(|(far, _)| far).sum()
}

fn asks_for_rows(on: &Filter) -> bool {
    on.topic.is_some() || on.partition.is_some() || on.submissions.is_some() || on.attempt.is_some()
}

/// What of a row is otherwise than a filter asks for.
fn differences(on: &Filter, row: &Row, attempts: &HashMap<Submission, u32>) -> Vec<Miss> {
    let mut differs = Vec::new();
    if on.topic.is_some_and(|topic| row.topic != Some(topic)) {
        differs.push((OTHER, "another topic".to_owned()));
    }
    if let Some(wanted) = on.partition.filter(|wanted| row.partition != Some(*wanted)) {
        let words = match row.partition {
            Some(partition) => format!("partition {partition} instead of {wanted}"),
            None => "it names no partition".to_owned(),
        };
        differs.push((OTHER, words));
    }
    let carried = match &on.submissions {
        Some(wanted) => row.submissions.intersection(wanted),
        None => row.submissions.clone(),
    };
    if let Some(wanted) = on.submissions.as_ref().filter(|_| carried.is_empty()) {
        let words = if row.submissions.is_empty() {
            "it carries no message of the plan".to_owned()
        } else {
            format!("it carries {:.5} instead of {wanted:.5}", row.submissions)
        };
        differs.push((OTHER, words));
    } else if let Some(wanted) = on.attempt {
        differs.extend(other_attempt(wanted, &carried, attempts));
    }
    differs
}

fn other_attempt(wanted: u32, carried: &Submissions, attempts: &HashMap<Submission, u32>) -> Option<Miss> {
    let of = |submission: Submission| attempts.get(&submission).copied().unwrap_or(0);
    if carried.iter().any(|submission| of(submission) == wanted) {
        return None;
    }
    let found = carried.iter().map(of).max().unwrap_or(0);
    Some((OTHER_ATTEMPT, format!("attempt {found} instead of {wanted}")))
}

fn ordinal(number: u32) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::fault::{Action, ApiFilter, Behind, Firing, Times};
    use crate::id::{BrokerId, MessageId, Partition, ProducerIndex, TopicIndex};
    use kafka_protocol::messages::ApiKey;
    use proptest::prelude::*;

    const AFTER: Action = Action::DisconnectAfter { behind: Behind::Lost };

    fn any() -> Filter {
        Filter {
            api: ApiFilter::Api(ApiKey::Produce),
            topic: None,
            partition: None,
            submissions: None,
            attempt: None,
            producer: None,
            broker: None,
            nth: None,
        }
    }

    fn message(number: u32) -> Filter {
        Filter { submissions: Some(Submissions::run(MessageId(number), 1)), ..any() }
    }

    fn rule(on: Filter, actions: &[Action], times: Times) -> Rule {
        let firings = actions.iter().map(|action| Firing { action: action.clone(), hold: None }).collect();
        Rule {
            name: Arc::from("it"),
            on,
            firings,
            skip: 0,
            times,
            armed: true,
            span: crate::source::Span::default(),
        }
    }

    fn once(on: Filter) -> Rule {
        rule(on, &[AFTER], Times::Exactly(1))
    }

    fn carries(rows: &[&[u32]]) -> Transit {
        let row = |(partition, messages): (i32, &&[u32])| Row {
            topic: Some(TopicIndex(0)),
            partition: Some(Partition(partition)),
            submissions: messages.iter().map(|number| Submission::first(MessageId(*number))).collect(),
        };
        Transit {
            producer: ProducerIndex(0),
            broker: BrokerId(1),
            api: Some(ApiKey::Produce),
            rows: (0..).zip(rows).map(row).collect(),
            all_topics: false,
        }
    }

    fn engine(rules: &[Rule]) -> Engine {
        let mut engine = Engine::new(rules.to_vec());
        engine.start();
        engine
    }

    /// Which rule takes each, and for the how-manieth time.
    fn taken(engine: &mut Engine, transits: &[Transit]) -> Vec<Option<(u16, u32)>> {
        let decide = |transit| {
            engine.attempt(transit);
            engine.decide(transit).map(|verdict| (verdict.fault.0, verdict.firing))
        };
        transits.iter().map(decide).collect()
    }

    fn singles(messages: &[u32]) -> Vec<Transit> {
        messages.iter().map(|number| carries(&[&[*number]])).collect()
    }

    #[test]
    fn the_first_that_may_still_fire_takes_it() {
        let mut engine = engine(&[once(message(1)), once(any()), rule(any(), &[AFTER], Times::Always)]);
        let taken = taken(&mut engine, &singles(&[0, 1, 1, 2]));
        assert_eq!(taken, [Some((1, 1)), Some((0, 1)), Some((2, 1)), Some((2, 2))]);
        let fired: Vec<_> = engine.tallies().iter().map(|tally| (tally.matched, tally.fired)).collect();
        assert_eq!(fired, [(2, 1), (4, 1), (4, 2)]);
    }

    #[test]
    fn a_request_that_another_takes_counts_for_nth_and_skip() {
        let nth = once(Filter { nth: Some(2), ..any() });
        let skip = Rule { skip: 2, ..once(any()) };
        let mut engine = engine(&[once(message(0)), once(message(1)), nth.clone(), skip.clone()]);
        // The second request is taken by the fault on message 1; nth: 2 has passed then.
        assert_eq!(
            taken(&mut engine, &singles(&[0, 1, 2, 3])),
            [Some((0, 1)), Some((1, 1)), Some((3, 1)), None]
        );
        assert_eq!(engine.tallies()[2].matched, 1);
    }

    #[test]
    fn attempts_are_those_of_the_submission() {
        let second = once(Filter { attempt: Some(2), ..message(0) });
        let mut engine = engine(&[second]);
        let all = [carries(&[&[0, 1]]), carries(&[&[1]]), carries(&[&[1]]), carries(&[&[7], &[0]])];
        assert_eq!(taken(&mut engine, &all), [None, None, None, Some((0, 1))]);
        let mut counting = Engine::new(Vec::new());
        let attempts: Vec<_> = all.iter().map(|transit| counting.attempt(transit)).collect();
        assert_eq!(attempts, [vec![1], vec![2], vec![3], vec![1, 2]]);
    }

    #[test]
    fn the_rows_are_those_that_match() {
        let mut engine = engine(&[rule(message(3), &[AFTER], Times::Always), once(any())]);
        let mut rows = |transit| engine.decide(&transit).unwrap().rows;
        assert_eq!(rows(carries(&[&[1], &[2, 3], &[3]])), [1, 2]);
        assert_eq!(rows(carries(&[&[1], &[2]])), [0, 1]);
    }

    #[test]
    fn a_list_is_one_entry_for_each_time_and_begins_anew() {
        let list = [Action::Pass, AFTER, Action::DropRequest];
        let mut engine = engine(&[rule(any(), &list, Times::Exactly(5))]);
        let mut next = || engine.decide(&carries(&[&[0]])).map(|verdict| verdict.action);
        let done: Vec<_> = (0..6).map(|_| next()).collect();
        let [pass, after, drop] = list;
        assert_eq!(
            done,
            [Some(pass.clone()), Some(after.clone()), Some(drop), Some(pass), Some(after), None]
        );
    }

    #[test]
    fn what_is_not_armed_sees_nothing() {
        let mut engine = engine(&[Rule { armed: false, ..once(Filter { nth: Some(1), ..any() }) }]);
        assert_eq!(taken(&mut engine, &singles(&[0, 1])), [None, None]);
        engine.arm(FaultIndex(0));
        assert_eq!(taken(&mut engine, &singles(&[2])), [Some((0, 1))]);
    }

    #[test]
    fn the_nearest_of_a_rule_that_never_matched_is_the_first_that_lacked_least() {
        let wanted = Filter { partition: Some(Partition(1)), broker: Some(BrokerId(2)), ..message(5) };
        let mut engine = engine(&[once(wanted)]);
        let metadata = Transit { api: Some(ApiKey::Metadata), rows: Vec::new(), ..carries(&[]) };
        let near = Transit { broker: BrokerId(2), ..carries(&[&[0], &[4]]) };
        taken(&mut engine, &[metadata, carries(&[&[0]]), near.clone(), near]);
        let nearest = engine.tallies().remove(0).nearest.unwrap();
        assert_eq!((nearest.transit, nearest.differs.as_str()), (2, "it carries 4 instead of 5"));
    }

    #[test]
    fn another_attempt_of_the_message_is_nearer_than_another_message() {
        let mut engine = engine(&[once(Filter { attempt: Some(4), ..message(1) })]);
        taken(&mut engine, &singles(&[0, 1, 2]));
        let nearest = engine.tallies().remove(0).nearest.unwrap();
        assert_eq!((nearest.transit, nearest.differs.as_str()), (1, "attempt 1 instead of 4"));
    }

    #[test]
    fn a_request_for_all_topics_names_each() {
        let on = Filter { api: ApiFilter::Api(ApiKey::Metadata), topic: Some(TopicIndex(0)), ..any() };
        let metadata = Transit { api: Some(ApiKey::Metadata), rows: Vec::new(), ..carries(&[]) };
        let all = Transit { all_topics: true, ..metadata.clone() };
        assert_eq!(taken(&mut engine(&[once(on)]), &[metadata, all]), [None, Some((0, 1))]);
    }

    fn filters() -> impl Strategy<Value = Rule> {
        let messages = prop::option::of((0u32..4, 1u32..3));
        let narrowed =
            (messages, prop::option::of(0i32..2), prop::option::of(1u32..4), prop::option::of(1u32..3));
        let times = prop_oneof![
            (1u32..4).prop_map(Times::Exactly),
            (0u32..4).prop_map(Times::AtMost),
            Just(Times::Always)
        ];
        (narrowed, 0u32..3, times).prop_map(|((messages, partition, nth, attempt), skip, times)| {
            let submissions = messages.map(|(first, count)| Submissions::run(MessageId(first), count));
            let partition = partition.map(Partition);
            Rule { skip, ..rule(Filter { partition, submissions, attempt, nth, ..any() }, &[AFTER], times) }
        })
    }

    fn transits() -> impl Strategy<Value = Vec<Transit>> {
        let row = prop::collection::vec(0u32..6, 0..3);
        let rows = prop::collection::vec(row, 1..3);
        prop::collection::vec(rows, 0..20).prop_map(|all| {
            let transit = |rows: &Vec<Vec<u32>>| carries(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
            all.iter().map(transit).collect()
        })
    }

    proptest! {
        #[test]
        fn the_same_requests_make_the_same_faults_fire(
            rules in prop::collection::vec(filters(), 0..5), transits in transits()
        ) {
            let (mut one, mut other) = (engine(&rules), engine(&rules));
            prop_assert_eq!(taken(&mut one, &transits), taken(&mut other, &transits));
            prop_assert_eq!(one.tallies(), other.tallies());
        }

        #[test]
        fn no_rule_fires_more_often_than_it_may_or_matches(
            rules in prop::collection::vec(filters(), 0..5), transits in transits()
        ) {
            let mut engine = engine(&rules);
            let fired = taken(&mut engine, &transits).into_iter().flatten().count();
            let tallies = engine.tallies();
            prop_assert_eq!(fired as u64, tallies.iter().map(|tally| u64::from(tally.fired)).sum::<u64>());
            for (rule, tally) in rules.iter().zip(&tallies) {
                prop_assert!(tally.fired == 0 || rule.times.allows(tally.fired - 1));
                prop_assert!(tally.fired <= tally.matched.saturating_sub(rule.skip));
                prop_assert!(rule.on.nth.is_none() || tally.matched <= 1);
            }
        }

        #[test]
        fn a_rule_counts_the_same_whatever_stands_before_it(
            before in filters(), rule in filters(), transits in transits()
        ) {
            let (mut alone, mut behind) = (engine(std::slice::from_ref(&rule)), engine(&[before, rule]));
            taken(&mut alone, &transits);
            taken(&mut behind, &transits);
            prop_assert_eq!(alone.tallies()[0].matched, behind.tallies()[1].matched);
        }
    }
}
