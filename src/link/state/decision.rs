//! What is decided of a request, and what a rule can ask of it.

use std::sync::Arc;

use kafka_protocol::messages::ApiKey;

use crate::fault::{Action, Row, Transit, Verdict, codes};
use crate::link::wire::Asked;
use crate::submissions::Submissions;
use crate::trace::{Moment, Passed, PassedRow};

use super::hold::{Held, HoldNumber};
use super::kept::Ends;
use super::network::Way;

/// A request on its way, from when it has come until its answer is given or nobody gives it one.
#[derive(Debug)]
pub(in crate::link) struct Passage {
    pub(super) held: Option<HoldNumber>,
    pub(super) submissions: Submissions,
}

/// What is decided of a request.
#[derive(Debug, Default)]
pub(in crate::link) struct Decision {
    /// Its place among those that are kept.
    pub(in crate::link) passed: Option<usize>,
    pub(in crate::link) verdict: Option<Verdict>,
    /// What it waits for, from now on.
    pub(in crate::link) held: Option<Held>,
    /// Where it is lost: it came while that direction was cut, and what was under way then is.
    pub(in crate::link) lost: Option<Way>,
    /// It is under way as long as this is there.
    pub(in crate::link) passage: Option<Arc<Passage>>,
}

/// What a rule can ask of a request.
pub(super) fn transit(ends: Ends, api: Option<ApiKey>, asked: Option<&Asked>) -> Transit {
    // A request for all topics has a row, for its answer; what a rule can ask of topics it does not name.
    let named = asked.filter(|asked| !asked.all_topics);
    let rows = named.map_or(&[][..], |asked| &asked.rows);
    let row = |row: &PassedRow| Row {
        topic: row.topic,
        partition: row.partition,
        submissions: row.submissions.clone(),
    };
    Transit {
        producer: ends.producer,
        broker: ends.broker,
        api,
        rows: rows.iter().map(row).collect(),
        all_topics: asked.is_some_and(|asked| asked.all_topics),
    }
}

/// A request as it has come, before anything is known of its answer.
pub(super) fn request(
    ends: Ends,
    api: Option<ApiKey>,
    asked: Option<&Asked>,
    rows: Vec<PassedRow>,
) -> Passed {
    Passed {
        connection: ends.connection,
        producer: ends.producer,
        broker: ends.broker,
        api,
        version: asked.map_or(0, |asked| asked.incoming.version),
        rows,
        touched: None,
        came: Moment::default(),
        answered: None,
    }
}

/// Why what is decided cannot be.
pub(super) fn impossible(verdict: &Verdict, api: Option<ApiKey>, asked: Option<&Asked>) -> Option<String> {
    let (api, asked) = (api?, asked?);
    let name = verdict.action.name();
    if asked.facts.acks == Some(0) && verdict.action.needs_answer() {
        return Some(format!("{name} is about an answer, and with acks=0 there is none"));
    }
    let Action::Fail(fail) = &verdict.action else { return None };
    let whole = verdict.rows.is_empty() || verdict.rows.len() == asked.rows.len();
    codes::refusal(api, fail.error, fail.phase, &codes::Facts { whole: Some(whole), ..asked.facts })
}
