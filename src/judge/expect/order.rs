//! Events in the order that the scenario asks for.

use crate::id::Submission;
use crate::plan::{Happening, MessageEvent, Moment, Precedence};
use crate::submissions::Submissions;
use crate::trace::{Code, Ending, Event};

use super::fail;
use crate::judge::facts::Facts;
use crate::judge::finding::Failure;

pub(super) fn check(facts: &Facts<'_>, failures: &mut Vec<Failure>) {
    let orders = &facts.plan.expect.order;
    if orders.is_empty() {
        return;
    }
    let mut seen: Vec<Vec<Seen<'_>>> =
        orders.iter().map(|order| order.moments.iter().map(Seen::nothing).collect()).collect();
    let mut events = 0;
    for (place, event) in facts.trace.events.iter().enumerate() {
        seen.iter_mut().flatten().for_each(|seen| seen.look(place, &event));
        events = place + 1;
    }
    for (order, seen) in orders.iter().zip(&seen) {
        Check { order, events, cut: facts.trace.ending != Ending::Complete }.order(seen, failures);
    }
}

/// What was seen of a moment.
struct Seen<'a> {
    moment: &'a Moment,
    /// The places of the first and the last of its events, each with the submission that it was of.
    ends: Option<[(usize, Submissions); 2]>,
    /// Those that it has happened to.
    done: Submissions,
}

impl<'a> Seen<'a> {
    fn nothing(moment: &'a Moment) -> Self {
        Self { moment, ends: None, done: Submissions::new() }
    }

    fn look(&mut self, place: usize, event: &Event) {
        let Some(whom) = whom(&self.moment.event, event) else { return };
        self.done.extend(whom.iter());
        let first = match self.ends.take() {
            Some([first, _]) => first,
            None => (place, whom.clone()),
        };
        self.ends = Some([first, (place, whom)]);
    }

    /// The submissions that it has not happened to; none where it has happened.
    fn missing(&self) -> Option<Submissions> {
        let missing = match &self.moment.event {
            Happening::Message { submissions, .. } => submissions.difference(&self.done),
            _ => Submissions::new(),
        };
        (self.ends.is_none() || !missing.is_empty()).then_some(missing)
    }

    /// One of its events in words.
    fn words(&self, whom: &Submissions) -> String {
        match &self.moment.event {
            Happening::Message { event, .. } => format!("{} {whom}", event.word()),
            _ => self.moment.words.clone(),
        }
    }
}

/// One order against what was seen.
struct Check<'a> {
    order: &'a Precedence,
    /// How many events there were.
    events: usize,
    /// The run was cut off by its deadline: that is the failure, not what is missing after it.
    cut: bool,
}

impl Check<'_> {
    fn order(&self, seen: &[Seen<'_>], failures: &mut Vec<Failure>) {
        for seen in seen.iter().filter(|_| !self.cut) {
            if let Some(missing) = seen.missing() {
                let message = format!("'{}' did not happen", seen.moment.words);
                let details = (!missing.is_empty()).then(|| format!("never: {missing:.20}"));
                failures.push(fail(message, self.order.span, details.into_iter().collect()));
            }
        }
        for pair in seen.windows(2) {
            let [before, after] = pair else { continue };
            let (Some([_, last]), Some([first, _])) = (&before.ends, &after.ends) else { continue };
            if last.0 < first.0 {
                continue;
            }
            let message = format!("'{}' should come before '{}'", before.moment.words, after.moment.words);
            let line = |seen: &Seen<'_>, (place, whom): &(usize, Submissions)| {
                format!("event {} of {}: {}", place + 1, self.events, seen.words(whom))
            };
            let details = vec![line(after, first), line(before, last)];
            failures.push(fail(message, self.order.span, details));
        }
    }
}

