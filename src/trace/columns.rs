//! The facts of a run in little memory: sends as runs, callbacks as columns.

use crate::id::{MessageId, Offset, Partition, ProducerIndex, Submission};
use crate::kafka::ErrorCode;

use super::event::{Callback, Event, Failure, Persistence};
use super::{ClientError, Code};

/// Facts in their total order. Kept small: a run of sends whose calls returned before anything else happened is one
/// entry, a callback takes 24 bytes.
#[derive(Clone, Debug, Default)]
pub struct Events {
    entries: Vec<Entry>,
    callbacks: Vec<Packed>,
    /// What is rare, as it is.
    others: Vec<Event>,
}

/// Consecutive facts. 12 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    /// `Send m`, `Sent m` for each of `count` first submissions from `first` on.
    Calls { first: u32, count: u32 },
    /// `Send` of one first submission alone.
    Send(u32),
    /// `Sent` of one first submission alone.
    Sent(u32),
    /// `Sent` of one first submission and `Send` of another: a thread goes on while others are in calls of theirs.
    Turn { sent: u32, next: u32 },
    /// The next `count` callbacks.
    Callbacks { count: u32 },
    /// The next of the others.
    Other,
}

/// A callback in 24 bytes.
#[derive(Clone, Copy, Debug)]
struct Packed {
    offset: i64,
    message: u32,
    partition: i32,
    code: i16,
    again: u16,
    producer: u16,
    flags: u8,
}

const NO_OFFSET: i64 = i64::MIN;
const NO_PARTITION: i32 = i32::MIN;
const FAILED: u8 = 1;
const BY_CLIENT: u8 = 2;
const POSSIBLY: u8 = 4;
const LATE: u8 = 8;

impl Events {
    /// Nothing yet, with room for about so many messages.
    pub fn with_capacity(messages: usize) -> Self {
        Self { entries: Vec::new(), callbacks: Vec::with_capacity(messages), others: Vec::new() }
    }

    /// Adds a fact at the end of the order.
    pub fn push(&mut self, event: Event) {
        match event {
            Event::Send(submission) if submission.again == 0 => {
                self.push_send(submission.message.0);
            }
            Event::Sent(submission) if submission.again == 0 => self.push_sent(submission.message.0),
            Event::Callback(callback) => self.push_callback(Packed::from(callback)),
            other => {
                self.others.push(other);
                self.entries.push(Entry::Other);
            }
        }
    }

    /// The facts in their order.
    pub fn iter(&self) -> Facts<'_> {
        Facts {
            entries: self.entries.iter(),
            callbacks: self.callbacks.iter(),
            others: self.others.iter(),
            rest: Rest::Calls { next: 0, end: 0, sent: false },
        }
    }

    /// The callbacks alone, in their order.
    pub fn callbacks(&self) -> impl Iterator<Item = Callback> {
        self.callbacks.iter().map(|packed| Callback::from(*packed))
    }

    /// All but the callbacks and the accepted first submissions, in their order: what is rare.
    pub fn others(&self) -> impl Iterator<Item = &Event> {
        self.others.iter()
    }

    /// Bytes held, for the budget of 64 a message.
    pub fn bytes(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>()
            + self.callbacks.capacity() * size_of::<Packed>()
            + self.others.capacity() * size_of::<Event>()
    }

    fn push_send(&mut self, next: u32) {
        if let Some(Entry::Sent(sent)) = self.entries.last().copied() {
            self.entries.pop();
            self.entries.push(Entry::Turn { sent, next });
        } else {
            self.entries.push(Entry::Send(next));
        }
    }

    fn push_sent(&mut self, message: u32) {
        let before = match self.entries.last().copied() {
            Some(Entry::Send(begun)) if begun == message => None,
            Some(Entry::Turn { sent, next }) if next == message => Some(Entry::Sent(sent)),
            _ => return self.entries.push(Entry::Sent(message)),
        };
        self.entries.pop();
        self.entries.extend(before);
        match self.entries.last_mut() {
            Some(Entry::Calls { first, count }) if *first + *count == message => *count += 1,
            _ => self.entries.push(Entry::Calls { first: message, count: 1 }),
        }
    }

    fn push_callback(&mut self, packed: Packed) {
        self.callbacks.push(packed);
        match self.entries.last_mut() {
            Some(Entry::Callbacks { count }) => *count += 1,
            _ => self.entries.push(Entry::Callbacks { count: 1 }),
        }
    }
}

