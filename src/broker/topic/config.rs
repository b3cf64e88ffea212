//! The settings of a topic, as far as they change what a producer sees
//! (`clients/…/common/config/TopicConfig.java`, defaults from `ServerLogConfigs` and `LogConfig`).

use crate::broker::node::emulate::Emulate;
use crate::broker::partition::log::retention::Retention;
use crate::broker::partition::log::segment::Rolling;
use crate::broker::topic::describe::{settable, settings};
use crate::broker::topic::rule::{ConfigError, Value, check_elements};
use crate::kafka::batch::{Compression, TimestampType};

/// The settings of a topic that the broker acts on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::broker) struct TopicConfig {
    /// `max.message.bytes`: the largest batch, its 12 bytes in front of the length included.
    pub max_message_bytes: usize,
    /// `message.timestamp.type`.
    pub timestamp_type: TimestampType,
    /// `message.timestamp.before.max.ms`: how far back a timestamp may lie.
    pub timestamp_before_max_ms: i64,
    /// `message.timestamp.after.max.ms`: how far ahead a timestamp may lie.
    pub timestamp_after_max_ms: i64,
    /// `cleanup.policy` has `compact`: records need a key. Nothing is ever compacted away.
    pub compacted: bool,
    /// `compression.type`; none for `producer`, which keeps what came.
    pub compression: Option<Compression>,
    /// `compression.gzip.level`; −1 is the codec's own.
    pub gzip_level: i32,
    /// `compression.zstd.level`.
    pub zstd_level: i32,
    /// `min.insync.replicas`.
    pub min_insync_replicas: usize,
    /// `cleanup.policy` has `delete`.
    pub deletes: bool,
    /// When segments end; `segment.bytes` is the upper bound of a batch too.
    pub rolling: Rolling,
    /// What is kept.
    pub retention: Retention,
}

impl Default for TopicConfig {
    fn default() -> Self {
        Self {
            max_message_bytes: 1_048_588,
            timestamp_type: TimestampType::CreateTime,
            timestamp_before_max_ms: i64::MAX,
            timestamp_after_max_ms: 3_600_000,
            compacted: false,
            compression: None,
            gzip_level: -1,
            zstd_level: 3,
            min_insync_replicas: 1,
            deletes: true,
            rolling: Rolling::default(),
            retention: Retention { time_ms: 604_800_000, size_bytes: -1 },
        }
    }
}

const MIN_LAG: &str = "min.compaction.lag.ms";
const MAX_LAG: &str = "max.compaction.lag.ms";

/// All settings in the order of `LogConfig.CONFIG`, in which their values are looked at.
const DEFINED: &[&str] = &[
    "segment.bytes",
    "segment.ms",
    "segment.jitter.ms",
    "segment.index.bytes",
    "flush.messages",
    "flush.ms",
    "retention.bytes",
    "retention.ms",
    "max.message.bytes",
    "index.interval.bytes",
    "delete.retention.ms",
    MIN_LAG,
    MAX_LAG,
    "file.delete.delay.ms",
    "min.cleanable.dirty.ratio",
    "cleanup.policy",
    "unclean.leader.election.enable",
    "min.insync.replicas",
    "compression.type",
    "compression.gzip.level",
    "compression.lz4.level",
    "compression.zstd.level",
    "preallocate",
    "message.format.version",
    "message.timestamp.type",
    "message.timestamp.difference.max.ms",
    "message.timestamp.before.max.ms",
    "message.timestamp.after.max.ms",
    "message.downconversion.enable",
    "leader.replication.throttled.replicas",
    "follower.replication.throttled.replicas",
    "remote.storage.enable",
    "local.retention.ms",
    "local.retention.bytes",
    "remote.log.copy.disable",
    "remote.log.delete.on.disable",
    "internal.segment.bytes",
];

/// Whether a topic can have a setting, as that Apache Kafka would say when it is created with it.
pub fn check_setting(emulate: Emulate, name: &str, value: &str) -> Result<(), ConfigError> {
    TopicConfig::read(emulate, [(name, value)]).map(drop)
}

/// The names of all settings that a topic can have.
pub fn setting_names(emulate: Emulate) -> impl Iterator<Item = &'static str> {
    settings(emulate).map(|setting| setting.name)
}

impl TopicConfig {
    /// What holds in a release where nothing is set.
    pub(in crate::broker) fn of(emulate: Emulate) -> Self {
        let modern = emulate >= Emulate::V4_3;
        let after = if modern { 3_600_000 } else { i64::MAX };
        Self { timestamp_after_max_ms: after, ..Self::default() }
    }

