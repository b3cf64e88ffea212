//! What passed between the producers and the brokers, and faults.

use std::sync::Arc;

use kafka_protocol::messages::ApiKey;
use proptest::prelude::*;

use super::reader;
use crate::fault::{Action, ApiFilter, Filter, Firing, Rule, Times};
use crate::id::{BrokerId, FaultIndex, Partition, ProducerIndex, TopicIndex};
use crate::judge::fixture::{add_batch, add_producer, add_topic, plan, records, sends, set_of, trace};
use crate::judge::judge;
use crate::kafka::ErrorCode;
use crate::plan::{Mode, Plan};
use crate::source::Span;
use crate::trace::{Answer, Linked, Moment, Passed, PassedRow, Sequenced, Taken, Touched, Trace};
use crate::view::block::Names;
use crate::view::of;
use crate::view::select::requests::Line;

fn rule(name: &str, api: ApiKey) -> Rule {
    let on = Filter {
        api: ApiFilter::Api(api),
        topic: None,
        partition: None,
        submissions: None,
        attempt: None,
        producer: None,
        broker: None,
        nth: None,
    };
    let firings = vec![Firing { action: Action::DropRequest, hold: None }];
    let (name, times) = (Arc::from(name), Times::Exactly(1));
    Rule { name, on, firings, skip: 0, times, armed: true, span: Span::default() }
}

/// A plan of faults with such names, which shows requests and nothing else.
fn shown(faults: &[&str]) -> Plan {
    let mut plan = plan(0);
    plan.faults = faults.iter().map(|name| rule(name, ApiKey::Produce)).collect();
    plan.snapshot.requests = true;
    plan
}

fn produce(messages: &[u32], connection: u32, (epoch, sequence): (i16, i32), answer: Answer) -> Passed {
    let row = PassedRow {
        topic: Some(TopicIndex(0)),
        partition: Some(Partition(0)),
        sequenced: Some(Sequenced { producer_id: 4000, epoch, sequence }),
        submissions: set_of(messages.iter().copied()),
        records: u32::try_from(messages.len()).unwrap(),
        attempt: 1,
        touched: false,
        answer,
    };
    let (producer, broker) = (ProducerIndex(0), BrokerId(1));
    Passed {
        connection,
        producer,
        broker,
        api: Some(ApiKey::Produce),
        version: 9,
        rows: vec![row],
        touched: None,
        came: Moment::default(),
        answered: None,
    }
}

fn touched(mut passed: Passed, fault: u16, attempt: u32) -> Passed {
    passed.touched = Some(Touched { fault: FaultIndex(fault), firing: 1 });
    for row in &mut passed.rows {
        row.touched = true;
        row.attempt = attempt;
    }
    passed
}

fn text(plan: &Plan, passed: Vec<Passed>, fired: &[u32]) -> String {
    let taken = fired.iter().map(|fired| Taken { fired: *fired, ..Taken::default() });
    let link = Linked { passed, taken: taken.collect(), ..Linked::default() };
    let trace = Trace { link, ..trace([], &[]) };
    of(plan, &trace, &judge(plan, &trace)).text()
}

const OK: Answer = Answer::Code(ErrorCode::NONE);

#[test]
fn requests_stand_in_the_order_of_sending_with_their_answers() {
    let plan = shown(&["a lost acknowledgement", "other"]);
    let passed = vec![
        produce(&[0, 1, 2], 3, (7, 0), OK),
        touched(produce(&[3], 3, (7, 3), Answer::Closed), 0, 1),
        touched(produce(&[3], 5, (7, 3), Answer::Code(ErrorCode::CORRUPT_MESSAGE)), 1, 2),
        produce(&[3, 5], 5, (8, 0), Answer::Silent),
    ];
    let expected = "\
requests  test2[0]  0..2 epoch 0 seq 0 → ok
                    3 epoch 0 seq 3 → closed ! a lost acknowledgement
                    3 epoch 0 seq 3 attempt 2 connection 2 → CORRUPT_MESSAGE ! other
                    3 5 epoch 1 seq 0 → nothing
faults  a lost acknowledgement: fired 1
        other: fired 12";
    assert_eq!(text(&plan, passed, &[1, 12]), expected);
}

