//! `run --bootstrap`: the same scenarios on a cluster that is there, here the embedded one in a process of its own.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use super::project::{FAILING, GOOD, Project, SLOW};
use super::served::{Served, soon};

/// It goes on until somebody ends it.
const ENDLESS: &str =
    "topic: t\ncount: 1000000\nmode: sync\nack_wait: 40s\nproducer: { config: { linger.ms: 5 } }\n";

/// Closed, so that connecting to it is refused.
fn nobody() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

#[test]
fn a_scenario_gives_the_same_snapshot_however_much_is_in_its_topic() {
    let (broker, project) = (Served::with(&[]), Project::accepted());
    for run in 1..=3 {
        project
            .call(&["run", "--bootstrap", &broker.address])
            .exits(0)
            .says("1 passed")
            .complains_of_nothing();
        assert_eq!(broker.values("t").len(), 3 * run, "the topic is kept");
    }
    let project = project.env("INFLIGHT_BOOTSTRAP", &broker.address);
    project.call(&["run"]).exits(0).says("1 passed");
    assert_eq!(broker.values("t").len(), 12);
}

#[test]
fn any_of_several_addresses_will_do() {
    let (broker, project) = (Served::with(&[]), Project::accepted());
    let several = format!("{},{}", nobody(), broker.address);
    project.call(&["run", "--bootstrap", &several]).exits(0).says("1 passed");
}

#[test]
fn a_missing_topic_is_created_as_the_scenario_has_it() {
    let broker = Served::with(&[]);
    let text = "topic: { name: wide, partitions: 4, config: { max.message.bytes: 5000 } }\ncount: 3\n";
    let project = Project::new().scenario("wide", text);
    project.call(&["run", "--accept", "--bootstrap", &broker.address]).exits(0);
    let found = broker.ask(async |cluster| cluster.topic(&"wide".into(), soon()).await.unwrap().unwrap());
    assert_eq!(found.leaders.len(), 4);
}

#[test]
fn a_topic_of_another_shape_is_left_as_it_is() {
    let (broker, project) = (Served::with(&["--topic", "t:2"]), Project::accepted());
    let ran = project.call(&["run", "--bootstrap", &broker.address]).exits(3).says("1 broken");
    ran.says("topic 't' is there already, and differs from the scenario's: partitions is 2, not 1");
    let found = broker.ask(async |cluster| cluster.topic(&"t".into(), soon()).await.unwrap().unwrap());
    assert_eq!(found.leaders.len(), 2);
}

#[test]
fn replicas_are_as_the_scenario_has_them() {
    let broker = Served::with(&["--brokers", "3", "--topic", "single:1"]);
    let shaped =
        |name: &str| format!("brokers: 3\ntopic: {{ name: {name}, replication_factor: 3 }}\ncount: 3\n");
    let project = Project::new().scenario("a", &shaped("threefold")).scenario("b", &shaped("single"));
    let ran = project.call(&["run", "--accept", "--bootstrap", &broker.address]).exits(3);
    ran.says("1 broken").says("replication_factor is 1, not 3");
    let found =
        broker.ask(async |cluster| cluster.topic(&"threefold".into(), soon()).await.unwrap().unwrap());
    assert_eq!(found.replication_factor, 3);
}

#[test]
fn leaders_are_as_the_scenario_has_them() {
    let broker = Served::with(&["--brokers", "3"]);
    let text = "brokers: 3\ntopic: { name: led, partitions: 4, replication_factor: 2, leaders: [3, 1, 1, 2] }\ncount: 3\n";
    let project = Project::new().scenario("led", text);
    project.call(&["run", "--accept", "--bootstrap", &broker.address]).exits(0);
    let found = broker.ask(async |cluster| cluster.topic(&"led".into(), soon()).await.unwrap().unwrap());
    assert_eq!(found.leaders.values().map(|leader| leader.unwrap().0).collect::<Vec<_>>(), [3, 1, 1, 2]);
    assert_eq!(found.replication_factor, 2);
}

#[test]
fn too_few_brokers_leave_a_scenario_out() {
    let broker = Served::with(&[]);
    let project = Project::new().scenario("two", "brokers: 2\ntopic: t\ncount: 3\n");
    let ran = project.call(&["run", "--bootstrap", &broker.address]).exits(0).says("1 ignored");
    ran.says("it needs the brokers 1, 2, the cluster has 1");
}

#[test]
fn fresh_topics_are_shown_under_their_plain_names_and_are_gone_afterwards() {
    let (broker, project) = (Served::with(&["--topic", "t:2"]), Project::accepted());
    let arguments = ["run", "--fresh-topics", "--bootstrap", &broker.address];
    project.call(&arguments).exits(0).says("1 passed");
    let project = project.scenario("failing", FAILING).scenario("other", GOOD);
    project.call(&arguments).exits(1).says("1 passed, 1 new, 1 failed").says_nothing_of("t-");
    assert_eq!(broker.topics(), ["t"]);
}

