//! Random transactions: producers that share an id and fence each other, partitions that are added or not, markers,
//! offsets of groups, readers of committed records, connections that are closed; requests of all versions, some of them
//! odd.

use std::collections::HashMap;
use std::thread::sleep;
use std::time::Duration;

use proptest::array::uniform3;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::{bool::weighted, option};

use crate::fields;
use crate::session::{Session, World, produce};
use crate::wire::{Batch, Value, batch, record};

/// The partitions; the last one is not there.
const PLACES: [(&str, i32); 4] = [("~t", 0), ("~t", 1), ("~u", 0), ("~t", 7)];
const IDS: [&str; 2] = ["~a", "~b"];
/// A producer that no id was ever given to.
const STRANGER: (i64, i16) = (7_000_000, 0);
const CONCURRENT_TRANSACTIONS: Value = Value::Error(51);
/// How often it is asked whether markers are written, and how long in between.
const ASKS: u32 = 1_000;
const PAUSE: Duration = Duration::from_millis(10);
const MAX: i32 = i32::MAX;
/// Records are a minute old, so that markers are younger and stand in the same segment.
const AGE: i64 = 60_000;

/// One request, or what becomes of a connection.
#[derive(Clone, Debug)]
pub(super) enum Act {
    Connection(u32),
    Reconnect,
    Init { id: usize, version: i16, carried: Option<Who>, timeout_ms: i32 },
    Add { who: Who, version: i16, places: Vec<usize>, verify_only: bool },
    Send { who: Who, version: i16, acks: i16, rows: [Option<Row>; 3], kind: Kind },
    End { who: Who, version: i16, committed: bool },
    AddGroup { who: Who, version: i16 },
    Commit { who: Who, version: i16, place: usize },
    Read { version: i16, committed: bool, place: usize, offset: i64, max_bytes: i32 },
    Ends { version: i16, isolation: i8, place: usize, timestamp: i64 },
}

/// A producer: the last that an id was given, or one before it, perhaps with another epoch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Who {
    id: usize,
    back: usize,
    epoch: i16,
}

/// A batch for one partition. Without a sequence it is the next.
#[derive(Clone, Debug)]
pub(super) struct Row {
    sequence: Option<i32>,
    count: i32,
    codec: i16,
}

/// How a request names its transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Right,
    Unnamed,
    OfAnother,
    /// With a name, but its batches belong to no transaction.
    Outside,
}

fn who() -> impl Strategy<Value = Who> {
    let id = prop_oneof![4 => Just(0_usize), 1 => Just(1)];
    let back = prop_oneof![6 => Just(0_usize), 1 => Just(1), 1 => Just(2)];
    let epoch = prop_oneof![12 => Just(0_i16), 1 => Just(-1), 1 => Just(1), 1 => Just(2)];
    (id, back, epoch).prop_map(|(id, back, epoch)| Who { id, back, epoch })
}

fn place() -> impl Strategy<Value = usize> {
    prop_oneof![12 => 0..3_usize, 1 => Just(3)]
}

fn row() -> impl Strategy<Value = Row> {
    let sequence = prop_oneof![
        8 => Just(None),
        2 => (0..4).prop_map(Some),
        1 => prop_oneof![Just(-1), Just(MAX)].prop_map(Some),
    ];
    let codec = prop_oneof![4 => Just(0), 1 => 1..5_i16];
    (sequence, 1..3, codec).prop_map(|(sequence, count, codec)| Row { sequence, count, codec })
}

fn send() -> impl Strategy<Value = Act> {
    let version = prop_oneof![2 => 3..12_i16, 3 => 12..14_i16];
    let acks = prop_oneof![8 => Just(-1), 1 => Just(1), 1 => Just(0), 1 => Just(2)];
    let rows = uniform3(option::weighted(0.4, row()));
    let kind = prop_oneof![
        12 => Just(Kind::Right),
        1 => Just(Kind::Unnamed),
        1 => Just(Kind::OfAnother),
        1 => Just(Kind::Outside),
    ];
    (who(), version, acks, rows, kind).prop_map(|(who, version, acks, rows, kind)| Act::Send {
        who,
        version,
        acks,
        rows,
        kind,
    })
}

