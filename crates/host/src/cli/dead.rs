//! `sklad-edge dead`: what failed too often and stands still.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::api::{Body, Connection, Failure, encode, finish};
use super::out;
use super::show::{self, Show};

/// What failed too often: jobs, webhooks, messages.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists what stands still.
    List {
        /// The tenant.
        tenant: String,
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Lets it be tried again.
    Replay {
        /// The tenant.
        tenant: String,
        /// As the list names it; may be repeated.
        #[arg(required = true)]
        ids: Vec<String>,
    },
}

/// Runs the command.
pub async fn run(arguments: Arguments) -> Result<ExitCode> {
    Ok(finish(execute(arguments)))
}

fn execute(arguments: Arguments) -> Result<(), Failure> {
    let api = arguments.connection.api()?;
    match arguments.command {
        Command::List { tenant, limit } => {
            let dead = api.list(&format!("/{}/dead-letters", encode(&tenant)), limit)?;
            if api.json {
                show::json(&Value::from(dead));
            } else {
                show::items(&dead, &COLUMNS);
            }
        }
        Command::Replay { tenant, ids } => {
            for id in &ids {
                let path = format!("/{}/dead-letters/{}/replay", encode(&tenant), encode(id));
                api.send("POST", &path, &[], &Body::None)?;
            }
            if api.json {
                show::json(&json!({ "replayed": ids }));
            } else {
                out!("Отправлено на повтор: {}.", ids.len());
            }
        }
    }
    Ok(())
}

const COLUMNS: [(&str, &str, Show); 5] = [
    ("Что", "id", Show::Text),
    ("О чём", "object", Show::Text),
    ("Появилось", "created_at", Show::Time),
    ("Попыток", "attempts", Show::Number),
    ("Ошибка", "error", Show::Text),
];
