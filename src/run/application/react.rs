//! What the application makes of reactions, those in callbacks included.

use std::time::Instant;

use crate::run::react::Trouble;

use super::deadlock::Limit;
use super::{Application, Flow, Halt};

impl Application<'_> {
    /// Lets go of the producers that reactions have closed.
    pub(super) fn let_go_of_closed(&self) -> Result<(), Halt> {
        self.no_trouble()?;
        let closed = self.crew.all().filter(|index| self.reactions.has_closed(*index));
        for (index, producer) in closed.filter_map(|index| Some((index, self.crew.take(index)?))) {
            self.let_go(index, producer);
        }
        Ok(())
    }

    /// What reactions have sent without waiting for it is waited for at the end.
    pub(super) fn take_made(&mut self) {
        if let Some((made, last)) = self.reactions.take_made() {
            self.asynchronous.extend(made.iter());
            let limit = last + self.plan.ack_wait;
            self.patience = Some(self.patience.map_or(limit, |known| known.max(limit)));
        }
    }

    /// Whether an interruption, another thread or what reactions have run into ends every wait.
    pub(super) fn is_ended(&self) -> bool {
        self.is_interrupted() || self.reactions.has_trouble()
    }

    /// What reactions have run into ends the run.
    pub(super) fn no_trouble(&self) -> Result<(), Halt> {
        match self.reactions.trouble() {
            None => Ok(()),
            Some(Trouble::Endless(reaction, cause)) => Err(Halt::Endless { reaction, cause }),
            Some(Trouble::Message(error)) => Err(Halt::Message(error)),
        }
    }

    /// How long a reaction may take.
    pub(super) fn limit_of_reaction(&self) -> Limit {
        Limit::new(Instant::now() + self.plan.ack_wait, Flow::Goes)
    }

    /// Whether nothing is left that reactions could still do or have sent.
    pub(super) fn has_settled(&self) -> bool {
        self.reactions.are_none() || !self.reactions.wants_sender() && self.outstanding().is_empty()
    }
}
