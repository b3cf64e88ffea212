//! What a case does to a broker, written down line by line.

mod brokers;

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::thread::sleep;
use std::time::Duration;

use crate::fields;
use crate::normal::{Normal, now};
use crate::wire::connection::{Connection, Heard};
use crate::wire::schema::{Api, api};
use crate::wire::value::hex;
use crate::wire::{Value, decode, encode};

pub(crate) use brokers::Change;

/// Brokers that a case can talk to.
pub(crate) trait World {
    /// Where the brokers listen, from number 1.
    fn addresses(&self) -> Vec<SocketAddr>;

    /// Changes a cluster of several brokers. Who needs it to be known waits for that.
    fn change(&self, change: &Change<'_>);

    /// Lets all brokers run again.
    fn restore(&self);
}

/// How often it is asked whether a new topic has its leaders, and how long in between.
const ASKS: u32 = 1_000;
const PAUSE: Duration = Duration::from_millis(10);

/// A case while it runs.
pub(crate) struct Session<'a> {
    world: &'a dyn World,
    /// By broker and number.
    connections: HashMap<(usize, u32), Connection>,
    current: (usize, u32),
    normal: Normal,
    lines: Vec<String>,
    /// What was placed on several brokers.
    partitions: Vec<(String, i32)>,
    /// Brokers that cannot be asked, and those of them that stand still.
    absent: BTreeSet<usize>,
    frozen: BTreeSet<usize>,
}

impl<'a> Session<'a> {
    pub(crate) fn new(world: &'a dyn World, prefix: String) -> Self {
        let ports = world.addresses().iter().map(SocketAddr::port).collect();
        let (ids, producers) = (HashMap::new(), vec![]);
        let normal = Normal { prefix, start: now(), ids, producers, ports };
        let (connections, lines, partitions) = (HashMap::new(), vec![], vec![]);
        let (absent, frozen) = (BTreeSet::new(), BTreeSet::new());
        Self { world, connections, current: (1, 1), normal, lines, partitions, absent, frozen }
    }

    /// What has happened.
    pub(crate) fn into_lines(self) -> Vec<String> {
        self.lines
    }

    /// Takes a moment that has just been for now: two sessions with one moment send the same bytes.
    pub(crate) fn began(&mut self, moment: i64) {
        self.normal.start = moment;
    }

    /// The time, in milliseconds.
    pub(crate) fn now(&self) -> i64 {
        self.normal.start
    }

    /// Goes on with another connection; it is opened when it is first used.
    pub(crate) fn connection(&mut self, number: u32) {
        self.current.1 = number;
        self.say(&format!("connection {number}"));
    }

    /// Closes the connection; it is opened again when it is used next.
    pub(crate) fn reconnect(&mut self) {
        self.connections.remove(&self.current);
        self.say("the connection is closed");
    }

    /// A line of its own.
    pub(crate) fn say(&mut self, line: &str) {
        let line = self.normal.line(line);
        self.lines.push(line);
    }

    fn open(&mut self) -> &mut Connection {
        let address = self.world.addresses()[self.current.0 - 1];
        self.connections
            .entry(self.current)
            .or_insert_with(|| Connection::open(address).expect("the broker accepts connections"))
    }

    /// Sends a request, waits for its answer and writes both down; null if there is none.
    pub(crate) fn call(&mut self, name: &str, version: i16, body: Value) -> Value {
        let id = self.send(name, version, body);
        self.receive(name, version, id)
    }

    /// Sends a request and writes it down. The answer is received later, or never comes.
    pub(crate) fn send(&mut self, name: &str, version: i16, body: Value) -> i32 {
        let shown = self.normal.shown(&body, false);
        let text = match &shown {
            Value::Struct(fields) if fields.is_empty() => String::new(),
            shown => format!(" {}", shown.line()),
        };
        self.say(&format!("> {name} v{version}{text}"));
        self.quietly(name, version, &body)
    }

    fn quietly(&mut self, name: &str, version: i16, body: &Value) -> i32 {
        let body = self.normal.outgoing(body);
        let ids = self.normal.ids.clone();
        let id_of = move |name: &str| ids.get(name).copied().unwrap_or_else(|| panic!("no topic {name}"));
        let connection = self.open();
        let id = connection.next;
        connection.next += 1;
        let frame = encode::request(api(name), version, id, &body, &id_of);
        connection.write(&frame);
        id
    }

    /// Waits for an answer and writes it down.
    pub(crate) fn receive(&mut self, name: &str, version: i16, id: i32) -> Value {
        let heard = self.open().read();
        self.heard(api(name), version, (id, heard))
    }

    fn heard(&mut self, api: &Api, version: i16, (id, heard): (i32, Heard)) -> Value {
        let frame = match heard {
            Heard::Frame(frame) => frame,
            Heard::Closed => {
                self.connections.remove(&self.current);
                self.say("< closed");
                return Value::Null;
            }
            Heard::Nothing => {
                self.connections.remove(&self.current);
                self.say("< no answer");
                return Value::Null;
            }
        };
        match decode::response(api, version, &frame) {
            Ok((known, answer)) => {
                if known != id {
                    self.say(&format!("< an answer to request {known}, not {id}"));
                }
                self.write_down(api, &answer);
                answer
            }
            Err(error) => {
                self.say(&format!("< not as the protocol says: {error}: {}", hex(&frame)));
                Value::Null
            }
        }
    }

