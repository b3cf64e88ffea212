//! A million messages. Run by hand with `cargo test --release --lib speed -- --ignored --nocapture`.

use std::time::Duration;

use crate::judge::fixture::{ok, plan, records, sends, trace};
use crate::judge::judge;
use crate::plan::Order;
use crate::trace::{Event, Trace};
use crate::view::of;

const MESSAGES: u32 = 1_000_000;

/// All numbers in an order that nothing folds.
fn shuffled() -> Vec<u32> {
    let mut numbers: Vec<u32> = (0..MESSAGES).collect();
    let mut state = 1u64;
    for at in (1..numbers.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        numbers.swap(at, (state >> 33) as usize % (at + 1));
    }
    numbers
}

/// What this thread has had of a processor: a busy machine does not disturb it.
fn cpu() -> Duration {
    let seen = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(seen.split(' ').next().unwrap().parse().unwrap())
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let begin = cpu();
    let done = work();
    (cpu().saturating_sub(begin), done)
}

fn measure(name: &str, order: Order, trace: &Trace) {
    let mut plan = plan(MESSAGES);
    plan.snapshot.order = order;
    let (judged, findings) = timed(|| judge(&plan, trace));
    let (seen, view) = timed(|| of(&plan, trace, &findings));
    let (written, text) = timed(|| view.text());
    let lines = text.lines().count();
    println!("{name:32} judge {judged:?}, view {seen:?}, text {written:?} ({lines} lines)");
}

#[test]
#[ignore = "a measurement"]
fn a_million_messages() {
    let answered = |order: &[u32]| -> Vec<Event> {
        let mut at = vec![0; order.len()];
        order.iter().zip(0..).for_each(|(message, offset)| at[*message as usize] = offset);
        order.iter().map(|message| ok(*message, at[*message as usize])).collect()
    };
    let rising: Vec<u32> = (0..MESSAGES).collect();
    let falling: Vec<u32> = rising.iter().rev().copied().collect();
    let random = shuffled();
    for (name, order) in [("in order", &rising), ("reversed", &falling), ("random", &random)] {
        let events: Vec<_> = sends(0..MESSAGES).into_iter().chain(answered(order)).collect();
        let trace = trace(events, &[&records(order.iter().copied())]);
        measure(name, Order::Lanes, &trace);
    }
    let mut events = sends(0..MESSAGES);
    events.extend(random.iter().map(|message| ok(*message, i64::from(*message))));
    let held = records(0..MESSAGES);
    measure("callbacks in random order", Order::Lanes, &trace(events, &[&held]));
    let turns = (0..MESSAGES).flat_map(|m| sends([m]).into_iter().chain([ok(m, i64::from(m))]));
    measure("one at a time", Order::Total, &trace(turns, &[&held]));
    let turns =
        random.iter().zip(0..).flat_map(|(r, m)| sends([m]).into_iter().chain([ok(*r, i64::from(*r))]));
    measure("random in total", Order::Total, &trace(turns, &[&held]));
    let lost = sends(0..MESSAGES).into_iter().chain((0..MESSAGES).map(|m| ok(m, i64::from(m))));
    measure("all lost", Order::Lanes, &trace(lost, &[&[]]));
    let twice = records((0..MESSAGES).chain(0..MESSAGES));
    measure("all twice", Order::Lanes, &trace(sends(0..MESSAGES), &[&twice]));
}
