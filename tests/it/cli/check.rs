//! `check`: reads and validates, runs nothing.

use super::project::{GOOD, Project, SLOW, WRONG};

#[test]
fn right_scenarios_are_right() {
    Project::new().scenario("a", GOOD).call(&["check"]).exits(0).says("the scenario is right\n");
    let project = Project::new().scenario("a", GOOD).scenario("b", SLOW);
    project.call(&["check"]).exits(0).says("all 2 scenarios are right\n").complains_of_nothing();
    assert!(!project.has("snapshots"));
}

#[test]
fn all_mistakes_of_all_files_are_shown() {
    let project =
        Project::new().scenario("a", WRONG).scenario("b", GOOD).scenario("c", "topic: t\ncount: -1\n");
    let ran = project.call(&["check"]).exits(2).says("2 of 3 scenarios are wrong");
    ran.complains("scenarios/a.yaml:2:1").complains("did you mean").complains("scenarios/c.yaml:2:8");
}

#[test]
fn settings_are_tried_on_the_client() {
    let project = Project::new().scenario("a", "topic: t\ncount: 1\nproducer: { config: { acks: maybe } }\n");
    project.call(&["check"]).exits(2).complains("acks").complains("scenarios/a.yaml:3:");
    let project = Project::new().scenario("a", GOOD);
    project.call(&["check", "-X", "acks=maybe"]).exits(2).complains("acks");
}
