//! Who waits until all replicas in sync have what was appended (`DelayedProduce`).

use tokio::sync::oneshot;

use crate::kafka::ErrorCode;

/// How a wait ends: without an error, or with the one that the answer gets though the records were appended.
pub(in crate::broker) type Wait = oneshot::Receiver<ErrorCode>;

/// The waits at a partition. Each ends at the very change that decides it, whatever follows before the one who waits
/// looks.
#[derive(Debug, Default)]
pub(super) struct Waits(Vec<(i64, oneshot::Sender<ErrorCode>)>);

impl Waits {
    /// Waits for the high watermark to pass that offset.
    pub(super) fn add(&mut self, last_offset: i64) -> Wait {
        // Those who lost patience or went away are gone.
        self.0.retain(|(_, sender)| !sender.is_closed());
        let (sender, wait) = oneshot::channel();
        self.0.push((last_offset, sender));
        wait
    }

    /// The high watermark has come to that offset.
    pub(super) fn reached(&mut self, high_watermark: i64) {
        self.end(ErrorCode::NONE, |last_offset| last_offset < high_watermark);
    }

    /// Nobody waits any longer.
    pub(super) fn fail(&mut self, code: ErrorCode) {
        self.end(code, |_| true);
    }

    fn end(&mut self, code: ErrorCode, ends: impl Fn(i64) -> bool) {
        for (_, sender) in self.0.extract_if(.., |(last_offset, _)| ends(*last_offset)) {
            // Who went away needs no answer.
            let _ = sender.send(code);
        }
    }
}
