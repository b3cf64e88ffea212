//! Apache Kafka from its published jars, for as long as a test run takes.

pub(crate) mod node;
pub(crate) mod port;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use crate::session::World;
use node::Node;

/// A running Apache Kafka of one broker, which is its own controller. It ends when it is dropped.
pub(crate) struct Apache {
    node: Node,
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

    /// Formats and starts it, and waits until it answers.
    pub(crate) fn start(version: &str) -> Result<Self, String> {
        let jars = Self::jars(version)?;
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let node = Node::start(&jars, folder.path())?;
        Ok(Self { node, _folder: folder })
    }
}

impl World for Apache {
    fn addresses(&self) -> Vec<SocketAddr> {
        vec![SocketAddr::from((Ipv4Addr::LOCALHOST, self.node.port))]
    }
}
