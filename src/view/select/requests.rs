//! What passed between the producers and the brokers, and how often each fault fired.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use kafka_protocol::messages::ApiKey;

use crate::fault::{ApiFilter, Times};
use crate::id::{FaultIndex, Partition, ProducerIndex, TopicIndex};
use crate::judge::Which;
use crate::kafka::ErrorCode;
use crate::submissions::Submissions;
use crate::trace::{Answer, Passed, PassedRow, Sequenced};
use crate::view::block::{Lane, Names, Style};
use crate::view::fold::Fold;
use crate::view::folded::Aside;
use crate::view::line::Track;

use super::Scene;

/// Where a request is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// Records for a partition.
    Records(Track),
    /// About transactions.
    Transactions(Option<ProducerIndex>),
    /// Any other that a fault touched.
    Other(&'static str, Option<ProducerIndex>),
}

/// What was shown last in a lane, and what counts from it on.
#[derive(Debug, Default)]
struct Course {
    connections: Vec<u32>,
    ids: Vec<i64>,
    first: Option<Sequenced>,
    connection: usize,
    id: usize,
    lines: Vec<String>,
}

/// One line: a request, or its part for one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::view) struct Line {
    /// What was asked, of a lane in which different things are asked.
    pub(in crate::view) api: Option<&'static str>,
    /// What it is about, where the lane does not say it.
    pub(in crate::view) about: Option<(TopicIndex, Option<Partition>)>,
    /// The messages it carries, and how many records nobody knows; none of what carries nothing.
    pub(in crate::view) carries: Option<(Submissions, u32)>,
    /// Relative epoch and sequence; the latter of records alone.
    pub(in crate::view) sequenced: Option<(i64, Option<i64>)>,
    /// From the second on.
    pub(in crate::view) attempt: Option<u32>,
    /// A connection or producer id other than that of the line before, counted from 1.
    pub(in crate::view) connection: Option<usize>,
    pub(in crate::view) id: Option<usize>,
    pub(in crate::view) answer: Answer,
    /// The fault that touched it.
    pub(in crate::view) fault: Option<FaultIndex>,
}

impl Scene<'_> {
    /// What passed, by producer and partition, in the order of sending.
    pub(super) fn requests(&self) -> Vec<Lane> {
        if !self.plan.snapshot.requests {
            return Vec::new();
        }
        let mut lanes = BTreeMap::<Place, Course>::new();
        for passed in &self.trace.link.passed {
            for row in &passed.rows {
                if let Some(place) = self.place(passed, row) {
                    let course = lanes.entry(place).or_default();
                    let mut line = course.line(passed, row, place);
                    if row.topic.is_some_and(|topic| self.is_of_threads(topic, row.partition.into())) {
                        // They take their sequences in turns.
                        line.sequenced = line.sequenced.map(|(epoch, _)| (epoch, None));
                    }
                    course.lines.push(line.text(self.names));
                }
            }
        }
        let lane = |(place, course): (Place, Course)| {
            let mut texts = course.lines;
            if self.any_partition() {
                // Which partition a message went to is left out, and so is the order between partitions.
                texts.sort_unstable();
            }
            let mut fold = Fold::default();
            for text in texts {
                fold.push_aside(Aside::Text(text));
            }
            Lane { label: self.place_label(place), style: Style::Lines, folded: fold.finish() }
        };
        lanes.into_iter().map(lane).collect()
    }

    /// How often each fault fired, in the order of the file.
    pub(super) fn faults(&self) -> Vec<Lane> {
        let mut fold = Fold::default();
        for (index, rule) in (0..).zip(&self.plan.faults) {
            let taken = self.trace.link.taken.get(usize::from(index));
            let often = match rule.times {
                // How often it does is left to the client, and may differ from run to run.
                Times::AtMost(most) => format!("at most {most}"),
                Times::Exactly(_) | Times::Always => {
                    format!("fired {}", taken.map_or(0, |taken| taken.fired))
                }
            };
            fold.push_aside(Aside::Text(format!("{}: {often}", self.names.fault(FaultIndex(index)))));
        }
        super::single("faults", fold).lanes
    }

    /// Where a row is shown; none for what is not.
    fn place(&self, passed: &Passed, row: &PassedRow) -> Option<Place> {
        let several = self.names.several_producers();
        let whose = Some(passed.producer).filter(|_| several);
        let api = passed.api?;
        match api {
            ApiKey::Produce => {
                let (topic, partition) = (row.topic?, Which::from(row.partition));
                let thread = self.sender(row, topic, partition);
                let track = self.track(Some(passed.producer), topic, partition);
                Some(Place::Records(Track { thread, ..track }))
            }
            ApiKey::InitProducerId
            | ApiKey::AddPartitionsToTxn
            | ApiKey::AddOffsetsToTxn
            | ApiKey::TxnOffsetCommit
            | ApiKey::EndTxn => {
                // How long a coordinator is busy with the end of a transaction, and how often a client asks again
                // meanwhile, is up to their clocks.
                let in_vain = row.answer == Answer::Code(ErrorCode::CONCURRENT_TRANSACTIONS);
                (row.touched || !in_vain).then_some(Place::Transactions(whose))
            }
            // When and how often a client asks them is up to its clock, unless a fault that must fire makes something
            // of them.
            _ => {
                let rule = self.plan.faults.get(passed.touched?.fault.index())?;
                let must = !matches!(rule.times, Times::AtMost(_));
                must.then_some(Place::Other(ApiFilter::Api(api).name()?, whose))
            }
        }
    }

    /// The thread that has sent all that a row carries, where they are told apart.
    fn sender(&self, row: &PassedRow, topic: TopicIndex, partition: Which) -> Option<u32> {
        let first = self.thread(row.submissions.first()?, topic, partition)?;
        let own = |one| self.thread(one, topic, partition) == Some(first);
        row.submissions.iter().all(own).then_some(first)
    }

    fn place_label(&self, place: Place) -> String {
        let (name, whose) = match place {
            Place::Records(track) => return self.names.label(track),
            Place::Transactions(whose) => ("transactions", whose),
            Place::Other(name, whose) => (name, whose),
        };
        match whose {
            Some(producer) => format!("{name} {}", self.names.producer(producer)),
            None => name.to_owned(),
        }
    }
}

