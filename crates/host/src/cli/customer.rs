//! `sklad-edge customer`: customers and their points.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::api::{Api, Body, Connection, Failure, encode, finish, query};
use super::out;
use super::show::{self, Show};
use super::tenant::{set, text};

/// Customers and their points.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists the customers.
    List {
        /// The tenant.
        tenant: String,
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Finds customers by name, phone, card or id.
    Search {
        /// The tenant.
        tenant: String,
        /// What to look for.
        text: String,
    },
    /// Shows a customer with the balance.
    Show {
        /// The tenant.
        tenant: String,
        /// The customer's id.
        id: String,
    },
    /// Creates a customer.
    Create {
        /// The tenant.
        tenant: String,
        #[command(flatten)]
        fields: Fields,
    },
    /// Edits a customer; an empty value clears a field.
    Edit {
        /// The tenant.
        tenant: String,
        /// The customer's id.
        id: String,
        #[command(flatten)]
        fields: Fields,
        /// Whether a registration code was confirmed.
        #[arg(long)]
        verified: Option<bool>,
    },
    /// Merges a duplicate into a customer.
    Merge {
        /// The tenant.
        tenant: String,
        /// The customer that stays.
        id: String,
        /// The duplicate that goes.
        from: String,
    },
    /// Adds points, or takes them (negative), with a reason.
    Adjust {
        /// The tenant.
        tenant: String,
        /// The customer's id.
        id: String,
        /// How many points.
        #[arg(allow_negative_numbers = true)]
        points: i64,
        /// Why.
        #[arg(long)]
        reason: String,
        /// Makes a repetition harmless [default: a random one].
        #[arg(long)]
        key: Option<String>,
    },
    /// Shows the entries of a customer's account.
    Ledger {
        /// The tenant.
        tenant: String,
        /// The customer's id.
        id: String,
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
}

/// The fields of a customer.
#[derive(Debug, Args)]
struct Fields {
    /// Full name.
    #[arg(long)]
    name: Option<String>,
    /// Phone, in any writing.
    #[arg(long)]
    phone: Option<String>,
    /// Card number.
    #[arg(long)]
    card: Option<String>,
    /// E-mail.
    #[arg(long)]
    email: Option<String>,
    /// Birth date, YYYY-MM-DD.
    #[arg(long)]
    birth_date: Option<String>,
    /// MALE or FEMALE.
    #[arg(long)]
    sex: Option<String>,
    /// Id of the counterparty in МойСклад.
    #[arg(long)]
    ms_id: Option<String>,
}

impl Fields {
    fn json(self) -> Value {
        let mut body = json!({});
        let fields = [
            ("name", self.name),
            ("phone", self.phone),
            ("card", self.card),
            ("email", self.email),
            ("birth_date", self.birth_date),
            ("sex", self.sex),
            ("ms_id", self.ms_id),
        ];
        for (name, value) in fields {
            set(&mut body, name, value.map(Value::from));
        }
        body
    }
}

/// Runs the command.
pub async fn run(arguments: Arguments) -> Result<ExitCode> {
    Ok(finish(execute(arguments)))
}

fn execute(arguments: Arguments) -> Result<(), Failure> {
    let api = arguments.connection.api()?;
    match arguments.command {
        Command::List { tenant, limit } => many(&api, &api.list(&all(&tenant), limit)?),
        Command::Search { tenant, text } => {
            let path = format!("{}{}", all(&tenant), query(&[("q", Some(&text))]));
            many(&api, &api.list(&path, 100)?);
        }
        Command::Show { tenant, id } => card(&api, &api.get(&one(&tenant, &id))?),
        Command::Create { tenant, fields } => card(&api, &api.post(&all(&tenant), &fields.json())?),
        Command::Edit {
            tenant,
            id,
            fields,
            verified,
        } => {
            let mut body = fields.json();
            set(&mut body, "verified", verified.map(Value::from));
            let reply = api.send("PATCH", &one(&tenant, &id), &[], &Body::Json(&body))?;
            card(&api, &reply.body);
        }
        Command::Merge { tenant, id, from } => {
            let path = format!("{}/merge", one(&tenant, &id));
            card(&api, &api.post(&path, &json!({ "from": from }))?);
        }
        Command::Adjust {
            tenant,
            id,
            points,
            reason,
            key,
        } => {
            let key = key.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
            let path = format!("{}/adjust", one(&tenant, &id));
            let body = json!({ "points": points, "reason": reason });
            let headers = [("idempotency-key", key.as_str())];
            let done = api.send("POST", &path, &headers, &Body::Json(&body))?.body;
            adjusted(&api, &done);
        }
        Command::Ledger { tenant, id, limit } => {
            ledger(
                &api,
                &api.list(&format!("{}/ledger", one(&tenant, &id)), limit)?,
            );
        }
    }
    Ok(())
}

fn all(tenant: &str) -> String {
    format!("/{}/customers", encode(tenant))
}

fn one(tenant: &str, id: &str) -> String {
    format!("/{}/customers/{}", encode(tenant), encode(id))
}

fn many(api: &Api, customers: &[Value]) {
    let columns = [
        ("Покупатель", "id", Show::Text),
        ("Имя", "name", Show::Text),
        ("Телефон", "phone", Show::Text),
        ("Карта", "card", Show::Text),
        ("Уровень", "tier", Show::Text),
        ("Баллы", "balance", Show::Number),
    ];
    show::list(api, customers, &columns);
}

fn card(api: &Api, customer: &Value) {
    if api.json {
        return show::json(customer);
    }
    out!("{}  {}", text(customer, "id"), text(customer, "name"));
    for (heading, name) in [
        ("Телефон", "phone"),
        ("Карта", "card"),
        ("Почта", "email"),
        ("День рождения", "birth_date"),
        ("МойСклад", "ms_id"),
        ("Уровень", "tier"),
    ] {
        let value = text(customer, name);
        if !value.is_empty() {
            out!("{heading}: {value}");
        }
    }
    let number = |name: &str| {
        customer
            .get(name)
            .and_then(Value::as_i64)
            .unwrap_or_default()
    };
    out!(
        "Баллы: {}, ещё не активны: {}",
        number("available"),
        number("pending")
    );
}

fn adjusted(api: &Api, done: &Value) {
    if api.json {
        return show::json(done);
    }
    let available = done
        .get("available")
        .and_then(Value::as_i64)
        .unwrap_or_default();
    let repeated = done
        .get("repeated")
        .and_then(Value::as_bool)
        .unwrap_or_default();
    let note = if repeated {
        " (это изменение уже было сделано)"
    } else {
        ""
    };
    out!("Баллы: {available}{note}");
}

fn ledger(api: &Api, entries: &[Value]) {
    let columns = [
        ("Когда", "at", Show::Time),
        ("Что", "kind", Show::Text),
        ("Баллы", "points", Show::Number),
        ("Баланс", "balance", Show::Number),
        ("Документ", "document", Show::Text),
        ("Причина", "reason", Show::Text),
    ];
    show::list(api, entries, &columns);
}
