//! Messages: what each of a batch looks like, and how one is made.

use std::sync::Arc;

use crate::id::MessageId;

use super::template::{Draw, Locator, Template, append_number};

/// The name of the record header by which a message is recognised where its bytes do not tell it.
pub const TAG: &str = "inflight";

/// What each message of a batch looks like: key, value, headers, partition and timestamp, each made from a template.
/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct MessageTemplate {
    pub(super) shape: Arc<Shape>,
    /// Messages carry the runner's own header, since their bytes do not tell them apart.
    pub(super) tagged: bool,
}

/// The templates of a message.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) seed: u64,
    pub(super) key: Option<Template>,
    pub(super) value: Option<Template>,
    pub(super) headers: Vec<(String, Option<Template>)>,
    pub(super) partition: Choice<i32>,
    pub(super) timestamp: Choice<i64>,
}

/// A number that a message may name.
#[derive(Debug)]
pub(super) enum Choice<T> {
    /// It names none.
    Client,
    /// The same for every message.
    Fixed(T),
    /// A template makes it.
    Template(Template),
}

/// What a scenario sends that says nothing of its messages: no key, their number as the value.
impl Default for MessageTemplate {
    fn default() -> Self {
        let shape = Shape {
            seed: 0,
            key: None,
            value: Some(Template::number()),
            headers: Vec::new(),
            partition: Choice::Client,
            timestamp: Choice::Client,
        };
        Self { shape: Arc::new(shape), tagged: false }
    }
}

/// The parts of a message, as random choices tell them apart; headers follow.
pub(super) const KEY: u32 = 0;
pub(super) const VALUE: u32 = 1;
pub(super) const PARTITION: u32 = 2;
pub(super) const TIMESTAMP: u32 = 3;
pub(super) const HEADERS: u32 = 4;

/// One message, ready to be sent. Its buffers are meant to be used again for the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The key; none for no key.
    pub key: Option<Vec<u8>>,
    /// The value; none for a tombstone.
    pub value: Option<Vec<u8>>,
    /// Headers in their order, the runner's own tag included where one is needed.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// The partition; none where the client chooses.
    pub partition: Option<i32>,
    /// Milliseconds since the epoch; none where the client takes its own clock.
    pub timestamp: Option<i64>,
}

/// Why a message could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {part} of message {message} cannot be made: {reason}")]
pub struct RenderError {
    /// Which message.
    pub message: MessageId,
    /// Which part of it: `key`, `value`, `header 'a'`, `partition`, `timestamp`.
    pub part: String,
    /// Why, in words for people.
    pub reason: String,
}

impl MessageTemplate {
    /// Whether messages have keys.
    pub(super) fn has_keys(&self) -> bool {
        self.shape.key.is_some()
    }

    /// Whether the number of a message can be told from its key.
    pub(super) fn has_distinct_keys(&self) -> bool {
        let pieces = self.shape.key.as_ref().and_then(Template::pieces);
        pieces.is_some_and(|pieces| Locator::of(pieces).is_some())
    }

    /// Whether messages name their partitions.
    pub(super) fn names_partitions(&self) -> bool {
        !matches!(self.shape.partition, Choice::Client)
    }

    /// Makes the key of a message and nothing else.
    pub(super) fn render_key(
        &self,
        message: MessageId,
        into: &mut Option<Vec<u8>>,
    ) -> Result<(), RenderError> {
        fill(self.shape.key.as_ref(), self.draw(message, KEY), into).map_err(|reason| RenderError {
            message,
            part: "key".to_owned(),
            reason,
        })
    }

    /// Makes the partition of a message and nothing else.
    pub(super) fn partition(&self, message: MessageId) -> Result<Option<i32>, RenderError> {
        self.shape.partition.of(self.draw(message, PARTITION)).map_err(|reason| RenderError {
            message,
            part: "partition".to_owned(),
            reason,
        })
    }

    fn draw(&self, message: MessageId, part: u32) -> Draw {
        Draw { seed: self.shape.seed, message: message.0, part }
    }

    /// Makes one message into a buffer that is used again and again.
    pub(super) fn render(&self, message: MessageId, into: &mut Message) -> Result<(), RenderError> {
        let shape = &*self.shape;
        let draw = |part| self.draw(message, part);
        let failed =
            |part: &'static str| move |reason| RenderError { message, part: part.to_owned(), reason };
        fill(shape.key.as_ref(), draw(KEY), &mut into.key).map_err(failed("key"))?;
        fill(shape.value.as_ref(), draw(VALUE), &mut into.value).map_err(failed("value"))?;
        let count = shape.headers.len();
        into.headers.resize_with(count + usize::from(self.tagged), Default::default);
        for (part, ((name, template), slot)) in (HEADERS..).zip(shape.headers.iter().zip(&mut into.headers)) {
            rename(&mut slot.0, name);
            fill(template.as_ref(), draw(part), &mut slot.1).map_err(|reason| RenderError {
                message,
                part: format!("header '{name}'"),
                reason,
            })?;
        }
        if let Some((name, value)) = into.headers.get_mut(count) {
            rename(name, TAG);
            let value = value.get_or_insert_default();
            value.clear();
            append_number(message.0, 1, value);
        }
        into.partition = shape.partition.of(draw(PARTITION)).map_err(failed("partition"))?;
        into.timestamp = shape.timestamp.of(draw(TIMESTAMP)).map_err(failed("timestamp"))?;
        Ok(())
    }
}

/// Sets a name, reusing its buffer.
fn rename(slot: &mut String, name: &str) {
    if slot != name {
        name.clone_into(slot);
    }
}

/// Fills one part of a message, reusing its buffer.
fn fill(template: Option<&Template>, draw: Draw, slot: &mut Option<Vec<u8>>) -> Result<(), String> {
    let Some(template) = template else {
        *slot = None;
        return Ok(());
    };
    let buffer = slot.get_or_insert_default();
    buffer.clear();
    template.render(draw, buffer).map(drop)
}

impl Shape {
    /// The templates of all parts, with the numbers by which random choices tell the parts apart.
    pub(super) fn templates(&self) -> impl Iterator<Item = (u32, &Template)> {
        let headers = self.headers.iter().map(|(_, template)| template.as_ref());
        let parts =
            [self.key.as_ref(), self.value.as_ref(), self.partition.template(), self.timestamp.template()];
        let all = (KEY..).zip(parts.into_iter().chain(headers));
        all.filter_map(|(part, template)| Some((part, template?)))
    }
}

impl<T> Choice<T> {
    fn template(&self) -> Option<&Template> {
        match self {
            Self::Template(template) => Some(template),
            Self::Client | Self::Fixed(_) => None,
        }
    }
}

impl<T: Copy + std::str::FromStr + PartialOrd + Default> Choice<T> {
    /// The number for one message.
    pub(super) fn of(&self, draw: Draw) -> Result<Option<T>, String> {
        match self {
            Self::Client => Ok(None),
            Self::Fixed(number) => Ok(Some(*number)),
            Self::Template(template) => {
                let mut text = Vec::new();
                template.render(draw, &mut text)?;
                number(&text).map(Some)
            }
        }
    }
}

/// The number that a template has made.
pub(super) fn number<T: std::str::FromStr + PartialOrd + Default>(text: &[u8]) -> Result<T, String> {
    let text = String::from_utf8_lossy(text);
    let number = text.trim().parse::<T>().ok().filter(|number| *number >= T::default());
    number.ok_or_else(|| {
        let shown: String = text.chars().take(40).collect();
        format!("'{shown}' is no whole number from 0")
    })
}
