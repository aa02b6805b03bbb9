//! `sklad-edge moysklad`: connections to МойСклад, and the descriptor of a solution.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use sklad_moysklad::vendor::descriptor::{Access, descriptor};

use super::api::{Api, Body, Connection, Failure, encode, finish};
use super::out;
use super::show::{self, Show};
use super::tenant::{read, text};

/// The job that imports all goods.
const GOODS: &str = sklad_moysklad::sync::plan::GOODS;
/// How often the progress is asked for.
const WATCH: Duration = Duration::from_secs(2);

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
    /// Asks МойСклад whether access, rights and the organisation are right.
    Check {
        /// The tenant.
        tenant: String,
    },
    /// Imports all goods now; a run under way goes on.
    Import {
        /// The tenant.
        tenant: String,
    },
    /// Shows how far the import of goods is.
    Progress {
        /// The tenant.
        tenant: String,
        /// Shows it again every two seconds until the import has ended.
        #[arg(long)]
        watch: bool,
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
        Command::Check { tenant } => {
            let api = api()?;
            let path = format!("{}/check", path(&tenant));
            return show_checked(&api, &api.send("POST", &path, &[], &Body::None)?.body);
        }
        Command::Import { tenant } => {
            let api = api()?;
            let path = format!("{}/import", path(&tenant));
            show_progress(&api, &api.send("POST", &path, &[], &Body::None)?.body);
        }
        Command::Progress { tenant, watch } => {
            let api = api()?;
            let path = format!("/{}/jobs/{GOODS}", encode(&tenant));
            loop {
                let job = api.get(&path)?;
                show_progress(&api, &job);
                let runs = !job.get("run_at").is_none_or(Value::is_null);
                let waits = ["running", "waiting"].contains(&text(&job, "state").as_str());
                if !(watch && runs && waits) {
                    break;
                }
                std::thread::sleep(WATCH);
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

/// What is wrong is an error of the command too.
fn show_checked(api: &Api, checked: &Value) -> Result<(), Failure> {
    if api.json {
        show::json(checked);
    }
    let problems = checked.get("problems").and_then(Value::as_array);
    let problems: Vec<&str> = problems
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if !problems.is_empty() {
        return Err(Failure::Refused(problems.join("\n")));
    }
    if !api.json {
        out!(
            "Всё верно. Организация: {}",
            text(checked, "organization_name")
        );
    }
    Ok(())
}

fn show_progress(api: &Api, job: &Value) {
    if api.json {
        return show::json(job);
    }
    let number = |name: &str| job.get(name).and_then(Value::as_u64);
    if job.get("run_at").is_none_or(Value::is_null) {
        return match text(job, "last_text") {
            told if told.is_empty() => out!("Загрузка ждёт: она начнётся со следующим тиком."),
            told => out!("{told}"),
        };
    }
    let total = number("total")
        .map(|n| format!(" из {n}"))
        .unwrap_or_default();
    let rate = number("per_minute").map(|n| format!(", {n} в минуту"));
    let left = number("left_ms").map(|ms| format!(", осталось около {} с", ms.div_ceil(1000)));
    out!(
        "Сделано {}{total}{}{}",
        number("done").unwrap_or_default(),
        rate.unwrap_or_default(),
        left.unwrap_or_default()
    );
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
