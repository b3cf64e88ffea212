//! Tells which message a record is.

use std::ops::Range;
use std::sync::Arc;

use crate::id::{MessageId, Submission, TopicIndex};
use crate::kafka::batch::Headers;
use crate::plan::message::{HEADERS, KEY, Shape, TAG, TIMESTAMP, VALUE};
use crate::plan::plan::{Batch, Plan};
use crate::plan::template::Draw;
use crate::trace::Content;

use super::look::{Look, matches};
use super::table::Table;

/// A record as it was seen in a log.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen<'a> {
    /// The key; none for no key.
    pub key: Option<&'a [u8]>,
    /// The value; none for a tombstone.
    pub value: Option<&'a [u8]>,
    /// The headers in their order, the runner's own included.
    pub headers: Headers<'a>,
    /// Milliseconds since 1970; none where it is the broker's own (`LogAppendTime`), which nobody sent.
    pub timestamp: Option<i64>,
}

/// Tells which message of a plan a record is. Owns what it needs of the plan.
#[derive(Debug)]
pub struct Recogniser {
    batches: Batches,
    /// The looks of each topic's messages that are recognised by their bytes.
    topics: Vec<Vec<Group>>,
    scratch: Vec<u8>,
}

/// All batches, by the number of their first message.
#[derive(Debug)]
struct Batches(Vec<Known>);

/// What has to be known of a batch.
#[derive(Debug)]
struct Known {
    run: Range<u32>,
    shape: Arc<Shape>,
    tagged: bool,
}

/// Messages of one topic that look alike but for their number.
#[derive(Debug)]
struct Group {
    look: Look,
    runs: Vec<Range<u32>>,
    table: Table,
}

impl Plan {
    /// Tells which message a record is. Where numbers cannot be found in the texts (`uuid()`), making it renders all
    /// those messages once and keeps 16 bytes of each.
    pub fn recogniser(&self) -> Recogniser {
        Recogniser::of(&self.batches, self.topics.len())
    }
}

impl Recogniser {
    fn of(batches: &[Batch], topics: usize) -> Self {
        let mut groups: Vec<Vec<Group>> = (0..topics).map(|_| Vec::new()).collect();
        for batch in batches.iter().filter(|batch| !batch.tagged()) {
            let Some(topic) = groups.get_mut(batch.topic.index()) else { continue };
            let run = batch.first.0..batch.first.0 + batch.count;
            if let Some(group) = topic.iter_mut().find(|group| group.look.is(&batch.message.shape)) {
                group.runs.push(run);
            } else {
                let look = Look::of(&batch.message.shape);
                topic.push(Group { look, runs: vec![run], table: Table::default() });
            }
        }
        for group in groups.iter_mut().flatten().filter(|group| group.look.needs_table()) {
            group.table = Table::of(&group.look, &group.runs);
        }
        let known = |batch: &Batch| Known {
            run: batch.first.0..batch.first.0 + batch.count,
            shape: Arc::clone(&batch.message.shape),
            tagged: batch.tagged(),
        };
        Self { batches: Batches(batches.iter().map(known).collect()), topics: groups, scratch: Vec::new() }
    }

    /// Which submission a record of a topic is, and whether it is as it was sent; none for one that this plan did not
    /// send. A record that stands in another topic than it was sent to is recognised too.
    pub fn recognise(&mut self, topic: TopicIndex, seen: &Seen<'_>) -> Option<(Submission, Content)> {
        let Self { batches, topics, scratch } = self;
        let (mut best, again) = match batches.by_header(seen, scratch) {
            Some((submission, content)) => (Some((submission.message.0, content)), submission.again),
            None => (None, 0),
        };
        let tagged = best.map(|(message, _)| message);
        let own = topic.index();
        let others = (0..topics.len()).filter(|other| *other != own);
        for topic in std::iter::once(own).chain(others) {
            if best.is_some_and(|(_, content)| content == Content::Intact) {
                break;
            }
            for group in topics.get(topic).into_iter().flatten() {
                let found = group.recognise(batches, seen, scratch);
                best = match found {
                    Some((_, Content::Intact)) => found,
                    _ => best.or(found),
                };
            }
        }
        best.map(|(message, content)| {
            let again = if Some(message) == tagged { again } else { 0 };
            (Submission { message: MessageId(message), again }, content)
        })
    }
}