impl Course {
    fn line(&mut self, passed: &Passed, row: &PassedRow, place: Place) -> Line {
        let records = matches!(place, Place::Records(_));
        let sequenced = row.sequenced.filter(|sequenced| sequenced.producer_id >= 0);
        let api = ApiFilter::Api(passed.api.unwrap_or(ApiKey::Produce)).name();
        Line {
            api: api.filter(|_| matches!(place, Place::Transactions(_))),
            about: row.topic.filter(|_| !records).map(|topic| (topic, row.partition)),
            carries: records.then(|| {
                let known = u32::try_from(row.submissions.len()).unwrap_or(u32::MAX);
                (row.submissions.clone(), row.records.saturating_sub(known))
            }),
            connection: self.connection(passed.connection),
            id: sequenced.and_then(|sequenced| self.id(sequenced.producer_id)),
            sequenced: sequenced.map(|sequenced| self.relative(sequenced, records)),
            attempt: Some(row.attempt).filter(|attempt| *attempt > 1),
            answer: row.answer,
            fault: passed.touched.filter(|_| row.touched).map(|touched| touched.fault),
        }
    }

    fn connection(&mut self, connection: u32) -> Option<usize> {
        let number = number(&mut self.connections, connection);
        let before = std::mem::replace(&mut self.connection, number);
        (number != before && before != 0).then_some(number)
    }

    fn id(&mut self, id: i64) -> Option<usize> {
        let number = number(&mut self.ids, id);
        let before = std::mem::replace(&mut self.id, number);
        (number != before && before != 0).then_some(number)
    }

    fn relative(&mut self, now: Sequenced, records: bool) -> (i64, Option<i64>) {
        let first = *self.first.get_or_insert(now);
        let same = now.producer_id == first.producer_id;
        let epoch = i64::from(now.epoch) - if same { i64::from(first.epoch) } else { 0 };
        // Another epoch begins anew.
        let begin = if same && now.epoch == first.epoch { i64::from(first.sequence) } else { 0 };
        (epoch, records.then(|| i64::from(now.sequence) - begin))
    }
}

/// The place of one among the known, from 1; it is known then.
fn number<T: PartialEq>(known: &mut Vec<T>, one: T) -> usize {
    let at = known.iter().position(|other| *other == one);
    at.unwrap_or_else(|| {
        known.push(one);
        known.len() - 1
    }) + 1
}

impl Line {
    pub(in crate::view) fn text(&self, names: &Names) -> String {
        let mut words = Vec::new();
        words.extend(self.api.map(str::to_owned));
        if let Some((topic, partition)) = self.about {
            let mut text = String::new();
            names.partition(&mut text, topic, partition.map_or(Which::All, Which::One));
            words.push(text);
        }
        if let Some((known, unknown)) = &self.carries {
            words.extend((!known.is_empty()).then(|| known.to_string().replace(", ", " ")));
            words.extend((*unknown > 0).then(|| format!("?×{unknown}")));
        }
        if let Some((epoch, sequence)) = self.sequenced {
            words.push(format!("epoch {epoch}"));
            words.extend(sequence.map(|sequence| format!("seq {sequence}")));
        }
        words.extend(self.attempt.map(|attempt| format!("attempt {attempt}")));
        words.extend(self.connection.map(|connection| format!("connection {connection}")));
        words.extend(self.id.map(|id| format!("id {id}")));
        words.push("→".to_owned());
        let mut text = words.join(" ");
        let _infallible = match self.answer {
            Answer::Code(ErrorCode::NONE) => write!(text, " ok"),
            Answer::Code(code) => write!(text, " {code}"),
            Answer::Silent => write!(text, " nothing"),
            Answer::Unowed => write!(text, " none due"),
            Answer::Closed => write!(text, " closed"),
            Answer::Left => write!(text, " client left"),
        };
        if let Some(fault) = self.fault {
            let _infallible = write!(text, " ! {}", names.fault(fault));
        }
        text
    }
}
