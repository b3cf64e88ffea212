//! Random requests that break rules, in every way and several at once: batches that lie, rows that meet twice, topics
//! that are not there, settings that refuse or rewrite; and what the log says afterwards.

mod content;
mod packing;

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, prop_oneof};
use proptest::sample::select;

use crate::fields;
use crate::session::{Session, World, produce};
use crate::wire::Value;
use content::{Content, Time, content, time};

/// Settings of topics: each has its own checks, or writes batches anew.
const SETTINGS: [&[(&str, &str)]; 14] = [
    &[],
    &[("cleanup.policy", "compact")],
    &[("message.timestamp.type", "LogAppendTime")],
    &[("cleanup.policy", "compact,delete"), ("message.timestamp.type", "LogAppendTime")],
    &[("max.message.bytes", "120")],
    &[("compression.type", "uncompressed")],
    &[("compression.type", "gzip")],
    &[("compression.type", "snappy"), ("message.timestamp.type", "LogAppendTime")],
    &[("compression.type", "lz4"), ("cleanup.policy", "compact")],
    &[("compression.type", "zstd")],
    &[("message.timestamp.before.max.ms", "600000"), ("message.timestamp.after.max.ms", "600000")],
    &[("segment.ms", "1000")],
    &[("index.interval.bytes", "0")],
    &[("compression.type", "uncompressed"), ("max.message.bytes", "120")],
];
/// Internal topics are not among them: whether they are there is a matter of what a broker has been asked before.
const TOPICS: [&str; 3] = ["~t", "~u", "~none"];
/// The first version that names topics by id.
const BY_ID: i16 = 13;
const NO_ID: &str = "00000000-0000-0000-0000-000000000005";
/// Asks for the record with the highest time.
const NEWEST: i64 = -3;
/// Longer than any log becomes.
const READS: u32 = 60;

/// The topics and the requests.
#[derive(Clone, Debug)]
pub(super) struct Play {
    settings: [usize; 2],
    acts: Vec<Act>,
}

#[derive(Clone, Debug)]
enum Act {
    Send(Send),
    Read { version: i16, place: (usize, i32), offset: i64, max_bytes: i32, min_bytes: i32, isolation: i8 },
    Ends { version: i16, place: (usize, i32), time: Time, isolation: i8 },
}

#[derive(Clone, Debug)]
struct Send {
    version: i16,
    acks: i16,
    timeout_ms: i32,
    /// With the name of a transaction that nobody has begun.
    named: bool,
    rows: Vec<((usize, i32), Content)>,
}

