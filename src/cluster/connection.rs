//! One connection to a broker: which versions both sides speak, requests out, answers in, each with a deadline.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::str::FromStr;

use kafka_protocol::messages::{ApiKey, ApiVersionsRequest, ApiVersionsResponse};
use kafka_protocol::protocol::{Request, StrBytes};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use crate::kafka::frame::{FrameError, FrameReader};
use crate::kafka::{Api, CodecError, ErrorCode, decode_response, encode_request};

/// The longest answer that is read, in bytes. We ask for far less, but a broker must answer with a whole batch, however
/// long it is; 100 MiB is what Apache Kafka takes in a request, and so the longest batch that it can have.
const LONGEST_ANSWER: usize = 100 << 20;
/// What we call ourselves.
const CLIENT_ID: &str = "inflight";
/// The version in which the versions are asked for: the first one with tagged fields, known since Kafka 2.4.
const ASK_VERSIONS: i16 = 3;

/// Where a broker listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    /// A name or an IP address; of IPv6 without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

/// A text is not `HOST:PORT`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not HOST:PORT")]
pub struct NotAnAddress(String);

impl FromStr for Address {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let parsed = || {
            let (host, port) = text.rsplit_once(':')?;
            let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
            let host = bare.unwrap_or(host);
            let plain = !host.is_empty() && (bare.is_some() || !host.contains(':'));
            let port = port.parse().ok().filter(|port| *port != 0)?;
            plain.then(|| Self { host: host.to_owned(), port })
        };
        parsed().ok_or_else(|| NotAnAddress(text.to_owned()))
    }
}

/// How a broker is reached; a test answers from a script instead.
pub trait Dial: Send {
    /// What goes to and fro.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send;

    /// Opens a stream to a broker.
    fn dial(&mut self, to: &Address) -> impl Future<Output = io::Result<Self::Stream>> + Send;
}

/// Plain TCP.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tcp;

impl Dial for Tcp {
    type Stream = TcpStream;

    async fn dial(&mut self, to: &Address) -> io::Result<TcpStream> {
        let stream = TcpStream::connect((&to.host[..], to.port)).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

/// A broker did not answer as it should. The connection is closed.
#[derive(Debug, thiserror::Error)]
#[error("{asked} to {broker} failed")]
pub struct CallError {
    /// The broker.
    pub broker: Address,
    /// What it was asked: the name of an API, or `Connect`.
    pub asked: String,
    /// What went wrong.
    #[source]
    pub cause: CallFailure,
}

impl CallError {
    /// Whether the connection broke, so that another one, or another broker, may do.
    pub(super) fn is_gone(&self) -> bool {
        matches!(self.cause, CallFailure::Io(_) | CallFailure::Closed | CallFailure::Frame(FrameError::Io(_)))
    }
}

/// What went wrong with a call.
#[derive(Debug, thiserror::Error)]
pub enum CallFailure {
    /// Time ran out.
    #[error("no answer when time ran out")]
    Deadline,
    /// The broker closed the connection instead of answering.
    #[error("the broker closed the connection")]
    Closed,
    /// The connection broke, or was never made.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// What came is no frame.
    #[error(transparent)]
    Frame(FrameError),
    /// What came is known from another protocol.
    #[error("what answers there speaks {0}, not the Kafka protocol in plain text")]
    Protocol(&'static str),
    /// What came is no answer to the request, or the request cannot be said in this version.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// No version of the API is known to both sides.
    #[error("no version in common: the broker speaks {theirs}, we speak {}", VersionRange(*ours))]
    Version {
        /// The broker's versions, in words.
        theirs: String,
        /// Ours, first and last.
        ours: (i16, i16),
    },
    /// The request as a whole was refused.
    #[error("the broker answered {0}")]
    Refused(ErrorCode),
}

impl From<FrameError> for CallFailure {
    fn from(error: FrameError) -> Self {
        let FrameError::Size { claimed, .. } = error else { return Self::Frame(error) };
        match claimed.to_be_bytes() {
            [b'H', b'T', b'T', b'P'] => Self::Protocol("HTTP"),
            // An alert or a handshake (RFC 8446, 5.1).
            [0x15 | 0x16, 3, ..] => Self::Protocol("TLS"),
            _ => Self::Frame(error),
        }
    }
}

/// The first and the last version.
struct VersionRange((i16, i16));

impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.0.0, self.0.1)
    }
}

/// A request that has been sent and waits for its answer.
#[must_use]
pub(super) struct Pending<R> {
    id: i32,
    version: i16,
    request: PhantomData<fn() -> R>,
}

