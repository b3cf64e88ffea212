//! When a text is written, and where: what `INSTA_UPDATE` and `CI` mean for insta (1.49, `env.rs`, `utils.rs`).

use std::str::FromStr;

/// How snapshots are updated, as `INSTA_UPDATE` says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Update {
    /// Beside, to be reviewed; nothing where `CI` is set.
    #[default]
    Auto,
    /// In place, new and changed ones.
    Always,
    /// New ones in place, changed ones beside.
    Unseen,
    /// Beside, even where `CI` is set.
    New,
    /// Nothing.
    No,
    /// In place, even those whose text is the same: their headers are written anew.
    Force,
}

impl Update {
    /// The words, in the order of the reference.
    pub const WORDS: &[&str] = &["auto", "always", "new", "unseen", "no", "force"];
}

/// The word is none of [`Update::WORDS`].
#[derive(Debug, thiserror::Error)]
#[error("it is one of {}", Update::WORDS.join(", "))]
pub struct UnknownUpdate;

impl FromStr for Update {
    type Err = UnknownUpdate;

    /// An empty word is `auto`, `1` is `always`, as for insta.
    fn from_str(word: &str) -> Result<Self, UnknownUpdate> {
        match word {
            "" | "auto" => Ok(Self::Auto),
            "always" | "1" => Ok(Self::Always),
            "new" => Ok(Self::New),
            "unseen" => Ok(Self::Unseen),
            "no" => Ok(Self::No),
            "force" => Ok(Self::Force),
            _ => Err(UnknownUpdate),
        }
    }
}

/// What is written of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writes {
    /// Nothing.
    Nothing,
    /// The pending file beside the snapshot.
    Beside,
    /// The snapshot.
    InPlace,
}

/// Decides what is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// What the user wants.
    pub update: Update,
    /// Whether this is a continuous integration.
    pub ci: bool,
}

impl Policy {
    /// Of a text that is new, or differs from one that exists.
    pub fn of_difference(self, exists: bool) -> Writes {
        match self.update {
            Update::Auto if self.ci => Writes::Nothing,
            Update::Auto | Update::New => Writes::Beside,
            Update::Unseen if exists => Writes::Beside,
            Update::Unseen | Update::Always | Update::Force => Writes::InPlace,
            Update::No => Writes::Nothing,
        }
    }

    /// Whether a text that is the same is written all the same.
    pub fn rewrites_same(self) -> bool {
        self.update == Update::Force
    }

    /// Whether a pending file that has become pointless is removed.
    pub fn tidies(self) -> bool {
        self.of_difference(true) != Writes::Nothing
    }
}

/// Whether the environment is a continuous integration: `CI` is set and neither `false` nor `0`, or `TF_BUILD` is set.
pub fn is_ci(ci: Option<&str>, tf_build: bool) -> bool {
    match ci {
        Some("false" | "0" | "") => false,
        Some(_) => true,
        None => tf_build,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_means_what_it_means_for_insta() {
        use Writes::{Beside, InPlace, Nothing};
        let table = [
            ("", Beside, Beside, Nothing),
            ("auto", Beside, Beside, Nothing),
            ("always", InPlace, InPlace, InPlace),
            ("1", InPlace, InPlace, InPlace),
            ("new", Beside, Beside, Beside),
            ("unseen", InPlace, Beside, InPlace),
            ("no", Nothing, Nothing, Nothing),
            ("force", InPlace, InPlace, InPlace),
        ];
        for (word, new, changed, new_in_ci) in table {
            let update = word.parse().unwrap();
            let local = Policy { update, ci: false };
            assert_eq!(local.of_difference(false), new, "{word}");
            assert_eq!(local.of_difference(true), changed, "{word}");
            assert_eq!(Policy { update, ci: true }.of_difference(false), new_in_ci, "{word}");
        }
        assert!("maybe".parse::<Update>().is_err());
        assert!(Update::WORDS.iter().all(|word| word.parse::<Update>().is_ok()));
    }

    #[test]
    fn a_continuous_integration_is_known_as_insta_knows_it() {
        assert!(is_ci(Some("true"), false) && is_ci(Some("1"), false) && is_ci(None, true));
        assert!(!is_ci(Some("false"), true) && !is_ci(Some("0"), true) && !is_ci(Some(""), true));
        assert!(!is_ci(None, false));
    }
}