fn place() -> impl Strategy<Value = (usize, i32)> {
    prop_oneof![
        20 => (0..2_usize, 0..2_i32),
        1 => (0..3_usize, select(vec![0, 1, 2, -1, i32::MAX])),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    let acks = prop_oneof![6 => Just(1_i16), 3 => Just(-1), 1 => Just(0), 1 => select(vec![2, -2, i16::MAX])];
    let timeout = prop_oneof![6 => Just(30_000), 1 => select(vec![0, -1, i32::MIN])];
    let rows = prop_oneof![4 => vec((place(), content()), 1), 1 => vec((place(), content()), 0..5)];
    let version = prop_oneof![1 => Just(9_i16), 2 => 3..14_i16];
    let send = (version, acks, timeout, proptest::bool::weighted(0.06), rows).prop_map(
        |(version, acks, timeout_ms, named, rows)| Act::Send(Send { version, acks, timeout_ms, named, rows }),
    );
    let bytes = || prop_oneof![3 => Just(1 << 20), 1 => 0..300_i32];
    let offset = prop_oneof![8 => 0..9_i64, 1 => select(vec![-1, -2, 100, i64::MAX, i64::MIN])];
    let isolation = || prop_oneof![8 => Just(0_i8), 2 => Just(1), 1 => Just(2)];
    let read = (4..19_i16, place(), offset, (bytes(), bytes()), isolation()).prop_map(
        |(version, place, offset, (max_bytes, min_bytes), isolation)| Act::Read {
            version,
            place,
            offset,
            max_bytes,
            min_bytes,
            isolation,
        },
    );
    let times =
        prop_oneof![2 => (select(vec![-1, -2, -4, -5, -6, -7, 0, 1])).prop_map(Time::Plain), 3 => time()];
    let ends = (1..12_i16, place(), times, isolation())
        .prop_map(|(version, place, time, isolation)| Act::Ends { version, place, time, isolation });
    prop_oneof![8 => send, 1 => read, 1 => ends]
}

pub(super) fn plays() -> impl Strategy<Value = Play> {
    let settings = || prop_oneof![2 => Just(0), 3 => 0..SETTINGS.len()];
    (settings(), settings(), vec(act(), 1..20))
        .prop_map(|(first, second, acts)| Play { settings: [first, second], acts })
}

impl Play {
    /// Which batch came in the same millisecond as another is up to the clock.
    fn is_stamped(&self, topic: usize) -> bool {
        let settings = self.settings.get(topic).map(|settings| SETTINGS[*settings]);
        settings.is_some_and(|settings| settings.contains(&("message.timestamp.type", "LogAppendTime")))
    }
}

/// Plays it and reads everything. The moment is that from which times are told: how well they can be compressed decides
/// what a topic takes.
pub(super) fn play(world: &dyn World, (number, moment): (usize, i64), play: &Play) -> Vec<String> {
    let mut k = Session::new(world, format!("o{number:06}-"));
    k.began(moment);
    for (topic, settings) in TOPICS.into_iter().zip(play.settings) {
        k.topic(topic, SETTINGS[settings]);
    }
    // The topic of groups is there when somebody has asked for one.
    k.ask("FindCoordinator", 3, &fields! { key_type: 0_i8, key: "~g" });
    for act in &play.acts {
        match act {
            Act::Send(send) => send.play(&mut k),
            Act::Read { version, place, offset, max_bytes, min_bytes, isolation } => {
                read(&mut k, (*version, *isolation), *place, (*offset, *max_bytes, *min_bytes));
            }
            Act::Ends { version, place, time, isolation } => {
                let time = time.of(k.now());
                if time == NEWEST && play.is_stamped(place.0) {
                    continue;
                }
                ends(&mut k, (*version, *isolation), *place, time);
            }
        }
    }
    for place in [(0_usize, 0), (0, 1), (1, 0), (1, 1)] {
        everything(&mut k, place);
        for time in
            [-1, -2, NEWEST, -4, 0, 4].into_iter().filter(|time| *time != NEWEST || !play.is_stamped(place.0))
        {
            ends(&mut k, (7, 0), place, time);
        }
    }
    k.into_lines()
}

impl Send {
    fn play(&self, k: &mut Session<'_>) {
        let mut topics: Vec<(&str, Vec<(i32, Value)>)> = vec![];
        for ((topic, partition), content) in &self.rows {
            let name = named(self.version, *topic);
            let records = content.value(k.now());
            match topics.last_mut() {
                Some((last, rows)) if *last == name => rows.push((*partition, records)),
                _ => topics.push((name, vec![(*partition, records)])),
            }
        }
        let Value::Struct(mut body) = produce(self.version, self.acks, topics) else { return };
        body.push(("timeout_ms".to_owned(), self.timeout_ms.into()));
        if self.named {
            body.push(("transactional_id".to_owned(), "~x".into()));
        }
        k.produce_body(self.version, self.acks, Value::Struct(body));
    }
}

/// The topic as that version names it.
fn named(version: i16, topic: usize) -> &'static str {
    if version >= BY_ID && topic >= 2 { NO_ID } else { TOPICS[topic] }
}

fn read(
    k: &mut Session<'_>,
    (version, isolation): (i16, i8),
    (topic, partition): (usize, i32),
    (offset, max_bytes, min_bytes): (i64, i32, i32),
) -> Value {
    let row = fields! { partition: partition, fetch_offset: offset, partition_max_bytes: max_bytes };
    let name = named(version, topic.min(2));
    let topic = if version >= BY_ID {
        fields! { topic_id: name, partitions: vec![row] }
    } else {
        fields! { topic: name, partitions: vec![row] }
    };
    let request = fields! { isolation_level: isolation, min_bytes: min_bytes, topics: vec![topic] };
    k.call("Fetch", version, request)
}

fn ends(k: &mut Session<'_>, (version, isolation): (i16, i8), (topic, partition): (usize, i32), time: i64) {
    let row = fields! { partition_index: partition, timestamp: time };
    let topics = vec![fields! { name: TOPICS[topic.min(2)], partitions: vec![row] }];
    k.call("ListOffsets", version, fields! { isolation_level: isolation, topics: topics });
}

/// Reads a partition to its end, segment by segment.
fn everything(k: &mut Session<'_>, place: (usize, i32)) {
    let mut offset = 0;
    for _ in 0..READS {
        let answer = read(k, (12, 0), place, (offset, 1 << 20, 0));
        let Some(row) =
            answer.get("topics").items().first().and_then(|topic| topic.get("partitions").items().first())
        else {
            return;
        };
        let Some(last) = row.get("records").items().last() else { return };
        offset =
            last.get("base_offset").int().wrapping_add(last.get("last_offset_delta").int()).wrapping_add(1);
        if offset >= row.get("high_watermark").int() {
            return;
        }
    }
    k.say("there is more");
}
