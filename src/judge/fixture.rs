//! Small plans and traces for the tests of judge and view.

use std::sync::Arc;
use std::time::Duration;

use crate::id::{
    BrokerId, MessageId, Offset, Partition, ProducerIndex, Submission, TopicIndex, TopicPartition,
};
use crate::plan::{
    Action, Batch, Callbacks, Combination, Delivered, Emulate, Expect, MessageTemplate, Mode, OnTimeout,
    Options, Order, Origin, Plan, Producer, QueueFull, Setting, Snapshot, Start, Step, Topic,
};
use crate::source::{Source, Span, Spanned};
use crate::submissions::Submissions;
use crate::trace::{
    Callback, Client, Code, Content, Ending, Event, Failure, Fate, Linked, LogRecord, PartitionLog,
    Persistence, Trace,
};

/// A plan of one producer that sends `count` messages to one partition of `test2`.
pub(crate) fn plan(count: u32) -> Plan {
    let source = Arc::new(Source::new("a.yaml", "topic: test2\nexpect:\n  delivered: all\n"));
    let mut plan = Plan {
        combination: Combination::default(),
        source,
        name: "a".to_owned(),
        description: None,
        tags: Vec::new(),
        seed: 0,
        brokers: 1,
        emulate: Emulate::default(),
        topics: Vec::new(),
        producers: Vec::new(),
        batches: Vec::new(),
        reactions: Vec::new(),
        faults: Vec::new(),
        allow_impossible: false,
        steps: Vec::new(),
        ack_wait: Duration::from_secs(10),
        deadline: Duration::from_mins(1),
        on_timeout: OnTimeout::Stop,
        queue_full: QueueFull::Wait,
        start: Start::Warm,
        callbacks: Callbacks::Background,
        expect: expect(),
        snapshot: Snapshot {
            order: Order::Lanes,
            sends: true,
            callbacks: true,
            log: true,
            requests: false,
            content: false,
            any_partition: false,
            max_lines: 400,
        },
    };
    add_topic(&mut plan, "test2", 1);
    add_producer(&mut plan, "producer");
    add_batch(&mut plan, count, 0, Mode::Async);
    plan
}

fn expect() -> Expect {
    Expect {
        delivered: Delivered::Rest,
        failed: Vec::new(),
        unknown: Vec::new(),
        written: None,
        cut_off: Spanned::new(Submissions::new(), Span::default()),
        fatal: None,
        must: Vec::new(),
        may: Vec::new(),
        requests: Vec::new(),
        order: Vec::new(),
        span: Span::default(),
    }
}

pub(crate) fn add_topic(plan: &mut Plan, name: &str, partitions: u32) {
    let span = Span::default();
    plan.topics.push(Topic {
        name: name.into(),
        partitions,
        at_first: partitions,
        replication_factor: 1,
        leaders: vec![BrokerId(1); partitions as usize],
        config: Vec::new(),
        span,
    });
}

pub(crate) fn add_producer(plan: &mut Plan, name: &str) {
    let span = Span::default();
    plan.producers.push(Producer {
        name: name.into(),
        config: Vec::new(),
        one_per_request: false,
        transactional: false,
        opened_by_step: false,
        span,
    });
}

/// A setting of the producer added last.
pub(crate) fn set(plan: &mut Plan, key: &str, value: &str) {
    if let Some(producer) = plan.producers.last_mut() {
        let origin = Origin::CommandLine;
        producer.config.push(Setting { key: key.to_owned(), value: value.to_owned(), origin });
    }
}

/// The next batch, of that producer to the topic added last, and the step that sends it.
pub(crate) fn add_batch(plan: &mut Plan, count: u32, producer: u16, mode: Mode) {
    let topic = TopicIndex(u16::try_from(plan.topics.len() - 1).unwrap());
    let batch = Batch {
        first: MessageId(plan.messages()),
        count,
        producer: ProducerIndex(producer),
        topic,
        threads: 1,
        message: MessageTemplate::default(),
        span: Span::default(),
    };
    plan.batches.push(batch);
    let batch = plan.batches.len() - 1;
    plan.steps.push(Step { action: Action::Send { batch, mode }, span: Span::default(), explicit: true });
}

pub(crate) fn add_step(plan: &mut Plan, action: Action) -> usize {
    plan.steps.push(Step { action, span: Span::default(), explicit: true });
    plan.steps.len() - 1
}

/// A complete trace; the logs are those of the first topic's partitions, in their order.
pub(crate) fn trace(events: impl IntoIterator<Item = Event>, logs: &[&[LogRecord]]) -> Trace {
    let logs = logs.iter().zip(0..).map(|(records, partition)| log(0, partition, records));
    let events = events.into_iter().collect();
    Trace {
        events,
        logs: logs.collect(),
        settled: true,
        ending: Ending::Complete,
        client: Client::default(),
        link: Linked::default(),
    }
}

pub(crate) fn log(topic: u16, partition: i32, records: &[LogRecord]) -> PartitionLog {
    let end = Offset(records.last().map_or(0, |record| record.offset.0 + 1));
    PartitionLog {
        partition: TopicPartition { topic: TopicIndex(topic), partition: Partition(partition) },
        records: records.to_vec(),
        markers: Vec::new(),
        start: Offset(0),
        unreadable: false,
        high_watermark: end,
        last_stable_offset: end,
        digest: None,
    }
}

/// Intact records of these messages, from offset 0 on.
pub(crate) fn records(messages: impl IntoIterator<Item = u32>) -> Vec<LogRecord> {
    let record = |(message, offset)| LogRecord {
        offset: Offset(offset),
        identity: Some(first(message)),
        content: Content::Intact,
        fate: Fate::Readable,
    };
    messages.into_iter().zip(0..).map(record).collect()
}

/// The two facts of each of these calls.
pub(crate) fn sends(messages: impl IntoIterator<Item = u32>) -> Vec<Event> {
    let call = |message| [Event::Send(first(message)), Event::Sent(first(message))];
    messages.into_iter().flat_map(call).collect()
}

/// An acknowledgement from partition 0 of the batch's topic, by the first producer.
pub(crate) fn ok(message: u32, offset: i64) -> Event {
    Event::Callback(acknowledged(message, 0, Some(offset)))
}

pub(crate) fn acknowledged(message: u32, partition: i32, offset: Option<i64>) -> Callback {
    Callback {
        submission: first(message),
        producer: ProducerIndex(0),
        partition: Some(Partition(partition)),
        offset: offset.map(Offset),
        result: Ok(()),
        late: false,
    }
}

/// A failure with a claim that the message is not written, or without.
pub(crate) fn err(message: u32, code: &str, persistence: Persistence) -> Event {
    let failure = Failure { code: code_of(code), persistence };
    Event::Callback(Callback { result: Err(failure), ..acknowledged(message, 0, None) })
}

pub(crate) fn code_of(name: &str) -> Code {
    Code::from_name(name).unwrap()
}

pub(crate) fn first(message: u32) -> Submission {
    Submission::first(MessageId(message))
}

pub(crate) fn second(message: u32) -> Submission {
    Submission { message: MessageId(message), again: 1 }
}

pub(crate) fn set_of(messages: impl IntoIterator<Item = u32>) -> Submissions {
    messages.into_iter().map(first).collect()
}

/// The plan of a scenario's text.
pub(crate) fn scenario(text: &str) -> Plan {
    let source = Arc::new(Source::new("a.yaml", text));
    let loaded = crate::plan::of(&source, Options { name: "a", settings: &[] });
    loaded.plans.into_iter().next().unwrap_or_else(|| panic!("{:?}", loaded.diagnostics))
}
