//! What a scenario does to a running cluster.

use std::time::Duration;

use crate::broker::cluster::server::{End, Server};
use crate::broker::cluster::{Cluster, node};
use crate::broker::node::step::StepError;
use crate::broker::partition::Change;
use crate::id::{BrokerId, Partition};

impl Cluster {
    /// Stops a broker as its operator would: where it led, the first replica in sync that runs takes over, requests
    /// that wait at it are answered, and its connections are closed. Its port stays its own, and refuses connections.
    pub async fn stop_broker(&self, broker: BrokerId) -> Result<(), StepError> {
        let mut servers = self.servers.lock().await;
        self.stop(broker, server(&mut servers, broker, true)?).await;
        Ok(())
    }

    async fn stop(&self, broker: BrokerId, server: &mut Server) {
        self.state.down(broker);
        server.end(End::Orderly).await;
    }

    /// Ends a broker as if its process were killed: its connections are cut, requests that wait get no answer, and
    /// where it led another one takes over.
    pub async fn kill_broker(&self, broker: BrokerId) -> Result<(), StepError> {
        let mut servers = self.servers.lock().await;
        server(&mut servers, broker, true)?.end(End::Abrupt).await;
        self.state.down(broker);
        Ok(())
    }

    /// Starts a broker that was stopped or killed, on the port it had. It follows the leaders that there are, and leads
    /// where nobody else can.
    pub async fn start_broker(&self, broker: BrokerId) -> Result<(), StepError> {
        let mut servers = self.servers.lock().await;
        self.listen(broker, server(&mut servers, broker, false)?)
    }

    fn listen(&self, broker: BrokerId, server: &mut Server) -> Result<(), StepError> {
        server.listen().map_err(|source| StepError::Port { broker, source })?;
        self.state.up(broker, server.ended() == End::Orderly);
        server.serve(node(&self.state, broker));
        Ok(())
    }

    /// Stops a broker and starts it again, on the same port. Of what each producer has written it remembers the newest
    /// batch alone.
    pub async fn restart_broker(&self, broker: BrokerId) -> Result<(), StepError> {
        let mut servers = self.servers.lock().await;
        let server = server(&mut servers, broker, true)?;
        self.stop(broker, server).await;
        self.listen(broker, server)
    }

    /// Makes a broker the leader of a partition. Only an unclean move takes one that is not in sync; what it lacks is
    /// lost.
    pub async fn move_leader(
        &self,
        topic: &str,
        partition: Partition,
        to: BrokerId,
        unclean: bool,
    ) -> Result<(), StepError> {
        self.change(topic, partition, to, Change::Lead { broker: to, unclean }).await
    }

    /// Says which replicas are in sync, the leader among them. The others get no records until they are put back or
    /// their broker starts anew.
    pub async fn set_isr(
        &self,
        topic: &str,
        partition: Partition,
        in_sync: &[BrokerId],
    ) -> Result<(), StepError> {
        let _servers = self.servers.lock().await;
        in_sync.iter().try_for_each(|broker| self.state.check_broker(*broker))?;
        self.state.change(topic, partition, Change::InSync(in_sync))
    }

    /// Lets a replica get no further records though it stays in sync, so that the high watermark waits for it.
    pub async fn hold_replication(
        &self,
        topic: &str,
        partition: Partition,
        replica: BrokerId,
    ) -> Result<(), StepError> {
        self.change(topic, partition, replica, Change::Hold(replica)).await
    }

    /// Lets every replica that was held have what it lacks.
    pub async fn resume_replication(&self) -> Result<(), StepError> {
        let _servers = self.servers.lock().await;
        self.state.change_all(Change::Resume);
        Ok(())
    }

    /// Deletes a topic with all that it holds.
    pub async fn delete_topic(&self, topic: &str) -> Result<(), StepError> {
        let _servers = self.servers.lock().await;
        self.state.delete_topic(topic)
    }

