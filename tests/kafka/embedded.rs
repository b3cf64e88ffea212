//! The embedded broker, fresh for each case.

use std::net::SocketAddr;
use std::sync::LazyLock;

use inflight::broker::{Cluster, ClusterSpec, Emulate};
use tokio::runtime::Runtime;

use crate::session::World;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime can be started"));

/// A cluster of one broker.
pub(crate) struct Embedded {
    cluster: Option<Cluster>,
}

impl Embedded {
    pub(crate) fn start(emulate: Emulate) -> Self {
        let spec = ClusterSpec { emulate, ..ClusterSpec::default() };
        let cluster = RUNTIME.block_on(Cluster::start(spec)).expect("a cluster can be started");
        Self { cluster: Some(cluster) }
    }
}

impl World for Embedded {
    fn addresses(&self) -> Vec<SocketAddr> {
        let cluster = self.cluster.as_ref().expect("it runs");
        vec![cluster.bootstrap().parse().expect("an address")]
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        if let Some(cluster) = self.cluster.take() {
            RUNTIME.block_on(cluster.shutdown());
        }
    }
}
