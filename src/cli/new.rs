//! `inflight new`.

use std::io::ErrorKind;
use std::path::PathBuf;

use clap::Args;

use crate::disk;
use crate::report::quoted;

use super::exit::{self, Failure};
use super::output::Output;

/// What is written.
const START: &str = "\
# What the application does, and what becomes of it. `inflight run` runs it against an embedded broker and writes what
# happened to a snapshot, for you to review; from then on any other order of events fails.
description: ten orders are sent and arrive in order

topic: orders           # or { name: orders, partitions: 3 }
count: 10               # how many messages; {{ i }} below is the number of each, from 0
key: \"order-{{ i }}\"    # leave it out for no key
value: \"order {{ i }}\"

mode: async             # sync: each send waits for its acknowledgement; { window: 3 }: at most three are unanswered
ack_wait: 5s            # how long the application waits for acknowledgements

# The producer's own settings, as librdkafka names them.
producer:
  config:
    acks: all
    enable.idempotence: true

# What must come out besides the snapshot; this is also what holds when nothing is said.
expect:
  delivered: all
";

/// Longer names fit into no file system.
const LONGEST: usize = 200;

#[derive(Args, Debug)]
pub(super) struct New {
    /// The scenario's name, such as orders/in-order: scenarios/orders/in-order.yaml is written
    #[arg(value_name = "NAME")]
    name: String,
}

impl New {
    /// Never overwrites a file.
    pub(super) fn execute(self, output: &mut Output) -> Result<u8, Failure> {
        let path = path_of(&self.name)?;
        disk::create(&path, START.as_bytes()).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists if error.path() == path => {
                Failure::mistake(format!("{} is there already", path.display()))
            }
            _ => error.into(),
        })?;
        output.line(&format!("wrote {}", path.display()))?;
        output.line(&format!("run it: inflight run {}", quoted(&path.display().to_string())))?;
        Ok(exit::PASSED)
    }
}

/// The file of a name: always in `scenarios/` or below.
fn path_of(name: &str) -> Result<PathBuf, Failure> {
    let refused = |why: &str| Err(Failure::mistake(format!("'{name}' is no name for a scenario: {why}")));
    let stem = name.strip_suffix(".yaml").or(name.strip_suffix(".yml")).unwrap_or(name);
    let stem = stem.strip_prefix("scenarios/").unwrap_or(stem);
    if stem.len() > LONGEST {
        return refused(&format!("it is longer than {LONGEST} bytes"));
    }
    if stem.chars().any(|c| c.is_control() || c == '\\') {
        return refused("it has a control character or a backslash in it");
    }
    if stem.split('/').any(|part| part.is_empty() || part.starts_with('.')) {
        return refused("each part of it starts with something other than a dot, and is not empty");
    }
    Ok(PathBuf::from(format!("scenarios/{stem}.yaml")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_into_scenarios() {
        for name in ["orders/in-order", "orders/in-order.yaml", "scenarios/orders/in-order.yml"] {
            assert_eq!(path_of(name).unwrap(), PathBuf::from("scenarios/orders/in-order.yaml"), "{name}");
        }
    }

    #[test]
    fn a_hostile_name_is_refused() {
        let long = "x".repeat(201);
        for name in ["", ".", "..", "../x", "/etc/x", "a//b", "a/../b", "a/", "a\0b", "a\nb", "..\\x", &long]
        {
            assert_eq!(path_of(name).unwrap_err().code, exit::MISTAKE, "{name:?}");
        }
    }
}
