//! Sends from several threads.

use crate::diagnostic::Code;
use crate::plan::compile::Compiler;
use crate::plan::plan::Action;
use crate::scenario::model::Send;
use crate::source::Span;

use super::sending::Split;

impl Compiler<'_> {
    /// How many threads send the messages of a send.
    pub(super) fn threads(&mut self, send: &Send, count: u32, split: &Split) -> u32 {
        let Some(written) = send.concurrent.get() else { return 1 };
        let threads = u32::try_from(written.value.0).unwrap_or(u32::MAX);
        if threads > count {
            let messages = if count == 1 { "message" } else { "messages" };
            let message = format!("{threads} threads for {count} {messages}: the last would send nothing");
            let mistake = self.mistake(Code::OutOfRange, written.span, message);
            self.report(mistake.help("a send has at most as many threads as messages"));
            return 1;
        }
        if threads > 1 && matches!(split, Split::Transactions(..)) {
            let message = "'concurrent' and a mode of transactions exclude each other";
            let mistake = self.mistake(Code::Conflict, written.span, message);
            self.report(mistake.help("write 'begin', the send, and 'commit' as steps"));
            return 1;
        }
        threads
    }

    /// What is submitted once more is so by one thread, behind all others.
    pub(super) fn needs_count(&mut self, send: &Send) {
        let Some(span) = send.concurrent.span() else { return };
        let message = "'concurrent' is about the messages of 'count', and this send has none";
        let mistake = self.mistake(Code::Missing, span, message);
        self.report(mistake.help("leave it out: one thread submits messages once more"));
    }

    /// The first send that several threads make.
    pub(in crate::plan::compile) fn concurrent_send(&self) -> Option<Span> {
        let sent = self.steps.iter().filter_map(|step| match step.action {
            Action::Send { batch, .. } => self.batches.get(batch),
            _ => None,
        });
        sent.filter(|batch| batch.is_concurrent()).map(|batch| batch.span).next()
    }
}
