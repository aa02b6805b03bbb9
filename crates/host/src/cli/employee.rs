//! `sklad-edge employee`: who may log in.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::api::{Api, Body, Connection, Failure, encode, finish};
use super::out;
use super::show::{self, Show};
use super::tenant::{read, set, text};

/// Employees: who may log in.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Adds an employee; a generated password is shown, once.
    Add {
        /// The tenant.
        tenant: String,
        /// The e-mail, which is the login.
        email: String,
        /// Name.
        #[arg(long)]
        name: Option<String>,
        /// A group, by id or name; may be repeated.
        #[arg(long = "group", value_name = "GROUP")]
        groups: Vec<String>,
        /// A file with the password; - is standard input [default: a generated one].
        #[arg(long)]
        password_file: Option<PathBuf>,
    },
    /// Lists the employees.
    List {
        /// The tenant.
        tenant: String,
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Shows an employee with the groups and rights.
    Show {
        /// The tenant.
        tenant: String,
        /// The employee's e-mail or id.
        employee: String,
    },
    /// Edits an employee; what is not given stays.
    Edit {
        /// The tenant.
        tenant: String,
        /// The employee's e-mail or id.
        employee: String,
        /// The new e-mail.
        #[arg(long)]
        email: Option<String>,
        /// The new name; an empty one clears it.
        #[arg(long)]
        name: Option<String>,
        /// A group to be in instead of the present ones, by id or name; may be repeated.
        #[arg(long = "group", value_name = "GROUP")]
        groups: Vec<String>,
        /// In no group any more.
        #[arg(long, conflicts_with = "groups")]
        no_groups: bool,
    },
    /// Blocks an employee: the password stays and is refused.
    Block {
        /// The tenant.
        tenant: String,
        /// The employee's e-mail or id.
        employee: String,
    },
    /// Takes the block off.
    Unblock {
        /// The tenant.
        tenant: String,
        /// The employee's e-mail or id.
        employee: String,
    },
    /// Deletes an employee.
    Delete {
        /// The tenant.
        tenant: String,
        /// The employee's e-mail or id.
        employee: String,
    },
    /// Sets a new password; a generated one is shown, once.
    Password {
        /// The tenant.
        tenant: String,
        /// The employee's e-mail or id.
        employee: String,
        /// A file with the password; - is standard input [default: a generated one].
        #[arg(long)]
        password_file: Option<PathBuf>,
    },
}

/// Runs the command.
pub async fn run(arguments: Arguments) -> Result<ExitCode> {
    Ok(finish(execute(arguments)))
}

fn execute(arguments: Arguments) -> Result<(), Failure> {
    let api = arguments.connection.api()?;
    match arguments.command {
        Command::Add {
            tenant,
            email,
            name,
            groups,
            password_file,
        } => {
            let mut body = json!({ "email": email, "groups": groups });
            set(&mut body, "name", name.map(Value::from));
            set(&mut body, "password", password(password_file)?);
            added(&api, &api.post(&all(&tenant), &body)?);
        }
        Command::List { tenant, limit } => list(&api, &api.list(&all(&tenant), limit)?),
        Command::Show { tenant, employee } => card(&api, &api.get(&one(&tenant, &employee))?),
        Command::Edit {
            tenant,
            employee,
            email,
            name,
            groups,
            no_groups,
        } => {
            let mut body = json!({});
            set(&mut body, "email", email.map(Value::from));
            set(&mut body, "name", name.map(Value::from));
            let groups = (no_groups || !groups.is_empty()).then(|| Value::from(groups));
            set(&mut body, "groups", groups);
            edit(&api, &tenant, &employee, &body)?;
        }
        Command::Block { tenant, employee } => {
            edit(&api, &tenant, &employee, &json!({ "active": false }))?;
        }
        Command::Unblock { tenant, employee } => {
            edit(&api, &tenant, &employee, &json!({ "active": true }))?;
        }
        Command::Delete { tenant, employee } => delete(&api, &tenant, &employee)?,
        Command::Password {
            tenant,
            employee,
            password_file,
        } => {
            let mut body = json!({});
            set(&mut body, "password", password(password_file)?);
            let path = format!("{}/password", one(&tenant, &employee));
            changed(&api, &api.post(&path, &body)?);
        }
    }
    Ok(())
}

