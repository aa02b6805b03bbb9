//! Missing, null, empty, of another kind: no field of a call may break a receipt (§2, §8.1).

use serde_json::{Value, json};

use crate::fixture::*;

/// What a field is replaced with.
fn oddities() -> Vec<Option<Value>> {
    let values = json!([
        null,
        "",
        " ",
        {},
        [],
        "текст",
        0,
        "12,5",
        true,
        [null],
        [{}],
        ["x"]
    ]);
    std::iter::once(None)
        .chain(values.as_array().unwrap().iter().cloned().map(Some))
        .collect()
}

/// The paths of every field of a value.
fn paths(value: &Value, at: &str, all: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(k, v)| (k.clone(), v)).collect(),
        Value::Array(list) => list
            .iter()
            .enumerate()
            .map(|(n, v)| (n.to_string(), v))
            .collect(),
        _ => Vec::new(),
    };
    for (name, child) in children {
        let path = format!("{at}/{name}");
        all.push(path.clone());
        paths(child, &path, all);
    }
}

/// The value with what is at `path` replaced or taken out.
fn changed(value: &Value, path: &str, with: &Option<Value>) -> Value {
    let mut value = value.clone();
    let (parent, name) = path.rsplit_once('/').unwrap();
    match (value.pointer_mut(parent), with) {
        (Some(Value::Object(map)), None) => drop(map.remove(name)),
        (Some(Value::Object(map)), Some(with)) => drop(map.insert(name.to_owned(), with.clone())),
        (Some(Value::Array(list)), None) => drop(list.remove(name.parse().unwrap())),
        (Some(Value::Array(list)), Some(with)) => {
            list[name.parse::<usize>().unwrap()] = with.clone()
        }
        _ => unreachable!(),
    }
    value
}

/// Whether a receipt cannot be priced with this: a price or quantity that is there and is no number.
fn unusable(path: &str, field: &str, odd: &Option<Value>) -> bool {
    let number = field.ends_with("/price") || field.ends_with("/quantity");
    let empty = |odd: &Value| match odd {
        Value::Null | Value::Number(_) => true,
        Value::String(text) => text.trim().is_empty() || text == "12,5",
        Value::Array(list) => list.iter().all(|item| *item == json!({})),
        Value::Object(_) => true,
        Value::Bool(_) => false,
    };
    path == "/retaildemand/recalc"
        && number
        && !field.contains("/pack/")
        && !odd.as_ref().is_none_or(empty)
}

/// Posts `body` with every field replaced by every oddity; each must be a success, but for a price
/// that is none.
fn survive(path: &str, body: &Value) {
    let shop = Shop::new(json!({ "earning": { "welcome": {} } }));
    let mut all = Vec::new();
    paths(body, "", &mut all);
    std::thread::scope(|scope| {
        for part in all.chunks(all.len().div_ceil(4)) {
            let shop = &shop;
            scope.spawn(move || {
                for field in part {
                    for odd in oddities() {
                        let body = changed(body, field, &odd);
                        let answer = shop.post(path, &body);
                        let fine = if unusable(path, field, &odd) {
                            answer.status == 412
                        } else {
                            (200..300).contains(&answer.status)
                        };
                        assert!(
                            fine,
                            "{path} {field} = {odd:?}: {} {}",
                            answer.status, answer.text
                        );
                    }
                }
            });
        }
    });
    shop.check();
}

fn person() -> Value {
    json!({
        "meta": {
            "href": "https://api.moysklad.ru/api/remap/1.2/entity/counterparty/276a6f50-7ffd-11e6-8a84-bae50000005",
            "id": "276a6f50-7ffd-11e6-8a84-bae50000005",
            "idType": "native",
            "type": "counterparty",
        },
        "name": "Сергеев Сергей", "discountCardNumber": "CARD-1", "phone": "+7 555 123 4568",
        "email": "s@example.com", "legalFirstName": "Сергей", "legalMiddleName": "", "legalLastName": "Сергеев",
        "birthDate": "1983-07-14 00:00:00", "sex": "MALE",
    })
}

