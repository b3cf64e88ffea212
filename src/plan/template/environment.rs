//! The environment of all templates: minijinja's filters and tests, the variables `i` and `n`, and our functions.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Object, Value};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, State, UndefinedBehavior};

use super::draw::Draw;

/// What one rendering makes at most, in bytes: 16 MiB.
pub(in crate::plan) const MAX_OUTPUT: usize = 16 << 20;
/// What one rendering may cost, in minijinja's units of fuel.
pub(in crate::plan) const FUEL: u64 = 100_000;
/// The name by which a template's functions find the message that is rendered; no template can write it.
const MESSAGE: &str = "\0message";

/// The environment of all templates: minijinja's filters and tests, and our functions.
pub(super) fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_syntax(syntax());
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_debug(false);
    environment.remove_global("debug");
    environment.add_function("uuid", uuid);
    environment.add_function("random", random);
    environment.add_function("repeat", repeat);
    environment.add_function("pad", pad);
    environment
}

/// The syntax of all templates: jinja's, and a line break at the end is kept.
pub(super) fn syntax() -> SyntaxConfig {
    let builder = SyntaxConfig::builder().keep_trailing_newline(true).build();
    builder.unwrap_or_default()
}

/// The message that is rendered, as the variables of its template.
#[derive(Debug)]
pub(super) struct Message {
    draw: Draw,
    messages: u32,
    choices: AtomicU32,
}

impl Object for Message {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str()? {
            "i" => Some(Value::from(self.draw.message)),
            "n" => Some(Value::from(self.messages)),
            MESSAGE => Some(Value::from_dyn_object(Arc::clone(self))),
            _ => None,
        }
    }
}

impl Message {
    /// The message that a draw is for, in a plan of so many messages.
    pub(super) fn new(draw: Draw, messages: u32) -> Self {
        Self { draw, messages, choices: AtomicU32::new(0) }
    }

    /// The message that is rendered, and the number of its next random choice.
    fn choose(state: &State<'_, '_>) -> Result<(Draw, u32), Error> {
        let value = state.lookup(MESSAGE);
        let message = value.as_ref().and_then(|value| value.downcast_object_ref::<Self>());
        let message =
            message.ok_or_else(|| Error::new(ErrorKind::InvalidOperation, "no message is rendered"))?;
        Ok((message.draw, message.choices.fetch_add(1, Ordering::Relaxed)))
    }
}

fn uuid(state: &State<'_, '_>) -> Result<String, Error> {
    let (draw, choice) = Message::choose(state)?;
    Ok(String::from_utf8_lossy(&draw.uuid(choice)).into_owned())
}

fn random(state: &State<'_, '_>, low: i64, high: i64) -> Result<i64, Error> {
    let (draw, choice) = Message::choose(state)?;
    if low > high {
        let detail = format!("random({low}, {high}) has nothing to choose from");
        return Err(Error::new(ErrorKind::InvalidOperation, detail));
    }
    Ok(draw.between(choice, low, high))
}

#[expect(clippy::needless_pass_by_value, reason = "minijinja hands arguments over by value")]
fn repeat(text: String, count: Value) -> Result<String, Error> {
    let count = times(&count).map_err(|detail| Error::new(ErrorKind::InvalidOperation, detail))?;
    if text.len().saturating_mul(count) > MAX_OUTPUT {
        let detail = format!("repeat makes more than {MAX_OUTPUT} bytes");
        return Err(Error::new(ErrorKind::InvalidOperation, detail));
    }
    Ok(text.repeat(count))
}

#[expect(clippy::needless_pass_by_value, reason = "minijinja hands arguments over by value")]
fn pad(value: Value, width: u32) -> Result<String, Error> {
    let width = usize::try_from(width).unwrap_or(MAX_OUTPUT);
    if width > MAX_OUTPUT {
        let detail = format!("pad makes more than {MAX_OUTPUT} bytes");
        return Err(Error::new(ErrorKind::InvalidOperation, detail));
    }
    let text = value.to_string();
    let zeros = width.saturating_sub(text.chars().count());
    Ok("0".repeat(zeros) + &text)
}

/// How often `repeat` repeats: a number, or a size such as `1MiB`.
pub(super) fn times(value: &Value) -> Result<usize, String> {
    let wrong = || format!("repeat takes a number or a size such as '1MiB', not '{value}'");
    if value.is_integer() {
        return usize::try_from(value.clone()).map_err(|_| wrong());
    }
    let text = value.as_str().ok_or_else(wrong)?;
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = match unit.trim_start() {
        "" | "B" => 1,
        "kB" => 1_000,
        "KiB" => 1 << 10,
        "MB" => 1_000_000,
        "MiB" => 1 << 20,
        "GB" => 1_000_000_000,
        "GiB" => 1 << 30,
        _ => return Err(wrong()),
    };
    number.parse::<usize>().ok().and_then(|number| number.checked_mul(unit)).ok_or_else(wrong)
}
