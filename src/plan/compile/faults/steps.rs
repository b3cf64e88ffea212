//! Steps about faults and the network, and waits for conditions.

use crate::diagnostic::Code;
use crate::fault::AfterClose;
use crate::plan::compile::Compiler;
use crate::plan::plan::{Action, LinkStep};
use crate::scenario::Field;
use crate::scenario::model::{self, Direction, Form, NetworkStep};
use crate::source::{Span, Spanned};

use super::condition::{Parts, Waiting};

impl Compiler<'_> {
    /// `wait: {…}`.
    pub(in crate::plan::compile) fn wait_for_condition(&mut self, wait: &model::Wait, span: Span) {
        let within = wait.within.value().map_or_else(|| self.ack_wait(), |within| within.0);
        let condition = self.condition(&Parts::from(wait), span, Waiting::STEP);
        self.add(Action::Wait { condition, within }, span);
    }

    /// A step about the way between the producers and the brokers; none for any other.
    pub(in crate::plan::compile) fn link_step(&mut self, step: &model::Step, span: Span) -> bool {
        let made = match step {
            model::Step::Arm(name) => self.arm(&name.0, span),
            model::Step::Release(name) => self.fault_of(&name.0, span).map(LinkStep::Release),
            model::Step::Network(network) => self.network(network, span),
            model::Step::Disconnect(disconnect) => {
                self.disconnect(&disconnect.clone().unwrap_or_default(), span)
            }
            _ => return false,
        };
        if let Some(step) = made {
            self.add(Action::Link(step), span);
        }
        true
    }

    fn arm(&mut self, name: &str, span: Span) -> Option<LinkStep> {
        let index = self.fault_of(name, span)?;
        let faults = self.scenario.faults.value().map(Vec::as_slice).unwrap_or_default();
        let armed = faults.get(index.index()).and_then(Field::value).is_none_or(|fault| match fault.armed {
            Field::Absent => true,
            Field::Wrong(_) => false,
            Field::Given(Spanned { value, .. }) => value,
        });
        if armed {
            let mistake = self.mistake(Code::AlreadySo, span, format!("'{name}' is armed by then"));
            self.report(mistake.help("write 'armed: false' among the fields of the fault"));
        }
        Some(LinkStep::Arm(index))
    }

    fn network(&mut self, step: &NetworkStep, span: Span) -> Option<LinkStep> {
        let cut = match step {
            Form::Short(model::Heal::Heal) => return Some(LinkStep::Heal),
            Form::Long(cut) => cut,
        };
        let directions = cut.cut.value().map(|directions| directions.items().to_vec()).unwrap_or_default();
        let is = |wanted| directions.iter().any(|direction| direction.value() == Some(&wanted));
        if directions.is_empty() && !matches!(cut.cut, Field::Wrong(_)) {
            let mistake = self.mistake(Code::Missing, span, "this does not say which direction is cut");
            self.report(mistake.help("write 'network: {cut: [to_broker, to_client]}' or 'network: heal'"));
        }
        let broker = match &cut.broker {
            Field::Given(broker) => Some(self.broker(broker)?),
            _ => None,
        };
        let after_heal = after_close(&cut.after_heal);
        let (to_broker, to_client) = (is(Direction::ToBroker), is(Direction::ToClient));
        Some(LinkStep::Cut { to_broker, to_client, broker, after_heal })
    }

    fn disconnect(&mut self, step: &model::Disconnect, span: Span) -> Option<LinkStep> {
        let producer = match &step.producer {
            Field::Absent => None,
            named => Some(self.producer_of(named, span)?),
        };
        let broker = match &step.broker {
            Field::Given(broker) => Some(self.broker(broker)?),
            _ => None,
        };
        Some(LinkStep::Disconnect { producer, broker })
    }
}

/// What becomes of what is under way on a connection that ends.
pub(super) fn after_close(field: &Field<model::AfterClose>) -> AfterClose {
    match field.value() {
        Some(model::AfterClose::Lose) => AfterClose::Lose,
        Some(model::AfterClose::Deliver) | None => AfterClose::Deliver,
    }
}
