//! Steps about what stands between the clients and the brokers, and waits for a condition.

use std::time::{Duration, Instant};

use crate::fault::Condition;
use crate::link::Control;
use crate::plan::LinkStep;
use crate::trace::StepEnd;

use super::deadlock::Limit;
use super::{Application, Flow, Halt};

impl Application<'_> {
    fn link(&self) -> Result<&Control, Halt> {
        let nothing = || Halt::Refused("nothing stands between the clients and the brokers".to_owned());
        self.outside.link().ok_or_else(nothing)
    }

    /// Does something on the way between the clients and the brokers.
    pub(super) fn change_link(&self, step: LinkStep) -> Result<StepEnd, Halt> {
        let link = self.link()?;
        match step {
            LinkStep::Arm(fault) => link.arm(fault),
            LinkStep::Release(fault) => link.release(fault),
            LinkStep::Cut { to_broker, to_client, broker, after_heal } => {
                link.cut(to_broker, to_client, broker, after_heal);
            }
            LinkStep::Heal => link.heal(),
            LinkStep::Disconnect { producer, broker } => link.disconnect(producer, broker),
        }
        Ok(StepEnd::Done)
    }

    /// Waits until a condition holds.
    pub(super) fn wait_until(
        &self,
        condition: &Condition,
        within: Duration,
        then: Flow,
    ) -> Result<StepEnd, Halt> {
        let link = self.link()?;
        let waiting = link.wait(condition);
        let over = self.wait(
            Limit::new(Instant::now() + within, then),
            || "the condition of a wait".to_owned(),
            |_| waiting.is_over(),
        );
        link.forget(&waiting);
        Ok(self.ended(over?))
    }
}
