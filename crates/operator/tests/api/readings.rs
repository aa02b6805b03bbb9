//! How documents are read: what they may look like, and what is said about those that do not.

use serde_json::{Map, Value, json};

use crate::{World, shops};

const GOOD: &str = "9c56720c-e8a7-4fdc-aea4-7104f28207be";

/// A programme in which every object that there can be is there.
fn programme() -> Value {
    json!({
        "earning": {
            "goods": { GOOD: 10 }, "categories": {}, "tiers": { "gold": 7 }, "stores": {},
            "schedule": [{ "days": ["tue"], "percent": 10 }],
            "welcome": { "points": 200 },
            "birthday": { "points": 300 },
        },
        "spending": { "price_floors_kopecks": { GOOD: 100 } },
        "discounts": { "receipt": [{ "from_kopecks": 300_000, "percent": 3 }] },
        "tiers": { "levels": [{ "id": "gold", "name": "Золотой", "from_kopecks": 5_000_000 }] },
        "codes": { "channel": { "kind": "webhook", "url": "https://sms.example.ru/send" } },
        "receipt": { "template": "Баланс: {balance}" },
    })
}

/// The paths of all objects within a document, as errors write them.
fn objects(value: &Value, path: &str, found: &mut Vec<String>) {
    let below = |name: &str| match path {
        "" => name.to_owned(),
        _ => format!("{path}.{name}"),
    };
    match value {
        Value::Object(map) => {
            found.push(path.to_owned());
            for (name, value) in map {
                objects(value, &below(name), found);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                objects(value, &below(&index.to_string()), found);
            }
        }
        _ => {}
    }
}

/// The document with the object at `path` written as a list of its values, and as an empty one.
fn with_lists(document: &Value, path: &str) -> [Value; 2] {
    let pointer = path.split('.').fold(String::new(), |p, s| match s {
        "" => p,
        name => format!("{p}/{name}"),
    });
    let values = |map: &Map<String, Value>| map.values().cloned().collect::<Vec<_>>();
    let full = values(document.pointer(&pointer).unwrap().as_object().unwrap());
    [Value::from(full), json!([])].map(|list| {
        let mut document = document.clone();
        *document.pointer_mut(&pointer).unwrap() = list;
        document
    })
}

fn refused_as_lists(document: &Value, send: impl Fn(&Value) -> crate::Answer) {
    let mut paths = Vec::new();
    objects(document, "", &mut paths);
    for path in paths {
        for list in with_lists(document, &path) {
            let answer = send(&list);
            assert_eq!(
                answer.refusal(),
                (400, "bad_request", path.as_str()),
                "{list}"
            );
            assert_eq!(answer.message(), "нужен объект, а не список", "{list}");
        }
    }
}

fn put(w: &World, path: &str, body: &Value) -> crate::Answer {
    w.call("PUT", path, &[("if-match", "*")], body)
}

#[test]
fn a_list_is_no_object_wherever_it_stands() {
    let w = shops();
    let programme = programme();
    let accepted = put(&w, "/demo/programme", &programme);
    assert_eq!(accepted.status, 200, "{}", accepted.body);
    refused_as_lists(&programme, |body| put(&w, "/demo/programme", body));

    let customers = json!({ "create_unknown": true });
    let settings = json!({ "name": "x", "customers": customers, "programme": { "codes": {} } });
    refused_as_lists(&settings, |body| put(&w, "/demo/settings", body));
    let tenant = json!({ "slug": "new", "customers": customers, "programme": { "codes": {} } });
    refused_as_lists(&tenant, |body| w.post("", body));
    let receipt = json!({ "programme": { "earning": {} }, "lines": [{ "price_kopecks": 1 }] });
    refused_as_lists(&receipt, |body| w.post("/demo/simulate", body));
}

#[test]
fn a_list_is_no_object_within_a_batch() {
    let w = shops();
    for (path, item) in [
        ("/demo/goods", json!({ "external": "x", "name": "Хлеб" })),
        ("/demo/categories", json!({ "id": "x" })),
        (
            "/demo/gift-certificates",
            json!({ "number": "1", "initial_kopecks": 100 }),
        ),
    ] {
        let answer = w.post(path, &json!([item, ["x", "y"]]));
        assert_eq!(answer.refusal(), (400, "bad_request", "1"), "{path}");
        let answer = w.post(path, &item);
        assert_eq!(answer.refusal(), (400, "bad_request", ""), "{path}");
        assert_eq!(answer.message(), "нужен список, а не объект");
    }
}