pub(super) fn act() -> impl Strategy<Value = Act> {
    let timeout = prop_oneof![12 => Just(60_000), 1 => Just(0), 1 => Just(-1), 1 => Just(900_001)];
    let init = (0..2_usize, 0..6_i16, option::weighted(0.3, who()), timeout)
        .prop_map(|(id, version, carried, timeout_ms)| Act::Init { id, version, carried, timeout_ms });
    let add = (who(), 0..6_i16, vec(place(), 0..4), weighted(0.2))
        .prop_map(|(who, version, places, verify_only)| Act::Add { who, version, places, verify_only });
    let version = prop_oneof![1 => 0..5_i16, 1 => Just(5)];
    let end = (who(), version, any::<bool>()).prop_map(|(who, version, committed)| Act::End {
        who,
        version,
        committed,
    });
    let group = (who(), 0..5_i16).prop_map(|(who, version)| Act::AddGroup { who, version });
    let commit =
        (who(), 0..6_i16, place()).prop_map(|(who, version, place)| Act::Commit { who, version, place });
    let bytes = prop_oneof![3 => Just(1 << 20), 1 => 0..300];
    let read = (4..18_i16, any::<bool>(), place(), 0..9_i64, bytes).prop_map(
        |(version, committed, place, offset, max_bytes)| Act::Read {
            version,
            committed,
            place,
            offset,
            max_bytes,
        },
    );
    let isolation = prop_oneof![4 => 0..2_i8, 1 => Just(2)];
    let ends =
        (1..12_i16, isolation, place(), -7..2_i64).prop_map(|(version, isolation, place, timestamp)| {
            Act::Ends { version, isolation, place, timestamp }
        });
    prop_oneof![
        1 => (1..4_u32).prop_map(Act::Connection),
        1 => Just(Act::Reconnect),
        4 => init,
        4 => add,
        10 => send(),
        5 => end,
        1 => group,
        1 => commit,
        2 => read,
        1 => ends,
    ]
}

/// Plays them and reads everything.
pub(super) fn play(world: &dyn World, number: usize, acts: &[Act]) -> Vec<String> {
    let mut session = Session::new(world, format!("x{number:06}-"));
    session.topic("~t", &[]);
    session.topic_of("~u", 1, &[]);
    let mut player = Player { k: session, given: [vec![], vec![]], next: HashMap::new() };
    for act in acts {
        player.act(act);
    }
    let mut k = player.k;
    k.log("~t");
    k.log_of("~u", &[0]);
    for place in 0..3 {
        read(&mut k, (12, 1), place, (0, 1 << 20));
    }
    k.into_lines()
}

/// What an act refers to.
struct Player<'a> {
    k: Session<'a>,
    /// The producers that each id was given, the newest at the end.
    given: [Vec<(i64, i16)>; 2],
    /// The next sequence of a producer with that epoch, in a place.
    next: HashMap<(i64, i16, usize), i32>,
}

