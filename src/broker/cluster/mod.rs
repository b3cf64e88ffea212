//! A running cluster: sockets, tasks, and their end.

mod server;
mod spec;
mod step;
#[cfg(test)]
mod transactional;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use kafka_protocol::messages::ApiVersionsRequest;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::broker::cluster::server::{End, Server};
use crate::broker::node::journal::Exchange;
use crate::broker::node::{ClusterState, Endpoint, Node};
use crate::id::BrokerId;
use crate::kafka::encode_request;
use crate::kafka::frame::{FrameError, FrameReader, MAX_REQUEST_BYTES};

pub use spec::{ClusterSpec, TopicSpec};

/// How often partitions are looked after (`log.retention.check.interval.ms`).
const LOOK_AFTER: Duration = Duration::from_mins(5);

/// A cluster in memory, on real sockets, of one broker or several.
///
/// Dropping it ends all of its tasks without waiting for them; [`Cluster::shutdown`] waits.
#[derive(Debug)]
pub struct Cluster {
    state: Arc<ClusterState>,
    /// Where each broker listens, by id.
    addresses: Vec<SocketAddr>,
    servers: Mutex<Vec<Server>>,
    open: watch::Receiver<usize>,
    upkeep: JoinSet<()>,
}

impl Cluster {
    /// Listens, and serves until it is shut down or dropped. Fails if a port is taken, or if a topic or the number of
    /// brokers cannot be ([`io::ErrorKind::InvalidInput`], with a [`TopicError`](crate::broker::TopicError) inside). To
    /// be called on a tokio runtime.
    #[expect(clippy::unused_async, reason = "it needs a runtime, and an async fn says so")]
    pub async fn start(spec: ClusterSpec) -> io::Result<Self> {
        let (count, open) = watch::channel(0);
        let count = Arc::new(count);
        let mut servers = Vec::new();
        for n in 0..spec.brokers {
            servers.push(Server::bind(nth(spec.listen, n)?, &count)?);
        }
        let addresses: Vec<_> = servers.iter().map(Server::address).collect();
        let endpoints = (1..).zip(&addresses).map(|(id, address)| Endpoint {
            id: BrokerId(id),
            host: address.ip().to_string(),
            port: address.port(),
        });
        let state = ClusterState::new(endpoints.collect(), spec.auto_create_topics, spec.emulate);
        let invalid = |error| io::Error::new(io::ErrorKind::InvalidInput, error);
        for topic in &spec.topics {
            let placed = topic.placed(&state).map_err(invalid)?;
            state.create(placed).map_err(invalid)?;
        }
        let state = Arc::new(state);
        for (id, server) in (1..).zip(&mut servers) {
            server.serve(node(&state, BrokerId(id)));
        }
        let mut upkeep = JoinSet::new();
        upkeep.spawn(keep_house(Arc::clone(&state)));
        Ok(Self { state, addresses, servers: Mutex::new(servers), open, upkeep })
    }

    /// What a client's `bootstrap.servers` must be: `127.0.0.1:PORT`, for each broker one, with commas between them.
    pub fn bootstrap(&self) -> String {
        self.addresses.iter().map(SocketAddr::to_string).collect::<Vec<_>>().join(",")
    }

    /// From now on hands out a record of every request, in the order in which they are handled on each connection. Who
    /// asked for it must take them: requests wait when too many are not taken. None the second time.
    pub fn exchanges(&self) -> Option<mpsc::Receiver<Exchange>> {
        self.state.journal.listen()
    }

    /// Waits until every connection that was opened before this call has been read to its end, each request in it has
    /// been handled, and it is closed. Whatever a client has sent before it closed is in the logs then, even with
    /// `acks=0`. It never ends while a client keeps its connection, so a caller sets a deadline.
    pub async fn idle(&self) -> io::Result<()> {
        let servers = self.servers.lock().await;
        for server in servers.iter().filter(|server| server.is_running()) {
            accept_all(server.address()).await?;
        }
        drop(servers);
        // It fails when the listeners are gone, and all connections with them.
        let _ = self.open.clone().wait_for(|open| *open == 0).await;
        Ok(())
    }

