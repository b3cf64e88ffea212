//! Folds are undone by their meaning and by their text, and come out as what went in.

use proptest::prelude::*;

use super::{reader, single, unfolded};
use crate::id::{Partition, ProducerIndex, TopicIndex};
use crate::judge::Which;
use crate::judge::fixture::{add_producer, code_of, plan};
use crate::plan::AnomalyKind;
use crate::view::View;
use crate::view::block::{Block, Lane, Names, Style};
use crate::view::fold::Fold;
use crate::view::folded::Head;
use crate::view::line::{End, Numbers, Shape, Shown, Spot, Step, Track, What};

type Fact = (What, u16, Numbers);

fn names() -> Names {
    let mut plan = plan(0);
    plan.producers[0].name = "i".into();
    add_producer(&mut plan, "7");
    Names::of(&plan)
}

/// Facts of a timeline; how many numbers each has.
fn timeline() -> Vec<(What, usize)> {
    let place = |producer, partition| {
        let partition = Which::One(Partition(partition));
        Some(Track {
            producer: Some(ProducerIndex(producer)),
            whole: false,
            topic: TopicIndex(0),
            partition,
            thread: None,
        })
    };
    let ok = |place| (What::Ok { late: false, place, offset: Shown::Known }, 2);
    vec![
        (What::Send, 1),
        ok(place(0, 0)),
        ok(place(1, 1)),
        (What::Ok { late: true, place: place(0, 0), offset: Shown::Unknown }, 1),
        (What::Err { late: false, code: code_of("expired") }, 1),
        (What::Timeout, 1),
        (What::Step(Step::Flush(None), End::Done), 0),
        (What::Step(Step::Close(Some(ProducerIndex(0))), End::TimedOut), 1),
        (What::Fatal(Some(ProducerIndex(0)), code_of("fenced")), 0),
    ]
}

fn anomalies() -> Vec<(What, usize)> {
    let own = Spot { partition: None, offset: true };
    let other = Spot { partition: Some((TopicIndex(0), Which::One(Partition(1)))), offset: true };
    let of = |kind, shape, numbers| (What::Anomaly(kind, shape), numbers);
    vec![
        of(AnomalyKind::Reordered, Shape::After(0), 2),
        of(AnomalyKind::Replayed, Shape::CopyAfter(own, 0), 3),
        of(AnomalyKind::Duplicated, Shape::Twice(own, other), 3),
        of(AnomalyKind::WrongOffset, Shape::SaidRecord(own, 0), 3),
        of(AnomalyKind::WrongOffset, Shape::SaidNothing(own), 2),
        of(AnomalyKind::Lost, Shape::Alone, 1),
        of(AnomalyKind::ResentDuplicate, Shape::With(1), 1),
    ]
}

fn records() -> Vec<(What, usize)> {
    vec![(What::Record, 1), (What::Jump, 1)]
}

/// A few facts that repeat with rising numbers, or a few of any kind: what folds are made for, and what is almost that.
fn some_facts(whats: Vec<(What, usize)>) -> impl Strategy<Value = Vec<Fact>> {
    let number = prop_oneof![4 => 0i64..4, 2 => 0i64..40, 1 => -3i64..1_000_000_000_000];
    let fact =
        (prop::sample::select(whats), prop::bool::weighted(0.1), [number.clone(), number.clone(), number]);
    let rise = prop_oneof![6 => Just(1i64), 2 => 0i64..4, 1 => -1i64..100];
    let line = (fact, [rise.clone(), rise.clone(), rise]);
    let times = prop_oneof![3 => 1i64..4, 3 => 14i64..19, 1 => 30i64..70];
    let segment = (prop::collection::vec(line, 1..10), times, 0usize..9).prop_map(|(lines, times, cut)| {
        let mut facts = Vec::new();
        for k in 0..times {
            for (((what, numbers), again, at), rise) in &lines {
                let at = [0, 1, 2].map(|n| if n < *numbers { at[n] + rise[n] * k } else { 0 });
                // Numbers of messages and of what is outstanding are not negative.
                let at = [at[0].abs(), at[1], at[2]];
                let has_primes = *numbers > 0 && !matches!(what, What::Step(..) | What::Jump | What::Foreign);
                facts.push((*what, u16::from(*again && has_primes), at));
            }
        }
        facts.truncate(facts.len().saturating_sub(cut).max(1));
        facts
    });
    prop::collection::vec(segment, 1..5).prop_map(|segments| segments.concat())
}