/// The submissions that an event of that kind is of; none for another event.
fn whom(wanted: &Happening, event: &Event) -> Option<Submissions> {
    match (wanted, event) {
        (Happening::Message { event: MessageEvent::Timeout, submissions, .. }, Event::Timeout(all)) => {
            Some(all.intersection(submissions)).filter(|whom| !whom.is_empty())
        }
        (Happening::Message { event: wanted, submissions, code }, event) => {
            let (one, said) = said(*wanted, event)?;
            let fits = code.is_none_or(|code| Some(code) == said) && submissions.contains(one);
            fits.then(|| [one].into_iter().collect())
        }
        (Happening::Fatal(code), Event::Fatal(_, said)) => {
            code.is_none_or(|code| code == *said).then(Submissions::new)
        }
        (Happening::Step { step, ended: false }, Event::StepBegan(place))
        | (Happening::Step { step, ended: true }, Event::StepEnded(place, _)) => {
            (step == place).then(Submissions::new)
        }
        _ => None,
    }
}

/// The one submission that an event is of, if it is of that kind, and the code in it.
fn said(wanted: MessageEvent, event: &Event) -> Option<(Submission, Option<Code>)> {
    match (wanted, event) {
        (MessageEvent::Send, Event::Send(one)) | (MessageEvent::Sent, Event::Sent(one)) => Some((*one, None)),
        (MessageEvent::SendFailed, Event::SendFailed(one, code)) => Some((*one, Some(*code))),
        (wanted, Event::Callback(callback)) => {
            let code = callback.result.err().map(|why| why.code);
            let is = match wanted {
                MessageEvent::Ok => code.is_none(),
                MessageEvent::Err => code.is_some(),
                MessageEvent::Callback => true,
                MessageEvent::Late => callback.late,
                _ => false,
            };
            is.then_some((callback.submission, code))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::judge::fixture::{ok, records, scenario, sends, set_of, trace};
    use crate::judge::judge;
    use crate::trace::{Event, StepEnd, Trace};

    /// The failures of four messages and a flush under an order.
    fn failures(order: &str, trace: &Trace) -> Vec<String> {
        let text = format!("topic: t\nsteps: [send: 4, flush]\nexpect: {{order: {order}}}\n");
        let findings = judge(&scenario(&text), trace);
        let lines = findings
            .failures
            .iter()
            .flat_map(|failure| [failure.message.clone()].into_iter().chain(failure.details.iter().cloned()));
        lines.collect()
    }

    /// Four sends, two callbacks, a flush with the others.
    fn flushed() -> Trace {
        let mut events = sends(0..4);
        events.extend([ok(0, 0), ok(1, 1), Event::StepBegan(1), ok(2, 2), ok(3, 3)]);
        events.push(Event::StepEnded(1, StepEnd::Done));
        trace(events, &[&records(0..4)])
    }

    #[test]
    fn what_comes_so_passes() {
        let order = r#"["sent 3 < ok 0", "send 0..3 < ok 0..1 < flush < callback 2..3 < flush ended"]"#;
        assert_eq!(failures(order, &flushed()), Vec::<String>::new());
    }

    #[test]
    fn what_comes_otherwise_is_shown_with_its_places() {
        let shown = ["'ok 0..3' should come before 'flush'", "event 11 of 14: flush", "event 13 of 14: ok 3"];
        assert_eq!(failures(r#""ok 0..3 < flush""#, &flushed()), shown);
        let shown =
            ["'sent 1' should come before 'sent 0..1'", "event 2 of 14: sent 0", "event 4 of 14: sent 1"];
        assert_eq!(failures(r#"["sent 1 < sent 0..1"]"#, &flushed()), shown);
    }

    #[test]
    fn what_never_comes_fails() {
        assert_eq!(
            failures(r#"["fatal < sent 0", "sent 0 < err 1..2"]"#, &flushed()),
            ["'fatal' did not happen", "'err 1..2' did not happen", "never: 1..2"]
        );
    }

    #[test]
    fn a_time_out_and_what_is_late_have_their_places() {
        let mut events = sends(0..4);
        events.push(Event::Timeout(set_of(0..2)));
        let late = |event| match event {
            Event::Callback(callback) => Event::Callback(crate::trace::Callback { late: true, ..callback }),
            event => event,
        };
        events.extend((0..4).map(|n| late(ok(n, i64::from(n)))));
        let order = r#"["timeout 0..1 < late 0..1", "timeout 2 < late 2"]"#;
        let shown = failures(order, &trace(events, &[&records(0..4)]));
        assert_eq!(shown, ["'timeout 2' did not happen", "never: 2"]);
    }
}
