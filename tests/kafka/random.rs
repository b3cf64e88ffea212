//! Random sequences of requests: several producers, epochs, sequences, partitions, acks and connections, transactions and
//! their readers, batches that break rules, the same on both sides, shrunk to the fewest that differ. Without Java the
//! embedded broker is held against a model. `INFLIGHT_SEQUENCES` says how many are tried on both sides,
//! `PROPTEST_RNG_SEED` which.

mod odd;
mod transactional;

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use libtest_mimic::{Failed, Trial};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, prop_oneof};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use crate::embedded::Embedded;
use crate::normal::now;
use crate::session::{Session, World};
use crate::trial::Suite;
use crate::version::newest;
use crate::wire::{Batch, Value, batch, record};

/// Sequences that are tried on both sides, and on the model.
const WITH_KAFKA: u32 = 200;
const WITH_MODEL: u32 = 500;
const MAX: i32 = i32::MAX;
/// Batches of a producer that are remembered (`ProducerStateEntry.NUM_BATCHES_TO_RETAIN`).
const REMEMBERED: usize = 5;

/// One request.
#[derive(Clone, Debug)]
struct Step {
    connection: u32,
    version: i16,
    acks: i16,
    partition: i32,
    /// None writes without one.
    producer: Option<(i64, i16)>,
    sequence: i32,
    count: i32,
    codec: i16,
    spoilt: bool,
}

fn step() -> impl Strategy<Value = Step> {
    let producer = prop_oneof![
        1 => Just(None),
        6 => (4_000..4_002_i64, prop_oneof![4 => Just(0), 1 => 0..3_i16]).prop_map(Some),
    ];
    let sequence = prop_oneof![6 => 0..8, 1 => MAX - 3..=MAX];
    let acks = prop_oneof![2 => Just(1), 2 => Just(-1), 1 => Just(0)];
    let place = (1..3_u32, 3..13_i16, acks, 0..2_i32);
    let content = (1..4_i32, prop_oneof![3 => Just(0), 1 => 1..4_i16], proptest::bool::weighted(0.05));
    (place, producer, sequence, content).prop_map(|(place, producer, sequence, (count, codec, spoilt))| {
        let (connection, version, acks, partition) = place;
        Step { connection, version, acks, partition, producer, sequence, count, codec, spoilt }
    })
}

impl Step {
    fn batch(&self) -> Batch {
        let records = (0..self.count).map(|index| record(&index.to_string()).at(i64::from(index)));
        let mut batch = batch(records).codec(self.codec);
        if let Some((id, epoch)) = self.producer {
            batch = batch.producer(id, epoch, self.sequence);
        }
        if self.spoilt { batch.with("crc", 7) } else { batch }
    }
}

fn play(world: &dyn World, number: usize, steps: &[Step]) -> (Vec<String>, Vec<Value>) {
    let mut session = Session::new(world, format!("r{number:06}-"));
    session.topic("~t", &[]);
    let answers = steps.iter().map(|step| {
        session.connection(step.connection);
        session.produce(step.version, step.acks, "~t", vec![(step.partition, step.batch().into())])
    });
    let answers = answers.collect();
    session.log("~t");
    (session.into_lines(), answers)
}

pub(crate) fn trials(suite: &Arc<Suite>) -> Vec<Trial> {
    let kafka = |name: &str, test: fn(&Suite) -> Result<(), Failed>| {
        let suite = Arc::clone(suite);
        Trial::test(format!("kafka::random::{name}"), move || test(&suite)).with_ignored_flag(true)
    };
    vec![
        Trial::test("embedded::random::answers as the model", model),
        Trial::test("embedded::random::a mistake is found and shrunk", planted),
        kafka("the same answers on both sides", both),
        kafka("the same transactions on both sides", transactions),
        kafka("the same answers to odd requests on both sides", odd),
    ]
}

/// How many are tried on both sides.
fn with_kafka() -> u32 {
    let wanted = std::env::var("INFLIGHT_SEQUENCES").ok().and_then(|wanted| wanted.parse().ok());
    wanted.unwrap_or(WITH_KAFKA)
}

fn config(cases: u32) -> Config {
    Config { cases, failure_persistence: None, max_shrink_iters: 300, ..Config::default() }
}

fn run<T: Debug>(
    cases: u32,
    plays: impl Strategy<Value = T>,
    test: impl Fn(T) -> Result<(), TestCaseError>,
) -> Result<(), Failed> {
    TestRunner::new(config(cases)).run(&plays, test).map_err(|error| error.to_string().into())
}

/// Some of them, one after the other.
fn some<T: Debug>(step: impl Strategy<Value = T>) -> impl Strategy<Value = Vec<T>> {
    vec(step, 1..24)
}

fn embedded() -> Embedded {
    Embedded::start(newest().emulate, 1)
}