    /// Gives a topic the partitions that it lacks of these, each with its replicas, the preferred leader first.
    pub async fn grow_topic(&self, topic: &str, replicas: &[Vec<BrokerId>]) -> Result<(), StepError> {
        let _servers = self.servers.lock().await;
        self.state.grow_topic(topic, replicas)
    }

    /// Creates a topic anew, empty and with another id, as it was at first; if it is still there, it is deleted before.
    pub async fn recreate_topic(&self, topic: &str) -> Result<(), StepError> {
        let _servers = self.servers.lock().await;
        self.state.recreate_topic(topic)
    }

    /// Moves the clock of all brokers ahead: producers that were idle for too long are forgotten, and so are records
    /// that are too old.
    pub async fn advance_clock(&self, by: Duration) -> Result<(), StepError> {
        let _servers = self.servers.lock().await;
        self.state.advance_clock(by);
        Ok(())
    }

    /// Lets another broker coordinate a transactional id, and all ids that share its partition of
    /// `__transaction_state`.
    pub async fn move_coordinator(&self, transactional_id: &str, to: BrokerId) -> Result<(), StepError> {
        let _servers = self.servers.lock().await;
        self.state.check_broker(to)?;
        if !self.state.is_running(to) {
            return Err(StepError::NotRunning(to));
        }
        self.state.transactions.move_coordinator(transactional_id, to);
        Ok(())
    }

    async fn change(
        &self,
        topic: &str,
        partition: Partition,
        broker: BrokerId,
        change: Change<'_>,
    ) -> Result<(), StepError> {
        // One operation at a time.
        let _servers = self.servers.lock().await;
        self.state.check_broker(broker)?;
        self.state.change(topic, partition, change)
    }
}