    /// Reads settings as they are written, name and value.
    pub(in crate::broker) fn read<'a>(
        emulate: Emulate,
        written: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, ConfigError> {
        let (mut config, mut known) = (Self::of(emulate), vec![]);
        // A name that is unknown is told before any value.
        for (name, written) in written {
            let setting = settable(emulate).find(|setting| setting.name == name);
            known.push((setting.ok_or_else(|| ConfigError::Unknown(name.to_owned()))?, written));
        }
        // Then values, in the order in which Apache Kafka has defined the settings; of one that is set twice the last.
        let mut values = vec![];
        for name in DEFINED {
            if let Some((setting, written)) = known.iter().rev().find(|(setting, _)| setting.name == *name) {
                if emulate >= Emulate::V4_3 {
                    check_elements((name, setting.rule, setting.kind), written)?;
                }
                values.push((setting.name, setting.rule.read((setting.name, setting.kind), written)?));
            }
        }
        check_together(&values)?;
        for (name, value) in &values {
            config.set(name, value);
        }
        Ok(config)
    }

    /// Takes a value that the setting can have; most change nothing here: they are about time, space, files and
    /// followers.
    fn set(&mut self, name: &str, value: &Value<'_>) {
        match *value {
            Value::Number(number) => self.set_number(name, number),
            Value::Word(word) if name == "message.timestamp.type" => {
                let append = word == "LogAppendTime";
                self.timestamp_type =
                    if append { TimestampType::LogAppendTime } else { TimestampType::CreateTime };
            }
            Value::Word(word) if name == "compression.type" => self.compression = compression(word),
            // An empty list keeps everything (Apache Kafka 4.1).
            Value::List(ref policies) if name == "cleanup.policy" => {
                (self.compacted, self.deletes) =
                    (policies.contains(&"compact"), policies.contains(&"delete"));
            }
            _ => {}
        }
    }

    /// How hard a codec tries where batches are written anew.
    pub(in crate::broker) fn level(&self, codec: Compression) -> Option<i32> {
        match codec {
            Compression::Gzip => Some(self.gzip_level),
            Compression::Zstd => Some(self.zstd_level),
            _ => None,
        }
    }

    fn set_number(&mut self, name: &str, number: i64) {
        let size = usize::try_from(number).unwrap_or(0);
        match name {
            "max.message.bytes" => self.max_message_bytes = size,
            "message.timestamp.before.max.ms" => self.timestamp_before_max_ms = number,
            "message.timestamp.after.max.ms" => self.timestamp_after_max_ms = number,
            "min.insync.replicas" => self.min_insync_replicas = size,
            // The one for tests comes last, and wins (`LogConfig.segmentSize`).
            "segment.bytes" | "internal.segment.bytes" => self.rolling.segment_bytes = size,
            "compression.gzip.level" => self.gzip_level = i32::try_from(number).unwrap_or(-1),
            "compression.zstd.level" => self.zstd_level = i32::try_from(number).unwrap_or(0),
            "segment.ms" => self.rolling.segment_ms = number,
            "segment.index.bytes" => self.rolling.index_bytes = size,
            "index.interval.bytes" => self.rolling.index_interval = size,
            "retention.ms" => self.retention.time_ms = number,
            "retention.bytes" => self.retention.size_bytes = number,
            _ => {}
        }
    }
}

