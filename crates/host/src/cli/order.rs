//! `sklad-edge order`: orders of the shop.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::Value;

use super::api::{Api, Connection, Failure, encode, finish};
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
    /// Creates or changes orders from a JSON array.
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
        Command::List { tenant, limit } => {
            let orders = api.list(&format!("/{}/orders", encode(&tenant)), limit)?;
            list(&api, &orders);
        }
        Command::Show { tenant, order } => {
            let path = format!("/{}/orders/{}", encode(&tenant), encode(&order));
            card(&api, &api.get(&path)?);
        }
        Command::Put { tenant, file } => {
            let path = format!("/{}/orders", encode(&tenant));
            upsert::upsert(&api, BATCH, &path, json_file(&file)?)?;
        }
    }
    Ok(())
}

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

fn list(api: &Api, orders: &[Value]) {
    if api.json {
        return show::json(&Value::from(orders));
    }
    show::items(orders, &COLUMNS);
}

fn card(api: &Api, stored: &Value) {
    if api.json {
        return show::json(stored);
    }
    show::items(std::slice::from_ref(stored), &COLUMNS);
    let items = stored.pointer("/order/items").and_then(Value::as_array);
    let columns = [
        ("Товар", "id", Show::Text),
        ("Название", "name", Show::Text),
        ("Артикул", "article", Show::Text),
        ("Кол-во", "quantity_thousandths", Show::Quantity),
        ("Цена", "price_kopecks", Show::Rubles),
        ("Сумма", "sum_kopecks", Show::Rubles),
    ];
    show::items(items.map(Vec::as_slice).unwrap_or_default(), &columns);
}
