//! The settings of a topic as they are shown: their types, their defaults and what a broker calls them
//! (`LogConfig`, `ServerTopicConfigSynonyms`; the values of a node of 4.3.1 and of 3.9.1 that was given none).

use crate::broker::node::emulate::Emulate;
pub(in crate::broker) use crate::broker::topic::rule::Kind;
use crate::broker::topic::rule::Rule::{self, Any, Between, Gzip, Least, Replicas, Words};

/// Where a value comes from (`DescribeConfigsResponse.ConfigSource`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::broker) enum Source {
    Topic = 1,
    ClusterDefault = 3,
    Default = 5,
}

/// A setting that every topic has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::broker) struct Setting {
    /// What it is called on a topic.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Which values it can have.
    pub rule: Rule,
    /// Its value where nobody sets it.
    pub default: &'static str,
    /// What a broker calls it, where that shows.
    pub synonym: Option<&'static str>,
}

const FOREVER: &str = "9223372036854775807";

const fn setting(
    name: &'static str,
    kind: Kind,
    rule: Rule,
    default: &'static str,
    synonym: Option<&'static str>,
) -> Setting {
    Setting { name, kind, rule, default, synonym }
}

#[rustfmt::skip]
const SETTINGS: [Setting; 36] = [
    setting("cleanup.policy", Kind::List, Words(&["compact", "delete"]), "delete", Some("log.cleanup.policy")),
    setting("compression.gzip.level", Kind::Int, Gzip, "-1", Some("compression.gzip.level")),
    setting("compression.lz4.level", Kind::Int, Between(1, 17), "9", Some("compression.lz4.level")),
    setting("compression.type", Kind::String, Words(COMPRESSIONS), "producer", Some("compression.type")),
    setting("compression.zstd.level", Kind::Int, Between(-131_072, 22), "3", Some("compression.zstd.level")),
    setting("delete.retention.ms", Kind::Long, Least(0), "86400000", Some("log.cleaner.delete.retention.ms")),
    setting("file.delete.delay.ms", Kind::Long, Least(0), "60000", Some("log.segment.delete.delay.ms")),
    setting("flush.messages", Kind::Long, Least(1), FOREVER, Some("log.flush.interval.messages")),
    setting("flush.ms", Kind::Long, Least(0), FOREVER, None),
    setting("follower.replication.throttled.replicas", Kind::List, Replicas, "", None),
    setting("index.interval.bytes", Kind::Int, Least(0), "4096", Some("log.index.interval.bytes")),
    setting("leader.replication.throttled.replicas", Kind::List, Replicas, "", None),
    setting("local.retention.bytes", Kind::Long, Least(-2), "-2", Some("log.local.retention.bytes")),
    setting("local.retention.ms", Kind::Long, Least(-2), "-2", Some("log.local.retention.ms")),
    setting("max.compaction.lag.ms", Kind::Long, Least(1), FOREVER, Some("log.cleaner.max.compaction.lag.ms")),
    setting("max.message.bytes", Kind::Int, Least(0), "1048588", Some("message.max.bytes")),
    setting("message.downconversion.enable", Kind::Boolean, Any, "true", Some("log.message.downconversion.enable")),
    setting("message.format.version", Kind::String, Any, "3.0-IV1", Some("log.message.format.version")),
    setting(AFTER, Kind::Long, Least(0), "3600000", Some("log.message.timestamp.after.max.ms")),
    setting("message.timestamp.before.max.ms", Kind::Long, Least(0), FOREVER, Some("log.message.timestamp.before.max.ms")),
    setting("message.timestamp.difference.max.ms", Kind::Long, Least(0), FOREVER, Some("log.message.timestamp.difference.max.ms")),
    setting("message.timestamp.type", Kind::String, Words(&["CreateTime", "LogAppendTime"]), "CreateTime", Some("log.message.timestamp.type")),
    setting("min.cleanable.dirty.ratio", Kind::Double, Between(0, 1), "0.5", Some("log.cleaner.min.cleanable.ratio")),
    setting("min.compaction.lag.ms", Kind::Long, Least(0), "0", Some("log.cleaner.min.compaction.lag.ms")),
    setting(MIN_ISR, Kind::Int, Least(1), "1", Some(MIN_ISR)),
    setting("preallocate", Kind::Boolean, Any, "false", Some("log.preallocate")),
    setting("remote.log.copy.disable", Kind::Boolean, Any, "false", None),
    setting("remote.log.delete.on.disable", Kind::Boolean, Any, "false", None),
    setting("remote.storage.enable", Kind::Boolean, Any, "false", None),
    setting("retention.bytes", Kind::Long, Any, "-1", Some("log.retention.bytes")),
    setting("retention.ms", Kind::Long, Least(-1), "604800000", None),
    setting(SEGMENT, Kind::Int, Least(1024 * 1024), "1073741824", Some("log.segment.bytes")),
    setting("segment.index.bytes", Kind::Int, Least(4), "10485760", Some("log.index.size.max.bytes")),
    setting("segment.jitter.ms", Kind::Long, Least(0), "0", None),
    setting("segment.ms", Kind::Long, Least(1), "604800000", None),
    setting("unclean.leader.election.enable", Kind::Boolean, Any, "false", Some("unclean.leader.election.enable")),
];

