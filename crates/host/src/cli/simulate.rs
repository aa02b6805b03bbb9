//! `sklad-edge simulate`: what a receipt would cost, and why.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use super::api::{Connection, Failure, encode, finish};
use super::out;
use super::show::{self, Show, rubles, scaled};
use super::tenant::{json_file, set, text};

/// Calculates a receipt and explains every rule that fired. Nothing is written.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    connection: Connection,
    /// The tenant.
    tenant: String,
    /// Positions: GOOD[*QUANTITY][@RUBLES], as kefir*2, cheese*0.35@899.90, @100.
    #[arg(required = true)]
    lines: Vec<String>,
    /// The customer's id, phone or card.
    #[arg(long)]
    customer: Option<String>,
    /// Spend points, as many as possible.
    #[arg(long)]
    spend: bool,
    /// Spend so many points.
    #[arg(long)]
    points: Option<i64>,
    /// As if so many points were available.
    #[arg(long)]
    balance: Option<i64>,
    /// The shop's time, "YYYY-MM-DD HH:MM:SS" [default: now].
    #[arg(long)]
    at: Option<String>,
    /// Id of the point of sale.
    #[arg(long)]
    store: Option<String>,
    /// A programme to try instead of the one in force: a JSON file.
    #[arg(long)]
    programme: Option<PathBuf>,
}

/// Runs the command.
pub async fn run(arguments: Arguments) -> Result<ExitCode> {
    Ok(finish(execute(arguments)))
}

fn execute(arguments: Arguments) -> Result<(), Failure> {
    let lines = arguments
        .lines
        .iter()
        .map(|l| line(l))
        .collect::<Result<Vec<_>, _>>()?;
    let spend = arguments.spend || arguments.points.is_some();
    let mut body = json!({ "lines": lines, "spend": spend });
    set(&mut body, "customer", arguments.customer.map(Value::from));
    set(&mut body, "points", arguments.points.map(Value::from));
    set(&mut body, "balance", arguments.balance.map(Value::from));
    set(&mut body, "at", arguments.at.map(Value::from));
    set(&mut body, "store", arguments.store.map(Value::from));
    let programme = arguments.programme.as_deref().map(json_file).transpose()?;
    set(&mut body, "programme", programme);
    let api = arguments.connection.api()?;
    let quote = api.post(&format!("/{}/simulate", encode(&arguments.tenant)), &body)?;
    if api.json {
        show::json(&quote)
    } else {
        print(&quote)
    }
    Ok(())
}

/// `GOOD[*QUANTITY][@RUBLES]`.
fn line(given: &str) -> Result<Value, Failure> {
    let (rest, price) = match given.rsplit_once('@') {
        Some((rest, price)) => (rest, Some(scaled(price, 2)?)),
        None => (given, None),
    };
    let (good, quantity) = match rest.rsplit_once('*') {
        Some((good, quantity)) => (good, scaled(quantity, 3)?),
        None => (rest, 1000),
    };
    let mut line = json!({ "quantity_thousandths": quantity });
    set(
        &mut line,
        "good",
        Some(good).filter(|g| !g.is_empty()).map(Value::from),
    );
    set(&mut line, "price_kopecks", price.map(Value::from));
    Ok(line)
}

fn print(quote: &Value) {
    let several = |name: &str| {
        quote
            .get(name)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    let number = |name: &str| quote.get(name).and_then(Value::as_i64).unwrap_or_default();
    let columns = [
        ("Товар", "name", Show::Text),
        ("Количество", "quantity_thousandths", Show::Quantity),
        ("Цена, ₽", "price_kopecks", Show::Rubles),
        ("Со скидкой, ₽", "discounted_price_kopecks", Show::Rubles),
    ];
    show::items(&several("lines"), &columns);
    out!(
        "Без скидок {} ₽, скидка {} ₽, баллами {} ₽, к оплате {} ₽.",
        rubles(number("gross_kopecks")),
        rubles(number("discount_kopecks")),
        rubles(number("paid_by_points_kopecks")),
        rubles(number("to_pay_kopecks"))
    );
    out!(
        "Баллы: было {}, списать {} (можно {}), начислить {}, станет {}.",
        number("balance_before"),
        number("spend"),
        number("max_spend"),
        number("earn"),
        number("balance_after")
    );
    if quote.get("needs_verification").and_then(Value::as_bool) == Some(true) {
        out!("Касса спросит код подтверждения.");
    }
    let receipt = text(quote, "receipt_text");
    if !receipt.is_empty() {
        out!("На чеке:\n{receipt}");
    }
    out!("Почему так:");
    for reason in several("explanation") {
        let line = reason.get("line").and_then(Value::as_u64);
        let place = line
            .map(|l| format!(", позиция {}", l + 1))
            .unwrap_or_default();
        out!(
            "  {} [{}{place}]",
            text(&reason, "text"),
            text(&reason, "rule")
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_read() {
        let whole = json!({ "good": "kefir", "quantity_thousandths": 1000 });
        assert_eq!(line("kefir").unwrap(), whole);
        let weighed =
            json!({ "good": "a-b", "quantity_thousandths": 350, "price_kopecks": 89_990 });
        assert_eq!(line("a-b*0.35@899,90").unwrap(), weighed);
        assert_eq!(
            line("@1").unwrap(),
            json!({ "quantity_thousandths": 1000, "price_kopecks": 100 })
        );
        assert!(line("a*x").is_err() && line("a@1.234").is_err());
    }
}