#[test]
fn how_often_a_busy_coordinator_is_asked_is_not_shown() {
    let plan = shown(&["busy"]);
    let busy = Answer::Code(ErrorCode::CONCURRENT_TRANSACTIONS);
    let end =
        |connection, answer| Passed { api: Some(ApiKey::EndTxn), ..produce(&[], connection, (7, 0), answer) };
    let passed = vec![touched(end(3, busy), 0, 1), end(5, busy), end(5, busy), end(5, OK)];
    let expected = "\
requests  transactions  end_txn test2[0] epoch 0 → CONCURRENT_TRANSACTIONS ! busy
                        end_txn test2[0] epoch 0 connection 2 → ok
faults  busy: fired 1";
    assert_eq!(text(&plan, passed, &[1]), expected);
}

#[test]
fn other_requests_are_shown_where_a_fault_touched_them() {
    let mut plan = shown(&[]);
    let other = |api: ApiKey, touched: Option<Touched>| Passed {
        api: Some(api),
        touched,
        rows: vec![PassedRow {
            topic: Some(TopicIndex(0)),
            answer: OK,
            touched: touched.is_some(),
            ..PassedRow::default()
        }],
        ..produce(&[], 0, (0, 0), OK)
    };
    let fault = Some(Touched { fault: FaultIndex(0), firing: 1 });
    let passed = |metadata| {
        let others = [ApiKey::EndTxn, ApiKey::ApiVersions].map(|api| other(api, None));
        [&others[..], &[other(ApiKey::Metadata, metadata), produce(&[], 0, (0, 0), OK)]].concat()
    };
    let expected =
        "requests  test2[0]      epoch 0 seq 0 → ok\n          transactions  end_txn test2[*] → ok";
    assert_eq!(text(&plan, passed(None), &[]), expected);
    plan.faults = vec![rule("m", ApiKey::Metadata)];
    assert_eq!(text(&plan, passed(None), &[0]), format!("{expected}\nfaults  m: fired 0"));
    let shown = format!("{expected}\n          metadata      test2[*] → ok ! m\nfaults  m: fired 1");
    assert_eq!(text(&plan, passed(fault), &[1]), shown);
    // One that need not fire may do so as often as the client asks, which is no matter of the scenario.
    plan.faults[0].times = Times::AtMost(9);
    for fired in [0, 1, 2] {
        let shown = format!("{expected}\nfaults  m: at most 9");
        assert_eq!(text(&plan, passed(fault), &[fired]), shown);
    }
}

/// Names with everything in them that a line is made of.
fn name() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "0",
        " ",
        "  ",
        "! ",
        ": fired 1",
        "→ ok",
        "\"",
        "\\",
        "\u{202e}",
        "connection 2",
        "\n",
        "我",
    ]);
    prop::collection::vec(piece, 1..4).prop_map(|pieces| pieces.concat())
}

fn names() -> impl Strategy<Value = Plan> {
    (prop::collection::vec(name(), 2), prop::collection::hash_set(name(), 3)).prop_map(|(topics, faults)| {
        let faults: Vec<&str> = faults.iter().map(String::as_str).collect();
        let mut plan = shown(&faults);
        for topic in &topics {
            add_topic(&mut plan, topic, 2);
        }
        add_producer(&mut plan, "other");
        plan
    })
}