fn all(tenant: &str) -> String {
    format!("/{}/employees", encode(tenant))
}

fn one(tenant: &str, employee: &str) -> String {
    format!("/{}/employees/{}", encode(tenant), encode(employee))
}

/// The password in a file, without the end of its line. Not from the command line, which everybody on
/// the machine can read.
fn password(file: Option<PathBuf>) -> Result<Option<Value>, Failure> {
    let text = file.map(|file| read(&file)).transpose()?;
    Ok(text.map(|text| Value::from(text.trim_end_matches(['\r', '\n']))))
}

fn edit(api: &Api, tenant: &str, employee: &str, body: &Value) -> Result<(), Failure> {
    let path = one(tenant, employee);
    let reply = api.send("PATCH", &path, &[], &Body::Json(body))?;
    card(api, &reply.body);
    Ok(())
}

fn delete(api: &Api, tenant: &str, employee: &str) -> Result<(), Failure> {
    api.send("DELETE", &one(tenant, employee), &[], &Body::None)?;
    if api.json {
        show::json(&json!({ "deleted": employee }));
    } else {
        out!("Сотрудник {employee} удалён.");
    }
    Ok(())
}

fn added(api: &Api, made: &Value) {
    if api.json {
        return show::json(made);
    }
    card(api, made.get("employee").unwrap_or(&Value::Null));
    generated(made);
}

fn changed(api: &Api, done: &Value) {
    if api.json {
        return show::json(done);
    }
    out!("Задан новый пароль.");
    generated(done);
}

fn generated(done: &Value) {
    let password = text(done, "password");
    if !password.is_empty() {
        out!("Пароль: {password}");
        eprintln!("Сохраните пароль: больше он нигде не показывается.");
    }
}

fn card(api: &Api, employee: &Value) {
    if api.json {
        return show::json(employee);
    }
    let blocked = employee.get("active") == Some(&Value::Bool(false));
    let note = if blocked {
        "  (заблокирован)"
    } else {
        ""
    };
    out!(
        "{}  {}{note}",
        text(employee, "email"),
        text(employee, "name")
    );
    out!("Идентификатор: {}", text(employee, "id"));
    for (heading, words) in [("Группы", groups(employee)), ("Права", rights(employee))] {
        let words = if words.is_empty() {
            "нет".to_owned()
        } else {
            words
        };
        out!("{heading}: {words}");
    }
}

fn list(api: &Api, employees: &[Value]) {
    if api.json {
        return show::json(&Value::from(employees));
    }
    let rows: Vec<Value> = employees.iter().map(row).collect();
    let columns = [
        ("Почта", "email", Show::Text),
        ("Имя", "name", Show::Text),
        ("Группы", "groups", Show::Text),
        ("Права", "rights", Show::Text),
        ("Заблокирован", "blocked", Show::Yes),
    ];
    show::items(&rows, &columns);
}

/// An employee as a row of the table.
fn row(employee: &Value) -> Value {
    json!({
        "email": employee.get("email"),
        "name": employee.get("name"),
        "groups": groups(employee),
        "rights": rights(employee),
        "blocked": employee.get("active") == Some(&Value::Bool(false)),
    })
}

fn groups(employee: &Value) -> String {
    words(employee, "groups", |group| text(group, "name"))
}

/// The names of the rights of an employee or a group.
pub fn rights(holder: &Value) -> String {
    words(holder, "rights", |right| {
        right.as_str().unwrap_or_default().to_owned()
    })
}

/// What stands in an array, with commas between.
pub fn words(object: &Value, name: &str, word: impl Fn(&Value) -> String) -> String {
    let items = object.get(name).and_then(Value::as_array);
    let words: Vec<String> = items.into_iter().flatten().map(word).collect();
    words.join(", ")
}
