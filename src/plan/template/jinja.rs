//! Templates that minijinja renders, within limits of fuel and of output.

use std::io::{self, Write};

use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind};

use super::check;
use super::draw::Draw;
use super::environment::{FUEL, MAX_OUTPUT, Message, environment};
use super::fault::Fault;

/// The name of the only template in its environment.
const NAME: &str = "template";

/// A template that minijinja renders.
#[derive(Debug)]
pub(in crate::plan) struct Jinja {
    environment: Environment<'static>,
    messages: u32,
    identity: bool,
}

impl Jinja {
    pub(super) fn compile(text: &str, messages: u32) -> Result<Self, Vec<Fault>> {
        let mut environment = environment();
        let added = environment.add_template_owned(NAME, text.to_owned());
        added.map_err(|error| vec![Fault::syntax(&error)])?;
        Ok(Self { environment, messages, identity: check::has_identity(text) })
    }

    pub(super) fn has_identity(&self) -> bool {
        self.identity
    }

    /// Appends the text of one message, and says what it cost.
    pub(super) fn render(&self, draw: Draw, into: &mut Vec<u8>) -> Result<u64, String> {
        let message = Message::new(draw, self.messages);
        let limited = Limited { left: MAX_OUTPUT, into };
        let template = self.environment.get_template(NAME).map_err(|error| reason(&error))?;
        let done = template.render_captured_to(Value::from_object(message), limited);
        let done = done.map_err(|error| reason(&error))?;
        Ok(done.state().fuel_levels().map_or(FUEL, |(consumed, _)| consumed))
    }
}

/// What went wrong, in words for people.
fn reason(error: &Error) -> String {
    match error.kind() {
        ErrorKind::OutOfFuel => format!("it does not come to an end within {FUEL} steps"),
        ErrorKind::WriteFailure => format!("it makes more than {MAX_OUTPUT} bytes"),
        kind => match error.detail() {
            Some(detail) => format!("{kind}: {detail}"),
            None => kind.to_string(),
        },
    }
}

/// Takes so many bytes and no more.
struct Limited<'a> {
    left: usize,
    into: &'a mut Vec<u8>,
}

impl Write for Limited<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.left = self.left.checked_sub(bytes.len()).ok_or(io::ErrorKind::FileTooLarge)?;
        self.into.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
