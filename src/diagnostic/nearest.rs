//! The known name that is nearest to one that is not known.

/// Words longer than this are compared with nothing: they are no slip of the finger.
const LONGEST: usize = 40;

/// The nearest of the known names, if any is near enough to be a slip of the finger.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.chars().count() > LONGEST {
        return None;
    }
    let word = word.to_lowercase();
    let likeness = |name: &str| (strsim::jaro_winkler(&word, name), strsim::damerau_levenshtein(&word, name));
    let near_in_length = |name: &&str| name.len().abs_diff(word.len()) <= name.len().div_ceil(2);
    known
        .into_iter()
        .filter(near_in_length)
        .map(|name| {
            let (likeness, edits) = likeness(&name.to_lowercase());
            (likeness, edits, name)
        })
        .filter(|(likeness, edits, name)| *likeness > 0.75 && *edits <= name.chars().count().div_ceil(2))
        .min_by(|a, b| a.1.cmp(&b.1).then(b.0.total_cmp(&a.0)))
        .map(|(_, _, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_finds_a_slip_and_leaves_the_rest_alone() {
        let known = ["count", "topic", "ack_wait", "mode"];
        assert_eq!(nearest("cuont", known), Some("count"));
        assert_eq!(nearest("Topic", known), Some("topic"));
        assert_eq!(nearest("ackWait", known), Some("ack_wait"));
        assert_eq!(nearest("partition_count", known), None);
        assert_eq!(nearest(&"c".repeat(1_000_000), known), None);
    }
}
