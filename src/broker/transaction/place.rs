//! Partitions as a transaction names them, and the partitions of the brokers' own topics.

use crate::broker::topic::internal::{OFFSETS, PARTITIONS};

/// A partition of a topic.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::broker) struct Place {
    /// The topic's name.
    pub topic: String,
    /// The partition, from 0.
    pub partition: i32,
}

impl Place {
    /// That partition of that topic.
    pub(in crate::broker) fn new(topic: &str, partition: i32) -> Self {
        Self { topic: topic.to_owned(), partition }
    }
}

/// The partition of `__consumer_offsets` in which the offsets of a group stand.
pub(in crate::broker) fn offsets_partition(group: &str) -> Place {
    Place::new(OFFSETS, partition_of(group))
}

/// The partition of a topic of 50 that a key belongs to (`Utils.abs(key.hashCode()) % 50`).
pub(super) fn partition_of(key: &str) -> i32 {
    let step = |hash: i32, unit: u16| hash.wrapping_mul(31).wrapping_add(i32::from(unit));
    let hash = key.encode_utf16().fold(0_i32, step);
    hash.checked_abs().unwrap_or(0) % i32::from(PARTITIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_belongs_to_the_partition_that_java_says() {
        // "orders".hashCode() = -1008770331, "我是你爹".hashCode() = 784410337: jshell.
        assert_eq!(partition_of(""), 0);
        assert_eq!(partition_of("a"), 97 % 50);
        assert_eq!(partition_of("orders"), 31);
        assert_eq!(
            partition_of("polygenelubricants"),
            0,
            "its hash is the least number, which has no absolute value"
        );
    }
}
