//! Reactions that happen at a moment which nothing decides.

use std::ops::Range;

use crate::diagnostic::Code;
use crate::plan::compile::Compiler;
use crate::plan::plan::{Action, Batch, Deed, Mode};
use crate::scenario::Callbacks;

impl Compiler<'_> {
    /// Reactions while the application goes on sending, at a moment that nothing decides.
    pub(in crate::plan::compile) fn racing_reactions(&mut self) {
        if self.callbacks() == Callbacks::OnWait {
            return;
        }
        let stretches = self.stretches();
        if stretches.iter().any(|stretch| self.is_held_until_sent(u64::from(stretch.end))) {
            return self.reactions_beside_steps();
        }
        for reaction in self.reactions.clone() {
            let may_race = |stretch: &Range<u32>| {
                reaction.on.submissions.as_ref().is_none_or(|some| {
                    some.iter().any(|one| stretch.contains(&one.message.0) || one.again > 0)
                })
            };
            if !stretches.iter().any(may_race) {
                continue;
            }
            let message = match reaction.deed {
                Deed::Flush if reaction.in_callback => continue,
                Deed::Stop | Deed::Close => "what has been sent when this happens differs from run to run",
                Deed::Resend | Deed::Send { .. } | Deed::Flush => {
                    "its place among the sends that go on meanwhile differs from run to run"
                }
            };
            let warning = self.mistake(Code::RacingReaction, reaction.span, message);
            let help =
                "send with 'mode: sync', write 'callbacks: on_wait', or hold the answers until all is sent";
            self.report(warning.help(help));
        }
    }

    /// Reactions to what no step waits for before one that ends something.
    fn reactions_beside_steps(&mut self) {
        let (mut open, mut beside) = (false, None);
        for step in &self.steps {
            match &step.action {
                Action::Send { mode, .. } | Action::Again { mode, .. } => {
                    open |= !self.waits_for_each(&step.action, *mode);
                }
                action if action.only_waits() => open = false,
                Action::Close { .. } | Action::Exit | Action::Transaction { .. } if open => {
                    beside = Some(step.span);
                    break;
                }
                _ => {}
            }
        }
        let Some(beside) = beside else { return };
        for reaction in self.reactions.clone() {
            if reaction.in_callback && !matches!(reaction.deed, Deed::Stop | Deed::Close) {
                continue;
            }
            let message =
                "whether this happens before the step that follows or behind it differs from run to run";
            let warning = self.mistake(Code::RacingReaction, reaction.span, message);
            let warning = warning.and(beside, "nothing has waited for the callbacks here");
            self.report(warning.help("write the step 'wait: callbacks' in front of it"));
        }
    }

    /// Whether nothing is under way behind each of its sends.
    fn waits_for_each(&self, action: &Action, mode: Mode) -> bool {
        matches!(mode, Mode::Sync | Mode::Window(1)) && !self.is_concurrent(action)
    }

    fn is_concurrent(&self, action: &Action) -> bool {
        matches!(action, Action::Send { batch, .. } if self.batches.get(*batch).is_some_and(Batch::is_concurrent))
    }

    /// The messages that are sent while callbacks of such as were sent before may come, from wait to wait.
    fn stretches(&self) -> Vec<Range<u32>> {
        let mut stretches = Vec::new();
        // From where on something is under way, and whether more has been sent by then.
        let mut open: Option<(u32, bool)> = None;
        let mut sent = 0;
        for step in &self.steps {
            let (count, mode) = match &step.action {
                Action::Send { batch, mode } => {
                    (self.batches.get(*batch).map_or(0, |batch| u64::from(batch.count)), *mode)
                }
                Action::Again { submissions, mode } => (submissions.len() as u64, *mode),
                action if action.only_waits() => {
                    stretches.extend(open.take().filter(|(_, races)| *races).map(|(first, _)| first..sent));
                    continue;
                }
                _ => continue,
            };
            let waits = self.waits_for_each(&step.action, mode);
            open = match open {
                Some((first, _)) => Some((first, true)),
                None if waits => None,
                None => Some((sent, count > 1)),
            };
            if let Action::Send { .. } = step.action {
                sent = sent.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
            }
        }
        stretches.extend(open.filter(|(_, races)| *races).map(|(first, _)| first..sent));
        stretches
    }
}
