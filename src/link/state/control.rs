//! What a run does to its link, and the clock.

use std::time::Duration;

use crate::fault::{AfterClose, Condition};
use crate::id::{BrokerId, FaultIndex, ProducerIndex};

use super::hold::Waiting;
use super::kept::Ends;
use super::network::{Fate, Way};
use super::shared::{Shared, State};
use super::standing::{Holding, Open, Standstill};

impl Shared {
    /// The application waits for a condition; the recorder is nudged when it holds.
    pub(in crate::link) fn wait(&self, until: &Condition) -> Waiting {
        let mut state = self.lock();
        let until = until.from_now(&state.progress);
        let waiting = state.holds.wait(until);
        self.changed(state);
        waiting
    }

    /// It waits no longer.
    pub(in crate::link) fn forget(&self, waiting: &Waiting) {
        self.lock().holds.forget(waiting);
    }

    /// So many calls of send have returned, and so many callbacks have been served. Counts may come out of order.
    pub(in crate::link) fn came(&self, sent: u64, callbacks: u64) {
        let mut state = self.lock();
        if sent > state.progress.sent {
            state.progress.sent = sent;
            state.progress.stirred = state.progress.now;
        }
        state.progress.callbacks = state.progress.callbacks.max(callbacks);
        self.changed(state);
    }

    /// A step arms a fault.
    pub(in crate::link) fn arm(&self, fault: FaultIndex) {
        self.lock().engine.arm(fault);
    }

    /// A step releases a fault.
    pub(in crate::link) fn release(&self, fault: FaultIndex) {
        let mut state = self.lock();
        if let Some(fault) = state.progress.faults.get_mut(fault.index()) {
            fault.released = true;
        }
        self.changed(state);
    }

    /// Releases whatever is held, and holds nothing more. Whoever held something is named in the trace.
    pub(in crate::link) fn release_all(&self) {
        let mut state = self.lock();
        let left = state.holds.release_all();
        state.left.extend(left);
        drop(state);
        self.heal();
    }

    /// Releases what time alone releases, for ever. May be dropped at any time.
    pub(in crate::link) async fn keep_time(&self) {
        loop {
            let next = {
                let mut state = self.lock();
                let over = state.settle();
                let next = state.holds.next(&state.progress);
                let next = next.and_then(|next| state.began.map(|began| began + next));
                drop(state);
                if over {
                    self.recorder.nudge();
                }
                next
            };
            match next {
                Some(next) => tokio::select! {
                    () = tokio::time::sleep_until(next) => {}
                    () = self.clock.notified() => {}
                },
                None => self.clock.notified().await,
            }
        }
    }

    /// A producer has been let go of: nobody waits any more for what comes on its connections, though it may take a
    /// while until each of them is seen to end.
    pub(in crate::link) fn leave(&self, producer: ProducerIndex) {
        let state = self.lock();
        state
            .open
            .iter()
            .filter(|open| open.ends.producer == producer)
            .for_each(|open| open.ties.gone.cancel());
    }

    /// Cuts directions.
    pub(in crate::link) fn cut(&self, ways: &[Way], broker: Option<BrokerId>, after: AfterClose) {
        self.lock().network.cut(ways, broker, after);
    }

    /// Heals whatever is cut.
    pub(in crate::link) fn heal(&self) {
        let mut state = self.lock();
        state.network.heal();
        state.open.iter_mut().for_each(|open| open.sealed |= open.lossy);
    }

    /// Closes connections. What is held on them stays in the network.
    pub(in crate::link) fn disconnect(&self, producer: Option<ProducerIndex>, broker: Option<BrokerId>) {
        let mut state = self.lock();
        let State { open, holds, .. } = &mut *state;
        let own = |ends: Ends| {
            producer.is_none_or(|own| own == ends.producer) && broker.is_none_or(|own| own == ends.broker)
        };
        open.iter_mut().filter(|open| own(open.ends)).for_each(|open| open.disconnect(holds));
    }

    /// Whether all stands still for so long.
    pub(in crate::link) fn standstill(&self, left: Duration, brokers: Vec<BrokerId>) -> Option<Standstill> {
        let state = self.lock();
        let until = state.progress.now.saturating_add(left);
        let by_time = state.holds.next(&state.progress).is_some_and(|time| time < until);
        let by_client = state.holds.asks_for_background(state.engine.rules());
        if by_time || by_client || state.network.is_cut() {
            return None;
        }
        let still = Standstill::of(&state.open, &state.holds)?;
        Some(Standstill { holdings: state.holdings(), brokers, ..still })
    }

    /// What is held.
    pub(in crate::link) fn holdings(&self) -> Vec<Holding> {
        self.lock().holdings()
    }

    /// A producer has been given an id.
    pub(in crate::link) fn has_id(&self, producer: ProducerIndex) {
        self.with_id.send_modify(|producers| producers.push(producer));
    }

    /// Waits until a producer has been given an id.
    pub(in crate::link) async fn id_of(&self, producer: ProducerIndex) {
        // It fails only when the sender is gone, and that is in this.
        let _ = self.with_id.subscribe().wait_for(|producers| producers.contains(&producer)).await;
    }

    /// Waits until a direction is whole.
    pub(in crate::link) async fn pass(&self, way: Way, broker: BrokerId) -> Fate {
        let watch = self.lock().network.watch();
        watch.whole(way, broker).await
    }
}

impl State {
    fn holdings(&self) -> Vec<Holding> {
        let rules = self.engine.rules();
        let passages: Vec<_> = self.open.iter().flat_map(Open::under_way).collect();
        let held = self.holds.held().map(|(number, fault, until)| {
            let own = passages.iter().filter(|passage| passage.held == Some(number));
            Holding {
                fault: rules.get(fault.index()).map_or_else(String::new, |rule| rule.name.to_string()),
                kept: own.flat_map(|passage| passage.submissions.iter()).collect(),
                until: until.words(Some(&self.progress), rules),
            }
        });
        held.collect()
    }
}
