//! `run`: verdicts, exit codes, the order of outcomes, interruptions, reports.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command};

use super::project::{FAILING, GOOD, Project, Ran, SLOW, WRONG};

/// The verdicts and names on the lines of scenarios, in their order.
fn verdicts(ran: &Ran) -> Vec<(String, String)> {
    let words = ["passed", "new", "changed", "failed", "mistake", "broken", "interrupted", "not run"];
    let found = ran.stdout.lines().filter_map(|line| {
        let word =
            words.iter().find(|word| line.get(..11).is_some_and(|start| start.trim_start() == **word))?;
        let name = line[11..]
            .trim_start()
            .split("  ")
            .find(|part| !part.ends_with("ms") && !part.ends_with(" s"))?;
        Some(((*word).to_owned(), name.to_owned()))
    });
    found.collect()
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(verdict, name)| ((*verdict).to_owned(), (*name).to_owned())).collect()
}

#[test]
fn a_scenario_that_does_what_was_reviewed_passes() {
    let ran = Project::accepted().call(&["run"]).exits(0).complains_of_nothing();
    assert_eq!(verdicts(&ran), owned(&[("passed", "good")]));
    ran.says("  good  3 sent, 3 ok\n").says("\n1 scenario in ").says(": 1 passed\n");
}

#[test]
fn outcomes_come_in_the_order_of_the_files_whatever_runs_first() {
    let mut project = Project::new();
    let names: Vec<String> = (10..40).map(|number| format!("n{number}")).collect();
    for (at, name) in names.iter().enumerate() {
        let count = 1 + (names.len() - at) * 20;
        project = project.scenario(name, &GOOD.replace("count: 3", &format!("count: {count}")));
    }
    for jobs in ["1", "7", "64"] {
        let ran = project.call(&["run", "--jobs", jobs, "--accept"]).exits(0);
        let seen: Vec<_> = verdicts(&ran).into_iter().map(|(_, name)| name).collect();
        assert_eq!(seen, names);
    }
}

#[test]
fn a_wrong_file_stops_no_other() {
    let project = Project::accepted().scenario("a-wrong-one", WRONG);
    let ran = project.call(&["run"]).exits(2);
    assert_eq!(verdicts(&ran), owned(&[("mistake", "a-wrong-one"), ("passed", "good")]));
    ran.says("unknown field 'cuont'").says("scenarios/a-wrong-one.yaml:2:1").says("1 passed, 1 mistake");
}

#[test]
fn a_failure_points_at_the_line_that_asked() {
    let project = Project::new().scenario("failing", FAILING);
    project.call(&["run"]).exits(1).says("failed").says("scenarios/failing.yaml:5:").says("delivered: none");
    assert!(!project.has("snapshots"), "the text of a run that went wrong is nobody's to accept");
}

#[test]
fn the_worst_exit_code_wins() {
    let project = Project::new().scenario("failing", FAILING).scenario("good", GOOD);
    project.call(&["run"]).exits(1);
    let project = project.scenario("wrong", WRONG);
    project.call(&["run"]).exits(2);
    let project = project.scenario("zlast", GOOD).file("snapshots/zlast.snap/in-the-way", "");
    let ran = project.call(&["run"]).exits(3).says("snapshots/zlast.snap");
    let seen: Vec<_> = verdicts(&ran).into_iter().map(|(verdict, _)| verdict).collect();
    assert_eq!(seen, ["failed", "new", "mistake", "broken"]);
}

#[test]
fn nothing_to_run_is_a_mistake() {
    Project::new().call(&["run"]).exits(2).complains("there is no scenarios/ here").complains("inflight new");
    let project = Project::new().file("scenarios/notes.txt", "");
    project.call(&["run"]).exits(2).complains("no scenarios in scenarios");
    let project = Project::accepted();
    project.call(&["run", "--filter", "other"]).exits(2).complains("does not fit the filter");
    project.call(&["run", "nowhere.yaml"]).exits(2).says("nowhere.yaml").says("no such file");
}

