//! Requests that should have come from the clients.

use crate::diagnostic::Code;
use crate::fault::ApiFilter;
use crate::id::TopicIndex;
use crate::plan::compile::Compiler;
use crate::plan::expect::Wanted;
use crate::scenario::Field;
use crate::scenario::model::{self, ExpectRequests, Listed};
use crate::source::{Span, Spanned};

impl Compiler<'_> {
    pub(super) fn wanted(&mut self, field: &Field<Listed<ExpectRequests, ExpectRequests>>) -> Vec<Wanted> {
        let mut all = Vec::new();
        for entry in field.value().map(Listed::items).unwrap_or_default() {
            if let Some(entry) = entry.get() {
                self.wanted_of(entry, &mut all);
            }
        }
        all
    }

    fn wanted_of(&mut self, entry: &Spanned<ExpectRequests>, all: &mut Vec<Wanted>) {
        let Spanned { value: written, span } = entry;
        let producer = match &written.producer {
            Field::Absent => None,
            named => self.producer_of(named, *span),
        };
        let broker = written.broker.get().and_then(|broker| self.broker(broker));
        let wanted = |name: &str, span: Span| Wanted {
            api: ApiFilter::named(name).unwrap_or(ApiFilter::Any),
            producer,
            broker,
            topic: None,
            partition: None,
            count: None,
            carries: None,
            span,
        };
        let before = all.len();
        if let Some(produce) = written.produce.get() {
            let plain = wanted("produce", produce.span);
            all.push(self.wanted_produce(produce, &plain));
        }
        for (name, field) in others(written) {
            let Some(api) = field.get() else { continue };
            if api.value.count.is_absent() {
                self.says_nothing(api.span, "count: 1");
            }
            all.push(Wanted {
                count: api.value.count.value().map(|count| count.0),
                ..wanted(name, api.span)
            });
        }
        if all.len() == before && others(written).iter().all(|(_, field)| field.is_absent()) {
            self.says_nothing(*span, "produce: {count: 10}");
        }
    }

    fn wanted_produce(&mut self, produce: &Spanned<model::ExpectProduce>, plain: &Wanted) -> Wanted {
        let Spanned { value: written, span } = produce;
        if written.count.is_absent() && written.carries.is_absent() {
            self.says_nothing(*span, "count: 10");
        }
        let topic = match &written.topic {
            Field::Absent => (self.topics.len() == 1).then_some(TopicIndex(0)),
            named => self.topic_of(named, *span),
        };
        let partition = match (&written.partition, topic) {
            (Field::Given(_), Some(topic)) => self.partition_of(&written.partition, topic),
            (Field::Given(number), None) => {
                let message = "there are several topics; this partition is of none";
                let mistake = self.mistake(Code::Missing, number.span, message);
                self.report(mistake.help("write 'topic: NAME' beside it"));
                None
            }
            _ => None,
        };
        let carries = written.carries.value().map(|requests| {
            let one = |request: &Field<Listed<model::Range, model::Range>>| {
                let ranges = request.value()?.items();
                Some(self.submissions(ranges, "carried", &mut Vec::new()))
            };
            requests.iter().filter_map(one).collect()
        });
        let topic = topic.filter(|_| !written.topic.is_absent() || partition.is_some());
        Wanted {
            topic,
            partition,
            count: written.count.value().map(|count| count.0),
            carries,
            ..plain.clone()
        }
    }

    fn says_nothing(&mut self, span: Span, example: &str) {
        let mistake = self.mistake(Code::Missing, span, "this says nothing of requests");
        self.report(mistake.help(format!("write '{example}' into it")));
    }
}

/// All kinds but produce.
fn others(written: &ExpectRequests) -> [(&'static str, &Field<model::ExpectApi>); 7] {
    [
        ("metadata", &written.metadata),
        ("init_producer_id", &written.init_producer_id),
        ("find_coordinator", &written.find_coordinator),
        ("add_partitions_to_txn", &written.add_partitions_to_txn),
        ("add_offsets_to_txn", &written.add_offsets_to_txn),
        ("txn_offset_commit", &written.txn_offset_commit),
        ("end_txn", &written.end_txn),
    ]
}
