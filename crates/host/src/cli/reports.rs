//! `sklad-edge sales`, `journal` and `check`: what has happened.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use super::api::{Connection, Failure, encode, finish, query};
use super::out;
use super::show::{self, Show};

/// Sales and returns, the newest first.
#[derive(Debug, Args)]
pub struct Sales {
    #[command(flatten)]
    connection: Connection,
    /// The tenant.
    tenant: String,
    /// One sale with its positions, by its id.
    id: Option<String>,
    /// Only sale or only return.
    #[arg(long)]
    kind: Option<String>,
    /// Only of this customer.
    #[arg(long)]
    customer: Option<String>,
    /// At most so many.
    #[arg(long, default_value_t = 100)]
    limit: usize,
}

/// The journal, the newest first.
#[derive(Debug, Args)]
pub struct Journal {
    #[command(flatten)]
    connection: Connection,
    /// The tenant.
    tenant: String,
    /// Only this action: sale, return, customer, adjust…
    #[arg(long)]
    action: Option<String>,
    /// Only this outcome: ok, warning, repeated, error.
    #[arg(long)]
    outcome: Option<String>,
    /// Only of this customer.
    #[arg(long)]
    customer: Option<String>,
    /// At most so many.
    #[arg(long, default_value_t = 100)]
    limit: usize,
}

/// Recomputes all balances and shows differences; exit code 1 when there are some.
#[derive(Debug, Args)]
pub struct Check {
    #[command(flatten)]
    connection: Connection,
    /// The tenant.
    tenant: String,
}

/// Runs `sales`.
pub async fn sales(arguments: Sales) -> Result<ExitCode> {
    Ok(finish(execute_sales(&arguments)))
}

/// Runs `journal`.
pub async fn journal(arguments: Journal) -> Result<ExitCode> {
    Ok(finish(execute_journal(&arguments)))
}

/// Runs `check`.
pub async fn check(arguments: Check) -> Result<ExitCode> {
    Ok(finish(execute_check(&arguments)))
}

const SALES: [(&str, &str, Show); 9] = [
    ("Когда", "moment", Show::Time),
    ("Вид", "kind", Show::Text),
    ("№", "number", Show::Text),
    ("Документ", "id", Show::Text),
    ("Без скидок, ₽", "gross_kopecks", Show::Rubles),
    ("Оплачено, ₽", "paid_kopecks", Show::Rubles),
    ("Списано", "spend", Show::Number),
    ("Начислено", "earn", Show::Number),
    ("Внимание", "flags", Show::Text),
];

fn execute_sales(arguments: &Sales) -> Result<(), Failure> {
    let api = arguments.connection.api()?;
    let path = format!("/{}/sales", encode(&arguments.tenant));
    if let Some(id) = &arguments.id {
        let sale = api.get(&format!("{path}/{}", encode(id)))?;
        if api.json {
            show::json(&sale);
        } else {
            one_sale(&sale);
        }
        return Ok(());
    }
    let (kind, customer) = (arguments.kind.as_deref(), arguments.customer.as_deref());
    let query = query(&[("kind", kind), ("customer", customer)]);
    let all = api.list(&format!("{path}{query}"), arguments.limit)?;
    if api.json {
        show::json(&Value::from(all))
    } else {
        show::items(&all, &SALES)
    }
    Ok(())
}

fn one_sale(sale: &Value) {
    let several = |name: &str| {
        sale.get(name)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    show::items(std::slice::from_ref(sale), &SALES);
    let columns = [
        ("Товар", "good", Show::Text),
        ("Количество", "quantity_thousandths", Show::Quantity),
        ("Цена, ₽", "price_kopecks", Show::Rubles),
        ("Со скидкой, ₽", "discounted_price_kopecks", Show::Rubles),
    ];
    show::items(&several("positions"), &columns);
    let returns = several("returns");
    if !returns.is_empty() {
        out!("Возвраты:");
        show::items(&returns, &SALES);
    }
}

fn execute_journal(arguments: &Journal) -> Result<(), Failure> {
    let api = arguments.connection.api()?;
    let query = query(&[
        ("action", arguments.action.as_deref()),
        ("outcome", arguments.outcome.as_deref()),
        ("customer", arguments.customer.as_deref()),
    ]);
    let path = format!("/{}/journal{query}", encode(&arguments.tenant));
    let lines = api.list(&path, arguments.limit)?;
    let columns = [
        ("Когда", "at", Show::Time),
        ("Откуда", "direction", Show::Text),
        ("Действие", "action", Show::Text),
        ("Итог", "outcome", Show::Text),
        ("Что произошло", "text", Show::Text),
    ];
    if api.json {
        show::json(&Value::from(lines))
    } else {
        show::items(&lines, &columns)
    }
    Ok(())
}

fn execute_check(arguments: &Check) -> Result<(), Failure> {
    let api = arguments.connection.api()?;
    let path = format!("/{}/check?limit=500", encode(&arguments.tenant));
    let mut differences = Vec::new();
    let mut checked = 0;
    let mut cursor = String::new();
    loop {
        let page = api.get(&format!("{path}{cursor}"))?;
        checked += page
            .get("checked")
            .and_then(Value::as_u64)
            .unwrap_or_default();
        differences.extend(
            page.get("differences")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default(),
        );
        match page.get("next").and_then(Value::as_str) {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let columns = [
        ("Покупатель", "customer", Show::Text),
        ("Баланс", "balance", Show::Number),
        ("По движениям", "entries", Show::Number),
        ("По начислениям", "lots", Show::Number),
    ];
    if api.json {
        show::json(&json!({ "checked": checked, "differences": differences }));
    } else if differences.is_empty() {
        out!("Проверено покупателей: {checked}, расхождений нет.");
    } else {
        show::items(&differences, &columns);
    }
    if differences.is_empty() {
        return Ok(());
    }
    Err(Failure::Refused(format!(
        "Расхождений: {} из {checked}",
        differences.len()
    )))
}
