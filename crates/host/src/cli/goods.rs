//! `sklad-edge goods`: goods and categories.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::api::{Api, Connection, Failure, encode, finish, query};
use super::out;
use super::show::{self, Show};
use super::tenant::json_file;

/// Goods or categories of one request.
const BATCH: usize = 1000;

/// Goods and categories.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists goods.
    List {
        /// The tenant.
        tenant: String,
        /// Words of the name, article, code, barcode or id.
        text: Option<String>,
        /// In this category or below it.
        #[arg(long)]
        category: Option<String>,
        /// With this barcode.
        #[arg(long)]
        barcode: Option<String>,
        /// The variants of this product.
        #[arg(long)]
        parent: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Shows one good with everything, as JSON.
    Show {
        /// The tenant.
        tenant: String,
        /// Any of its ids.
        id: String,
    },
    /// Lists price types.
    PriceTypes {
        /// The tenant.
        tenant: String,
    },
    /// Lists stores.
    Stores {
        /// The tenant.
        tenant: String,
    },
    /// Creates or changes goods from a JSON array.
    Upsert {
        /// The tenant.
        tenant: String,
        /// A JSON file; - is standard input.
        file: PathBuf,
    },
    /// Lists categories, or creates and changes them from a JSON array.
    Categories {
        /// The tenant.
        tenant: String,
        /// A JSON file; - is standard input.
        file: Option<PathBuf>,
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
            text,
            category,
            barcode,
            parent,
            limit,
        } => {
            let query = query(&[
                ("q", text.as_deref()),
                ("category", category.as_deref()),
                ("barcode", barcode.as_deref()),
                ("parent", parent.as_deref()),
            ]);
            let goods = api.list(&format!("/{}/goods{query}", encode(&tenant)), limit)?;
            list(&api, &goods);
        }
        Command::Show { tenant, id } => {
            let path = format!("/{}/goods/{}", encode(&tenant), encode(&id));
            show::json(&api.get(&path)?);
        }
        Command::PriceTypes { tenant } => {
            let all = api.list(&format!("/{}/price-types", encode(&tenant)), usize::MAX)?;
            entries(&api, &all);
        }
        Command::Stores { tenant } => {
            let all = api.list(&format!("/{}/stores", encode(&tenant)), usize::MAX)?;
            entries(&api, &all);
        }
        Command::Upsert { tenant, file } => {
            upsert(
                &api,
                &format!("/{}/goods", encode(&tenant)),
                json_file(&file)?,
            )?;
        }
        Command::Categories {
            tenant,
            file: Some(file),
        } => {
            upsert(
                &api,
                &format!("/{}/categories", encode(&tenant)),
                json_file(&file)?,
            )?;
        }
        Command::Categories { tenant, file: None } => {
            let all = api.list(&format!("/{}/categories", encode(&tenant)), usize::MAX)?;
            categories(&api, &all);
        }
    }
    Ok(())
}

fn upsert(api: &Api, path: &str, items: Value) -> Result<(), Failure> {
    let Value::Array(items) = items else {
        return Err(Failure::Usage("в файле должен быть массив JSON".to_owned()));
    };
    let mut sums = [("created", 0_u64), ("changed", 0), ("unchanged", 0)];
    for (n, batch) in items.chunks(BATCH).enumerate() {
        let done = api
            .post(path, &Value::from(batch))
            .map_err(|failure| match failure {
                // Places are counted within a batch.
                Failure::Refused(text) if n > 0 => {
                    Failure::Refused(format!("начиная с {}-й записи файла: {text}", n * BATCH))
                }
                other => other,
            })?;
        for (name, sum) in &mut sums {
            *sum += done.get(*name).and_then(Value::as_u64).unwrap_or_default();
        }
    }
    let [(_, created), (_, changed), (_, unchanged)] = sums;
    if api.json {
        show::json(&json!({ "created": created, "changed": changed, "unchanged": unchanged }));
    } else {
        out!("Создано {created}, изменено {changed}, без изменений {unchanged}.");
    }
    Ok(())
}

fn list(api: &Api, goods: &[Value]) {
    if api.json {
        return show::json(&Value::from(goods));
    }
    let columns = [
        ("Товар", "id", Show::Text),
        ("Название", "name", Show::Text),
        ("Артикул", "article", Show::Text),
        ("Код", "code", Show::Text),
        ("Штрихкоды", "barcodes", Show::Text),
        ("Цена, ₽", "price_kopecks", Show::Rubles),
        ("Без скидок", "discount_prohibited", Show::Yes),
        ("Архив", "archived", Show::Yes),
    ];
    show::items(goods, &columns);
}

fn categories(api: &Api, all: &[Value]) {
    if api.json {
        return show::json(&Value::from(all));
    }
    let columns = [
        ("Категория", "id", Show::Text),
        ("Название", "name", Show::Text),
        ("Входит в", "parent", Show::Text),
    ];
    show::items(all, &columns);
}

fn entries(api: &Api, all: &[Value]) {
    if api.json {
        return show::json(&Value::from(all));
    }
    let columns = [
        ("Идентификатор", "id", Show::Text),
        ("Название", "name", Show::Text),
        ("Архив", "archived", Show::Yes),
    ];
    show::items(all, &columns);
}
