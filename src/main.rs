//! Parses the command line, calls a command and turns its result into an exit code. Never decides anything else.

use std::process::ExitCode;

fn main() -> ExitCode {
    fristd::cli::main()
}
