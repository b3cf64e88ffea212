//! Makes a plan of a scenario: defaults explicit, names resolved, templates compiled; and finds every mistake that
//! needs more than one field to be seen.

mod expect;
mod faults;
mod messages;
mod producers;
mod steps;
mod topics;
mod warnings;

pub use producers::refusal;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use crate::diagnostic::{Code, Diagnostic};
use crate::fault::Rule;
use crate::scenario::model::{self, Scenario, SnapshotOrder, Tag};
use crate::scenario::{Callbacks, Emulate, Field, OnTimeout, QueueFull, Start};
use crate::source::{Source, Span};

use super::plan::{Batch, Mode, Order, Plan, Producer, Reaction, Settings, Snapshot, Step, Topic};
use super::template::Template;

/// How long `ack_wait` is where a scenario says nothing.
const ACK_WAIT: Duration = Duration::from_secs(10);
/// The deadline of a scenario that names none.
const DEADLINE: Duration = Duration::from_mins(1);
/// The lines of a snapshot whose scenario says nothing.
const MAX_LINES: u32 = 400;

/// The longest name of a scenario, in characters.
const MAX_NAME: usize = 200;

/// What a plan depends on besides its scenario.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// The name of a scenario that names itself not: its path without ending.
    pub name: &'a str,
    /// Client settings of the command line, for every producer; they win over the scenario's own.
    pub settings: &'a [(String, String)],
}

/// What became of a scenario.
#[derive(Debug)]
pub struct Compiled {
    /// The plan; none exactly where there are mistakes.
    pub plan: Option<Plan>,
    /// What broker and client are to be asked about.
    pub settings: Settings,
    /// What is wrong; or, where nothing is, what cannot be deterministic.
    pub diagnostics: Vec<Diagnostic>,
}

/// Makes a plan of a scenario.
pub fn compile(source: &Arc<Source>, scenario: &Scenario, options: Options<'_>) -> Compiled {
    let mut compiler = Compiler::new(source, scenario, options);
    compiler.name();
    compiler.topics();
    compiler.producers();
    compiler.name_faults();
    compiler.steps();
    compiler.reactions();
    compiler.faults();
    let expect = compiler.expect();
    let settings = Settings {
        source: Arc::clone(source),
        combination: scenario.combination.clone(),
        emulate: compiler.emulate(),
        topics: compiler.topics.clone(),
        producers: compiler.producers.clone(),
    };
    if !compiler.found.is_empty() {
        return Compiled { plan: None, settings, diagnostics: compiler.found };
    }
    compiler.tag();
    if !compiler.found.is_empty() {
        return Compiled { plan: None, settings, diagnostics: compiler.found };
    }
    compiler.tag_what_is_sent_again();
    compiler.warnings();
    Compiled { plan: Some(compiler.plan(expect)), settings, diagnostics: compiler.found }
}

/// A reaction that resends, before the messages are known that it names.
struct Resends {
    /// On outcomes of these; none: of all.
    ranges: Option<Vec<model::Range>>,
    /// At most so often.
    times: u64,
}

/// A plan in the making.
struct Compiler<'a> {
    source: &'a Arc<Source>,
    scenario: &'a Scenario,
    options: Options<'a>,
    found: Vec<Diagnostic>,
    reported: HashSet<(Option<Span>, String)>,
    topics: Vec<Topic>,
    producers: Vec<Producer>,
    batches: Vec<Batch>,
    steps: Vec<Step>,
    /// The names of the faults, in the order of the file.
    fault_names: Vec<Arc<str>>,
    faults: Vec<Rule>,
    /// How often each message is submitted after its first time, for those that are.
    again: BTreeMap<u32, u16>,
    reactions: Vec<Reaction>,
    /// Those that resend, known before the reactions are.
    resends: Vec<Resends>,
    /// For how many messages that reactions send there is room, behind those of the steps.
    spare: u32,
    /// How many messages the scenario has, where every count is right.
    messages: Option<u32>,
    /// Templates by their text; none for one that is wrong and has been reported.
    templates: HashMap<String, Option<Template>>,
    /// What trying templates out may still cost, in units of fuel.
    fuel: u64,
}

impl<'a> Compiler<'a> {
    fn new(source: &'a Arc<Source>, scenario: &'a Scenario, options: Options<'a>) -> Self {
        Self {
            source,
            scenario,
            options,
            found: Vec::new(),
            reported: HashSet::new(),
            topics: Vec::new(),
            producers: Vec::new(),
            batches: Vec::new(),
            steps: Vec::new(),
            fault_names: Vec::new(),
            faults: Vec::new(),
            again: BTreeMap::new(),
            reactions: Vec::new(),
            resends: Vec::new(),
            spare: 0,
            messages: None,
            templates: HashMap::new(),
            // All combinations of a file share it.
            fuel: (messages::TRY_OUT / scenario.combinations.max(1) as u64).max(1),
        }
    }

    /// A mistake at a place; it is recorded when it is pushed.
    fn mistake(&self, code: Code, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(code, self.source, span, message)
    }

    /// Records a mistake; one that several sends share is recorded once.
    fn report(&mut self, mistake: Diagnostic) {
        let place = mistake.labels.first().map(|label| label.span);
        if self.reported.insert((place, mistake.message.clone())) {
            self.found.push(mistake);
        }
    }

