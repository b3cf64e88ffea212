//! The settings of a topic, as far as they change what a producer sees
//! (`clients/…/common/config/TopicConfig.java`, defaults from `ServerLogConfigs` and `LogConfig`).

use std::str::FromStr;

use thiserror::Error;

use crate::broker::node::emulate::Emulate;
use crate::broker::partition::log::retention::Retention;
use crate::broker::topic::describe::BEFORE_4_0;
use crate::kafka::batch::{Compression, TimestampType};

/// A setting that Apache Kafka would refuse with `INVALID_CONFIG`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// No topic has a setting of that name.
    #[error("Unknown topic config name: {0}")]
    Unknown(String),
    /// The setting exists, its value does not.
    #[error("Invalid value {value} for configuration {name}: {reason}")]
    Value {
        /// The setting.
        name: String,
        /// What was written.
        value: String,
        /// What would be right.
        reason: String,
    },
}

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
    /// `min.insync.replicas`.
    pub min_insync_replicas: usize,
    /// `cleanup.policy` has `delete`.
    pub deletes: bool,
    /// What is kept; `segment.bytes` is the upper bound of a batch too.
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
            min_insync_replicas: 1,
            deletes: true,
            retention: Retention {
                segment_bytes: 1_073_741_824,
                segment_ms: 604_800_000,
                time_ms: 604_800_000,
                size_bytes: -1,
            },
        }
    }
}

/// Settings of a topic that the broker acts on.
const WITH_EFFECT: &[&str] = &[
    "cleanup.policy",
    "compression.type",
    "max.message.bytes",
    "message.timestamp.after.max.ms",
    "message.timestamp.before.max.ms",
    "message.timestamp.type",
    "min.insync.replicas",
    "retention.bytes",
    "retention.ms",
    "segment.bytes",
    "segment.ms",
];

/// Settings of a topic that exist and change nothing here: about time, space, files and followers.
const WITHOUT_EFFECT: &[&str] = &[
    "compression.gzip.level",
    "compression.lz4.level",
    "compression.zstd.level",
    "delete.retention.ms",
    "file.delete.delay.ms",
    "flush.messages",
    "flush.ms",
    "follower.replication.throttled.replicas",
    "index.interval.bytes",
    "leader.replication.throttled.replicas",
    "local.retention.bytes",
    "local.retention.ms",
    "max.compaction.lag.ms",
    "min.cleanable.dirty.ratio",
    "min.compaction.lag.ms",
    "preallocate",
    "remote.log.copy.disable",
    "remote.log.delete.on.disable",
    "remote.storage.enable",
    "segment.index.bytes",
    "segment.jitter.ms",
    "unclean.leader.election.enable",
];

/// Whether a topic can have a setting, as Apache Kafka would say when it is created with it.
pub fn check_setting(name: &str, value: &str) -> Result<(), ConfigError> {
    TopicConfig::read(Emulate::default(), [(name, value)]).map(drop)
}

/// The names of all settings that a topic can have.
pub fn setting_names() -> impl Iterator<Item = &'static str> {
    WITH_EFFECT.iter().chain(WITHOUT_EFFECT).copied()
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
        settings: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, ConfigError> {
        let mut config = Self::of(emulate);
        for (name, value) in settings {
            config.set(emulate, name, value.trim())?;
        }
        Ok(config)
    }

    fn set(&mut self, emulate: Emulate, name: &str, value: &str) -> Result<(), ConfigError> {
        match name {
            "max.message.bytes" => self.max_message_bytes = int(name, value, 0)?,
            "message.timestamp.before.max.ms" => {
                self.timestamp_before_max_ms = long(name, value, 0)?;
            }
            "message.timestamp.after.max.ms" => {
                self.timestamp_after_max_ms = long(name, value, 0)?;
            }
            "min.insync.replicas" => self.min_insync_replicas = int(name, value, 1)?,
            "segment.bytes" => self.retention.segment_bytes = int(name, value, min_segment(emulate))?,
            "segment.ms" => self.retention.segment_ms = long(name, value, 1)?,
            "retention.ms" => self.retention.time_ms = long(name, value, -1)?,
            "retention.bytes" => self.retention.size_bytes = long(name, value, i64::MIN)?,
            "message.timestamp.type" => {
                self.timestamp_type = choice(name, value, &TIMESTAMP_TYPES)?;
            }
            "compression.type" => self.compression = choice(name, value, &COMPRESSIONS)?,
            "cleanup.policy" => (self.compacted, self.deletes) = policies(name, value)?,
            _ if WITHOUT_EFFECT.contains(&name) => {}
            _ if emulate < Emulate::V4_3 && BEFORE_4_0.contains(&name) => {}
            _ => return Err(ConfigError::Unknown(name.to_owned())),
        }
        Ok(())
    }
}