    fn write_down(&mut self, api: &Api, answer: &Value) {
        self.normal.learn(answer);
        if ["InitProducerId", "EndTxn"].contains(&api.name.as_str())
            && let Value::ProducerId(id) = answer.get("producer_id")
        {
            self.normal.learn_producer(*id);
        }
        let sorted = !["Fetch", "FindCoordinator", "DescribeConfigs"].contains(&api.name.as_str());
        let mut lines = vec![];
        self.normal.shown(answer, sorted).lines(2, &mut lines);
        if let Some(first) = lines.first_mut() {
            first.replace_range(..2, "< ");
        }
        for line in lines {
            self.say(&line);
        }
    }

    /// Sends a frame as it is and writes down what comes back, read as an answer of that API and version.
    pub(crate) fn raw(&mut self, what: &str, frame: &[u8], as_of: (&str, i16)) {
        self.say(&format!("> {what}: {}", hex(frame)));
        let connection = self.open();
        connection.write(frame);
        let heard = connection.read();
        let id = frame.get(4..8).map_or(0, |id| i32::from_be_bytes(id.try_into().expect("four bytes")));
        self.heard(api(as_of.0), as_of.1, (id, heard));
    }

    /// Sends bytes without a length in front, and writes down whether the connection is closed.
    pub(crate) fn bytes(&mut self, what: &str, bytes: &[u8]) {
        self.say(&format!("> {what}: {}", hex(bytes)));
        let connection = self.open();
        connection.write_bytes(bytes);
        let heard = connection.read();
        self.heard(api("ApiVersions"), 0, (0, heard));
    }

    /// Creates a topic of two partitions and waits until all brokers know its leaders.
    pub(crate) fn topic(&mut self, name: &str, settings: &[(&str, &str)]) {
        self.topic_of(name, 2, settings);
    }

    /// Creates a topic and waits until its leaders serve it.
    pub(crate) fn topic_of(&mut self, name: &str, partitions: i32, settings: &[(&str, &str)]) {
        let text: Vec<_> = settings.iter().map(|(key, value)| format!(" {key}={value}")).collect();
        self.say(&format!("topic {name} of {partitions}{}", text.concat()));
        let configs: Vec<_> =
            settings.iter().map(|(key, value)| fields! { name: *key, value: *value }).collect();
        let topic = fields! { name: name, num_partitions: partitions, configs: configs };
        let answer = self.ask("CreateTopics", 7, &fields! { topics: vec![topic] });
        let row = &answer.get("topics").items()[0];
        assert_eq!(*row.get("error_code"), Value::Error(0), "{}", answer.line());
        self.led(name, partitions);
    }

    fn led(&mut self, name: &str, partitions: i32) {
        let rows: Vec<_> =
            (0..partitions).map(|index| fields! { partition_index: index, timestamp: -1_i64 }).collect();
        let request = fields! { topics: vec![fields! { name: name, partitions: rows }] };
        for _ in 0..ASKS {
            let answer = self.ask("ListOffsets", 5, &request);
            let rows = answer.get("topics").items()[0].get("partitions").items();
            let known = self.ask(
                "Metadata",
                12,
                &fields! { topics: vec![fields! { name: name }], allow_auto_topic_creation: false },
            );
            if rows.iter().all(|row| *row.get("error_code") == Value::Error(0))
                && *known.get("topics").items()[0].get("error_code") == Value::Error(0)
            {
                return;
            }
            sleep(PAUSE);
        }
        panic!("{name} gets no leaders");
    }

    /// Waits until a topic that was created by asking for it has its leaders.
    pub(crate) fn led_by_now(&mut self, name: &str, partitions: i32) {
        let request = fields! { topics: vec![fields! { name: name }], allow_auto_topic_creation: false };
        for _ in 0..ASKS {
            let answer = self.ask("Metadata", 12, &request);
            if *answer.get("topics").items()[0].get("error_code") == Value::Error(0) {
                return self.led(name, partitions);
            }
            sleep(PAUSE);
        }
        panic!("{name} is not created");
    }

    /// Waits until the coordinator of a transactional id can be asked.
    pub(crate) fn coordinator(&mut self, id: &str) {
        let request = fields! { key_type: 1_i8, key: id };
        for _ in 0..ASKS {
            if *self.ask("FindCoordinator", 3, &request).get("error_code") == Value::Error(0) {
                return;
            }
            sleep(PAUSE);
        }
    }

