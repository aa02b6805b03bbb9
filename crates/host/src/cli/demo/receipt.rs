//! A receipt as a cashier sees it.

use serde_json::Value;

use super::shop::GOODS;
use crate::cli::out;
use crate::cli::show::{self, quantity, rubles, scaled};

/// The number in a JSON value, in units of `10^-digits`; zero where there is none. More decimals
/// than that are cut.
pub fn number(value: Option<&Value>, digits: usize) -> i64 {
    let text = match value {
        Some(Value::Number(n)) => n.to_string(),
        Some(Value::String(text)) => text.clone(),
        _ => return 0,
    };
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest.to_owned()),
        None => (false, text),
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let fraction: String = fraction.chars().take(digits).collect();
    let amount = scaled(&format!("{whole}.{fraction}"), digits).unwrap_or_default();
    if negative { -amount } else { amount }
}

/// Σ of (price · quantity) over the positions, by the name of the price's field, kopecks.
pub fn total(positions: &[Value], price: &str) -> i64 {
    positions.iter().map(|p| line_total(p, price)).sum()
}

fn line_total(position: &Value, price: &str) -> i64 {
    let thousandths = number(position.get(price), 2) * number(position.get("quantity"), 3);
    (thousandths + 500).div_euclid(1000)
}

fn name(position: &Value) -> String {
    let id = position
        .pointer("/assortment/meta/id")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let good = GOODS.iter().find(|good| good.id() == id);
    good.map_or_else(|| id.to_owned(), |good| good.name.to_owned())
}

/// Prints the positions and what comes out: before, discount, points, to pay, balance after.
pub fn print(title: &str, answer: &Value) {
    let positions = answer
        .get("positions")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let bonus = answer.get("bonusProgram").cloned().unwrap_or_default();
    out!("\n{title}");
    let row = |p: &Value| {
        vec![
            name(p),
            quantity(number(p.get("quantity"), 3)),
            rubles(number(p.get("price"), 2)),
            rubles(number(p.get("discountedPrice"), 2)),
            rubles(line_total(p, "discountedPrice")),
        ]
    };
    let headings = ["Товар", "Кол-во", "Цена", "Со скидкой", "Сумма"];
    show::table(
        &headings,
        positions.iter().map(row).collect(),
        &[1, 2, 3, 4],
    );

    let before = total(&positions, "price");
    let to_pay = total(&positions, "discountedPrice");
    let by_points = number(bonus.get("paidByBonusPoints"), 2);
    let points = |name: &str| number(bonus.get(name), 0);
    let lines = [
        ("Без скидок", rubles(before)),
        ("Скидка", rubles(before - to_pay - by_points)),
        ("Оплачено баллами", rubles(by_points)),
        ("К оплате", rubles(to_pay)),
        ("Баллов было", points("agentBonusBalance").to_string()),
        ("Баллов списать", points("bonusValueToSpend").to_string()),
        ("Баллов начислить", points("bonusValueToEarn").to_string()),
        (
            "Баллов станет",
            points("agentBonusBalanceAfter").to_string(),
        ),
    ];
    for (what, value) in lines {
        out!("{what:<18}{value:>12}");
    }
    if let Some(extra) = bonus
        .get("receiptExtraInfo")
        .and_then(Value::as_str)
        .filter(|t| !t.is_empty())
    {
        out!("На чеке: {}", extra.replace('\n', " / "));
    }
    if answer.get("needVerification").and_then(Value::as_bool) == Some(true) {
        out!("Нужен код подтверждения.");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_are_read_to_the_kopeck() {
        for (value, kopecks) in [
            (json!(12.5), 1250),
            (json!("7"), 700),
            (json!(-3), -300),
            (json!(1.239), 123),
        ] {
            assert_eq!(number(Some(&value), 2), kopecks, "{value}");
        }
        assert_eq!(number(None, 2), 0);
        let positions = [
            json!({ "price": 899.0, "quantity": 0.355 }),
            json!({ "price": 10, "quantity": 2 }),
        ];
        assert_eq!(total(&positions, "price"), 31_915 + 2_000);
    }
}
