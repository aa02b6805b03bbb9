//! `sklad-edge demo`: a shop to look at, and a till that sells in it.

mod receipt;
mod seed;
mod shop;
mod till;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};

use super::api::{Connection, finish};

/// A shop to look at, and a till that sells in it.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Creates the demo tenant with a programme, goods and customers, if it is not there.
    Seed(Place),
    /// Plays a till: search, balance, «Итого», «Баллы», sale, partial return.
    Till(till::Arguments),
}

/// Which demo tenant, and where its key is kept.
#[derive(Debug, Args)]
struct Place {
    /// The tenant.
    #[arg(long, default_value = "demo")]
    tenant: String,
    /// The file in which the till's key is kept: a key is shown only once.
    #[arg(long, default_value = ".spin/demo-key")]
    key_file: PathBuf,
}

impl Place {
    /// What a merchant pastes into МойСклад as the address.
    fn base_url(&self, connection: &Connection) -> String {
        let url = connection.url.trim_end_matches('/');
        format!("{url}/t/{}/rest/integration/moysklad/v1", self.tenant)
    }

    /// The key in the file, if there is one.
    fn key(&self) -> Option<String> {
        let text = std::fs::read_to_string(&self.key_file).ok()?;
        Some(text.trim().to_owned()).filter(|key| !key.is_empty())
    }
}

/// Runs the command.
pub async fn run(arguments: Arguments) -> Result<ExitCode> {
    let connection = arguments.connection;
    Ok(finish(match arguments.command {
        Command::Seed(place) => seed::seed(&connection, &place),
        Command::Till(till) => till::play(&connection, &till),
    }))
}
