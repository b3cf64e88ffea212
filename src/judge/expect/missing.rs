//! What was sent without acknowledgements and is not there, where nobody knows whether it still comes.

use crate::judge::facts::Facts;
use crate::judge::finding::Failure;
use crate::judge::outcome::Outcome;
use crate::submissions::Submissions;

use super::fail;

/// A client says of a message without acknowledgements that it is delivered as soon as it has sent it. On a cluster that
/// goes on after the run it may still be on its way when the log is read, so that its outcome is unknown.
pub(super) fn look(facts: &Facts<'_>) -> Option<Failure> {
    if facts.trace.settled {
        return None;
    }
    let numbers = &facts.calls.numbers;
    let is_missing = |number: &u32| {
        facts.outcomes.by_number(*number) == Some(Outcome::Ok)
            && facts.standing.first(*number).is_none()
            && !facts.is_unseen(*number)
            && !facts.acknowledged(facts.lane(*number, facts.sent_to(*number)).producer.unwrap_or_default())
    };
    let missing: Submissions =
        numbers.made().filter(is_missing).map(|number| numbers.submission(number)).collect();
    (!missing.is_empty()).then(|| {
        let (messages, they) = if missing.len() == 1 {
            ("a message that was", "it was")
        } else {
            ("messages that were", "they were")
        };
        let message =
            format!("{messages} sent without acknowledgements: nobody knows whether {they} written");
        fail(message, facts.plan.expect.span, vec![format!("not in the log when it was read: {missing:.20}")])
    })
}

#[cfg(test)]
mod tests {
    use crate::judge::fixture::{acknowledged, records, scenario, sends, trace};
    use crate::judge::{Odd, judge};
    use crate::trace::{Event, Trace};

    #[test]
    fn what_may_still_come_is_named() {
        let plan = scenario("topic: t\ncount: 3\nproducer: {config: {acks: 0}}\n");
        let mut events = sends(0..3);
        events.extend((0..3).map(|message| Event::Callback(acknowledged(message, 0, None))));
        let mut trace = Trace { settled: false, ..trace(events, &[&records(0..1)]) };
        let [warning] = &judge(&plan, &trace).warnings[..] else { panic!("one") };
        assert_eq!(warning.kind, Odd::NotThereYet);
        assert_eq!(
            warning.what.message,
            "messages that were sent without acknowledgements: nobody knows whether they were written"
        );
        assert_eq!(warning.what.details, ["not in the log when it was read: 1..2"]);
        // Where all has been read it is an anomaly instead.
        trace.settled = true;
        assert_eq!(judge(&plan, &trace).warnings, []);
    }
}
