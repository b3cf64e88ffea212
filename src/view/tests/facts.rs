//! No two single facts of a lane have the same text.

use std::collections::HashMap;
use std::time::Duration;

use super::single;
use crate::fault::{AfterClose, Condition};
use crate::id::{BrokerId, FaultIndex, Offset, Partition, ProducerIndex, TopicIndex, TopicPartition};
use crate::judge::Which;
use crate::judge::fixture::{add_producer, add_step, add_topic, code_of, plan};
use crate::plan::{Action, AnomalyKind, ClusterStep, GroupOffset, LinkStep, Plan, Purge, TransactionCall};
use crate::view::block::Names;
use crate::view::folded::Head;
use crate::view::line::{End, Shape, Shown, Spot, Stand, Step, Track, What};

/// Names that look like what may stand beside them.
const TOPICS: [&str; 10] =
    ["a", "a[0]", "0", "i", "step", "a b", "a\"", "a\\", "sent to a[0]", "\u{2192} written"];
const PRODUCERS: [&str; 13] = [
    "p",
    "7",
    "i",
    "step",
    "skipped",
    "timed_out 1",
    "unfinished",
    "p a[0]",
    "err",
    "ok",
    "expired",
    "unknown",
    "queue",
];

fn names() -> Names {
    let mut plan = plan(0);
    plan.topics.clear();
    plan.producers.clear();
    for name in TOPICS {
        add_topic(&mut plan, name, 2);
    }
    for name in PRODUCERS {
        add_producer(&mut plan, name);
    }
    for (group, producer, topic) in (0..8).map(|n| (["g", "ok"][n % 2], [0, 4][n / 2 % 2], [1, 2][n / 4])) {
        let offset = GroupOffset {
            group: group.into(),
            topic: TopicIndex(topic),
            partition: Partition(0),
            offset: Offset(7),
        };
        let (producer, call) = (ProducerIndex(producer), TransactionCall::SendOffsets(offset));
        add_step(&mut plan, Action::Transaction { producer, call, within: Duration::ZERO });
    }
    let partition = TopicPartition { topic: TopicIndex(4), partition: Partition(1) };
    let (two, later) = (BrokerId(2), Duration::from_millis(90_000_000 + 61_001));
    let steps = [
        ClusterStep::Stop(two),
        ClusterStep::Start(two),
        ClusterStep::Restart(two),
        ClusterStep::Kill(two),
        ClusterStep::Lead { partition, to: two, unclean: false },
        ClusterStep::Lead { partition, to: two, unclean: true },
        ClusterStep::InSync { partition, replicas: vec![two] },
        ClusterStep::InSync { partition, replicas: vec![two, BrokerId(1)] },
        ClusterStep::Hold { partition, replica: two },
        ClusterStep::Resume,
        ClusterStep::DeleteTopic(TopicIndex(4)),
        ClusterStep::RecreateTopic(TopicIndex(4)),
        ClusterStep::GrowTopic { topic: TopicIndex(4), partitions: 2 },
        ClusterStep::AdvanceClock(later),
        ClusterStep::MoveCoordinator { transactional_id: "ok 1".into(), to: two },
    ];
    for step in steps {
        add_step(&mut plan, Action::Cluster(step));
    }
    link_steps(&mut plan);
    Names::of(&plan)
}

