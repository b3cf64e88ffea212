//! Whether anybody can go on: a deadlock ends a run at once, unless a time-out would resolve it.

use std::cell::Cell;
use std::time::{Duration, Instant};

use crate::id::ProducerIndex;
use crate::link::{Control, Standstill};
use crate::producer::Patience;
use crate::submissions::Submissions;

use super::send::team::Team;
use super::{Application, Flow};

/// How often it is looked for while the application waits.
pub(super) const GLANCE: Duration = Duration::from_millis(5);
/// For so long all must have stood still: bytes between two sockets are seen by nobody.
const STILL: Duration = Duration::from_millis(15);

/// The end of a wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    pub(super) at: Instant,
    /// Whether the application takes another step or sends another message then.
    pub(super) then: Flow,
}

/// What a wait has seen so far.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    team: &'a Team,
    still_since: Cell<Option<Instant>>,
    /// How many facts were recorded when it last looked whether it is over.
    looked: Cell<u64>,
    /// Under which the other threads know it.
    number: Cell<Option<u64>>,
}

impl<'a> Watch<'a> {
    pub(super) fn of(team: &'a Team) -> Self {
        Self { team, still_since: Cell::default(), looked: Cell::default(), number: Cell::default() }
    }

    /// It looks whether it is over, with so many facts recorded.
    pub(super) fn looks(&self, facts: u64) {
        self.looked.set(facts);
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number.get() {
            self.team.forget(number);
        }
    }
}

impl Limit {
    pub(super) fn new(at: Instant, then: Flow) -> Self {
        Self { at, then }
    }
}

impl Application<'_> {
    /// Whether a wait with that limit can be part of a deadlock.
    pub(super) fn may_be_stuck(&self, limit: Limit) -> bool {
        self.outside.link().is_some() && (limit.then == Flow::Stops || limit.at >= self.deadline)
    }

    /// Who waits for whom in a circle, if for a while nobody could go on; the last waits for the first. To be asked
    /// again and again during one wait.
    pub(super) fn deadlock(&self, watch: &Watch<'_>, what: impl FnOnce() -> String) -> Option<Vec<String>> {
        let now = Instant::now();
        let stuck = self.standstill(now).and_then(|still| Some((self.waited_for(watch, what())?, still)));
        let Some((what, (still, unsent))) = stuck else {
            watch.still_since.set(None);
            return None;
        };
        let since = watch.still_since.get().unwrap_or(now);
        watch.still_since.set(Some(since));
        (now.duration_since(since) >= STILL).then(|| {
            let mut circle = circle(&what, &still, &unsent);
            let stuck = self.reactions.stuck();
            circle.splice(1..1, stuck.into_iter().map(|what| format!("a callback waits for {what}")));
            circle
        })
    }

    /// What the application waits for; none if one of its threads has something else to do.
    fn waited_for(&self, watch: &Watch<'_>, what: String) -> Option<String> {
        if !self.team.is_there() {
            return Some(what);
        }
        let (mut number, looked) = (watch.number.get(), watch.looked.get());
        let all = self.team.all_wait(&mut number, (what, looked));
        watch.number.set(number);
        all.filter(|_| self.recorder.facts() == looked)
    }

    /// What holds up everything that has no callback, and what of it the clients have not sent; none if something can
    /// happen before the deadline.
    fn standstill(&self, now: Instant) -> Option<(Standstill, Submissions)> {
        if self.reactions.may_go_on() {
            return None;
        }
        let still = self.outside.link()?.standstill(self.deadline.saturating_duration_since(now))?;
        let outstanding = self.outstanding();
        let mut all_unsent = Submissions::new();
        for (index, producer) in (0u16..).map(ProducerIndex).zip(&self.plan.producers) {
            let own = self.reactions.of(index, &outstanding);
            if own.is_empty() {
                continue;
            }
            let patience = Patience::of(producer);
            let unsent = own.difference(&still.kept);
            let sends = !unsent.is_empty() && !still.is_full(index, patience.in_flight);
            if sends || patience.shortest.is_some_and(|time_out| time_out < self.plan.deadline) {
                return None;
            }
            all_unsent.extend(unsent.iter());
        }
        (!outstanding.is_empty()).then_some((still, all_unsent))
    }

    /// What the link holds, in words.
    pub(super) fn held(&self) -> Vec<String> {
        let holdings = self.outside.link().map_or_else(Vec::new, Control::holdings);
        holdings.iter().map(|holding| held(&holding.fault, &holding.kept, &holding.until)).collect()
    }
}

fn held(fault: &str, kept: &Submissions, until: &str) -> String {
    if kept.is_empty() {
        format!("the fault '{fault}' waits until {until}")
    } else {
        format!("the fault '{fault}' keeps {kept:.20} until {until}")
    }
}

fn circle(waited_for: &str, still: &Standstill, unsent: &Submissions) -> Vec<String> {
    let mut lines = vec![format!("the application waits for {waited_for}")];
    if !unsent.is_empty() {
        let first = "the client sends no more before something that it has sent is answered";
        lines.push(format!("{first}; it has not sent {unsent:.20}"));
    }
    lines.extend(still.holdings.iter().map(|holding| held(&holding.fault, &holding.kept, &holding.until)));
    lines
}
