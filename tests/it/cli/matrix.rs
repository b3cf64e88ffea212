//! A scenario with a matrix: one file, one snapshot, a section for each combination.

use super::project::Project;
use super::served::Served;

/// Two combinations; nothing about them depends on time.
const TWO: &str = "topic: t\ncount: 1\nmode: sync\nmatrix: { acks: [all, 1] }\n\
                   producer: { config: { linger.ms: 0, acks: \"${acks}\" } }\n";

const SECTIONS: &str = "== acks: all\ntimeline  send 0\n          ok 0 t[0]@0\nlog  t[0]  0\n\n\
                        == acks: 1\ntimeline  send 0\n          ok 0 t[0]@0\nlog  t[0]  0\n";

fn accepted() -> Project {
    let project = Project::new().scenario("two", TWO);
    project.call(&["run", "--accept"]).exits(0).says("2 sent, 2 ok").says("1 scenario in ");
    project
}

#[test]
fn each_combination_has_a_section() {
    let project = accepted();
    let snapshot = project.read("snapshots/two.snap");
    let (header, text) = snapshot.split_once("\n---\n").unwrap();
    assert_eq!(text, SECTIONS);
    let settings = "  settings:\n    producer:\n      acks: all or 1\n      linger.ms: \"0\"";
    assert!(header.contains(settings), "{header}");
    project.call(&["run", "--report", "junit=report.xml"]).exits(0).says("1 passed");
    assert!(project.read("report.xml").contains("tests=\"1\""));
    project.call(&["list"]).exits(0).says("two  scenarios/two.yaml\n");
    project.call(&["check"]).exits(0).says("the scenario is right");
}

#[test]
fn a_change_shows_in_which_section_it_is() {
    let project = accepted();
    let snapshot = project.read("snapshots/two.snap");
    let (first, second) = snapshot.split_once("== acks: 1").unwrap();
    project.write("snapshots/two.snap", &format!("{first}== acks: 1{}", second.replace("@0", "@7")));
    let ran = project.call(&["run"]).exits(1).says("changed").says("== acks: 1");
    ran.says_nothing_of("== acks: all");
}

#[test]
fn a_failure_says_in_which_combinations() {
    let wrong = |expect: &str| Project::new().scenario("two", &format!("{TWO}expect:\n{expect}"));
    let project = wrong("  - where: { acks: 1 }\n    delivered: none\n");
    project.call(&["run"]).exits(1).says("1 failed").says("(with acks: 1)\n");
    project.call(&["show"]).exits(1).says("(with acks: 1)\n");
    assert_eq!(project.files(), ["scenarios/two.yaml"], "nothing of it is kept");
    let project = wrong("  - delivered: none\n");
    let ran = project.call(&["run"]).exits(1).says("1 failed").says_nothing_of("(with acks");
    assert_eq!(ran.stdout.matches("error[F001]").count(), 1, "what is so in all is said once: {ran:#?}");
}

#[test]
fn what_is_flaky_in_one_combination_is_found() {
    let text = "topic: { name: t, partitions: \"${partitions}\" }\ncount: 60\n\
                matrix: { partitions: [1, 4] }\n\
                producer: { one_per_request: true, config: { sticky.partitioning.linger.ms: 0 } }\n";
    let project = Project::new().scenario("random", text);
    let ran = project.call(&["run", "--repeat", "4"]).exits(1).says("1 flaky");
    ran.says("with partitions: 4: ").says("pin it:").says_nothing_of("with partitions: 1");
}

#[test]
fn what_cannot_be_made_says_in_which_combination() {
    let text =
        "topic: t\ncount: 400\nmatrix: { n: [1, 0] }\nvalue: \"{{ i }} ${n} {{ 1 // (i - 399 + ${n}) }}\"\n";
    let ran = Project::new().scenario("a", text).call(&["run"]).exits(2);
    ran.says("error[E028]").says("(with n: 0)");
}

#[test]
fn each_combination_is_shown() {
    let project = Project::new().scenario("two", TWO);
    let ran = project.call(&["show", "scenarios/two.yaml"]).exits(0).complains_of_nothing();
    let heads: Vec<_> = ran.stdout.lines().filter(|line| line.starts_with("== ")).collect();
    assert_eq!(heads, ["== acks: all", "== acks: 1"]);
    assert_eq!(ran.stdout.matches("application  │ requests  │ t[0]").count(), 2, "{ran:#?}");
}

#[test]
fn on_another_cluster_the_sections_are_the_same() {
    let (broker, project) = (Served::with(&[]), accepted());
    for arguments in [["run", "--jobs", "2"].as_slice(), &["run", "--fresh-topics"]] {
        let arguments = [arguments, &["--bootstrap", &broker.address]].concat();
        project.call(&arguments).exits(0).says("1 passed").complains_of_nothing();
    }
    assert_eq!(broker.values("t").len(), 2, "without fresh topics both wrote to one, one after the other");
}

#[test]
fn one_that_a_cluster_cannot_have_leaves_out_the_whole() {
    let broker = Served::with(&[]);
    let text = "topic: t\nbrokers: ${brokers}\ncount: 1\nmode: sync\nmatrix: { brokers: [1, 3] }\n";
    let project = Project::new().scenario("a", text);
    let ran = project.call(&["run", "--bootstrap", &broker.address]).exits(0).says("1 ignored");
    ran.says("with brokers: 3: ");
    assert_eq!(project.files(), ["scenarios/a.yaml"]);
    project.write("scenarios/a.yaml", &format!("{text}expect: {{ delivered: none }}\n"));
    project.call(&["run", "--bootstrap", &broker.address]).exits(1).says("1 failed").says("F001");
}
