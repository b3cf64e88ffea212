//! `inflight show`.

use std::num::NonZeroUsize;
use std::pin::pin;

use clap::Args;
use tokio::runtime::Builder;
use tokio_util::sync::CancellationToken;

use crate::report::{self, Limits};
use crate::session::{self, Candidate, Showing};

use super::cluster::{Cluster, reach};
use super::exit::{self, Failure};
use super::output::Output;
use super::select::{Overrides, Scenarios};
use super::signals::Signals;

/// So many rows are shown of a run, unless all are asked for.
const ROWS: usize = 200;

/// How a table is read.
const COLUMNS: &str = "Each row is a moment, from the first to the last; what happened in between is in the order in \
                       which it was seen. Of a request there is a row where it came and one where it was answered, or one \
                       for both where nothing happened in between. A record stands beside the answer to the request that \
                       wrote it, or above: no broker says when. Messages are green if they were acknowledged, red if they \
                       failed, yellow if nobody knows. Nothing is compared with a snapshot, and nothing is written.";

#[derive(Args, Debug)]
#[command(after_long_help = COLUMNS)]
pub(super) struct Show {
    #[command(flatten)]
    scenarios: Scenarios,

    #[command(flatten)]
    overrides: Overrides,

    #[command(flatten)]
    cluster: Cluster,

    /// Show every row, however many there are
    #[arg(long)]
    all: bool,
}

impl Show {
    pub(super) fn execute(self, output: &mut Output) -> Result<u8, Failure> {
        let selection = self.scenarios.select(self.overrides)?;
        let rows = if self.all { None } else { Some(ROWS) };
        let limits = Limits { width: output.width.map(NonZeroUsize::get), rows };
        let target = self.cluster.target();
        let cannot = |error| Failure::broken(format!("cannot start: {error}"));
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(cannot)?;
        let done = runtime.block_on(async {
            let mut signals = Signals::new().map_err(cannot)?;
            reach(&target, &mut signals).await?;
            let mut outcomes = Vec::new();
            for (at, candidate) in selection.candidates.into_iter().enumerate() {
                let Some(showing) = one(candidate, &target, &mut signals).await else {
                    return Err(Failure { code: exit::INTERRUPTED, message: "interrupted".into() });
                };
                let gap = if at == 0 { "" } else { "\n" };
                output.print(&format!("{gap}{}", report::show(&showing, output.paint, limits)))?;
                outcomes.push(showing.outcome);
            }
            Ok(exit::of(&outcomes))
        });
        // What was given up may wait for a client; nobody waits for it.
        runtime.shutdown_background();
        done
    }
}

/// None where the user interrupted a second time.
async fn one(candidate: Candidate, target: &crate::run::Target, signals: &mut Signals) -> Option<Showing> {
    let interrupt = CancellationToken::new();
    let mut showing = pin!(session::show(candidate, target, &interrupt));
    loop {
        tokio::select! {
            showing = &mut showing => return Some(showing),
            () = signals.next() => {
                if interrupt.is_cancelled() {
                    return None;
                }
                interrupt.cancel();
            }
        }
    }
}
