//! One broker as a process.

use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::port;
use crate::fields;
use crate::wire::connection::{Connection, Heard};
use crate::wire::schema::api;
use crate::wire::{Value, decode, encode};

/// Longer than a start takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);
const PAUSE: Duration = Duration::from_millis(50);
/// What makes a Java process start fast and stay small.
const JVM: [&str; 4] = ["-Xms64m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];

/// A process that is killed when it is dropped, and when this process ends in any other way.
pub(crate) struct Node {
    pub(crate) port: u16,
    child: Child,
}

impl Node {
    pub(crate) fn start(jars: &Path, folder: &Path) -> Result<Self, String> {
        let (port, controller) = (port::free(), port::free());
        Self::with(jars, folder, port, &text(folder, port, controller))
    }

    /// Starts a broker that has those properties and listens for clients on that port.
    pub(crate) fn with(jars: &Path, folder: &Path, port: u16, text: &str) -> Result<Self, String> {
        let properties = folder.join("server.properties");
        fs::write(&properties, text).map_err(|error| error.to_string())?;
        // Only a broker that was formatted here can tell this id: what answers on the port is our own child.
        let cluster = cluster_id();
        let java = |arguments: &[&str]| {
            let log = File::options().create(true).append(true).open(folder.join("log")).expect("a log");
            let mut command = Command::new("setpriv");
            command.args(["--pdeathsig", "KILL", "java"]).args(JVM);
            command.arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn");
            command.arg("-cp").arg(jars.join("*")).args(arguments).arg(&properties);
            command.stdin(Stdio::null()).stdout(log.try_clone().expect("a log")).stderr(log);
            command
        };
        let formatted = java(&["kafka.tools.StorageTool", "format", "-t", &cluster, "-c"]).status();
        if !formatted.is_ok_and(|status| status.success()) {
            return Err(format!("cannot be formatted:\n{}", last(folder)));
        }
        let child = java(&["kafka.Kafka"]).spawn().map_err(|error| error.to_string())?;
        let mut node = Self { port, child };
        node.ready(&cluster).map_err(|error| format!("{error}\n{}", last(folder)))?;
        Ok(node)
    }

    /// Waits until the listener answers, and proves that it is the child.
    fn ready(&mut self, cluster: &str) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("Apache Kafka ended while it started: {status}"));
            }
            match self.metadata() {
                Some(answer) if answer.get("cluster_id").text() != cluster => {
                    return Err(format!("port {} is served by somebody else", self.port));
                }
                Some(answer) if !answer.get("brokers").items().is_empty() && self.serves() => return Ok(()),
                _ => sleep(PAUSE),
            }
        }
        Err("Apache Kafka did not start in time".to_owned())
    }

    fn metadata(&self) -> Option<Value> {
        self.ask("Metadata", 4, fields! {})
    }

    /// Whether the coordinators can be asked, and give out producer ids.
    fn serves(&self) -> bool {
        let coordinator = |kind: i8| fields! { key_type: kind, key: "ready" };
        [
            ("FindCoordinator", coordinator(0)),
            ("FindCoordinator", coordinator(1)),
            ("InitProducerId", fields! {}),
            ("InitProducerId", fields! { transactional_id: "ready" }),
        ]
        .into_iter()
        .all(|(name, body)| {
            self.ask(name, 3, body).is_some_and(|answer| *answer.get("error_code") == Value::Error(0))
        })
    }

    fn ask(&self, name: &str, version: i16, body: Value) -> Option<Value> {
        let mut connection = Connection::open(SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))).ok()?;
        connection.write(&encode::request(api(name), version, 1, &body, &|_| Uuid::nil()));
        let Heard::Frame(frame) = connection.read() else { return None };
        Some(decode::response(api(name), version, &frame).ok()?.1)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn cluster_id() -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let random = RandomState::new();
    let digit = |place: usize| char::from(DIGITS[(random.hash_one(place) & 63) as usize]);
    // A first `-` would look like an option, and the last digit stands for two bits only.
    format!("M{}g", (0..20).map(digit).collect::<String>())
}

fn last(folder: &Path) -> String {
    let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
    let lines: Vec<_> = log.lines().rev().take(20).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}

fn text(folder: &Path, port: u16, controller: u16) -> String {
    let data = folder.join("data");
    format!(
        "process.roles=broker,controller\n\
         node.id=1\n\
         controller.quorum.voters=1@127.0.0.1:{controller}\n\
         listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}\n\
         advertised.listeners=PLAINTEXT://127.0.0.1:{port}\n\
         controller.listener.names=CONTROLLER\n\
         listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT\n\
         inter.broker.listener.name=PLAINTEXT\n\
         log.dirs={}\n\
         offsets.topic.replication.factor=1\n\
         offsets.topic.num.partitions=1\n\
         transaction.state.log.replication.factor=1\n\
         transaction.state.log.min.isr=1\n\
         transaction.state.log.num.partitions=1\n\
         group.initial.rebalance.delay.ms=0\n\
         log.cleaner.dedupe.buffer.size=4194304\n\
         num.network.threads=2\n\
         num.io.threads=4\n\
         log.initial.task.delay.ms=600000000\n",
        data.display()
    )
}
