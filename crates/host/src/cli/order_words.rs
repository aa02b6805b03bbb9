//! Orders as people read them: what a change was, what an order costs beside its goods. No IO.

use serde_json::{Value, json};

use super::show::{moscow, rubles};

/// A row of the history, whose values are words.
pub fn event(event: &Value) -> Value {
    let mut row = event.clone();
    let what = event["what"].as_str().unwrap_or_default();
    for field in ["was", "became"] {
        row[field] = Value::from(value(what, &event[field]));
    }
    row
}

fn value(what: &str, value: &Value) -> String {
    match (what, value) {
        (_, Value::Null) => String::new(),
        ("created" | "sum", Value::Number(n)) => rubles(n.as_i64().unwrap_or_default()),
        ("paid" | "shipped" | "cancelled", Value::Number(n)) => {
            moscow(n.as_i64().unwrap_or_default())
        }
        ("accounting", of) => accounting(of),
        (_, Value::String(text)) => text.clone(),
        // A status, a way to pay or to deliver.
        (_, of) => match of["name"].as_str() {
            Some(name) => name.to_owned(),
            None => of.to_string(),
        },
    }
}

/// What 1C or МойСклад has said.
fn accounting(of: &Value) -> String {
    let text = |name: &str, field: &str| {
        let text = of[field].as_str()?;
        Some(format!("{name} {text}"))
    };
    let time = |name: &str, field: &str| {
        let at = of[field].as_i64()?;
        Some(format!("{name} {}", moscow(at)))
    };
    let flag = |name: &str, field: &str| (of[field] == true).then(|| name.to_owned());
    let sum = of["sum_kopecks"].as_i64().map(rubles);
    let parts = [
        text("номер", "number"),
        time("от", "date"),
        text("статус", "status"),
        sum.map(|sum| format!("сумма {sum}")),
        time("оплачен", "paid_at"),
        time("отгружен", "shipped_at"),
        flag("отменён", "cancelled"),
        flag("проведён", "posted"),
        flag("помечен на удаление", "deleted"),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// What an order is beside its items.
pub fn rest(order: &Value) -> Value {
    json!({
        "discount": discount(order),
        "payment": order.pointer("/payment/name"),
        "delivery": order.pointer("/delivery/name"),
        "delivery_cost": delivery_cost(order),
        "address": address(order),
        "comment": order["comment"],
    })
}

/// An item with its discounts as one sum.
pub fn item(item: &Value) -> Value {
    let mut row = item.clone();
    row["discount"] = Value::from(discount(item));
    row
}

/// The discounts of an order or an item that no price contains, kopecks; `None` where there is none.
fn discount(of: &Value) -> Option<i64> {
    let all = of["discounts"].as_array()?;
    let outside = all.iter().filter(|d| d["included"] != true);
    let sum = outside.filter_map(|d| d["sum_kopecks"].as_i64()).sum();
    (sum != 0).then_some(sum)
}

fn delivery_cost(order: &Value) -> Option<i64> {
    let items = order["items"].as_array()?;
    let mut delivery = items.iter().filter(|item| item["id"] == DELIVERY_ID);
    delivery.next()?["sum_kopecks"].as_i64()
}

/// The id of the item that stands for the delivery.
const DELIVERY_ID: &str = "ORDER_DELIVERY";

/// The address as one text, out of its parts where it has none.
fn address(order: &Value) -> Option<String> {
    const PARTS: [&str; 10] = [
        "postcode", "country", "region", "district", "town", "city", "street", "house", "building",
        "flat",
    ];
    let address = order.pointer("/customer/address")?;
    match address["text"].as_str() {
        Some(text) if !text.is_empty() => Some(text.to_owned()),
        _ => {
            let parts = PARTS.iter().filter_map(|part| address[*part].as_str());
            Some(parts.collect::<Vec<_>>().join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_in_words() {
        let of = |what: &str, became: Value| {
            let row = event(&json!({ "what": what, "was": null, "became": became }));
            assert_eq!(row["was"], "");
            row["became"].as_str().unwrap().to_owned()
        };
        assert_eq!(of("created", json!(49_400)), "494,00");
        assert_eq!(of("number", json!("15")), "15");
        assert_eq!(
            of("paid", json!(1_795_377_225_400_i64)),
            moscow(1_795_377_225_400)
        );
        let status = json!({ "final": false, "id": "new", "name": "Новый", "since": 1 });
        assert_eq!(of("status", status), "Новый");
        assert_eq!(
            of("payment", json!({ "id": "cash", "name": "Наличными" })),
            "Наличными"
        );
        let said = json!({ "number": "К-7", "status": "[A] Собран", "sum_kopecks": 100,
            "cancelled": false, "posted": true, "deleted": false });
        assert_eq!(
            of("accounting", said),
            "номер К-7, статус [A] Собран, сумма 1,00, проведён"
        );
    }

    #[test]
    fn what_an_order_shows_adds_up() {
        let order = json!({
            "sum_kopecks": 49_400,
            "items": [
                { "id": "p", "sum_kopecks": 19_500, "discounts": [
                    { "name": "a", "sum_kopecks": 500, "included": false },
                    { "name": "b", "sum_kopecks": 70, "included": true },
                ]},
                { "id": "ORDER_DELIVERY", "sum_kopecks": 30_000 },
            ],
            "discounts": [{ "name": "Скидка", "sum_kopecks": 100, "included": false }],
            "delivery": { "id": "post", "name": "Почтой" },
            "customer": { "address": { "text": "", "city": "Москва", "house": "7" } },
        });
        assert_eq!(item(&order["items"][0])["discount"], 500);
        assert_eq!(item(&order["items"][1])["discount"], Value::Null);
        let rest = rest(&order);
        assert_eq!(rest["discount"], 100);
        assert_eq!(rest["delivery_cost"], 30_000);
        assert_eq!(
            (&rest["delivery"], &rest["payment"]),
            (&json!("Почтой"), &Value::Null)
        );
        assert_eq!(rest["address"], "Москва, 7");
    }
}
