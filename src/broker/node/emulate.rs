//! Which Apache Kafka a cluster behaves as.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A release of Apache Kafka. Where releases differ, the rules of the chosen one hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Emulate {
    /// Apache Kafka 3.9, as measured on 3.9.1. What `kafka-protocol` cannot decode (Produce 0 to 2, Fetch 0 to 3 and
    /// other versions that 4.0 has dropped) is advertised, and closes the connection.
    V3_9,
    /// Apache Kafka 4.3, as measured on 4.3.1.
    #[default]
    V4_3,
}

/// A version that no cluster can behave as.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("there is no Apache Kafka '{0}' to emulate: it is one of 3.9, 4.3")]
pub struct UnknownRelease(pub String);

impl Emulate {
    /// All of them, the oldest first.
    pub const ALL: [Self; 2] = [Self::V3_9, Self::V4_3];

    /// The version as it is written, such as `4.3`.
    pub fn name(self) -> &'static str {
        match self {
            Self::V3_9 => "3.9",
            Self::V4_3 => "4.3",
        }
    }
}

impl fmt::Display for Emulate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Emulate {
    type Err = UnknownRelease;

    fn from_str(name: &str) -> Result<Self, UnknownRelease> {
        let named = Self::ALL.into_iter().find(|release| release.name() == name);
        named.ok_or_else(|| UnknownRelease(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_read_as_it_is_written_and_the_newest_is_the_default() {
        for release in Emulate::ALL {
            assert_eq!(release.to_string().parse(), Ok(release));
        }
        assert_eq!(Emulate::default(), Emulate::ALL[Emulate::ALL.len() - 1]);
        let error = "0.8".parse::<Emulate>().unwrap_err();
        assert_eq!(error.to_string(), "there is no Apache Kafka '0.8' to emulate: it is one of 3.9, 4.3");
    }
}
