//! Whole views, read back from their text.

use proptest::prelude::*;

use super::{reader, unfolded};
use crate::judge::judge;
use crate::judge::tests::random::{some_plan, some_trace};
use crate::plan::{Callbacks, Mode, Order, Plan};
use crate::trace::Trace;
use crate::view::{View, of};

/// Names with everything in them that a text is made of.
fn name() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a", "0", "..", "[0]", "@", "?", "×", " ", "  ", "\n", "\"", "\\", "·", "→", ", ", "step", "ok", "i",
        "我", "'", "\u{202e}", "*",
    ]);
    prop_oneof![
        3 => prop::sample::select(vec!["orders", "test-2", "p", "step", "2024"]).prop_map(String::from),
        2 => prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat()),
    ]
}

/// A plan with any way of being shown.
fn shown_plan() -> impl Strategy<Value = Plan> {
    let modes = prop::collection::vec(any::<bool>(), 8);
    let threads = prop::collection::vec(prop_oneof![2 => Just(1u32), 1 => 2u32..4], 8);
    (some_plan(), [name(), name()], [name(), name()], any::<[bool; 4]>(), (modes, threads)).prop_map(
        |(mut plan, topics, producers, [total, any, on_wait, alone], (modes, threads))| {
            for (topic, name) in plan.topics.iter_mut().zip(topics) {
                topic.name = name.into();
            }
            for (producer, name) in plan.producers.iter_mut().zip(producers) {
                producer.name = name.into();
            }
            plan.snapshot.order = if total { Order::Total } else { Order::Lanes };
            plan.snapshot.any_partition = any && !total;
            plan.snapshot.max_lines = u32::MAX;
            plan.callbacks = if on_wait { Callbacks::OnWait } else { Callbacks::Background };
            for (batch, threads) in plan.batches.iter_mut().zip(threads) {
                batch.threads = threads.min(batch.count.max(1));
            }
            for (step, sync) in plan.steps.iter_mut().zip(modes) {
                if let crate::plan::Action::Send { mode, .. } = &mut step.action {
                    *mode = if sync { Mode::Sync } else { Mode::Async };
                }
            }
            if alone {
                plan.producers.truncate(1);
                for batch in &mut plan.batches {
                    batch.producer = crate::id::ProducerIndex(0);
                }
            }
            plan
        },
    )
}

/// What a view says, every fold undone.
fn said(view: &View) -> Vec<reader::Block> {
    let block = |block: &crate::view::block::Block| {
        let lane = |lane: &crate::view::block::Lane| {
            (lane.label.clone(), unfolded(&view.names, block.name, &lane.folded))
        };
        (block.name.to_owned(), block.lanes.iter().map(lane).collect())
    };
    view.blocks.iter().map(block).collect()
}

fn view(plan: &Plan, trace: &Trace) -> View {
    of(plan, trace, &judge(plan, trace))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn a_text_says_what_its_view_says(plan in shown_plan(), trace in some_trace()) {
        let view = view(&plan, &trace);
        let text = view.text();
        prop_assert_eq!(reader::view(&text), said(&view), "{}", text);
        prop_assert!(!text.ends_with('\n'));
        prop_assert!(text.lines().all(|line| !line.ends_with(' ')), "{:?}", text);
    }

    /// What was just read back, the other way round, with views that are almost the same.
    #[test]
    fn views_that_differ_read_differently(plan in shown_plan(), one in some_trace(), other in some_trace()) {
        let mixed = Trace { events: one.events.clone(), ..other.clone() };
        for (a, b) in [(&one, &other), (&one, &mixed), (&mixed, &other)] {
            let (a, b) = (view(&plan, a), view(&plan, b));
            prop_assert_eq!(said(&a) == said(&b), a.text() == b.text());
        }
    }
}
