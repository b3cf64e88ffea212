//! Takes in what the client sends. The link reads ahead: a request counts when it has come, whatever waits before it.

use std::sync::Arc;

use bytes::Bytes;
use tokio::io::AsyncRead;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::fault::Action;
use crate::kafka::frame::FrameReader;
use crate::kafka::{Api, Request, decode_request};
use crate::link::wire::Due;
use kafka_protocol::messages::ApiKey;

use super::line::{Line, swallow};
use super::queue::Taken;

/// The most bytes that wait in one connection, in pieces; a client that sends more waits.
const ROOM: u32 = 256 * 1024;
const PIECE: usize = 1024;

pub(super) struct Intake<'a, S> {
    line: Line<'a>,
    client: FrameReader<S>,
    taken: UnboundedSender<Taken>,
    room: Arc<Semaphore>,
}

impl<'a, S: AsyncRead + Unpin> Intake<'a, S> {
    pub(super) fn new(line: Line<'a>, client: FrameReader<S>, taken: UnboundedSender<Taken>) -> Self {
        Self { line, client, taken, room: Arc::new(Semaphore::new(ROOM as usize)) }
    }

    /// Until the client closes.
    pub(super) async fn run(mut self) {
        let Line { full, cut, hung_up, .. } = self.line;
        let client_closed = tokio::select! {
            () = self.take_all() => true,
            () = full.cancelled() => false,
            () = cut.cancelled() => false,
            () = hung_up.cancelled() => false,
        };
        let Self { line, mut client, taken, .. } = self;
        drop(taken);
        if !client_closed {
            // What a system has received for a socket that nobody reads makes it reset the connection, and the client
            // would lose answers that it has not read.
            let never = tokio_util::sync::CancellationToken::new();
            swallow(client.stream(), &never).await;
        }
        line.shared.has_left(line.ends);
        line.gone.cancel();
    }

    async fn take_all(&mut self) {
        // What is no frame ends a connection, as a broker ends it.
        while let Ok(Some(frame)) = self.client.read().await {
            let size = frame.len() + 4;
            let room = self.room_for(size).await;
            let taken = self.take(frame, room);
            let verdict = taken.decision.verdict.as_ref();
            let stops = verdict.and_then(|verdict| match verdict.action {
                Action::StopReading { after_bytes } => Some(after_bytes),
                _ => None,
            });
            if self.taken.send(taken).is_err() {
                return;
            }
            if let Some(after) = stops {
                self.stop_reading(after.saturating_sub(size as u64)).await;
            }
        }
    }

    /// Takes in what comes of so many bytes more, then nothing until that is over. A request that ends behind them has
    /// not come by then.
    async fn stop_reading(&mut self, mut more: u64) {
        let mut last = None;
        while more > 0 && last.is_none() {
            let Ok(Some(frame)) = self.client.read().await else { return };
            let size = frame.len() as u64 + 4;
            if size > more {
                last = Some(frame);
            } else if !self.take_in(frame).await {
                return;
            }
            more = more.saturating_sub(size);
        }
        self.line.reading.cancelled().await;
        if let Some(frame) = last {
            self.take_in(frame).await;
        }
    }

    /// Whether more may be taken in.
    async fn take_in(&mut self, frame: Bytes) -> bool {
        let room = self.room_for(frame.len() + 4).await;
        let taken = self.take(frame, room);
        self.taken.send(taken).is_ok()
    }

    async fn room_for(&self, size: usize) -> Option<OwnedSemaphorePermit> {
        let pieces = u32::try_from(size / PIECE + 1).unwrap_or(ROOM).min(ROOM);
        Arc::clone(&self.room).acquire_many_owned(pieces).await.ok()
    }

