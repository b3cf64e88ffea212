//! The world of a run: the cluster, the producers, and the one thread of the application. What is started here is
//! stopped and joined here; what is created on a cluster that others use is deleted here.
//!
//! ```text
//! Target::Embedded ─▶ Site::Embedded: a cluster for this run alone
//! Target::Foreign ──▶ Site::Foreign:  topics on a cluster that is there (foreign.rs)
//! ```

mod embedded;
mod foreign;
mod relative;
mod target;
mod thread;

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::cluster::Address;
use crate::id::ProducerIndex;
use crate::link::{Link, Wanted};
use crate::plan::Plan;
use crate::producer::Sink;
use crate::scenario::AnomalyKind;
use crate::source::Spanned;
use crate::trace::{Ending, Linked, Recorder};

use super::react::Reactions;
use super::{Left, RunError};
use embedded::Embedded;
use foreign::Foreign;
use relative::Relative;
pub(in crate::run) use target::Located;
use target::partitions;
pub use target::{ForeignCluster, Target};
use thread::Task;

/// The most messages for which room is made before they are sent.
const ROOM: u32 = 4_000_000;

/// A running world.
pub(super) struct World {
    site: Site,
    /// Between the producers and the brokers, if the plan needs it.
    link: Option<Link>,
}

enum Site {
    Embedded(Embedded),
    Foreign(Foreign),
}

impl World {
    /// A cluster that has the plan's topics. After an error nothing is left of it.
    pub(super) async fn start(
        plan: &Arc<Plan>,
        target: &Target,
        recorder: &Arc<Recorder>,
        interrupt: &CancellationToken,
    ) -> Result<Self, RunError> {
        let site = match target {
            Target::Embedded => Site::Embedded(Embedded::start(plan).await?),
            Target::Foreign(cluster) => {
                if let Some(why) = needs_embedded(plan) {
                    return Err(RunError::Unsuited(why.to_owned()));
                }
                Site::Foreign(Foreign::enter(plan, cluster, interrupt).await?)
            }
        };
        let mut world = Self { site, link: None };
        if plan.needs_link() {
            match world.link_for(plan, recorder).await {
                Ok(link) => world.link = Some(link),
                Err(error) => {
                    return Err(match world.stop().await {
                        Ok(()) => error,
                        Err(left) => left.after(error),
                    });
                }
            }
        }
        Ok(world)
    }

    /// A link in front of the brokers. It hears of every send and callback.
    async fn link_for(&self, plan: &Arc<Plan>, recorder: &Arc<Recorder>) -> Result<Link, RunError> {
        let wanted = Wanted {
            faults: plan.faults.clone(),
            allow_impossible: plan.allow_impossible,
            requests: plan.snapshot.requests || !plan.expect.requests.is_empty(),
        };
        let brokers: Vec<_> =
            self.bootstrap()?.into_iter().map(|address| (address.host, address.port)).collect();
        let link = Link::start(&self.performed(plan), wanted, &brokers, recorder).await?;
        let control = link.control();
        recorder.observe(move |counts| control.came(counts.sent, counts.callbacks));
        Ok(link)
    }

    /// What the link saw, if there is one.
    pub(super) fn linked(&self) -> Linked {
        self.link.as_ref().map(Link::take).unwrap_or_default()
    }

    /// Where clients begin.
    pub(super) fn bootstrap(&self) -> Result<Vec<Address>, RunError> {
        match &self.site {
            Site::Embedded(cluster) => cluster.bootstrap(),
            Site::Foreign(foreign) => Ok(foreign.bootstrap().to_vec()),
        }
    }

    /// The partitions of the plan's topics, by topic and partition.
    pub(super) fn partitions(&self, plan: &Plan) -> Vec<Located> {
        match &self.site {
            Site::Embedded(_) => partitions(plan).collect(),
            Site::Foreign(foreign) => foreign.partitions().to_vec(),
        }
    }

