//! The embedded broker, fresh for each case.

use std::net::SocketAddr;
use std::sync::LazyLock;

use inflight::broker::{Cluster, ClusterSpec, Emulate, ReplicaError, StepError};
use inflight::id::{BrokerId, Partition};
use tokio::runtime::Runtime;

use crate::session::{Change, World};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime can be started"));

/// A cluster of one broker or several.
pub(crate) struct Embedded {
    cluster: Option<Cluster>,
}

impl Embedded {
    pub(crate) fn start(emulate: Emulate, brokers: u32) -> Self {
        let spec = ClusterSpec { emulate, brokers, ..ClusterSpec::default() };
        let cluster = RUNTIME.block_on(Cluster::start(spec)).expect("a cluster can be started");
        Self { cluster: Some(cluster) }
    }
}

impl World for Embedded {
    fn addresses(&self) -> Vec<SocketAddr> {
        let cluster = self.cluster.as_ref().expect("it runs");
        cluster.bootstrap().split(',').map(|address| address.parse().expect("an address")).collect()
    }

    fn change(&self, change: &Change<'_>) {
        let cluster = self.cluster.as_ref().expect("it runs");
        RUNTIME.block_on(make(cluster, change)).expect("it can be done");
    }

    // Each case has a cluster of its own.
    fn restore(&self) {}
}

async fn make(cluster: &Cluster, change: &Change<'_>) -> Result<(), StepError> {
    let id = |broker: &usize| BrokerId(*broker as i32);
    match change {
        Change::Stop(broker) => cluster.stop_broker(id(broker)).await,
        Change::Kill(broker) => cluster.kill_broker(id(broker)).await,
        Change::Start(broker) => cluster.start_broker(id(broker)).await,
        Change::Freeze { broker, partitions } => {
            for (topic, partition) in *partitions {
                let held = cluster.hold_replication(topic, Partition(*partition), id(broker)).await;
                let elsewhere = |error: &StepError| {
                    matches!(error, StepError::Replica { source: ReplicaError::NotReplica { .. }, .. })
                };
                held.or_else(|error| if elsewhere(&error) { Ok(()) } else { Err(error) })?;
            }
            Ok(())
        }
        Change::Thaw => cluster.resume_replication().await,
        Change::Lead { topic, partition, to } => {
            cluster.move_leader(topic, Partition(*partition), id(to), false).await
        }
        Change::Coordinate { id: transactional, to } => cluster.move_coordinator(transactional, id(to)).await,
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        if let Some(cluster) = self.cluster.take() {
            RUNTIME.block_on(cluster.shutdown());
        }
    }
}
