//! Small runs as tables.

use kafka_protocol::messages::ApiKey;

use super::*;
use crate::id::{BrokerId, Partition, ProducerIndex, TopicIndex};
use crate::judge::fixture::{ok, plan, records, sends, set_of};
use crate::judge::judge;
use crate::kafka::ErrorCode;
use crate::trace::{Answer, Event, Passed, PassedRow, Trace};

/// So many are sent, then acknowledged, and these stand in the log.
fn run(count: u32, log: &[u32]) -> Trace {
    let acknowledged = (0..count).map(|number| ok(number, i64::from(number)));
    let events: Vec<Event> = sends(0..count).into_iter().chain(acknowledged).collect();
    crate::judge::fixture::trace(events, &[&records(log.iter().copied())])
}

/// A request that came and was answered when so many facts were there.
fn request(messages: &[u32], answer: Answer, came: (u64, u64), answered: (u64, u64)) -> Passed {
    let row = PassedRow {
        topic: Some(TopicIndex(0)),
        partition: Some(Partition(0)),
        submissions: set_of(messages.iter().copied()),
        records: u32::try_from(messages.len()).unwrap(),
        attempt: 1,
        answer,
        ..PassedRow::default()
    };
    let at = |(facts, seen)| Moment { facts, seen };
    Passed {
        connection: 0,
        producer: ProducerIndex(0),
        broker: BrokerId(1),
        api: Some(ApiKey::Produce),
        version: 9,
        rows: vec![row],
        touched: None,
        came: at(came),
        answered: Some(at(answered)),
    }
}

const OK: Answer = Answer::Code(ErrorCode::NONE);

fn lines(count: u32, trace: &Trace) -> Vec<String> {
    let plan = plan(count);
    let table = timeline(&plan, trace, &judge(&plan, trace));
    let row = |row: &Row| {
        let cells: Vec<_> =
            row.cells.iter().map(|(column, cell)| format!("{column}: {}", cell.text)).collect();
        cells.join(" | ")
    };
    table.rows.iter().map(row).collect()
}

#[test]
fn what_happens_at_once_is_one_row_and_neighbours_fold() {
    let mut trace = run(3, &[0, 1, 2]);
    trace.link.passed = vec![request(&[0, 1, 2], OK, (6, 1), (6, 2))];
    assert_eq!(lines(3, &trace), ["0: send 0..2", "1: 0..2 → ok | 2: 0..2 @0..2", "0: ok 0..2 @0..2"]);
}

#[test]
fn a_request_has_two_rows_where_something_is_between() {
    let mut trace = run(2, &[0, 1]);
    trace.link.passed = vec![request(&[0], OK, (2, 1), (4, 3)), request(&[1], OK, (4, 2), (4, 4))];
    assert_eq!(
        lines(2, &trace),
        [
            "0: send 0",
            "1: 0 →",
            "0: send 1",
            "1: 1 →",
            "1: ← 0 ok | 2: 0 @0",
            "1: ← 1 ok | 2: 1 @1",
            "0: ok 0..1 @0..1"
        ]
    );
}

#[test]
fn what_is_not_shown_is_not_between() {
    let mut trace = run(1, &[0]);
    trace.link.passed = vec![request(&[0], OK, (1, 1), (2, 2))];
    let why = "that the call has returned in between is up to the machine";
    assert_eq!(lines(1, &trace), ["0: send 0", "1: 0 → ok | 2: 0 @0", "0: ok 0 @0"], "{why}");
}

#[test]
fn a_copy_stands_beside_the_request_that_may_have_written_it() {
    let refused = Answer::Code(ErrorCode::CORRUPT_MESSAGE);
    let mut trace = run(1, &[0, 0]);
    trace.link.passed = vec![
        request(&[0], refused, (2, 1), (2, 2)),
        request(&[0], Answer::Closed, (2, 3), (2, 4)),
        request(&[0], OK, (2, 5), (2, 6)),
    ];
    assert_eq!(
        lines(1, &trace),
        [
            "0: send 0",
            "1: 0 → CORRUPT_MESSAGE",
            "1: 0 → closed | 2: 0 @0",
            "1: 0 → ok | 2: 0 @1",
            "0: ok 0 @0"
        ]
    );
}

#[test]
fn a_record_stands_no_later_than_what_is_behind_it() {
    let mut trace = run(2, &[0, 1]);
    trace.link.passed = vec![request(&[0], OK, (4, 1), (5, 4)), request(&[1], OK, (4, 2), (4, 3))];
    assert_eq!(
        lines(2, &trace),
        ["0: send 0..1", "1: 0 →", "1: 1 → ok | 2: 0..1 @0..1", "0: ok 0 @0", "1: ← 0 ok", "0: ok 1 @1"]
    );
}

#[test]
fn without_a_link_records_stand_at_the_end() {
    assert_eq!(lines(2, &run(2, &[0, 1])), ["0: send 0..1", "0: ok 0..1 @0..1", "2: 0..1 @0..1"]);
}

#[test]
fn the_tone_is_that_of_the_outcome() {
    let events: Vec<Event> = sends(0..2).into_iter().chain([ok(0, 0)]).collect();
    let (plan, trace) = (plan(2), crate::judge::fixture::trace(events, &[&records([0])]));
    let table = timeline(&plan, &trace, &judge(&plan, &trace));
    let cells = table.rows.iter().flat_map(|row| &row.cells);
    let tones: Vec<_> = cells.map(|(_, cell)| (cell.text.as_str(), cell.tone)).collect();
    assert_eq!(
        tones,
        [("send 0", Tone::Good), ("send 1", Tone::Open), ("ok 0 @0", Tone::Good), ("0 @0", Tone::Good)]
    );
}

#[test]
fn what_threads_send_together_says_which_of_them() {
    let mut plan = plan(2);
    plan.batches[0].threads = 2;
    let trace = run(2, &[0, 1]);
    let table = timeline(&plan, &trace, &judge(&plan, &trace));
    let texts: Vec<_> =
        table.rows.iter().flat_map(|row| &row.cells).map(|(_, cell)| cell.text.as_str()).collect();
    assert_eq!(texts, ["send 0 by thread 0", "send 1 by thread 1", "ok 0..1 @0..1", "0..1 @0..1"]);
}