impl Group {
    /// The message of this look that key and value tell, rather one that the record is just like.
    fn recognise(&self, batches: &Batches, seen: &Seen<'_>, scratch: &mut Vec<u8>) -> Option<(u32, Content)> {
        let text = self.look.table_text(seen.key, seen.value).filter(|_| self.look.needs_table());
        let listed = text.into_iter().flat_map(|text| self.table.find(text));
        let mut differs = None;
        for message in self.look.locate(seen.key, seen.value).chain(listed) {
            let run = self.runs.partition_point(|run| run.end <= message);
            if !self.runs.get(run).is_some_and(|run| run.contains(&message)) {
                continue;
            }
            match batches.content(message, seen, scratch)? {
                Content::Intact => return Some((message, Content::Intact)),
                Content::Differs => differs = differs.or(Some((message, Content::Differs))),
            }
        }
        differs
    }
}

impl Batches {
    fn of(&self, message: u32) -> Option<&Known> {
        let after = self.0.partition_point(|batch| batch.run.start <= message);
        let batch = self.0.get(after.checked_sub(1)?)?;
        batch.run.contains(&message).then_some(batch)
    }

    /// The submission that the runner's own header names.
    fn by_header(&self, seen: &Seen<'_>, scratch: &mut Vec<u8>) -> Option<(Submission, Content)> {
        let tag = seen.headers.iter().filter(|header| header.key == TAG.as_bytes()).last()?;
        let text = std::str::from_utf8(tag.value?).ok()?;
        let number = text.trim_end_matches('\'');
        let again = u16::try_from(text.len() - number.len()).ok()?;
        let message = number.parse().ok()?;
        self.of(message).filter(|batch| batch.tagged)?;
        let content = self.content(message, seen, scratch)?;
        Some((Submission { message: MessageId(message), again }, content))
    }

    /// Whether a record is a message as it was sent.
    fn content(&self, message: u32, seen: &Seen<'_>, scratch: &mut Vec<u8>) -> Option<Content> {
        let Known { shape, tagged, .. } = self.of(message)?;
        let draw = |part| Draw { seed: shape.seed, message, part };
        let intact = matches(shape.key.as_ref(), draw(KEY), seen.key, scratch)
            && matches(shape.value.as_ref(), draw(VALUE), seen.value, scratch)
            && same_headers(shape, message, *tagged, seen, scratch)
            && match (shape.timestamp.of(draw(TIMESTAMP)), seen.timestamp) {
                (Ok(Some(sent)), Some(seen)) => sent == seen,
                _ => true,
            };
        Some(if intact { Content::Intact } else { Content::Differs })
    }
}