fn both(suite: &Suite) -> Result<(), Failed> {
    let apache = suite.apache(1)?;
    let number = AtomicUsize::new(0);
    run(with_kafka(), some(step()), |steps| {
        let number = number.fetch_add(1, Ordering::Relaxed);
        let (expected, _) = play(&*apache, number, &steps);
        let (answered, _) = play(&embedded(), number, &steps);
        crate::trial::compare(&expected, &answered).map_err(TestCaseError::fail)
    })
}

fn transactions(suite: &Suite) -> Result<(), Failed> {
    let apache = suite.apache(1)?;
    let number = AtomicUsize::new(0);
    run(with_kafka(), some(transactional::act()), |acts| {
        let number = number.fetch_add(1, Ordering::Relaxed);
        let expected = transactional::play(&*apache, number, &acts);
        let answered = transactional::play(&embedded(), number, &acts);
        crate::trial::compare(&expected, &answered).map_err(TestCaseError::fail)
    })
}

fn odd(suite: &Suite) -> Result<(), Failed> {
    let apache = suite.apache(1)?;
    let number = AtomicUsize::new(0);
    run(with_kafka(), odd::plays(), |plays| {
        let number = number.fetch_add(1, Ordering::Relaxed);
        let alike = (number, now());
        let expected = odd::play(&*apache, alike, &plays);
        let answered = odd::play(&embedded(), alike, &plays);
        crate::trial::compare(&expected, &answered).map_err(TestCaseError::fail)
    })
}

/// A broker that lets a fenced producer end a transaction is found out, by the fewest requests that show it: an id is
/// given out, perhaps twice and with a transaction begun between, and who asks has not its last epoch.
fn planted() -> Result<(), Failed> {
    // Always the same ones: some of those that show it cannot be shrunk any more.
    let always = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config(WITH_MODEL), always);
    let found = runner.run(&some(transactional::act()), |acts| {
        let expected = transactional::play(&embedded(), 0, &acts);
        let mut ending = false;
        let lie = |line: &String| {
            ending = if line.starts_with("> ") { line.starts_with("> EndTxn") } else { ending };
            if ending { line.replace("PRODUCER_FENCED(90)", "0") } else { line.clone() }
        };
        let answered: Vec<_> = expected.iter().map(lie).collect();
        crate::trial::compare(&expected, &answered).map_err(TestCaseError::fail)
    });
    match found {
        Err(TestError::Fail(_, acts)) if acts.len() <= 4 => Ok(()),
        other => Err(format!("not found, or not shrunk: {other:?}").into()),
    }
}

fn model() -> Result<(), Failed> {
    run(WITH_MODEL, some(step()), |steps| {
        let (_, answers) = play(&embedded(), 0, &steps);
        let mut model = Model::default();
        for (step, answer) in steps.iter().zip(answers) {
            let expected = model.answer(step);
            if step.acks == 0 {
                continue;
            }
            let row = &answer.get("topics").items()[0].get("partitions").items()[0];
            let got = (row.get("error_code").int(), row.get("base_offset").int());
            if got != expected {
                return Err(TestCaseError::fail(format!("{step:?}: {got:?}, the model says {expected:?}")));
            }
        }
        Ok(())
    })
}

/// What is known of a producer in a partition.
#[derive(Default)]
struct Known {
    epoch: i16,
    /// First and last sequence and the base offset of the last batches, the newest at the end.
    window: VecDeque<(i32, i32, i64)>,
}

/// The rules of idempotence, said once more.
#[derive(Default)]
struct Model {
    ends: [i64; 2],
    producers: BTreeMap<(i32, i64), Known>,
}

impl Model {
    /// Error code and base offset.
    fn answer(&mut self, step: &Step) -> (i64, i64) {
        let end = self.ends[step.partition as usize];
        if step.spoilt {
            return (2, -1);
        }
        if let Some((id, epoch)) = step.producer {
            let last = (i64::from(step.sequence) + i64::from(step.count) - 1) & i64::from(MAX);
            let batch = (step.sequence, last as i32);
            let key = (step.partition, id);
            if let Some(known) = self.producers.get(&key) {
                let twin = known.window.iter().find(|(first, last, _)| (*first, *last) == batch);
                if let (Some((.., base)), true) = (twin, known.epoch == epoch) {
                    return (0, *base);
                }
                let newest = known.window.back().map_or(-1, |(_, last, _)| *last);
                let next = if newest == MAX { 0 } else { newest + 1 };
                if epoch < known.epoch {
                    return (47, -1);
                }
                if step.sequence != (if epoch == known.epoch { next } else { 0 }) {
                    return (45, -1);
                }
            }
            let known = self.producers.entry(key).or_default();
            if known.epoch != epoch {
                *known = Known { epoch, window: VecDeque::new() };
            }
            known.window.push_back((batch.0, batch.1, end));
            if known.window.len() > REMEMBERED {
                known.window.pop_front();
            }
        }
        self.ends[step.partition as usize] += i64::from(step.count);
        (0, end)
    }
}
