//! The command line. A subcommand is a file here with an `Arguments` type and a `run` function,
//! one line in [`Command`] and one in [`Command::run`].

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

mod up;

/// Runs and operates sklad-edge.
#[derive(Debug, Parser)]
#[command(name = "sklad-edge", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the application of a spin.toml.
    Up(up::Arguments),
}

impl Command {
    async fn run(self) -> Result<ExitCode> {
        match self {
            Self::Up(arguments) => up::run(arguments).await,
        }
    }
}

/// Parses the command line and runs the command; an error goes to standard error.
pub fn run() -> ExitCode {
    let command = Cli::parse().command;
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    let result = runtime.block_on(command.run());
    // What still blocks (a guest's statement, a name lookup) must not hold the process.
    runtime.shutdown_background();
    result.unwrap_or_else(|error| failed(&error))
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("Error: {error:#}");
    ExitCode::FAILURE
}
