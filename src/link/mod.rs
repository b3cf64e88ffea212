//! The link: one Kafka-aware proxy between a client and any broker. A broker is honest, the link lies: what goes wrong on
//! the way goes wrong here, and nowhere else.
//!
//! ```text
//! client ─▶ listener of (producer, broker) ─▶ connection: intake ─▶ forward ─▶ broker
//!                                                 │           (what is kept waits)
//!        client ◀──────────────── give back ◀─────┼──────────────────────────── broker
//!                                                 ▼
//!                              Shared: one lock decides, counts, holds
//! ```
//!
//! Each producer has listeners of its own, one for each broker, so that the link knows both ends of a connection. Every
//! address that a broker announces becomes one of them; what the runner itself asks of the cluster goes past the link.

mod connection;
mod listeners;
mod ports;
mod state;
mod upstream;
mod wanted;
mod wire;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::fault::{AfterClose, Condition};
use crate::id::{BrokerId, FaultIndex, ProducerIndex};
use crate::plan::Plan;
use crate::trace::{Linked, Recorder};

use ports::Ports;
pub use state::{Holding, Standstill};
use state::{Shared, Way};
use upstream::Upstream;
pub use upstream::UpstreamError;
pub use wanted::Wanted;

/// A running link.
#[derive(Debug)]
pub struct Link {
    control: Control,
    tasks: JoinSet<()>,
    stop: CancellationToken,
}

/// The longest wait for the first answer of a cluster.
const CONNECT: Duration = Duration::from_secs(5);

/// What a run does to its link, from any thread.
#[derive(Clone, Debug)]
pub struct Control {
    shared: Arc<Shared>,
    ports: Arc<Ports>,
}

/// A wait of the application for a condition.
#[derive(Clone, Debug)]
pub struct Waiting(state::Waiting);

/// Why there is no link.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The cluster does not say where its brokers are.
    #[error("the link cannot reach the cluster")]
    Upstream(#[from] UpstreamError),
    /// No port could be had.
    #[error("the link cannot listen")]
    Listen(#[source] io::Error),
}

impl Link {
    /// Starts one in front of a cluster, for a plan whose topics have the names that they have there. Nothing goes wrong
    /// before [`Control::begin`]. To be called on a tokio runtime with time and I/O.
    pub async fn start(
        plan: &Plan,
        wanted: Wanted,
        bootstrap: &[(String, u16)],
        recorder: &Arc<Recorder>,
    ) -> Result<Self, LinkError> {
        let upstream = Upstream::of(plan, bootstrap, CONNECT).await?;
        let shared = Arc::new(Shared::new(wanted, recorder));
        let stop = CancellationToken::new();
        let producers = u16::try_from(plan.producers.len()).unwrap_or(u16::MAX);
        let ports = Ports::bind(upstream, producers).map_err(LinkError::Listen)?;
        let mut tasks = JoinSet::new();
        let clock = Arc::clone(&shared);
        let stopped = stop.clone();
        tasks.spawn(async move {
            tokio::select! {
                () = clock.keep_time() => {}
                () = stopped.cancelled() => {}
            }
        });
        tasks.spawn(listeners::serve(Arc::clone(&ports), Arc::clone(&shared), stop.clone()));
        Ok(Self { control: Control { shared, ports }, tasks, stop })
    }

    /// Where a producer begins, as `HOST:PORT`, one for each broker that is known.
    pub fn bootstrap(&self, producer: ProducerIndex) -> Vec<String> {
        self.control.ports.of(producer)
    }

    /// For the application.
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// Lets everything that is still under way come to its end: what is held goes on, and is named as left. The clients
    /// are gone. When this returns the link has nothing any more that could reach a broker.
    pub async fn settle(&self) {
        self.control.shared.release_all();
        self.control.ports.idle().await;
    }

    /// What it saw.
    pub fn take(&self) -> Linked {
        self.control.shared.take()
    }

    /// Ends it; all its tasks have ended when this returns.
    pub async fn stop(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}

impl Control {
    /// The first step begins: faults are armed, and everything counts from now on.
    pub fn begin(&self) {
        self.shared.begin();
    }

    /// So many calls of send have returned, and so many callbacks have been served, since the begin.
    pub fn came(&self, sent: u64, callbacks: u64) {
        self.shared.came(sent, callbacks);
    }

    /// Arms a fault.
    pub fn arm(&self, fault: FaultIndex) {
        self.shared.arm(fault);
    }

    /// Releases what a fault holds.
    pub fn release(&self, fault: FaultIndex) {
        self.shared.release(fault);
    }

    /// Cuts directions between the clients and a broker, or all.
    pub fn cut(&self, to_broker: bool, to_client: bool, broker: Option<BrokerId>, after: AfterClose) {
        let ways = [(to_broker, Way::ToBroker), (to_client, Way::ToClient)];
        let ways: Vec<_> = ways.iter().filter(|(cut, _)| *cut).map(|(_, way)| *way).collect();
        self.shared.cut(&ways, broker, after);
    }

    /// Heals whatever is cut.
    pub fn heal(&self) {
        self.shared.heal();
    }

    /// Closes connections, idle ones too.
    pub fn disconnect(&self, producer: Option<ProducerIndex>, broker: Option<BrokerId>) {
        self.shared.disconnect(producer, broker);
    }

    /// A producer has been let go of.
    pub fn leave(&self, producer: ProducerIndex) {
        self.shared.leave(producer);
    }

    /// Begins to wait for a condition; the recorder is nudged when it holds.
    pub fn wait(&self, until: &Condition) -> Waiting {
        Waiting(self.shared.wait(until))
    }

    /// Whether nothing moves any more by itself for so long: whatever is under way waits for something that is held, and
    /// time alone releases nothing.
    pub fn standstill(&self, left: Duration) -> Option<Standstill> {
        self.shared.standstill(left, self.ports.upstream.ids())
    }

    /// Waits until a producer has been given an id by the cluster.
    pub async fn id_of(&self, producer: ProducerIndex) {
        self.shared.id_of(producer).await;
    }

    /// What is held.
    pub fn holdings(&self) -> Vec<Holding> {
        self.shared.holdings()
    }

    /// Ends a wait.
    pub fn forget(&self, waiting: &Waiting) {
        self.shared.forget(&waiting.0);
    }
}

impl Waiting {
    /// Whether what it waits for has happened.
    pub fn is_over(&self) -> bool {
        self.0.is_over()
    }
}
