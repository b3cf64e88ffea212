//! Apache Kafka from its published jars, for as long as a test run takes.

mod change;
mod keeper;
pub(crate) mod node;
pub(crate) mod port;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::session::{Change, World};
use node::Node;

/// A running Apache Kafka. The first broker is the controller too. It ends when it is dropped.
pub(crate) struct Apache {
    ports: Vec<u16>,
    nodes: Mutex<Vec<Node>>,
    /// Held by who changes it.
    alone: Mutex<()>,
    _folder: tempfile::TempDir,
}

impl Apache {
    /// The jars of that version, where Maven has put them.
    pub(crate) fn jars(version: &str) -> Result<PathBuf, String> {
        let jars = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/ci/kafka").join(version);
        let java = std::process::Command::new("java").arg("-version").output().is_ok();
        if java && jars.join(format!("kafka-clients-{version}.jar")).exists() {
            return Ok(jars);
        }
        Err(format!(
            "needs Java and the jars of Apache Kafka: \
             mvn -q -B -f tests/kafka/pom.xml -Dkafka.version={version} dependency:copy-dependencies"
        ))
    }

    /// Formats and starts so many brokers, and waits until they answer.
    pub(crate) fn start(version: &str, brokers: u16) -> Result<Self, String> {
        let jars = Self::jars(version)?;
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let controller = port::free();
        let nodes: Vec<_> = (1..=brokers)
            .map(|id| {
                let (own, port) = (folder.path().join(id.to_string()), port::free());
                let text = properties(&own, (id, port), controller, brokers);
                (own, port, text)
            })
            .collect();
        let nodes: Vec<_> = nodes.iter().map(|(own, port, text)| (&**own, *port, &**text)).collect();
        let nodes = Node::all(&jars, &nodes)?;
        let ports = nodes.iter().map(|node| node.port).collect();
        Ok(Self { ports, nodes: Mutex::new(nodes), alone: Mutex::default(), _folder: folder })
    }

    /// Waits until nobody else changes it.
    pub(crate) fn alone(&self) -> MutexGuard<'_, ()> {
        self.alone.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn nodes(&self) -> MutexGuard<'_, Vec<Node>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World for Apache {
    fn addresses(&self) -> Vec<SocketAddr> {
        self.ports.iter().map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, *port))).collect()
    }

    fn change(&self, change: &Change<'_>) {
        change::make(&mut self.nodes(), change);
    }

    fn restore(&self) {
        change::undo(&mut self.nodes());
    }
}

/// The controller is the first broker alone, so that the others can be stopped without an election of controllers.
fn properties(folder: &Path, (id, port): (u16, u16), controller: u16, brokers: u16) -> String {
    let data = folder.join("data");
    // Whoever leads is decided by the cases.
    let several = if brokers > 1 { "auto.leader.rebalance.enable=false\n" } else { "" };
    let (role, listener) = match id {
        1 => (",controller", format!(",CONTROLLER://127.0.0.1:{controller}")),
        _ => ("", String::new()),
    };
    format!(
        "process.roles=broker{role}\n\
         node.id={id}\n\
         controller.quorum.voters=1@127.0.0.1:{controller}\n\
         listeners=PLAINTEXT://127.0.0.1:{port}{listener}\n\
         advertised.listeners=PLAINTEXT://127.0.0.1:{port}\n\
         controller.listener.names=CONTROLLER\n\
         listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT\n\
         inter.broker.listener.name=PLAINTEXT\n\
         log.dirs={}\n\
         offsets.topic.replication.factor={brokers}\n\
         offsets.topic.num.partitions=1\n\
         transaction.state.log.replication.factor={brokers}\n\
         transaction.state.log.min.isr=1\n\
         transaction.state.log.num.partitions=1\n\
         group.initial.rebalance.delay.ms=0\n\
         log.cleaner.dedupe.buffer.size=4194304\n\
         num.network.threads=2\n\
         num.io.threads=4\n\
         log.initial.task.delay.ms=600000000\n\
         {several}",
        data.display()
    )
}