    /// Calls again while the end of the last transaction is still being written.
    pub(crate) fn patiently(&mut self, name: &str, version: i16, body: &Value) -> Value {
        const CONCURRENT_TRANSACTIONS: &str = "(51)";
        for _ in 0..ASKS {
            let before = self.lines.len();
            let answer = self.call(name, version, body.clone());
            if !self.lines[before + 1..].iter().any(|line| line.contains(CONCURRENT_TRANSACTIONS)) {
                return answer;
            }
            self.lines.truncate(before);
            sleep(PAUSE);
        }
        panic!("{name} stays concurrent");
    }

    /// Waits until no transaction is open in a partition.
    pub(crate) fn settled(&mut self, topic: &str, partition: i32) {
        let row = fields! { partition_index: partition, timestamp: -1_i64 };
        let topics = vec![fields! { name: topic, partitions: vec![row] }];
        let end = |k: &mut Self, isolation: i8| {
            let request = fields! { isolation_level: isolation, topics: topics.clone() };
            let answer = k.ask("ListOffsets", 6, &request);
            answer.get("topics").items()[0].get("partitions").items()[0].get("offset").int()
        };
        for _ in 0..ASKS {
            if end(self, 0) == end(self, 1) {
                return;
            }
            sleep(PAUSE);
        }
        panic!("a transaction stays open in {topic}[{partition}]");
    }

    /// Asks without writing it down.
    pub(crate) fn ask(&mut self, name: &str, version: i16, body: &Value) -> Value {
        let id = self.quietly(name, version, body);
        let Heard::Frame(frame) = self.open().read() else { panic!("no answer to {name}") };
        let (known, answer) = decode::response(api(name), version, &frame).expect("an answer");
        assert_eq!(known, id);
        self.normal.learn(&answer);
        answer
    }

    /// Produces to some partitions of one topic.
    pub(crate) fn produce(&mut self, version: i16, acks: i16, topic: &str, rows: Vec<(i32, Value)>) -> Value {
        self.produce_all(version, acks, vec![(topic, rows)])
    }

    /// Produces to some partitions of some topics.
    pub(crate) fn produce_all(
        &mut self,
        version: i16,
        acks: i16,
        topics: Vec<(&str, Vec<(i32, Value)>)>,
    ) -> Value {
        self.produce_body(version, acks, produce(version, acks, topics))
    }

    /// Sends a Produce request; where none is answered, it is found out whether the connection stays.
    pub(crate) fn produce_body(&mut self, version: i16, acks: i16, body: Value) -> Value {
        if acks != 0 {
            return self.call("Produce", version, body);
        }
        self.send("Produce", version, body);
        // The next request is answered when this one is done, unless it has closed the connection.
        let id = self.quietly("ApiVersions", 0, &fields! {});
        match self.open().read() {
            Heard::Frame(frame) => {
                let (known, _) = decode::response(api("ApiVersions"), 0, &frame).expect("an answer");
                assert_eq!(known, id, "an answer to acks=0");
                self.say("< nothing, and the connection stays");
            }
            heard @ (Heard::Closed | Heard::Nothing) => {
                self.connections.remove(&self.current);
                self.say(if matches!(heard, Heard::Closed) { "< closed" } else { "< no answer" });
            }
        }
        Value::Null
    }

    /// One batch to partition 0.
    pub(crate) fn one(&mut self, version: i16, acks: i16, topic: &str, records: impl Into<Value>) -> Value {
        self.produce(version, acks, topic, vec![(0, records.into())])
    }

    /// What stands in the first two partitions of a topic.
    pub(crate) fn log(&mut self, topic: &str) {
        self.log_of(topic, &[0, 1]);
    }

    /// What stands in some partitions of a topic.
    pub(crate) fn log_of(&mut self, topic: &str, partitions: &[i32]) {
        for partition in partitions {
            let row = fields! { partition: *partition, fetch_offset: 0, partition_max_bytes: 1 << 24 };
            let request = fields! { topics: vec![fields! { topic: topic, partitions: vec![row] }] };
            let answer = self.ask("Fetch", 12, &request);
            let row = answer.get("topics").items()[0].get("partitions").items()[0].clone();
            let Value::Struct(mut fields) = self.normal.shown(&row, false) else { panic!("a row") };
            fields.retain(|(name, _)| {
                ["error_code", "high_watermark", "last_stable_offset", "log_start_offset", "records"]
                    .contains(&name.as_str())
            });
            self.say(&format!("= {topic}[{partition}]"));
            let mut lines = vec![];
            Value::Struct(fields).lines(2, &mut lines);
            for line in lines {
                self.say(&line);
            }
        }
    }
}

/// The body of a Produce request. From version 13 on topics are named by their ids.
pub(crate) fn produce(version: i16, acks: i16, topics: Vec<(&str, Vec<(i32, Value)>)>) -> Value {
    let topics = topics.into_iter().map(|(topic, rows)| {
        let rows: Vec<_> =
            rows.into_iter().map(|(index, records)| fields! { index: index, records: records }).collect();
        if version >= 13 {
            fields! { topic_id: topic, partitions: rows }
        } else {
            fields! { name: topic, partitions: rows }
        }
    });
    fields! { acks: acks, topics: topics.collect::<Vec<_>>() }
}
