//! The cases, one file a theme.

mod acks;
mod administration;
mod apis;
mod brokers;
mod coordinators;
mod ends;
mod fetch;
mod frames;
mod ids;
mod leaders;
mod odds;
mod order;
mod outside;
mod reading;
mod records;
mod replicas;
mod rewritten;
mod rows;
mod segments;
mod sequences;
mod sizes;
mod strange;
mod streams;
mod times;
mod topics;
mod transactions;

use crate::session::Session;

/// A sequence of requests with a name.
pub(crate) struct Case {
    pub(crate) theme: &'static str,
    pub(crate) name: String,
    /// How many brokers there are.
    pub(crate) brokers: u16,
    /// Whether only the newest release knows its requests.
    pub(crate) is_new: bool,
    pub(crate) play: Box<dyn Fn(&mut Session<'_>) + Send + Sync>,
}

/// The cases of one theme.
pub(crate) struct Theme {
    name: &'static str,
    brokers: u16,
    cases: Vec<Case>,
}

impl Theme {
    /// Adds a case.
    pub(crate) fn case(
        &mut self,
        name: impl Into<String>,
        play: impl Fn(&mut Session<'_>) + Send + Sync + 'static,
    ) {
        self.of_produce(0, name, play);
    }

    /// Adds a case that needs that version of Produce: it waits for what an older release does not write.
    pub(crate) fn of_produce(
        &mut self,
        version: i16,
        name: impl Into<String>,
        play: impl Fn(&mut Session<'_>) + Send + Sync + 'static,
    ) {
        const KNOWN_TO_ALL: i16 = 11;
        self.cases.push(Case {
            theme: self.name,
            name: name.into(),
            brokers: self.brokers,
            is_new: version > KNOWN_TO_ALL,
            play: Box::new(play),
        });
    }
}

type Add = fn(&mut Theme);

/// Themes of three brokers.
const OF_THREE: [(&str, Add); 4] = [
    ("leaders", leaders::add),
    ("replicas", replicas::add),
    ("brokers", brokers::add),
    ("coordinators", coordinators::add),
];

const THEMES: [(&str, Add); 40] = [
    ("order", order::add),
    ("rows", rows::add),
    ("rewritten", rewritten::add),
    ("acks", acks::add),
    ("records", records::add),
    ("record errors", records::add_errors),
    ("sequences", sequences::add),
    ("times", times::add),
    ("sizes", sizes::add),
    ("ids", ids::add),
    ("frames", frames::add),
    ("metadata", apis::metadata),
    ("versions", apis::versions),
    ("offsets", apis::offsets),
    ("coordinator", apis::coordinator),
    ("fetch", fetch::add),
    ("topics", topics::add),
    ("transactions", transactions::add_life),
    ("fencing", transactions::add_fencing),
    ("transactional records", transactions::add_records),
    ("group offsets", transactions::add_groups),
    ("ends of transactions", ends::add),
    ("segments", segments::add),
    ("reading", reading::add),
    ("settings", administration::configs),
    ("deletion", administration::deletion),
    ("creation", administration::creation),
    ("odd records", odds::produce),
    ("odd names", odds::names),
    ("odd transactions", odds::transactions),
    ("odd headers", odds::headers),
    ("strange records", strange::add),
    ("strange lists", strange::add_others),
    ("values of settings", outside::settings),
    ("other connections", outside::connections),
    ("internal topics", outside::internal),
    ("what commits say", outside::groups),
    ("streams", streams::add),
    ("rows without records", outside::rows),
    ("late deletions", outside::deletions),
];

/// All of them, always in the same order.
pub(crate) fn all() -> Vec<Case> {
    let of = |(brokers, (name, add)): (u16, (&'static str, Add))| {
        let mut theme = Theme { name, brokers, cases: vec![] };
        add(&mut theme);
        theme.cases
    };
    let alone = THEMES.into_iter().map(|theme| (1, theme));
    alone.chain(OF_THREE.into_iter().map(|theme| (3, theme))).flat_map(of).collect()
}
