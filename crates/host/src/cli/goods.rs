//! `sklad-edge goods`: goods and categories.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::Value;

use super::api::{Api, Connection, Failure, encode, finish, query};
use super::show::{self, Show};
use super::tenant::json_file;
use super::upsert;

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
            upsert::upsert(
                &api,
                BATCH,
                "POST",
                &format!("/{}/goods", encode(&tenant)),
                json_file(&file)?,
            )?;
        }
        Command::Categories {
            tenant,
            file: Some(file),
        } => {
            upsert::upsert(
                &api,
                BATCH,
                "POST",
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

fn list(api: &Api, goods: &[Value]) {
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
    show::list(api, goods, &columns);
}

fn categories(api: &Api, all: &[Value]) {
    let columns = [
        ("Категория", "id", Show::Text),
        ("Название", "name", Show::Text),
        ("Входит в", "parent", Show::Text),
    ];
    show::list(api, all, &columns);
}

fn entries(api: &Api, all: &[Value]) {
    let columns = [
        ("Идентификатор", "id", Show::Text),
        ("Название", "name", Show::Text),
        ("Архив", "archived", Show::Yes),
    ];
    show::list(api, all, &columns);
}