#[test]
fn fresh_topics_are_gone_after_an_interruption_too() {
    let broker = Served::with(&[]);
    let project = Project::new().scenario("slow", SLOW);
    let child = project.start(&["run", "--fresh-topics", "--bootstrap", &broker.address]);
    broker.wait_for(|topics| topics.len() == 1 && topics[0].starts_with("t-"));
    super::run::signal(&child, "-INT");
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
    assert_eq!(broker.topics(), [""; 0]);
}

#[test]
fn settings_of_a_topic_that_is_there_are_compared() {
    let broker = Served::with(&[]);
    let text = "topic: { name: wide, config: { max.message.bytes: 5000 } }\ncount: 3\n";
    let arguments = ["run", "--accept", "--bootstrap", &broker.address];
    let project = Project::new().scenario("wide", text);
    project.call(&arguments).exits(0);
    project.call(&arguments).exits(0);
    let project = project.scenario("wide", &text.replace("5000", "6000"));
    project.call(&arguments).exits(3).says("max.message.bytes is 5000, not 6000 (it was left as it is)");
}

#[test]
fn scenarios_that_name_the_same_topic_do_not_meet() {
    let broker = Served::with(&[]);
    let mut project = Project::new();
    for number in 0..12 {
        project = project.scenario(&format!("n{number}"), GOOD);
    }
    project.call(&["run", "--accept"]).exits(0);
    project.call(&["run", "--jobs", "12", "--bootstrap", &broker.address]).exits(0).says("12 passed");
    assert_eq!(broker.values("t").len(), 36);
}

#[test]
fn records_of_others_are_recognised() {
    let broker = Served::with(&[]);
    let long = "topic: t\ncount: 200\nvalue: \"mine {{ i }}\"\nmode: sync\nproducer: { config: { linger.ms: 10 } }\n";
    let project = Project::new().scenario("long", long);
    let child = project.start(&["run", "--bootstrap", &broker.address]);
    broker.wait_for(|topics| topics == ["t"] && !broker.values("t").is_empty());
    let other = Project::new().scenario("other", &format!("{GOOD}value: \"another's {{{{ i }}}}\"\n"));
    other.call(&["run", "--accept", "--bootstrap", &broker.address]).exits(0);
    let said = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    assert!(said.contains("long  200 sent, 200 ok, 3 foreign"), "{said}");
}

#[track_caller]
fn refused_within_seconds(address: &str, why: &[&str]) {
    let (project, began) = (Project::accepted(), Instant::now());
    let mut ran = project.call(&["run", "--bootstrap", address]).exits(3);
    for why in why {
        ran = ran.complains(why);
    }
    assert_eq!(ran.stdout, "");
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

#[test]
fn nobody_there_is_said_at_once() {
    let nobody = nobody();
    let why = format!("no broker can be reached at {nobody}: Connect to {nobody} failed: Connection refused");
    refused_within_seconds(&nobody, &["the cluster cannot be reached", &why]);
}

/// Answers every connection like this, until the test ends.
fn answering(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        let mut open = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            if !answer.is_empty() {
                drop(stream.read(&mut [0; 64]));
                drop(stream.write_all(answer));
            }
            open.push(stream);
        }
    });
    address
}

#[test]
fn a_server_of_another_protocol_is_named() {
    let http = answering(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    refused_within_seconds(&http, &["what answers there speaks HTTP, not the Kafka protocol in plain text"]);
    let tls = answering(&[0x15, 3, 1, 0, 2, 2, 0x46]);
    refused_within_seconds(&tls, &["what answers there speaks TLS"]);
}

#[test]
fn a_server_that_says_nothing_is_given_up() {
    refused_within_seconds(&answering(b""), &["no answer when time ran out"]);
}

#[test]
fn no_address_is_a_mistake() {
    let project = Project::accepted();
    for wrong in ["localhost", "localhost:0", "a:1,b", ":1"] {
        project.call(&["run", "--bootstrap", wrong]).exits(2).complains("is not HOST:PORT");
    }
    project.call(&["run", "--fresh-topics"]).exits(2).complains("--bootstrap");
}

#[test]
fn a_broker_that_goes_in_the_middle_is_said_with_what_ran() {
    let broker = Served::with(&[]);
    let project = Project::new().scenario("a", GOOD).scenario("b", ENDLESS).scenario("c", GOOD);
    project.call(&["run", "scenarios/a.yaml", "--accept"]).exits(0);
    let child = project.start(&["run", "--jobs", "1", "--bootstrap", &broker.address]);
    // The second scenario is under way when there is more than the first one wrote.
    broker.wait_for(|topics| topics.iter().any(|topic| broker.values(topic).len() > 5));
    let address = broker.address.clone();
    broker.signal("-KILL");
    let began = Instant::now();
    let output = child.wait_with_output().unwrap();
    assert!(began.elapsed() < Duration::from_secs(25), "{:?}", began.elapsed());
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("the cluster has gone in the middle of the run"), "{said}");
    assert!(said.contains("1 passed, 1 broken, 1 not run"), "{said}");
    assert!(TcpStream::connect(&address).is_err());
}
