//! `sklad-edge order`: orders of the shop.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::api::{Api, Body, Connection, Failure, encode, finish, query};
use super::order_words;
use super::show::{self, Show};
use super::tenant::json_file;
use super::upsert;

/// Orders of one request.
const BATCH: usize = 100;

/// Orders of the shop.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists orders by id.
    List {
        /// The tenant.
        tenant: String,
        /// Only those of this status: its id, or its name where it has none.
        #[arg(long, conflicts_with_all = ["company", "push"])]
        status: Option<String>,
        /// Only those of this company: its id or name.
        #[arg(long, conflicts_with = "push")]
        company: Option<String>,
        /// Only those in this state on their way to InSales.
        #[arg(long, value_parser = ["refused", "unclear", "due"])]
        push: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Shows one order with its items.
    Show {
        /// The tenant.
        tenant: String,
        /// Its id or number.
        order: String,
    },
    /// Makes an order of goods of the catalogue from a JSON object.
    Create {
        /// The tenant.
        tenant: String,
        /// A JSON file; - is standard input.
        file: PathBuf,
        /// Makes a repetition harmless [default: a random one].
        #[arg(long)]
        key: Option<String>,
    },
    /// Cancels an order, with a reason.
    Cancel {
        /// The tenant.
        tenant: String,
        /// Its id or number.
        order: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Shows who changed what of an order.
    History {
        /// The tenant.
        tenant: String,
        /// Its id or number.
        order: String,
        /// At most so many.
        #[arg(long, default_value_t = 500)]
        limit: usize,
    },
    /// Shows how an order stands in InSales.
    Push {
        /// The tenant.
        tenant: String,
        /// Its id or number.
        order: String,
        /// Passes on again what was refused there.
        #[arg(long)]
        again: bool,
    },
    /// Writes a shop's own orders from a JSON array, each as a whole.
    Put {
        /// The tenant.
        tenant: String,
        /// A JSON file; - is standard input.
        file: PathBuf,
    },
}

/// Runs the command.
pub async fn run(arguments: Arguments) -> Result<ExitCode> {
    Ok(finish(execute(arguments)))
}

fn execute(arguments: Arguments) -> Result<(), Failure> {
    let api = arguments.connection.api()?;
    match arguments.command {
        Command::List {
            tenant,
            status,
            company,
            push,
            limit,
        } => {
            let only = [
                ("status", status.as_deref()),
                ("company", company.as_deref()),
                ("push", push.as_deref()),
            ];
            let path = format!("{}{}", all(&tenant), query(&only));
            show::list(&api, &api.list(&path, limit)?, &COLUMNS);
        }
        Command::Show { tenant, order } => card(&api, &api.get(&one(&tenant, &order))?),
        Command::Create { tenant, file, key } => {
            let key = key.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
            let path = format!("{}{BY}", all(&tenant));
            let headers = [("idempotency-key", key.as_str())];
            let new = json_file(&file)?;
            let made = api.send("POST", &path, &headers, &Body::Json(&new))?;
            card(&api, &made.body);
        }
        Command::Cancel {
            tenant,
            order,
            reason,
        } => {
            let path = format!("{}/cancel{BY}", one(&tenant, &order));
            card(&api, &api.post(&path, &json!({ "reason": reason }))?);
        }
        Command::History {
            tenant,
            order,
            limit,
        } => {
            let path = format!("{}/history", one(&tenant, &order));
            let events = api.list(&path, limit)?;
            match api.json {
                true => show::json(&Value::from(events)),
                false => {
                    let rows: Vec<Value> = events.iter().map(order_words::event).collect();
                    show::items(&rows, &HISTORY);
                }
            }
        }
        Command::Push {
            tenant,
            order,
            again,
        } => {
            let path = format!("{}/push", one(&tenant, &order));
            let push = match again {
                true => api.post(&path, &json!({}))?,
                false => api.get(&path)?,
            };
            pushed(&api, &push);
        }
        Command::Put { tenant, file } => {
            let path = format!("{}{BY}", all(&tenant));
            upsert::upsert(&api, BATCH, "PUT", &path, json_file(&file)?)?;
        }
    }
    Ok(())
}

/// Who sits at a command line is a person.
const BY: &str = "?by=operator";

fn all(tenant: &str) -> String {
    format!("/{}/orders", encode(tenant))
}

fn one(tenant: &str, order: &str) -> String {
    format!("/{}/orders/{}", encode(tenant), encode(order))
}

const HISTORY: [(&str, &str, Show); 6] = [
    ("Когда", "at", Show::Time),
    ("Кто", "who", Show::Text),
    ("Что", "what", Show::Text),
    ("Было", "was", Show::Text),
    ("Стало", "became", Show::Text),
    ("Почему", "note", Show::Text),
];

const COLUMNS: [(&str, &str, Show); 8] = [
    ("Заказ", "order.id", Show::Text),
    ("Номер", "order.number", Show::Text),
    ("Оформлен", "order.moment", Show::Time),
    ("Покупатель", "order.customer.name", Show::Text),
    ("Сумма", "order.sum_kopecks", Show::Rubles),
    ("Статус", "order.status.name", Show::Text),
    ("Номер в 1С", "from_1c.number", Show::Text),
    ("Ждёт 1С", "pending", Show::Yes),
];

const REST: [(&str, &str, Show); 6] = [
    ("Скидка на заказ", "discount", Show::Rubles),
    ("Оплата", "payment", Show::Text),
    ("Доставка", "delivery", Show::Text),
    ("Её стоимость", "delivery_cost", Show::Rubles),
    ("Адрес", "address", Show::Text),
    ("Комментарий", "comment", Show::Text),
];

const PUSH: [(&str, &str, Show); 7] = [
    ("Состояние", "state", Show::Text),
    ("Заказ там", "their_id", Show::Text),
    ("Номер там", "their_number", Show::Text),
    ("Статус там", "status_name", Show::Text),
    ("Отправлен", "asked_at", Show::Time),
    ("Снова", "due_at", Show::Time),
    ("Что не так", "error", Show::Text),
];

fn pushed(api: &Api, push: &Value) {
    match api.json {
        true => show::json(push),
        false => show::items(std::slice::from_ref(push), &PUSH),
    }
}

fn card(api: &Api, stored: &Value) {
    if api.json {
        return show::json(stored);
    }
    show::items(std::slice::from_ref(stored), &COLUMNS);
    let items = stored.pointer("/order/items").and_then(Value::as_array);
    let items = items.map(Vec::as_slice).unwrap_or_default();
    let items: Vec<Value> = items.iter().map(order_words::item).collect();
    let columns = [
        ("Товар", "id", Show::Text),
        ("Название", "name", Show::Text),
        ("Артикул", "article", Show::Text),
        ("Кол-во", "quantity_thousandths", Show::Quantity),
        ("Цена", "price_kopecks", Show::Rubles),
        ("Скидка", "discount", Show::Rubles),
        ("Сумма", "sum_kopecks", Show::Rubles),
    ];
    show::items(&items, &columns);
    show::items(&[order_words::rest(&stored["order"])], &REST);
}