#[test]
fn a_filter_selects_by_name_and_tag() {
    let tagged = format!("{GOOD}tags: [slow]\n");
    let project = Project::new().scenario("a/one", GOOD).scenario("a/two", &tagged).scenario("b", GOOD);
    let names = |arguments: &[&str]| -> Vec<String> {
        let ran = project.call(&[&["run", "--update", "no"], arguments].concat());
        verdicts(&ran).into_iter().map(|(_, name)| name).collect()
    };
    assert_eq!(names(&["--filter", "slow"]), ["a/two"]);
    assert_eq!(names(&["--filter", "a/*"]), ["a/one", "a/two"]);
    assert_eq!(names(&["--filter", "!slow", "--filter", "!b"]), ["a/one"]);
}

#[test]
fn two_files_of_one_name_are_a_mistake_of_the_second() {
    let named = format!("name: same\n{GOOD}");
    let project = Project::new().scenario("a", &named).scenario("b", &named);
    let ran =
        project.call(&["run", "--accept"]).exits(2).says("scenarios/b.yaml").says("scenarios/a.yaml too");
    assert_eq!(verdicts(&ran), owned(&[("passed", "same"), ("mistake", "same")]));
    let project = Project::new().file("scenarios/a.yaml", GOOD).file("scenarios/a.yml", GOOD);
    project.call(&["run"]).exits(2).says("scenarios/a.yaml too");
    let other = format!("name: other\n{GOOD}");
    let project = Project::new().file("scenarios/a.yaml", GOOD).file("scenarios/a.yml", &other);
    project.call(&["run"]).exits(2).says("its snapshot snapshots/a.snap is that of scenarios/a.yaml too");
}

#[test]
fn settings_of_the_command_line_reach_the_client() {
    let project = Project::accepted();
    project.call(&["run", "-X", "linger.ms=1", "-X", "acks=1"]).exits(0);
    project.call(&["run", "-X", "lnger.ms=1"]).exits(2).complains("did you mean 'linger.ms'?");
    project.call(&["run", "-X", "acks=maybe"]).exits(2).complains("librdkafka refuses 'maybe' for 'acks'");
    project.call(&["run", "-X", "bootstrap.servers=x"]).exits(2).complains("is set by the runner");
    project.call(&["run", "-X", "linger.ms"]).exits(2).complains("key=value");
}

#[test]
fn with_fail_fast_the_rest_does_not_run() {
    let project = Project::new().scenario("a", GOOD).scenario("b", GOOD);
    let ran = project.call(&["run", "--fail-fast", "--jobs", "1"]).exits(1);
    assert_eq!(verdicts(&ran), owned(&[("new", "a"), ("not run", "b")]));
}

#[test]
fn quiet_says_only_what_did_not_pass() {
    let project = Project::accepted();
    assert_eq!(project.call(&["run", "--quiet"]).exits(0).stdout, "");
    let project = project.scenario("failing", FAILING);
    project.call(&["run", "--quiet"]).exits(1).says("failing").says_nothing_of(" good");
}

#[test]
fn colours_are_for_those_who_want_them() {
    let project = Project::accepted();
    project.call(&["run"]).exits(0).says_nothing_of("\u{1b}");
    let project = project.env("CLICOLOR_FORCE", "1");
    project.call(&["run"]).exits(0).says("\u{1b}[32m     passed\u{1b}[0m");
    let project = project.env("NO_COLOR", "1").env("CLICOLOR_FORCE", "0");
    project.call(&["run"]).exits(0).says_nothing_of("\u{1b}");
}

#[test]
fn no_text_of_a_scenario_commands_the_terminal() {
    let hostile = format!("name: \"a\\e[31mb\\u009b0m\"\ndescription: \"\\e[2J\"\n{GOOD}");
    let project = Project::new().scenario("\u{1b}[2Jx", &hostile);
    let ran = project.call(&["run", "--report", "junit=out.xml"]);
    for text in [&ran.stdout, &ran.stderr, &project.read("out.xml")] {
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
    }
}

