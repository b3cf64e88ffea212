//! What belongs to the language and is not built yet: known to the reader, refused by its name, so that no file means
//! something else later.

/// By the type of the vocabulary that owns it: the words of it that come later. None at present.
pub(super) const LATER: &[(&str, &[&str])] = &[];

/// The words of a type that come later.
pub(super) fn of(owner: &str) -> &'static [&'static str] {
    LATER.iter().find(|(name, _)| *name == owner).map_or(&[], |(_, words)| words)
}