fn position() -> Value {
    json!({
        "assortment": with(entity("product", &id()), json!({ "syncId": id() })),
        "quantity": 2.5, "price": 123.45, "discountPercent": 10, "discountedPrice": 111.1,
        "sn": [{ "meta": entity("sn", &id())["meta"], "name": "7895545" }],
        "pack": { "id": id(), "name": "ящ", "quantity": 1.5, "barcode": "2000000051420" },
    })
}

fn document() -> Value {
    json!({
        "retailStore": with(entity("retailstore", STORE), json!({ "name": "Магазин" })),
        "name": "00001", "moment": "2024-04-18 15:06:00",
        "meta": entity("retaildemand", &id())["meta"],
        "agent": person(),
        "positions": [position()],
        "bonusProgram": { "bonusValueToSpend": 1, "bonusValueToEarn": 2 },
        "cashSum": 62.95, "noCashSum": 283_100.0,
        "giftCards": [{ "id": id(), "name": "123456", "paymentSum": 1000 }],
    })
}

#[test]
fn no_field_of_a_recalculation_breaks_it() {
    let mut body = document();
    body["bonusProgram"] = json!({ "transactionType": "SPENDING" });
    body["preferredBonusToSpend"] = json!(5);
    survive("/retaildemand/recalc", &body);
}

#[test]
fn no_field_of_a_sale_breaks_it() {
    survive("/retaildemand", &document());
}

#[test]
fn no_field_of_a_return_breaks_it() {
    let mut body = document();
    body["demand"] = entity("retaildemand", &id());
    body["agent"] = json!({ "href": "https://x/entity/counterparty/1", "id": "1" });
    survive("/retailsalesreturn", &body);
}

#[test]
fn no_field_of_a_balance_request_or_a_new_customer_breaks_it() {
    let body = with(
        person(),
        json!({
            "retailStore": entity("retailstore", STORE), "syncId": id(), "statusCheck": "CHECKED",
        }),
    );
    survive("/counterparty/detail", &body);
    survive("/counterparty", &body);
}

#[test]
fn numbers_may_be_texts_with_a_point_or_a_comma() {
    let shop = Shop::new(json!({}));
    let buyer = shop.buyer(100);
    let mut asked = spending(&buyer, &[line(0.0, 0.0)], None);
    asked["positions"][0]["price"] = json!("1 ".trim());
    asked["positions"][0]["quantity"] = json!("2,500");
    asked["positions"][0]["price"] = json!("99,90");
    asked["preferredBonusToSpend"] = json!("12.0");
    let quote = shop.recalc(&asked);
    assert_eq!(quote["bonusProgram"]["bonusValueToSpend"], json!(12));
    assert_eq!(quote["positions"][0]["quantity"], json!(2.5));
    assert_eq!(quote["positions"][0]["price"], json!(99.9));
}

#[test]
fn the_documentations_broken_ids_are_one_customer_each() {
    let shop = Shop::new(json!({}));
    // Eleven digits in the last group.
    let broken = [
        "276a6f50-7ffd-11e6-8a84-bae50000005",
        "276a6f50-7ffd-11e6-8a84-bae50000006",
        "не uuid 1",
    ];
    for id in broken {
        let quote = shop.recalc(&receipt(&agent(id), &[line(100.0, 1.0)]));
        shop.sell(&sale_of(&quote));
        assert_eq!(shop.balance(&agent(id)), 5, "{id}");
    }
    assert_eq!(shop.list("/customers").len(), broken.len());
}

#[test]
fn names_may_be_swapped_empty_or_as_long_as_they_like() {
    let shop = Shop::new(json!({}));
    for name in [
        "",
        "Ы",
        &"Очень длинное имя ".repeat(200),
        "\u{202e}\u{0}\n\t",
        "'; DROP TABLE customers; --",
        "😀",
    ] {
        let number = phone();
        let body = json!({ "name": name, "legalFirstName": "Иванов", "legalLastName": name, "phone": number });
        shop.post("/counterparty", &body).ok();
        let rows = shop.search(&number);
        assert_eq!(rows.len(), 1, "{name:?}");
        assert_ne!(
            text(&rows[0]["name"]).trim(),
            "",
            "a row needs a name: {name:?}"
        );
    }
}