    /// Closes all connections and waits until every task has ended.
    pub async fn shutdown(mut self) {
        for server in self.servers.lock().await.iter_mut() {
            server.end(End::Abrupt).await;
        }
        self.upkeep.shutdown().await;
    }
}

/// Looks after all partitions as long as the cluster lives.
async fn keep_house(state: Arc<ClusterState>) {
    loop {
        tokio::time::sleep(LOOK_AFTER).await;
        state.keep_house();
    }
}

/// Where the n-th broker listens.
fn nth(first: SocketAddr, n: u32) -> io::Result<SocketAddr> {
    let port = match first.port() {
        0 => Some(0),
        port => u16::try_from(n).ok().and_then(|n| port.checked_add(n)),
    };
    let none = || io::Error::new(io::ErrorKind::InvalidInput, "there are not enough ports for all brokers");
    port.map(|port| SocketAddr::new(first.ip(), port)).ok_or_else(none)
}

fn node(state: &Arc<ClusterState>, id: BrokerId) -> Node {
    let (cluster, sessions) = (Arc::clone(state), Arc::default());
    Node { id, cluster, sessions, stopping: CancellationToken::new() }
}

/// Connections are accepted in the order in which they were opened: when one of our own has its answer, all earlier
/// ones are counted.
async fn accept_all(address: SocketAddr) -> io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    let request =
        encode_request(0, 0, "inflight", &ApiVersionsRequest::default()).map_err(io::Error::other)?;
    stream.write_all(&request).await?;
    match FrameReader::new(stream, MAX_REQUEST_BYTES).read().await {
        Ok(_) => Ok(()),
        Err(FrameError::Io(error)) => Err(error),
        Err(error) => Err(io::Error::other(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use bytes::Bytes;
    use kafka_protocol::messages::{MetadataRequest, ProduceRequest};
    use rdkafka::ClientContext;
    use rdkafka::config::ClientConfig;
    use rdkafka::message::{DeliveryResult, Message};
    use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};

    use super::*;
    use crate::broker::connection::wire::{Bench, Client, batch, produce};
    use crate::kafka::batch::Batch;

    fn spec() -> ClusterSpec {
        let topic = TopicSpec { name: "orders".to_owned(), ..TopicSpec::default() };
        ClusterSpec { topics: vec![topic], ..ClusterSpec::default() }
    }

    async fn connect(cluster: &Cluster) -> Client<TcpStream> {
        Client::new(TcpStream::connect(cluster.bootstrap()).await.unwrap())
    }

    /// Keeps what the callbacks say: the offset, or the error.
    #[derive(Default)]
    struct Deliveries(Mutex<Vec<Result<i64, String>>>);

    impl ClientContext for Deliveries {}

    impl ProducerContext for Deliveries {
        type DeliveryOpaque = ();

        fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
            let outcome = match result {
                Ok(message) => Ok(message.offset()),
                Err((error, _)) => Err(error.to_string()),
            };
            self.0.lock().unwrap().push(outcome);
        }
    }

    /// Sends `count` messages with the real client, waits for all callbacks and closes it.
    fn send(bootstrap: &str, count: usize, settings: &[(&str, &str)]) -> Vec<Result<i64, String>> {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", bootstrap).set("linger.ms", "1");
        for (name, value) in settings {
            config.set(*name, *value);
        }
        let producer: BaseProducer<Deliveries> = config.create_with_context(Deliveries::default()).unwrap();
        for i in 0..count {
            let (key, value) = (format!("{i}"), format!("我是你爹{i} {}", "x".repeat(50)));
            producer.send(BaseRecord::to("orders").partition(0).key(&key).payload(&value)).unwrap();
        }
        while producer.context().0.lock().unwrap().len() < count {
            producer.poll(Duration::from_millis(1));
        }
        producer.context().0.lock().unwrap().clone()
    }

    fn keys(batches: &[Batch]) -> Vec<String> {
        let of = |batch: &Batch| {
            let payload = batch.payload(1 << 20).unwrap();
            let key = |record: crate::kafka::batch::Record<'_>| {
                String::from_utf8(record.key.unwrap().into()).unwrap()
            };
            batch.records(&payload).map(|record| key(record.unwrap())).collect::<Vec<_>>()
        };
        batches.iter().flat_map(of).collect()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn librdkafka_produces_in_every_way_and_all_can_be_read_back() {
        let mut ways: Vec<Vec<(&str, &str)>> =
            ["0", "1", "all"].iter().map(|acks| vec![("acks", *acks)]).collect();
        ways.push(vec![("enable.idempotence", "true")]);
        for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
            ways.push(vec![("compression.codec", codec)]);
        }
        for way in ways {
            let cluster = Cluster::start(spec()).await.unwrap();
            let bootstrap = cluster.bootstrap();
            let settings: Vec<_> = way.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
            let sent = tokio::task::spawn_blocking(move || {
                let settings: Vec<_> = settings.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
                send(&bootstrap, 100, &settings)
            });
            let deliveries = sent.await.unwrap();
            cluster.idle().await.unwrap();
            let batches = connect(&cluster).await.fetch_all("orders").await;
            assert_eq!(keys(&batches), (0..100).map(|i| i.to_string()).collect::<Vec<_>>(), "{way:?}");
            if way[0] != ("acks", "0") {
                assert_eq!(deliveries, (0..100).map(Ok).collect::<Vec<_>>(), "{way:?}");
            }
            if let Some((_, codec)) = way.iter().find(|(name, _)| *name == "compression.codec") {
                let used = format!("{:?}", batches[0].compression().unwrap()).to_lowercase();
                assert_eq!(&used, codec);
            }
            cluster.shutdown().await;
        }
    }

    #[tokio::test]
    async fn what_was_sent_without_acknowledgement_before_a_close_is_in_the_log() {
        let cluster = Cluster::start(spec()).await.unwrap();
        for _ in 0..20 {
            let mut client = connect(&cluster).await;
            for _ in 0..50 {
                client.send(9, &produce("orders", 0, batch(b"fast"))).await;
            }
        }
        cluster.idle().await.unwrap();
        let batches = connect(&cluster).await.fetch_all("orders").await;
        assert_eq!(batches.len(), 1_000);
        assert_eq!(batches.last().unwrap().last_offset(), 999);
    }

    #[tokio::test]
    async fn idle_waits_for_a_client_that_is_still_there() {
        let cluster = Cluster::start(spec()).await.unwrap();
        let mut client = connect(&cluster).await;
        client.call(1, &MetadataRequest::default()).await;
        tokio::select! {
            biased;
            _ = cluster.idle() => panic!("the connection is open"),
            () = std::future::ready(()) => {}
        }
        drop(client);
        cluster.idle().await.unwrap();
    }

    #[tokio::test]
    async fn a_stopped_cluster_closes_its_connections_and_its_port() {
        for shut_down in [true, false] {
            let cluster = Cluster::start(spec()).await.unwrap();
            let address = cluster.bootstrap();
            let mut client = connect(&cluster).await;
            client.call(1, &MetadataRequest::default()).await;
            if shut_down {
                cluster.shutdown().await;
                assert!(TcpStream::connect(&address).await.is_err());
            } else {
                drop(cluster);
            }
            assert!(client.raw(b"anybody there?").await.is_none());
        }
    }

    #[tokio::test]
    async fn a_port_that_is_taken_and_a_topic_that_cannot_be_are_errors() {
        let cluster = Cluster::start(spec()).await.unwrap();
        let listen = cluster.bootstrap().parse().unwrap();
        let error = Cluster::start(ClusterSpec { listen, ..spec() }).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        let mut wrong = spec();
        wrong.topics[0].config = vec![("retention.mss".to_owned(), "1".to_owned())];
        assert_eq!(
            wrong.topics[0].check().unwrap_err().to_string(),
            "Unknown topic config name: retention.mss"
        );
        assert_eq!(Cluster::start(wrong).await.unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }

    #[tokio::test]
    async fn a_hundred_slow_clients_hold_up_nobody() {
        let cluster = Cluster::start(spec()).await.unwrap();
        let mut slow = vec![];
        for _ in 0..100 {
            let mut stream = TcpStream::connect(cluster.bootstrap()).await.unwrap();
            stream.write_all(&[0, 0, 4]).await.unwrap();
            slow.push(stream);
        }
        let mut client = connect(&cluster).await;
        assert_eq!(client.produce(9, -1, batch(b"quick")).await.base_offset, 0);
        drop((slow, client));
        cluster.idle().await.unwrap();
    }

    #[tokio::test]
    async fn a_thousand_clients_are_served_at_once() {
        let mut bench = Bench::new("orders", &[]);
        let mut clients: Vec<_> = (0..1_000).map(|_| bench.connect()).collect();
        let mut sent = vec![];
        for client in &mut clients {
            sent.push(client.send(9, &produce("orders", 1, batch(b"value"))).await);
        }
        let mut offsets = vec![];
        for (client, id) in clients.iter_mut().zip(sent) {
            let answer = client.receive::<ProduceRequest>(9, id).await.unwrap();
            offsets.push(answer.responses[0].partition_responses[0].base_offset);
        }
        offsets.sort_unstable();
        assert!(offsets.into_iter().eq(0..1_000));
    }

    #[tokio::test]
    async fn a_thousand_connections_at_once_are_accepted_and_served() {
        let cluster = Cluster::start(spec()).await.unwrap();
        let mut clients = vec![];
        for _ in 0..1_000 {
            clients.push(connect(&cluster).await);
        }
        let mut sent = vec![];
        for client in &mut clients {
            sent.push(client.send(9, &produce("orders", -1, batch(b"value"))).await);
        }
        let mut offsets = vec![];
        for (client, id) in clients.iter_mut().zip(sent) {
            let answer = client.receive::<ProduceRequest>(9, id).await.unwrap();
            offsets.push(answer.responses[0].partition_responses[0].base_offset);
        }
        offsets.sort_unstable();
        assert!(offsets.into_iter().eq(0..1_000));
        drop(clients);
        cluster.idle().await.unwrap();
    }

    /// `cargo test --release --lib start_of_a_cluster -- --ignored --nocapture`: the median of 101 starts.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[ignore = "measures, and is meant for a release build"]
    async fn start_of_a_cluster_takes_less_than_a_millisecond_and_of_three_less_than_three() {
        for (brokers, limit) in [(1, 1), (3, 3)] {
            let mut times = vec![];
            for _ in 0..101 {
                let spec = ClusterSpec { brokers, ..spec() };
                let began = std::time::Instant::now();
                let cluster = Cluster::start(spec).await.unwrap();
                times.push(began.elapsed());
                cluster.shutdown().await;
            }
            times.sort_unstable();
            assert!(times[50] < Duration::from_millis(limit), "{brokers}: {:?}", times[50]);
        }
    }

    #[tokio::test]
    async fn a_client_that_only_stops_writing_gets_its_answers() {
        let cluster = Cluster::start(spec()).await.unwrap();
        let mut client = connect(&cluster).await;
        let mut sent = vec![];
        for _ in 0..3 {
            sent.push(client.send(9, &produce("orders", 1, batch(b"last words"))).await);
        }
        client.stream().shutdown().await.unwrap();
        for (offset, correlation_id) in (0..).zip(sent) {
            let answer = client.receive::<ProduceRequest>(9, correlation_id).await.unwrap();
            assert_eq!(answer.responses[0].partition_responses[0].base_offset, offset);
        }
        assert!(client.raw(&Bytes::from_static(b"")).await.is_none());
    }
}
