//! The settings of a topic as they are shown: their types, their defaults and what a broker calls them
//! (`LogConfig`, `ServerTopicConfigSynonyms`; the values of a node of 4.3.1 and of 3.9.1 that was given none).

use crate::broker::node::emulate::Emulate;

/// The type of a setting (`DescribeConfigsResponse.ConfigType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::broker) enum Kind {
    Boolean = 1,
    String = 2,
    Int = 3,
    Long = 5,
    Double = 6,
    List = 7,
}

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
    /// Its value where nobody sets it.
    pub default: &'static str,
    /// What a broker calls it, where that shows.
    pub synonym: Option<&'static str>,
}

const FOREVER: &str = "9223372036854775807";

const fn setting(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    synonym: Option<&'static str>,
) -> Setting {
    Setting { name, kind, default, synonym }
}

#[rustfmt::skip]
const SETTINGS: [Setting; 36] = [
    setting("cleanup.policy", Kind::List, "delete", Some("log.cleanup.policy")),
    setting("compression.gzip.level", Kind::Int, "-1", Some("compression.gzip.level")),
    setting("compression.lz4.level", Kind::Int, "9", Some("compression.lz4.level")),
    setting("compression.type", Kind::String, "producer", Some("compression.type")),
    setting("compression.zstd.level", Kind::Int, "3", Some("compression.zstd.level")),
    setting("delete.retention.ms", Kind::Long, "86400000", Some("log.cleaner.delete.retention.ms")),
    setting("file.delete.delay.ms", Kind::Long, "60000", Some("log.segment.delete.delay.ms")),
    setting("flush.messages", Kind::Long, FOREVER, Some("log.flush.interval.messages")),
    setting("flush.ms", Kind::Long, FOREVER, None),
    setting("follower.replication.throttled.replicas", Kind::List, "", None),
    setting("index.interval.bytes", Kind::Int, "4096", Some("log.index.interval.bytes")),
    setting("leader.replication.throttled.replicas", Kind::List, "", None),
    setting("local.retention.bytes", Kind::Long, "-2", Some("log.local.retention.bytes")),
    setting("local.retention.ms", Kind::Long, "-2", Some("log.local.retention.ms")),
    setting("max.compaction.lag.ms", Kind::Long, FOREVER, Some("log.cleaner.max.compaction.lag.ms")),
    setting("max.message.bytes", Kind::Int, "1048588", Some("message.max.bytes")),
    setting("message.downconversion.enable", Kind::Boolean, "true", Some("log.message.downconversion.enable")),
    setting("message.format.version", Kind::String, "3.0-IV1", Some("log.message.format.version")),
    setting(AFTER, Kind::Long, "3600000", Some("log.message.timestamp.after.max.ms")),
    setting("message.timestamp.before.max.ms", Kind::Long, FOREVER, Some("log.message.timestamp.before.max.ms")),
    setting("message.timestamp.difference.max.ms", Kind::Long, FOREVER, Some("log.message.timestamp.difference.max.ms")),
    setting("message.timestamp.type", Kind::String, "CreateTime", Some("log.message.timestamp.type")),
    setting("min.cleanable.dirty.ratio", Kind::Double, "0.5", Some("log.cleaner.min.cleanable.ratio")),
    setting("min.compaction.lag.ms", Kind::Long, "0", Some("log.cleaner.min.compaction.lag.ms")),
    setting(MIN_ISR, Kind::Int, "1", Some(MIN_ISR)),
    setting("preallocate", Kind::Boolean, "false", Some("log.preallocate")),
    setting("remote.log.copy.disable", Kind::Boolean, "false", None),
    setting("remote.log.delete.on.disable", Kind::Boolean, "false", None),
    setting("remote.storage.enable", Kind::Boolean, "false", None),
    setting("retention.bytes", Kind::Long, "-1", Some("log.retention.bytes")),
    setting("retention.ms", Kind::Long, "604800000", None),
    setting("segment.bytes", Kind::Int, "1073741824", Some("log.segment.bytes")),
    setting("segment.index.bytes", Kind::Int, "10485760", Some("log.index.size.max.bytes")),
    setting("segment.jitter.ms", Kind::Long, "0", None),
    setting("segment.ms", Kind::Long, "604800000", None),
    setting("unclean.leader.election.enable", Kind::Boolean, "false", Some("unclean.leader.election.enable")),
];

const AFTER: &str = "message.timestamp.after.max.ms";
const MIN_ISR: &str = "min.insync.replicas";

/// Settings that are gone since 4.0 (KIP-724).
pub(super) const BEFORE_4_0: [&str; 3] =
    ["message.downconversion.enable", "message.format.version", "message.timestamp.difference.max.ms"];

/// The settings that the topics of a release have.
pub(in crate::broker) fn settings(emulate: Emulate) -> impl Iterator<Item = Setting> {
    let modern = emulate >= Emulate::V4_3;
    let exists = move |setting: &Setting| !(modern && BEFORE_4_0.contains(&setting.name));
    SETTINGS.into_iter().filter(exists).map(move |setting| match setting.name {
        AFTER if !modern => Setting { default: FOREVER, ..setting },
        _ => setting,
    })
}

impl Setting {
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

    fn shown(&self, written: &str) -> String {
        match self.kind {
            Kind::List => written.split(',').map(str::trim).collect::<Vec<_>>().join(","),
            _ => written.trim().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::broker::topic::config::{TopicConfig, setting_names};

    #[test]
    fn what_is_shown_is_what_can_be_set_and_a_default_means_what_the_broker_does() {
        let shown: BTreeSet<_> = settings(Emulate::V4_3).map(|setting| setting.name).collect();
        assert_eq!(shown, setting_names().collect());
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
