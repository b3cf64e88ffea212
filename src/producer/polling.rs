//! The one thread that polls a client, and the gate in front of it.

use std::io;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rdkafka::producer::{BaseProducer, Producer as _};

use super::context::Context;
use super::native::EventQueue;
use super::{Serving, Sink, code};
use crate::id::ProducerIndex;
use crate::spin;

/// How long a close waits for messages that were thrown away to come back. librdkafka hands them back at once; the
/// limit is for the case that it does not.
const CLOSING: Duration = Duration::from_secs(1);

/// The thread and what it is told.
pub(super) struct Polling {
    gate: Arc<Gate>,
    thread: Option<JoinHandle<()>>,
}

struct Gate {
    producer: ProducerIndex,
    sink: Arc<dyn Sink>,
    /// Held while callbacks are served and handed on, so that whoever changes it knows that none is under way.
    orders: Mutex<Orders>,
    /// Nothing was left to be polled.
    idle: Condvar,
    /// There are new orders.
    changed: AtomicBool,
}

struct Orders {
    serving: Serving,
    /// Throw away what comes, end when nothing is left, at the latest then.
    closing: Option<Instant>,
    /// That the client has given up has been reported.
    given_up: bool,
}

/// What one turn of the thread has come to.
enum Turn {
    /// There may be more at once.
    Again,
    /// Nothing has happened; something may at any moment.
    Empty,
    /// Nothing to do until something happens.
    Idle,
    /// Nothing to do until something happens, or until then.
    IdleUntil(Instant),
    /// The end.
    Done,
}

impl Polling {
    /// Starts the thread. Callbacks are served as soon as there are some.
    pub(super) fn start(
        client: &Arc<BaseProducer<Context>>,
        producer: ProducerIndex,
        sink: Arc<dyn Sink>,
    ) -> io::Result<Self> {
        let orders = Mutex::new(Orders { serving: Serving::Always, closing: None, given_up: false });
        let gate =
            Arc::new(Gate { producer, sink, orders, idle: Condvar::new(), changed: AtomicBool::new(false) });
        let (its_gate, its_client) = (Arc::clone(&gate), Arc::clone(client));
        let thread = thread::Builder::new()
            .name(format!("producer {}", producer.0))
            .spawn(move || its_gate.run(&its_client))?;
        Ok(Self { gate, thread: Some(thread) })
    }

    /// Says when callbacks may be served. On return, nothing that was allowed before is still under way.
    pub(super) fn serve(&self, serving: Serving) {
        self.gate.orders().serving = serving;
        self.wake();
    }

    /// Returns when what was polled has been handed on. Whoever asks while handing on knows it.
    pub(super) fn settle(&self) {
        if !self.is_own() {
            drop(self.gate.orders());
        }
    }

    /// Whether this is the thread itself, in a callback.
    fn is_own(&self) -> bool {
        self.thread.as_ref().is_some_and(|own| own.thread().id() == thread::current().id())
    }

    /// Returns when nothing is left to be polled and what was polled has been handed on, at the latest then. Callbacks
    /// must be allowed. In a callback nothing else can be polled, and it returns at once.
    pub(super) fn hear(&self, has_said_all: impl Fn() -> bool, limit: Instant) {
        if self.is_own() {
            return;
        }
        let mut orders = self.gate.orders();
        while !has_said_all() {
            let left = limit.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            self.wake();
            let woken = self.gate.idle.wait_timeout(orders, left);
            orders = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Throws away what still comes, and ends the thread. The client's messages must have been purged.
    pub(super) fn stop(&mut self) {
        self.gate.orders().closing = Some(Instant::now() + CLOSING);
        self.wake();
        // A panic of the thread has been reported by the runtime; here it only means that the thread is gone.
        let _ = self.thread.take().map(JoinHandle::join);
    }

    /// Nothing is handed on any more.
    pub(super) fn mute(&self) {
        self.gate.orders().closing = Some(Instant::now() + CLOSING);
    }

    fn wake(&self) {
        self.gate.changed.store(true, Ordering::Release);
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

impl Gate {
    fn run(&self, client: &BaseProducer<Context>) {
        // Unparked by the client whenever its empty queue gets an event, and by whoever changes the orders. An
        // unpark that comes before the park makes that one return at once, so none is missed.
        let queue = EventQueue::watch(client.client(), thread::current());
        loop {
            match self.turn(client, &queue) {
                Turn::Again => {}
                Turn::Empty => self.rest(&queue),
                Turn::Idle => thread::park(),
                Turn::IdleUntil(limit) => {
                    thread::park_timeout(limit.saturating_duration_since(Instant::now()));
                }
                Turn::Done => return,
            }
        }
    }

    /// Sleeps until something happens, unless it happens at once.
    fn rest(&self, queue: &EventQueue) {
        if !spin::until(|| !queue.is_empty() || self.changed.swap(false, Ordering::Acquire)) {
            thread::park();
        }
    }

    fn turn(&self, client: &BaseProducer<Context>, queue: &EventQueue) -> Turn {
        let mut orders = self.orders();
        if let Some(limit) = orders.closing {
            return Self::discard(client, queue, limit);
        }
        if orders.serving == Serving::Never {
            return Turn::Idle;
        }
        if queue.is_empty() {
            self.idle.notify_all();
            return Turn::Empty;
        }
        // Serves one event, which is one callback or those of one request, and frees it: whoever hears of them finds
        // room for as many in the client's buffer.
        client.poll(Duration::ZERO);
        if self.hand_on(client) && orders.serving == Serving::Once {
            orders.serving = Serving::Never;
        }
        if client.context().take_error()
            && !orders.given_up
            && let Some((error, words)) = client.client().fatal_error()
        {
            orders.given_up = true;
            let code = code::in_callback(error);
            self.sink.said(self.producer, code, &words);
            self.sink.fatal(self.producer, code);
        }
        Turn::Again
    }

    /// Reports the callbacks that were polled; whether there were some.
    fn hand_on(&self, client: &BaseProducer<Context>) -> bool {
        let context = client.context();
        let (mut callbacks, words) = {
            let mut heard = context.heard();
            (mem::take(&mut heard.callbacks), mem::take(&mut heard.words))
        };
        if callbacks.is_empty() {
            return false;
        }
        for (code, words) in &words {
            self.sink.said(self.producer, *code, words);
        }
        self.sink.callbacks(&callbacks);
        callbacks.clear();
        context.heard().callbacks = callbacks;
        true
    }

    fn discard(client: &BaseProducer<Context>, queue: &EventQueue, limit: Instant) -> Turn {
        while !queue.is_empty() {
            client.poll(Duration::ZERO);
            client.context().heard().callbacks.clear();
        }
        if client.in_flight_count() == 0 || Instant::now() >= limit {
            Turn::Done
        } else {
            Turn::IdleUntil(limit)
        }
    }

    fn orders(&self) -> MutexGuard<'_, Orders> {
        // Orders are whole at any time: a thread that panicked has left valid ones.
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
