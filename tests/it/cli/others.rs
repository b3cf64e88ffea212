//! The commands that run nothing.

use super::project::{GOOD, Project, WRONG};

#[test]
fn list_names_each_scenario_with_its_file_and_tags() {
    let tagged = format!("name: by another name\ntags: [slow, big]\n{GOOD}");
    let project = Project::new().scenario("a/one", GOOD).scenario("b", &tagged).scenario("c", WRONG);
    let ran = project.call(&["list"]).exits(0).complains_of_nothing();
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert_eq!(
        lines,
        [
            "a/one            scenarios/a/one.yaml",
            "by another name  scenarios/b.yaml  [slow]  [big]",
            "c                scenarios/c.yaml  (wrong, see inflight check)",
        ]
    );
    assert_eq!(project.call(&["list", "--pending"]).exits(0).stdout, "");
}

#[test]
fn new_writes_a_scenario_that_runs() {
    let project = Project::new();
    project.call(&["new", "orders/first"]).exits(0).says("inflight run scenarios/orders/first.yaml");
    project.call(&["check"]).exits(0).complains_of_nothing();
    project.call(&["run", "--accept"]).exits(0);
    project.call(&["run"]).exits(0);
}

#[test]
fn new_never_overwrites_and_never_leaves_the_folder() {
    let project = Project::new().scenario("a", "mine");
    project.call(&["new", "a"]).exits(2).complains("scenarios/a.yaml is there already");
    assert_eq!(project.read("scenarios/a.yaml"), "mine");
    let long = "x".repeat(300);
    for name in ["../b", "/tmp/b", "", "a//b", "..", &long] {
        project.call(&["new", name]).exits(2).complains("is no name for a scenario");
    }
    let project = Project::new().file("scenarios", "in the way");
    project.call(&["new", "a"]).exits(3).complains("scenarios");
}

#[test]
fn explain_says_more_about_a_mistake() {
    let project = Project::new();
    project.call(&["explain", "E012"]).exits(0).says("E012 · unknown field\n").complains_of_nothing();
    project.call(&["explain", "e12"]).exits(0).says("E012");
    project.call(&["explain"]).exits(0).says("E012  unknown field\n");
    project.call(&["explain", "E999"]).exits(2).complains("no mistake 'E999'");
}

#[test]
fn the_schema_is_json_and_the_reference_is_not() {
    let project = Project::new();
    let schema = project.call(&["schema"]).exits(0).stdout;
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    assert!(schema["properties"]["topic"].is_object(), "{schema}");
    project.call(&["schema", "--reference"]).exits(0).says("# ");
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        Project::new().call(&["completions", shell]).exits(0).says("completions");
    }
    Project::new().call(&["completions", "tcsh"]).exits(2).complains("tcsh");
}

#[test]
fn a_wrong_command_line_is_a_mistake() {
    let project = Project::new();
    project.call(&[]).exits(2).complains("Usage");
    project.call(&["--help"]).exits(0).says("Exit codes");
    project.call(&["--version"]).exits(0).says("inflight ");
    project.call(&["accpet"]).exits(2).complains("'accept'");
    project.call(&["run", "--jobs", "0"]).exits(2).complains("--jobs");
    project.call(&["run", "--quiet", "--verbose"]).exits(2).complains("--quiet");
}
