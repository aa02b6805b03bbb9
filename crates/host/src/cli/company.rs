//! `sklad-edge company`: companies of a tenant.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::api::{Api, Body, Connection, Failure, encode, finish};
use super::out;
use super::show::{self, Show};

/// Companies of a tenant: whose shops and orders are kept apart.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists the companies, the first one first.
    List {
        /// The tenant.
        tenant: String,
    },
    /// Adds a company.
    Create {
        /// The tenant.
        tenant: String,
        /// Its name.
        name: String,
    },
    /// Gives a company another name.
    Rename {
        /// The tenant.
        tenant: String,
        /// The company's id or name.
        company: String,
        /// The new name.
        name: String,
    },
    /// Removes a company without connections and orders.
    Remove {
        /// The tenant.
        tenant: String,
        /// The company's id or name.
        company: String,
    },
}

/// Runs the command.
pub async fn run(arguments: Arguments) -> Result<ExitCode> {
    Ok(finish(execute(arguments)))
}

fn execute(arguments: Arguments) -> Result<(), Failure> {
    let api = arguments.connection.api()?;
    let all = |tenant: &str| format!("/{}/companies", encode(tenant));
    let one = |tenant: &str, company: &str| format!("{}/{}", all(tenant), encode(company));
    match arguments.command {
        Command::List { tenant } => {
            let companies = api.get(&all(&tenant))?;
            companies_table(&api, companies.as_array().map(Vec::as_slice));
        }
        Command::Create { tenant, name } => {
            let made = api.post(&all(&tenant), &json!({ "name": name }))?;
            card(&api, made);
        }
        Command::Rename {
            tenant,
            company,
            name,
        } => {
            let body = json!({ "name": name });
            let path = one(&tenant, &company);
            card(
                &api,
                api.send("PATCH", &path, &[], &Body::Json(&body))?.body,
            );
        }
        Command::Remove { tenant, company } => {
            api.send("DELETE", &one(&tenant, &company), &[], &Body::None)?;
            if api.json {
                show::json(&json!({ "removed": company }));
            } else {
                out!("Компания удалена.");
            }
        }
    }
    Ok(())
}

fn card(api: &Api, company: Value) {
    match api.json {
        true => show::json(&company),
        false => companies_table(api, Some(&[company])),
    }
}

fn companies_table(api: &Api, companies: Option<&[Value]>) {
    let columns = [
        ("Компания", "id", Show::Text),
        ("Название", "name", Show::Text),
        ("Подключений", "connections", Show::Number),
        ("Заведена", "created_at", Show::Time),
    ];
    show::list(api, companies.unwrap_or_default(), &columns);
}