/// What values must not be beside each other (`LogConfig.validateTopicLogConfigValues`).
fn check_together(values: &[(&str, Value<'_>)]) -> Result<(), ConfigError> {
    let number = |wanted: &str, default| {
        let found = values.iter().find(|(name, _)| *name == wanted);
        if let Some((_, Value::Number(number))) = found { *number } else { default }
    };
    let (least, most) = (number(MIN_LAG, 0), number(MAX_LAG, i64::MAX));
    if least > most {
        let message = format!("conflict topic config setting {MIN_LAG} ({least}) > {MAX_LAG} ({most})");
        return Err(ConfigError::Together(message));
    }
    if values.contains(&("remote.storage.enable", Value::Boolean(true))) {
        let message = "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote \
                       log storage.";
        return Err(ConfigError::Together(message.to_owned()));
    }
    Ok(())
}

fn compression(word: &str) -> Option<Compression> {
    match word {
        "uncompressed" => Some(Compression::None),
        "zstd" => Some(Compression::Zstd),
        "lz4" => Some(Compression::Lz4),
        "snappy" => Some(Compression::Snappy),
        "gzip" => Some(Compression::Gzip),
        // `producer` keeps what came.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_set_is_as_in_apache_kafka() {
        let config = TopicConfig::read(Emulate::V4_3, [("preallocate", "true"), ("flush.ms", "1")]).unwrap();
        assert_eq!(config, TopicConfig::default());
        assert_eq!(config.max_message_bytes, 1024 * 1024 + 12);
    }

    #[test]
    fn settings_are_read() {
        let config = TopicConfig::read(
            Emulate::V4_3,
            [
                ("max.message.bytes", "100"),
                ("message.timestamp.type", "LogAppendTime"),
                ("message.timestamp.before.max.ms", "5"),
                ("message.timestamp.after.max.ms", "6"),
                ("cleanup.policy", "delete, compact"),
                ("compression.type", "zstd"),
                ("compression.gzip.level", "-1"),
                ("compression.zstd.level", "-7"),
                ("min.insync.replicas", "2"),
                ("segment.bytes", "1048576"),
                ("segment.ms", "3"),
                ("retention.ms", "-1"),
                ("retention.bytes", "7"),
            ],
        );
        let expected = TopicConfig {
            max_message_bytes: 100,
            timestamp_type: TimestampType::LogAppendTime,
            timestamp_before_max_ms: 5,
            timestamp_after_max_ms: 6,
            compacted: true,
            compression: Some(Compression::Zstd),
            gzip_level: -1,
            zstd_level: -7,
            min_insync_replicas: 2,
            deletes: true,
            rolling: Rolling { segment_bytes: 1_048_576, segment_ms: 3, ..Rolling::default() },
            retention: Retention { time_ms: -1, size_bytes: 7 },
        };
        assert_eq!(config, Ok(expected));
        assert_eq!(
            TopicConfig::read(Emulate::V4_3, [("compression.type", "producer")]).unwrap().compression,
            None
        );
    }

    #[test]
    fn what_apache_kafka_refuses_is_refused() {
        let error = |name, value| TopicConfig::read(Emulate::V4_3, [(name, value)]).unwrap_err().to_string();
        assert_eq!(error("retention.mss", "5"), "Unknown topic config name: retention.mss");
        assert_eq!(
            error("message.timestamp.type", "Never"),
            "Invalid value Never for configuration message.timestamp.type: String must be one of: CreateTime, LogAppendTime"
        );
        assert!(error("max.message.bytes", "1MB").ends_with(": Not a number of type INT"));
        assert!(error("segment.bytes", "14").ends_with(": Value must be at least 1048576"));
        for (name, value) in [
            ("max.message.bytes", "-1"),
            ("max.message.bytes", "1MB"),
            ("min.insync.replicas", "0"),
            ("segment.bytes", "1048575"),
            ("cleanup.policy", "compact,never"),
            ("compression.type", "none"),
        ] {
            assert!(error(name, value).starts_with("Invalid value"), "{name} {value}");
        }
    }

    #[test]
    fn releases_differ_in_defaults_and_bounds() {
        assert_eq!(TopicConfig::of(Emulate::V3_9).timestamp_after_max_ms, i64::MAX);
        let settings = [("segment.bytes", "14"), ("message.downconversion.enable", "false")];
        assert!(TopicConfig::read(Emulate::V3_9, settings).is_ok());
        for setting in settings {
            assert!(TopicConfig::read(Emulate::V4_3, [setting]).is_err());
        }
        let small = [("internal.segment.bytes", "14"), ("segment.bytes", "1048576")];
        assert_eq!(TopicConfig::read(Emulate::V4_3, small).unwrap().rolling.segment_bytes, 14);
        assert!(TopicConfig::read(Emulate::V3_9, small).is_err());
    }

    #[test]
    fn values_are_of_their_type_and_in_their_bounds() {
        let error = |name, value| check_setting(Emulate::V4_3, name, value).unwrap_err().to_string();
        for (name, value, reason) in [
            ("retention.ms", "abc", "Not a number of type LONG"),
            ("retention.ms", "-2", "Value must be at least -1"),
            ("flush.messages", "0", "Value must be at least 1"),
            ("index.interval.bytes", "0x10", "Not a number of type INT"),
            ("preallocate", "yes", "Expected value to be either true or false"),
            ("min.cleanable.dirty.ratio", "1.5", "Value must be no more than 1"),
            ("min.cleanable.dirty.ratio", "-0.5", "Value must be at least 0"),
            ("min.cleanable.dirty.ratio", "x", "Not a number of type DOUBLE"),
            ("compression.gzip.level", "0", "Value must be between 1 and 9 or equal to -1"),
            ("compression.lz4.level", "18", "Value must be no more than 17"),
        ] {
            let expected = format!("Invalid value {value} for configuration {name}: {reason}");
            assert_eq!(error(name, value), expected);
        }
        assert!(error("cleanup.policy", "compact, never").starts_with("Invalid value never for"));
        let throttled = "leader.replication.throttled.replicas";
        assert!(error(throttled, "1:2, x").starts_with("Invalid value [1:2, x] for"));
        for (name, value) in [
            (throttled, "*"),
            (throttled, " 0:1, 1:2 "),
            ("preallocate", "TRUE"),
            ("max.message.bytes", " 100 "),
            ("cleanup.policy", ""),
            ("compression.gzip.level", "-1"),
            ("retention.bytes", "-9"),
        ] {
            assert_eq!(check_setting(Emulate::V4_3, name, value), Ok(()), "{name} {value}");
        }
        let both = [("retention.ms", "abc"), ("no.such", "1")];
        assert_eq!(TopicConfig::read(Emulate::V4_3, both), Err(ConfigError::Unknown("no.such".to_owned())));
    }
}