#[test]
fn junit_is_written_whole() {
    let project = Project::accepted().scenario("failing", FAILING).scenario("wrong", WRONG);
    project.call(&["run", "--report", "junit=reports/out.xml"]).exits(2);
    let xml = project.read("reports/out.xml");
    for part in [
        "<testsuite name=\"scenarios\" tests=\"3\" skipped=\"0\" errors=\"1\" failures=\"1\"",
        "<testcase name=\"good\" classname=\"scenarios\"",
        "file=\"scenarios/failing.yaml\"",
        "type=\"failed\"",
        "type=\"mistake\"",
        "delivered: none",
    ] {
        assert!(xml.contains(part), "no {part} in {xml}");
    }
    project.write("in-the-way/out.xml/file", "");
    project.call(&["run", "--report", "junit=in-the-way/out.xml"]).exits(3).complains("in-the-way/out.xml");
    project.call(&["run", "--report", "pdf=x"]).exits(2).complains("junit=PATH");
}

/// Reads until a line has this in it, and gives what was read.
fn read_until(stdout: &mut BufReader<impl Read>, text: &str) -> String {
    let mut read = String::new();
    while !read.contains(text) {
        assert_ne!(stdout.read_line(&mut read).unwrap(), 0, "it ended before it said {text:?}: {read}");
    }
    read
}

pub(super) fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

#[test]
fn an_interruption_says_what_ran_and_what_did_not() {
    for name in ["-INT", "-TERM"] {
        let project = Project::new().scenario("a", GOOD).scenario("b", SLOW).scenario("c", GOOD);
        let mut child = project.start(&["run", "--jobs", "1", "--accept", "--report", "junit=out.xml"]);
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut said = read_until(&mut stdout, "  a  ");
        signal(&child, name);
        stdout.read_to_string(&mut said).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(130), "{said}");
        let ran = Ran { stdout: said, stderr: String::new(), code: None };
        assert_eq!(verdicts(&ran), owned(&[("passed", "a"), ("interrupted", "b"), ("not run", "c")]));
        let files =
            ["out.xml", "scenarios/a.yaml", "scenarios/b.yaml", "scenarios/c.yaml", "snapshots/a.snap"];
        assert_eq!(project.files(), files, "no partial file");
        assert!(project.read("out.xml").contains("skipped=\"2\""));
    }
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let mut project = Project::new();
    for number in 0..20 {
        project = project.scenario(&format!("n{number}"), GOOD);
    }
    let mut child = project.start(&["run", "--jobs", "2"]);
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    read_until(&mut stdout, "n0");
    drop(stdout);
    let mut complaints = String::new();
    child.stderr.take().unwrap().read_to_string(&mut complaints).unwrap();
    assert_eq!((child.wait().unwrap().code(), complaints.as_str()), (Some(1), ""));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_a_broken_world() {
    let project = Project::accepted();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = project.command(&["run"]).stdout(full).output().unwrap();
    Ran::of(output).exits(3).complains("cannot write to the standard output");
    project
        .call(&["run", "--report", "junit=/dev/full"])
        .exits(3)
        .says("1 passed")
        .complains("cannot write /dev/full");
    project.call(&["run", "--report", "junit=/dev/stdout"]).exits(0).says("<testsuites");
}

#[test]
fn snapshots_of_no_scenario_are_reported_and_refused_on_request() {
    let project = Project::accepted().scenario("gone", GOOD);
    project.call(&["run", "--accept"]).exits(0);
    fs::remove_file(project.path("scenarios/gone.yaml")).unwrap();
    project.call(&["run"]).exits(0).says("1 snapshot belongs to no scenario").says("snapshots/gone.snap");
    project.call(&["run", "--unreferenced", "reject"]).exits(1).says("snapshots/gone.snap");
    project.call(&["run", "--unreferenced", "ignore"]).exits(0).says_nothing_of("gone");
    project.call(&["run", "scenarios/good.yaml"]).exits(0).says_nothing_of("gone");
}