/// The least that `segment.bytes` may be, which is more since Apache Kafka 4.0 (KIP-1030).
fn min_segment(emulate: Emulate) -> i32 {
    if emulate >= Emulate::V4_3 { 1024 * 1024 } else { 14 }
}

const TIMESTAMP_TYPES: [(&str, TimestampType); 2] =
    [("CreateTime", TimestampType::CreateTime), ("LogAppendTime", TimestampType::LogAppendTime)];

const COMPRESSIONS: [(&str, Option<Compression>); 6] = [
    ("uncompressed", Some(Compression::None)),
    ("zstd", Some(Compression::Zstd)),
    ("lz4", Some(Compression::Lz4)),
    ("snappy", Some(Compression::Snappy)),
    ("gzip", Some(Compression::Gzip)),
    ("producer", None),
];

fn int(name: &str, value: &str, least: i32) -> Result<usize, ConfigError> {
    let number = number(name, value, (least, "INT"))?;
    Ok(usize::try_from(number).unwrap_or(0))
}

fn long(name: &str, value: &str, least: i64) -> Result<i64, ConfigError> {
    number(name, value, (least, "LONG"))
}

fn number<T>(name: &str, value: &str, (least, kind): (T, &str)) -> Result<T, ConfigError>
where
    T: FromStr + PartialOrd + std::fmt::Display,
{
    let number = value.parse().map_err(|_| refused(name, value, format!("Not a number of type {kind}")))?;
    if number < least {
        return Err(refused(name, value, format!("Value must be at least {least}")));
    }
    Ok(number)
}

fn choice<T: Copy>(name: &str, value: &str, choices: &[(&str, T)]) -> Result<T, ConfigError> {
    let names = || choices.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let found = choices.iter().find(|(choice, _)| *choice == value);
    found
        .map(|(_, meant)| *meant)
        .ok_or_else(|| refused(name, value, format!("String must be one of: {}", names())))
}

/// A list of `compact` and `delete`; an empty one keeps everything (Apache Kafka 4.1).
fn policies(name: &str, value: &str) -> Result<(bool, bool), ConfigError> {
    let policies: Vec<_> = value.split(',').map(str::trim).filter(|policy| !policy.is_empty()).collect();
    match policies.iter().find(|policy| !["compact", "delete"].contains(policy)) {
        Some(_) => Err(refused(name, value, "String must be one of: compact, delete".to_owned())),
        None => Ok((policies.contains(&"compact"), policies.contains(&"delete"))),
    }
}

fn refused(name: &str, value: &str, reason: String) -> ConfigError {
    ConfigError::Value { name: name.to_owned(), value: value.to_owned(), reason }
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
            min_insync_replicas: 2,
            deletes: true,
            retention: Retention { segment_bytes: 1_048_576, segment_ms: 3, time_ms: -1, size_bytes: 7 },
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
    }

    #[test]
    fn every_listed_name_is_a_setting() {
        for name in setting_names() {
            assert!(!matches!(check_setting(name, "nonsense"), Err(ConfigError::Unknown(_))), "{name}");
        }
        assert!(WITH_EFFECT.iter().all(|name| check_setting(name, "nonsense").is_err()));
    }
}
