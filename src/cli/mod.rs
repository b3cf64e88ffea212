//! The command line: reads arguments, environment and terminal, and does what they say. One file a command.

mod about;
mod broker;
mod check;
mod cluster;
pub mod exit;
mod list;
mod new;
mod output;
mod review;
mod run;
mod select;
mod show;
mod signals;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use exit::Failure;
use output::Output;

/// Runs scenarios of what a Kafka producer does between `send()` and the acknowledgement.
#[derive(Debug, Parser)]
#[command(name = "inflight", version, about, disable_help_subcommand = true)]
#[command(
    after_help = "Exit codes: 0 all passed, 1 a scenario failed or its snapshot differs, 2 a scenario file or \
                        the command line is wrong, 3 the world failed, 130 interrupted. The worst wins."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run scenarios and compare what happened with their snapshots
    Run(run::Run),
    /// Run scenarios and show what happened, moment by moment
    Show(show::Show),
    /// Read and validate scenarios, run nothing
    Check(check::Check),
    /// List scenarios, or the snapshots that wait for review
    List(list::List),
    /// Accept pending snapshots: all, or by name
    Accept(review::Review),
    /// Reject pending snapshots: all, or by name
    Reject(review::Review),
    /// Write a commented scenario to start from
    New(new::New),
    /// Serve the embedded broker by itself, for any client
    Broker(broker::Broker),
    /// Print the JSON Schema of the scenario language, for editors
    Schema(about::Schema),
    /// Say more about a mistake, by its code
    Explain(about::Explain),
    /// Print a completion script for a shell
    Completions(about::Completions),
}

/// Does what the arguments say, the program's own name first among them.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // A reader that has gone away is told nothing.
            drop(error.print());
            return u8::try_from(error.exit_code()).unwrap_or(exit::MISTAKE).into();
        }
    };
    let mut output = Output::of_process();
    let done = cli.command.execute(&mut output).and_then(|code| output.flush().map(|()| code));
    let code = done.unwrap_or_else(|failure| {
        output.error(&failure.message);
        failure.code
    });
    code.into()
}

impl Command {
    fn execute(self, output: &mut Output) -> Result<u8, Failure> {
        match self {
            Self::Run(run) => run.execute(output),
            Self::Show(show) => show.execute(output),
            Self::Check(check) => check.execute(output),
            Self::List(list) => list.execute(output),
            Self::Accept(review) => review.accept(output),
            Self::Reject(review) => review.reject(output),
            Self::New(new) => new.execute(output),
            Self::Broker(broker) => broker.execute(output),
            Self::Schema(schema) => schema.execute(output),
            Self::Explain(explain) => explain.execute(output),
            Self::Completions(completions) => completions.execute(Cli::command(), output),
        }
    }
}