    /// The place of what is missing in the whole file: its first line that says something.
    fn top(&self) -> Span {
        let mut at = 0;
        for line in self.source.text().split_inclusive('\n') {
            let said = line.trim();
            if !said.is_empty() && !said.starts_with('#') && said != "---" {
                return self.source.span_of_bytes(at..at + line.trim_end().len());
            }
            at += line.len();
        }
        self.source.span_of_bytes(0..0)
    }

    /// Gives messages the runner's own header, where they need it or are to have it.
    fn tag(&mut self) {
        super::identity::tag(&mut self.batches);
        let written = self.scenario.tag.get();
        match written.map(|tag| tag.value) {
            None | Some(Tag::Auto) => {}
            Some(Tag::Always) => self.batches.iter_mut().for_each(|batch| batch.message.tagged = true),
            Some(Tag::Never) => {
                if let Some(alike) = self.batches.iter().find(|batch| batch.tagged()).map(|batch| batch.span)
                {
                    let message = "key and value do not tell these messages from others of their topic";
                    let mistake = self.mistake(Code::Alike, alike, message);
                    let place = written.map_or(alike, |tag| tag.span);
                    self.report(
                        mistake
                            .and(place, "no header is to do it")
                            .help("write {{ i }} into the key or the value"),
                    );
                }
            }
        }
    }

    /// A name is one line that people can read.
    fn name(&mut self) {
        let Some(name) = self.scenario.name.get() else { return };
        let text = &name.value.0;
        let blank =
            text.trim().is_empty() || text.chars().count() > MAX_NAME || text.chars().any(char::is_control);
        if blank {
            let mistake = self.mistake(Code::Name, name.span, "this is no name for a scenario");
            self.report(mistake.help(format!("a name is one line of 1 to {MAX_NAME} characters")));
        }
    }

    fn ack_wait(&self) -> Duration {
        self.scenario.ack_wait.value().map_or(ACK_WAIT, |duration| duration.0)
    }

    fn emulate(&self) -> Emulate {
        self.scenario.emulate.value().copied().unwrap_or_default()
    }

    fn plan(&mut self, expect: super::expect::Expect) -> Plan {
        let scenario = self.scenario;
        let text = |field: &Field<model::Text>| field.value().map(|text| text.0.clone());
        let tags = scenario.tags.value().map(Vec::as_slice).unwrap_or_default();
        Plan {
            source: Arc::clone(self.source),
            combination: scenario.combination.clone(),
            name: text(&scenario.name).unwrap_or_else(|| self.options.name.to_owned()),
            description: text(&scenario.description),
            tags: tags.iter().filter_map(text).collect(),
            seed: scenario.seed.value().map_or(0, |seed| seed.0),
            brokers: self.brokers(),
            emulate: self.emulate(),
            topics: std::mem::take(&mut self.topics),
            producers: std::mem::take(&mut self.producers),
            snapshot: self.snapshot(),
            batches: std::mem::take(&mut self.batches),
            steps: std::mem::take(&mut self.steps),
            reactions: std::mem::take(&mut self.reactions),
            faults: std::mem::take(&mut self.faults),
            allow_impossible: self.allows_impossible(),
            ack_wait: self.ack_wait(),
            deadline: scenario.deadline.value().map_or(DEADLINE, |deadline| deadline.0),
            on_timeout: scenario.on_timeout.value().copied().unwrap_or(OnTimeout::Stop),
            queue_full: scenario.queue_full.value().copied().unwrap_or(QueueFull::Wait),
            start: scenario.start.value().copied().unwrap_or(Start::Warm),
            callbacks: self.callbacks(),
            expect,
        }
    }

    fn callbacks(&self) -> Callbacks {
        self.scenario.callbacks.value().copied().unwrap_or(Callbacks::Background)
    }

    /// Whether every send waits for its acknowledgement, one after the other.
    fn all_sync(&self) -> bool {
        self.steps.iter().all(|step| match step.action {
            super::plan::Action::Send { mode, .. } | super::plan::Action::Again { mode, .. } => {
                mode == Mode::Sync
            }
            _ => true,
        }) && self.concurrent_send().is_none()
    }

    fn snapshot(&self) -> Snapshot {
        let written = self.scenario.snapshot.value();
        let order = written.and_then(|snapshot| snapshot.order.value());
        let include = written.and_then(|snapshot| snapshot.include.value());
        let shows = |part| match include {
            Some(parts) => parts.iter().any(|field| field.value() == Some(&part)),
            None => !matches!(part, model::Include::Content | model::Include::Requests),
        };
        Snapshot {
            order: match order {
                Some(SnapshotOrder::Total) => Order::Total,
                None if self.all_sync() && !self.sends_in_callbacks() => Order::Total,
                Some(SnapshotOrder::Lanes) | None => Order::Lanes,
            },
            sends: shows(model::Include::Sends),
            callbacks: shows(model::Include::Callbacks),
            log: shows(model::Include::Log),
            requests: shows(model::Include::Requests),
            content: shows(model::Include::Content),
            any_partition: written.is_some_and(|snapshot| snapshot.partitions.value().is_some()),
            max_lines: written
                .and_then(|snapshot| snapshot.max_lines.value())
                .map_or(MAX_LINES, |lines| u32::try_from(lines.0).unwrap_or(u32::MAX)),
        }
    }
}
