//! What a scenario does to a running cluster.

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

    /// Creates a topic anew, empty and with another id, as it was at first; if it is still there, it is deleted before.
    pub async fn recreate_topic(&self, topic: &str) -> Result<(), StepError> {
        let _servers = self.servers.lock().await;
        self.state.recreate_topic(topic)
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
