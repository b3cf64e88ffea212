//! Small plans and traces of every kind.

use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::id::{MessageId, Offset, Partition, ProducerIndex, Submission, TopicIndex};
use crate::judge::fixture::{add_batch, add_producer, add_step, add_topic, code_of, log, plan, set};
use crate::plan::{Action, Mode, Plan, Step, TransactionCall};
use crate::trace::{
    Callback, Client, Content, Ending, Event, Failure, Fate, Linked, LogMarker, LogRecord, PartitionLog,
    Persistence, StepEnd, Trace,
};

const MESSAGES: u32 = 8;

/// So many steps of a plan may be about transactions.
const CALLS: usize = 8;

/// Two producers, with or without acks, and two topics of two partitions; eight messages in up to four batches, and
/// between them anything about transactions.
pub(crate) fn some_plan() -> impl Strategy<Value = Plan> {
    let batches = prop::collection::vec((1..=MESSAGES, 0u16..2, 0u16..2), 1..4);
    let call = prop_oneof![
        2 => Just(TransactionCall::Begin),
        1 => Just(TransactionCall::Commit),
        1 => any::<bool>().prop_map(|flush| TransactionCall::Abort { flush }),
    ];
    let calls = prop::collection::vec((0u16..2, call, any::<prop::sample::Index>()), 0..=CALLS);
    (plain_plan(batches), calls).prop_map(|(mut plan, calls)| {
        for (producer, call, at) in calls {
            let within = std::time::Duration::ZERO;
            let producer = ProducerIndex(producer);
            let step =
                Step { action: Action::Transaction { producer, call, within }, ..plan.steps[0].clone() };
            // The first two steps are closes, which events name.
            plan.steps.insert(2 + at.index(plan.steps.len() - 1), step);
        }
        plan
    })
}

fn plain_plan(batches: impl Strategy<Value = Vec<(u32, u16, u16)>>) -> impl Strategy<Value = Plan> {
    (batches, any::<[bool; 2]>()).prop_map(|(batches, without_acks)| {
        let mut plan = plan(0);
        plan.batches.clear();
        plan.steps.clear();
        plan.topics.clear();
        plan.producers.clear();
        for (at, without) in without_acks.into_iter().enumerate() {
            add_producer(&mut plan, &format!("p{at}"));
            set(
                &mut plan,
                if at == 0 { "acks" } else { "request.required.acks" },
                if without { "0" } else { "all" },
            );
            let producer = ProducerIndex(u16::try_from(at).unwrap());
            add_step(
                &mut plan,
                Action::Close {
                    producer,
                    within: Some(std::time::Duration::ZERO),
                    purge: crate::plan::Purge::default(),
                },
            );
        }
        let mut left = MESSAGES;
        for (count, producer, topic) in batches {
            let count = count.min(left);
            left -= count;
            while plan.topics.len() < 2 {
                add_topic(&mut plan, "t", 2);
            }
            add_batch(&mut plan, count, producer, Mode::Async);
            plan.batches.last_mut().unwrap().topic = TopicIndex(topic);
        }
        add_batch(&mut plan, left, 0, Mode::Async);
        plan
    })
}

fn submission() -> impl Strategy<Value = Submission> {
    let again = prop_oneof![5 => Just(0u16), 1 => 1u16..3];
    (0..MESSAGES, again).prop_map(|(message, again)| Submission { message: MessageId(message), again })
}

fn callback() -> impl Strategy<Value = Event> {
    let result = prop_oneof![
        3 => Just(Ok(())),
        1 => Just(Err(Persistence::NotPersisted)),
        1 => Just(Err(Persistence::PossiblyPersisted)),
    ];
    let partition = prop_oneof![6 => Just(Some(0)), 3 => Just(Some(1)), 1 => Just(None), 1 => Just(Some(7))];
    let offset = prop_oneof![6 => (0i64..9).prop_map(Some), 1 => Just(None)];
    (submission(), 0u16..2, partition, offset, result).prop_map(
        |(submission, producer, partition, offset, result)| {
            Event::Callback(Callback {
                submission,
                producer: ProducerIndex(producer),
                partition: partition.map(Partition),
                offset: offset.map(Offset),
                result: result.map_err(|persistence| Failure { code: code_of("expired"), persistence }),
                late: false,
            })
        },
    )
}