/// An open connection. Answers come in the order of requests; after an error it must not be used again.
#[derive(Debug)]
pub(super) struct Connection<S> {
    frames: FrameReader<S>,
    address: Address,
    versions: HashMap<i16, (i16, i16)>,
    next_id: i32,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Opens a connection and asks which versions the broker speaks.
    pub(super) async fn open<D: Dial<Stream = S>>(
        dial: &mut D,
        address: &Address,
        deadline: Instant,
    ) -> Result<Self, CallError> {
        let stream = within(deadline, async { Ok(dial.dial(address).await?) }).await;
        let stream = stream.map_err(|cause| failed(address, "Connect", cause))?;
        let mut connection = Self {
            frames: FrameReader::new(stream, LONGEST_ANSWER),
            address: address.clone(),
            versions: HashMap::new(),
            next_id: 0,
        };
        connection.negotiate(deadline).await?;
        Ok(connection)
    }

    /// Where the broker listens.
    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// Asks for the versions; a broker that is older than the question says so in version 0, and is asked again in that.
    async fn negotiate(&mut self, deadline: Instant) -> Result<(), CallError> {
        let mut answer = self.ask_versions(ASK_VERSIONS, deadline).await?;
        if answer.error_code == ErrorCode::UNSUPPORTED_VERSION.0 {
            answer = self.ask_versions(0, deadline).await?;
        }
        if answer.error_code != ErrorCode::NONE.0 {
            let cause = CallFailure::Refused(ErrorCode(answer.error_code));
            return Err(self.failed::<ApiVersionsRequest>(cause));
        }
        let ranges = answer.api_keys.iter().map(|api| (api.api_key, (api.min_version, api.max_version)));
        self.versions = ranges.collect();
        Ok(())
    }

    async fn ask_versions(
        &mut self,
        version: i16,
        deadline: Instant,
    ) -> Result<ApiVersionsResponse, CallError> {
        let mut request = ApiVersionsRequest::default();
        if version >= 3 {
            request.client_software_name = StrBytes::from_static_str(CLIENT_ID);
            request.client_software_version = StrBytes::from_static_str(env!("CARGO_PKG_VERSION"));
        }
        let pending = self.send(&request, version, deadline).await?;
        let answer = within(deadline, async {
            let frame = self.frames.read().await?.ok_or(CallFailure::Closed)?;
            // Behind the correlation id stands the code, in every version; the refusal itself has version 0.
            let refused = frame.get(4..6) == Some(&ErrorCode::UNSUPPORTED_VERSION.0.to_be_bytes()[..]);
            let version = if refused { 0 } else { version };
            Ok(decode_response::<ApiVersionsRequest>(frame, version, pending.id)?)
        });
        answer.await.map_err(|cause| self.failed::<ApiVersionsRequest>(cause))
    }

    /// The highest version of an API that both sides speak.
    pub(super) fn version<R: Request>(&self) -> Result<i16, CallError> {
        let ours = Api::from_key(R::KEY).map_or((0, -1), |api| (*api.served().start(), *api.served().end()));
        let theirs = self.versions.get(&R::KEY);
        let (min, max) = theirs.map_or((0, -1), |(min, max)| (ours.0.max(*min), ours.1.min(*max)));
        if min <= max {
            return Ok(max);
        }
        let theirs = theirs.map_or("none".to_owned(), |range| VersionRange(*range).to_string());
        Err(self.failed::<R>(CallFailure::Version { theirs, ours }))
    }

    /// Sends a request; others may be sent before its answer is read.
    pub(super) async fn send<R: Request>(
        &mut self,
        request: &R,
        version: i16,
        deadline: Instant,
    ) -> Result<Pending<R>, CallError> {
        let id = self.next_id;
        self.next_id = id.wrapping_add(1);
        let sent = within(deadline, async {
            let frame = encode_request(version, id, CLIENT_ID, request)?;
            self.frames.stream().write_all(&frame).await?;
            Ok(Pending { id, version, request: PhantomData })
        });
        sent.await.map_err(|cause| self.failed::<R>(cause))
    }

    /// Reads the answer to the oldest request that has none yet.
    pub(super) async fn receive<R: Request>(
        &mut self,
        pending: Pending<R>,
        deadline: Instant,
    ) -> Result<R::Response, CallError> {
        let answer = within(deadline, async {
            let frame = self.frames.read().await?.ok_or(CallFailure::Closed)?;
            Ok(decode_response::<R>(frame, pending.version, pending.id)?)
        });
        answer.await.map_err(|cause| self.failed::<R>(cause))
    }

    /// The error of a call that this broker answered wrongly, or not at all.
    pub(super) fn failed<R: Request>(&self, cause: CallFailure) -> CallError {
        let asked = ApiKey::try_from(R::KEY).map_or_else(|()| R::KEY.to_string(), |key| format!("{key:?}"));
        failed(&self.address, &asked, cause)
    }
}

