//! What Apache Kafka says of its settings: in which order, with which defaults and explanations. It was asked of a broker
//! of each release by `DescribeConfigs`, and is written down in a file with a line for each setting.

use std::sync::LazyLock;

use crate::broker::node::emulate::Emulate;

/// The settings of each kind of resource.
#[derive(Debug)]
pub(super) struct Catalogue {
    /// Those of topics; their values are told elsewhere.
    pub topic: Vec<Entry>,
    /// Those of brokers. `{id}`, `{host}` and `{port}` stand for what differs from broker to broker.
    pub broker: Vec<Entry>,
    /// Those of groups.
    pub group: Vec<Entry>,
    /// Those of subscriptions to the metrics of clients.
    pub metrics: Vec<Entry>,
}

/// A setting.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// Its name.
    pub name: &'static str,
    /// Its value; none for null.
    pub value: Option<&'static str>,
    /// It is set when a broker starts, and not changed afterwards.
    pub read_only: bool,
    /// Where the value comes from.
    pub source: i8,
    /// Its value is not told.
    pub is_sensitive: bool,
    /// Its type.
    pub kind: i8,
    /// What it is for.
    pub documentation: &'static str,
    /// Name, value and source of each place where it is set, as they stand in the file.
    synonyms: &'static str,
}

static NEWEST: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::read(include_str!("4.3.1.tsv")));
static V3_9: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::read(include_str!("3.9.1.tsv")));

impl Catalogue {
    /// What a release says.
    pub(super) fn of(emulate: Emulate) -> &'static Self {
        if emulate >= Emulate::V4_3 { &NEWEST } else { &V3_9 }
    }

    fn read(text: &'static str) -> Self {
        let mut catalogue = Self { topic: vec![], broker: vec![], group: vec![], metrics: vec![] };
        let mut kind = "";
        for line in text.lines() {
            if let Some(next) = line.strip_prefix("# ") {
                kind = next;
                continue;
            }
            let entries = match kind {
                "topic" => &mut catalogue.topic,
                "broker" => &mut catalogue.broker,
                "group" => &mut catalogue.group,
                _ => &mut catalogue.metrics,
            };
            entries.extend(Entry::read(line));
        }
        catalogue
    }
}

impl Entry {
    fn read(line: &'static str) -> Option<Self> {
        let mut fields = line.splitn(8, '\t');
        Some(Self {
            name: fields.next()?,
            value: known(fields.next()?),
            read_only: fields.next()? == "1",
            source: fields.next()?.parse().ok()?,
            is_sensitive: fields.next()? == "1",
            kind: fields.next()?.parse().ok()?,
            documentation: fields.next()?,
            synonyms: fields.next().unwrap_or_default(),
        })
    }

    /// Where it is set, the first place first: under which name, to what, and what kind of place that is.
    pub(super) fn synonyms(&self) -> Vec<(&'static str, Option<&'static str>, i8)> {
        let fields: Vec<_> = self.synonyms.split('\t').collect();
        let synonym = |fields: &[&'static str]| match fields {
            [name, value, source] => Some((*name, known(value), source.parse().ok()?)),
            _ => None,
        };
        fields.chunks(3).filter_map(synonym).collect()
    }

    /// What it is for, with its lines.
    pub(super) fn explanation(&self) -> String {
        self.documentation.replace("\\n", "\n").replace("\\t", "\t").replace("\\\\", "\\")
    }
}

fn known(value: &'static str) -> Option<&'static str> {
    (value != "\\N").then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::topic::describe::settable;

    #[test]
    fn every_line_is_an_entry_and_every_setting_of_a_topic_has_one() {
        for (emulate, counts) in [(Emulate::V4_3, [34, 340, 17, 3]), (Emulate::V3_9, [36, 314, 0, 0])] {
            let all = Catalogue::of(emulate);
            let found = [&all.topic, &all.broker, &all.group, &all.metrics].map(Vec::len);
            assert_eq!(found, counts);
            let named = |name: &str| all.topic.iter().find(|entry| entry.name == name);
            for setting in settable(emulate) {
                assert_eq!(named(setting.name).unwrap().kind, setting.kind as i8, "{}", setting.name);
            }
            for entry in all.broker.iter().filter(|entry| entry.value.is_some() && !entry.is_sensitive) {
                assert!(!entry.synonyms().is_empty(), "{}", entry.name);
            }
        }
    }
}
