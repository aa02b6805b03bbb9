//! `sklad-edge connection`: connections to shops.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::api::{Api, Body, Connection, Failure, encode, finish, query};
use super::out;
use super::show::{self, Show};
use super::tenant::{json_file, read, set, text};

/// Connections to shops of InSales: settings, key, state.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists the connections.
    List {
        /// The tenant.
        tenant: String,
        /// Only those of this company, by id or name.
        #[arg(long)]
        company: Option<String>,
    },
    /// Connects a shop; the shop is asked whether the key is good. It stays off.
    Create {
        /// The tenant.
        tenant: String,
        /// The shop's address, as example.myinsales.ru.
        shop: String,
        #[command(flatten)]
        key: AccessKey,
        /// The company, by id or name [default: the first one].
        #[arg(long)]
        company: Option<String>,
        /// What it is called [default: the shop's address].
        #[arg(long)]
        name: Option<String>,
        /// Every so many minutes the changes are imported.
        #[arg(long, default_value_t = 5)]
        every_minutes: u16,
    },
    /// Shows a connection with its settings.
    Show(One),
    /// Prints the settings as JSON.
    Get(One),
    /// Replaces the settings; the shop is asked whether it has what is chosen there.
    Set {
        #[command(flatten)]
        one: One,
        /// A JSON file with the settings; - is standard input.
        file: PathBuf,
        /// The version from which the change was made [default: the present one].
        #[arg(long)]
        if_match: Option<String>,
    },
    /// Replaces the key; the settings stay.
    Key {
        #[command(flatten)]
        one: One,
        #[command(flatten)]
        key: AccessKey,
    },
    /// Gives it to another company, or another name.
    Move {
        #[command(flatten)]
        one: One,
        /// The company, by id or name.
        #[arg(long)]
        company: Option<String>,
        /// The name.
        #[arg(long)]
        name: Option<String>,
    },
    /// Asks the shop whether the key and each of its rights to read are good.
    Check(One),
    /// Shows what the settings can choose from: ways to pay and to deliver, statuses, prices, warehouses.
    Options(One),
    /// Switches it on; it is checked before.
    Enable(One),
    /// Switches it off.
    Disable(One),
    /// Imports changes of the catalogue now; a run under way goes on.
    Run(One),
    /// Removes it; goods that came stay.
    Remove(One),
}

/// Which connection.
#[derive(Debug, Args)]
struct One {
    /// The tenant.
    tenant: String,
    /// The connection's id.
    id: String,
}

/// A key of the shop. Everybody on the machine sees a command line, so its password is in a file.
#[derive(Debug, Args)]
struct AccessKey {
    /// «Идентификатор» of the key.
    #[arg(long, requires = "password_file")]
    key_id: Option<String>,
    /// A file with the «Пароль» of the key; - is standard input.
    #[arg(long, requires = "key_id")]
    password_file: Option<PathBuf>,
}

impl AccessKey {
    fn body(self) -> Result<Option<Value>, Failure> {
        let Some(file) = self.password_file else {
            return Ok(None);
        };
        let password = read(&file)?;
        Ok(Some(
            json!({ "key_id": self.key_id, "password": password.trim() }),
        ))
    }
}

impl One {
    fn path(&self) -> String {
        format!("{}/{}", all(&self.tenant), encode(&self.id))
    }
}

fn all(tenant: &str) -> String {
    format!("/{}/connections", encode(tenant))
}

/// Runs the command.
pub async fn run(arguments: Arguments) -> Result<ExitCode> {
    Ok(finish(execute(arguments)))
}

fn execute(arguments: Arguments) -> Result<(), Failure> {
    let api = arguments.connection.api()?;
    let act = |one: &One, what: &str| -> Result<Value, Failure> {
        let path = format!("{}/{what}", one.path());
        Ok(api.send("POST", &path, &[], &Body::None)?.body)
    };
    match arguments.command {
        Command::List { tenant, company } => {
            let query = query(&[("company", company.as_deref())]);
            let found = api.get(&format!("{}{query}", all(&tenant)))?;
            table(
                &api,
                &tenant,
                found.as_array().map(Vec::as_slice).unwrap_or_default(),
            );
        }
        Command::Create {
            tenant,
            shop,
            key,
            company,
            name,
            every_minutes,
        } => {
            let settings = json!({ "shop": shop, "every_minutes": every_minutes });
            let mut body = json!({ "kind": "insales", "settings": settings });
            set(&mut body, "company", company.map(Value::from));
            set(&mut body, "name", name.map(Value::from));
            set(&mut body, "secrets", key.body()?);
            card(&api, &tenant, &api.post(&all(&tenant), &body)?);
        }
        Command::Show(one) => card(&api, &one.tenant, &api.get(&one.path())?),
        Command::Get(one) => {
            let found = api.get(&one.path())?;
            show::json(found.get("settings").unwrap_or(&Value::Null));
        }
        Command::Set {
            one,
            file,
            if_match,
        } => {
            let settings = json_file(&file)?;
            change(&api, &one, if_match, |_| {
                Ok(json!({ "settings": settings }))
            })?;
        }
        Command::Key { one, key } => {
            let secrets = key.body()?;
            let secrets = secrets
                .ok_or_else(|| Failure::Usage("нужны --key-id и --password-file".to_owned()))?;
            change(&api, &one, None, |old| {
                Ok(json!({ "settings": old, "secrets": secrets }))
            })?;
        }
        Command::Move { one, company, name } => change(&api, &one, None, |old| {
            let mut body = json!({ "settings": old });
            set(&mut body, "company", company.map(Value::from));
            set(&mut body, "name", name.map(Value::from));
            Ok(body)
        })?,
        Command::Check(one) => return checked(&api, &act(&one, "check")?),
        Command::Options(one) => {
            let found = api.get(&format!("{}/options", one.path()))?;
            options(&api, &found);
        }
        Command::Enable(one) => card(&api, &one.tenant, &act(&one, "enable")?),
        Command::Disable(one) => card(&api, &one.tenant, &act(&one, "disable")?),
        Command::Run(one) => {
            let job = act(&one, "run")?;
            match api.json {
                true => show::json(&job),
                false => out!("Задание {} начнётся со следующим тиком.", text(&job, "id")),
            }
        }
        Command::Remove(one) => {
            api.send("DELETE", &one.path(), &[], &Body::None)?;
            match api.json {
                true => show::json(&json!({ "removed": one.id })),
                false => out!("Подключение удалено."),
            }
        }
    }
    Ok(())
}

