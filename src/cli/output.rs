//! Where a command prints: results to the standard output, what goes wrong with the command itself to the standard
//! error. A reader that has gone away is no error.

use std::io::{self, ErrorKind, IsTerminal, StdoutLock, Write};
use std::num::NonZeroUsize;

use anstream::{AutoStream, ColorChoice};

use crate::report::{Paint, printable};

use super::exit::Failure;

pub(super) struct Output {
    pub(super) stdout: StdoutLock<'static>,
    /// Of the standard output.
    pub(super) paint: Paint,
    /// Of the standard error.
    pub(super) error_paint: Paint,
    /// Both are terminals: a bar that moves is seen, and disturbs nothing.
    pub(super) bar: bool,
    /// The width of the standard output in cells, where it is a terminal.
    pub(super) width: Option<NonZeroUsize>,
}

impl Output {
    /// As the process was given them. Colours follow the terminal, `NO_COLOR` and `CLICOLOR_FORCE`.
    pub(super) fn of_process() -> Self {
        let (stdout, stderr) = (io::stdout(), io::stderr());
        Self {
            paint: paint(AutoStream::choice(&stdout)),
            error_paint: paint(AutoStream::choice(&stderr)),
            bar: stdout.is_terminal() && stderr.is_terminal(),
            width: terminal_size_of(&stdout),
            stdout: stdout.lock(),
        }
    }

    /// Prints text as it is.
    pub(super) fn print(&mut self, text: &str) -> Result<(), Failure> {
        forgive(self.stdout.write_all(text.as_bytes()))
    }

    /// Prints a line of text that users may have had a hand in.
    pub(super) fn line(&mut self, line: &str) -> Result<(), Failure> {
        forgive(writeln!(self.stdout, "{}", printable(line)))
    }

    /// Prints text as it is to the standard error.
    pub(super) fn complain(text: &str) {
        // Nobody is left to be told that this failed.
        drop(io::stderr().lock().write_all(text.as_bytes()));
    }

    /// Says what is wrong with the command as a whole.
    pub(super) fn error(&self, message: &str) {
        let lines: Vec<_> = message.lines().map(printable).collect();
        Self::complain(&format!("{} {}\n", self.error_paint.error(), lines.join("\n")));
    }

    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        forgive(self.stdout.flush())
    }
}

fn terminal_size_of(stdout: &io::Stdout) -> Option<NonZeroUsize> {
    let (width, _) = terminal_size::terminal_size_of(stdout)?;
    NonZeroUsize::new(width.0.into())
}

/// A stream that refuses is a broken world, unless its reader has gone.
pub(super) fn forgive(done: io::Result<()>) -> Result<(), Failure> {
    match done {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::broken(format!("cannot write to the standard output: {error}")))
        }
        _ => Ok(()),
    }
}

fn paint(choice: ColorChoice) -> Paint {
    if choice == ColorChoice::Never { Paint::PLAIN } else { Paint::COLOUR }
}
