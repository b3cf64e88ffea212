//! The application's calls and steps, and the callbacks.

use std::iter::once;

use crate::id::Submission;
use crate::judge::{By, Outcome, Which};
use crate::plan::{Action, TransactionCall};
use crate::trace::{Callback, Event, StepEnd};

use super::{APPLICATION, Entry, Layout, Tone, When, Words, fact};

impl Layout<'_> {
    pub(super) fn events(&self) -> Vec<(When, Entry)> {
        let all = (0..).zip(self.trace.events.iter());
        all.filter_map(|(number, event)| Some((fact(number), self.event(&event)?))).collect()
    }

    fn event(&self, event: &Event) -> Option<Entry> {
        let said = |text: String, tone| Entry { column: APPLICATION, words: Words::plain(text), tone };
        Some(match event {
            Event::Send(submission) => {
                let tone = self.tone(once(*submission));
                match self.findings.outcomes.get(*submission) {
                    Some(Outcome::Failed { code, by: By::Call }) => {
                        let about = [code.to_string(), self.sender(*submission)].join(" ");
                        Entry::one(APPLICATION, "send_failed ", *submission, None, tone)
                            .with(about.trim_end())
                    }
                    _ => Entry::one(APPLICATION, "send ", *submission, None, tone)
                        .with(self.sender(*submission)),
                }
            }
            Event::Callback(callback) => self.callback(callback),
            Event::Timeout(submissions) => said(format!("timeout {submissions}"), Tone::Open),
            Event::NotSent { first, count, step } => {
                let last = first.0.saturating_add(count.saturating_sub(1).saturating_mul(*step));
                let step = if *step > 1 { format!(" step {step}") } else { String::new() };
                said(format!("not sent {first}..{last}{step}"), Tone::Plain)
            }
            Event::Fatal(producer, code) => {
                let whose = if self.names.several_producers() { self.names.producer(*producer) } else { "" };
                said(format!("fatal {whose} {code}").replace("  ", " "), Tone::Bad)
            }
            Event::StepBegan(step) => said(self.step(*step)?, Tone::Plain),
            Event::StepEnded(step, end) => said(self.ended(*step, *end)?, Tone::Plain),
            // A request shows what fired; that a call has returned is seldom worth a line.
            Event::Sent(_) | Event::SendFailed(..) | Event::Fired(..) => return None,
        })
    }

    /// Which of several threads has sent it.
    fn sender(&self, one: Submission) -> String {
        let batch = self.plan.batch_of(one.message).filter(|_| one.again == 0);
        let thread = batch.and_then(|batch| batch.thread_of(one.message));
        thread.map_or_else(String::new, |thread| format!("by thread {thread}"))
    }

    fn callback(&self, callback: &Callback) -> Entry {
        let tone = self.tone(once(callback.submission));
        let mut about = Vec::new();
        if self.names.several_producers() {
            about.push(format!("to {}", self.names.producer(callback.producer)));
        }
        let (before, offset) = match (callback.result, callback.late) {
            (Ok(()), false) => ("ok ", callback.offset),
            (Ok(()), true) => ("late ok ", callback.offset),
            (Err(_), false) => ("err ", None),
            (Err(_), true) => ("late err ", None),
        };
        if let Err(failure) = callback.result {
            about.push(failure.code.to_string());
        } else if offset.is_none() {
            about.push("@?".to_owned());
        }
        Entry::one(APPLICATION, before, callback.submission, offset.map(|offset| offset.0), tone)
            .with(about.join(" "))
    }

    /// A step in words; none for one that nobody wrote.
    fn step(&self, at: usize) -> Option<String> {
        let step = self.plan.steps.get(at)?;
        if let Some(told) = self.names.told_by(at) {
            return Some(self.names.told(told).to_owned());
        }
        let several = self.names.several_producers();
        let of = |word: &str, producer| {
            if several { format!("{word} {}", self.names.producer(producer)) } else { word.to_owned() }
        };
        Some(match step.action {
            Action::Transaction { producer, ref call, .. } => match call {
                TransactionCall::Begin => of("begin", producer),
                TransactionCall::Commit => of("commit", producer),
                TransactionCall::Abort { .. } => of("abort", producer),
                TransactionCall::SendOffsets(_) => of("send_offsets", producer),
            },
            _ if !step.explicit => return None,
            Action::Flush { .. } => "flush".to_owned(),
            Action::WaitCallbacks { .. } => "wait callbacks".to_owned(),
            Action::Close { producer, .. } => of("close", producer),
            Action::Open { producer, .. } => of("open", producer),
            Action::Exit => "exit".to_owned(),
            _ => return None,
        })
    }

    fn ended(&self, at: usize, end: StepEnd) -> Option<String> {
        let words = self.step(at)?;
        Some(match end {
            StepEnd::Done => format!("└ {words}"),
            StepEnd::TimedOut(outstanding) => format!("└ {words} timed out, {outstanding} outstanding"),
            StepEnd::Failed(code) => format!("└ {words} refused {code}"),
            StepEnd::Unknown(code) => format!("└ {words} unknown {code}"),
            StepEnd::Skipped => format!("{words} skipped"),
        })
    }

    /// The name of a partition.
    pub(super) fn partition(&self, topic: crate::id::TopicIndex, which: Which) -> String {
        let mut text = String::new();
        self.names.partition(&mut text, topic, which);
        text
    }
}