/// Facts of which the calls make sense: each begins once and returns at most once, after it began.
fn events() -> impl Strategy<Value = Vec<Event>> {
    let call = (submission(), any::<bool>(), (0usize..4, any::<prop::sample::Index>()), any::<bool>());
    let calls = prop::collection::vec(call, 0..12);
    let others = prop_oneof![
        9 => callback(),
        1 => (0usize..2).prop_map(|close| Event::StepEnded(close, StepEnd::TimedOut(1))),
    ];
    let others = prop::collection::vec((any::<prop::sample::Index>(), others), 0..12);
    (calls, any::<bool>(), others).prop_map(|(mut calls, tidy, others)| {
        if tidy {
            calls.sort_by_key(|(submission, ..)| *submission);
        }
        let mut events = Vec::new();
        let mut open = Vec::new();
        let mut made = BTreeSet::new();
        for (submission, refused, (lag, which), returns) in calls {
            if !made.insert(submission) {
                continue;
            }
            events.push(Event::Send(submission));
            let code = code_of("queue_full");
            let end = if refused { Event::SendFailed(submission, code) } else { Event::Sent(submission) };
            if tidy || returns {
                open.push(end);
            }
            while open.len() > if tidy { 0 } else { lag } {
                // Calls of several threads return in any order.
                events.push(open.remove(which.index(open.len())));
            }
        }
        events.extend(open);
        for (at, other) in others {
            events.insert(at.index(events.len() + 1), other);
        }
        events
    })
}

fn some_log() -> impl Strategy<Value = Vec<LogRecord>> {
    let fate = prop_oneof![4 => Just(Fate::Readable), 1 => Just(Fate::Aborted), 1 => Just(Fate::Open)];
    let record = (prop::option::weighted(0.9, submission()), 0i64..12, prop::bool::weighted(0.1), fate);
    prop::collection::vec(record, 0..8).prop_map(|records| {
        let mut next = 0;
        let mut place = |(identity, hole, differs, fate): (Option<Submission>, i64, bool, Fate)| {
            let offset = Offset(next + i64::from(hole > 10));
            next = offset.0 + 1;
            let content = if differs { Content::Differs } else { Content::Intact };
            LogRecord { offset, identity, content, fate }
        };
        records.into_iter().map(&mut place).collect()
    })
}

/// How steps about transactions came out, in their order.
fn ends() -> impl Strategy<Value = Vec<Event>> {
    let code = code_of("fenced");
    let end = prop_oneof![
        6 => Just(Some(StepEnd::Done)),
        1 => Just(Some(StepEnd::Failed(code))),
        2 => Just(Some(StepEnd::Unknown(code))),
        1 => Just(Some(StepEnd::TimedOut(2))),
        1 => Just(Some(StepEnd::Skipped)),
        1 => Just(None),
    ];
    prop::collection::vec((any::<bool>(), end), CALLS + 4).prop_map(|ends| {
        let of = |(step, (began, end)): (usize, (bool, Option<StepEnd>))| {
            let ended = end.map(|end| Event::StepEnded(step, end));
            began.then_some(Event::StepBegan(step)).into_iter().chain(ended)
        };
        (2..).zip(ends).flat_map(of).collect()
    })
}

/// A log, offsets at which transactions ended, and the first offset that is still there; none where it could not be read.
type SomeLog = Option<(Vec<LogRecord>, Vec<(bool, Option<u16>)>, i64)>;

fn logged(place: (u16, i32), some: &SomeLog) -> PartitionLog {
    let Some((records, markers, start)) = some else {
        return PartitionLog { unreadable: true, ..log(place.0, place.1, &[]) };
    };
    let records: Vec<_> = records.iter().filter(|record| record.offset.0 >= *start).copied().collect();
    let taken: BTreeSet<_> = records.iter().map(|record| record.offset).collect();
    let free = (*start..).map(Offset).filter(|offset| !taken.contains(offset));
    let marker = |(offset, (committed, producer)): (Offset, &(bool, Option<u16>))| LogMarker {
        offset,
        producer: producer.map(ProducerIndex),
        committed: *committed,
    };
    let markers = free.zip(markers).map(marker).collect();
    PartitionLog { markers, start: Offset(*start), ..log(place.0, place.1, &records) }
}

/// Any events that make sense, and any logs.
pub(crate) fn some_trace() -> impl Strategy<Value = Trace> {
    let markers = prop::collection::vec((any::<bool>(), prop::option::of(0u16..2)), 0..3);
    let start = prop_oneof![8 => Just(0i64), 1 => 1i64..6];
    let logs = prop::collection::vec(prop::option::weighted(0.95, (some_log(), markers, start)), 4);
    (events(), ends(), logs).prop_map(|(events, ends, logs)| {
        let places = [(0, 0), (0, 1), (1, 0), (1, 1)];
        let logs = logs.iter().zip(places).map(|(some, place)| logged(place, some));
        let events = events.into_iter().chain(ends);
        Trace {
            events: events.collect(),
            logs: logs.collect(),
            settled: true,
            ending: Ending::Complete,
            client: Client::default(),
            link: Linked::default(),
        }
    })
}
