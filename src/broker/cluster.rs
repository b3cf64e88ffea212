//! A running cluster: sockets, tasks, and their end.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use kafka_protocol::messages::ApiVersionsRequest;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::broker::connection::serve;
use crate::broker::node::{ClusterState, Endpoint, Node};
use crate::broker::topic::{NewTopic, TopicError, Topics};
use crate::id::BrokerId;
use crate::kafka::encode_request;
use crate::kafka::frame::{FrameError, FrameReader, MAX_REQUEST_BYTES};

/// How long to wait when no connection can be accepted, such as without free file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// A topic to start with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSpec {
    /// Its name.
    pub name: String,
    /// How many partitions, from 1.
    pub partitions: u32,
    /// Its settings, as Apache Kafka names them.
    pub config: Vec<(String, String)>,
}

impl TopicSpec {
    /// Whether Apache Kafka would create it: its name and its settings.
    pub fn check(&self) -> Result<(), TopicError> {
        Topics::default().check(&self.on(vec![])).map(drop)
    }

    fn on(&self, replicas: Vec<Vec<BrokerId>>) -> NewTopic {
        NewTopic { name: self.name.clone(), replicas, settings: self.config.clone() }
    }
}

/// What a cluster starts with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterSpec {
    /// Its topics.
    pub topics: Vec<TopicSpec>,
    /// Where it listens; with port 0 the system chooses one.
    pub listen: SocketAddr,
    /// Whether a client that asks for an unknown topic gets it created (`auto.create.topics.enable`).
    pub auto_create_topics: bool,
}

impl Default for ClusterSpec {
    fn default() -> Self {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self { topics: vec![], listen, auto_create_topics: true }
    }
}

/// A cluster of one broker, in memory, on a real socket.
///
/// Dropping it ends all of its tasks without waiting for them; [`Cluster::shutdown`] waits.
#[derive(Debug)]
pub struct Cluster {
    address: SocketAddr,
    open: watch::Receiver<usize>,
    stop: CancellationToken,
    listeners: JoinSet<()>,
}

impl Cluster {
    /// Listens, and serves until it is shut down or dropped. Fails if the port is taken, or if a topic cannot be
    /// created ([`io::ErrorKind::InvalidInput`], with a [`TopicError`] inside). To be called on a tokio runtime.
    pub async fn start(spec: ClusterSpec) -> io::Result<Self> {
        let listener = TcpListener::bind(spec.listen).await?;
        let bound = listener.local_addr()?;
        // Who listens on all addresses is reached on this machine's own.
        let host = if bound.ip().is_unspecified() { IpAddr::from(Ipv4Addr::LOCALHOST) } else { bound.ip() };
        let id = BrokerId(1);
        let endpoint = Endpoint { id, host: host.to_string(), port: bound.port() };
        let state = Arc::new(ClusterState::new(vec![endpoint], spec.auto_create_topics));
        for topic in &spec.topics {
            let replicas = state.assign(topic.partitions as usize, 1);
            let created = state.topics_mut().create(topic.on(replicas));
            created.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        }
        let (count, open) = watch::channel(0);
        let stop = CancellationToken::new();
        let mut listeners = JoinSet::new();
        listeners.spawn(listen(listener, Node { id, cluster: state }, count, stop.clone()));
        Ok(Self { address: SocketAddr::new(host, bound.port()), open, stop, listeners })
    }

    /// What a client's `bootstrap.servers` must be: `127.0.0.1:PORT`.
    pub fn bootstrap(&self) -> String {
        self.address.to_string()
    }

    /// Waits until every connection that was opened before this call has been read to its end, each request in it has
    /// been handled, and it is closed. Whatever a client has sent before it closed is in the logs then, even with
    /// `acks=0`. It never ends while a client keeps its connection, so a caller sets a deadline.
    pub async fn idle(&self) -> io::Result<()> {
        self.accept_all().await?;
        // It fails when the listener is gone, and all connections with it.
        let _ = self.open.clone().wait_for(|open| *open == 0).await;
        Ok(())
    }

    /// Connections are accepted in the order in which they were opened: when one of our own has its answer, all
    /// earlier ones are counted.
    async fn accept_all(&self) -> io::Result<()> {
        let mut stream = TcpStream::connect(self.address).await?;
        let request =
            encode_request(0, 0, "inflight", &ApiVersionsRequest::default()).map_err(io::Error::other)?;
        stream.write_all(&request).await?;
        match FrameReader::new(stream, MAX_REQUEST_BYTES).read().await {
            Ok(_) => Ok(()),
            Err(FrameError::Io(error)) => Err(error),
            Err(error) => Err(io::Error::other(error)),
        }
    }

    /// Closes all connections and waits until every task has ended.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        while self.listeners.join_next().await.is_some() {}
    }
}

async fn listen(listener: TcpListener, node: Node, open: watch::Sender<usize>, stop: CancellationToken) {
    let open = Arc::new(open);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let counted = Counted::new(&open);
                    let node = node.clone();
                    connections.spawn(async move {
                        // Without it answers of a few bytes would wait for each other; a socket that cannot have it
                        // is about to fail anyway.
                        let _ = stream.set_nodelay(true);
                        serve(stream, &node).await;
                        drop(counted);
                    });
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
        }
    }
    connections.shutdown().await;
}

/// Counts an open connection as long as it lives, also when its task is aborted.
struct Counted(Arc<watch::Sender<usize>>);

impl Counted {
    fn new(open: &Arc<watch::Sender<usize>>) -> Self {
        open.send_modify(|open| *open += 1);
        Self(Arc::clone(open))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open -= 1);
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
        let topic = TopicSpec { name: "orders".to_owned(), partitions: 1, config: vec![] };
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