/// Steps about faults and the network, waits and purges; how many they are is [`LINKED`].
fn link_steps(plan: &mut Plan) {
    let lose = AfterClose::Lose;
    let whole =
        |to_broker, to_client, broker, after_heal| LinkStep::Cut { to_broker, to_client, broker, after_heal };
    let steps = [
        LinkStep::Arm(FaultIndex(0)),
        LinkStep::Release(FaultIndex(0)),
        LinkStep::Release(FaultIndex(1)),
        LinkStep::Heal,
        whole(true, true, None, AfterClose::Deliver),
        whole(true, false, None, AfterClose::Deliver),
        whole(false, true, Some(BrokerId(2)), AfterClose::Deliver),
        whole(false, true, Some(BrokerId(2)), lose),
        LinkStep::Disconnect { producer: None, broker: None },
        LinkStep::Disconnect { producer: Some(ProducerIndex(9)), broker: None },
        LinkStep::Disconnect { producer: Some(ProducerIndex(9)), broker: Some(BrokerId(2)) },
        LinkStep::Disconnect { producer: None, broker: Some(BrokerId(2)) },
    ];
    for name in ["ok", "ok skipped"] {
        let yaml = format!("topic: t\ncount: 1\nfaults: [{{name: {name}, on: produce, do: drop_request}}]\n");
        plan.faults.extend(crate::judge::fixture::scenario(&yaml).faults);
    }
    for step in steps {
        add_step(plan, Action::Link(step));
    }
    let waits = [
        Condition::Sent(3),
        Condition::Callbacks(3),
        Condition::Fired(FaultIndex(1)),
        Condition::All(vec![Condition::Sent(3), Condition::Quiet(Duration::from_millis(3))]),
        Condition::Any(vec![Condition::Sent(3), Condition::Quiet(Duration::from_millis(3))]),
        Condition::All(Vec::new()),
    ];
    for condition in waits {
        add_step(plan, Action::Wait { condition, within: Duration::ZERO });
    }
    for (queue, in_flight) in [(true, false), (false, true), (true, true)] {
        for producer in [ProducerIndex(0), ProducerIndex(12)] {
            add_step(plan, Action::Purge { producer, what: Purge { queue, in_flight } });
        }
    }
}

/// How many steps [`link_steps`] adds.
const LINKED: u32 = 12 + 6 + 6;

fn topics() -> impl Iterator<Item = TopicIndex> + Clone {
    (0..10).map(TopicIndex)
}

fn producers() -> impl Iterator<Item = ProducerIndex> + Clone {
    (0..13).map(ProducerIndex)
}

const WHICH: [Which; 4] = [Which::All, Which::Unknown, Which::One(Partition(0)), Which::One(Partition(1))];

/// With how many numbers it is shown.
type Fact = (What, usize);

#[track_caller]
fn all_differ(facts: impl IntoIterator<Item = Fact>) {
    let names = names();
    let mut seen = HashMap::new();
    for (what, numbers) in facts {
        for bits in 0..1 << (numbers + 1) {
            let at = [0, 1, 2].map(|n| i64::from(n < numbers && bits & (1 << n) != 0) * 7);
            let again = if numbers == 0 { 0 } else { u16::from(bits & (1 << numbers) != 0) };
            let head = Head { what, again, count: 1, step: [0; 3] };
            let text = single(&names, head, at);
            assert!(!text.contains('\n') && !text.starts_with(' ') && !text.ends_with(' '), "{text:?}");
            if let Some(other) = seen.insert(text.clone(), (what, again, at)) {
                assert_eq!(other, (what, again, at), "both are shown as {text:?}");
            }
        }
    }
    assert!(seen.len() > 10);
}

/// Calls and steps.
fn calls() -> Vec<Fact> {
    let codes = [code_of("expired"), code_of("queue_full"), code_of("MESSAGE_TOO_LARGE")];
    let mut all = vec![(What::Send, 1), (What::NotSent, 1), (What::Timeout, 1)];
    all.extend([(What::Together(2), 1), (What::Together(7), 1)]);
    all.extend(codes.map(|code| (What::SendFailed(code), 1)));
    // A plan of one producer does not name it; that of another plan may not look as if it was none.
    let whose = producers().map(Some).chain([None]);
    let named = whose
        .flat_map(|whose| [Step::Flush(whose), Step::Close(whose), Step::Open(whose), Step::Begin(whose)]);
    let asked =
        producers().map(Some).chain([None]).flat_map(|whose| [Step::Commit(whose), Step::Abort(whose)]);
    let told = (0..8 + 15 + LINKED).map(Step::Told);
    for step in
        [Step::WaitCallbacks, Step::Exit, Step::Stop].into_iter().chain(named).chain(asked).chain(told)
    {
        all.extend([End::Skipped, End::Unfinished, End::Unknown].map(|end| (What::Step(step, end), 0)));
        all.extend(codes.map(|code| (What::Step(step, End::Failed(code)), 0)));
        // Of what may fail it is said that it has not.
        let end = if matches!(step, Step::Commit(_) | Step::Abort(_)) { End::Ok } else { End::Done };
        all.push((What::Step(step, end), 0));
        all.push((What::Step(step, End::TimedOut), 0));
    }
    all
}