#[test]
fn what_is_wrong_is_said_in_russian_with_its_place() {
    let w = shops();
    for (body, place, message) in [
        (r#"{"label": 7}"#, "label", "нужна строка, а не 7"),
        (r#"{"label": null}"#, "label", "нужна строка, а не null"),
        (
            r#"{"lable": ""}"#,
            "lable",
            "незнакомое имя, возможно только: label",
        ),
        (r#"{"label": "", "label": ""}"#, "label", "указано дважды"),
        ("7", "", "нужен объект, а не 7"),
        (
            "{\n  \"label\": \"касса",
            "",
            "JSON обрывается: строка 2, знак 17",
        ),
        (
            "{\"label\": \"касса\",}",
            "",
            "это не JSON: строка 1, знак 19",
        ),
        ("{} {}", "", "это не JSON: строка 1, знак 4"),
    ] {
        let answer = w.post("/demo/keys", &json!(body));
        assert_eq!(answer.refusal(), (400, "bad_request", place), "{body}");
        assert_eq!(answer.message(), message, "{body}");
    }
    for (body, place, message) in [
        (r#"{"lines": 1}"#, "lines", "нужен список, а не 1"),
        (
            r#"{"spend": "да", "lines": []}"#,
            "spend",
            "нужно true или false, а не строка",
        ),
        (
            r#"{"points": 1.5, "lines": []}"#,
            "points",
            "нужно целое число, а не 1.5",
        ),
        (
            r#"{"points": 99999999999999999999, "lines": []}"#,
            "points",
            "нужно целое число, а не 1e+20",
        ),
        (
            r#"{"points": "1", "lines": []}"#,
            "points",
            "нужно целое число, а не строка",
        ),
        (r#"{"store": ""}"#, "", "не указано: lines"),
        (
            r#"{"programme": {"earning": {"percent": "5"}}}"#,
            "programme.earning.percent",
            "нужно число, а не строка",
        ),
        (
            r#"{"programme": {"earning": {"percent": 101}}}"#,
            "programme.earning.percent",
            "процент 101: число вне допустимых пределов",
        ),
        (
            r#"{"programme": {"earning": {"active_after_days": -1}}}"#,
            "programme.earning.active_after_days",
            "число вне допустимых пределов",
        ),
        (
            r#"{"programme": {"earning": {"base": 5, "rounding": "down"}}}"#,
            "programme.earning.base",
            "недопустимое значение",
        ),
        (
            r#"{"programme": {"earning": {"percent": 1e999}}}"#,
            "programme.earning.percent",
            "недопустимое значение",
        ),
        (
            r#"{"programme": {"earning": {"base": "x"}}}"#,
            "programme.earning.base",
            "возможно только: after_discounts, before_discounts",
        ),
        (
            r#"{"programme": {"earning": {"schedule": [{"since": "1.2.26"}]}}}"#,
            "programme.earning.schedule.0.since",
            "дата пишется как ГГГГ-ММ-ДД",
        ),
        (
            r#"{"programme": {"codes": {"channel": {"url": ""}}}}"#,
            "programme.codes.channel",
            "не указано: kind",
        ),
    ] {
        let answer = w.post("/demo/simulate", &json!(body));
        assert_eq!(answer.refusal(), (400, "bad_request", place), "{body}");
        assert_eq!(answer.message(), message, "{body}");
    }
}

#[test]
fn ids_pasted_in_capital_letters_are_the_same_ids() {
    let w = shops();
    let good = json!([{ "ms_id": GOOD, "name": "Кофе", "price_kopecks": 10_000 }]);
    assert_eq!(w.post("/demo/goods", &good).status, 200);
    let upper = GOOD.to_uppercase();
    let programme = json!({
        "earning": { "stores": { &upper: 6 }, "excluded_goods": [&upper] },
        "spending": { "price_floors_kopecks": { &upper: 100 } },
        "discounts": { "goods": { &upper: 10 }, "excluded_categories": ["Drinks"] },
    });
    let stored = put(&w, "/demo/programme", &programme).body;
    assert_eq!(stored["discounts"]["goods"], json!({ GOOD: 10 }));
    assert_eq!(stored["earning"]["stores"], json!({ GOOD: 6 }));
    assert_eq!(stored["earning"]["excluded_goods"], json!([GOOD]));
    assert_eq!(
        stored["spending"]["price_floors_kopecks"],
        json!({ GOOD: 100 })
    );
    assert_eq!(
        stored["discounts"]["excluded_categories"],
        json!(["Drinks"])
    );
    let receipt = w
        .post("/demo/simulate", &json!({ "lines": [{ "good": upper }] }))
        .body;
    assert_eq!(receipt["to_pay_kopecks"], 9_000, "{receipt}");

    let twice = json!({ "discounts": { "goods": { GOOD: 10, &upper: 20 } } });
    let path = format!("discounts.goods.{upper}");
    assert_eq!(
        put(&w, "/demo/programme", &twice).refusal(),
        (422, "refused", path.as_str())
    );
    let both = json!({ "discounts": { "goods": { GOOD: 10 }, "excluded_goods": [&upper] } });
    let path = format!("discounts.goods.{GOOD}");
    assert_eq!(
        put(&w, "/demo/programme", &both).refusal(),
        (422, "refused", path.as_str())
    );
}

#[test]
fn codes_go_to_public_addresses_alone() {
    let w = shops();
    let put = |url: &str| {
        let channel = json!({ "kind": "webhook", "url": url });
        put(
            &w,
            "/demo/programme",
            &json!({ "codes": { "channel": channel } }),
        )
    };
    assert_eq!(put("https://sms.example.ru:8443/send?a=1").status, 200);
    for private in [
        "https://localhost/x",
        "https://10.0.0.1/x",
        "https://gw.local/",
        "http://a.ru",
    ] {
        let answer = put(private);
        assert_eq!(
            answer.refusal(),
            (422, "refused", "codes.channel.url"),
            "{private}"
        );
    }
    let message = put("https://127.0.0.1/").message().to_owned();
    assert!(message.contains("публичн"), "{message}");
}