impl Player<'_> {
    fn act(&mut self, act: &Act) {
        match act {
            Act::Connection(number) => self.k.connection(*number),
            Act::Reconnect => self.k.reconnect(),
            Act::Init { id, version, carried, timeout_ms } => {
                let carried = carried.map_or((-1, -1), |who| self.producer(Who { id: *id, ..who }));
                let request = fields! {
                    transactional_id: IDS[*id], transaction_timeout_ms: *timeout_ms,
                    producer_id: carried.0, producer_epoch: carried.1,
                };
                let answer = self.k.call("InitProducerId", *version, request);
                self.given(*id, &answer);
            }
            Act::Add { who, version, places, verify_only } => self.add(*who, *version, places, *verify_only),
            Act::Send { who, version, acks, rows, kind } => self.send(*who, (*version, *acks), rows, *kind),
            Act::End { who, version, committed } => {
                let (id, epoch) = self.producer(*who);
                let request = fields! {
                    transactional_id: IDS[who.id], producer_id: id, producer_epoch: epoch, committed: *committed,
                };
                let answer = self.k.call("EndTxn", *version, request);
                self.given(who.id, &answer);
            }
            Act::AddGroup { who, version } => {
                let (id, epoch) = self.producer(*who);
                let request = fields! {
                    transactional_id: IDS[who.id], producer_id: id, producer_epoch: epoch, group_id: "~g",
                };
                self.k.call("AddOffsetsToTxn", *version, request);
            }
            Act::Commit { who, version, place } => {
                let (id, epoch) = self.producer(*who);
                let (topic, index) = PLACES[*place];
                let row = fields! { partition_index: index, committed_offset: 1_i64, committed_metadata: "" };
                let request = fields! {
                    transactional_id: IDS[who.id], group_id: "~g", producer_id: id, producer_epoch: epoch,
                    topics: vec![fields! { name: topic, partitions: vec![row] }],
                };
                self.k.call("TxnOffsetCommit", *version, request);
            }
            Act::Read { version, committed, place, offset, max_bytes } => {
                read(&mut self.k, (*version, i8::from(*committed)), *place, (*offset, *max_bytes));
            }
            Act::Ends { version, isolation, place, timestamp } => {
                let (topic, index) = PLACES[*place];
                let row = fields! { partition_index: index, timestamp: *timestamp };
                let topics = vec![fields! { name: topic, partitions: vec![row] }];
                self.k.call("ListOffsets", *version, fields! { isolation_level: *isolation, topics: topics });
            }
        }
    }

    fn producer(&self, who: Who) -> (i64, i16) {
        let given = &self.given[who.id];
        let (id, epoch) = given.iter().rev().nth(who.back).copied().unwrap_or(STRANGER);
        (id, epoch.wrapping_add(who.epoch))
    }

    /// Learns who an id was given, and waits until markers are written, which Apache Kafka does behind its answer.
    fn given(&mut self, id: usize, answer: &Value) {
        let producer = (answer.get("producer_id").int(), answer.get("producer_epoch").int() as i16);
        if producer.0 >= 0 && self.given[id].last() != Some(&producer) {
            self.given[id].push(producer);
        }
        if self.given[id].is_empty() {
            return;
        }
        // It changes nothing: nobody has that producer id.
        let request = fields! {
            transactional_id: IDS[id], transaction_timeout_ms: 60_000,
            producer_id: 987_654_321_i64, producer_epoch: 0_i16,
        };
        for _ in 0..ASKS {
            if *self.k.ask("InitProducerId", 5, &request).get("error_code") != CONCURRENT_TRANSACTIONS {
                return;
            }
            sleep(PAUSE);
        }
        self.k.say("its markers are not written");
    }

    fn add(&mut self, who: Who, version: i16, places: &[usize], verify_only: bool) {
        let (id, epoch) = self.producer(who);
        let topics: Vec<_> = ["~t", "~u"]
            .into_iter()
            .filter_map(|topic| {
                let own = places.iter().map(|place| PLACES[*place]).filter(|place| place.0 == topic);
                let partitions: Vec<_> = own.map(|place| place.1).collect();
                (!partitions.is_empty()).then(|| fields! { name: topic, partitions: partitions })
            })
            .collect();
        let request = if version < 4 {
            fields! { transactional_id: IDS[who.id], producer_id: id, producer_epoch: epoch, topics: topics }
        } else {
            let transaction = fields! {
                transactional_id: IDS[who.id], producer_id: id, producer_epoch: epoch,
                verify_only: verify_only, topics: topics,
            };
            fields! { transactions: vec![transaction] }
        };
        self.k.call("AddPartitionsToTxn", version, request);
    }

    fn send(&mut self, who: Who, (version, acks): (i16, i16), rows: &[Option<Row>; 3], kind: Kind) {
        let (id, epoch) = self.producer(who);
        let time = self.k.now() - AGE;
        let mut sent = vec![];
        let mut topics: Vec<(&str, Vec<(i32, Value)>)> = vec![];
        for (place, row) in rows.iter().enumerate() {
            let Some(row) = row else { continue };
            let next = self.next.get(&(id, epoch, place)).copied().unwrap_or(0);
            let sequence = row.sequence.unwrap_or(next);
            sent.push((place, sequence.wrapping_add(row.count)));
            let (topic, index) = PLACES[place];
            let batch = content(row, time).producer(id, epoch, sequence);
            let batch = if kind == Kind::Outside { batch } else { batch.transactional() };
            let known = topics.iter().position(|(known, _)| *known == topic);
            let known = known.unwrap_or_else(|| {
                topics.push((topic, vec![]));
                topics.len() - 1
            });
            topics[known].1.push((index, batch.into()));
        }
        let name = match kind {
            Kind::Right | Kind::Outside => Some(IDS[who.id]),
            Kind::OfAnother => Some(IDS[1 - who.id]),
            Kind::Unnamed => None,
        };
        let Value::Struct(mut body) = produce(version, acks, topics) else { return };
        if let Some(name) = name {
            body.push(("transactional_id".to_owned(), Value::from(name)));
        }
        let answer = self.k.produce_body(version, acks, Value::Struct(body));
        for (place, next) in sent {
            if acks == 0 || succeeded(&answer, PLACES[place]) {
                let known = self.next.entry((id, epoch, place)).or_default();
                *known = next.max(*known);
            }
        }
    }
}

fn content(row: &Row, time: i64) -> Batch {
    let records = (0..row.count).map(|index| record(&index.to_string()).at(time + i64::from(index)));
    batch(records).codec(row.codec)
}

/// Whether the row of a partition tells of no error. Rows are told apart by their numbers alone where topics have ids.
fn succeeded(answer: &Value, (topic, index): (&str, i32)) -> bool {
    let own =
        |row: &&Value| row.get("name").text().is_empty() || row.get("name").text().ends_with(&topic[1..]);
    let rows = answer.get("topics").items().iter().filter(own);
    let mut rows = rows.flat_map(|row| row.get("partitions").items());
    rows.any(|row| row.get("index").int() == i64::from(index) && *row.get("error_code") == Value::Error(0))
}

fn read(k: &mut Session<'_>, (version, isolation): (i16, i8), place: usize, (offset, max_bytes): (i64, i32)) {
    let (topic, index) = PLACES[place];
    let row = fields! { partition: index, fetch_offset: offset, partition_max_bytes: max_bytes };
    let topic = if version >= 13 {
        fields! { topic_id: topic, partitions: vec![row] }
    } else {
        fields! { topic: topic, partitions: vec![row] }
    };
    k.call("Fetch", version, fields! { isolation_level: isolation, topics: vec![topic] });
}
