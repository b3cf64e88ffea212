//! `inflight broker`.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::str::FromStr;

use clap::Args;
use tokio::net::lookup_host;
use tokio::runtime::Builder;
use tokio::sync::mpsc::Receiver;

use crate::broker::{Cluster, ClusterSpec, Emulate, Exchange, TopicSpec};

use super::exit::{self, Failure};
use super::output::Output;
use super::signals::Signals;

/// What it is and how it ends.
const ABOUT: &str = "It checks what Apache Kafka checks and keeps everything in memory, at most 8 GiB of each \
                     partition: beyond that it answers KAFKA_STORAGE_ERROR, as Apache Kafka does on a full disk. \
                     Groups are not served: a consumer reads by assignment. The first line on the standard output \
                     is the address for clients, of several brokers all with commas between them, printed when they \
                     can connect. It serves until SIGINT or SIGTERM, which end it with exit code 0.";

/// More brokers than these are a slip.
const MOST_BROKERS: i64 = 100;

/// More partitions than these are a slip.
const MOST_PARTITIONS: u32 = 10_000;

#[derive(Args, Debug)]
#[command(after_long_help = ABOUT)]
pub(super) struct Broker {
    /// Where it listens; with port 0 on a free one
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:0", value_parser = listen)]
    listen: String,

    /// How many brokers; with a port given they listen on that one and those that follow
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=MOST_BROKERS))]
    brokers: u32,

    /// The release of Apache Kafka that it behaves as: 3.9 or 4.3
    #[arg(long, value_name = "RELEASE", default_value_t, hide_default_value = true, value_parser = Emulate::from_str)]
    emulate: Emulate,

    /// A topic to start with; without a number it has one partition. May be given several times. Others are created when a
    /// client asks for them
    #[arg(long = "topic", value_name = "NAME:PARTITIONS", value_parser = topic)]
    topics: Vec<TopicSpec>,

    /// Print a line for each request: broker, connection, client, API and version, correlation id, what it is about, and
    /// the answer's error codes
    #[arg(long)]
    log: bool,
}

impl Broker {
    pub(super) fn execute(self, output: &mut Output) -> Result<u8, Failure> {
        let cannot = |error| Failure::broken(format!("cannot start: {error}"));
        let runtime = Builder::new_multi_thread().enable_all().build().map_err(cannot)?;
        runtime.block_on(async {
            // Before the address is told: who knows it may send a signal.
            let mut signals = Signals::new().map_err(cannot)?;
            let log = self.log;
            let cluster = self.start().await?;
            let exchanges = if log { cluster.exchanges() } else { None };
            output.line(&cluster.bootstrap())?;
            output.flush()?;
            match exchanges {
                Some(exchanges) => note(exchanges, &mut signals, output).await?,
                None => signals.next().await,
            }
            cluster.shutdown().await;
            Ok(exit::PASSED)
        })
    }

    async fn start(self) -> Result<Cluster, Failure> {
        let listen = resolve(&self.listen).await?;
        let (brokers, emulate, topics) = (self.brokers, self.emulate, self.topics);
        let spec = ClusterSpec { brokers, emulate, topics, listen, ..ClusterSpec::default() };
        Cluster::start(spec).await.map_err(|error| match error.kind() {
            // Two topics of one name.
            ErrorKind::InvalidInput => Failure::mistake(error.to_string()),
            _ => Failure::broken(format!("cannot listen at {}: {error}", self.listen)),
        })
    }
}

/// Prints requests until a signal comes.
async fn note(
    mut exchanges: Receiver<Exchange>,
    signals: &mut Signals,
    output: &mut Output,
) -> Result<(), Failure> {
    loop {
        tokio::select! {
            () = signals.next() => return Ok(()),
            Some(exchange) = exchanges.recv() => {
                output.line(&exchange.to_string())?;
                output.flush()?;
            }
        }
    }
}

/// The first address that a name stands for.
async fn resolve(listen: &str) -> Result<SocketAddr, Failure> {
    let unknown = |why: String| Failure::mistake(format!("cannot listen at {listen}: {why}"));
    let mut found = lookup_host(listen).await.map_err(|error| unknown(error.to_string()))?;
    found.next().ok_or_else(|| unknown("the name stands for no address".into()))
}

fn listen(text: &str) -> Result<String, String> {
    let is_address = text.rsplit_once(':').is_some_and(|(host, port)| {
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let plain = !host.is_empty() && (bare.is_some() || !host.contains(':'));
        plain && port.parse::<u16>().is_ok()
    });
    if is_address { Ok(text.to_owned()) } else { Err("it has the form HOST:PORT".into()) }
}

fn topic(text: &str) -> Result<TopicSpec, String> {
    let (name, partitions) = text.rsplit_once(':').unwrap_or((text, "1"));
    let partitions = partitions.parse().ok().filter(|count| (1..=MOST_PARTITIONS).contains(count));
    let partitions = partitions.ok_or_else(|| format!("a topic has 1 to {MOST_PARTITIONS} partitions"))?;
    let spec = TopicSpec { name: name.to_owned(), partitions, ..TopicSpec::default() };
    spec.check().map_err(|error| error.to_string())?;
    Ok(spec)
}
