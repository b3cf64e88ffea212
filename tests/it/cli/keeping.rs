//! Which snapshots are written, accepted, rejected, and when nothing is.

use std::fs;
use std::process::Command;

use super::project::{FAILING, GOOD, Project};

/// A project with a good scenario whose snapshot says something else.
fn changed() -> Project {
    let project = Project::accepted();
    let text = project.read("snapshots/good.snap").replace("ok 1", "ok 7");
    project.write("snapshots/good.snap", &text);
    project
}

fn snapshots(project: &Project) -> Vec<String> {
    project.files().into_iter().filter(|file| file.starts_with("snapshots/")).collect()
}

#[test]
fn a_new_text_waits_and_the_very_command_accepts_it() {
    let project = Project::new().scenario("seed/good", GOOD);
    project.call(&["run"]).exits(1).says("        new ").says("  + ").says("inflight accept seed/good\n");
    assert_eq!(snapshots(&project), ["snapshots/seed/good.snap.new"]);
    project.call(&["list", "--pending"]).exits(0).says("seed/good  scenarios/seed/good.yaml");
    project.call(&["accept", "seed/good"]).exits(0).says("accepted  snapshots/seed/good.snap\n");
    assert_eq!(snapshots(&project), ["snapshots/seed/good.snap"]);
    project.call(&["run"]).exits(0);
}

#[test]
fn a_changed_text_waits_and_is_shown() {
    let project = changed();
    let ran = project.call(&["run"]).exits(1).says("    changed ").says("inflight accept good\n");
    assert!(ran.stdout.contains("  - ") && ran.stdout.contains("ok 7"), "{ran:#?}");
    assert_eq!(snapshots(&project), ["snapshots/good.snap", "snapshots/good.snap.new"]);
    project.call(&["reject"]).exits(0).says("rejected  snapshots/good.snap\n");
    assert_eq!(snapshots(&project), ["snapshots/good.snap"]);
    project.call(&["run"]).exits(1);
    project.call(&["accept"]).exits(0);
    project.call(&["run"]).exits(0);
}

#[test]
fn a_run_that_matches_removes_what_waited() {
    let project = changed();
    project.call(&["run"]).exits(1);
    let text = project.read("snapshots/good.snap").replace("ok 7", "ok 1");
    project.write("snapshots/good.snap", &text);
    project.call(&["run"]).exits(0);
    assert_eq!(snapshots(&project), ["snapshots/good.snap"]);
}

#[test]
fn where_ci_is_set_nothing_is_written() {
    for (name, value) in [("CI", "true"), ("CI", "1"), ("TF_BUILD", "True")] {
        let project = changed().scenario("other", GOOD).env(name, value);
        let before = project.read("snapshots/good.snap");
        project.call(&["run"]).exits(1).says("1 new, 1 changed").says("nothing was written here");
        assert_eq!(snapshots(&project), ["snapshots/good.snap"]);
        assert_eq!(project.read("snapshots/good.snap"), before);
    }
    let project = Project::new().scenario("good", GOOD).env("CI", "false");
    project.call(&["run"]).exits(1);
    assert_eq!(snapshots(&project), ["snapshots/good.snap.new"]);
}

#[test]
fn insta_update_means_what_it_means_for_insta() {
    let (both, old, none) =
        (["snapshots/good.snap", "snapshots/good.snap.new"], ["snapshots/good.snap"], [""; 0]);
    for (mode, changed_exits, changed_files, new_exits, new_files) in [
        ("auto", 1, both.as_slice(), 1, &both[1..]),
        ("new", 1, &both, 1, &both[1..]),
        ("unseen", 1, &both, 0, &old),
        ("always", 0, &old, 0, &old),
        ("1", 0, &old, 0, &old),
        ("force", 0, &old, 0, &old),
        ("no", 1, &old, 1, &none),
    ] {
        let project = changed().env("INSTA_UPDATE", mode);
        project.call(&["run"]).exits(changed_exits);
        assert_eq!(snapshots(&project), changed_files, "{mode}");
        fs::remove_dir_all(project.path("snapshots")).unwrap();
        project.call(&["run"]).exits(new_exits);
        assert_eq!(
            if project.has("snapshots") { snapshots(&project) } else { Vec::new() },
            new_files,
            "{mode}"
        );
    }
    changed()
        .env("INSTA_UPDATE", "maybe")
        .call(&["run"])
        .exits(2)
        .complains("auto, always, new, unseen, no, force");
    changed().env("INSTA_UPDATE", "no").call(&["run", "--accept"]).exits(0);
    changed().env("INSTA_UPDATE", "no").call(&["run", "--update", "always"]).exits(0);
}