impl<'a> IntoIterator for &'a Events {
    type Item = Event;
    type IntoIter = Facts<'a>;

    fn into_iter(self) -> Facts<'a> {
        self.iter()
    }
}

impl Extend<Event> for Events {
    fn extend<I: IntoIterator<Item = Event>>(&mut self, events: I) {
        events.into_iter().for_each(|event| self.push(event));
    }
}

impl FromIterator<Event> for Events {
    fn from_iter<I: IntoIterator<Item = Event>>(events: I) -> Self {
        let mut all = Self::default();
        all.extend(events);
        all
    }
}

/// Facts in their order. Judging and showing a run goes over them several times, so each step is a few instructions.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    entries: std::slice::Iter<'a, Entry>,
    callbacks: std::slice::Iter<'a, Packed>,
    others: std::slice::Iter<'a, Event>,
    rest: Rest,
}

/// What is left of the entry under way.
#[derive(Clone, Copy, Debug)]
enum Rest {
    Calls { next: u32, end: u32, sent: bool },
    Callbacks { count: u32 },
    Send(u32),
}

impl Iterator for Facts<'_> {
    type Item = Event;

    #[inline]
    fn next(&mut self) -> Option<Event> {
        match &mut self.rest {
            Rest::Calls { next, end, sent } if *next < *end => {
                let submission = first(*next);
                *sent = !*sent;
                if *sent {
                    return Some(Event::Send(submission));
                }
                *next += 1;
                Some(Event::Sent(submission))
            }
            Rest::Callbacks { count } if *count > 0 => {
                *count -= 1;
                self.callbacks.next().map(|packed| Event::Callback((*packed).into()))
            }
            Rest::Send(message) => {
                let submission = first(*message);
                self.rest = Rest::Callbacks { count: 0 };
                Some(Event::Send(submission))
            }
            _ => self.next_entry(),
        }
    }
}

impl Facts<'_> {
    /// The first fact of the next entry.
    fn next_entry(&mut self) -> Option<Event> {
        match *self.entries.next()? {
            Entry::Calls { first, count } => {
                self.rest = Rest::Calls { next: first, end: first + count, sent: false };
                self.next()
            }
            Entry::Callbacks { count } => {
                self.rest = Rest::Callbacks { count };
                self.next()
            }
            Entry::Send(message) => Some(Event::Send(first(message))),
            Entry::Sent(message) => Some(Event::Sent(first(message))),
            Entry::Turn { sent, next } => {
                self.rest = Rest::Send(next);
                Some(Event::Sent(first(sent)))
            }
            Entry::Other => self.others.next().cloned(),
        }
    }
}

fn first(message: u32) -> Submission {
    Submission::first(MessageId(message))
}

impl From<Callback> for Packed {
    fn from(callback: Callback) -> Self {
        let mut flags = if callback.late { LATE } else { 0 };
        let mut code = 0;
        if let Err(failure) = callback.result {
            flags |= FAILED;
            if failure.persistence == Persistence::PossiblyPersisted {
                flags |= POSSIBLY;
            }
            code = match failure.code {
                Code::Broker(error) => error.0,
                Code::Client(error) => {
                    flags |= BY_CLIENT;
                    error as i16
                }
            };
        }
        Self {
            offset: callback.offset.map_or(NO_OFFSET, |offset| offset.0),
            message: callback.submission.message.0,
            partition: callback.partition.map_or(NO_PARTITION, |partition| partition.0),
            code,
            again: callback.submission.again,
            producer: callback.producer.0,
            flags,
        }
    }
}