fn line() -> impl Strategy<Value = Line> {
    let answers = vec![
        OK,
        Answer::Code(ErrorCode::CORRUPT_MESSAGE),
        Answer::Code(ErrorCode(999)),
        Answer::Silent,
        Answer::Unowed,
        Answer::Closed,
        Answer::Left,
    ];
    let carries =
        (prop::collection::vec(0u32..4, 0..3), 0u32..2).prop_map(|(known, unknown)| (set_of(known), unknown));
    (
        prop::option::of(prop::sample::select(vec!["end_txn", "init_producer_id"])),
        prop::option::of(
            (0u16..2, prop::option::of(0i32..2)).prop_map(|(t, p)| (TopicIndex(t), p.map(Partition))),
        ),
        prop::option::of(carries),
        prop::option::of((0i64..2, prop::option::of(0i64..2))),
        [prop::option::of(2u32..4), prop::option::of(2u32..4), prop::option::of(2u32..4)],
        prop::sample::select(answers),
        prop::option::of((0u16..3).prop_map(FaultIndex)),
    )
        .prop_map(|(api, about, carries, sequenced, [attempt, connection, id], answer, fault)| Line {
            api,
            about,
            // A request that carries nothing is the same as one that can carry nothing: a lane has one of both.
            carries: carries.filter(|(known, unknown)| !known.is_empty() || *unknown > 0),
            sequenced,
            attempt,
            connection: connection.map(|number| number as usize),
            id: id.map(|number| number as usize),
            answer,
            fault,
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn lines_that_differ_read_differently(plan in names(), a in line(), b in line()) {
        let names = Names::of(&plan);
        let one = |line: &Line| line.text(&names);
        prop_assert_eq!(a == b, one(&a) == one(&b), "{}", one(&a));
        // One fact alone made otherwise.
        let changed = [
            Line { fault: b.fault, ..a.clone() },
            Line { answer: b.answer, ..a.clone() },
            Line { connection: b.connection, ..a.clone() },
            Line { carries: b.carries.clone(), ..a.clone() },
            Line { sequenced: b.sequenced, ..a.clone() },
            Line { about: b.about, ..a.clone() },
        ];
        for other in changed {
            prop_assert_eq!(a == other, one(&a) == one(&other), "{}", one(&a));
        }
    }

    #[test]
    fn a_block_is_read_back(plan in names(), fired in prop::collection::vec(0u32..3, 3), count in 0u32..4) {
        let passed: Vec<_> =
            (0..count).map(|n| touched(produce(&[n], n, (0, 0), Answer::Left), u16::try_from(n % 3).unwrap(), n)).collect();
        let text = text(&plan, passed, &fired);
        let read = reader::view(&text);
        let lane = |name: &str| read.iter().filter(|block| block.0 == name).flat_map(|block| block.1.iter().map(|lane| lane.1.len())).sum::<usize>();
        prop_assert_eq!((lane("requests"), lane("faults")), (count as usize, 3), "{}", text);
        let names = Names::of(&plan);
        let said: Vec<_> = fired.iter().zip(0..).map(|(fired, at)| format!("{}: fired {fired}", names.fault(FaultIndex(at)))).collect();
        let faults = read.iter().find(|block| block.0 == "faults").map(|block| block.1[0].1.clone());
        prop_assert_eq!(faults, Some(said));
    }
}

#[test]
fn requests_of_threads_stand_apart_and_name_no_sequence() {
    let mut plan = Plan { faults: Vec::new(), ..shown(&[]) };
    add_batch(&mut plan, 4, 0, Mode::Async);
    plan.batches[1].threads = 2;
    let passed =
        |message: u32, sequence| produce(&[message], 1, (0, sequence), Answer::Code(ErrorCode::NONE));
    for order in [[0, 1, 2, 3], [1, 3, 0, 2]] {
        let mut trace = trace([], &[&records(order)]);
        trace.link.passed =
            order.into_iter().zip(0..).map(|(message, place)| passed(message, place)).collect();
        trace.events.extend(sends(order));
        plan.snapshot.sends = false;
        plan.snapshot.log = false;
        let text = of(&plan, &trace, &judge(&plan, &trace)).text();
        let lines: Vec<_> =
            text.lines().filter(|line| line.contains('→') && line.contains("epoch")).collect();
        assert_eq!(
            lines,
            [
                "requests  test2[0] thread 0  0 epoch 0 → ok",
                "                             2 epoch 0 → ok",
                "          test2[0] thread 1  1 epoch 0 → ok",
                "                             3 epoch 0 → ok",
            ]
        );
    }
}
