//! `GET /counterparty?search=`: one parameter for whatever the cashier types or scans.

use serde_json::{Value, json};

use crate::fixture::*;

/// A shop with a few customers whose numbers are known.
fn club() -> Shop {
    let shop = Shop::new(json!({}));
    for input in [
        json!({ "name": "Пётр Ильич Королёв", "phone": "+7 903 999-33-44", "card": "2000000000017" }),
        json!({ "name": "Иванова-Штерн Анна", "phone": "8 (912) 000-11-22", "email": "anna@mail.example" }),
        json!({ "name": "Ольга Ковальчук", "phone": "+375 29 123-45-67", "card": "VIP-77/2024" }),
        json!({ "name": "Jürgen Müller", "phone": "+49 1512 0001234" }),
    ] {
        shop.customer(input);
    }
    shop
}

fn names(rows: &[Value]) -> Vec<String> {
    rows.iter().map(|row| text(&row["name"])).collect()
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

#[test]
fn a_phone_is_found_in_any_writing_and_shown_as_it_was_typed() {
    let shop = club();
    for typed in [
        "9039993344",
        "89039993344",
        "79039993344",
        "+79039993344",
        "+7 (903) 999-33-44",
        "8 903 999 33 44",
        "8-903-999-33-44",
        " 903 999 33 44 ",
        // While it is being typed, and by its end.
        "9039",
        "8903",
        "8 (903) 9",
        "+7 903 99",
        "3344",
        "999-33-44",
    ] {
        let rows = shop.search(typed);
        assert_eq!(names(&rows), ["Пётр Ильич Королёв"], "{typed}");
        // МойСклад may keep only the rows that contain what was typed.
        let shown = text(&rows[0]["phone"]);
        assert!(
            digits(&shown).contains(&digits(typed)),
            "{typed} is not in {shown}"
        );
        assert!(
            shown.contains(typed.trim()) || typed.trim().starts_with("999"),
            "{typed} is not in {shown}"
        );
    }
}

#[test]
fn a_foreign_phone_is_found_with_and_without_its_plus() {
    let shop = club();
    for (typed, name) in [
        ("+375 29 123-45-67", "Ольга Ковальчук"),
        ("375291234567", "Ольга Ковальчук"),
        ("37529", "Ольга Ковальчук"),
        ("4567", "Ольга Ковальчук"),
        ("+49 1512 0001234", "Jürgen Müller"),
        ("0049 1512 0001234", "Jürgen Müller"),
        ("0049 1512", "Jürgen Müller"),
        ("4915120001234", "Jürgen Müller"),
    ] {
        let rows = shop.search(typed);
        assert_eq!(names(&rows), [name], "{typed}");
        let shown = text(&rows[0]["phone"]);
        assert!(
            digits(&shown).contains(&digits(typed)),
            "{typed} is not in {shown}"
        );
    }
}

#[test]
fn a_plus_that_the_client_does_not_encode_is_still_a_plus() {
    let shop = club();
    for query in ["+79039993344", "+7%20903%20999-33-44", "%2B7+903+999+33+44"] {
        let path = format!("/counterparty?search={query}&retailStoreId={STORE}");
        let rows = shop.call("GET", &path, b"").ok()["rows"].clone();
        assert_eq!(rows.as_array().map(Vec::len), Some(1), "{query}");
        assert!(text(&rows[0]["phone"]).starts_with("+7"), "{query}");
    }
}

#[test]
fn a_card_is_found_by_its_number_its_beginning_and_its_qr_code() {
    let shop = club();
    for typed in [
        "2000000000017",
        "20000000",
        " 2000000000017\r\n",
        "https://club.example/card/2000000000017",
        "https://club.example/?card=2000000000017&x=1",
        "HTTPS://CLUB.EXAMPLE/c/2000000000017/#top",
    ] {
        let rows = shop.search(typed);
        assert_eq!(names(&rows), ["Пётр Ильич Королёв"], "{typed:?}");
        assert_eq!(
            rows[0]["discountCardNumber"],
            json!("2000000000017"),
            "{typed:?}"
        );
    }
    for typed in ["VIP-77/2024", "vip-77/2024", "VIP-77", "vip-7"] {
        assert_eq!(names(&shop.search(typed)), ["Ольга Ковальчук"], "{typed}");
    }
}

#[test]
fn a_phone_in_a_qr_code_is_found() {
    let shop = club();
    for typed in [
        "tel:+79039993344",
        "https://club.example/?phone=%2B79039993344",
    ] {
        assert_eq!(
            names(&shop.search(typed)),
            ["Пётр Ильич Королёв"],
            "{typed}"
        );
    }
}

#[test]
fn a_qr_code_with_our_id_finds_its_customer() {
    let shop = Shop::new(json!({}));
    let card = shop.customer(json!({ "name": "Кто-то С Телефоном" }));
    let id = text(&card["id"]);
    for typed in [
        id.clone(),
        id.to_uppercase(),
        format!("https://club.example/{id}"),
    ] {
        assert_eq!(
            names(&shop.search(&typed)),
            ["Кто-то С Телефоном"],
            "{typed}"
        );
    }
}

#[test]
fn a_name_is_found_by_parts_in_any_order_and_case() {
    let shop = club();
    for (typed, name) in [
        ("королев", "Пётр Ильич Королёв"),
        ("КОРОЛЁВ", "Пётр Ильич Королёв"),
        ("королев петр", "Пётр Ильич Королёв"),
        ("Петр Кор", "Пётр Ильич Королёв"),
        ("кор п и", "Пётр Ильич Королёв"),
        ("ильич", "Пётр Ильич Королёв"),
        ("штерн", "Иванова-Штерн Анна"),
        ("анна иванова", "Иванова-Штерн Анна"),
        ("Иванова-Ш", "Иванова-Штерн Анна"),
        ("anna@mail", "Иванова-Штерн Анна"),
        ("müller", "Jürgen Müller"),
    ] {
        assert_eq!(names(&shop.search(typed)), [name], "{typed}");
    }
    for nobody in ["королева анна", "петр ковальчук", "ров", "Сидоров"]
    {
        assert_eq!(shop.search(nobody), Vec::<Value>::new(), "{nobody}");
    }
}

#[test]
fn short_and_hopeless_input_answers_no_rows() {
    let shop = club();
    let long = "9".repeat(301);
    for typed in [
        "",
        " ",
        "9",
        "90",
        "903",
        "+7",
        "8(9",
        "ан",
        "п",
        "%",
        "_",
        "'",
        "\"",
        "*",
        "...",
        "\u{0}\u{1}",
        "' OR 1=1 --",
        "королёв%",
        "🙂🙂🙂🙂",
        "://",
        "https://",
        &long,
    ] {
        let answer = shop.call(
            "GET",
            &format!("/counterparty?search={}", encode(typed)),
            b"",
        );
        assert_eq!(answer.status, 200, "{typed}");
        if !typed.contains('к') {
            assert_eq!(answer.text, r#"{"rows":[]}"#, "{typed}");
        }
    }
    for query in [
        "",
        "?",
        "?search",
        "?search=",
        "?retailStoreId=1",
        "?search=%FF%FE%41",
        "?search=%",
    ] {
        let answer = shop.call("GET", &format!("/counterparty{query}"), b"");
        assert_eq!(
            (answer.status, answer.text.as_str()),
            (200, r#"{"rows":[]}"#),
            "{query}"
        );
    }
}

#[test]
fn at_most_twenty_rows_come_and_the_best_is_first() {
    let shop = Shop::new(json!({}));
    for n in 0..25 {
        shop.customer(
            json!({ "name": format!("Одинцова Нина {n}"), "card": format!("77001{n:02}") }),
        );
    }
    shop.customer(json!({ "name": "Одинцов Семён", "card": "77001" }));
    assert_eq!(shop.search("одинцова").len(), 20);
    let rows = shop.search("77001");
    assert_eq!(
        (rows.len(), names(&rows)[0].as_str()),
        (20, "Одинцов Семён"),
        "a whole card goes first"
    );
    assert_eq!(
        names(&shop.search("одинцов"))[0],
        "Одинцов Семён",
        "a whole word goes first"
    );
    // Who bought last is more likely to be meant.
    let seen = shop.search("7700107")[0].clone();
    shop.sell(&sale_of(
        &shop.recalc(&receipt(&agent(&text(&seen["id"])), &[line(1.0, 1.0)])),
    ));
    assert_eq!(shop.search("одинцова")[0]["id"], seen["id"]);
}

#[test]
fn every_row_has_ids_that_are_uuids() {
    let shop = Shop::new(json!({}));
    // The documentation's own id has eleven digits in its last group: it must not come back as one.
    let broken = "276a6f50-7ffd-11e6-8a84-bae50000005";
    let body = with(
        agent(broken),
        json!({ "name": "Ёлкин Глеб", "phone": "+7 905 111 22 33" }),
    );
    shop.post("/counterparty", &body).ok();
    let rows = shop.search("ёлкин");
    assert_eq!(rows.len(), 1);
    for name in ["id", "msId"] {
        if let Some(id) = rows[0].get(name) {
            assert!(
                uuid::Uuid::try_parse(id.as_str().unwrap()).is_ok(),
                "{name}: {id}"
            );
        }
    }
    assert!(
        rows[0].as_object().unwrap().values().all(|v| !v.is_null()),
        "{}",
        rows[0]
    );
}
