//! `inflight broker` as a process of its own, for tests that need a cluster that is there.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command};
use std::time::Duration;

use inflight::cluster::{Cluster, Logged, Place, Tcp};
use inflight::id::{Offset, Partition};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use tokio::runtime::Runtime;
use tokio::time::Instant;

use super::project::Project;

/// A broker that serves until it is dropped.
pub(crate) struct Served {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// Where it listens.
    pub(crate) address: String,
}

impl Served {
    /// Starts it with these arguments; it can be connected to when this returns.
    pub(crate) fn with(arguments: &[&str]) -> Self {
        let mut child = Project::new().start(&[&["broker"], arguments].concat());
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut address = String::new();
        stdout.read_line(&mut address).unwrap();
        Self { child, stdout, address: address.trim_end().to_owned() }
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end: its exit code, what it printed behind the first line, and what it complained of.
    pub(crate) fn ended(mut self) -> (Option<i32>, String, String) {
        let (mut printed, mut complained) = (String::new(), String::new());
        self.stdout.read_to_string(&mut printed).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut complained).unwrap();
        (self.child.wait().unwrap().code(), printed, complained)
    }

    /// Asks it as a client does.
    pub(crate) fn ask<T>(&self, question: impl AsyncFnOnce(&mut Cluster) -> T) -> T {
        Runtime::new().unwrap().block_on(async {
            let addresses: Vec<_> = self.address.split(',').map(|one| one.parse().unwrap()).collect();
            question(&mut Cluster::connect(Tcp, &addresses, soon()).await.unwrap()).await
        })
    }

    /// The values of a topic's only partition.
    pub(crate) fn values(&self, topic: &str) -> Vec<String> {
        let place = Place { topic: topic.into(), partition: Partition(0) };
        let mut values = Vec::new();
        let visit = |_: usize, logged: &Logged<'_>| {
            values.push(String::from_utf8(logged.record.value.unwrap_or_default().to_vec()).unwrap());
        };
        self.ask(async |cluster| {
            cluster.read(&[(place, Offset(0))], visit, soon()).await.unwrap();
        });
        values
    }

    /// The names of its topics.
    pub(crate) fn topics(&self) -> Vec<String> {
        let client: BaseConsumer =
            ClientConfig::new().set("bootstrap.servers", &self.address).create().unwrap();
        let metadata = client.fetch_metadata(None, Duration::from_secs(30)).unwrap();
        metadata.topics().iter().map(|topic| topic.name().to_owned()).collect()
    }

    /// Waits until its topics are so.
    pub(crate) fn wait_for(&self, mut holds: impl FnMut(&[String]) -> bool) {
        let limit = Instant::now() + Duration::from_mins(1);
        while !holds(&self.topics()) {
            assert!(Instant::now() < limit, "what is waited for does not come");
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // One that has ended is no error here.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

pub(crate) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}
