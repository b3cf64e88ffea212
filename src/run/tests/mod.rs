//! Every mode with every way a wait can end, on scripted producers: what happens when is decided by events alone, and
//! where a wait must pass its limit, the answer never comes.

mod deadlock;
mod embedded;
mod fixture;
mod linked;
mod react;
mod scripted;
mod sends;
mod steps;

use std::time::Duration;

use crate::plan::{Action, Mode, Plan};
use crate::trace::Ending;

use scripted::{Script, run};

const TINY: Duration = Duration::from_millis(2);

fn send(batch: usize, mode: Mode) -> Action {
    Action::Send { batch, mode }
}

fn lines(text: &str) -> String {
    text.trim().lines().flat_map(|line| [line.trim(), "\n"]).collect()
}

#[track_caller]
fn assert_run(plan: &Plan, script: &Script, expected: &str) {
    let (happened, ending) = run(plan, script);
    assert_eq!(happened, lines(expected));
    assert_eq!(ending.unwrap(), Ending::Complete);
}
