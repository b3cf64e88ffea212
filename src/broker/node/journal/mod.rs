//! A record of requests for people: who asked what, and which codes were answered.

mod answered;
mod asked;

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc;

use crate::broker::topic::Topics;
use crate::id::BrokerId;
use crate::kafka::{CodecError, ErrorCode, decode_request};

/// So many requests may wait to be taken; the next one waits until there is room.
const ROOM: usize = 1_000;

/// A request, and what became of it. As a text it is one line:
/// `broker 1  connection 2  rdkafka  Produce v10  id 7  orders[0]  NONE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The broker that was asked.
    pub broker: BrokerId,
    /// The connection, counted from 1 over all brokers.
    pub connection: u64,
    /// What the client calls itself.
    pub client: Option<String>,
    /// The API and its version, or what came instead of a request.
    pub api: String,
    /// The correlation id.
    pub correlation_id: Option<i32>,
    /// What it is about: partitions, topics, transactions.
    pub touches: Vec<String>,
    /// What became of it.
    pub end: End,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It was answered with these error codes, each once.
    Answered(Vec<ErrorCode>),
    /// There is no answer, and the connection stays.
    Unanswered,
    /// The connection was closed without a word.
    Closed,
}

impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "broker {}  connection {}", self.broker, self.connection)?;
        write!(f, "  {}  {}", self.client.as_deref().unwrap_or("-"), self.api)?;
        if let Some(id) = self.correlation_id {
            write!(f, "  id {id}")?;
        }
        if !self.touches.is_empty() {
            write!(f, "  {}", self.touches.join(" "))?;
        }
        match &self.end {
            End::Answered(codes) if codes.is_empty() => f.write_str("  NONE"),
            End::Answered(codes) => {
                let names: Vec<_> = codes.iter().map(ErrorCode::to_string).collect();
                write!(f, "  {}", names.join(" "))
            }
            End::Unanswered => f.write_str("  no answer"),
            End::Closed => f.write_str("  connection closed"),
        }
    }
}

/// Where the requests of a cluster are noted, once somebody listens.
#[derive(Debug, Default)]
pub(in crate::broker) struct Journal {
    sender: OnceLock<mpsc::Sender<Exchange>>,
    connections: AtomicU64,
}

/// A request that is being handled.
pub(in crate::broker) struct Entry {
    exchange: Exchange,
    /// What its answer is decoded by.
    asked: Option<(i16, i16)>,
}

impl Entry {
    /// Begins an entry for a frame that came to a broker on a connection.
    pub(in crate::broker) fn begin(topics: &Topics, from: (BrokerId, u64), frame: &Bytes) -> Entry {
        let (broker, connection) = from;
        let unread = |api: String| Exchange {
            broker,
            connection,
            client: None,
            api,
            correlation_id: None,
            touches: Vec::new(),
            end: End::Closed,
        };
        match decode_request(frame.clone()) {
            Ok(incoming) => Entry {
                asked: Some((incoming.api.key as i16, incoming.version)),
                exchange: Exchange {
                    client: incoming.client_id.map(|client| client.to_string()),
                    correlation_id: Some(incoming.correlation_id),
                    touches: asked::touches(topics, &incoming.request),
                    ..unread(format!("{:?} v{}", incoming.api.key, incoming.version))
                },
            },
            Err(CodecError::UnsupportedVersion { api, version, correlation_id }) => Entry {
                // Only `ApiVersions` is answered then, in its oldest form.
                asked: Some((api as i16, 0)),
                exchange: Exchange {
                    correlation_id: Some(correlation_id),
                    ..unread(format!("{api:?} v{version} (not supported)"))
                },
            },
            Err(error) => Entry { asked: None, exchange: unread(format!("no request ({error})")) },
        }
    }
}

impl Journal {
    /// From now on requests are noted. None if somebody listens already.
    pub(in crate::broker) fn listen(&self) -> Option<mpsc::Receiver<Exchange>> {
        let (sender, receiver) = mpsc::channel(ROOM);
        self.sender.set(sender).is_ok().then_some(receiver)
    }

    /// The number of a new connection.
    pub(in crate::broker) fn connected(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Whether anybody wants to know of requests.
    pub(in crate::broker) fn is_listened_to(&self) -> bool {
        self.sender.get().is_some()
    }

    /// Ends an entry with the frame that was answered; none where there was none.
    pub(in crate::broker) async fn end(&self, entry: Entry, end: Result<&BytesMut, End>) {
        let Entry { mut exchange, asked } = entry;
        exchange.end = match (end, asked) {
            (Ok(answer), Some((key, version))) => End::Answered(answered::codes(key, version, answer)),
            (Ok(_), None) => End::Answered(Vec::new()),
            (Err(end), _) => end,
        };
        if let Some(sender) = self.sender.get() {
            // Who listened may have gone.
            drop(sender.send(exchange).await);
        }
    }
}
