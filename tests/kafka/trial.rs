//! Every case as a test of its own on either side.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use libtest_mimic::{Failed, Trial};
use similar::TextDiff;

use crate::apache::Apache;
use crate::cases::{self, Case};
use crate::embedded::Embedded;
use crate::recorded;
use crate::session::{Session, World};
use crate::version::{VERSIONS, Version, newest};

/// How the reasons of those begin that are still to be mended; such a case may agree by now.
const OPEN: &str = "open";

/// Lines by version, theme and case.
type Answers = BTreeMap<(&'static str, &'static str), BTreeMap<String, Vec<String>>>;
/// By version and number of brokers.
type Started = BTreeMap<(&'static str, u16), Result<Arc<Apache>, String>>;

/// All cases, and the Apache Kafkas that they share.
pub(crate) struct Suite {
    cases: Vec<Arc<Case>>,
    started: Mutex<Started>,
    /// What was answered, if it is to be recorded.
    answers: Option<Mutex<Answers>>,
}

impl Suite {
    pub(crate) fn new(record: bool) -> Self {
        let cases = cases::all().into_iter().map(Arc::new).collect();
        Self { cases, started: Mutex::default(), answers: record.then(Mutex::default) }
    }

    /// The tests of both sides. Those that need Java are ignored unless they are asked for.
    pub(crate) fn trials(self: &Arc<Self>) -> Vec<Trial> {
        let mut trials = vec![];
        for version in &VERSIONS {
            for (number, case) in self.cases.iter().enumerate() {
                if case.is_new && version.name != newest().name {
                    continue;
                }
                let name = format!("{}::{}::{}", version.name, case.theme, case.name);
                let of_embedded = Arc::clone(case);
                let embedded = move || embedded(version, number, &of_embedded);
                trials.push(Trial::test(format!("embedded::{name}"), embedded));
                // Three processes more and four minutes: what an older release said of them is recorded, and believed.
                let is_believed = case.brokers > 1 && version.name != newest().name;
                if is_believed && self.answers.is_none() {
                    continue;
                }
                let (suite, case) = (Arc::clone(self), Arc::clone(case));
                let kafka = move || suite.kafka(version, number, &case);
                trials.push(Trial::test(format!("kafka::{name}"), kafka).with_ignored_flag(true));
            }
        }
        trials.push(Trial::test("every difference belongs to a case", {
            let suite = Arc::clone(self);
            move || suite.differences()
        }));
        trials
    }

    fn differences(&self) -> Result<(), Failed> {
        for (name, _) in VERSIONS.iter().flat_map(Version::differences) {
            if !self.cases.iter().any(|case| format!("{}::{}", case.theme, case.name) == name) {
                return Err(format!("there is no case {name}").into());
            }
        }
        Ok(())
    }

    fn kafka(&self, version: &'static Version, number: usize, case: &Case) -> Result<(), Failed> {
        let apache = self.apache_of(version, case.brokers)?;
        let alone = (case.brokers > 1).then(|| apache.alone());
        let lines = play(number, case, &*apache)?;
        drop(alone);
        if let Some(answers) = &self.answers {
            let mut answers = answers.lock().expect("nobody panics with it");
            answers.entry((version.name, case.theme)).or_default().insert(case.name.clone(), lines);
            return Ok(());
        }
        compare(&expected(version, case)?, &lines).map_err(Failed::from)
    }

    /// The newest Apache Kafka, of so many brokers.
    pub(crate) fn apache(&self, brokers: u16) -> Result<Arc<Apache>, Failed> {
        self.apache_of(newest(), brokers)
    }

    /// Started by the first case that needs it.
    fn apache_of(&self, version: &'static Version, brokers: u16) -> Result<Arc<Apache>, Failed> {
        let mut started = self.started.lock().expect("nobody panics with it");
        let apache = started
            .entry((version.name, brokers))
            .or_insert_with(|| Apache::start(version.name, brokers).map(Arc::new));
        apache.clone().map_err(Failed::from)
    }

    /// Ends Apache Kafka and writes the record.
    pub(crate) fn finish(&self) {
        self.started.lock().expect("nobody panics with it").clear();
        let Some(answers) = &self.answers else { return };
        for ((version, theme), answers) in answers.lock().expect("nobody panics with it").iter() {
            let of_theme =
                |case: &&Arc<Case>| case.theme == *theme && (!case.is_new || *version == newest().name);
            let names: Vec<_> = self.cases.iter().filter(of_theme).map(|case| case.name.clone()).collect();
            let mut recorded = recorded::read(version, theme);
            recorded.extend(answers.clone());
            recorded::write(version, theme, &names, &recorded);
        }
    }
}

fn embedded(version: &Version, number: usize, case: &Case) -> Result<(), Failed> {
    let lines = play(number, case, &Embedded::start(version.emulate, case.brokers.into()))?;
    let name = format!("{}::{}", case.theme, case.name);
    let known = version.differences().find(|(known, _)| *known == name).map(|(_, reason)| reason);
    let strict = std::env::var_os("INFLIGHT_STRICT").is_some();
    let is_open = known.is_some_and(|reason| reason.starts_with(OPEN));
    match compare(&expected(version, case)?, &lines) {
        Ok(()) if known.is_some() && !is_open => {
            Err("answers as Apache Kafka does: take it from `differences`".into())
        }
        Err(difference) if known.is_none() || is_open && strict => Err(difference.into()),
        _ => Ok(()),
    }
}

fn expected(version: &Version, case: &Case) -> Result<Vec<String>, Failed> {
    let mut recorded = recorded::read(version.name, case.theme);
    let none = || "no answer is recorded: INFLIGHT_RECORD=1 cargo test --test kafka -- --ignored".to_owned();
    Ok(recorded.remove(&case.name).ok_or_else(none)?)
}

fn play(number: usize, case: &Case, world: &dyn World) -> Result<Vec<String>, Failed> {
    let mut session = Session::new(world, format!("k{number:04}-"));
    let played = catch_unwind(AssertUnwindSafe(|| (case.play)(&mut session)));
    let lines = session.into_lines();
    world.restore();
    match played {
        Ok(()) => Ok(lines),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked");
            Err(format!("{}\n{text}", lines.join("\n")).into())
        }
    }
}

/// The difference of two sides, line by line.
pub(crate) fn compare(expected: &[String], lines: &[String]) -> Result<(), String> {
    if expected == lines {
        return Ok(());
    }
    let (expected, lines) = (expected.join("\n") + "\n", lines.join("\n") + "\n");
    let diff = TextDiff::from_lines(&expected, &lines);
    Err(diff.unified_diff().context_radius(3).header("recorded", "answered").to_string())
}
