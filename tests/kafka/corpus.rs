//! The corpus on Apache Kafka: the same scenarios, and byte for byte the snapshots of the embedded broker.

use std::process::{Command, Stdio};
use std::sync::Arc;

use libtest_mimic::{Failed, Trial};

use crate::session::World;
use crate::trial::Suite;

pub(crate) fn trials(suite: &Arc<Suite>) -> Vec<Trial> {
    let on = |brokers: u16, how: &str| {
        let suite = Arc::clone(suite);
        let name = format!("kafka::corpus::every scenario keeps its snapshot on {how}");
        Trial::test(name, move || run(&suite, brokers)).with_ignored_flag(true)
    };
    vec![on(1, "one broker"), on(3, "three brokers")]
}

fn run(suite: &Suite, brokers: u16) -> Result<(), Failed> {
    let apache = suite.apache(brokers)?;
    let _alone = apache.alone();
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
    let lacks_brokers = brokers > 1 && text.contains("it needs the brokers");
    if output.status.success() && passed > 40 && !lacks_brokers {
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(format!("{}, {passed} scenarios passed\n{complaint}\n{text}", output.status).into())
}