impl From<Packed> for Callback {
    fn from(packed: Packed) -> Self {
        let has = |flag| packed.flags & flag != 0;
        let code = if has(BY_CLIENT) {
            let known = usize::try_from(packed.code).ok().and_then(|at| ClientError::ALL.get(at));
            Code::Client(known.copied().unwrap_or(ClientError::Other))
        } else {
            Code::Broker(ErrorCode(packed.code))
        };
        let persistence =
            if has(POSSIBLY) { Persistence::PossiblyPersisted } else { Persistence::NotPersisted };
        Self {
            submission: Submission { message: MessageId(packed.message), again: packed.again },
            producer: ProducerIndex(packed.producer),
            partition: (packed.partition != NO_PARTITION).then_some(Partition(packed.partition)),
            offset: (packed.offset != NO_OFFSET).then_some(Offset(packed.offset)),
            result: if has(FAILED) { Err(Failure { code, persistence }) } else { Ok(()) },
            late: has(LATE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::submissions::Submissions;
    use crate::trace::StepEnd;
    use proptest::prelude::*;

    fn submission() -> impl Strategy<Value = Submission> {
        (0u32..9, 0u16..2).prop_map(|(message, again)| Submission { message: MessageId(message), again })
    }

    fn code() -> impl Strategy<Value = Code> {
        prop_oneof![
            (-1i16..134).prop_map(|code| Code::Broker(ErrorCode(code))),
            prop::sample::select(ClientError::ALL).prop_map(Code::Client),
        ]
    }

    fn callback() -> impl Strategy<Value = Callback> {
        let failure = (code(), any::<bool>()).prop_map(|(code, possibly)| Failure {
            code,
            persistence: if possibly { Persistence::PossiblyPersisted } else { Persistence::NotPersisted },
        });
        let result = prop::option::of(failure).prop_map(|failure| failure.map_or(Ok(()), Err));
        let place = (prop::option::of(-1i32..3), prop::option::of(0i64..20));
        (submission(), 0u16..3, place, result, any::<bool>()).prop_map(
            |(submission, producer, (partition, offset), result, late)| Callback {
                submission,
                producer: ProducerIndex(producer),
                partition: partition.map(Partition),
                offset: offset.map(Offset),
                result,
                late,
            },
        )
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            4 => submission().prop_map(Event::Send),
            4 => submission().prop_map(Event::Sent),
            1 => (submission(), code()).prop_map(|(submission, code)| Event::SendFailed(submission, code)),
            4 => callback().prop_map(Event::Callback),
            1 => (0u32..5).prop_map(|n| Event::Timeout(Submissions::run(MessageId(n), 2))),
            1 => (0usize..4).prop_map(|step| Event::StepEnded(step, StepEnd::TimedOut(3))),
        ]
    }

    proptest! {
        #[test]
        fn what_was_pushed_comes_back_in_its_order(events in prop::collection::vec(event(), 0..60)) {
            let stored: Events = events.iter().cloned().collect();
            prop_assert_eq!(stored.iter().collect::<Vec<_>>(), events.clone());
            let callbacks = events.iter().filter_map(|event| match event {
                Event::Callback(callback) => Some(*callback),
                _ => None,
            });
            prop_assert!(stored.callbacks().eq(callbacks));
            let is_first = |event: &Event| match event {
                Event::Send(submission) | Event::Sent(submission) => submission.again == 0,
                event => matches!(event, Event::Callback(_)),
            };
            prop_assert!(stored.others().eq(events.iter().filter(|event| !is_first(event))));
        }
    }

    #[test]
    fn a_message_takes_less_than_64_bytes_even_when_threads_take_turns() {
        let mut events = Events::with_capacity(100_000);
        (0..4).for_each(|message| events.push(Event::Send(first(message))));
        for message in 0..100_000 {
            events.push(Event::Sent(first(message)));
            events.push(Event::Send(first(message + 4)));
            let callback =
                Packed { message, offset: 0, partition: 0, code: 0, again: 0, producer: 0, flags: 0 };
            events.push(Event::Callback(callback.into()));
        }
        // 16 of the 64 are for the record in the log that is read back.
        assert!(events.bytes() <= 100_000 * 48 * 5 / 4, "{} bytes", events.bytes());
    }

    #[test]
    fn a_message_takes_less_than_64_bytes_even_when_everything_alternates() {
        let mut events = Events::with_capacity(100_000);
        for message in 0..100_000 {
            events.push(Event::Send(first(message)));
            events.push(Event::Sent(first(message)));
            events.push(Event::Callback(Callback {
                submission: first(message),
                producer: ProducerIndex(0),
                partition: Some(Partition(0)),
                offset: Some(Offset(i64::from(message))),
                result: Ok(()),
                late: false,
            }));
        }
        // 16 of the 64 are for the record in the log that is read back.
        assert!(events.bytes() <= 100_000 * 48 * 5 / 4, "{} bytes", events.bytes());
    }
}