    /// Runs the application to its end on a thread of its own; its producers are closed when this returns.
    pub(super) async fn perform(
        &self,
        plan: &Arc<Plan>,
        recorder: &Arc<Recorder>,
        interrupt: &CancellationToken,
    ) -> Result<Ending, RunError> {
        let mut thread = JoinSet::new();
        let performed = self.performed(plan);
        let reactions = Reactions::new(performed, Arc::clone(recorder), interrupt.clone());
        let task = Task {
            reactions: Arc::new(reactions),
            sink: self.sink(plan, recorder),
            bootstrap: self.bootstraps(plan)?,
            link: self.link.as_ref().map(Link::control),
            runtime: Handle::current(),
            hands: match &self.site {
                Site::Embedded(cluster) => Some(cluster.hands()),
                Site::Foreign(_) => None,
            },
        };
        thread.spawn_blocking(move || task.run());
        let mut told = false;
        loop {
            tokio::select! {
                Some(ended) = thread.join_next() => return ended.map_err(RunError::Thread)?,
                () = interrupt.cancelled(), if !told => {
                    told = true;
                    recorder.nudge();
                }
            }
        }
    }

    /// Where each producer begins.
    fn bootstraps(&self, plan: &Plan) -> Result<Vec<String>, RunError> {
        let direct: Vec<_> = self.bootstrap()?.iter().map(Address::to_string).collect();
        let of = |index| match &self.link {
            Some(link) => link.bootstrap(ProducerIndex(index)).join(","),
            None => direct.join(","),
        };
        Ok((0u16..).zip(&plan.producers).map(|(index, _)| of(index)).collect())
    }

    /// The plan with the names that its topics have on the cluster.
    fn performed(&self, plan: &Arc<Plan>) -> Arc<Plan> {
        match &self.site {
            Site::Embedded(_) => Arc::clone(plan),
            Site::Foreign(foreign) => Arc::new(foreign.renamed(plan)),
        }
    }

    /// Where producers report to.
    fn sink(&self, plan: &Arc<Plan>, recorder: &Arc<Recorder>) -> Arc<dyn Sink> {
        match &self.site {
            Site::Embedded(_) => Arc::<Recorder>::clone(recorder),
            Site::Foreign(foreign) => Arc::new(Relative::new(plan, recorder, foreign.partitions())),
        }
    }

    /// Waits until the cluster is gone, for longer than a moment, and says so. An embedded one stays.
    pub(super) async fn watch(&self) -> RunError {
        match &self.site {
            Site::Embedded(_) => pending().await,
            Site::Foreign(foreign) => foreign.watch().await,
        }
    }

    /// Waits until whatever the producers sent before they were closed has been handled, also what needs no answer.
    /// False where nobody can know that.
    pub(super) async fn settle(&self, limit: Duration) -> Result<bool, RunError> {
        let settled = async {
            if let Site::Embedded(cluster) = &self.site {
                cluster.resume().await;
            }
            // First what the link still has: it is on its way to the brokers.
            if let Some(link) = &self.link {
                link.settle().await;
            }
            match &self.site {
                Site::Embedded(cluster) => cluster.settle().await.map(|()| true),
                Site::Foreign(_) => Ok(false),
            }
        };
        timeout(limit, settled).await.map_err(|_| RunError::NotIdle(limit))?
    }

    /// Ends what was started, and deletes what was created for this run alone.
    pub(super) async fn stop(self) -> Result<(), Left> {
        if let Some(link) = self.link {
            link.stop().await;
        }
        match self.site {
            Site::Embedded(cluster) => cluster.stop().await,
            Site::Foreign(foreign) => foreign.leave().await?,
        }
        Ok(())
    }
}

/// Why a plan can be carried out on an embedded cluster alone; none if it need not be one.
fn needs_embedded(plan: &Plan) -> Option<&'static str> {
    let vanished = |kind: &Spanned<AnomalyKind>| kind.value == AnomalyKind::Vanished;
    if plan.cluster_step().is_some() {
        Some("its steps change the cluster, which only an embedded one lets them do")
    } else if plan.expect.must.iter().any(vanished) {
        Some(
            "it expects that something has vanished, which may still come on any other than an embedded cluster",
        )
    } else {
        None
    }
}

/// A recorder for the plan.
pub(super) fn recorder(plan: &Plan) -> Arc<Recorder> {
    Arc::new(Recorder::with_capacity(plan.messages().min(ROOM) as usize))
}