    fn take(&self, frame: Bytes, room: Option<OwnedSemaphorePermit>) -> Taken {
        let Line { ends, shared, told, .. } = self.line;
        let due = due(&frame);
        let key = due.map(|due| due.api.key);
        // What cannot be decoded the broker shall judge.
        let looked =
            key.filter(|key| shared.looks_into(*key)).and_then(|_| decode_request(frame.clone()).ok());
        let asked = looked.map(|incoming| told.ports.upstream.look(incoming));
        let acks = match asked.as_ref().map(|asked| &asked.incoming.request) {
            Some(Request::Produce(request)) => Some(request.acks),
            Some(_) => None,
            None => {
                key.filter(|key| *key == ApiKey::Produce).and_then(|_| due.and_then(|due| acks(&frame, due)))
            }
        };
        let decision = shared.arrive(ends, key, asked.as_ref());
        Taken { frame, due, answered: acks != Some(0), asked, decision, room }
    }
}

/// What an answer must look like; none for an API that the link does not know.
fn due(frame: &[u8]) -> Option<Due> {
    let [k0, k1, v0, v1, c0, c1, c2, c3] = frame.first_chunk()?;
    let api = Api::from_key(i16::from_be_bytes([*k0, *k1]))?;
    let version = i16::from_be_bytes([*v0, *v1]);
    Some(Due { api, version, correlation_id: i32::from_be_bytes([*c0, *c1, *c2, *c3]) })
}

/// The acks of a Produce request that is not decoded: behind the header and the transactional id. None where no broker
/// could read it either.
fn acks(frame: &[u8], due: Due) -> Option<i16> {
    let flexible = due.api.is_flexible(due.version);
    let mut rest = skip_text(frame.get(8..)?)?;
    if flexible {
        let tags;
        (tags, rest) = unsigned(rest)?;
        for _ in 0..tags {
            (_, rest) = unsigned(rest)?;
            let (length, text) = unsigned(rest)?;
            rest = text.get(length as usize..)?;
        }
        let (length, text) = unsigned(rest)?;
        rest = text.get((length as usize).saturating_sub(1)..)?;
    } else {
        rest = skip_text(rest)?;
    }
    rest.first_chunk().map(|acks| i16::from_be_bytes(*acks))
}

/// What is behind a text that may be null.
fn skip_text(bytes: &[u8]) -> Option<&[u8]> {
    let length = i16::from_be_bytes(*bytes.first_chunk()?);
    bytes.get(2 + usize::try_from(length).unwrap_or(0)..)
}

/// A number of variable length, at most five bytes, and what is behind it.
fn unsigned(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let mut number = 0;
    for (at, byte) in bytes.iter().take(5).enumerate() {
        number |= u32::from(byte & 0x7f).checked_shl(7 * u32::try_from(at).ok()?)?;
        if byte & 0x80 == 0 {
            return Some((number, bytes.get(at + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::{ProduceRequest, TransactionalId};
    use kafka_protocol::protocol::StrBytes;

    use super::*;
    use crate::kafka::encode_request;

    #[test]
    fn acks_are_read_without_decoding_the_rest() {
        let ids = [
            None,
            Some(String::new()),
            Some("t".repeat(126)),
            Some("t".repeat(127)),
            Some("t".repeat(20_000)),
        ];
        for (version, id, acks_sent) in
            (3..=13).flat_map(|v| ids.iter().flat_map(move |id| [-1, 0, 1].map(|a| (v, id, a))))
        {
            let id = id.clone().map(|id| TransactionalId(StrBytes::from_string(id)));
            let request = ProduceRequest::default().with_transactional_id(id).with_acks(acks_sent);
            let framed = encode_request(version, 7, "somebody", &request).unwrap();
            let due = due(&framed[4..]).unwrap();
            assert_eq!((due.version, due.correlation_id), (version, 7));
            assert_eq!(acks(&framed[4..], due), Some(acks_sent), "version {version}");
        }
    }

    #[test]
    fn what_is_cut_off_has_no_acks() {
        let framed = encode_request(9, 7, "somebody", &ProduceRequest::default()).unwrap();
        let due = due(&framed[4..]).unwrap();
        let all = &framed[4..];
        let whole = (0..all.len()).find(|end| acks(&all[..*end], due).is_some()).unwrap();
        assert!((0..whole).all(|end| acks(&all[..end], due).is_none()));
    }
}