#[test]
fn only_the_text_is_compared() {
    let project = Project::accepted();
    let text = project.read("snapshots/good.snap");
    let (_, body) = text.rsplit_once("---\n").unwrap();
    let view = text.lines().find(|line| line.trim_start().starts_with("view:")).unwrap();
    project.write(
        "snapshots/good.snap",
        &format!("---\r\ninfo:\r\n{view}\r\n---\r\n{}\r\n\r\n", body.replace('\n', "\r\n")),
    );
    project.call(&["run"]).exits(0);
    project.env("INSTA_UPDATE", "force").call(&["run"]).exits(0);
}

#[test]
fn texts_of_two_views_are_not_compared_in_silence() {
    let project = Project::accepted();
    let text = project.read("snapshots/good.snap");
    let view = text.lines().find(|line| line.trim_start().starts_with("view:")).unwrap();
    project.write("snapshots/good.snap", &text.replace(view, "  view: 999"));
    project.call(&["run"]).exits(1).says("version 999 of the view");
}

#[test]
fn a_merge_that_was_not_finished_is_a_mistake_with_its_place() {
    let project = Project::accepted().scenario("other", GOOD);
    let text = project.read("snapshots/good.snap");
    project.write("snapshots/good.snap", &format!("{text}<<<<<<< HEAD\na\n=======\nb\n>>>>>>> other\n"));
    let ran = project.call(&["run"]).exits(2).says("merge conflict").says("1 new, 1 mistake");
    let line = text.lines().count() + 1;
    assert!(ran.stdout.contains(&format!("snapshots/good.snap:{line}:1")), "{ran:#?}");
    project.call(&["check"]).exits(2).complains("merge conflict");
    project.write("snapshots/good.snap", "half a fi");
    project.call(&["run"]).exits(2).says("no snapshot");
}

#[test]
fn the_text_of_a_failed_run_is_not_accepted() {
    let project = Project::new().scenario("failing", FAILING);
    project.call(&["run", "--accept"]).exits(1);
    assert!(!project.has("snapshots"));
}

#[test]
fn a_folder_that_cannot_be_written_loses_nothing() {
    // Permissions do not hold the superuser back; a file where a folder should be holds everyone.
    let project =
        Project::new().scenario("good", GOOD).scenario("other/one", GOOD).file("snapshots/other", "mine");
    let ran = project.call(&["run", "--accept"]).exits(3).says("snapshots/other").says("1 passed, 1 broken");
    assert!(ran.stdout.contains("cannot"), "{ran:#?}");
    assert_eq!(project.read("snapshots/other"), "mine");
    assert!(project.has("snapshots/good.snap"), "the others are kept");
    let long = "x".repeat(250);
    let project = Project::new().scenario(&long, GOOD);
    project.call(&["run"]).exits(3).says("name too long");
    assert_eq!(project.files(), [format!("scenarios/{long}.yaml")]);
}

#[test]
fn a_pipe_in_place_of_a_snapshot_holds_nobody_up() {
    let project = Project::new().scenario("good", GOOD).file("snapshots/other", "");
    let made = Command::new("mkfifo").arg(project.path("snapshots/good.snap")).status().unwrap();
    assert!(made.success());
    project.call(&["run"]).exits(3).says("cannot read snapshots/good.snap");
}

#[test]
fn scenarios_elsewhere_have_their_snapshots_beside_them() {
    let project = Project::new().file("tests/kafka/good.yaml", GOOD).file("../x", "").file("good.yaml", GOOD);
    project.call(&["run", "tests", "good.yaml"]).exits(1).says("inflight accept tests/kafka/good.yaml");
    assert_eq!(
        project.files(),
        [
            "good.yaml",
            "snapshots/good.snap.new",
            "tests/kafka/good.yaml",
            "tests/kafka/snapshots/good.snap.new"
        ]
    );
    project.call(&["accept", "tests/kafka/good.yaml", "good"]).exits(0);
    project.call(&["run", "tests", "good.yaml"]).exits(0);
}

#[test]
fn accept_and_reject_take_names_files_and_folders() {
    let project = Project::new().scenario("a/one", GOOD).scenario("a/two", GOOD).scenario("b", GOOD);
    project.call(&["run"]).exits(1).says("inflight accept a/one a/two b\n");
    project.call(&["accept", "c"]).exits(2).complains("nothing is pending for 'c'");
    project.call(&["accept", "../a/one"]).exits(2).complains("no name of a scenario");
    project.call(&["accept", "scenarios/a"]).exits(0).says("a/one").says("a/two").says_nothing_of("b.snap");
    project.call(&["reject", "snapshots/b.snap.new"]).exits(0).says("rejected  snapshots/b.snap");
    project.call(&["accept"]).exits(0);
    assert_eq!(snapshots(&project), ["snapshots/a/one.snap", "snapshots/a/two.snap"]);
    project.write("snapshots/b.snap.new", "no snapshot");
    project.call(&["accept"]).exits(2).complains("no snapshot");
    assert!(project.has("snapshots/b.snap.new"));
}
