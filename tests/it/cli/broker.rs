//! `broker`: the embedded broker by itself.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use super::project::Project;
use super::served::{Served, soon};

#[test]
fn the_address_is_the_first_line_and_clients_can_connect_to_it() {
    let broker = Served::with(&["--topic", "orders:3", "--topic", "plain"]);
    let partitions = |name: &str| {
        broker.ask(async |cluster| cluster.topic(&name.into(), soon()).await.unwrap().unwrap().leaders.len())
    };
    assert_eq!((partitions("orders"), partitions("plain")), (3, 1));
}

#[test]
fn several_brokers_listen_on_ports_of_their_own() {
    let broker = Served::with(&["--brokers", "3", "--topic", "orders:3", "--emulate", "3.9"]);
    assert_eq!(broker.address.split(',').count(), 3);
    let orders = broker.ask(async |cluster| cluster.topic(&"orders".into(), soon()).await.unwrap().unwrap());
    let leaders: Vec<_> = orders.leaders.values().map(|leader| leader.unwrap().0).collect();
    assert_eq!(leaders, [1, 2, 3]);
}

#[test]
fn it_ends_cleanly_when_it_is_asked_to() {
    for name in ["-INT", "-TERM"] {
        let broker = Served::with(&[]);
        broker.signal(name);
        assert_eq!(broker.ended(), (Some(0), String::new(), String::new()));
    }
}

#[test]
fn it_listens_where_it_is_told() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let broker = Served::with(&["--listen", &format!("localhost:{port}")]);
    assert_eq!(broker.address, format!("127.0.0.1:{port}"));
}

#[test]
fn a_log_has_a_line_for_each_request() {
    let broker = Served::with(&["--topic", "t:1", "--log"]);
    let text = "topic: t\ncount: 2\nmode: sync\nproducer: { config: { linger.ms: 0 } }\n";
    let project = Project::new().scenario("a", text);
    project.call(&["run", "--accept", "--bootstrap", &broker.address]).exits(0);
    broker.ask(async |cluster| drop(cluster.topic(&"nowhere".into(), soon()).await.unwrap()));
    let mut stream = TcpStream::connect(&broker.address).unwrap();
    stream.write_all(&[0, 0, 0, 8, 0, 71, 0, 0, 0, 0, 0, 9]).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    broker.signal("-TERM");
    let (code, printed, complained) = broker.ended();
    assert_eq!((code, complained.as_str()), (Some(0), ""));
    let produced =
        printed.lines().filter(|line| line.contains("  Produce v") && line.ends_with("  t[0] acks=-1  NONE"));
    assert_eq!(produced.count(), 2, "{printed}");
    for part in [
        "  inflight  ListOffsets v",
        "  t[0]  NONE\n",
        "  t[0]@0  NONE\n",
        "  nowhere  UNKNOWN_TOPIC_OR_PARTITION\n",
        "  -  no request (unknown API 71)  connection closed\n",
        "broker 1  connection 1  inflight  ApiVersions v3  id 0  NONE\n",
    ] {
        assert!(printed.contains(part), "no {part:?} in {printed}");
    }
}

#[test]
fn a_port_that_is_taken_is_said() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ran = Project::new().call(&["broker", "--listen", &address]).exits(3);
    let ran = ran.complains(&format!("cannot listen at {address}: Address already in use"));
    assert_eq!(ran.stdout, "");
}

#[test]
fn what_it_cannot_be_told_is_a_mistake() {
    let project = Project::new();
    let refused = |arguments: &[&str], why: &str| {
        let ran = project.call(&[&["broker"], arguments].concat()).exits(2).complains(why);
        assert_eq!(ran.stdout, "");
    };
    for listen in ["", "9092", "localhost", "localhost:", "localhost:66000", ":9092", "::1:9092"] {
        refused(&["--listen", listen], "it has the form HOST:PORT");
    }
    refused(&["--listen", "no.such.host.invalid:9092"], "cannot listen at no.such.host.invalid:9092");
    for topic in ["t:0", "t:", "t:-1", "t:x", "t:10001", "t:99999999999"] {
        refused(&["--topic", topic], "a topic has 1 to 10000 partitions");
    }
    for topic in [":1", "a b:1", "..:1", &format!("{}:1", "x".repeat(250))] {
        refused(&["--topic", topic], "opic name");
    }
    refused(&["--topic", "t:1", "--topic", "t:2"], "already exists");
    refused(&["--brokers", "0"], "0 is not in 1..=100");
    refused(&["--emulate", "0.8"], "it is one of 3.9, 4.3");
    refused(&["orders"], "unexpected argument");
}
