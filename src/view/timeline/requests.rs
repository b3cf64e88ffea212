//! What passed between the clients and the brokers: a line where it came, and one where it was answered, if something
//! happened in between.

use std::slice;

use kafka_protocol::messages::ApiKey;

use crate::fault::ApiFilter;
use crate::judge::Which;
use crate::kafka::ErrorCode;
use crate::trace::{Answer, Moment, Passed, PassedRow};

use super::{Entry, LINK, Layout, When, Words, at};

impl Layout<'_> {
    /// `shown`: the numbers of the facts that are shown, in their order. That a call has returned, say, is not, and so is
    /// nothing in between.
    pub(super) fn requests(&self, shown: &[u64]) -> Vec<(When, Entry)> {
        let mut moments: Vec<Moment> = Vec::new();
        for passed in &self.trace.link.passed {
            moments.push(passed.came);
            moments.extend(passed.answered);
        }
        moments.sort_unstable();
        let place = |moment: Moment| moments.partition_point(|other| *other < moment);
        let facts = |moment: Moment| shown.partition_point(|fact| *fact < moment.facts);
        let none = PassedRow::default();
        let mut entries = Vec::new();
        for passed in &self.trace.link.passed {
            let answered = passed.answered.filter(|_| passed.api.is_some());
            let at_once = answered.is_some_and(|answered| {
                facts(answered) == facts(passed.came) && place(answered) == place(passed.came) + 1
            });
            for row in if passed.rows.is_empty() { slice::from_ref(&none) } else { &passed.rows } {
                let (asked, tone) = (self.asked(passed, row), self.tone(row.submissions.iter()));
                let entry = |text: String| Entry { column: LINK, words: Words::plain(text), tone };
                let fault = self.fault(passed, row);
                match answered {
                    Some(answered) if at_once => {
                        entries.push((at(answered), entry(format!("{asked} → {}{fault}", said(row.answer)))));
                    }
                    Some(answered) => {
                        entries.push((at(passed.came), entry(format!("{asked} →{fault}"))));
                        let about = self.about(passed, row);
                        entries.push((at(answered), entry(format!("← {about} {}", said(row.answer)))));
                    }
                    None if passed.api.is_none() => {
                        entries.push((at(passed.came), entry(format!("{asked}{fault}"))));
                    }
                    None => entries.push((at(passed.came), entry(format!("{asked} → nothing{fault}")))),
                }
            }
        }
        entries
    }

    /// What was asked, in full.
    fn asked(&self, passed: &Passed, row: &PassedRow) -> String {
        let mut words = vec![self.about(passed, row)];
        if let Some(sequenced) = row.sequenced.filter(|sequenced| sequenced.producer_id >= 0) {
            words.push(format!("epoch {}", sequenced.epoch));
            words.extend((sequenced.sequence >= 0).then(|| format!("seq {}", sequenced.sequence)));
        }
        words.extend((row.attempt > 1).then(|| format!("attempt {}", row.attempt)));
        words.extend((self.plan.brokers > 1).then(|| format!("broker {}", passed.broker)));
        words.join(" ")
    }

    /// What it is about, in short.
    fn about(&self, passed: &Passed, row: &PassedRow) -> String {
        let mut words = Vec::new();
        if self.names.several_producers() {
            words.push(self.names.producer(passed.producer).to_owned());
        }
        match passed.api {
            Some(ApiKey::Produce) => {}
            Some(api) => {
                words.push(ApiFilter::Api(api).name().map_or_else(|| format!("{api:?}"), str::to_owned));
            }
            None => words.push("connect".to_owned()),
        }
        let several = self.plan.topics.iter().map(|topic| topic.partitions).sum::<u32>() > 1;
        if let Some(topic) = row.topic.filter(|_| several || passed.api != Some(ApiKey::Produce)) {
            words.push(self.partition(topic, row.partition.map_or(Which::All, Which::One)));
        }
        if !row.submissions.is_empty() {
            words.push(row.submissions.to_string().replace(", ", " "));
        }
        let unknown = u64::from(row.records).saturating_sub(row.submissions.len());
        words.extend((unknown > 0).then(|| format!("?×{unknown}")));
        words.join(" ")
    }

    fn fault(&self, passed: &Passed, row: &PassedRow) -> String {
        let touched = passed.touched.filter(|_| row.touched || passed.api.is_none());
        touched.map_or_else(String::new, |touched| format!(" ! {}", self.names.fault(touched.fault)))
    }
}

fn said(answer: Answer) -> String {
    match answer {
        Answer::Code(ErrorCode::NONE) => "ok".to_owned(),
        Answer::Code(code) => code.to_string(),
        Answer::Silent => "nothing".to_owned(),
        Answer::Unowed => "none due".to_owned(),
        Answer::Closed => "closed".to_owned(),
        Answer::Left => "client left".to_owned(),
    }
}