fn failed(broker: &Address, asked: &str, cause: CallFailure) -> CallError {
    CallError { broker: broker.clone(), asked: asked.to_owned(), cause }
}

async fn within<T>(
    deadline: Instant,
    work: impl Future<Output = Result<T, CallFailure>>,
) -> Result<T, CallFailure> {
    timeout_at(deadline, work).await.unwrap_or(Err(CallFailure::Deadline))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::BytesMut;
    use kafka_protocol::messages::MetadataRequest;

    use super::*;
    use crate::cluster::scripted::{Fake, Reply, address, soon};
    use crate::kafka::{Request as AnyRequest, encode_response};

    async fn open(fake: Fake) -> Result<Connection<tokio::io::DuplexStream>, CallError> {
        let (mut dial, _fake) = fake.start();
        let opened = Connection::open(&mut dial, &address(1), soon()).await;
        // The brokers end with their dial.
        std::mem::forget(dial);
        opened
    }

    #[test]
    fn addresses_are_read_as_they_are_written() {
        for text in ["localhost:9092", "127.0.0.1:1", "[::1]:9092", "a.b-c:65535"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        assert_eq!("[::1]:1".parse::<Address>().unwrap().host, "::1");
        for text in ["", "localhost", ":9092", "a:", "a:0", "a:65536", "::1:9092", "[]:1", "a:b"] {
            assert_eq!(text.parse::<Address>(), Err(NotAnAddress(text.to_owned())));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_highest_version_of_both_sides_is_used() {
        let versions = |range| {
            let mut fake = Fake::new(1);
            fake.versions.insert(3, range);
            open(fake)
        };
        assert_eq!(versions((0, 5)).await.unwrap().version::<MetadataRequest>().unwrap(), 5);
        assert_eq!(versions((0, 99)).await.unwrap().version::<MetadataRequest>().unwrap(), 13);
        let error = versions((14, 15)).await.unwrap().version::<MetadataRequest>().unwrap_err();
        assert_eq!(error.to_string(), "Metadata to broker:1 failed");
        assert_eq!(
            error.cause.to_string(),
            "no version in common: the broker speaks 14 to 15, we speak 0 to 13"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_broker_that_does_not_know_our_question_is_asked_again_in_version_0() {
        let refuse = |_: &Address, incoming: &crate::kafka::Incoming| {
            let answer = ApiVersionsResponse::default().with_error_code(35);
            let refused = encode_response(incoming.api, 0, incoming.correlation_id, &answer).unwrap();
            (incoming.version > 0).then_some(Reply::Frame(refused))
        };
        let connection = open(Fake::new(1).hook(refuse)).await.unwrap();
        assert_eq!(connection.version::<MetadataRequest>().unwrap(), 13);
    }

    #[tokio::test(start_paused = true)]
    async fn whatever_goes_wrong_has_a_name() {
        let cause = |reply: fn() -> Reply| async move {
            let hook = move |_: &Address, incoming: &crate::kafka::Incoming| {
                matches!(incoming.request, AnyRequest::Metadata(_)).then(reply)
            };
            let mut connection = open(Fake::new(1).hook(hook)).await.unwrap();
            let deadline = Instant::now() + Duration::from_secs(1);
            let pending = connection.send(&MetadataRequest::default(), 13, deadline).await.unwrap();
            connection.receive(pending, deadline).await.unwrap_err().cause
        };
        assert!(matches!(cause(|| Reply::Silence).await, CallFailure::Deadline));
        assert!(matches!(cause(|| Reply::Close).await, CallFailure::Closed));
        assert!(matches!(
            cause(|| Reply::Frame(BytesMut::from(&[0x7f, 0xff, 0xff, 0xff][..]))).await,
            CallFailure::Frame(FrameError::Size { .. })
        ));
        let lie =
            || Reply::Frame(BytesMut::from(&[0, 0, 0, 10, 0, 0, 0, 1, 0, 0xff, 0xff, 0xff, 0xff, 0x0f][..]));
        assert!(matches!(cause(lie).await, CallFailure::Codec(_)));
        let http = || Reply::Frame(BytesMut::from(&b"HTTP/1.1 400 Bad Request"[..]));
        assert!(matches!(cause(http).await, CallFailure::Protocol("HTTP")));
        let tls = || Reply::Frame(BytesMut::from(&[0x15, 3, 1, 0, 2, 2, 0x46][..]));
        assert!(matches!(cause(tls).await, CallFailure::Protocol("TLS")));
    }
}
