//! One broker as a process.

use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::keeper;
use crate::fields;
use crate::wire::connection::{Connection, Heard};
use crate::wire::schema::api;
use crate::wire::{Value, decode, encode};

/// Longer than a start takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);
const PAUSE: Duration = Duration::from_millis(50);
/// Another broker is, and this one can tell.
const NOT_COORDINATOR: i16 = 16;
const PROPERTIES: &str = "server.properties";
/// What makes a Java process start fast and stay small.
const JVM: [&str; 4] = ["-Xms64m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];

/// A broker whose process is killed when it is dropped, and when this process ends in any other way.
pub(crate) struct Node {
    pub(crate) port: u16,
    jars: PathBuf,
    folder: PathBuf,
    /// Only a broker that was formatted here can tell this id: what answers on the port is our own child.
    cluster: String,
    child: Child,
    /// It was asked to end.
    ends: bool,
}

impl Node {
    /// Starts a broker that has those properties and listens for clients on that port.
    pub(crate) fn with(jars: &Path, folder: &Path, port: u16, text: &str) -> Result<Self, String> {
        let [node] = Self::all(jars, &[(folder, port, text)])?.try_into().map_err(|_| "one node")?;
        Ok(node)
    }

    /// Starts the brokers of one cluster side by side: folders, ports for clients and properties.
    pub(crate) fn all(jars: &Path, nodes: &[(&Path, u16, &str)]) -> Result<Vec<Self>, String> {
        let cluster = cluster_id();
        let mut formats = vec![];
        for (folder, _, text) in nodes {
            fs::create_dir_all(folder).map_err(|error| error.to_string())?;
            fs::write(folder.join(PROPERTIES), text).map_err(|error| error.to_string())?;
            let tool = ["kafka.tools.StorageTool", "format", "-t", &cluster, "-c"];
            formats.push(java(jars, folder, &tool).map_err(|error| error.to_string())?);
        }
        for (mut format, (folder, ..)) in formats.into_iter().zip(nodes) {
            if !format.wait().is_ok_and(|status| status.success()) {
                return Err(format!("cannot be formatted:\n{}", last(folder)));
            }
        }
        let start = |(folder, port, _): &(&Path, u16, &str)| {
            let child = java(jars, folder, &["kafka.Kafka"]).map_err(|error| error.to_string())?;
            let (jars, folder, cluster) = (jars.to_owned(), (*folder).to_owned(), cluster.clone());
            Ok(Self { port: *port, jars, folder, cluster, child, ends: false })
        };
        let mut nodes = nodes.iter().map(start).collect::<Result<Vec<_>, String>>()?;
        nodes.iter_mut().try_for_each(Self::ready)?;
        Ok(nodes)
    }

    /// Sends a signal to the process, by its name.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &id]).status();
        assert!(sent.is_ok_and(|status| status.success()), "kill -{name} {id}");
    }

    /// Whether the process runs, though it may have been asked to end.
    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_none())
    }

    /// Asks the process to end by a signal.
    pub(crate) fn end(&mut self, signal: &str) {
        self.ends = true;
        self.signal(signal);
    }

    /// Whether it has ended or is about to.
    pub(crate) fn is_ending(&mut self) -> bool {
        self.ends || !self.runs()
    }

    /// Starts it again when it has ended, on the same port, with what it had.
    pub(crate) fn again(&mut self) -> Result<(), String> {
        self.child.wait().map_err(|error| error.to_string())?;
        self.ends = false;
        self.child = java(&self.jars, &self.folder, &["kafka.Kafka"]).map_err(|error| error.to_string())?;
        self.ready()
    }

    fn ready(&mut self) -> Result<(), String> {
        self.answers().map_err(|error| format!("{error}\n{}", last(&self.folder)))
    }

    /// Waits until the listener answers, and proves that it is the child.
    fn answers(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("Apache Kafka ended while it started: {status}"));
            }
            match self.metadata() {
                Some(answer) if answer.get("cluster_id").text() != self.cluster => {
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
            let served = |answer: Value| {
                [Value::Error(0), Value::Error(NOT_COORDINATOR)].contains(answer.get("error_code"))
            };
            self.ask(name, 3, body).is_some_and(served)
        })
    }

    /// Asks on a connection of its own; none if it does not answer.
    pub(crate) fn ask(&self, name: &str, version: i16, body: Value) -> Option<Value> {
        let mut connection = Connection::open(SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))).ok()?;
        connection.write(&encode::request(api(name), version, 1, &body, &|_| Uuid::nil()));
        let Heard::Frame(frame) = connection.read() else { return None };
        Some(decode::response(api(name), version, &frame).ok()?.1)
    }
}

/// Starts a Java process on the properties in a folder, where its log goes too.
fn java(jars: &Path, folder: &Path, arguments: &[&str]) -> std::io::Result<Child> {
    let log = File::options().create(true).append(true).open(folder.join("log"))?;
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "java"]).args(JVM);
    command.arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn");
    command.arg("-cp").arg(jars.join("*")).args(arguments).arg(folder.join(PROPERTIES));
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    keeper::spawn(command)
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
