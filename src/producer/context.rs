//! What librdkafka calls back, gathered until the polling thread hands it on in one piece.

use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::producer::{DeliveryResult, ProducerContext};
use rdkafka::types::RDKafkaErrorCode;

use crate::id::{MessageId, Offset, Partition, ProducerIndex, Submission};
use crate::trace::{Callback, Code, Failure};

use super::{code, native};

const _: () = assert!(usize::BITS >= 48, "a submission travels in one pointer-sized word");

/// The word that travels with a message through librdkafka: no allocation for each.
pub(super) fn opaque(submission: Submission) -> usize {
    submission.message.index() | usize::from(submission.again) << 32
}

fn submission(opaque: usize) -> Submission {
    let message = u32::try_from(opaque & 0xFFFF_FFFF).unwrap_or(u32::MAX);
    Submission { message: MessageId(message), again: u16::try_from(opaque >> 32).unwrap_or(u16::MAX) }
}

/// What librdkafka said since the last look.
pub(super) struct Context {
    producer: ProducerIndex,
    heard: Mutex<Heard>,
}

/// What librdkafka said.
#[derive(Default)]
pub(super) struct Heard {
    /// Answers, in their order.
    pub(super) callbacks: Vec<Callback>,
    /// For each code in them that is new, librdkafka's words for it.
    pub(super) words: Vec<(Code, String)>,
    /// Codes that have been put in words.
    explained: Vec<Code>,
    /// Something went wrong outside messages. Whether the client has given up by it has to be asked: rust-rdkafka
    /// hands on the code behind a fatal error, not that it is one.
    pub(super) error: bool,
    /// What last went wrong outside messages, such as a connection that was refused.
    pub(super) trouble: Option<String>,
}

impl Context {
    pub(super) fn new(producer: ProducerIndex) -> Self {
        Self { producer, heard: Mutex::default() }
    }

    /// What was said since the last look.
    pub(super) fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether something went wrong outside messages since the last question.
    pub(super) fn take_error(&self) -> bool {
        mem::take(&mut self.heard().error)
    }
}

impl ClientContext for Context {
    /// Nothing goes to a terminal behind the reports' back. What the lines say of failures comes as errors, too.
    fn log(&self, _: RDKafkaLogLevel, _: &str, _: &str) {}

    fn error(&self, _: KafkaError, reason: &str) {
        let mut heard = self.heard();
        heard.error = true;
        heard.trouble = Some(reason.to_owned());
    }

    fn stats_raw(&self, _: &[u8]) {}
}

impl ProducerContext for Context {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, opaque: usize) {
        let mut heard = self.heard();
        let (message, result) = match result {
            Ok(message) => (message, Ok(())),
            Err((error, message)) => (message, Err(heard.failure(error, message))),
        };
        heard.callbacks.push(Callback {
            submission: submission(opaque),
            producer: self.producer,
            partition: (message.partition() >= 0).then(|| Partition(message.partition())),
            // librdkafka invents an offset for a failed message, and says -1001 where the broker named none.
            offset: (result.is_ok() && message.offset() >= 0).then(|| Offset(message.offset())),
            result,
            late: false,
        });
    }
}

impl Heard {
    fn failure(&mut self, error: &KafkaError, message: &BorrowedMessage<'_>) -> Failure {
        let error = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail);
        let code = code::in_callback(error);
        if !self.explained.contains(&code) {
            self.explained.push(code);
            self.words.push((code, error.to_string()));
        }
        Failure { code, persistence: native::persistence(message) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_submission_survives_the_journey() {
        for (message, again) in [(0, 0), (1, 0), (u32::MAX, 0), (7, 1), (u32::MAX, u16::MAX)] {
            let there = Submission { message: MessageId(message), again };
            assert_eq!(submission(opaque(there)), there);
        }
    }
}
