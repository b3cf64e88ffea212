//! Hands the arguments to the library, and its exit code to the system.

use std::process::ExitCode;

fn main() -> ExitCode {
    inflight::cli::main(std::env::args_os())
}
