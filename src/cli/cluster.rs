//! Which cluster scenarios run on, as arguments say it.

use std::str::FromStr;

use clap::Args;

use crate::cluster::Address;
use crate::run::{ForeignCluster, Target};

use super::exit::{self, Failure};
use super::signals::Signals;

/// Which cluster the scenarios run on.
#[derive(Args, Debug)]
pub(super) struct Cluster {
    /// Run on this cluster, not on embedded ones: one or more of its brokers. Missing topics are created and kept, topics
    /// that are there are never altered or deleted
    #[arg(long, value_name = "HOST:PORT", env = "INFLIGHT_BOOTSTRAP", value_delimiter = ',', value_parser = Address::from_str)]
    bootstrap: Vec<Address>,

    /// Give each scenario topics of its own on that cluster, with a name that nobody has, and delete them afterwards
    #[arg(long, requires = "bootstrap")]
    fresh_topics: bool,
}

impl Cluster {
    pub(super) fn target(&self) -> Target {
        if self.bootstrap.is_empty() {
            return Target::Embedded;
        }
        Target::Foreign(ForeignCluster { bootstrap: self.bootstrap.clone(), fresh_topics: self.fresh_topics })
    }
}

/// What is wrong with the address of a cluster is said once, before anything runs.
pub(super) async fn reach(target: &Target, signals: &mut Signals) -> Result<(), Failure> {
    let Target::Foreign(cluster) = target else { return Ok(()) };
    tokio::select! {
        reached = cluster.reach() => reached.map_err(|error| Failure::broken(error.in_full())),
        () = signals.next() => Err(Failure { code: exit::INTERRUPTED, message: "interrupted".into() }),
    }
}