#[test]
fn of_a_timeline() {
    let mut all = calls();
    for late in [false, true] {
        all.extend([code_of("expired"), code_of("fatal")].map(|code| (What::Err { late, code }, 1)));
        for producer in producers().map(Some).chain([None]) {
            for (topic, partition) in topics().flat_map(|topic| WHICH.map(|which| (topic, which))) {
                let place = Some(Track { producer, whole: false, topic, partition, thread: None });
                all.push((What::Ok { late, place, offset: Shown::Known }, 2));
                all.push((What::Ok { late, place, offset: Shown::Unknown }, 1));
                all.push((What::Ok { late, place, offset: Shown::Hidden }, 1));
            }
        }
    }
    let whose = producers().map(Some).chain([None]);
    all.extend(whose.map(|producer| (What::Fatal(producer, code_of("fenced")), 0)));
    all_differ(all);
}

#[test]
fn of_lanes() {
    all_differ(calls());
    let offsets = [(Shown::Known, 2), (Shown::Unknown, 1), (Shown::Hidden, 1)];
    all_differ([false, true].into_iter().flat_map(|late| {
        let oks = offsets.map(|(offset, numbers)| (What::Ok { late, place: None, offset }, numbers));
        let errs = [code_of("expired"), code_of("CORRUPT_MESSAGE")];
        oks.into_iter().chain(errs.map(|code| (What::Err { late, code }, 1)))
    }));
}

/// A place of the lane's own, others, and others without an offset.
fn spots() -> Vec<Spot> {
    let own = Spot { partition: None, offset: true };
    let others = topics().flat_map(|topic| WHICH.map(|which| Some((topic, which))));
    let others = others.flat_map(|partition| [true, false].map(|offset| Spot { partition, offset }));
    std::iter::once(own).chain(others).collect()
}

fn numbers(spot: Spot) -> usize {
    usize::from(spot.offset)
}

#[test]
fn of_outcomes() {
    let mut all = Vec::new();
    all.push((What::CutOff(Stand::Nowhere), 1));
    for first in spots() {
        all.push((What::CutOff(Stand::Once(first)), 1 + numbers(first)));
        let own = Spot { partition: None, offset: true };
        all.push((What::CutOff(Stand::Twice(own, first)), 2 + numbers(first)));
    }
    for code in [None, Some(code_of("expired")), Some(code_of("REQUEST_TIMED_OUT"))] {
        all.push((What::Unknown(code, Stand::Nowhere), 1));
        for first in spots() {
            all.push((What::Unknown(code, Stand::Once(first)), 1 + numbers(first)));
            let own = Spot { partition: None, offset: true };
            all.push((What::Unknown(code, Stand::Twice(own, first)), 2 + numbers(first)));
        }
    }
    all_differ(all);
}

#[test]
fn of_anomalies() {
    let mut all = Vec::new();
    for kind in AnomalyKind::ALL {
        let mut shapes = vec![(Shape::Alone, 1)];
        for again in 0..2 {
            shapes.extend([(Shape::After(again), 2), (Shape::With(again), 1)]);
        }
        for spot in spots() {
            let with = 1 + numbers(spot);
            shapes.extend([(Shape::Once(spot), with), (Shape::SaidNothing(spot), with)]);
            shapes.push((Shape::SaidForeign(spot), with));
            shapes.push((Shape::Instead(spot, (TopicIndex(1), Which::Unknown)), with));
            shapes.push((Shape::Instead(spot, (TopicIndex(8), Which::One(Partition(1)))), with));
            let own = Spot { partition: None, offset: true };
            shapes.push((Shape::Twice(own, spot), 1 + with));
            for again in (0..2).filter(|_| spot.offset) {
                shapes.push((Shape::CopyAfter(spot, again), 3));
                shapes.push((Shape::SaidRecord(spot, again), 3));
            }
        }
        all.extend(shapes.into_iter().map(|(shape, numbers)| (What::Anomaly(*kind, shape), numbers)));
    }
    all_differ(all);
}
