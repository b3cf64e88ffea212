//! `show`: one run, moment by moment.

use super::project::{FAILING, GOOD, Project, WRONG};
use super::served::Served;

const SYNC: &str = "topic: orders\ncount: 2\nmode: sync\nproducer: { config: { linger.ms: 0 } }\n";

#[test]
fn a_run_is_a_table() {
    let project = Project::new().scenario("a", SYNC);
    let ran = project.call(&["show", "scenarios/a.yaml"]).exits(0).complains_of_nothing();
    let lines: Vec<_> = ran.stdout.lines().skip(1).collect();
    assert_eq!(
        lines,
        [
            "application  │ requests  │ orders[0]",
            "send 0       │           │",
            "             │ 0 → ok    │ 0 @0",
            "ok 0 @0      │           │",
            "send 1       │           │",
            "             │ 1 → ok    │ 1 @1",
            "ok 1 @1      │           │",
        ]
    );
    assert_eq!(project.files(), ["scenarios/a.yaml"], "nothing is written");
}

#[test]
fn a_fault_stands_where_it_struck() {
    let text = format!(
        "{SYNC}faults:\n  - name: lost acknowledgement\n    on: {{ produce: {{ message: 1 }} }}\n    do: disconnect_after\n\
         expect: {{ anomalies: {{ may: [duplicated] }} }}\n"
    );
    let ran = Project::new().scenario("a", &text).call(&["show"]).exits(0);
    ran.says("1 → closed ! lost acknowledgement");
}

#[test]
fn a_failure_is_shown_below_and_ends_with_its_code() {
    let project = Project::new().scenario("a", FAILING).scenario("b", GOOD);
    let ran = project.call(&["show"]).exits(1).says("failed").says("error[F001]");
    ran.says("application").says_nothing_of("snapshots/");
    let project = Project::new().scenario("a", WRONG);
    project.call(&["show"]).exits(2).says("mistake").says_nothing_of("application");
    project.call(&["show", "nowhere.yaml"]).exits(2).says("no such file");
}

#[test]
fn it_can_be_another_cluster() {
    let broker = Served::with(&[]);
    let project = Project::new().scenario("a", SYNC);
    project.call(&["show", "--bootstrap", &broker.address, "--fresh-topics"]).exits(0).says("1 @1");
    let cluster_step = "topic: t\nsteps:\n  - send: 1\n  - broker: { restart: 1 }\n";
    let project = Project::new().scenario("b", cluster_step);
    project.call(&["show", "--bootstrap", &broker.address]).exits(0).says("ignored");
}
