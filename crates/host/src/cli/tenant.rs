//! `sklad-edge tenant`: tenants, their keys, programmes and settings.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::api::{Api, Body, Connection, Failure, encode, finish};
use super::out;
use super::show::{self, Show};

/// Tenants, their keys, programmes and settings.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Creates a tenant.
    Create {
        /// Its name in addresses: a-z, 0-9 and dashes.
        tenant: String,
        /// Its name for people.
        #[arg(long)]
        name: Option<String>,
        /// Minutes from UTC; Moscow is 180.
        #[arg(long, allow_hyphen_values = true)]
        timezone_minutes: Option<i32>,
    },
    /// Lists the tenants.
    List {
        /// At most so many.
        #[arg(long, default_value_t = 1000)]
        limit: usize,
    },
    /// Shows a tenant with its settings and keys.
    Show {
        /// The tenant.
        tenant: String,
    },
    /// The keys with which tills call.
    #[command(subcommand)]
    Key(Key),
    /// The loyalty programme.
    #[command(subcommand)]
    Programme(Document),
    /// The exchange over CommerceML: prices, stores, pictures, what happens to missing goods …
    #[command(subcommand)]
    Exchange(Document),
    /// The import from МойСклад: organisation, which goods and customers come, and when.
    #[command(subcommand)]
    Moysklad(Document),
    /// All settings: name, time zone, programme, customers, exchange, import. What a file does not name stays.
    #[command(subcommand)]
    Settings(Document),
}

#[derive(Debug, Subcommand)]
enum Key {
    /// Issues a key and shows it, once. Two are valid at a time.
    Issue {
        /// The tenant.
        tenant: String,
        /// What the key is for.
        #[arg(long, default_value = "")]
        label: String,
    },
    /// Lists the keys.
    List {
        /// The tenant.
        tenant: String,
    },
    /// Revokes a key.
    Revoke {
        /// The tenant.
        tenant: String,
        /// The key's id, as listed.
        id: String,
    },
}

#[derive(Debug, Subcommand)]
enum Document {
    /// Prints it as JSON.
    Get {
        /// The tenant.
        tenant: String,
    },
    /// Replaces it.
    Set {
        /// The tenant.
        tenant: String,
        /// A JSON file; - is standard input.
        file: PathBuf,
        /// The version from which the change was made [default: the present one].
        #[arg(long)]
        if_match: Option<String>,
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
            name,
            timezone_minutes,
        } => {
            let mut body = json!({ "slug": tenant });
            set(&mut body, "name", name.map(Value::from));
            set(
                &mut body,
                "timezone_minutes",
                timezone_minutes.map(Value::from),
            );
            card(&api, &api.post("", &body)?);
        }
        Command::List { limit } => {
            let all = api.list("", limit)?;
            if api.json {
                show::json(&Value::from(all));
            } else {
                show::items(
                    &all,
                    &[
                        ("Арендатор", "slug", Show::Text),
                        ("Заведён", "created_at", Show::Time),
                    ],
                );
            }
        }
        Command::Show { tenant } => card(&api, &api.get(&format!("/{}", encode(&tenant)))?),
        Command::Key(key) => execute_key(&api, key)?,
        Command::Programme(document) => {
            execute_document(&api, document, "programme", "Программа изменена")?;
        }
        Command::Exchange(document) => {
            let path = "settings/commerceml";
            execute_document(&api, document, path, "Настройки обмена изменены")?;
        }
        Command::Moysklad(document) => {
            let path = "settings/moysklad";
            execute_document(&api, document, path, "Настройки МоегоСклада изменены")?;
        }
        Command::Settings(document) => {
            execute_document(&api, document, "settings", "Настройки изменены")?;
        }
    }
    Ok(())
}

fn execute_key(api: &Api, key: Key) -> Result<(), Failure> {
    match key {
        Key::Issue { tenant, label } => {
            let path = format!("/{}/keys", encode(&tenant));
            let issued = api.post(&path, &json!({ "label": label }))?;
            if api.json {
                show::json(&issued);
            } else {
                out!("{}", text(&issued, "token"));
                eprintln!("Сохраните ключ: больше он нигде не показывается.");
            }
        }
        Key::List { tenant } => {
            let keys = api.get(&format!("/{}/keys", encode(&tenant)))?;
            if api.json {
                show::json(&keys)
            } else {
                keys_table(&keys)
            }
        }
        Key::Revoke { tenant, id } => {
            let path = format!("/{}/keys/{}", encode(&tenant), encode(&id));
            api.send("DELETE", &path, &[], &Body::None)?;
            if api.json {
                show::json(&json!({ "revoked": id }))
            } else {
                out!("Ключ {id} отозван.")
            }
        }
    }
    Ok(())
}

/// Prints or replaces the document at `path`; `changed` is what is said then.
fn execute_document(
    api: &Api,
    document: Document,
    path: &str,
    changed: &str,
) -> Result<(), Failure> {
    match document {
        Document::Get { tenant } => {
            show::json(&api.get(&format!("/{}/{path}", encode(&tenant)))?);
        }
        Document::Set {
            tenant,
            file,
            if_match,
        } => {
            let new = json_file(&file)?;
            let path = format!("/{}/{path}", encode(&tenant));
            let version = match if_match {
                Some(version) => version,
                None => api
                    .send("GET", &path, &[], &Body::None)?
                    .etag
                    .unwrap_or_default(),
            };
            let reply = api.send("PUT", &path, &[("if-match", &version)], &Body::Json(&new))?;
            if api.json {
                show::json(&reply.body);
            } else {
                let version = reply.etag.unwrap_or_default();
                out!("{changed}, версия настроек {}.", version.trim_matches('"'));
            }
        }
    }
    Ok(())
}

fn card(api: &Api, tenant: &Value) {
    if api.json {
        show::json(tenant);
        return;
    }
    let settings = tenant.get("settings").cloned().unwrap_or_default();
    out!("{} – {}", text(tenant, "slug"), text(&settings, "name"));
    let number = |name: &str| settings.get(name).cloned().unwrap_or_default();
    out!(
        "Версия настроек {}, от UTC {} минут.",
        number("version"),
        number("timezone_minutes")
    );
    keys_table(&tenant.get("keys").cloned().unwrap_or_default());
}

fn keys_table(keys: &Value) {
    let columns = [
        ("Ключ", "id", Show::Text),
        ("Пометка", "label", Show::Text),
        ("Выпущен", "created_at", Show::Time),
        ("SHA-256", "sha256_prefix", Show::Text),
    ];
    show::items(
        keys.as_array().map(Vec::as_slice).unwrap_or_default(),
        &columns,
    );
}

/// The text in a field; empty when there is none.
pub fn text(value: &Value, name: &str) -> String {
    value
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// Puts a field into an object when there is something to put.
pub fn set(object: &mut Value, name: &str, value: Option<Value>) {
    if let (Some(map), Some(value)) = (object.as_object_mut(), value) {
        map.insert(name.to_owned(), value);
    }
}

/// The text of a file; `-` is standard input.
pub fn read(file: &std::path::Path) -> Result<String, Failure> {
    let text = if file.as_os_str() == "-" {
        std::io::read_to_string(std::io::stdin())
    } else {
        std::fs::read_to_string(file)
    };
    text.map_err(|e| Failure::Usage(format!("{}: {e}", file.display())))
}

/// The JSON document in a file.
pub fn json_file(file: &std::path::Path) -> Result<Value, Failure> {
    let text = read(file)?;
    serde_json::from_str(&text).map_err(|e| Failure::Usage(format!("{}: {e}", file.display())))
}
