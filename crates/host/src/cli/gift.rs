//! `sklad-edge gift`: gift certificates.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::Value;

use super::api::{Api, Body, Connection, Failure, encode, finish, query};
use super::out;
use super::show::{self, Show};
use super::tenant::{read, text};

/// Gift certificates.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Creates a certificate.
    Create {
        /// The tenant.
        tenant: String,
        /// Its number.
        number: String,
        /// Its face value in rubles.
        rubles: String,
        /// The last day of validity, YYYY-MM-DD.
        #[arg(long, default_value = "")]
        expires: String,
    },
    /// Imports certificates from CSV: number;amount;expires;balance.
    Import {
        /// The tenant.
        tenant: String,
        /// A CSV file; - is standard input.
        file: PathBuf,
    },
    /// Lists certificates.
    List {
        /// The tenant.
        tenant: String,
        /// The beginning of the number.
        number: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Blocks a certificate.
    Block {
        /// The tenant.
        tenant: String,
        /// Its number.
        number: String,
    },
    /// Takes the block off.
    Unblock {
        /// The tenant.
        tenant: String,
        /// Its number.
        number: String,
    },
}

/// Runs the command.
pub async fn run(arguments: Arguments) -> Result<ExitCode> {
    Ok(finish(execute(arguments)))
}

fn execute(arguments: Arguments) -> Result<(), Failure> {
    let api = arguments.connection.api()?;
    match arguments.command {
        Command::Create {
            tenant,
            number,
            rubles,
            expires,
        } => {
            // By the import, which knows the tenant's midnight.
            let number = quoted(&number);
            let csv = format!(
                "number;amount;expires\n{number};{};{}\n",
                quoted(&rubles),
                quoted(&expires)
            );
            report(&api, &import(&api, &tenant, &csv)?)?;
        }
        Command::Import { tenant, file } => {
            let csv = read(&file)?;
            report(&api, &import(&api, &tenant, &csv)?)?;
        }
        Command::List {
            tenant,
            number,
            limit,
        } => {
            let query = query(&[("q", number.as_deref())]);
            let path = format!("/{}/gift-certificates{query}", encode(&tenant));
            list(&api, &api.list(&path, limit)?);
        }
        Command::Block { tenant, number } => block(&api, &tenant, &number, "block")?,
        Command::Unblock { tenant, number } => block(&api, &tenant, &number, "unblock")?,
    }
    Ok(())
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

fn import(api: &Api, tenant: &str, csv: &str) -> Result<Value, Failure> {
    let path = format!("/{}/gift-certificates/import", encode(tenant));
    Ok(api.send("POST", &path, &[], &Body::Csv(csv))?.body)
}

/// Shows what was imported; lines that were not are a refusal.
fn report(api: &Api, report: &Value) -> Result<(), Failure> {
    let number = |name: &str| report.get(name).and_then(Value::as_u64).unwrap_or_default();
    if api.json {
        show::json(report);
    } else {
        out!(
            "Заведено {}, уже было {}.",
            number("created"),
            number("unchanged")
        );
    }
    let errors = report
        .get("errors")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    if errors.is_empty() {
        return Ok(());
    }
    let line = |e: &Value| {
        format!(
            "строка {}: {}",
            e.get("line").unwrap_or(&Value::Null),
            text(e, "message")
        )
    };
    let lines: Vec<String> = errors.iter().map(line).collect();
    Err(Failure::Refused(lines.join("\n")))
}

fn block(api: &Api, tenant: &str, number: &str, what: &str) -> Result<(), Failure> {
    let path = format!(
        "/{}/gift-certificates/{}/{what}",
        encode(tenant),
        encode(number)
    );
    let certificate = api.send("POST", &path, &[], &Body::None)?.body;
    if api.json {
        show::json(&certificate);
    } else {
        list(api, &[certificate]);
    }
    Ok(())
}

fn list(api: &Api, certificates: &[Value]) {
    let columns = [
        ("Номер", "number", Show::Text),
        ("Номинал, ₽", "initial_kopecks", Show::Rubles),
        ("Остаток, ₽", "balance_kopecks", Show::Rubles),
        ("Действует до", "expires_at", Show::Time),
        ("Состояние", "status", Show::Text),
    ];
    show::list(api, certificates, &columns);
}