fn folded(facts: &[Fact], style: Style, block: &'static str) -> View {
    let mut fold = Fold::default();
    for (what, again, at) in facts {
        match what {
            What::Timeout => {
                fold.push_whole(Head { what: *what, again: *again, count: 1, step: [0; 3] }, *at);
            }
            _ => fold.push(*what, *again, *at),
        }
    }
    let label = if block == "timeline" { String::new() } else { "a[0]".to_owned() };
    let lane = Lane { label, style, folded: fold.finish() };
    View { names: names(), blocks: vec![Block { name: block, lanes: vec![lane] }], max_lines: u32::MAX }
}

fn check(facts: &[Fact], style: Style, block: &'static str) -> Result<(), TestCaseError> {
    let view = folded(facts, style, block);
    let of_one = |(what, again, at): &Fact| {
        let text = single(&view.names, Head { what: *what, again: *again, count: 1, step: [0; 3] }, *at);
        reader::entry(block, &text)
    };
    let plain: Vec<String> = facts.iter().flat_map(of_one).collect();
    prop_assert_eq!(&plain, &unfolded(&view.names, block, &view.blocks[0].lanes[0].folded));
    let text = view.text();
    let read = reader::view(&text);
    prop_assert_eq!(&plain, &read[0].1[0].1, "{}", text);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]
    #[test]
    fn of_a_timeline(facts in some_facts(timeline())) {
        check(&facts, Style::Lines, "timeline")?;
    }

    #[test]
    fn of_anomalies(facts in some_facts(anomalies())) {
        check(&facts, Style::Lines, "anomalies")?;
    }

    #[test]
    fn of_a_log(facts in some_facts(records())) {
        check(&facts, Style::List, "log")?;
    }
}

/// Runs and cycles one after the other: of what kind, how many lines, how often.
type Stretches = Vec<(u32, u32, u32)>;

/// The facts of a timeline that is made of them.
fn facts_of(stretches: &Stretches) -> Vec<Fact> {
    let ok = |late| What::Ok { late, place: None, offset: Shown::Known };
    let mut facts: Vec<Fact> = Vec::new();
    let mut message = 0;
    for (kind, lines, times) in stretches {
        // So that the last line of a cycle does not go on with the first.
        let lines = if *kind == 3 { *lines } else { lines + lines % 2 };
        for line in (0..*times).flat_map(|_| 0..lines) {
            let (what, offset) = match (kind, line) {
                (3, 0) => (What::Send, 0),
                (1 | 3, line) => (ok(line % 2 == 1), message + 5),
                _ => (ok(false), message + 5),
            };
            facts.push((what, 0, [message, offset, 0]));
            message += if *kind == 2 && line % 2 == 0 { 3 } else { 1 };
        }
        message += 1000;
    }
    facts
}

#[track_caller]
fn is_short(stretches: &Stretches) {
    let text = folded(&facts_of(stretches), Style::Lines, "timeline").text();
    assert!(text.lines().count() < 100, "{stretches:?}\n{text}");
}

#[test]
fn a_million_messages_of_fifty_runs_or_cycles_are_short() {
    is_short(&(0..50).map(|n| (n % 4, n % 8 + 1, 20_000 / (n % 8 + 1))).collect());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]
    #[test]
    fn what_is_made_of_few_runs_and_cycles_is_short(
        stretches in prop::collection::vec((0u32..4, 1u32..9, 16u32..200), 1..51),
    ) {
        is_short(&stretches);
    }
}
