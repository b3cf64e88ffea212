//! Plans for tests.

use std::sync::Arc;
use std::time::Duration;

use crate::id::MessageId;
use crate::plan::{self, Action, Batch, Options, Plan, Step};
use crate::source::Source;

/// The plan of a scenario, without its name.
pub(super) fn scenario(text: &str) -> Plan {
    let source = Arc::new(Source::new("test.yaml", text));
    let loaded = plan::of(&source, Options { name: "test", settings: &[] });
    loaded.plans.into_iter().next().unwrap_or_else(|| panic!("{:?}", loaded.diagnostics))
}

/// A plan of these actions with one producer and one topic, whose waits are long, and with batches of so many messages.
pub(super) fn plan(actions: &[Action], counts: &[u32]) -> Plan {
    let plan = scenario("topic: test\ncount: 1\nack_wait: 60s\ndeadline: 600s\n");
    let mut next = MessageId(0);
    let batch = |count: &u32| {
        let first = next;
        next = first.plus(*count);
        Batch { first, count: *count, ..plan.batches[0].clone() }
    };
    let step = |action: &Action| Step { action: action.clone(), ..plan.steps[0].clone() };
    Plan {
        batches: counts.iter().map(batch).collect(),
        steps: actions.iter().map(step).collect(),
        ack_wait: Duration::from_mins(1),
        ..plan.clone()
    }
}