/// `BrokerCompressionType`.
const COMPRESSIONS: &[&str] = &["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"];
const AFTER: &str = "message.timestamp.after.max.ms";
const SEGMENT: &str = "segment.bytes";
const MIN_ISR: &str = "min.insync.replicas";

/// Settings that are gone since 4.0 (KIP-724).
const BEFORE_4_0: [&str; 3] =
    ["message.downconversion.enable", "message.format.version", "message.timestamp.difference.max.ms"];

/// The settings that the topics of a release have.
pub(in crate::broker) fn settings(emulate: Emulate) -> impl Iterator<Item = Setting> {
    let modern = emulate >= Emulate::V4_3;
    let exists = move |setting: &Setting| !(modern && BEFORE_4_0.contains(&setting.name));
    SETTINGS.into_iter().filter(exists).map(move |setting| match setting.name {
        AFTER if !modern => Setting { default: FOREVER, ..setting },
        // Since 4.0 it cannot be a header alone (KIP-1030).
        SEGMENT if !modern => Setting { rule: Least(14), ..setting },
        _ => setting,
    })
}

/// For tests of Apache Kafka itself: segments that are smaller than `segment.bytes` lets them be. It shows only where it
/// is set (`LogConfig`, `defineInternal`).
const INTERNAL: Setting = setting("internal.segment.bytes", Kind::Int, Any, "", None);

/// The settings that a topic of a release can be given.
pub(in crate::broker) fn settable(emulate: Emulate) -> impl Iterator<Item = Setting> {
    settings(emulate).chain((emulate >= Emulate::V4_3).then_some(INTERNAL))
}

impl Setting {
    /// Whether it is shown on a topic on which that is written.
    pub(in crate::broker) fn is_shown(&self, written: Option<&str>) -> bool {
        written.is_some() || *self != INTERNAL
    }

    /// Where it gets its value from, and under which names, the first of them first: the topic, where `written` is
    /// what stands there, and the broker. `min.insync.replicas` is set for the whole cluster where eligible leader
    /// replicas are on (KIP-966).
    pub(in crate::broker) fn values(
        &self,
        written: Option<&str>,
        emulate: Emulate,
    ) -> Vec<(&'static str, String, Source)> {
        let own = written.map(|written| (self.name, self.shown(written), Source::Topic));
        let eligible = self.name == MIN_ISR && emulate >= Emulate::V4_3;
        let cluster = eligible.then(|| (self.name, self.default.to_owned(), Source::ClusterDefault));
        let synonym = self.synonym.map(|synonym| (synonym, self.default.to_owned(), Source::Default));
        own.into_iter().chain(cluster).chain(synonym).collect()
    }

    /// Its value on a topic as it is written there, and where the value comes from.
    pub(in crate::broker) fn value(&self, written: Option<&str>, emulate: Emulate) -> (String, Source) {
        let first = self.values(None, emulate).into_iter().next();
        let default = first.map_or(Source::Default, |(_, _, source)| source);
        written
            .map_or_else(|| (self.default.to_owned(), default), |written| (written.to_owned(), Source::Topic))
    }

    /// A value as it is read, written anew (`ConfigDef.convertToString`).
    fn shown(&self, written: &str) -> String {
        self.rule
            .read((self.name, self.kind), written)
            .map_or_else(|_| written.to_owned(), |value| value.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::topic::config::TopicConfig;

    #[test]
    fn a_default_can_be_set_and_means_what_the_broker_does() {
        for emulate in Emulate::ALL {
            let defaults = settings(emulate).map(|setting| (setting.name, setting.default));
            assert_eq!(TopicConfig::read(emulate, defaults).unwrap(), TopicConfig::of(emulate));
        }
    }

    #[test]
    fn a_value_on_the_topic_comes_before_the_brokers() {
        let policy = settings(Emulate::V4_3).find(|setting| setting.name == "cleanup.policy").unwrap();
        let values = policy.values(Some("compact, delete"), Emulate::V4_3);
        assert_eq!(values[0], ("cleanup.policy", "compact,delete".to_owned(), Source::Topic));
        assert_eq!(values[1], ("log.cleanup.policy", "delete".to_owned(), Source::Default));
        let min_isr = settings(Emulate::V3_9).find(|setting| setting.name == MIN_ISR).unwrap();
        assert_eq!(min_isr.values(None, Emulate::V4_3).len(), 2);
        assert_eq!(min_isr.values(None, Emulate::V3_9).len(), 1);
    }
}