/// Whether the headers are those that were sent, the runner's own left out.
fn same_headers(shape: &Shape, message: u32, tagged: bool, seen: &Seen<'_>, scratch: &mut Vec<u8>) -> bool {
    if seen.headers.len() != shape.headers.len() + usize::from(tagged) {
        return false;
    }
    // The runner's own stands behind all others.
    let sent = (HEADERS..).zip(&shape.headers);
    sent.zip(seen.headers.iter()).all(|((part, (name, template)), header)| {
        let draw = Draw { seed: shape.seed, message, part };
        header.key == name.as_bytes() && matches(template.as_ref(), draw, header.value, scratch)
    })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use proptest::prelude::*;

    use super::*;
    use crate::kafka::batch::{BatchBuilder, NewRecord};
    use crate::plan::{Message, Options, of};
    use crate::source::Source;

    fn plan(text: &str) -> Plan {
        let loaded = of(&Arc::new(Source::new("a.yaml", text)), Options::default());
        loaded.plans.into_iter().next().unwrap_or_else(|| panic!("{text}\n{:#?}", loaded.diagnostics))
    }

    /// What the recogniser says of a message as it stands in a log of that topic.
    fn recognised(
        recogniser: &mut Recogniser,
        topic: TopicIndex,
        message: &Message,
    ) -> Option<(Submission, Content)> {
        let headers: Vec<_> =
            message.headers.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect();
        let record = NewRecord {
            timestamp: message.timestamp.unwrap_or(1),
            key: message.key.as_deref(),
            value: message.value.as_deref(),
            headers: &headers,
        };
        let batch = BatchBuilder::default().record(record).build().unwrap();
        let payload = batch.payload(1 << 30).unwrap();
        let record = batch.records(&payload).next().unwrap().unwrap();
        let timestamp = Some(record.timestamp(&batch));
        recogniser.recognise(
            topic,
            &Seen { key: record.key, value: record.value, headers: record.headers, timestamp },
        )
    }

    fn rendered(plan: &Plan, message: u32) -> (TopicIndex, Message) {
        let batch = plan.batch_of(MessageId(message)).unwrap();
        let mut into = Message::default();
        batch.render(MessageId(message), &mut into).unwrap();
        (batch.topic, into)
    }

    /// Every message of the plan is recognised as itself, as it was sent.
    fn all_are_themselves(plan: &Plan) {
        let mut recogniser = plan.recogniser();
        for number in 0..plan.messages() {
            let (topic, message) = rendered(plan, number);
            let expected = Some((Submission::first(MessageId(number)), Content::Intact));
            assert_eq!(
                recognised(&mut recogniser, topic, &message),
                expected,
                "message {number}: {message:?}"
            );
        }
    }

    fn tagged(text: &str) -> Vec<bool> {
        let plan = plan(text);
        all_are_themselves(&plan);
        plan.batches.iter().map(Batch::tagged).collect()
    }

    #[test]
    fn a_header_is_added_only_where_bytes_do_not_tell() {
        assert_eq!(tagged("topic: a\ncount: 200\nvalue: \"a{{ i }}\"\n"), [false]);
        assert_eq!(tagged("topic: a\ncount: 200\nkey: \"{{ pad(i, 2) }}\"\nvalue: null\n"), [false]);
        assert_eq!(tagged("topic: a\ncount: 200\nvalue: \"{{ uuid() }}\"\n"), [false]);
        assert_eq!(tagged("topic: a\ncount: 200\nvalue: \"{{ i }}{{ n }}\"\n"), [false]);
        assert_eq!(tagged("topic: a\ncount: 200\nvalue: \"{{ i }}{% if true %}x{% endif %}\"\n"), [false]);
        assert_eq!(tagged("topic: a\ncount: 200\nvalue: \"{{ random(1, 2) }}-{{ i }}\"\n"), [false]);
        assert_eq!(tagged("topic: a\ncount: 200\nvalue: \"{{ random(1, 99) }}{{ i }}\"\n"), [true]);
        assert_eq!(tagged("topic: a\ncount: 200\nvalue: same\n"), [true]);
        assert_eq!(tagged("topic: a\ncount: 200\nvalue: \"{{ i % 3 }}\"\n"), [true]);
        assert_eq!(tagged("topic: a\ncount: 200\nheaders: {a: \"{{ i }}\"}\nvalue: null\n"), [true]);
    }

    #[test]
    fn batches_of_one_topic_are_told_from_each_other() {
        let two = |a: &str, b: &str| {
            tagged(&format!(
                "topic: a\nsteps:\n  - send: {{count: 20, value: \"{a}\"}}\n  - send: {{count: 200, value: \"{b}\"}}\n"
            ))
        };
        assert_eq!(two("a{{ i }}", "a{{ i }}"), [false, false]);
        assert_eq!(two("a{{ i }}", "b{{ i }}"), [false, false]);
        assert_eq!(two("{{ i }}", "1{{ i }}"), [false, false]);
        assert_eq!(two("1{{ i }}", "{{ i }}"), [false, true]);
        assert_eq!(two("{{ pad(i, 3) }}", "{{ i }}"), [false, false]);
        assert_eq!(two("{{ pad(i, 3) }}", "00{{ i }}"), [false, false]);
        assert_eq!(two("{{ uuid() }}", "{{ i }}{{ uuid() }}"), [false, false]);
        assert_eq!(two("{{ i }}{% if i %}1{% endif %}", "{{ i }}"), [false, true]);
        assert_eq!(two("same", "{{ i }}"), [true, false]);
    }

    #[test]
    fn what_differs_is_seen_as_that() {
        let plan = plan(
            "topic: a\ncount: 20\nkey: \"{{ i }}\"\nvalue: \"v{{ i }}\"\nheaders: {h: \"{{ i }}\"}\ntimestamp: \"{{ 1000 + i }}\"\n",
        );
        let mut recogniser = plan.recogniser();
        let differs = Some((Submission::first(MessageId(7)), Content::Differs));
        let change = |change: fn(&mut Message)| {
            let (topic, mut message) = rendered(&plan, 7);
            change(&mut message);
            (topic, message)
        };
        for (topic, message) in [
            change(|message| message.value = Some(b"v8".to_vec())),
            change(|message| message.value = None),
            change(|message| message.key = None),
            change(|message| message.headers.clear()),
            change(|message| message.headers[0].1 = None),
            change(|message| message.headers.push(("inflight".to_owned(), Some(b"7".to_vec())))),
            change(|message| message.timestamp = Some(5)),
        ] {
            assert_eq!(recognised(&mut recogniser, topic, &message), differs, "{message:?}");
        }
        let foreign = Message { value: Some(b"v99".to_vec()), ..Message::default() };
        assert_eq!(recognised(&mut recogniser, TopicIndex(0), &foreign), None);
    }

    #[test]
    fn a_record_in_another_topic_is_recognised() {
        let plan = plan(
            "topics: [a, b]\nsteps:\n  - send: {count: 2, topic: a, value: \"a{{ i }}\"}\n  - send: {count: 2, topic: b, value: \"b{{ i }}\"}\n",
        );
        let (_, message) = rendered(&plan, 1);
        let expected = Some((Submission::first(MessageId(1)), Content::Intact));
        assert_eq!(recognised(&mut plan.recogniser(), TopicIndex(1), &message), expected);
    }

    fn templates() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            3 => "[01a]{0,2}",
            3 => Just("{{ i }}".to_owned()),
            2 => (1..5_usize).prop_map(|width| format!("{{{{ pad(i, {width}) }}}}")),
            1 => Just("{{ uuid() }}".to_owned()),
            1 => Just("{{ n }}".to_owned()),
            1 => Just("{{ random(0, 12) }}".to_owned()),
            1 => Just("{% if i % 2 %}1{% endif %}".to_owned()),
            1 => Just("{{ i % 7 }}".to_owned()),
        ];
        prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn whatever_is_sent_every_message_is_recognised_as_itself(
            sends in prop::collection::vec((1..120_u32, templates(), prop::option::of(templates()), 0..2_u8), 1..5)
        ) {
            let mut text = "topics: [a, b]\nsteps:\n".to_owned();
            for (count, value, key, topic) in sends {
                let key = key.map_or("null".to_owned(), |key| format!("\"{key}\""));
                let topic = ["a", "b"][usize::from(topic)];
                writeln!(text, "  - send: {{count: {count}, value: \"{value}\", key: {key}, topic: {topic}}}").unwrap();
            }
            all_are_themselves(&plan(&text));
        }

        #[test]
        fn no_record_makes_it_panic(
            value in prop::option::of(any::<Vec<u8>>()), tag in prop::option::of("[0-9']{0,12}"), key in templates()
        ) {
            let plan = plan(&format!("topic: a\ncount: 9\nkey: \"{key}\"\n"));
            let headers = tag.map(|tag| ("inflight".to_owned(), Some(tag.into_bytes()))).into_iter().collect();
            recognised(&mut plan.recogniser(), TopicIndex(0), &Message { value, headers, ..Message::default() });
        }
    }

    #[test]
    fn the_runners_own_header_tells_submissions_apart() {
        let plan = plan("topic: t\nsteps:\n  - send: 3\n  - send: {again: [1, 1]}\n");
        let mut recogniser = plan.recogniser();
        for again in 0..3 {
            let submission = Submission { message: MessageId(1), again };
            let mut message = Message::default();
            plan.batches[0].render_again(submission, &mut message).unwrap();
            let found = recognised(&mut recogniser, TopicIndex(0), &message);
            assert_eq!(found, Some((submission, Content::Intact)));
        }
    }
}