/// Replaces a connection by what `body` makes of its present settings.
fn change(
    api: &Api,
    one: &One,
    if_match: Option<String>,
    body: impl FnOnce(Value) -> Result<Value, Failure>,
) -> Result<(), Failure> {
    let now = api.send("GET", &one.path(), &[], &Body::None)?;
    let version = if_match.or(now.etag).unwrap_or_default();
    let body = body(now.body.get("settings").cloned().unwrap_or_default())?;
    let headers = [("if-match", version.as_str())];
    let reply = api.send("PUT", &one.path(), &headers, &Body::Json(&body))?;
    card(api, &one.tenant, &reply.body);
    Ok(())
}

/// What is wrong is an error of the command too.
fn checked(api: &Api, checked: &Value) -> Result<(), Failure> {
    if api.json {
        show::json(checked);
    }
    if checked.get("ok") != Some(&Value::Bool(true)) {
        return Err(Failure::Refused(text(checked, "text")));
    }
    if !api.json {
        out!(
            "{}. Магазин: {}",
            text(checked, "text"),
            text(checked, "shop_title")
        );
    }
    Ok(())
}

fn card(api: &Api, tenant: &str, connection: &Value) {
    if api.json {
        return show::json(connection);
    }
    table(api, tenant, std::slice::from_ref(connection));
    let told = text(connection, "state_text");
    if !told.is_empty() {
        out!("{told}");
    }
}

fn table(api: &Api, tenant: &str, connections: &[Value]) {
    let mut connections = connections.to_vec();
    // Programs compare ids; people know a company by its name. What was done is done where names cannot be had.
    if !api.json
        && !connections.is_empty()
        && let Ok(companies) = api.get(&format!("/{}/companies", encode(tenant)))
    {
        for connection in &mut connections {
            name_company(connection, &companies);
        }
    }
    let columns = [
        ("Подключение", "id", Show::Text),
        ("Название", "name", Show::Text),
        ("Компания", "company", Show::Text),
        ("Магазин", "settings.shop", Show::Text),
        ("Включено", "enabled", Show::Yes),
        ("Ключ", "has_secrets", Show::Yes),
        ("Состояние", "state", Show::Text),
        ("Проверено", "checked_at", Show::Time),
    ];
    show::list(api, &connections, &columns);
}

/// Puts the company's name in the place of its id.
fn name_company(connection: &mut Value, companies: &Value) {
    let id = connection.get("company").cloned();
    let mut known = companies.as_array().into_iter().flatten();
    let name = known
        .find(|company| company.get("id") == id.as_ref())
        .and_then(|company| company.get("name"));
    set(connection, "company", name.cloned());
}

fn options(api: &Api, options: &Value) {
    if api.json {
        return show::json(options);
    }
    let choice = [
        ("Идентификатор", "id", Show::Text),
        ("Название", "title", Show::Text),
    ];
    let status = [
        ("Статус", "permalink", Show::Text),
        ("Название", "title", Show::Text),
    ];
    let field = [
        ("Поле", "handle", Show::Text),
        ("Название", "title", Show::Text),
    ];
    for (heading, name, columns) in [
        ("Способы оплаты", "payments", &choice),
        ("Способы доставки", "deliveries", &choice),
        (
            "Способы доставки, которые выбрать нельзя",
            "unsuitable",
            &choice,
        ),
        ("Статусы", "statuses", &status),
        ("Дополнительные типы цен", "price_kinds", &choice),
        ("Склады", "warehouses", &choice),
        ("Поля заказа", "fields", &field),
    ] {
        let list = options.get(name).and_then(Value::as_array);
        out!("{heading}");
        show::items(list.map(Vec::as_slice).unwrap_or_default(), columns);
    }
    for missing in options
        .get("missing")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        out!(
            "У ключа не отмечено: «{}»",
            missing.as_str().unwrap_or_default()
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_company_is_shown_by_its_name_and_an_unknown_one_by_its_id() {
        let companies = json!([{"id": "main", "name": "Кофейня"}]);
        for (id, shown) in [("main", "Кофейня"), ("gone", "gone")] {
            let mut connection = json!({"company": id});
            name_company(&mut connection, &companies);
            assert_eq!(text(&connection, "company"), shown);
        }
    }
}