/// The server of a broker that runs, or of one that does not.
fn server(servers: &mut [Server], broker: BrokerId, runs: bool) -> Result<&mut Server, StepError> {
    let brokers = servers.len();
    let nth = usize::try_from(broker.0).ok().and_then(|id| id.checked_sub(1));
    let server = nth.and_then(|nth| servers.get_mut(nth));
    let server = server.ok_or(StepError::UnknownBroker { broker, brokers })?;
    match (server.is_running(), runs) {
        (true, false) => Err(StepError::Running(broker)),
        (false, true) => Err(StepError::NotRunning(broker)),
        _ => Ok(server),
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::net::SocketAddr;
    use std::sync::{Arc, Mutex};

    use kafka_protocol::messages::produce_response::PartitionProduceResponse;
    use kafka_protocol::messages::{ApiVersionsRequest, MetadataResponse, ProduceRequest, ProduceResponse};
    use rdkafka::ClientContext;
    use rdkafka::config::ClientConfig;
    use rdkafka::message::{DeliveryResult, Message};
    use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
    use tokio::net::{TcpSocket, TcpStream};

    use super::*;
    use crate::broker::cluster::{ClusterSpec, TopicSpec};
    use crate::broker::connection::wire::{Client, batch, metadata, produce};
    use crate::kafka::ErrorCode;
    use crate::kafka::batch::{BatchBuilder, NewRecord};

    const P0: Partition = Partition(0);

    async fn cluster(brokers: u32, config: &[(&str, &str)]) -> Cluster {
        let config = config.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let topic = TopicSpec {
            name: "orders".to_owned(),
            replication_factor: brokers,
            config,
            ..TopicSpec::default()
        };
        Cluster::start(ClusterSpec { brokers, topics: vec![topic], ..ClusterSpec::default() }).await.unwrap()
    }

    fn address(cluster: &Cluster, broker: usize) -> SocketAddr {
        cluster.addresses[broker - 1]
    }

    async fn connect(cluster: &Cluster, broker: usize) -> Client<TcpStream> {
        Client::new(TcpStream::connect(address(cluster, broker)).await.unwrap())
    }

    async fn described(cluster: &Cluster, broker: usize) -> MetadataResponse {
        connect(cluster, broker).await.call(9, &metadata(&["orders"])).await
    }

    /// Leader and in-sync set of the partition.
    fn standing(response: &MetadataResponse) -> (ErrorCode, i32, Vec<i32>) {
        let partition = &response.topics[0].partitions[0];
        let in_sync = partition.isr_nodes.iter().map(|broker| broker.0).collect();
        (ErrorCode(partition.error_code), partition.leader_id.0, in_sync)
    }

    fn row_of(answer: &ProduceResponse) -> PartitionProduceResponse {
        answer.responses[0].partition_responses[0].clone()
    }

    /// Waits until the leader has so many records.
    async fn appended(cluster: &Cluster, count: i64) {
        let topic = cluster.state.topics().named("orders").unwrap();
        while topic.partition(0).unwrap().log.end() < count {
            tokio::task::yield_now().await;
        }
    }

    fn numbered(sequence: i32) -> bytes::Bytes {
        BatchBuilder::new().producer(7, 0, sequence).value(b"value").build().unwrap().into_bytes()
    }

    /// With a record of that time.
    fn at(timestamp: i64, sequence: i32) -> bytes::Bytes {
        let record = NewRecord { timestamp, value: Some(b"value"), ..NewRecord::default() };
        BatchBuilder::new().producer(7, 0, sequence).record(record).build().unwrap().into_bytes()
    }

    #[tokio::test]
    async fn brokers_have_ports_of_their_own_and_tell_of_each_other() {
        let cluster = cluster(3, &[]).await;
        for broker in 1..=3 {
            let response = described(&cluster, broker).await;
            let ports: Vec<_> = response.brokers.iter().map(|node| (node.node_id.0, node.port)).collect();
            let expected: Vec<_> =
                (1..).zip(&cluster.addresses).map(|(id, at)| (id, i32::from(at.port()))).collect();
            assert_eq!(ports, expected);
            assert_eq!(standing(&response), (ErrorCode::NONE, 1, vec![1, 2, 3]));
        }
        let listed: Vec<SocketAddr> = cluster.bootstrap().split(',').map(|at| at.parse().unwrap()).collect();
        assert_eq!(listed, cluster.addresses);
        cluster.idle().await.unwrap();
        cluster.shutdown().await;
    }

    #[tokio::test]
    async fn a_stopped_broker_is_refused_and_replaced_and_comes_back_on_its_port() {
        let cluster = cluster(3, &[]).await;
        let mut old = connect(&cluster, 1).await;
        old.call(0, &ApiVersionsRequest::default()).await;
        cluster.stop_broker(BrokerId(1)).await.unwrap();
        assert!(old.try_call(0, &ApiVersionsRequest::default()).await.is_none(), "connections are closed");
        let refused = TcpStream::connect(address(&cluster, 1)).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        let response = described(&cluster, 2).await;
        assert_eq!(response.brokers.len(), 2);
        assert_eq!(response.topics[0].partitions[0].offline_replicas.len(), 1);
        assert_eq!(standing(&response), (ErrorCode::NONE, 2, vec![2, 3]));
        cluster.idle().await.unwrap();
        cluster.start_broker(BrokerId(1)).await.unwrap();
        assert_eq!(standing(&described(&cluster, 1).await), (ErrorCode::NONE, 2, vec![2, 3, 1]));
        assert!(matches!(cluster.start_broker(BrokerId(1)).await, Err(StepError::Running(BrokerId(1)))));
        cluster.shutdown().await;
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_port_of_a_stopped_broker_is_nobody_elses() {
        let cluster = cluster(2, &[]).await;
        cluster.kill_broker(BrokerId(2)).await.unwrap();
        let stranger = TcpSocket::new_v4().unwrap();
        let taken = stranger.bind(address(&cluster, 2)).unwrap_err();
        assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
    }

    #[tokio::test]
    async fn without_a_replica_in_sync_there_is_no_leader_until_one_is_back() {
        let cluster = cluster(2, &[]).await;
        cluster.stop_broker(BrokerId(2)).await.unwrap();
        connect(&cluster, 1).await.produce(9, -1, batch(b"alone")).await;
        cluster.kill_broker(BrokerId(1)).await.unwrap();
        cluster.start_broker(BrokerId(2)).await.unwrap();
        let response = described(&cluster, 2).await;
        assert_eq!(standing(&response), (ErrorCode::LEADER_NOT_AVAILABLE, -1, vec![]));
        let row = connect(&cluster, 2).await.produce(9, 1, batch(b"value")).await;
        assert_eq!(ErrorCode(row.error_code), ErrorCode::NOT_LEADER_OR_FOLLOWER);
        cluster.start_broker(BrokerId(1)).await.unwrap();
        let mut leader = connect(&cluster, 1).await;
        assert_eq!(leader.fetch_all("orders").await.len(), 1, "nothing was lost");
        assert_eq!(leader.produce(9, -1, batch(b"value")).await.base_offset, 1);
    }

    #[tokio::test]
    async fn an_unclean_leader_loses_what_it_lacks() {
        let cluster = cluster(2, &[]).await;
        cluster.stop_broker(BrokerId(2)).await.unwrap();
        connect(&cluster, 1).await.produce(9, -1, batch(b"alone")).await;
        cluster.stop_broker(BrokerId(1)).await.unwrap();
        cluster.start_broker(BrokerId(2)).await.unwrap();
        let clean = cluster.move_leader("orders", P0, BrokerId(2), false).await.unwrap_err();
        assert_eq!(
            clean.to_string(),
            "orders[0]: broker 2 is not in sync, and only an unclean election would make it the leader: in sync is \
             nobody"
        );
        cluster.move_leader("orders", P0, BrokerId(2), true).await.unwrap();
        cluster.start_broker(BrokerId(1)).await.unwrap();
        assert_eq!(standing(&described(&cluster, 1).await).2, [2, 1]);
        assert_eq!(connect(&cluster, 2).await.fetch_all("orders").await.len(), 0);
    }

    #[tokio::test]
    async fn a_request_that_waits_ends_with_its_leader() {
        for stop in [true, false] {
            let cluster = cluster(3, &[]).await;
            cluster.hold_replication("orders", P0, BrokerId(2)).await.unwrap();
            let mut client = connect(&cluster, 1).await;
            client.produce(9, 1, batch(b"first")).await;
            let request = produce("orders", -1, batch(b"value")).with_timeout_ms(i32::MAX);
            let sent = client.send(10, &request).await;
            appended(&cluster, 2).await;
            if stop {
                cluster.stop_broker(BrokerId(1)).await.unwrap();
                let row = row_of(&client.receive::<ProduceRequest>(10, sent).await.unwrap());
                assert_eq!(ErrorCode(row.error_code), ErrorCode::NOT_LEADER_OR_FOLLOWER);
                assert_eq!((row.base_offset, row.current_leader.leader_id.0), (1, 2));
            } else {
                cluster.kill_broker(BrokerId(1)).await.unwrap();
                assert!(client.receive::<ProduceRequest>(10, sent).await.is_none());
            }
            cluster.shutdown().await;
        }
    }

    #[tokio::test]
    async fn a_restart_leaves_a_producer_its_newest_batch_and_a_failover_its_last_five() {
        for (brokers, kept) in [(1, 2), (2, 0)] {
            let cluster = cluster(brokers, &[]).await;
            let now = cluster.state.now();
            let mut client = connect(&cluster, 1).await;
            for sequence in 0..3 {
                client.produce(9, -1, at(now, sequence)).await;
            }
            if brokers == 1 {
                cluster.restart_broker(BrokerId(1)).await.unwrap();
            } else {
                cluster.kill_broker(BrokerId(1)).await.unwrap();
            }
            let mut client = connect(&cluster, usize::try_from(brokers).unwrap()).await;
            for sequence in 0..3 {
                let row = client.produce(9, -1, at(now, sequence)).await;
                let expected =
                    if sequence >= kept { ErrorCode::NONE } else { ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER };
                assert_eq!(ErrorCode(row.error_code), expected, "{brokers} {sequence}");
            }
            assert_eq!(client.produce(9, -1, at(now, 3)).await.base_offset, 3);
        }
    }

    #[tokio::test]
    async fn a_broker_that_starts_forgets_producers_whose_records_are_too_old() {
        let cluster = cluster(1, &[]).await;
        let now = cluster.state.now() - 86_400_000 - 1;
        let mut client = connect(&cluster, 1).await;
        for sequence in 0..2 {
            client.produce(9, -1, at(now, sequence)).await;
        }
        assert_eq!(client.produce(9, -1, at(now, 1)).await.base_offset, 1, "a duplicate");
        cluster.restart_broker(BrokerId(1)).await.unwrap();
        let mut client = connect(&cluster, 1).await;
        assert_eq!(client.produce(9, -1, at(now, 1)).await.base_offset, 2, "nobody knows it any more");
    }

    #[tokio::test]
    async fn below_the_minimum_nobody_gets_acks_from_all() {
        let cluster = cluster(3, &[("min.insync.replicas", "2")]).await;
        cluster.set_isr("orders", P0, &[BrokerId(1)]).await.unwrap();
        let mut client = connect(&cluster, 1).await;
        let row = client.produce(9, -1, batch(b"value")).await;
        assert_eq!(ErrorCode(row.error_code), ErrorCode::NOT_ENOUGH_REPLICAS);
        assert_eq!(client.produce(9, 1, batch(b"value")).await.error_code, 0);
        assert_eq!(client.fetch_all("orders").await.len(), 0, "not committed");
        cluster.set_isr("orders", P0, &[BrokerId(1), BrokerId(3)]).await.unwrap();
        assert_eq!(client.fetch_all("orders").await.len(), 1);
        assert_eq!(client.produce(9, -1, batch(b"value")).await.error_code, 0);
    }

    #[tokio::test]
    async fn a_topic_created_anew_is_empty_and_has_another_id() {
        let cluster = cluster(1, &[]).await;
        let mut client = connect(&cluster, 1).await;
        client.produce(9, 1, numbered(5)).await;
        let before = client.call(12, &metadata(&["orders"])).await.topics[0].topic_id;
        cluster.recreate_topic("orders").await.unwrap();
        assert_eq!(client.produce(9, 1, numbered(9)).await.base_offset, 0, "no producer is known (D5)");
        cluster.delete_topic("orders").await.unwrap();
        let row = client.produce(9, 1, batch(b"value")).await;
        assert_eq!(ErrorCode(row.error_code), ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
        cluster.recreate_topic("orders").await.unwrap();
        let mut old = produce("", 1, batch(b"value"));
        old.topic_data[0].topic_id = before;
        let row = row_of(&client.call(13, &old).await);
        assert_eq!(ErrorCode(row.error_code), ErrorCode::UNKNOWN_TOPIC_ID);
        assert_ne!(client.call(12, &metadata(&["orders"])).await.topics[0].topic_id, before);
        assert!(matches!(cluster.recreate_topic("others").await, Err(StepError::UnknownTopic(_))));
    }

    #[tokio::test]
    async fn time_that_passes_makes_brokers_forget_producers_and_records() {
        let cluster = cluster(1, &[]).await;
        let mut client = connect(&cluster, 1).await;
        let now = cluster.state.now();
        let at = |sequence| at(now, sequence);
        client.produce(9, 1, at(0)).await;
        cluster.advance_clock(Duration::from_hours(23)).await.unwrap();
        let gap = client.produce(9, 1, at(9)).await;
        assert_eq!(ErrorCode(gap.error_code), ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER);
        cluster.advance_clock(Duration::from_hours(2)).await.unwrap();
        assert_eq!(client.produce(9, 1, at(9)).await.base_offset, 1, "forgotten (D9)");
        cluster.advance_clock(Duration::from_hours(24 * 7)).await.unwrap();
        let row = client.produce(9, 1, numbered(10)).await;
        assert_eq!((row.base_offset, row.log_start_offset), (2, 2), "retention.ms is a week");
    }

    #[tokio::test]
    async fn what_cannot_be_done_says_why() {
        let cluster = cluster(2, &[]).await;
        let told = |error: StepError| error.to_string();
        let stranger = BrokerId(3);
        let unknown = "there is no broker 3: the cluster has brokers 1 to 2";
        assert_eq!(told(cluster.stop_broker(stranger).await.unwrap_err()), unknown);
        assert_eq!(told(cluster.stop_broker(BrokerId(0)).await.unwrap_err()), unknown.replace('3', "0"));
        assert_eq!(told(cluster.move_leader("orders", P0, stranger, true).await.unwrap_err()), unknown);
        assert_eq!(told(cluster.set_isr("orders", P0, &[stranger]).await.unwrap_err()), unknown);
        let nowhere = cluster.hold_replication("nowhere", P0, BrokerId(2)).await.unwrap_err();
        assert_eq!(told(nowhere), "there is no topic 'nowhere'");
        let partition = cluster.hold_replication("orders", Partition(1), BrokerId(2)).await.unwrap_err();
        assert_eq!(told(partition), "topic 'orders' has no partition 1: it has 1, from 0");
        cluster.stop_broker(BrokerId(2)).await.unwrap();
        assert_eq!(told(cluster.kill_broker(BrokerId(2)).await.unwrap_err()), "broker 2 does not run");
        assert_eq!(told(cluster.restart_broker(BrokerId(2)).await.unwrap_err()), "broker 2 does not run");
        cluster.restart_broker(BrokerId(1)).await.unwrap();
    }

    /// Keeps the offsets that the callbacks say.
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

    /// The real client, on a thread that serves it: sends ten messages and waits for their callbacks.
    async fn ten(producer: &Arc<BaseProducer<Deliveries>>, total: usize) {
        let producer = Arc::clone(producer);
        let sent = tokio::task::spawn_blocking(move || {
            for i in total - 10..total {
                producer.send(BaseRecord::to("orders").key(&format!("{i}")).payload("value")).unwrap();
            }
            while producer.context().0.lock().unwrap().len() < total {
                producer.poll(Duration::from_millis(1));
            }
        });
        sent.await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn librdkafka_survives_stops_kills_and_moves_without_a_loss_or_a_duplicate() {
        let cluster = cluster(3, &[("min.insync.replicas", "1")]).await;
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", cluster.bootstrap()).set("enable.idempotence", "true");
        config.set("linger.ms", "0").set("retry.backoff.ms", "1").set("reconnect.backoff.ms", "1");
        config.set("reconnect.backoff.max.ms", "10");
        let producer = Arc::new(config.create_with_context(Deliveries::default()).unwrap());
        ten(&producer, 10).await;
        cluster.stop_broker(BrokerId(1)).await.unwrap();
        ten(&producer, 20).await;
        cluster.kill_broker(BrokerId(2)).await.unwrap();
        ten(&producer, 30).await;
        cluster.start_broker(BrokerId(1)).await.unwrap();
        cluster.move_leader("orders", P0, BrokerId(1), false).await.unwrap();
        ten(&producer, 40).await;
        cluster.restart_broker(BrokerId(3)).await.unwrap();
        ten(&producer, 50).await;
        let delivered = producer.context().0.lock().unwrap().clone();
        assert_eq!(delivered, (0..50).map(Ok).collect::<Vec<_>>());
        assert_eq!(connect(&cluster, 1).await.fetch_all("orders").await.last().unwrap().last_offset(), 49);
    }
}
