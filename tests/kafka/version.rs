//! The releases of Apache Kafka that the broker is compared with.

use inflight::broker::Emulate;

/// A release, whose answers are recorded in a folder of its own.
#[derive(Debug)]
pub(crate) struct Version {
    pub(crate) name: &'static str,
    pub(crate) emulate: Emulate,
    /// Cases whose answers differ in this release alone, and why.
    differences: &'static str,
}

/// Cases whose answers differ in every release, and why nothing can be done about it.
const DIFFERENCES: &str = include_str!("differences");

/// All of them, the newest first.
pub(crate) static VERSIONS: [Version; 2] = [
    Version { name: "4.3.1", emulate: Emulate::V4_3, differences: "" },
    Version { name: "3.9.1", emulate: Emulate::V3_9, differences: include_str!("differences-3.9.1") },
];

/// The newest.
pub(crate) fn newest() -> &'static Version {
    &VERSIONS[0]
}

impl Version {
    /// The names of the cases that differ, with the reasons.
    pub(crate) fn differences(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let lines = DIFFERENCES.lines().chain(self.differences.lines());
        let lines = lines.filter(|line| !line.starts_with('#') && !line.is_empty());
        lines.map(|line| line.split_once(" — ").unwrap_or((line, "")))
    }
}
