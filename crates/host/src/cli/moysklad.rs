//! `sklad-edge moysklad`: connections to МойСклад, and the descriptor of a solution.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use sklad_moysklad::vendor::descriptor::{Access, descriptor};

use super::api::{Api, Body, Connection, Failure, encode, finish};
use super::out;
use super::show::{self, Show};
use super::tenant::{read, text};

/// Connections to МойСклад, and the descriptor of a solution of one's own.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Prints the descriptor for the developer's cabinet of МойСклад. Calls nobody.
    Descriptor {
        /// Where the application is reached from outside: https://host[:port].
        #[arg(long)]
        public_url: String,
        /// Asks for the rights that are needed instead of those of an administrator.
        #[arg(long)]
        custom_permissions: bool,
    },
    /// Shows how a tenant is connected.
    Status {
        /// The tenant.
        tenant: String,
    },
    /// Connects a tenant without the marketplace, by a token or by login and password.
    Connect {
        /// The tenant.
        tenant: String,
        #[command(flatten)]
        access: Credentials,
    },
    /// Ends a connection without the marketplace.
    Disconnect {
        /// The tenant.
        tenant: String,
    },
    /// Gives МойСклад a new key for the tills; the old one works until it is confirmed.
    RotateKey {
        /// The tenant.
        tenant: String,
    },
}

/// What the JSON API asks for: one of the three. Everybody on the machine sees a command line, so there
/// are files.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct Credentials {
    /// A token for the JSON API.
    #[arg(
        long,
        env = "SKLAD_EDGE_MOYSKLAD_TOKEN",
        hide_env_values = true,
        conflicts_with_all = ["token_file", "login"]
    )]
    token: Option<String>,
    /// A file with the token; - is standard input.
    #[arg(long, conflicts_with = "login")]
    token_file: Option<PathBuf>,
    /// Login of an employee, as name@account.
    #[arg(long, requires = "password_file")]
    login: Option<String>,
    /// A file with his password; - is standard input.
    #[arg(long, requires = "login")]
    password_file: Option<PathBuf>,
}

impl Credentials {
    fn body(self) -> Result<Value, Failure> {
        let line = |file: PathBuf| -> Result<String, Failure> {
            let text = read(&file)?;
            Ok(text.trim_end_matches(['\r', '\n']).to_owned())
        };
        Ok(match (self.token, self.token_file, self.password_file) {
            (Some(token), _, _) => json!({ "token": token }),
            (None, Some(file), _) => json!({ "token": line(file)? }),
            (None, None, Some(file)) => json!({ "login": self.login, "password": line(file)? }),
            (None, None, None) => json!({}),
        })
    }
}

/// Runs the command.
pub async fn run(arguments: Arguments) -> Result<ExitCode> {
    Ok(finish(execute(arguments)))
}

fn execute(arguments: Arguments) -> Result<(), Failure> {
    let path = |tenant: &str| format!("/{}/moysklad", encode(tenant));
    let api = || arguments.connection.api();
    match arguments.command {
        Command::Descriptor {
            public_url,
            custom_permissions,
        } => {
            let access = match custom_permissions {
                true => Access::Custom,
                false => Access::Admin,
            };
            let xml = descriptor(&public_url, access);
            let xml = xml.map_err(|e| Failure::Usage(format!("--public-url: {e}")))?;
            out!("{}", xml.trim_end());
        }
        Command::Status { tenant } => {
            let api = api()?;
            show_connections(&api, &api.get(&path(&tenant))?);
        }
        Command::Connect { tenant, access } => {
            let (api, body) = (api()?, access.body()?);
            let reply = api.send("PUT", &path(&tenant), &[], &Body::Json(&body))?;
            show_connections(&api, &reply.body);
        }
        Command::Disconnect { tenant } => {
            let api = api()?;
            api.send("DELETE", &path(&tenant), &[], &Body::None)?;
            if api.json {
                show::json(&json!({ "disconnected": tenant }));
            } else {
                out!("Подключение вручную удалено.");
            }
        }
        Command::RotateKey { tenant } => {
            let api = api()?;
            let path = format!("{}/rotate-key", path(&tenant));
            let answer = api.send("POST", &path, &[], &Body::None)?.body;
            show_connections(&api, &answer);
            if !api.json {
                out!(
                    "Новый ключ будет передан в МойСклад; прежний действует, пока он не подтверждён."
                );
            }
        }
    }
    Ok(())
}

fn show_connections(api: &Api, connections: &Value) {
    if api.json {
        show::json(connections);
        return;
    }
    let url = text(connections, "loyalty_url");
    if !url.is_empty() {
        out!("Адрес программы лояльности: {url}");
    }
    let accounts = connections.get("accounts").and_then(Value::as_array);
    let columns = [
        ("Аккаунт", "account_name", Show::Text),
        ("accountId", "account", Show::Text),
        ("Решение", "app_id", Show::Text),
        ("Состояние", "state", Show::Text),
        ("JSON API", "has_access", Show::Yes),
        ("Ключ", "key_id", Show::Text),
        ("Новый ключ", "key_pending", Show::Yes),
        ("Попытка", "due_at", Show::Time),
        ("Отказ", "last_error", Show::Text),
    ];
    show::items(accounts.map(Vec::as_slice).unwrap_or_default(), &columns);
}
