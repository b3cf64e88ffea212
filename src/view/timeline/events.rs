//! The application's calls and steps, and the callbacks.

use std::collections::HashMap;
use std::iter::once;

use crate::id::Submission;
use crate::judge::{By, Outcome, Which};
use crate::plan::{Action, TransactionCall};
use crate::trace::{Callback, Event, Reacts, StepEnd, Trace};

use super::{APPLICATION, Entry, Layout, Tone, When, Words, fact};

/// The submissions that reactions made, and in words what each followed.
pub(super) fn made_by_reactions(trace: &Trace) -> HashMap<Submission, String> {
    let mut made = HashMap::new();
    for event in trace.events.others() {
        if let Event::Reacts(_, reacts) = event {
            made.extend(reacts.made.iter().map(|one| (one, followed(reacts))));
        }
    }
    made
}

/// What a reaction followed.
fn followed(reacts: &Reacts) -> String {
    let cause = reacts.cause;
    if reacts.inside.is_some() {
        format!("in the callback of {cause}")
    } else {
        format!("because of {cause}")
    }
}

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
                let followed = self.reactions.get(submission).map_or("", String::as_str);
                let about = [&self.sender(*submission), followed].concat();
                let refused = match self.findings.outcomes.get(*submission) {
                    Some(Outcome::Failed { code, by: By::Call }) => Some(code),
                    _ => None,
                };
                let (before, about) = match refused {
                    Some(code) => ("send_failed ", format!("{code} {about}")),
                    None => ("send ", about),
                };
                Entry::one(APPLICATION, before, *submission, None, tone).with(about.trim_end())
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
            Event::Reacts(number, reacts) => said(self.reaction(*number, reacts)?, Tone::Plain),
            Event::Reacted(number, StepEnd::TimedOut(outstanding)) => {
                said(format!("└ reaction {number} timed out, {outstanding} outstanding"), Tone::Plain)
            }
            // A request shows what fired; that a call has returned is seldom worth a line.
            Event::Sent(_) | Event::SendFailed(..) | Event::Reacted(..) | Event::Fired(..) => return None,
        })
    }

    /// Which of several threads has sent it.
    fn sender(&self, one: Submission) -> String {
        let batch = self.plan.batch_of(one.message).filter(|_| one.again == 0);
        let thread = batch.and_then(|batch| batch.thread_of(one.message));
        thread.map_or_else(String::new, |thread| format!("by thread {thread}"))
    }

    /// A reaction in words; none for one that sends, which shows by what it sends.
    fn reaction(&self, number: u32, reacts: &Reacts) -> Option<String> {
        let deed = self.plan.reactions.get(reacts.rule)?.deed;
        (!deed.sends()).then(|| format!("{} {} (reaction {number})", deed.word(), followed(reacts)))
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
            Action::Flush { producer, .. } => {
                producer.map_or_else(|| "flush".to_owned(), |producer| of("flush", producer))
            }
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
