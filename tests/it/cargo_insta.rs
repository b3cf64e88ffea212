//! The published cargo-insta on snapshots of ours: found, shown, accepted and rejected, unchanged. It is ignored where
//! cargo-insta is missing: run it with `--ignored cargo_insta`, and the program on the `PATH` or named by `CARGO_INSTA`.

#![expect(clippy::disallowed_methods, reason = "the tests are told where the tool is")]

use std::process::Command;

use crate::cli::project::{GOOD, Project};

/// A Cargo project, because cargo-insta looks for one, with two scenarios whose snapshots wait.
fn project() -> Project {
    let project = Project::new()
        .file("Cargo.toml", "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2024\"\n")
        .file("src/lib.rs", "")
        .scenario("seed/one", &format!("description: \"two\\nlines: of it\"\n{GOOD}"))
        .scenario("two", GOOD);
    project.call(&["run"]).exits(1);
    project
}

/// Calls `cargo insta`; what it prints on both streams.
fn insta(project: &Project, arguments: &[&str]) -> String {
    let tool = std::env::var("CARGO_INSTA").unwrap_or_else(|_| "cargo-insta".into());
    let output = Command::new(&tool)
        .arg("insta")
        .args(arguments)
        .current_dir(project.path("."))
        .env("NO_COLOR", "1")
        .output()
        .expect("cargo-insta is installed");
    let printed = [output.stdout, output.stderr].concat();
    let printed = String::from_utf8(printed).unwrap();
    assert!(output.status.success(), "{arguments:?}: {printed}");
    printed
}

#[test]
#[ignore = "needs the published cargo-insta"]
fn cargo_insta_finds_what_waits() {
    let printed = insta(&project(), &["pending-snapshots"]);
    assert!(
        printed.contains("snapshots/seed/one.snap") && printed.contains("snapshots/two.snap"),
        "{printed}"
    );
}

#[test]
#[ignore = "needs the published cargo-insta"]
fn cargo_insta_accepts_and_the_run_passes_with_the_same_file() {
    let (ours, theirs) = (project(), project());
    ours.call(&["accept"]).exits(0);
    insta(&theirs, &["accept"]);
    theirs.call(&["run"]).exits(0);
    for file in ["snapshots/seed/one.snap", "snapshots/two.snap"] {
        assert_eq!(ours.read(file), theirs.read(file), "accepting with either gives the same file");
        assert!(!theirs.has(&format!("{file}.new")));
    }
    theirs.write("scenarios/two.yaml", &GOOD.replace("count: 3", "count: 4"));
    theirs.call(&["run"]).exits(1).says("changed");
    insta(&theirs, &["accept", "--snapshot", "snapshots/two.snap"]);
    theirs.call(&["run"]).exits(0);
}

#[test]
#[ignore = "needs the published cargo-insta"]
fn cargo_insta_rejects() {
    let project = project();
    insta(&project, &["reject"]);
    assert!(!project.has("snapshots/two.snap.new") && !project.has("snapshots/two.snap"));
}

#[test]
#[ignore = "needs the published cargo-insta"]
fn cargo_insta_shows_what_is_to_be_reviewed() {
    let project = project();
    let printed = insta(&project, &["review", "--snapshot", "snapshots/two.snap"]);
    for part in ["scenarios/two.yaml", "timeline", "client: librdkafka", "cargo insta accept"] {
        assert!(printed.contains(part), "no {part} in {printed}");
    }
    project.call(&["accept"]).exits(0);
    project.write("scenarios/two.yaml", &GOOD.replace("count: 3", "count: 4"));
    project.call(&["run"]).exits(1);
    let printed = insta(&project, &["review", "--snapshot", "snapshots/two.snap"]);
    assert!(printed.contains("send 3"), "the difference is shown: {printed}");
}
