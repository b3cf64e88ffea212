//! `inflight schema`, `inflight explain` and `inflight completions`: what the program knows of itself.

use clap::{Args, Command};
use clap_complete::Shell;

use crate::diagnostic::Code;
use crate::scenario;

use super::exit::{self, Failure};
use super::output::Output;

#[derive(Args, Debug)]
pub(super) struct Schema {
    /// Print the reference for people instead, as Markdown
    #[arg(long)]
    reference: bool,
}

impl Schema {
    pub(super) fn execute(self, output: &mut Output) -> Result<u8, Failure> {
        let text = if self.reference { scenario::reference() } else { format!("{:#}\n", scenario::schema()) };
        output.print(&text)?;
        Ok(exit::PASSED)
    }
}

#[derive(Args, Debug)]
pub(super) struct Explain {
    /// The code, such as E012; without one all are listed
    #[arg(value_name = "CODE")]
    code: Option<String>,
}

impl Explain {
    pub(super) fn execute(self, output: &mut Output) -> Result<u8, Failure> {
        let Some(text) = self.code else {
            for code in Code::ALL {
                output.line(&format!("{}  {}", code.number(), code.word()))?;
            }
            return Ok(exit::PASSED);
        };
        let Some(code) = Code::from_text(&text) else {
            return Err(Failure::mistake(format!(
                "there is no mistake '{text}'\nhelp: `inflight schema`, `inflight explain` lists them all"
            )));
        };
        output.print(&format!("{}\n", code.explanation()))?;
        Ok(exit::PASSED)
    }
}

#[derive(Args, Debug)]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(super) fn execute(self, mut program: Command, output: &mut Output) -> Result<u8, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut program, "inflight", &mut script);
        output.print(&String::from_utf8_lossy(&script))?;
        Ok(exit::PASSED)
    }
}
