//! `sklad-edge group`: groups of employees and their rights.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::api::{Api, Body, Connection, Failure, encode, finish};
use super::employee::{rights, words};
use super::out;
use super::show::{self, Show};
use super::tenant::{set, text};

/// Groups of employees and their rights.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Adds a group.
    Add {
        /// The tenant.
        tenant: String,
        /// Its name.
        name: String,
        /// A right, see `group rights`; may be repeated.
        #[arg(long = "right", value_name = "RIGHT")]
        rights: Vec<String>,
        /// An employee, by e-mail or id; may be repeated.
        #[arg(long = "member", value_name = "EMPLOYEE")]
        members: Vec<String>,
    },
    /// Lists the groups.
    List {
        /// The tenant.
        tenant: String,
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Shows a group with its rights and members.
    Show {
        /// The tenant.
        tenant: String,
        /// The group's name or id.
        group: String,
    },
    /// Edits a group; what is not given stays.
    Edit {
        /// The tenant.
        tenant: String,
        /// The group's name or id.
        group: String,
        /// The new name.
        #[arg(long)]
        name: Option<String>,
        /// A right to have instead of the present ones; may be repeated.
        #[arg(long = "right", value_name = "RIGHT")]
        rights: Vec<String>,
        /// Without rights from now on.
        #[arg(long, conflicts_with = "rights")]
        no_rights: bool,
    },
    /// Deletes a group; its members stay, without its rights.
    Delete {
        /// The tenant.
        tenant: String,
        /// The group's name or id.
        group: String,
    },
    /// The members of a group.
    #[command(subcommand)]
    Member(Member),
    /// Lists the rights there are.
    Rights {
        /// The tenant.
        tenant: String,
    },
}

#[derive(Debug, Subcommand)]
enum Member {
    /// Puts an employee into a group.
    Add {
        /// The tenant.
        tenant: String,
        /// The group's name or id.
        group: String,
        /// The employee's e-mail or id.
        employee: String,
    },
    /// Takes an employee out of a group.
    Remove {
        /// The tenant.
        tenant: String,
        /// The group's name or id.
        group: String,
        /// The employee's e-mail or id.
        employee: String,
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
            name,
            rights,
            members,
        } => {
            let body = json!({ "name": name, "rights": rights, "members": members });
            card(&api, &api.post(&all(&tenant), &body)?);
        }
        Command::List { tenant, limit } => list(&api, &api.list(&all(&tenant), limit)?),
        Command::Show { tenant, group } => card(&api, &api.get(&one(&tenant, &group))?),
        Command::Edit {
            tenant,
            group,
            name,
            rights,
            no_rights,
        } => {
            let rights = (no_rights || !rights.is_empty()).then(|| Value::from(rights));
            edit(&api, &one(&tenant, &group), name, rights)?;
        }
        Command::Delete { tenant, group } => {
            api.send("DELETE", &one(&tenant, &group), &[], &Body::None)?;
            done(&api, &json!({ "deleted": group }), "Группа удалена.");
        }
        Command::Member(member) => execute_member(&api, member)?,
        Command::Rights { tenant } => {
            let rights = api.get(&format!("/{}/rights", encode(&tenant)))?;
            all_rights(&api, &rights);
        }
    }
    Ok(())
}

fn execute_member(api: &Api, member: Member) -> Result<(), Failure> {
    match member {
        Member::Add {
            tenant,
            group,
            employee,
        } => {
            let path = member_path(&tenant, &group, &employee);
            card(api, &api.send("PUT", &path, &[], &Body::None)?.body);
        }
        Member::Remove {
            tenant,
            group,
            employee,
        } => {
            let path = member_path(&tenant, &group, &employee);
            api.send("DELETE", &path, &[], &Body::None)?;
            let text = format!("Сотрудник {employee} убран из группы.");
            done(api, &json!({ "removed": employee }), &text);
        }
    }
    Ok(())
}

/// Replaces a group, with what is not given as it is now.
fn edit(api: &Api, path: &str, name: Option<String>, rights: Option<Value>) -> Result<(), Failure> {
    let now = api.get(path)?;
    let mut body = json!({ "name": now.get("name"), "rights": now.get("rights") });
    set(&mut body, "name", name.map(Value::from));
    set(&mut body, "rights", rights);
    card(api, &api.send("PUT", path, &[], &Body::Json(&body))?.body);
    Ok(())
}

fn all(tenant: &str) -> String {
    format!("/{}/groups", encode(tenant))
}

fn one(tenant: &str, group: &str) -> String {
    format!("/{}/groups/{}", encode(tenant), encode(group))
}

fn member_path(tenant: &str, group: &str, employee: &str) -> String {
    format!("{}/members/{}", one(tenant, group), encode(employee))
}

fn done(api: &Api, json: &Value, text: &str) {
    if api.json {
        show::json(json);
    } else {
        out!("{text}");
    }
}

fn members(group: &Value) -> String {
    words(group, "members", |member| text(member, "email"))
}

fn card(api: &Api, group: &Value) {
    if api.json {
        return show::json(group);
    }
    out!("{}", text(group, "name"));
    out!("Идентификатор: {}", text(group, "id"));
    for (heading, words) in [("Права", rights(group)), ("Сотрудники", members(group))]
    {
        let words = if words.is_empty() {
            "нет".to_owned()
        } else {
            words
        };
        out!("{heading}: {words}");
    }
}

fn list(api: &Api, groups: &[Value]) {
    if api.json {
        return show::json(&Value::from(groups));
    }
    let row = |group: &Value| json!({ "name": group.get("name"), "rights": rights(group), "members": members(group) });
    let rows: Vec<Value> = groups.iter().map(row).collect();
    let columns = [
        ("Группа", "name", Show::Text),
        ("Права", "rights", Show::Text),
        ("Сотрудники", "members", Show::Text),
    ];
    show::items(&rows, &columns);
}

fn all_rights(api: &Api, rights: &Value) {
    if api.json {
        return show::json(rights);
    }
    let columns = [
        ("Право", "right", Show::Text),
        ("Что разрешает", "title", Show::Text),
    ];
    let rights = rights.as_array().map(Vec::as_slice);
    show::items(rights.unwrap_or_default(), &columns);
}
