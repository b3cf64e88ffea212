//! The corpus on Apache Kafka: the same scenarios, and byte for byte the snapshots of the embedded broker.

use std::process::{Command, Stdio};
use std::sync::Arc;

use libtest_mimic::{Failed, Trial};

use crate::session::World;
use crate::trial::Suite;

pub(crate) fn trials(suite: &Arc<Suite>) -> Vec<Trial> {
    let suite = Arc::clone(suite);
    let run = Trial::test("kafka::corpus::every scenario keeps its snapshot", move || run(&suite));
    vec![run.with_ignored_flag(true)]
}

fn run(suite: &Suite) -> Result<(), Failed> {
    let apache = suite.apache()?;
    let addresses: Vec<_> = apache.addresses().iter().map(ToString::to_string).collect();
    let output = Command::new(env!("CARGO_BIN_EXE_inflight"))
        .args(["run", "--fresh-topics", "--bootstrap", &addresses.join(",")])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("CI", "true")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    // A change of a snapshot ends with 1; what the cluster cannot have is ignored, which would prove nothing alone.
    let passed = text.lines().filter(|line| line.trim_start().starts_with("passed ")).count();
    if output.status.success() && passed > 40 {
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(format!("{}, {passed} scenarios passed\n{complaint}\n{text}", output.status).into())
}
